"""Results of several pieces together: scenes may be too large to explain at once.

Tables are not added up but made anew from the scores of the images, so that pieces that were put together give exactly
the table of all. What can't be said of the whole is refused: pieces must stem from one model, method and background.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..data.positions import first
from ..data.words import few
from ..errors import ResultError
from .background import pairs_joined
from .choosing import refuse_drops
from .importance import BandImportance
from .schema import fields_along, joined, schema

# with one entry per image
OF_IMAGES = fields_along(BandImportance, "image")
# what pieces must have in common, and what to call it
COMMON = {name: field.same for name, field in schema(BandImportance).items() if field.same}
# what all pieces have or none
_ALL_OR_NONE = [
    name for name in OF_IMAGES if not (schema(BandImportance)[name].required or schema(BandImportance)[name].newer)
]
# mean outputs over one background differ by no more, relative to what scores explain
SAME_BASE = 1e-4


def combine(*results: BandImportance) -> BandImportance:
    """Make one result of several that explain different images in the same way, such as pieces of a scene.

    Parameters
    ----------
    *results : BandImportance
        One or more, of the same model, method, options, seed, background, bands, classes and outputs.

    Returns
    -------
    BandImportance
        Of all images, in the order given. Its tables are made from the scores of the images, and so are exactly those
        of one computation of all of them (where the method gives an image the same scores in any company: draws of
        random numbers, and the images that "permutation" swaps, are those of the pieces). `seconds` is the sum; a
        version that differs is listed with both values. `cancellations` are None if one of the results lacks them, as
        those of earlier versions do.

    Raises
    ------
    ResultError
        If results can't be put together. The message names what differs. An image that is in two results can't be
        noticed, and counts twice.

    Notes
    -----
    Without a `background` of your own, each result takes one from its images; such results can't be combined, since
    their scores compare the images with different things.
    """
    if not results or not all(isinstance(result, BandImportance) for result in results):
        wrong = [type(result).__name__ for result in results if not isinstance(result, BandImportance)]
        raise ResultError(
            "There is nothing to combine.", expected="results of `band_importance`", given=", ".join(wrong) or "nothing"
        )
    refuse_drops(results, "combined")
    start = results[0]
    for number, other in enumerate(results[1:], start=1):
        _check_alike(start, other, f"results {first()} and {number + first()}")
    # pieces may lack what earlier versions did not measure
    parts: dict[str, Any] = {
        **joined(results, "image"),
        **pairs_joined(results, [len(result.scores) for result in results]),
    }
    if start.images is not None:
        parts["images"] = _numbered(results)
    seconds = sum(result.seconds for result in results)
    return replace(start, **parts, versions=versions_of(results), seconds=seconds)


def _numbered(results: Sequence[BandImportance]) -> np.ndarray:
    """Images of all results, counted on."""
    found, before = [], 0
    for result in results:
        assert result.images is not None
        found.append(result.images + before)
        before += int(result.images.max()) + 1
    return np.concatenate(found)


def _check_alike(one: BandImportance, other: BandImportance, which: str) -> None:
    for name, meaning in COMMON.items():
        _check_same(meaning, getattr(one, name), getattr(other, name), which)
    _check_same("the number of outputs per image", one.scores.shape[1], other.scores.shape[1], which)
    for name in _ALL_OR_NONE:
        _check_same(
            f"whether they have `{name}`", getattr(one, name) is not None, getattr(other, name) is not None, which
        )
    difference = _other_background(one, other)
    if difference:
        raise ResultError(
            f"The results can't be combined: {which} differ in the background.",
            expected="the same background images for all",
            given=difference,
            fix="give each call the same `background`, `n_background` and `seed`",
        )


def _check_same(meaning: str, one: Any, other: Any, which: str) -> None:
    if as_text(one) != as_text(other):
        raise ResultError(
            f"The results can't be combined: {which} differ in {meaning}.",
            expected="results that differ in their images only",
            given=f"{shown_value(one)}; {shown_value(other)}",
        )


def as_text(value: Any) -> str:
    """A value so that equal ones are equal: not a number too, and what has been in R and come back."""
    return json.dumps(value, sort_keys=True, default=str)


def shown_value(value: Any) -> str:
    """A value as errors show it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return few(value)
    return as_text(value) if isinstance(value, dict) else str(value)


def _other_background(one: BandImportance, other: BandImportance) -> str | None:
    """How backgrounds differ: positions may be those in several containers, so mean outputs over them must agree."""
    if one.background is None or other.background is None:
        if one.background is other.background:
            return None
        return "; ".join("none" if result.background is None else "some" for result in (one, other))
    if not np.array_equal(one.background, other.background):
        return "; ".join(
            f"{len(background)} images, at {few(background + first())}"
            for background in (one.background, other.background)
        )
    strategies = [result.background_strategy for result in (one, other)]
    if None not in strategies and strategies[0] != strategies[1]:
        return f"chosen by the strategies '{strategies[0]}' and '{strategies[1]}'"
    weights = [result.background_weights for result in (one, other)]
    if any(each is not None for each in weights) and not np.array_equal(*weights):  # type: ignore[arg-type]
        return "images of other weights"
    explained = [result.output_values - result.base_values for result in (one, other)]
    sizes = np.abs(np.concatenate([part.ravel() for part in explained]))
    near = SAME_BASE * float(sizes[np.isfinite(sizes)].max(initial=0.0))
    for output in np.intersect1d(one.image_output, other.image_output):
        base = [result.base_values[result.image_output == output] for result in (one, other)]
        # images with a background each have many
        if all(np.ptp(part) <= near for part in base) and abs(base[0][0] - base[1][0]) > near:
            return f"images at the same positions, of mean output {base[0][0]:.4g}; {base[1][0]:.4g}"
    return None


def versions_of(results: Sequence[BandImportance]) -> dict[str, str]:
    """Versions that results were made with; those that differ side by side."""
    found: dict[str, list[str]] = {}
    for result in results:
        for name, version in result.versions.items():
            # a result may itself be of several versions
            for part in version.split(", "):
                if part not in found.setdefault(name, []):
                    found[name].append(part)
    return {name: ", ".join(versions) for name, versions in found.items()}
