"""What traces have in common, whatever the framework: what they keep, and the words in which they refuse a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ...errors import BandlensError, ModelError, UnsupportedOperationError
from ..graph import Graph, Layout
from ..reasons import reason


class BaseTrace(ABC):
    """Keeps what was made of a trace: graphs, and what was compiled.

    Attributes
    ----------
    marks : dict of int to int
        Values that were marked inside the model, by the number of the mark.
    """

    shape: tuple[int, ...]
    dtype: str
    fingerprint: Any
    marks: dict[int, int]

    def __init__(self) -> None:
        self._graphs: dict[int, Graph] = {}
        self._compiled: dict[Any, Any] = {}

    def compiled(self, key: Any, build: Callable[[], Any]) -> Any:
        """Something that was compiled for this trace, made by `build` on first use."""
        if key not in self._compiled:
            self._compiled[key] = build()
        return self._compiled[key]

    def graph(self, output: int) -> Graph:
        """Operations that lead from the images to a value."""
        if output not in self._graphs:
            try:
                self._graphs[output] = self._make_graph(output)
            except BandlensError:
                raise
            except Exception as error:  # batches of several sizes are tried, and the model is the user's code
                raise ModelError(
                    f"The model can't be followed for batches of other sizes: {reason(error)}",
                    expected="a model that takes batches of any size",
                    fix="write -1, or the length of its input, where the model has a number of images",
                ) from error
        return self._graphs[output]

    @property
    def likeness(self) -> tuple[Any, ...]:
        """Equal for traces of the same operations, in which the same values are marked."""
        return (self.shape, self.dtype, self.fingerprint, self.marks)

    @abstractmethod
    def _make_graph(self, output: int) -> Graph: ...


def leading_to(output: int, inputs_of: Callable[[int], Iterable[int]]) -> set[int]:
    """All values that a value is computed from, and itself."""
    wanted, stack = set(), [output]
    while stack:
        value = stack.pop()
        if value not in wanted:
            wanted.add(value)
            stack.extend(inputs_of(value))
    return wanted


def layout(shapes: Sequence[tuple[int | None, ...]], sizes: tuple[int, int], real: bool) -> Layout | None:
    """What two batch sizes tell of a value's shape for one image; None where it isn't a block per image."""
    few, more = ([-1 if length is None else length for length in shape] for shape in shapes)
    grown = [axis for axis, (a, b) in enumerate(zip(few, more, strict=True)) if a != b]
    if -1 in few or -1 in more or len(grown) != 1:
        return None
    axis = grown[0]
    if few[axis] * sizes[1] != more[axis] * sizes[0] or few[axis] % sizes[0]:
        return None
    return Layout(axis, (*few[:axis], few[axis] // sizes[0], *few[axis + 1 :]), real)


def no_row_per_image(shapes: Iterable[tuple[int | None, ...] | None]) -> ModelError:
    """The error for a model whose output is not ``(n, outputs)``."""
    return ModelError(
        "The model's output is not one row of scores per image.",
        expected="one output of shape (n, outputs)",
        given=", ".join(map(str, shapes)) or "no output",
        fix="wrap the model in a function that returns one value per class, "
        "for a segmentation model for example the mean over pixels",
    )


def independent() -> ModelError:
    """The error for a model that ignores the images."""
    return ModelError("The model's output does not depend on the images.")


def random(where: str) -> UnsupportedOperationError:
    """The error for a model that draws random numbers."""
    return UnsupportedOperationError(
        f"The model is random at inference: {where}.", fix="turn the randomness off, or fix its noise"
    )


def mixes_images(where: str) -> UnsupportedOperationError:
    """The error for a model in which images of a batch meet."""
    return UnsupportedOperationError(
        f"The model's output for an image depends on the other images of a batch: {where}.",
        fix="call batch normalisation with training=False",
    )
