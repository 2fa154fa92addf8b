"""What a method of class activation maps has to say of itself, and what it is given.

A method is given a batch of images and the weights of their explained outputs on the model's units, and gives a map for
each image and output, at the resolution of a layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..data.images import Images
from ..data.options import Option
from ..engine.batching import portions
from ..features.layers import Layer, positions_first
from ..models.predictor import Predictor


@dataclass(frozen=True)
class Asked:
    """The layer whose activations are mapped, in a model that was traced.

    Attributes
    ----------
    predictor : Predictor
    layer : Layer
    images : Images
        For their layout.
    images_per_batch : int
    options : mapping
        Those of the method, with their defaults filled in.
    """

    predictor: Predictor
    layer: Layer
    images: Images
    images_per_batch: int
    options: Mapping[str, Any]

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the layer."""
        rows, cols = self.layer.positions
        assert rows is not None
        assert cols is not None
        return rows, cols

    def activations(self, batch: np.ndarray) -> np.ndarray:
        """What the layer makes of some images, shape (n, positions, features)."""
        return self._activate(batch)

    @cached_property
    def _activate(self) -> Callable[[np.ndarray], np.ndarray]:
        trace, backend, layer = self.predictor.trace, self.predictor.backend, self.layer
        graph = trace.graph(layer.value)

        def activate(x: Any) -> Any:
            value = backend.Run(trace, {graph.input: x}).forward(graph.operations).value(layer.value)
            return positions_first(backend.nd, value, layer)

        example = np.empty((1, *trace.shape), trace.dtype)
        key = ("activations by position", layer.value)
        return trace.compiled(key, lambda: backend.compile(trace, activate, example, any_n=1))

    def in_portions(self, what: str, n: int, compute: Callable[[slice], np.ndarray], passes: int = 1) -> np.ndarray:
        """Compute something for n images, as many at once as fit the memory, and put it together.

        Parameters
        ----------
        what : str
            Tells work apart that needs other amounts of memory.
        n : int
        compute : callable
            Told which images.
        passes : int
            Passes through the model that an image needs at once.
        """
        most = min(max(1, self.images_per_batch // passes), n)
        work = ("localization", what, self.layer.value)
        found = [part for _, part in portions(self.predictor, work, n, most, lambda part, size: compute(part))]
        return found[0] if len(found) == 1 else np.concatenate(found)


Maps = Callable[[Asked, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class CamMethod:
    """One way to make a class activation map.

    Attributes
    ----------
    name, label : str
        Its key, and its name in prose.
    summary, cost, reference : str
        What the map means, what it costs, where it comes from.
    maps : callable
        ``asked, batch, seeds -> maps``: of a batch of images ``(n, *image shape)`` and their explained outputs as
        weights on the model's units, ``(n, k, units)``, the maps ``(n, k, positions)``, signed.
    relu : bool
        Whether the published method sets what is negative to 0 in the end.
    differentiates : bool
        Whether it uses derivatives of the outputs in the layer.
    options : mapping of str to Option
    """

    name: str
    label: str
    summary: str
    cost: str
    reference: str
    maps: Maps
    relu: bool
    differentiates: bool
    options: Mapping[str, Option] = field(default_factory=dict)
