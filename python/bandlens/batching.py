"""How many images to compute at once: enough to keep the device busy, few enough to fit its memory."""

from __future__ import annotations

from types import ModuleType

import numpy as np

from .graph import Graph

# on a CPU larger batches gain nothing
CPU_BYTES = 1 << 30
GPU_SHARE = 0.5
MOST_IMAGES = 1024


def memory_budget(backend: ModuleType) -> int:
    """Bytes that a compiled step may use."""
    free = backend.free_memory()
    return CPU_BYTES if free is None else int(free * GPU_SHARE)


def images_per_batch(backend: ModuleType, graph: Graph, dtype: str) -> int:
    """Images for a forward and a backward pass, which keeps every value once."""
    per_image = 2 * np.dtype(dtype).itemsize * sum(layout.size for layout in graph.layouts.values())
    return int(np.clip(memory_budget(backend) // max(per_image, 1), 1, MOST_IMAGES))
