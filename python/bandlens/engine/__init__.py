"""What computes: a model as a graph, the frameworks behind one interface, DeepSHAP's rules, steps that fit the memory.

Nothing here knows methods, tables or people. Imports `data`; all rooms above may import it, and the methods do.
"""
