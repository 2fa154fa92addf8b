"""The one place that holds the version (DESCRIPTION repeats it for R; a test compares the two)."""

__version__ = "0.1.0"
