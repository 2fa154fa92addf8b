"""What a method can begin with before the model is asked for its outputs, which say what is of which class.

Compiling takes a large part of a first call. It needs to know how many images, background images and outputs there are,
not which, and goes on while the outputs are computed.
"""

from __future__ import annotations

import numpy as np

from ..cluster.workers import workers
from ..data.labels import target_outputs
from ..data.tasks import CLASSIFICATION
from ..methods import Method, Request
from ..methods.task import Prospect
from .comparing import Pool
from .question import Question


def begin(
    method: Method, request: Request, q: Question, pool: Pool | None, outputs: tuple[str, ...], statistic: str
) -> None:
    """Let a method begin, where each image is a row of the answer, all count the same, and this process computes it."""
    others = pool is not None and pool.strategy == "others"
    if request.predictor.task != CLASSIFICATION or others or workers() is not None:
        return
    one = np.zeros(1, np.int64)
    method.begin(
        Prospect(
            request=request,
            background=None if pool is None else pool.images,
            n_background=0 if pool is None else min(q.n_background, pool.images.n),
            n_outputs=target_outputs(q.target, outputs, one, one).shape[1],
            batch_size=q.batch_size,
            statistic=statistic,
        )
    )
