"""What a method can begin with before the model is asked for its outputs, which say what is of which class.

Compiling takes a large part of a first call. It needs to know how many images, background images and outputs there are,
not which, and goes on while the outputs are computed.
"""

from __future__ import annotations

import numpy as np

from ..cluster.workers import workers
from ..data.tasks import CLASSIFICATION, REGRESSION
from ..methods import Method, Request
from ..methods.task import Prospect
from .comparing import Pool
from .question import Question
from .targets import explained


def begin(
    method: Method, request: Request, q: Question, pool: Pool | None, outputs: tuple[str, ...], statistic: str
) -> None:
    """Let a method begin, where each image is a row of the answer, all count the same, and this process computes it."""
    task, others = request.predictor.task, pool is not None and pool.strategy == "others"
    if task not in (CLASSIFICATION, REGRESSION) or others or workers() is not None:
        return
    one = np.zeros(1, np.int64)
    method.begin(
        Prospect(
            request=request,
            background=None if pool is None else pool.images,
            n_background=0 if pool is None else min(q.n_background, pool.images.n),
            n_outputs=explained(q, request.predictor, outputs, one, one).shape[1],
            batch_size=q.batch_size,
            statistic=statistic,
        )
    )
