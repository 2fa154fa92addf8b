"""What people keep: the tables of importance, maps of attributions, their statistics, pieces put together.

Plain arrays that know neither models nor methods nor pictures. Imports `data`; all that makes or shows them may import
it.
"""
