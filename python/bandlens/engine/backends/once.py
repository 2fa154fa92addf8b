"""What is made on first use, by one thread: others that ask meanwhile wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

Made = TypeVar("Made")


class Once:
    """What was made, by keys; what makes one may ask for another."""

    def __init__(self) -> None:
        self._making = threading.RLock()
        self._made: dict[Hashable, Any] = {}

    def get(self, key: Hashable, build: Callable[[], Made]) -> Made:
        """What `build` makes, or made before for this key."""
        with self._making:
            if key not in self._made:
                self._made[key] = build()
            found: Made = self._made[key]
        return found
