"""The one door to R: calls come in with plain arguments and leave with plain arrays; R converts nothing else.

Imports every room; nothing imports it but the R package, by its path.
"""
