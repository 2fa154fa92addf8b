"""A model as a graph of primitive operations: what tracers have in common, whatever the framework."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from ...errors import BandlensError, ModelError
from ..graph import Graph, Layout, Region
from ..reasons import reason
from . import heads, refusals
from .flat import AnyEntry, BaseFlat, leading_to
from .once import Once

Built = TypeVar("Built")


class BaseTrace(ABC, Generic[AnyEntry]):
    """A model, from a batch of images to its outputs; see `bandlens.engine.backends.contract.Trace`.

    It keeps what was made of it: graphs, and what was compiled.

    Attributes
    ----------
    flat : BaseFlat
        All operations of the model.
    fingerprint : object
        Equal for models of the same operations.
    """

    shape: tuple[int, ...]
    dtype: str
    n_outputs: int
    fingerprint: Any

    def __init__(self) -> None:
        self._graphs: list[Graph] = []
        self._once = Once()

    def _read_ends(self, flat: BaseFlat[AnyEntry], table: heads.Table) -> None:
        """Find out what the model ends in."""
        self._entries, self._heads = flat, table
        self.probability = flat.output
        found = heads.find_head(flat, table, self.n_outputs, self._shape_of_two, self._behind)
        self.head, self.logit, self.row = found.kind, found.logit, found.row
        self.marks = flat.marks

    @abstractmethod
    def _shape_of_two(self, value: int) -> tuple[int, ...] | None:
        """Shape of a value for two images; None where it isn't known."""

    @abstractmethod
    def _behind(self, value: int, given: np.ndarray) -> np.ndarray:
        """The model's output for two images, a value given."""

    def compiled(self, key: Hashable, build: Callable[[], Built]) -> Built:
        """Something that was compiled for this trace, made by `build` on first use."""
        return self._once.get(key, build)

    def graph(self, output: int) -> Graph:
        """Operations that lead from the images to a value."""
        return self._once.get(("graph", output), lambda: self._followed(output))

    def _followed(self, output: int) -> Graph:
        try:
            graph = self._make_graph(output)
        except BandlensError:
            raise
        except Exception as error:  # batches of several sizes are tried, and the model is the user's code
            raise ModelError(
                f"The model can't be followed for batches of other sizes: {reason(error)}",
                expected="a model that takes batches of any size",
                fix="write -1, or the length of its input, where the model has a number of images",
            ) from error
        self._graphs.append(graph)
        return graph

    @abstractmethod
    def _make_graph(self, output: int) -> Graph: ...

    def by_loops(self, value: int, images: Any) -> Any | None:
        """A value for images by the model's own loops; None, as graphs of this framework are all that there is."""
        return None

    def _leading_to(self, output: int) -> list[AnyEntry]:
        """Operations that lead from the images to a value; refuses models that have no score for each image."""
        flat = self._entries
        wanted = leading_to(output, flat.inputs_of)
        entries = [entry for entry in flat.entries if not wanted.isdisjoint(entry.outputs)]
        for entry in entries:
            if self._is_random(entry):
                raise refusals.random(self._where(entry))
        if output not in flat.data:
            raise refusals.independent()
        return [entry for entry in entries if not flat.data.isdisjoint(entry.inputs)]

    def _graph_of(self, value: int) -> Graph:
        """A graph that a value is in."""
        return next(graph for graph in self._graphs if value in graph.layouts)

    @abstractmethod
    def _is_random(self, entry: AnyEntry) -> bool: ...

    @abstractmethod
    def _layer(self, entry: AnyEntry) -> str:
        """The innermost of the model's layers that an operation belongs to."""

    def _where(self, entry: AnyEntry) -> str:
        return f"{entry.kind} in layer '{self._layer(entry)}'"

    def made_of(self) -> str | None:
        """What the outputs are made of, where that is probabilities alone: see `find_blend`."""
        blend = heads.find_blend(self._entries, self._heads)
        return blend and f"{blend} ({self._where(blend.entry)})"

    @property
    def likeness(self) -> tuple[Any, ...]:
        """Equal for traces of the same operations, in which the same values are marked."""
        return (self.shape, self.dtype, self.fingerprint, self.marks)

    def renewed_by(self, newer: Any) -> bool:
        """Whether a newer trace is of the same operations; then its weights, which may be others, are taken over."""
        same = self.likeness == newer.likeness
        if same:
            self._take_weights(newer)
        return same

    def pattern(self, weights: Sequence[Any]) -> Callable[[Sequence[Any], Iterable[str]], Any] | None:
        """None: what this framework has traced can't be told from the weights it was traced with."""
        return None

    @abstractmethod
    def _take_weights(self, newer: Any) -> None: ...

    @abstractmethod
    def differentiable(self, region: Region) -> bool:
        """Whether the framework has a derivative of a region's exit in its entry."""

    @abstractmethod
    def zeros(self, value: int, layout: Layout, n: int) -> Any:
        """A stand-in of the right shape for `n` images, where only shapes matter."""

    @abstractmethod
    def value_dtype(self, value: int) -> Any:
        """The dtype that a value is computed in."""


def window_of_reduction(lengths: tuple[int, ...], reduced: set[int]) -> tuple[int, ...]:
    """Lengths of the sets that a reduction over some axes is made of."""
    return tuple(length if axis in reduced else 1 for axis, length in enumerate(lengths))
