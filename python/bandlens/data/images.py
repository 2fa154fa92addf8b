"""Any container of images -> checked batches.

Images arrive as NumPy arrays of any real dtype and memory order (from R: read-only, Fortran-ordered float64), memory
maps, lists of arrays, files, arrays that are read or computed piece by piece (`sources`), or anything that slices along
its first axis. They are never copied whole and never modified: what is converted is one batch at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import BackgroundError, BandError, BandlensError, InputError, InputTypeError
from .arrays import as_array, is_of_pytorch
from .cells import Cells, Part
from .inputs import Inputs, Joined, Piece, check_together
from .labelled import LabelledImages, Ordered
from .missing import check_finite, check_masked, describe_missing
from .positions import first, spelled
from .sources import Layout, Source, Stream, opened
from .words import few, quoted, shape_text, shown, type_text


@dataclass(frozen=True)
class Images:
    """Images that were checked, still in the caller's container.

    Attributes
    ----------
    source : object
        The caller's container; sliced, never changed.
    n : int
        Number of images.
    shape : tuple of int
        Shape of one image, as the model takes it.
    band_axis : int
        Position of the bands in a *batch*, so at least 1.
    order : tuple of int or None
        Where in the source each band is, if not in its place.
    time_axis : int or None
        Position of the steps in a batch, where scores are kept for each.
    parts : tuple of Part
        Several inputs, which are packed into one row per image; empty where there is one.
    """

    source: Any
    n: int
    shape: tuple[int, ...]
    band_axis: int
    order: tuple[int, ...] | None = None
    time_axis: int | None = None
    parts: tuple[Part, ...] = ()

    @cached_property
    def cells(self) -> Cells:
        """What scores are given for, and where in an image it is."""
        if self.parts:
            return Cells(self.parts, packed=True)
        return Cells((Part("", self.shape, self.band_axis, self.time_axis),))

    @property
    def n_bands(self) -> int:
        """Number of bands, of all inputs."""
        return sum(part.n_bands for part in self.cells.parts)

    @property
    def pixel_axes(self) -> tuple[int, ...]:
        """Axes of a batch that hold neither images nor bands."""
        return tuple(axis for axis in range(1, len(self.shape) + 1) if axis != self.band_axis)

    @property
    def inputs(self) -> tuple[Images, ...]:
        """Each input's own images; these, where there is one."""
        if not self.parts:
            return (self,)
        if isinstance(self.source, Joined):
            return self.source.images
        pieces = [(part, Piece(self, part)) for part in self.parts]
        return tuple(Images(own, self.n, part.shape, part.band_axis, None, part.time_axis) for part, own in pieces)

    def take(self, index: slice | np.ndarray, dtype: Any = np.float32) -> np.ndarray:
        """Some images as a fresh, C-ordered batch ``(n, *shape)``."""
        batch = self._taken(index, dtype)
        return batch if self.order is None else np.take(batch, self.order, axis=self.band_axis)

    def seen(self, part: slice, dtype: Any = np.float32) -> np.ndarray:
        """Consecutive images as `take` gives them, only to be read: those that are in memory so are not copied."""
        if isinstance(self.source, np.ndarray | Source) and self.order is None:
            return np.ascontiguousarray(self.source[part], dtype)
        return self.take(part, dtype)

    def _taken(self, index: slice | np.ndarray, dtype: Any) -> np.ndarray:
        if isinstance(self.source, Joined):
            return self.source.take(index, dtype)
        if isinstance(self.source, list | tuple):
            positions = range(self.n)[index] if isinstance(index, slice) else index
            picked = [np.asarray(self.source[position]) for position in positions]
            return np.stack(picked).astype(dtype) if picked else np.empty((0, *self.shape), dtype)
        if isinstance(self.source, np.ndarray) and isinstance(index, np.ndarray):
            return np.asarray(self.source[index], dtype, order="C")  # what is picked by positions is a copy
        if isinstance(index, slice) or isinstance(self.source, np.ndarray) or getattr(self.source, "any_rows", False):
            return np.array(self.source[index], dtype=dtype, order="C")
        # tensors want tensors: one image at a time is what every container understands
        picked = [np.asarray(self.source[int(position)]) for position in index]
        return np.array(picked, dtype=dtype, order="C").reshape(len(picked), *self.shape)

    def holding(self, arrays: np.ndarray) -> Images:
        """Other images of the same layout, which are in memory as a batch."""
        return replace(self, source=arrays, n=len(arrays), order=None)

    def chosen(self, index: np.ndarray) -> Any:
        """Some images in memory, to be asked about anew: as `check_images` takes them."""
        if not self.parts:
            return self.take(index, None)
        sources = tuple(images.take(index, None) for images in self.inputs)
        axes = tuple(part.band_axis for part in self.parts), tuple(part.time_axis for part in self.parts)
        return Inputs(tuple(part.name for part in self.parts), sources, *axes)

    def batches(
        self, size: int, dtype: Any = np.float32, span: slice | None = None
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """Consecutive batches with the slice of images each holds; of all images, or of a span of them."""
        first, last = (0, self.n) if span is None else (span.start, span.stop)
        for start in range(first, last, size):
            part = slice(start, min(start + size, last))
            yield part, self.take(part, dtype)


def check_images(x: Any, band_axis: int = -1, *, name: str = "x", time_axis: int | None = None) -> Images:
    """Check a container of images, or several inputs that were arranged.

    Parameters
    ----------
    x : array_like
        Images on axis 0, bands on `band_axis`, any other axes are pixels. Any real dtype.
    band_axis : int
        Axis of the bands; may not be 0, which holds the images.
    name : str
        What to call `x` in errors.
    time_axis : int, optional
        Axis of the steps, where scores are kept for each.

    Returns
    -------
    Images

    Raises
    ------
    InputTypeError
        If `x` is not an array of real numbers.
    InputError
        If it holds no images, images of different shapes, or values that are not finite or masked.
    BandError
        If `band_axis` is not an axis of `x`, or `time_axis` none beside it.
    """
    if isinstance(x, Inputs):
        return _together(x, name)
    x, order = _unpacked(x, name, band_axis)
    source, shape, dtype = _describe(x, name)
    _check_dtype(dtype, name, source)
    if len(shape) < 2:
        raise InputError(
            f"`{name}` has {len(shape)} dimension(s).",
            expected=f"images on axis {first()} and bands on another: {shape_text(('n', 'rows', 'cols', 'bands'))}",
            given=f"shape {shape_text(shape)}",
            fix=single_image(name, 1) if len(shape) == 1 else None,
        )
    axis = _axis(band_axis, shape, "band_axis", "bands", name)
    steps = None if time_axis is None else _axis(time_axis, shape, "time_axis", "steps in time", name)
    if steps == axis:
        raise BandError(
            f"`time_axis` and `band_axis` are the same axis of `{name}`.",
            expected="an axis for the bands and another for the steps in time",
            given=f"axis {axis + first()} of shape {shape_text(shape)} for both",
            fix="set both `band_axis` and `time_axis`",
        )
    if shape[0] == 0:
        raise InputError(
            f"`{name}` holds no images.", expected="at least one image", given=f"shape {shape_text(shape)}"
        )
    if 0 in shape:
        raise InputError(f"The images in `{name}` are empty.", given=f"shape {shape_text(shape)}")
    images = Images(source, shape[0], tuple(shape[1:]), axis, None, steps)
    check_masked(images.source, (images.n, *images.shape), images.band_axis, name)
    check_finite(images.source, (images.n, *images.shape), dtype, images.band_axis, name)
    return replace(images, order=order)


def _unpacked(x: Any, name: str, band_axis: Any) -> tuple[Any, tuple[int, ...] | None]:
    """What holds the images, opened and read, and the order of their bands."""
    order = None
    if isinstance(x, Ordered):
        x, order = x.source, x.order
    x = opened(x, name, Layout(band_axis))
    if isinstance(x, LabelledImages):
        x = x.x
    if isinstance(x, Stream):
        x = x.read(name)
    return (x.x if isinstance(x, LabelledImages) else x), order


def _axis(given: Any, shape: tuple[int, ...], argument: str, what: str, name: str) -> int:
    """An axis of a batch, counted from its first; it can't be that of the images."""
    if isinstance(given, bool) or not isinstance(given, int | np.integer):
        raise BandError(f"`{argument}` must be an integer.", given=shown(given))
    axis = int(given) + len(shape) if given < 0 else int(given)
    if not 1 <= axis < len(shape):
        raise BandError(
            f"`{argument}` = {given if given < 0 else given + first()} is not an axis that can hold the {what} of "
            f"`{name}`.",
            expected=f"an axis from {1 + first()} to {len(shape) - 1 + first()} (axis {first()} holds the images)",
            given=f"`{name}` of shape {shape_text(shape)}",
            fix=spelled(
                f"if an index has dropped an axis, keep it: `{name}[:1]` instead of `{name}[0]`",
                "if a subset has dropped a dimension, keep it with `drop = FALSE`",
            ),
        )
    return axis


def _together(x: Inputs, name: str) -> Images:
    """Several inputs, each checked, as one row per image."""
    images = tuple(
        check_images(source, band_axis, name=x.called(name, input_), time_axis=time_axis)
        for input_, source, band_axis, time_axis in zip(x.names, x.sources, x.band_axes, x.time_axes, strict=True)
    )
    check_together(x.names, [(one.n, *one.shape) for one in images], name)
    parts: list[Part] = []
    for input_, one in zip(x.names, images, strict=True):
        start = parts[-1].end if parts else 0
        parts.append(Part(input_, one.shape, one.band_axis, one.time_axis, start))
    joined = Joined(images)
    return Images(joined, images[0].n, (parts[-1].end,), 1, parts=tuple(parts))


def check_background(background: Any, images: Images) -> Images:
    """Check the reference images against the images to be explained.

    Raises
    ------
    BackgroundError
        If they are empty, not finite, or of another shape than the images.
    """
    if isinstance(background, Inputs):
        return _checked_inputs(background, images)
    source, order = _unpacked(background, "background", images.band_axis)
    background = source if order is None else Ordered(source, order)
    if getattr(source, "shape", None) == images.shape:
        raise BackgroundError(
            "`background` is a single image: it has no axis for the images.",
            expected=f"images of shape {shape_text(images.shape)} along a first axis",
            given=f"shape {shape_text(images.shape)}",
            fix=single_image("background", len(images.shape)),
        )
    given = getattr(background, "shape", ())
    if len(given) == len(images.shape):
        raise BackgroundError(
            "`background` lacks an axis that the images have.",
            expected=f"images of shape {shape_text(images.shape)}",
            given=f"images of shape {shape_text(given[1:])}",
            fix=lost_dimension("background", images.shape, tuple(given)),
        )
    try:
        checked = check_images(background, images.band_axis, name="background")
    except BandlensError as error:
        raise BackgroundError(error.message, expected=error.expected, given=error.given, fix=error.fix) from error
    if checked.shape != images.shape:
        raise BackgroundError(
            "The background images have another shape than `x`.",
            expected=f"images of shape {shape_text(images.shape)}",
            given=f"images of shape {shape_text(checked.shape)}",
            fix=lost_dimension("background", images.shape, (checked.n, *checked.shape)),
        )
    return checked


def _checked_inputs(background: Inputs, images: Images) -> Images:
    """The same for several inputs, of which each must be like that of the images."""
    try:
        checked = check_images(background, name="background")
    except BandlensError as error:
        raise BackgroundError(error.message, expected=error.expected, given=error.given, fix=error.fix) from error
    for mine, part in zip(checked.parts, images.parts, strict=True):
        if mine.shape != part.shape:
            raise BackgroundError(
                f"The background of input '{part.name}' has another shape than `x`.",
                expected=f"images of shape {shape_text(part.shape)}",
                given=f"images of shape {shape_text(mine.shape)}",
                fix=lost_dimension("background", part.shape, (checked.n, *mine.shape)),
            )
    return checked


def single_image(name: str, axes: int) -> str:
    """How to give a single image of so many axes, in the words of the language that counts from where we do."""
    return spelled(
        f"a single image keeps its axis as `{name}[:1]`; one without is given as `{name}[None]`",
        f"a single image keeps its dimension with `drop = FALSE`: `{name}[1, {', ' * axes}drop = FALSE]`",
    )


def lost_dimension(name: str, wanted: tuple[int | None, ...], given: tuple[int, ...]) -> str | None:
    """How to mend an array of which a subset has dropped an axis, if that is what happened.

    Parameters
    ----------
    name : str
    wanted : tuple
        Shape of one image; None for lengths that may be any.
    given : tuple of int
        Shape of the array.
    """

    def fits(lengths: tuple[int, ...]) -> bool:
        return len(lengths) == len(wanted) and all(
            size in (None, length) for size, length in zip(wanted, lengths, strict=True)
        )

    if fits(given):
        return single_image(name, len(wanted))
    if fits((*given[1:], 1)):
        return spelled(
            f"a single band keeps its axis as `{name}[..., :1]`; an array without is given as `{name}[..., None]`",
            f"a single band keeps its dimension with `drop = FALSE`: `{name}[{', ' * len(wanted)}1, drop = FALSE]`",
        )
    if len(given) == len(wanted):
        return spelled(
            f"an axis is missing: if an index has dropped it, keep it, as `{name}[:1]` does and `{name}[0]` does not",
            "a dimension is missing: if a subset has dropped it, keep it with `drop = FALSE`",
        )
    return None


def _describe(x: Any, name: str) -> tuple[Any, tuple[int, ...], np.dtype]:
    """Container to slice, its shape, and its dtype."""
    if isinstance(x, list | tuple):
        if len(x) == 0:
            raise InputError(f"`{name}` holds no images.", expected="at least one image", given="an empty list")
        # a mask is kept, to be looked at
        items = [item if isinstance(item, np.ma.MaskedArray) else as_array(item) for item in x]
        shapes = {item.shape for item in items}
        if len(shapes) > 1:
            raise InputError(
                f"The images in `{name}` have different shapes.",
                expected="a list of arrays of one shape",
                given=", ".join(map(shape_text, sorted(shapes)[:4])),
                fix="crop or pad the images to one shape; one array for each input is for a model of several inputs",
            )
        return items, (len(items), *items[0].shape), np.result_type(*{item.dtype for item in items})
    if isinstance(x, Mapping):
        raise InputTypeError(
            f"`{name}` holds several inputs, and this takes images of one input.",
            expected=f"an array {shape_text(('n', 'rows', 'cols', 'bands'))}",
            given=few(map(quoted, x)) or "nothing",
            fix="wrap the model in a function of one input that fixes the others",
        )
    if not hasattr(x, "shape") or not hasattr(x, "__getitem__") or not hasattr(x, "dtype"):
        raise InputTypeError(
            f"`{name}` is not an array of images.",
            expected=f"an array {shape_text(('n', 'rows', 'cols', 'bands'))}, or a list of arrays "
            f"{shape_text(('rows', 'cols', 'bands'))}",
            given=type(x).__name__ + (describe_missing(x.to_numpy()) if hasattr(x, "to_numpy") else ""),
            fix=f"convert it: {name}.to_numpy(dtype='float32')" if hasattr(x, "to_numpy") else None,
        )
    x = as_array(x) if is_of_pytorch(x) else x
    shape = tuple(int(size) for size in x.shape)
    try:
        dtype = np.dtype(x.dtype)
    except TypeError:
        dtype = np.asarray(x[:1]).dtype
    return x, shape, dtype


def _check_dtype(dtype: np.dtype, name: str, source: Any) -> None:
    if dtype.kind not in "buif" and dtype.name != "bfloat16":
        missing = describe_missing(source) if dtype.kind == "O" else ""
        raise InputTypeError(
            f"`{name}` does not hold real numbers.",
            expected="integers, floats or booleans",
            given=f"{type_text(dtype)}{missing}",
            fix=("fill what is missing or drop those images; then " if missing else "")
            + "convert it, for example with "
            + spelled("numpy.asarray(..., dtype='float32')", "as.numeric()"),
        )
