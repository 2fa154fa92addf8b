"""What users give: images in any container, labels, names of bands and classes, groups, options of a method.

Everything here is checked, and read batch by batch. Imports no other room; every other may import it.
"""
