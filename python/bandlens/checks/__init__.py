"""Whether to believe a table: one check per file, all of them functions that return a `Check`."""

from __future__ import annotations

from .comparison import compare_importance
from .result import Check
from .stability import check_stability

__all__ = ["Check", "check_stability", "compare_importance"]
