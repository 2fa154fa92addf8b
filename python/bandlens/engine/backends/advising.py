"""What to tell users whose calls take long, where a framework is as fast as it can be, or nothing is known of it."""

from __future__ import annotations


def advice() -> str | None:
    """Nothing."""
    return None
