"""From a scene and places on the ground to images and labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..data.options import one_of, whole_number
from ..data.words import few, nearest
from ..errors import LabelError, LocationError, OptionError, SceneError
from .grid import BLOCK_VALUES
from .ground import Ground, complete, in_steps, joined, one_ground
from .needed import needed
from .opening import opened
from .patches import ScenePatches, labels_of
from .places import Wanted, around_points, column_of, in_polygons, kind_of, read_places
from .rasters import Raster, Region, moved

MASK = "labels of pixels"
NO_LABEL = -1
# a window around several patches is read at once, if it holds no more than so many times their values
WORTH = 4


def extract_patches(
    scene: Any,
    places: Any = None,
    *,
    size: int,
    label: Any = "label",
    classes: Sequence[str] | None = None,
    placement: str = "grid",
    inside: str = "patch",
    spacing: int | None = None,
    n: int = 10,
    wavelengths: Any = None,
    on_missing: str = "error",
    seed: int = 0,
) -> ScenePatches:
    """Cut labelled patches from a scene, around points or inside polygons.

    Only windows of the scene are read, so that it may be far larger than the memory; the patches must fit.

    Parameters
    ----------
    scene : xarray.DataArray, path, list of paths, or dict
        As for `score_scene`; a dict holds rasters of the inputs of one model, by their names, whose pixels may be of
        different sizes.
    places : GeoDataFrame, path of a vector file, or table, optional
        Points (a patch each) or polygons, brought to the reference system of the scene. A table has columns `x` and `y`
        in that system, or `lon` and `lat` (or `longitude` and `latitude`) in degrees. Without it, all of the scene, as
        one polygon.
    size : int
        Rows and columns of a patch, in pixels (of several rasters, of the finest). It lies around the pixel that holds
        the point: the middle one, for an even size the upper left one of the four in the middle.
    label : str or raster, optional
        Column of `places` that holds the class, None if there is none. Or, for labels of pixels, a raster of classes
        on the same ground (an `xarray.DataArray` or a `pathlib.Path`), with pixels as large as the scene's, or made of
        whole ones of them.
    classes : sequence of str, optional
        Names of the classes in the order of the model's outputs. By default the categories of the column, else its
        sorted labels, which may be another order than the model's. A raster of labels holds their numbers; with
        `classes`, they are counted from 1.
    placement : {"grid", "random"}
        Where patches lie in a polygon: on a grid that is the same all over the scene, or at random places.
    inside : {"patch", "centre"}
        What must be inside the polygon: the whole patch, or the centre of its middle pixel.
    spacing : int, optional
        Pixels from one patch of a grid to the next; by default `size`.
    n : int
        Most patches per polygon, at random places; they may overlap, but no two are the same.
    wavelengths : sequence of float, or dict, optional
        Of the bands, in nm; of several inputs a dict by their names. By default those that the scene has.
    on_missing : {"error", "drop"}
        What to do about patches that cross the edge of the scene or have a missing value, and about polygons without
        room for a patch.
    seed : int
        Makes random places repeatable.

    Returns
    -------
    ScenePatches
        `LabelledImages` with positions: give them to `band_importance` as `x`. `ScenePatches.joined` puts those of
        several scenes together.

    Raises
    ------
    BandlensError
        One of its subclasses, if an argument doesn't fit, or a patch is incomplete and `on_missing` is "error".
    """
    one_of("grid", "random")("placement", placement)
    one_of("patch", "centre")("inside", inside)
    one_of("error", "drop")("on_missing", on_missing)
    whole_number("n", n)
    whole_number("seed", seed, 0)
    ground = _opened(scene)
    mask = None if label is None or isinstance(label, str) else opened(label, "label")
    reads = ground if mask is None else _with_mask(ground, mask)
    finest = ground.finest
    size = in_steps(size, reads, "size")
    spacing = size if spacing is None else in_steps(spacing, reads, "spacing")
    if size > min(finest.rows, finest.cols):
        raise OptionError(
            f"Patches of {size} x {size} pixels are larger than the scene.",
            given=f"a scene of {finest.rows} x {finest.cols} pixels",
        )
    step, blocks = reads.step, _blocks(finest, reads.step)
    table = _whole(blocks) if places is None else read_places(places, finest.crs, "places")
    codes, names = None, None
    if isinstance(label, str) and places is not None:
        codes, names = _labels(column_of(table, label, "places"), classes)
    if kind_of(table, "places") == "points":
        wanted = around_points(table, blocks, size // step)
    else:
        wanted = in_polygons(
            table, blocks, size // step,
            random=placement == "random", whole=inside == "patch", spacing=spacing // step, n=n, seed=seed,
        )  # fmt: skip
    wanted = wanted._replace(top=wanted.top * step, left=wanted.left * step)
    kept, windows, dropped = _cut(reads, wanted, size, on_missing)
    y: np.ndarray | None = None if codes is None else codes[kept.location]
    if mask is not None:
        y, names = _pixel_labels(windows.pop(MASK)[..., 0], mask, classes)
    width, height = finest.resolution
    x, waves = _images(ground, windows, wavelengths)
    return ScenePatches(
        x=x, y=y, bands=None if ground.several else finest.bands, wavelengths=waves, classes=names,
        location=kept.location,
        centre=_centres(finest, kept, size),
        corner=np.stack([kept.top, kept.left], axis=1), crs=finest.crs, resolution=(width, height), dropped=dropped,
    )  # fmt: skip


def _centres(scene: Raster, places: Wanted, size: int) -> np.ndarray:
    """X and y of the middle of patches, (n, 2)."""
    (x_min, _, _, y_max), (width, height) = scene.bounds, scene.resolution
    x, y = x_min + (places.left + size / 2) * width, y_max - (places.top + size / 2) * height
    return np.stack([x, y], axis=1)


def _opened(scene: Any) -> Ground:
    if not isinstance(scene, Mapping):
        return one_ground(opened(scene))
    if not scene:
        raise SceneError("`scene` holds no rasters.", expected="rasters by the names of a model's inputs")
    rasters = {str(name): opened(one, f"scene[{name!r}]") for name, one in scene.items()}
    return joined(rasters, order=tuple(rasters))


def _with_mask(ground: Ground, mask: Raster) -> Ground:
    """The same ground, with the labels in its windows."""
    if len(mask.bands) != 1:
        raise LabelError("`label` must have one band, of classes.", expected="1 band", given=f"{len(mask.bands)} bands")
    found = joined({**ground.rasters, MASK: mask}, order=(*ground.order, MASK))
    if found.ratios[MASK] < min(found.ratios[name] for name in ground.rasters):
        raise LabelError(
            "`label` has smaller pixels than `scene`.",
            expected=f"{ground.finest.resolution}",
            given=f"{mask.resolution}",
            fix="bring it to the pixels of the scene, such as by `label.rio.reproject_match(scene)`",
        )
    return found


def _blocks(scene: Raster, step: int) -> Raster:
    """What patches are made of: pixels, or the smallest squares of whole pixels of all rasters."""
    if step == 1:
        return scene
    return replace(
        scene, rows=scene.rows // step, cols=scene.cols // step, transform=moved(scene.transform, 0, 0, step)
    )


def _whole(scene: Raster) -> Any:
    """All of a scene, as a polygon."""
    x_min, x_max, y_min, y_max = scene.bounds
    box = needed("shapely", "Points and polygons").box(x_min, y_min, x_max, y_max)
    return needed("geopandas", "Points and polygons").GeoDataFrame(geometry=[box], crs=scene.crs or None)


def _labels(values: Any, classes: Sequence[str] | None) -> tuple[np.ndarray, tuple[str, ...]]:
    codes, names = labels_of(values, classes)
    if (codes < 0).any():
        unknown = list(dict.fromkeys(str(value) for value in np.asarray(values)[codes < 0]))
        raise LabelError(
            "`places` holds labels that are not among `classes`.",
            expected=few(names),
            given=few(unknown),
            fix=nearest(unknown, names),
        )
    return codes, names


def _pixel_labels(
    values: np.ndarray, mask: Raster, classes: Sequence[str] | None
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Classes of pixels as positions, -1 where there is no label."""
    known = np.isfinite(values)
    if classes is None:
        numbers = _numbers_of(mask)
        names = tuple(f"{value:.15g}" for value in numbers)
    else:
        names = tuple(map(str, classes))
        numbers = np.arange(1, len(names) + 1, dtype=np.float64)
    found = np.full(values.shape, NO_LABEL, np.int64)
    place = np.searchsorted(numbers, values[known]).clip(max=len(numbers) - 1)
    wrong = numbers[place] != values[known]
    if wrong.any():
        unknown = [f"{value:.15g}" for value in np.unique(values[known][wrong])]
        raise LabelError(
            "`label` holds classes that are not among `classes`.",
            expected=f"{few(names)}, by their numbers, 1 to {len(names)}",
            given=few(unknown),
            fix="what stands for no class must be no data, as by `label.where(label != 0)`",
        )
    found[known] = place
    return found, names


def _numbers_of(mask: Raster) -> np.ndarray:
    """All values of a raster of labels, in order."""
    found = np.zeros(0)
    rows = max(1, BLOCK_VALUES // mask.cols)
    for top in range(0, mask.rows, rows):
        values = mask.read(Region(top, 0, min(rows, mask.rows - top), mask.cols))
        found = np.union1d(found, values[np.isfinite(values)])
    if not len(found):
        raise LabelError("`label` holds no classes.", given="no data everywhere")
    return found


def _cut(
    ground: Ground, wanted: Wanted, size: int, on_missing: str
) -> tuple[Wanted, dict[str, np.ndarray], dict[str, int]]:
    """Read patches, and drop or refuse incomplete ones; labels of pixels may be missing."""
    finest = ground.finest
    within = (wanted.top >= 0) & (wanted.left >= 0)
    within &= (wanted.top <= finest.rows - size) & (wanted.left <= finest.cols - size)
    if on_missing == "error":  # what is an error anyway is found before anything is read
        _refuse(wanted.location[~within], np.zeros(0, np.int64), wanted.empty)
    inside = Wanted(wanted.location[within], wanted.top[within], wanted.left[within], wanted.empty)
    windows = _read(ground, inside, size)
    whole = complete({name: one for name, one in windows.items() if name != MASK})
    if on_missing == "error":
        _refuse(np.zeros(0, np.int64), inside.location[~whole], np.zeros(0, np.int64))
    dropped = {"edge": int((~within).sum()), "missing": int((~whole).sum()), "empty": len(wanted.empty)}
    if not whole.any():
        raise LocationError("No patch is left.", given=_text(dropped))
    kept = Wanted(inside.location[whole], inside.top[whole], inside.left[whole], inside.empty)
    return kept, {name: one[whole] for name, one in windows.items()}, dropped


def _read(ground: Ground, places: Wanted, size: int) -> dict[str, np.ndarray]:
    """Windows of all patches; those that lie near each other are read together."""
    n = len(places.top)
    found = {}
    for name, one in ground.rasters.items():
        own = size // ground.ratios[name]
        found[name] = np.empty((n, own, own, len(one.bands)), one.source.dtype)
    side = max(size, int((BLOCK_VALUES / 4 / max(1, ground.numbers_in(size) // size**2)) ** 0.5))
    tiles = places.top // side * (ground.finest.cols // side + 1) + places.left // side
    for tile in np.unique(tiles):
        every = np.flatnonzero(tiles == tile)
        top, left = places.top[every], places.left[every]
        window = (np.ptp(top) + size) * (np.ptp(left) + size)
        for near in [every] if window <= WORTH * len(every) * size**2 else every[:, None]:
            top, left = places.top[near], places.left[near]
            region = Region(int(top.min()), int(left.min()), int(np.ptp(top)) + size, int(np.ptp(left)) + size)
            for name, values in ground.windows(ground.read(region), region, top, left, size).items():
                found[name][near] = values
    return found


def _images(ground: Ground, windows: dict[str, np.ndarray], wavelengths: Any) -> tuple[Any, Any]:
    """Images as they are kept, and their wavelengths."""
    images = ground.images(windows)
    if ground.several:
        given = wavelengths or {}
        if not isinstance(given, Mapping) or not set(given) <= set(images):
            raise OptionError("`wavelengths` don't match the rasters.", expected=f"a dict by {few(images)}")
        return {name: replace(one, wavelengths=given.get(name, one.wavelengths)) for name, one in images.items()}, None
    return images.x, images.wavelengths if wavelengths is None else wavelengths


def _refuse(edge: np.ndarray, missing: np.ndarray, empty: np.ndarray) -> None:
    numbers = {"edge": len(edge), "missing": len(missing), "empty": len(empty)}
    if not any(numbers.values()):
        return
    rows = np.unique(np.concatenate([edge, missing, empty]).astype(np.int64))
    fix = "drop them with on_missing='drop'"
    if len(empty):
        fix += ", or ask less with inside='centre' or a smaller `spacing`"
    raise LocationError(f"{_text(numbers)}.", given=f"rows {few(rows)} of `places`", fix=fix)


def _text(numbers: dict[str, int]) -> str:
    words = {
        "edge": "over the edge of the scene",
        "missing": "with missing values",
        "empty": "without room for a patch",
    }
    nouns = {"edge": ("patch", "patches"), "missing": ("patch", "patches"), "empty": ("polygon", "polygons")}
    return ", ".join(f"{n} {nouns[why][n != 1]} {words[why]}" for why, n in numbers.items() if n)
