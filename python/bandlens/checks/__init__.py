"""Whether to believe a table: one check per file, all of them functions that return a `Check`.

Imports `data`, `engine`, `models`, `methods`, `cluster`, `results` and `explain`; plots and `r` may import it.
"""

from __future__ import annotations

from .comparison import compare_importance
from .deletion import check_deletion
from .null import check_null
from .plausibility import check_plausibility
from .quality import check_quality
from .randomization import check_randomization
from .result import Check
from .stability import check_stability

__all__ = [
    "Check",
    "check_deletion",
    "check_null",
    "check_plausibility",
    "check_quality",
    "check_randomization",
    "check_stability",
    "compare_importance",
]
