"""The verb for the shape of what a model has learnt: how an output answers when a band gets brighter or darker.

Importance says how much a band matters, not in which direction or from which level on. Here a band is moved as a
whole: all its pixels by one constant, so that its mean takes another level while its texture stays.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from ..data.naming import Named
from ..data.options import one_of, whole
from ..data.summaries import band_means, band_spread
from ..data.words import few, quoted
from ..errors import BandError, DataWarning
from ..progress import Progress, starting, ticker
from ..results.local_effects import Curve, accumulated, averaged, bin_edges, bins_of
from ..results.response import BandResponse
from .calls import Call, checked
from .moving import moved_outputs
from .question import Question

KINDS = ("ale", "ice")
# levels closer than this, relative to the values of the band, are the same but for rounding
ROUNDING = 1e-6
NAMED = 5


def band_response(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    kind: str = "ale",
    only: Sequence[str | int] | None = None,
    steps: int = 20,
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
    time_axis: Any = None,
    times: Any = None,
    reorder: bool = False,
    batch_size: int | None = None,
    progress: Progress = None,
) -> BandResponse:
    """How the score of each class answers to the level of a band.

    A band's level in an image is its mean over the image's pixels. To bring it to another level, all pixels of the band
    are shifted by the same number, so that its texture stays. Levels never leave the range that is observed in the
    images of the class.

    Where images have steps in time, a band is moved at all of them, and its level is its mean over them, too. With
    `time_axis`, it is moved at one step while the others stay: there is a curve for each band at each step.

    Parameters
    ----------
    model, x, y
        As for `band_importance`, several inputs included. The curves are those of these images: use images like those
        that the model will see.
    kind : {"ale", "ice"}
        "ale": accumulated local effects. The images of a class are divided into bins of similar level, each image is
        moved to the two ends of its bin, and the mean changes of the output are added up from bin to bin. Images stay
        near where they are, so that bands that go together do no harm. "ice": individual conditional expectation. Each
        image is moved to every level of a grid, with a curve for each, whose mean is the partial dependence. Where
        bands go together, this makes images of a kind that does not exist.
    only : sequence of str or int, optional
        Bands to look at, by name ("input: band" where several inputs have it), or by position in the order of the
        result's bands; all by default. With `time_axis` at all steps, or at one: "nir at 2024-05-01".
    steps : int
        Steps from the lowest level to the highest; with "ale" the most there may be, as each bin has at least five
        images.
    time_axis, times
        As for `band_importance`: the axis of the steps, to move a band at one of them, and what these are called.
    target, output, head, task, zone, ignore, bands, wavelengths, classes, band_axis, reorder, batch_size, progress
        As for `band_importance`.

    Returns
    -------
    BandResponse
        With "ale", ``to_frame()`` has a row per class x output x band (x step) x level, whose `effect` is what the band
        at that level adds to the output, centred so that its mean over the class's images is 0, in units of the output;
        `std_error` and the 95 % interval stem from how images of a bin differ; `n` is the number of images between
        the level before and this one. With "ice", it is the partial dependence, centred in the same way, and
        ``to_frame("image")`` has the outputs of each image.

    Raises
    ------
    BandlensError
        As for `band_importance`; BandError if no band's level varies within a class.

    Warns
    -----
    DataWarning
        If a band has no curve for some classes, because its level is the same in all their images. They are listed in
        the result's `missing`.

    Notes
    -----
    It takes two images per image and band with "ale", ``steps + 1`` with "ice". Accumulated local effects: Apley & Zhu
    2020, doi:10.1111/rssb.12377; individual conditional expectation: Goldstein et al. 2015,
    doi:10.1080/10618600.2014.907095.

    Examples
    --------
    >>> response = bl.band_response(model, x_test, y_test)  # doctest: +SKIP
    >>> response.plot(bands=["nir"])  # doctest: +SKIP
    """
    kind, steps = one_of(*KINDS)("kind", kind), whole()("steps", steps)
    # a method that asks the model for nothing but outputs
    question = Question(
        model=model, x=x, y=y, method="occlusion", method_options={"replacement": "zero"}, target=target,
        output=output, head=head, task=task, zone=zone, ignore=ignore, bands=bands, wavelengths=wavelengths,
        classes=classes, band_axis=band_axis, time_axis=time_axis, times=times, reorder=reorder, batch_size=batch_size,
    )  # fmt: skip
    with starting(progress, model):
        call = checked(question)
    chosen = _chosen(only, call.named)
    started = time.perf_counter()
    levels = band_means(call.images)
    varies = _varies(call, levels)
    missing = _missing(call, levels, varies, chosen, kind)
    rows = _Rows()
    grid = values = None
    with ticker(progress, len(chosen) * call.images.n, "Response curves") as tick:
        if kind == "ale":
            for at, band in enumerate(chosen):
                _local_effects(call, levels[:, band], varies[:, band], band, at, steps, rows)
                tick(call.images.n)
        else:
            grid = np.full((len(call.classes), len(chosen), steps + 1), np.nan)
            values = np.full((*call.targets.image_output.shape, *grid.shape[1:]), np.nan)
            for at, band in enumerate(chosen):
                _own_curves(call, levels[:, band], varies[:, band], band, grid[:, at], values[:, :, at])
                _mean_curves(call, levels[:, band], varies[:, band], at, grid[:, at], values[:, :, at], rows)
                tick(call.images.n)
    cells = call.features  # single bands, each perhaps at several steps
    return BandResponse(
        kind=kind,
        **rows.sorted(),
        image_class=call.targets.codes,
        image_output=call.targets.image_output,
        images=call.targets.images,
        band_levels=levels[:, chosen],
        classes=call.classes,
        outputs=call.outputs,
        bands=tuple(cells.names[band] for band in chosen),
        wavelengths=tuple(call.wavelengths[band] for band in chosen),
        output=call.predictor.scale,
        steps=steps,
        grid=grid,
        values=values,
        missing=missing,
        model=call.predictor.name,
        versions=call.predictor.versions,
        seconds=time.perf_counter() - started,
        inputs=cells.inputs and tuple(cells.inputs[band] for band in chosen),
        times=cells.times and tuple(cells.times[band] for band in chosen),
        time_kind=cells.time_kind,
    )


class _Rows:
    """Points of curves as they are found, and in the order of classes, outputs and bands."""

    def __init__(self) -> None:
        self._parts: list[dict[str, np.ndarray]] = []

    def add(self, code: int, outputs: Sequence[int], band: int, level: np.ndarray, curve: Curve) -> None:
        for k, output in enumerate(outputs):
            one = {name: getattr(curve, name)[:, k] for name in ("effect", "std_error", "conf_low", "conf_high")}
            where = {"row_class": code, "row_output": output, "row_band": band}
            places = {name: np.full(len(level), at, np.int64) for name, at in where.items()}
            self._parts.append({**places, "level": level, **one, "n_images": curve.n.astype(np.int64)})

    def sorted(self) -> dict[str, Any]:
        together = {name: np.concatenate([part[name] for part in self._parts]) for name in self._parts[0]}
        order = np.lexsort([together[name] for name in ("level", "row_band", "row_output", "row_class")])
        return {name: column[order] for name, column in together.items()}


def _local_effects(
    call: Call, levels: np.ndarray, varies: np.ndarray, band: int, at: int, steps: int, rows: _Rows
) -> None:
    """Accumulated local effects of one band, for the images of each class that are explained by the same outputs."""
    groups = {key: mine for key, mine in _groups(call) if varies[key[0]] and np.ptp(levels[mine]) > 0}
    if not groups:
        return
    edges = {key: bin_edges(levels[mine], steps) for key, mine in groups.items()}
    images = np.sort(np.concatenate(list(groups.values())))
    ends = np.zeros((call.images.n, 2))
    for key, mine in groups.items():
        bins = bins_of(levels[mine], edges[key])
        ends[mine] = np.stack([edges[key][bins], edges[key][bins + 1]], axis=1)
    found = np.zeros((call.images.n, 2, call.targets.image_output.shape[1]))
    found[images] = moved_outputs(call, images, band, ends[images] - levels[images, None])
    for key, mine in groups.items():
        curve = accumulated(levels[mine], found[mine, 1] - found[mine, 0], edges[key])
        rows.add(key[0], key[1:], at, edges[key], curve)


def _own_curves(
    call: Call, levels: np.ndarray, varies: np.ndarray, band: int, grid: np.ndarray, values: np.ndarray
) -> None:
    """Fill in the levels of each class and the outputs of each image there."""
    for code in np.flatnonzero(varies):
        own = levels[call.targets.codes == code]
        grid[code] = np.linspace(own.min(), own.max(), grid.shape[1])
    images = np.flatnonzero(varies[call.targets.codes])
    if len(images):
        shifts = grid[call.targets.codes[images]] - levels[images, None]
        values[images] = np.moveaxis(moved_outputs(call, images, band, shifts), 1, 2)


def _mean_curves(
    call: Call, levels: np.ndarray, varies: np.ndarray, at: int, grid: np.ndarray, values: np.ndarray, rows: _Rows
) -> None:
    for (code, *outputs), mine in _groups(call):
        if varies[code]:
            rows.add(code, outputs, at, grid[code], averaged(levels[mine], values[mine], grid[code]))


def _groups(call: Call) -> list[tuple[tuple[int, ...], np.ndarray]]:
    """Images of the same class that are explained by the same outputs: (class, *outputs), and their positions."""
    keys, inverse = np.unique(
        np.column_stack([call.targets.codes, call.targets.image_output]), axis=0, return_inverse=True
    )
    inverse = inverse.reshape(-1)
    return [(tuple(key.tolist()), np.flatnonzero(inverse == at)) for at, key in enumerate(keys)]


def _varies(call: Call, levels: np.ndarray) -> np.ndarray:
    """Whether the level of each band varies within each class by more than rounding, shape (classes, bands)."""
    found = np.zeros((len(call.classes), levels.shape[1]), bool)
    sizes = np.sqrt(band_spread(call.images) ** 2 + levels.mean(axis=0) ** 2)
    for code in np.unique(call.targets.codes):
        found[code] = np.ptp(levels[call.targets.codes == code], axis=0) > ROUNDING * sizes
    return found


def _missing(call: Call, levels: np.ndarray, varies: np.ndarray, chosen: np.ndarray, kind: str) -> dict[str, list[str]]:
    """Classes of which a band has no curve; warns of them, and refuses a call that would give none at all."""
    present, n = np.unique(call.targets.codes, return_counts=True)
    missing = {
        call.bands[band]: [call.classes[code] for code in present if not varies[code, band]]
        for band in chosen
        if not varies[present, band].all()
    }
    if not varies[np.ix_(present, chosen)].any():
        raise BandError(
            "There is no curve: the level of no band varies within a class.",
            expected="images of a class that differ in the mean of a band over pixels",
            given=f"{call.images.n} images of {len(present)} classes, "
            f"{'with the same mean of the band' if n.max() > 1 else 'one of each class'}",
            fix="give more images, such as all that the model was tested on"
            if n.max() == 1
            else "give images in which no band is constant, or that were not centred one by one",
        )
    alone = [call.classes[code] for code, count in zip(present, n, strict=True) if count == 1]
    said = [f"class {_listed(alone)} has a single image"] if alone else []
    for band, lacking in missing.items():
        constant = [name for name in lacking if name not in alone]
        if constant:
            said.append(f"the level of band '{band}' is the same in all images of class {_listed(constant)}")
    for (code, *outputs), mine in _groups(call) if kind == "ale" else ():
        # some of a class's images only, where each is explained by the output that the model predicts
        if (varies[code, chosen] & (np.ptp(levels[np.ix_(mine, chosen)], axis=0) == 0)).any():
            named = _listed([call.outputs[output] for output in outputs])
            said.append(f"of class '{call.classes[code]}' too few images are explained by output {named}")
    if said:
        warnings.warn(f"Some response curves are missing: {few(said, NAMED, '; ')}.", DataWarning, stacklevel=3)
    return missing


def _listed(names: Sequence[str]) -> str:
    return few([f"'{name}'" for name in names], NAMED)


def _chosen(only: Sequence[str | int] | None, named: Named) -> np.ndarray:
    """Positions of the cells to look at, in the order of the images' bands."""
    cells = [label.replace(": ", ":", 1) for label in named.cell_labels]
    if only is None:
        return np.arange(len(cells))
    wanted = [only] if isinstance(only, str | int) else list(only)
    if not wanted:
        raise BandError("`only` names no bands of the images.", expected="names or positions of bands", given="none")
    starts = np.cumsum([0, *named.n_steps])
    timed = next((label for label, step in zip(named.cell_labels, chain(*named.steps), strict=True) if step), None)
    at_step = f"; at one step: {quoted(timed)}" if timed else ""
    found: list[int] = []
    for band in wanted:
        cell = band.replace(": ", ":", 1) if isinstance(band, str) else None
        if cell in cells:
            found.append(cells.index(cell))
            continue
        place = named.position(band, "`only` names no bands of the images.", at_step)
        found += range(starts[place], starts[place + 1])
    return np.unique(found)
