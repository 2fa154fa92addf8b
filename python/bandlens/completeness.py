"""Do an image's scores sum to what they should? The residual is part of every result, and a large one is said."""

from __future__ import annotations

import warnings

import numpy as np

from . import counting
from .calls import Call
from .errors import CompletenessWarning

# relative residuals beyond this are warned of
MOST_RESIDUAL = 1e-2
LARGE_OUTPUT = 1e4
ROUNDING = 1e-5


def completeness_residuals(sums: np.ndarray, differences: np.ndarray) -> np.ndarray:
    """How far attributions are from summing to f(x) - mean f(background), relative.

    Parameters
    ----------
    sums, differences : ndarray, shape (n, k)

    Returns
    -------
    ndarray, shape (n, k)
        ``|sum - difference|`` over the difference's size, or over the mean size where that is larger: for an image
        whose output hardly differs from the background's, any rounding would be large relative to the difference.
    """
    size = np.abs(differences)
    scale = np.maximum(size, size.mean())
    error = np.abs(sums - differences)
    return np.divide(error, scale, out=error.copy(), where=scale > 0)


def warn_if_incomplete(residuals: np.ndarray, differences: np.ndarray, call: Call) -> None:
    """A residual that is more than rounding is said where it arises."""
    worst = float(residuals.max())
    if worst <= MOST_RESIDUAL or not call.method.exact:
        return
    image = int(np.unravel_index(residuals.argmax(), residuals.shape)[0])
    size, dtype = float(np.abs(call.model_outputs).max()), call.predictor.trace.dtype
    if size > LARGE_OUTPUT:
        cause = f"outputs as large as {size:.0e} leave few digits for their differences in {dtype}"
    elif float(np.abs(differences).max()) < ROUNDING * size:
        cause = "the output hardly differs between images and background, by no more than rounding"
    else:
        cause = f"the model amplifies rounding in {dtype}; a float64 copy of it would tell"
    warnings.warn(
        f"{call.method.label} scores of image {image + counting.first()} miss f(x) - mean f(background) by "
        f"{worst:.1%}: {cause}.",
        CompletenessWarning,
        stacklevel=3,
    )
