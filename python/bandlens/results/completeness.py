"""What an additive method can be held to by its own numbers: the residual and the cancellation of each image's scores.

Scores should sum to what sets an image's output apart. The *residual* is what they miss of it. It can't see scores of
opposite signs that are much too large and cancel; the *cancellation*, their sizes over what there is to share out,
can. `selfcheck` says when either is too large.
"""

from __future__ import annotations

import numpy as np


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


def output_distances(values: np.ndarray, image_output: np.ndarray, references: np.ndarray) -> np.ndarray:
    """How far an image's output is from those of the background images, on average.

    Parameters
    ----------
    values : ndarray, shape (n, k)
        Explained outputs of the images.
    image_output : ndarray of int, shape (n, k)
    references : ndarray, shape (m, outputs)
        All outputs of the background images.

    Returns
    -------
    ndarray, shape (n, k)
        ``mean |f(x) - f(b)|`` over the background images b.
    """
    distances = np.empty(values.shape)
    m = len(references)
    for output in np.unique(image_output):
        here = image_output == output
        ordered = np.sort(references[:, output])
        middle = ordered[m // 2]  # subtracted, so that sums keep their digits
        below_sum = np.concatenate([[0.0], np.cumsum(ordered - middle)])
        below = np.searchsorted(ordered, values[here])
        distances[here] = (
            (values[here] - middle) * (2 * below - m) + below_sum[-1] - 2 * below_sum[below]
        ) / m  # fmt: skip
    return np.maximum(distances, 0)


def score_cancellations(
    scores: np.ndarray, image_output: np.ndarray, distances: np.ndarray, rounding: np.ndarray
) -> np.ndarray:
    """How much larger the scores of an image are than what they share out.

    Parameters
    ----------
    scores : ndarray, shape (n, k, bands)
        Signed scores; those of groups where bands are grouped, whose bands may have cancelled before.
    image_output : ndarray of int, shape (n, k)
    distances : ndarray, shape (n, k)
        Of the explained output from those it is compared with, see `output_distances`.
    rounding : ndarray, shape (n, k)
        How far outputs may differ without meaning anything.

    Returns
    -------
    ndarray, shape (n, k)
        ``sum over bands |score|`` over the image's distance, or over the mean distance of all images explained by the
        same output where that is larger. About 1, or less, where bands agree; some tens where they oppose each other,
        as neighbouring bands do in good models; hundreds and more where scores are far larger than anything the output
        does. 0 where all scores are 0.

    Notes
    -----
    The distance is ``mean |f(x) - f(b)|`` over background images b, not ``|f(x) - mean f(b)|``, which is near zero for
    any image whose output happens to be the mean: then ordinary scores would look large. Outputs have scales of their
    own, so the mean over images is taken per output.
    """
    scale = np.maximum(distances, rounding)
    for output in np.unique(image_output):
        here = image_output == output
        scale[here] = np.maximum(scale[here], distances[here].mean())
    sizes = np.abs(scores).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(sizes == 0, 0.0, sizes / scale)


def largest(values: np.ndarray | None) -> float | None:
    """The worst of all images, or None where there are no such values."""
    return None if values is None else float(np.max(values))


def shown(completeness: float | None, cancellation: float | None) -> str:
    """How a result's line tells both, as far as they are known."""
    residual = "" if completeness is None else f", completeness residual {completeness:.1e}"
    return residual + ("" if cancellation is None else f", cancellation {cancellation:.2g}")
