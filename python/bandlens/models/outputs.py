"""What a model gives: one of its heads, and its outputs in one row per image, whatever axes they have.

A model that maps land cover gives scores for every pixel. Its outputs are put into one row, pixel by pixel, so that
everything behind this sees a model with many outputs; how they lay is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..data.arrays import as_array
from ..data.positions import first
from ..data.words import argument, choices, nearest, quoted, shape_text, shown
from ..errors import ModelError, OptionError

Head = str | int | None
# all outputs in one row, for those who look at what lies before them
EVERY = "every output"


class OutputReader:
    """Makes of a model one with a row of outputs per image, and remembers what it was made of.

    Parameters
    ----------
    call : callable
        The model, from a batch of images.
    head : str or int or None
        Name or position of one of several outputs.
    names : sequence of str
        Of the outputs, where the model has such.
    nd : module, optional
        Array functions of the framework; without it arrays of NumPy come.

    Attributes
    ----------
    shape : tuple of int
        Of what is given for one image, once the model was called.
    head : str or None
        Name of the head; None where there is only one.
    """

    def __init__(
        self,
        call: Callable[[Any], Any],
        head: Head = None,
        names: Sequence[str] = (),
        nd: Any = None,
    ) -> None:
        self.shape: tuple[int, ...] = ()
        self.head: str | None = None
        self._call, self._wanted, self._names, self._nd = call, head, names, nd

    def __call__(self, x: Any) -> Any:
        """Outputs of a batch of images, (n, outputs)."""
        found = self._call(x)
        if self._wanted == EVERY:
            return self._together(found)
        found = self.chosen(found)
        lengths = tuple(getattr(found, "shape", ()))[1:]
        if len(lengths) < 2 or any(size is None for size in lengths):  # refused elsewhere, if it is no row
            self.shape = lengths
            return found
        self.shape = tuple(map(int, lengths))
        return self._row(found)

    def _together(self, found: Any) -> Any:
        """All heads in one row."""
        heads = _heads(found, self._names)
        every = [found] if heads is None else list(heads.values())
        rows = [self._row(one) for one in every]
        if len(rows) == 1:
            self.shape = tuple(every[0].shape)[1:]
            return rows[0]
        self.head = ", ".join(heads or ())
        row = (np if self._nd is None else self._nd).concatenate(rows, -1)
        self.shape = tuple(row.shape)[1:]
        return row

    def _row(self, found: Any) -> Any:
        lengths = tuple(getattr(found, "shape", ()))[1:]
        if len(lengths) < 2 or any(size is None for size in lengths):
            return found
        shape = (-1, int(np.prod(lengths)))
        return _reshaped(found, shape) if self._nd is None else self._nd.reshape(found, shape)

    def chosen(self, found: Any) -> Any:
        """One of several outputs.

        Raises
        ------
        ModelError
            If there are several and none is asked for.
        OptionError
            If there is no such one.
        """
        heads = _heads(found, self._names)
        if heads is None or len(heads) == 1:
            if self._wanted is not None:
                self._check_only(list(heads or self._names))
            return found if heads is None else next(iter(heads.values()))
        names = list(heads)
        shapes = ", ".join(f"{quoted(name)} {_shape(one)}" for name, one in heads.items())
        if self._wanted is None:
            raise ModelError(
                "The model has several outputs.",
                expected=f"`head`: the name or the position of the one to explain, {choices(names)}",
                given=f"{len(names)} outputs: {shapes}",
                fix=f"choose one, such as {argument('head', names[0])}",
            )
        wanted = self._wanted
        if isinstance(wanted, int | np.integer) and not isinstance(wanted, bool) and 0 <= wanted < len(names):
            self.head = names[int(wanted)]
        elif isinstance(wanted, str) and wanted in names:
            self.head = wanted
        else:
            raise OptionError(
                "`head` names no output of the model.",
                expected=f"{choices(names)}, or a number from {first()} to {first() + len(names) - 1}",
                given=_given(wanted),
                fix=nearest(wanted, names),
            )
        return heads[self.head]

    def _check_only(self, names: list[str]) -> None:
        """A head that is named although there is only one must be that one."""
        if self._wanted in (0, *names) and not isinstance(self._wanted, bool):
            return
        raise OptionError(
            "`head` names no output of the model, which has only one.",
            expected=f"no `head`{f', or {shown(names[0])}' if names else ''}",
            given=_given(self._wanted),
        )


def output_names(model: Any) -> tuple[str, ...]:
    """What a Keras model calls its outputs."""
    names = getattr(model, "output_names", None)
    return tuple(map(str, names)) if isinstance(names, list | tuple) else ()


def _heads(found: Any, names: Sequence[str]) -> dict[str, Any] | None:
    """Outputs by name, where a model gives several in a container; None where it gives one."""
    if isinstance(found, Mapping):
        return {str(name): one for name, one in found.items()}
    if not isinstance(found, list | tuple) or not found or not all(_is_output(one) for one in found):
        return None
    known = names if len(names) == len(found) else [str(first() + at) for at in range(len(found))]
    return dict(zip(known, found, strict=True))


def _is_output(found: Any) -> bool:
    """Whether something is an array with an axis for images, so that a list of such are heads, not a row of numbers."""
    return len(getattr(found, "shape", ())) > 1


def _shape(found: Any) -> str:
    return shape_text(("n", *tuple(getattr(found, "shape", ()))[1:]))


def _reshaped(found: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers of a framework's tensor or an array."""
    return as_array(found).reshape(shape)


def _given(head: Any) -> str:
    return shown(head + first() if isinstance(head, int | np.integer) and not isinstance(head, bool) else head)
