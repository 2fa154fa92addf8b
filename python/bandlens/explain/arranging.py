"""What images bring along is put where a question has it, and their bands into the order that names ask for.

After this, images and background are plain containers whose bands are in one order; arranging them again changes
nothing, so that checks may ask the question anew with other models or backgrounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..data.backgrounds import BackgroundImages
from ..data.band_order import arranged
from ..data.images import check_images
from ..data.inputs import Inputs
from ..data.labelled import LabelledImages, steps_of
from ..models.bands import kept_bands
from ..models.saved import loaded
from .inputs import has_several_inputs, several_in_order
from .question import Question
from .zoning import with_zones


def in_order(question: Question) -> Question:
    """The question with its images, labels and names as the model takes them.

    Raises
    ------
    BandError
        If names of bands don't fit each other.
    """
    q = with_sampling(with_labels(question.with_streams_read()))
    if isinstance(q.x, Inputs):
        return q  # arranged before
    if isinstance(q.x.x if isinstance(q.x, LabelledImages) else q.x, list | tuple):
        q = replace(q, model=loaded(q.model))  # a list holds images, or several inputs: the model says
    if has_several_inputs(q.model, q.x):
        return with_zones(several_in_order(q))
    if q.times is None and q.time_axis is not None:
        q = replace(q, times=steps_of(q.x, q.time_axis))
    found = arranged(
        q.x,
        q.background,
        bands=q.bands,
        wavelengths=q.wavelengths,
        image_bands=q.image_bands,
        kept=kept_bands(q.model),
        band_axis=q.band_axis,
        reorder=q.reorder,
    )
    q = replace(
        q,
        x=found.x,
        background=found.background,
        bands=found.bands,
        wavelengths=found.wavelengths,
        image_bands=found.image_bands,
    )
    if found.order and isinstance(q.groups, Mapping):
        q = replace(q, groups={name: _positions(members, found.order) for name, members in q.groups.items()})
    baseline = q.method_options.get("baseline")
    if found.x_order and isinstance(baseline, np.ndarray):
        images = check_images(baseline[None], q.band_axis, name="baseline")  # a single image, as `x` has them
        moved = replace(images, order=found.x_order).take(slice(0, 1), None)[0]
        q = replace(q, method_options={**q.method_options, "baseline": moved})
    return with_zones(q)


def with_labels(question: Question) -> Question:
    """The question with what labelled images bring along, where nothing else is given."""
    x = question.x
    if not isinstance(x, LabelledImages):
        return question
    labels: dict[str, Any] = {}
    if question.y is None and x.y is not None:
        labels["y"] = x.y
    if question.classes is None and question.y is None:
        labels["classes"] = x.classes
    return replace(question, **labels)


def with_sampling(question: Question) -> Question:
    """The question with its background apart from how that is chosen."""
    given = question.background
    if isinstance(given, str):
        given = BackgroundImages(strategy=given)
    if not isinstance(given, BackgroundImages):
        return question
    labels = given.x.y if given.y is None and isinstance(given.x, LabelledImages) else given.y
    return replace(question, background=given.x, sampling=replace(given, x=None, y=labels))


def _positions(members: Any, order: tuple[int, ...]) -> list[Any]:
    """Members of a group, with positions moved to where their bands are now."""
    given = [members] if isinstance(members, str | int | np.integer) else list(members)
    return [order.index(one) if isinstance(one, int | np.integer) and one in order else one for one in given]
