"""The user's model, and what is asked of it: loaded, checked, traced once, its scale of output chosen.

Imports `data` and `engine`; methods and all that comes after them may import it.
"""
