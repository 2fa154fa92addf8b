"""Whether a result belongs to the model and the images that it is held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..data.band_order import MOST_SHOWN, Match, Reference, arranged, match
from ..data.groups import BY_INPUT, band_features
from ..data.images import Images, check_images
from ..data.labels import band_names
from ..data.naming import Named, cell_label, named_bands
from ..data.repeated import repeated
from ..data.summaries import band_means
from ..data.words import choices
from ..errors import BandError, ResultError
from ..explain.arranging import in_order, with_labels
from ..explain.inputs import has_several_inputs, several_in_order
from ..explain.question import Question
from ..models.bands import kept_bands
from ..models.predictor import Predictor
from ..models.saved import loaded
from ..results.cells import cell_names
from ..results.importance import BandImportance
from ..results.pooled import PooledImportance

# of the images: those whose prediction may differ from that in the result, by ties and rounding
MOST_OTHER_PREDICTIONS = 0.01
# how close band means must be to be those of the same images, relative to their spread
SAME_MEANS = 1e-3


def check_single(result: Any) -> None:
    """Refuse what is no result of one model.

    Raises
    ------
    ResultError
    """
    if not isinstance(result, BandImportance):
        raise ResultError(
            "`result` is no result of `band_importance` for one model.",
            expected="a BandImportance",
            given=type(result).__name__,
            fix="check the result of each training run" if isinstance(result, PooledImportance) else None,
        )


def bands_of_result(result: BandImportance, model: Any) -> Reference | None:
    """Names of the single bands in a result, to compare images with, after they were compared with the model's.

    Raises
    ------
    ResultError
        If the model has kept others.
    """
    kept = kept_bands(model)
    names = result.image_bands if result.groups else result.bands
    if names is None:
        return kept
    own = Reference(names, "the result", result.image_bands)
    if kept and not {match(one, kept.names)[0] for one in own.every} & {Match.SAME, Match.UNKNOWN}:
        raise ResultError(
            "The bands of the result are not those that are kept with the model, in their order.",
            expected=", ".join(kept.names[:MOST_SHOWN]),
            given=", ".join(names[:MOST_SHOWN]),
            fix="make the result anew with this model",
        )
    return own


def member_cells(result: BandImportance, named: Named) -> np.ndarray:
    """Cells of each row of a table of several inputs, or of steps in time, shape (features, cells), bool.

    Raises
    ------
    ResultError
        If the images have other inputs, bands or steps than the result.
    """
    groups: Any = BY_INPUT if named.inputs and result.inputs == result.bands else result.groups
    features = band_features(groups, named)
    given = tuple(cell_label(*one, "") for one in zip(features.names, features.inputs or features.names, strict=True))
    wanted = tuple(cell_label(*one, "") for one in zip(result.bands, result.inputs or result.bands, strict=True))
    if given != wanted or (features.times is None) != (result.times is None):
        raise ResultError(
            "The bands of `x` are not those of the result.",
            expected=f"{len(wanted)}: {', '.join(cell_names(result)[:8])}",
            given=f"{len(given)}: {', '.join(features.labels[:8])}",
            fix=f"give `x`, {choices(('bands', 'band_axis', 'time_axis'), ', ')} as in the call that made the result",
        )
    return features.members


def member_bands(result: BandImportance, images: Images, bands: Sequence[str] | None) -> np.ndarray:
    """Bands of each row of the result's table, shape (features, bands), bool."""
    if result.groups is None:
        names = result.bands if bands is None else band_names(bands, images.n_bands)
        if images.n_bands != len(result.bands) or names != result.bands:
            raise ResultError(
                "The bands of `x` are not those of the result.",
                expected=f"{len(result.bands)}: {', '.join(result.bands[:8])}",
                given=f"{images.n_bands} bands" if bands is None else ", ".join(names[:8]),
                fix="if the bands are not on the last axis, set `band_axis`",
            )
        return np.eye(len(names), dtype=bool)
    if bands is None:
        raise BandError(
            "The result holds groups of bands, and nothing says where in `x` their bands are.",
            expected="`bands`: the names of all bands, as in the call that made the result",
            given="no `bands`",
        )
    features = band_features(result.groups, Named.single(band_names(bands, images.n_bands)))
    if features.names != result.bands:
        raise ResultError(
            "The bands of `x` are not those of the result.",
            expected=f"bands that make the groups and bands {', '.join(result.bands[:8])}",
            given=", ".join(features.names[:8]),
        )
    return features.members


def arranged_like(q: Question, result: BandImportance) -> tuple[Question, Images, np.ndarray, Named]:
    """The question in the order of the result's bands, its images, which of their cells each row is, and names."""
    q = with_labels(replace(q.with_streams_read(), model=loaded(q.model)))
    several = has_several_inputs(q.model, q.x)
    if several or q.time_axis is not None or result.inputs is not None or result.times is not None:
        q = several_in_order(q) if several else in_order(q)
        images = check_images(q.x, q.band_axis, time_axis=q.time_axis)
        named = named_bands(q.x, images.cells, q.bands, None, None)
        return q, images, member_cells(result, named), named
    found = arranged(
        q.x, q.background, bands=q.bands, kept=bands_of_result(result, q.model), band_axis=q.band_axis,
        reorder=q.reorder,
    )  # fmt: skip
    images = check_images(found.x, q.band_axis)
    members = member_bands(result, images, found.bands if q.bands is not None or result.groups else None)
    names = result.bands if q.bands is None else band_names(q.bands, images.n_bands)
    return replace(q, x=found.x, background=found.background), images, members, Named.single(names)


def rows_of(result: BandImportance, images: Images, predictor: Predictor) -> Images:
    """The images that the rows of a result are about, one for each row."""
    if result.images is None:
        return images
    if result.images.max() >= images.n:
        raise ResultError(
            "`x` holds other images than those that were explained.",
            expected=f"at least {result.images.max() + 1} images, those of the result among them",
            given=f"{images.n} images",
        )
    return repeated(images, result.images, predictor.trace.dtype)


def check_same_images(result: BandImportance, images: Images, members: np.ndarray) -> None:
    """As many images, with the means that their bands had."""
    if images.n != len(result.scores):
        raise ResultError(
            "`x` holds other images than those that were explained.",
            expected=f"the {result.n} images of the result",
            given=f"{images.n} images",
        )
    means = band_means(images)
    means = np.stack([means[:, row].mean(axis=1) for row in members], axis=1)
    spread = np.abs(result.band_means).max(axis=0)
    if (np.abs(means - result.band_means) > SAME_MEANS * spread).any():
        raise ResultError(
            "`x` holds other images than those that were explained: their bands have other means.",
            expected="the same images in the same order",
            fix="if the bands are not on the last axis, set `band_axis`",
        )


def check_classes(result: BandImportance, predictor: Predictor) -> None:
    """As many classes as the model tells apart."""
    expected = predictor.n_outputs if predictor.classifies else 1
    if len(result.classes) != expected:
        raise ResultError(
            "The result has other classes than the model.",
            expected=f"{expected}",
            given=f"{len(result.classes)}: {', '.join(result.classes[:8])}",
        )


def check_same_model(result: BandImportance, outputs: np.ndarray) -> None:
    """The predictions that it gave; with numbers for predictions, these."""
    if len(result.classes) == 1:
        found = np.take_along_axis(outputs, result.image_output, axis=1)
        known = np.isfinite(result.output_values)
        near = SAME_MEANS * float(np.abs(outputs).max(initial=0))
        differs = known & (np.abs(found - result.output_values) > near)
        others = float(differs.any(axis=1).mean()) if result.output == "output" else 0.0
    else:
        others = float((outputs.argmax(axis=1) != result.prediction).mean())
    if others > MOST_OTHER_PREDICTIONS:
        raise ResultError(
            "The model is not the one that was explained.",
            expected="the predictions in the result",
            given=f"others for {others:.0%} of the images",
        )
