"""The verb for where an output falls when a window of the image is covered: of any model, also a function."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..data.cells import Part
from ..data.images import Images
from ..data.options import one_of, whole
from ..data.words import choices, quoted, shape_text, shown
from ..errors import InputError, OptionError
from ..explain.calls import checked
from ..explain.fitting import check_fit
from ..explain.question import Question
from ..methods.mixtures import mixed_outputs, without_constants
from ..methods.occlusion import of_images, replacements
from ..methods.task import Task
from ..progress import Progress, starting, ticker
from .cams import REPLACEMENTS, about
from .result import ActivationMaps

# outputs of covered images that are held at once
MOST_NUMBERS = 1 << 22
# of the image's side that a window covers by default
SIDE = 1 / 4


def occlusion_maps(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    window: int | tuple[int, int] | None = None,
    stride: int | tuple[int, int] | None = None,
    by: str | None = None,
    input: str | None = None,
    replacement: str = "background",
    background: Any = None,
    n_background: int = 100,
    target: str | int = "class",
    output: str = "auto",
    head: str | int | None = None,
    task: str = "auto",
    zone: Any = None,
    ignore: Any = None,
    bands: Any = None,
    wavelengths: Any = None,
    classes: Sequence[str] | None = None,
    band_axis: Any = -1,
    reorder: bool = False,
    batch_size: int | None = None,
    seed: int = 0,
    progress: Progress = None,
) -> ActivationMaps:
    """Occlusion maps: by how much an output falls when a window of the image is replaced by the background's.

    The window slides over the image. The model is asked for nothing but outputs, so that it may be any function.

    Parameters
    ----------
    model, x, y
        As for `band_importance`.
    window : int or (int, int), optional
        Rows and columns of the window, in pixels; a quarter of the image's sides by default.
    stride : int or (int, int), optional
        Pixels from one window to the next; half the window by default. The last windows end at the image's edge.
    by : {None, "band"}
        "band": the window is replaced in one band after the other; else in all of them.
    input : str, optional
        Of several inputs, the one that is covered; the others stay as they are.
    replacement, background, n_background
        What the window is replaced by, as for `class_activation_maps`.
    target, output, head, task, zone, ignore, bands, wavelengths, classes, band_axis, reorder, batch_size, seed
        As for `band_importance`.
    progress
        As for `band_importance`.

    Returns
    -------
    ActivationMaps
        `values` of shape (n, k, windows down, windows across), with `by` (n, k, bands, ...): falls of the output, in
        its units. With `by`, ``to_frame("class")`` is a class x band table of the mean absolute fall.

    Raises
    ------
    BandlensError
        As for `band_importance`; InputError if images have no rows and columns.

    Notes
    -----
    Zeiler & Fergus 2014, arXiv:1311.2901. For a linear model, the fall is the sum over the window of the weights times
    the image less the mean of the background.
    """
    started = time.perf_counter()
    by = None if by is None else one_of("band")("by", by)
    one_of(*REPLACEMENTS)("replacement", replacement)
    question = Question(
        model=model, x=x, y=y, method="occlusion", method_options={"replacement": replacement}, background=background,
        n_background=n_background, target=target, output=output, head=head, task=task, zone=zone, ignore=ignore,
        bands=bands, wavelengths=wavelengths, classes=classes, band_axis=band_axis, reorder=reorder,
        batch_size=batch_size, seed=seed,
    )  # fmt: skip
    with starting(progress, model):
        call = checked(question)
    cells = call.images.cells
    place = _covered(call.images, input)
    part = cells.parts[place]
    sides = _sides("window", window, part, tuple(max(1, round(SIDE * side)) for side in _pixels(part)), most=True)
    steps = _sides("stride", stride, part, tuple(max(1, side // 2) for side in sides))
    if any(step > side for step, side in zip(steps, sides, strict=True)):
        raise OptionError(
            "`stride` is larger than the window: some pixels would never be covered.",
            expected=f"at most {' x '.join(map(str, sides))}, as `window`",
            given=" x ".join(map(str, steps)),
        )
    starts = [_starts(*one) for one in zip(_pixels(part), sides, steps, strict=True)]
    check_fit(call.subject(maps=True))
    before = sum(one.n_cells for one in cells.parts[:place])
    kept = np.arange(before, before + part.n_cells) if by == "band" else None
    with ticker(progress, call.images.n, "Occlusion") as tick:
        told = call.task(tick)
        values = _falls(told, part, _windows(part, starts, sides, banded=by == "band"))
    shape = (*values.shape[:2], *(() if kept is None else (len(kept),)), *map(len, starts))
    own = about(call, started)
    own["band_axes"] = np.full(part.n_bands, part.band_axis)
    for name in ("bands", "wavelengths", "inputs"):
        held = own[name]
        own[name] = None if held is None else tuple(held[before : before + part.n_bands])
    row_at, col_at = (
        (np.array(one) + side / 2) / length for one, side, length in zip(starts, sides, _pixels(part), strict=True)
    )
    return ActivationMaps(
        values=values.reshape(shape).astype(np.float32),
        **own,
        method="occlusion",
        by=by,
        row_at=row_at,
        col_at=col_at,
        options={"window": list(sides), "stride": list(steps), "replacement": replacement},
    )


def _falls(task: Task, part: Part, windows: np.ndarray) -> np.ndarray:
    """Falls of outputs for each of some masks (windows, *shape of an input), shape (n, k, windows), float64."""
    cells, values = task.images.cells, task.values
    references = replacements(task, task.options["replacement"])
    kept = np.ones((len(windows), *((cells.size,) if cells.packed else task.images.shape)), bool)
    if cells.packed:
        kept[:, part.start : part.end] = ~windows.reshape(len(windows), -1)
    else:
        kept[:] = ~windows
    found = np.empty((*values.shape, len(windows)))
    each = max(1, len(references)) * len(windows) * values.shape[1]
    size = max(1, min(task.images_per_batch, MOST_NUMBERS // each))
    for rows, batch in task.images.batches(size, task.predictor.trace.dtype):
        with_these = of_images(task, rows, references)
        covered = mixed_outputs(task, task.seeds[rows], batch, with_these, kept, positions=rows, pixels=True)
        falls = without_constants(task, rows, values[rows])[..., None, None] - np.moveaxis(covered, 3, 1)
        several = task.options["replacement"] == "background"
        found[rows] = task.over_background(falls, rows, 2) if several else falls[:, :, 0]
        task.tick(len(batch))
    return found


def _windows(part: Part, starts: list[list[int]], sides: tuple[int, int], *, banded: bool) -> np.ndarray:
    """Elements of an input that each window covers, in all bands or band after band, (windows, *shape), bool."""
    rows, cols = part.pixel_axes
    lengths = _pixels(part)
    bands = np.eye(part.n_bands, dtype=bool) if banded else np.ones((1, part.n_bands), bool)
    down, across = (
        np.stack([(np.arange(length) >= at) & (np.arange(length) < at + side) for at in one])
        for one, side, length in zip(starts, sides, lengths, strict=True)
    )
    found = np.einsum("br,ic,jd->bijrcd", bands, down, across).reshape(-1, part.n_bands, *lengths)
    return np.moveaxis(found, (1, 2, 3), (part.band_axis, rows, cols))


def _covered(images: Images, name: str | None) -> int:
    """Position of the input that windows cover."""
    parts = images.cells.parts
    names = [part.name for part in parts]
    if not images.cells.packed:
        if name is not None:
            raise OptionError("The model has one input.", expected="no `input`", given=shown(name))
        place = 0
    else:
        having = [part.name for part in parts if len(part.pixel_axes) == 2]
        if name is None and len(having) == 1:
            name = having[0]
        if name not in names:
            raise OptionError(
                "Windows cover one of several inputs.", expected=f"`input`, {choices(having)}", given=shown(name)
            )
        place = names.index(name)
    if len(parts[place].pixel_axes) != 2:
        of = f" in input {quoted(parts[place].name)}" if parts[place].name else ""
        raise InputError(
            f"Windows cover rows and columns, and images have none{of}.",
            expected=shape_text(("n", "rows", "cols", "bands")),
            given=shape_text(("n", *parts[place].shape)),
        )
    return place


def _pixels(part: Part) -> tuple[int, int]:
    rows, cols = (part.shape[axis - 1] for axis in part.pixel_axes)
    return rows, cols


def _sides(name: str, given: Any, part: Part, usual: tuple[int, ...], *, most: bool = False) -> tuple[int, int]:
    """Two lengths in pixels, from one or two."""
    if given is None:
        return usual[0], usual[1]
    both = list(given) if isinstance(given, list | tuple | np.ndarray) else [given, given]
    if len(both) != 2:
        raise OptionError(
            f"`{name}` must be one number of pixels, or one for rows and one for columns.", given=shown(given)
        )
    rows, cols = (whole()(name, one) for one in both)
    if most and (rows > _pixels(part)[0] or cols > _pixels(part)[1]):
        raise OptionError(
            f"`{name}` is larger than the images.",
            expected=f"at most {shape_text(_pixels(part))}",
            given=shape_text((rows, cols)),
        )
    return rows, cols


def _starts(length: int, side: int, step: int) -> list[int]:
    """Where windows begin along an axis; the last ends at the edge, so that all pixels are covered."""
    starts = list(range(0, length - side + 1, step))
    return starts if starts[-1] == length - side else [*starts, length - side]
