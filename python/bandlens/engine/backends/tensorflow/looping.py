"""A traced function whose loops are kept, for those who ask for nothing but its value or its derivative.

The rules of DeepSHAP need every operation of a loop, as many times as there are steps. A gradient does not: TensorFlow
differentiates the loop itself. What is compiled then does not grow with the steps.
"""

from __future__ import annotations

import weakref

import tensorflow as tf

from ...graph import Layout
from .entry import Entry
from .flat import Flat
from .run import Run, computed_in
from .tracing import Traced


class Looping:
    """The same function as that of a `Flat`, with loops.

    Parameters
    ----------
    traced : Traced
    """

    def __init__(self, traced: Traced) -> None:
        self.flat = Flat(traced, writes_out=False)
        self._fixed: weakref.WeakKeyDictionary[tf.Graph, dict[int, tf.Tensor]] = weakref.WeakKeyDictionary()
        self._values = {
            (entry.name, place): value for entry in self.flat.entries for place, value in enumerate(entry.outputs)
        }

    def fixed(self, graph: tf.Graph) -> dict[int, tf.Tensor]:
        """Values that don't depend on the images, made once for all that is computed in a graph."""
        return self._fixed.setdefault(graph, {})

    def zeros(self, value: int, layout: Layout, n: int) -> tf.Tensor:
        """Nothing stands in for anything here."""
        raise NotImplementedError(f"no stand-in for {n} images of value {value}, {layout}")

    def value(self, made_by: Entry, place: int, images: tf.Tensor) -> tf.Tensor | None:
        """What an operation outside of all loops makes of images, found by its name; None where it is inside of one."""
        at = self._values.get((made_by.name, place))
        return None if at is None else Run(self, {self.flat.input: images}).value(at)


def can_be_kept(flat: Flat) -> bool:
    """Whether there are loops, and their bodies are computed as they are, not in a higher precision."""
    return flat.written_out > 0 and all(computed_in(dtype) == dtype for dtype in flat.dtypes)
