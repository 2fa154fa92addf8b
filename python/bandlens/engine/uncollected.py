"""No looking for garbage while graphs are made, which is nothing but many small objects that refer to each other.

Python looks for garbage by the number of new objects: through all that there is of a framework, and finds none. That
is up to a fifth of a first call.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Put off looking for garbage, unless somebody else has; threads that end first let it go on for all."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
