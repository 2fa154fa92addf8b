"""What images are like by nature, put into the gradient: smooth, with few details, with bands that go together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.backends.contract import Arrays
from .space import Space, amplitude
from .step import Step

# differences between neighbours, in parts of a band's range, below which total variation counts their squares
SOFT = 0.01


def prior_of(nd: Arrays, space: Space, step: Step, dtype: str) -> Callable[[Any], Any]:
    """What images of this kind are like, as a linear map of the gradient.

    To climb in other coordinates, ``image = A coordinates``, is to climb along ``A A' gradient``. Fourier coefficients
    in units of 1 / frequency make of A A' a filter with the gain 1 / frequency^2; bands that vary as the background's
    do, with covariance C = L L' and A = L, are mixed by C.
    """
    gain = (amplitude(space.rows, space.cols) ** 2).astype(dtype)
    mixing = None if space.covariance is None else (space.covariance / np.diag(space.covariance).max()).astype(dtype)

    def apply(uphill: Any) -> Any:
        if step.fourier:
            uphill = nd.fft_filter(uphill, nd.asarray(gain))
        if step.decorrelate:
            uphill = nd.einsum("nrcb,bd->nrcd", uphill, nd.asarray(mixing))
        return uphill

    return apply


def variation(nd: Arrays, images: Any) -> Any:
    """Derivative of the total variation of images that go round at their borders, between -1 and 1."""
    total: Any = 0.0
    for axis in (1, 2):
        near = images[:, :1] if axis == 1 else images[:, :, :1]
        rest = images[:, 1:] if axis == 1 else images[:, :, 1:]
        difference = nd.concatenate([rest, near], axis) - images
        slope = difference / nd.sqrt(difference * difference + SOFT**2)
        far = slope[:, -1:] if axis == 1 else slope[:, :, -1:]
        before = slope[:, :-1] if axis == 1 else slope[:, :, :-1]
        total = total + nd.concatenate([far, before], axis) - slope
    return total / 4
