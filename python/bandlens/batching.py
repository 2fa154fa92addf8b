"""How many images to compute at once: enough to keep the device busy, few enough to fit its memory."""

from __future__ import annotations

from types import ModuleType

import numpy as np

from .graph import Graph

# bytes that a compiled step may use where the device doesn't say what it has; on a CPU, more gains nothing
STEP_BYTES = 1 << 30
# of the memory that is free; estimates of what a step needs are rough, and compilers keep more than they have to
SHARE_OF_FREE = 0.25
MOST_IMAGES = 1024


def step_bytes(backend: ModuleType) -> int:
    """Bytes that a compiled step may use on the backend's device."""
    free = backend.free_memory()
    if free is None:
        return STEP_BYTES
    # a power of 2, so that the next call, with a little less or more, needs nothing compiled anew
    return 1 << max(0, int(SHARE_OF_FREE * free).bit_length() - 1)


def images_per_batch(graph: Graph, dtype: str, budget: int) -> int:
    """Images for a forward and a backward pass, which keeps every value once."""
    per_image = 2 * np.dtype(dtype).itemsize * sum(layout.size for layout in graph.layouts.values())
    return int(np.clip(budget // max(per_image, 1), 1, MOST_IMAGES))
