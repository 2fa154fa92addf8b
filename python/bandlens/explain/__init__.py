"""The main verbs: a question is checked, a method answers it, and the answer checks itself before it becomes a result.

Imports `data`, `engine`, `models`, `methods`, `cluster` and `results`; checks and features may import it.
"""
