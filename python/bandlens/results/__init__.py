"""What people keep: the tables of importance, maps of attributions, their statistics, pieces put together.

Plain arrays that know neither models nor methods. Imports `data`; whatever makes or shows results may import it.
"""
