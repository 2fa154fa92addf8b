"""The only code that touches a framework; each module is imported when a model needs it."""
