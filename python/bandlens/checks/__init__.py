"""Whether to believe a table: one check per file, all of them functions that return a `Check`."""

from __future__ import annotations

from .result import Check

__all__ = ["Check"]
