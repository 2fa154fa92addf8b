"""What each channel of images alone brings, where no way is known that is faster than an image for each channel."""

from __future__ import annotations

from typing import Any

from ..graph import Operation


def apart(trace: Any, operation: Operation, images: Any) -> None:
    """None: there is no such way."""
