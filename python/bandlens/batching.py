"""How many images to compute at once: enough to keep the device busy, few enough to fit its memory."""

from __future__ import annotations

import numpy as np

from .graph import Graph

# bytes that a compiled step may use: larger ones gain nothing on a CPU and little on a GPU, any of which has so much
STEP_BYTES = 1 << 30
MOST_IMAGES = 1024


def images_per_batch(graph: Graph, dtype: str) -> int:
    """Images for a forward and a backward pass, which keeps every value once."""
    per_image = 2 * np.dtype(dtype).itemsize * sum(layout.size for layout in graph.layouts.values())
    return int(np.clip(STEP_BYTES // max(per_image, 1), 1, MOST_IMAGES))
