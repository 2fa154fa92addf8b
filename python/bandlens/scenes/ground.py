"""The ground that windows are cut from: one raster, or those of a model's inputs, which may have pixels of other sizes.

Places and sizes of windows are in pixels of the finest raster, counted from 0 at its upper left corner.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..data.inputs import Inputs
from ..data.labelled import LabelledImages
from ..data.options import whole_number
from ..data.words import few, nearest, quoted, shown
from ..errors import BandError, ModelError, OptionError, SceneError
from ..models.packing import input_names, model_inputs
from .opening import opened
from .rasters import CLOSE, Held, Raster, Region, crs_name, extent_text, same_crs

# axes of a batch of images, and the one that times have in a batch of series
IMAGES = 4
TIME_AXIS = 1

Shapes = dict[str, tuple[int | None, ...]]
# values of a region by the input's name: raw ones, or ones that were cleaned
Values = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Ground:
    """Rasters that lie over each other.

    Attributes
    ----------
    rasters : dict of Raster
        By the input's name; of a model of one input, by an empty one.
    ratios : dict of int
        Pixels of the finest raster along one of each.
    numbers : dict of ndarray
        Inputs that take a row of numbers, the same everywhere.
    number_names : dict of tuple of str
        Names of these numbers, where they have some.
    order : tuple of str
        All inputs, in the model's order.
    """

    rasters: dict[str, Raster]
    ratios: dict[str, int]
    numbers: dict[str, np.ndarray] = field(default_factory=dict)
    number_names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    order: tuple[str, ...] = ("",)

    @property
    def finest(self) -> Raster:
        """The raster with the smallest pixels."""
        return self.rasters[min(self.ratios, key=lambda name: self.ratios[name])]

    @property
    def step(self) -> int:
        """Side of the smallest square that is made of whole pixels of all rasters."""
        return math.lcm(*self.ratios.values())

    @property
    def several(self) -> bool:
        """Whether the model has several inputs."""
        return self.order != ("",)

    @property
    def lazy(self) -> bool:
        """Whether values are computed by Dask, later."""
        return any(isinstance(one.source, Held) and one.source.lazy for one in self.rasters.values())

    def numbers_in(self, size: int) -> int:
        """How many numbers there are in a square of so many pixels."""
        return sum(
            (size // self.ratios[name]) ** 2 * len(one.bands) * max(1, len(one.times))
            for name, one in self.rasters.items()
        )

    def raw(self, region: Region) -> Values:
        """What the rasters hold in a region, as it is; those of Dask are not computed."""
        found = {}
        for name, raster in self.rasters.items():
            ratio = self.ratios[name]
            found[name] = raster.source.raw(Region(*(value // ratio for value in region)))
        return found

    def cleaned(self, raw: Values) -> dict[str, np.ndarray]:
        """Numbers, NaN where there is no data."""
        return {name: self.rasters[name].source.cleaned(values) for name, values in raw.items()}

    def read(self, region: Region) -> dict[str, np.ndarray]:
        """Values of a region."""
        return self.cleaned(self.raw(region))

    def elsewhere(self) -> Ground:
        """The same without arrays, for work that is given its values."""
        rasters = {
            name: replace(one, source=one.source.elsewhere()) if isinstance(one.source, Held) else one
            for name, one in self.rasters.items()
        }
        return replace(self, rasters=rasters)

    def windows(
        self, values: Mapping[str, np.ndarray], region: Region, top: np.ndarray, left: np.ndarray, size: int
    ) -> dict[str, np.ndarray]:
        """Windows of a region that was read, (n, rows, cols, bands) or (n, rows, cols, times, bands) of each raster."""
        found = {}
        for name, array in values.items():
            ratio = self.ratios[name]
            side = size // ratio
            cut = np.empty((len(top), side, side, *array.shape[2:]), array.dtype)
            places = zip((top - region.top) // ratio, (left - region.left) // ratio, strict=True)
            for at, (row, col) in enumerate(places):
                cut[at] = array[row : row + side, col : col + side]
            found[name] = cut
        return found

    def images(self, windows: Mapping[str, np.ndarray]) -> Any:
        """Windows as verbs take them as `x`, with the names of their bands."""
        named = {
            name: LabelledImages(values, bands=self.rasters[name].bands, wavelengths=self._waves(name))
            for name, values in windows.items()
        }
        if not self.several:
            own, times = named[""], self.finest.times
            return replace(own, x=np.moveaxis(own.x, 3, TIME_AXIS), times=list(times)) if times else own
        n = len(next(iter(windows.values())))
        for name, row in self.numbers.items():
            named[name] = LabelledImages(np.tile(row, (n, 1)), bands=self.number_names.get(name))
        return {name: named[name] for name in self.order}

    def _waves(self, name: str) -> tuple[float, ...] | None:
        known = self.rasters[name].wavelengths
        return None if all(math.isnan(value) for value in known) else known


def complete(windows: Mapping[str, np.ndarray]) -> np.ndarray:
    """Which windows have a finite value everywhere."""
    each = [np.isfinite(values).all(axis=tuple(range(1, values.ndim))) for values in windows.values()]
    found: np.ndarray = np.logical_and.reduce(each)
    return found


def one_ground(raster: Raster) -> Ground:
    """A raster by itself."""
    return Ground({"": raster}, {"": 1})


def joined(rasters: dict[str, Raster], **more: Any) -> Ground:
    """Rasters under the names of inputs.

    Raises
    ------
    SceneError
        If they don't cover the same ground, or pixels of one are not made of whole pixels of the finest.
    """
    first = next(iter(rasters.values()))
    finest = min(rasters.values(), key=lambda one: one.resolution[0])
    grain = np.array(finest.resolution)
    ratios = {}
    for name, own in rasters.items():
        _check_same_ground(first, own, grain)
        exact = np.array(own.resolution) / grain
        whole = np.rint(exact)
        if (np.abs(exact - whole) > 1e-3).any() or whole[0] != whole[1]:
            raise SceneError(
                f"Pixels of `{own.called}` are not made of whole pixels of `{finest.called}`.",
                expected=f"a multiple of {_text(finest.resolution)}",
                given=_text(own.resolution),
                fix="resample it, such as by `array.rio.reproject_match(...)`",
            )
        ratios[name] = int(whole[0])
    return Ground(rasters, ratios, **more)


def _check_same_ground(first: Raster, own: Raster, grain: np.ndarray) -> None:
    if not same_crs(first.crs, own.crs):
        raise SceneError(
            f"`{own.called}` has another coordinate reference system than `{first.called}`.",
            expected=crs_name(first.crs),
            given=crs_name(own.crs),
            fix="bring it to the others', such as by `array.rio.reproject(...)`",
        )
    distance = np.abs(np.array(own.bounds) - np.array(first.bounds))
    if (distance > grain.repeat(2) * CLOSE).any():
        raise SceneError(
            f"`{own.called}` covers other ground than `{first.called}`.",
            expected=extent_text(first),
            given=extent_text(own),
            fix="cut both to whole pixels of what they share, such as by `array.rio.clip_box(...)`",
        )


def _text(size: tuple[float, float]) -> str:
    return " x ".join(f"{value:g}" for value in dict.fromkeys(size))


def input_shapes(model: Any) -> Shapes:
    """Shapes of a Keras model's inputs by their names, None where a size is open; empty where it does not say."""
    inputs = model_inputs(model)
    return {name: tuple(one.shape)[1:] for name, one in zip(input_names(model), inputs, strict=True)}


def ground_of(model: Any, scene: Any) -> Ground:
    """Open a scene for a model: a raster, or a dict of them by the names of the inputs.

    Raises
    ------
    SceneError, BandError, ModelError
    """
    shapes = input_shapes(model)
    if len(shapes) > 1:
        return _of_inputs(scene, shapes)
    series = all(len(shape) == IMAGES for shape in shapes.values())
    if isinstance(scene, Mapping) and not (series and shapes):
        raise SceneError(
            "`scene` is several rasters, and the model has one input.",
            expected="one raster, or a list of files whose bands are its bands",
            given=few(map(quoted, scene)),
        )
    ground = one_ground(opened(scene, series=series))
    for shape in shapes.values():
        if len(shape) == IMAGES:
            _check_times(ground.finest, shape[0])
        if len(shape) in (IMAGES - 1, IMAGES):
            _check_bands(ground.finest, shape[-1])
    return ground


def _check_times(raster: Raster, n: int | None) -> None:
    if not raster.times or n not in (None, len(raster.times)):
        steps = "" if n is None else f" of {n} steps"
        raise SceneError(
            f"The model takes series of images, and `{raster.called}` is {'another' if raster.times else 'none'}.",
            expected=f"an xarray.DataArray with an axis 'time'{steps}, and one of bands, or a dict of files by dates",
            given=f"{len(raster.times)} steps" if raster.times else f"no axis of times, {len(raster.bands)} bands",
            fix="put arrays of one date each together: `xarray.concat(arrays, 'time')`; of files: `{date: path, ...}`",
        )


def _of_inputs(scene: Any, shapes: Shapes) -> Ground:
    wanted = few(
        f"{name} ({' x '.join('any' if side is None else str(side) for side in s)})" for name, s in shapes.items()
    )
    if not isinstance(scene, Mapping):
        raise SceneError(
            "The model has several inputs, and `scene` is one raster.",
            expected=f"a dict with one for each: {wanted}",
            given=type(scene).__name__,
            fix="{" + ", ".join(f"{name!r}: ..." for name in shapes) + "}; rasters may have pixels of different sizes",
        )
    if set(scene) != set(shapes):
        unknown = [str(name) for name in scene if name not in shapes]
        raise SceneError(
            "`scene` does not hold what the model's inputs take.",
            expected=wanted,
            given=few(map(quoted, scene)),
            fix=nearest(unknown, list(shapes)) if unknown else None,
        )
    rasters: dict[str, Raster] = {}
    numbers: dict[str, np.ndarray] = {}
    names: dict[str, tuple[str, ...]] = {}
    for name, shape in shapes.items():
        called = Inputs.called("scene", name)
        if len(shape) == IMAGES - 1:
            rasters[name] = opened(scene[name], called)
            _check_bands(rasters[name], shape[2])
        elif len(shape) == 1:
            numbers[name], names[name] = _row(scene[name], shape[0], called)
        else:
            raise ModelError(
                f"The model's input '{name}' takes neither images nor a row of numbers.",
                expected="rows x columns x bands, or numbers",
                given=f"{len(shape)} axes",
            )
    if not rasters:
        raise ModelError("None of the model's inputs takes images.", expected=wanted)
    known = {name: own for name, own in names.items() if own}
    return joined(rasters, numbers=numbers, number_names=known, order=tuple(shapes))


def _row(given: Any, length: int | None, called: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """A row of numbers, and its names where it is a dict."""
    names = tuple(map(str, given)) if isinstance(given, Mapping) else ()
    try:
        row = np.asarray(list(given.values()) if isinstance(given, Mapping) else given, np.float64)
    except (TypeError, ValueError):
        row = np.empty((0, 0))
    if row.ndim != 1 or not np.isfinite(row).all() or (length is not None and len(row) != length):
        raise SceneError(
            f"`{called}` is no row of numbers.",
            expected=f"{'' if length is None else length} numbers, the same all over the scene; in a dict, with names",
            given=shown(given) if isinstance(given, list | tuple | dict | int | float) else type(given).__name__,
        )
    return row, names


def _check_bands(raster: Raster, n: int | None) -> None:
    if n is not None and n != len(raster.bands):
        raise BandError(
            f"`{raster.called}` has other bands than the model takes.",
            expected=f"{n} bands",
            given=f"{len(raster.bands)}: {few(raster.bands, 20)}",
            fix="take the bands that the model was trained on, in that order, such as by `scene.sel(band=[...])`",
        )


def window_size(given: Any, ground: Ground, shapes: Shapes) -> int:
    """Side of the model's window, in pixels of the finest raster.

    Raises
    ------
    OptionError, SceneError
    """
    finest = ground.finest
    size = _model_size(ground, shapes) if given is None else given
    size = in_steps(size, ground, "size")
    if size > min(finest.rows, finest.cols):
        raise OptionError(
            f"Windows of {size} x {size} pixels are larger than the scene.",
            given=f"a scene of {finest.rows} x {finest.cols} pixels",
        )
    return size


def _model_size(ground: Ground, shapes: Shapes) -> int:
    """As the model's inputs have it."""
    sides: dict[str, list[int]] = {}
    for name, shape in shapes.items():
        own = name if ground.several else ""
        if own in ground.rasters and len(shape) in (IMAGES - 1, IMAGES):
            sides[name] = [side * ground.ratios[own] for side in shape[-3:-1] if side is not None]
    found = {side for both in sides.values() for side in both}
    if not found:
        raise OptionError("The model does not say how large its images are.", fix="give `size`, in pixels")
    if len(found) > 1:
        if len(sides) == 1:
            raise ModelError(
                "The model's images are not square.", expected="as many rows as columns", given=str(shapes)
            )
        resolutions = few(
            f"{name}: {' x '.join(map(str, shapes[name][:2]))} pixels of {_text(ground.rasters[name].resolution)}"
            for name in sides
        )
        raise SceneError(
            "With these rasters, the model's inputs don't cover the same square of ground.",
            expected="as many pixels times their size for all inputs, rows as columns",
            given=resolutions,
            fix="resample the rasters to the resolutions that the model was trained with",
        )
    return found.pop()


def in_steps(value: Any, ground: Ground, name: str) -> int:
    """A whole number of pixels that holds whole pixels of all rasters."""
    pixels = whole_number(name, value)
    if pixels % ground.step:
        raise OptionError(
            f"With `{name}` = {value}, windows would cut pixels of the coarser rasters.",
            expected=f"a multiple of {ground.step}, in pixels of the finest raster",
            given=shown(value),
        )
    return pixels
