"""What an image is to excite: for each objective, how active a layer is, and in which direction that grows.

An objective is a formula on the activations of one or several layers, written with the backend's array functions; the
backend carries the direction back to the image. So nothing here knows a framework, nor takes a derivative of anything
but the model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.backends.contract import Arrays

Formula = Callable[..., tuple[Any, list[Any]]]


@dataclass(frozen=True)
class Objective:
    """An objective.

    Attributes
    ----------
    formula : callable
        ``(nd, activations, readout, places, weights)`` to the activation of each image, shape (n,), and the derivative
        of what grows, one tensor like each of the activations. `activations` are tensors (n, positions, features), one
        per layer; `readout` (n, features) holds each image's feature as a direction, `places` (positions,) the weight
        of each position, `weights` (layers,) that of each layer.
    summary : str
        What "activation" means in the result.
    """

    formula: Formula
    summary: str


def _squared(nd: Arrays, activations: Sequence[Any], readout: Any, places: Any, weights: Any) -> tuple[Any, list[Any]]:
    signal = nd.einsum("npc,nc->np", activations[0], readout)
    size = nd.sqrt(nd.mean(signal * signal, 1))
    return size, [nd.einsum("np,nc->npc", 2 * signal, readout)]


def _mean(nd: Arrays, activations: Sequence[Any], readout: Any, places: Any, weights: Any) -> tuple[Any, list[Any]]:
    signal = nd.einsum("npc,nc->np", activations[0], readout)
    weighted = nd.ones_like(signal) * nd.reshape(places, (1, -1))
    return nd.sum(signal * weighted, 1), [nd.einsum("np,nc->npc", weighted, readout)]


def _dream(nd: Arrays, activations: Sequence[Any], readout: Any, places: Any, weights: Any) -> tuple[Any, list[Any]]:
    total, directions = None, []
    for number, activation in enumerate(activations):
        part = weights[number]
        size = part * nd.mean(nd.mean(activation * activation, 2), 1)
        total = size if total is None else total + size
        directions.append(activation * (2 * part / (activation.shape[1] * activation.shape[2])))
    return nd.sqrt(total), directions


OBJECTIVES = {
    "squared_activity": Objective(_squared, "root mean square over positions"),
    "mean_activity": Objective(_mean, "mean over positions"),
    "neuron": Objective(_mean, "at one position"),
    "direction": Objective(_mean, "mean over positions of the component along the direction"),
    "logit": Objective(_mean, "the logit"),
    "deep_dream": Objective(_dream, "root of the weighted mean squares of the layers"),
}


def unlike(nd: Arrays, activation: Any, direction: Any, images: int, strength: float) -> Any:
    """A direction that also makes the images of a feature differ from each other.

    Parameters
    ----------
    nd : namespace
    activation, direction : tensor, shape (features * images, positions, channels)
        Of a layer, and what an objective wants of it; the images of a feature lie together.
    images : int
        Per feature.
    strength : float
        Of diversity, relative to the objective, both being as long as each other at 1.

    Returns
    -------
    tensor
        Like `direction`.

    Notes
    -----
    The images of a feature are alike as far as the Gram matrices of their activations (which channels are active
    together, wherever) have cosines above 0: Olah, Mordvintsev & Schubert 2017, Feature Visualization, Distill,
    doi:10.23915/distill.00007.
    """
    channels = activation.shape[2]
    gram = nd.einsum("npc,npd->ncd", activation, activation)
    length = nd.sqrt(nd.sum(gram * gram, (1, 2), keepdims=True))
    gram = gram / nd.maximum(length, nd.ones_like(length) * TINY)
    groups = nd.reshape(gram, (-1, images, channels, channels))
    others = nd.reshape(nd.sum(groups, 1, keepdims=True) - groups, (-1, channels, channels))
    # derivative of the sum of cosines in the Gram matrix of unit length, then in the activations
    along = nd.sum(gram * others, (1, 2), keepdims=True)
    towards = nd.einsum("npc,ncd->npd", activation, others - along * gram)
    return _unit(nd, direction) - strength * _unit(nd, towards)


# below any gradient or activation that counts
TINY = 1e-30


def _unit(nd: Arrays, tensor: Any) -> Any:
    length = nd.sqrt(nd.sum(tensor * tensor, (1, 2), keepdims=True))
    return tensor / nd.maximum(length, nd.ones_like(length) * TINY)


def readout(features: Sequence[int] | np.ndarray, n_features: int) -> np.ndarray:
    """Features as directions: rows of the identity, shape (features, n_features), float64."""
    return np.eye(n_features)[np.asarray(features, np.int64)]
