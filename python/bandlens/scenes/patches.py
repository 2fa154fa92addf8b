"""Labelled patches of a scene: images that know where they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from ..data.labelled import LabelledImages
from ..data.words import few, shape_text
from ..errors import BandError, InputError, InputTypeError, LabelError


@dataclass(frozen=True, eq=False, repr=False)
class ScenePatches(LabelledImages):
    """Patches as functions take them as `x`, with their labels, bands, wavelengths and classes.

    Attributes
    ----------
    x : ndarray, shape (n, rows, cols, bands)
        Of several inputs a dict of `LabelledImages` by their names.
    y : ndarray of int64, shape (n,) or (n, rows, cols), or None
        Position in `classes`; -1 for pixels without a label (``ignore=-1``).
    location : ndarray of int64, shape (n,)
        Row of the places that each patch comes from, counted from 0.
    centre : ndarray of float64, shape (n, 2)
        x and y of its centre, in the reference system `crs`.
    corner : ndarray of int64, shape (n, 2)
        Row and column of its upper left pixel in the scene.
    crs : str, or dict of str
        As WKT; empty if the scene has none. Of several scenes by their names, as `resolution`.
    resolution : tuple of float, or dict of these
        Width and height of a pixel of the finest raster.
    dropped : dict of int
        How many patches crossed the "edge" of the scene or had "missing" values, and how many polygons were "empty".
    scene : ndarray of str, shape (n,), or None
        Of several scenes, the one that each patch is of.
    """

    location: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    centre: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    corner: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    crs: str | dict[str, str] = ""
    resolution: tuple[float, float] | dict[str, tuple[float, float]] = (1.0, 1.0)
    dropped: dict[str, int] = field(default_factory=dict)
    scene: np.ndarray | None = None

    @classmethod
    def joined(cls, scenes: Mapping[str, ScenePatches] | Sequence[ScenePatches]) -> ScenePatches:
        """Patches of several scenes as one set, such as to train on, or to explain, all of them.

        Parameters
        ----------
        scenes : dict or sequence of ScenePatches
            By the names of the scenes; in a sequence they are called "0", "1" and so on. Classes are those of all
            scenes, in the order in which they come first.

        Raises
        ------
        InputTypeError, InputError
            If these are no patches, or patches of different sizes.
        BandError
            If their inputs, bands or wavelengths differ, also in their order.
        LabelError
            If some have labels and some have none, or some have labels of pixels and some of patches.

        Examples
        --------
        >>> found = {name: extract_patches(path, places, size=9) for name, path in paths.items()}  # doctest: +SKIP
        >>> bandlens.band_importance(model, bandlens.ScenePatches.joined(found))  # doctest: +SKIP
        """
        return _joined(scenes)

    def to_frame(self) -> pd.DataFrame:
        """One row per patch: `location`, `x`, `y`, `row`, `col`, and `class` where patches have one each.

        Of several scenes, `scene` is the first column.
        """
        frame = pd.DataFrame(
            {
                "location": self.location,
                "x": self.centre[:, 0],
                "y": self.centre[:, 1],
                "row": self.corner[:, 0],
                "col": self.corner[:, 1],
            }
        )
        if self.scene is not None:
            frame.insert(0, "scene", self.scene)
        if self.y is not None and np.ndim(self.y) == 1:
            assert self.classes is not None
            frame["class"] = pd.Categorical.from_codes(np.asarray(self.y), pd.Index(list(self.classes)), ordered=True)
        return frame

    def __repr__(self) -> str:
        shapes = (
            {name: np.shape(one.x) for name, one in self.x.items()} if isinstance(self.x, dict) else np.shape(self.x)
        )
        said = [f"<ScenePatches: {len(self.location)} patches, shape {shapes}"]
        if self.y is not None and self.classes is not None:
            counts = np.bincount(self.y[self.y >= 0], minlength=len(self.classes))
            kind = "pixels" if np.ndim(self.y) > 1 else "classes"
            said.append(f"{kind} {few(f'{name} ({n})' for name, n in zip(self.classes, counts, strict=True))}")
        if any(self.dropped.values()):
            said.append(f"dropped {few(f'{n} {why}' for why, n in self.dropped.items() if n)}")
        return "; ".join(said) + ">"


def labels_of(values: Any, classes: Any) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels of places as positions in their classes: the given ones, the categories, or the sorted labels."""
    if classes is None:
        categories = getattr(values, "cat", None)
        order = categories.categories if categories is not None else np.unique(np.asarray(values))
        classes = [str(one) for one in order]
    names = tuple(map(str, classes))
    places = {name: at for at, name in enumerate(names)}
    return np.array([places.get(str(value), -1) for value in values], np.int64), names


def _joined(scenes: Any) -> ScenePatches:
    by_name = dict(scenes) if isinstance(scenes, Mapping) else {str(at): one for at, one in enumerate(scenes)}
    parts = {str(name): one for name, one in by_name.items()}
    if not parts or not all(isinstance(one, ScenePatches) and one.scene is None for one in parts.values()):
        raise InputTypeError(
            "`scenes` are no patches of several scenes.",
            expected="a dict of what `extract_patches` gives, by the names of the scenes",
            given=few(type(one).__name__ for one in parts.values()) if parts else "nothing",
        )
    y, classes = _joined_labels(parts)
    inputs = {name: _by_input(one) for name, one in parts.items()}
    first, *others = inputs
    for name in others:
        _check_alike(first, inputs[first], name, inputs[name])
    images = {
        key: replace(one, x=np.concatenate([own[key].x for own in inputs.values()]))
        for key, one in inputs[first].items()
    }
    several = isinstance(parts[first].x, dict)
    dropped = {why: sum(one.dropped.get(why, 0) for one in parts.values()) for why in parts[first].dropped}
    return replace(
        parts[first],
        x=images if several else images[""].x,
        y=y,
        classes=classes,
        location=np.concatenate([one.location for one in parts.values()]),
        centre=np.concatenate([one.centre for one in parts.values()]),
        corner=np.concatenate([one.corner for one in parts.values()]),
        crs={name: one.crs for name, one in parts.items()},
        resolution={name: one.resolution for name, one in parts.items()},
        dropped=dropped,
        scene=np.repeat(list(parts), [len(one.location) for one in parts.values()]),
    )


def _by_input(patches: ScenePatches) -> dict[str, LabelledImages]:
    """Images by the input's name; of one input, by an empty one."""
    if isinstance(patches.x, dict):
        return patches.x
    return {"": LabelledImages(patches.x, bands=patches.bands, wavelengths=patches.wavelengths)}


def _check_alike(first: str, wanted: dict[str, LabelledImages], name: str, given: dict[str, LabelledImages]) -> None:
    """Refuse patches that a model would not take in one batch with the first scene's."""
    if list(wanted) != list(given):
        raise BandError(
            f"Patches of scene '{name}' have other inputs than those of '{first}'.",
            expected=few(wanted) if any(wanted) else "one input",
            given=few(given) if any(given) else "one input",
        )
    for key, one in wanted.items():
        own, called = given[key], f"scene '{name}'" + (f", input '{key}'," if key else "")
        bands = [tuple(map(str, images.bands or ())) for images in (one, own)]
        if bands[0] != bands[1]:
            swapped = sorted(bands[0]) == sorted(bands[1])
            raise BandError(
                f"Patches of {called} have {'their bands in another order than' if swapped else 'other bands than'} "
                f"those of '{first}'.",
                expected=few(bands[0], 20),
                given=few(bands[1], 20),
                fix="take the same bands of all scenes, in one order, such as by `scene.sel(band=[...])`",
            )
        if one.x.shape[1:] != own.x.shape[1:]:
            raise InputError(
                f"Patches of {called} have another size than those of '{first}'.",
                expected=shape_text(one.x.shape[1:]),
                given=shape_text(own.x.shape[1:]),
                fix="give the same `size` to `extract_patches`",
            )
        waves = [np.array(images.wavelengths or (), np.float64) for images in (one, own)]
        if not np.array_equal(waves[0], waves[1], equal_nan=True):
            raise BandError(
                f"Patches of {called} have other wavelengths than those of '{first}'.",
                expected=few(waves[0].tolist(), 20) if len(waves[0]) else "none",
                given=few(waves[1].tolist(), 20) if len(waves[1]) else "none",
                fix="give the same `wavelengths` to `extract_patches`",
            )


def _joined_labels(parts: Mapping[str, ScenePatches]) -> tuple[np.ndarray | None, tuple[str, ...] | None]:
    """Labels of all scenes as positions in the classes of all of them; -1 stays what it is."""
    kinds = {name: 0 if one.y is None else np.ndim(one.y) for name, one in parts.items()}
    if len(set(kinds.values())) > 1:
        words = {0: "no labels", 1: "labels of patches"}
        raise LabelError(
            "Patches of the scenes have labels of different kinds.",
            expected="labels of patches or of pixels, or none, for all scenes",
            given=few(f"{name}: {words.get(kind, 'labels of pixels')}" for name, kind in kinds.items()),
        )
    if not any(kinds.values()):
        return None, None
    classes = tuple(dict.fromkeys(name for one in parts.values() for name in one.classes or ()))
    codes = []
    for one in parts.values():
        places = np.array([*(classes.index(name) for name in one.classes or ()), -1])  # -1 is the last
        codes.append(places[one.y])
    return np.concatenate(codes), classes
