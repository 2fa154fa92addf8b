"""Which image counts for which class, and by which outputs it is explained: one way for each task.

An image of one class is one row of all tables. One with several labels is a row for each of them; one whose pixels have
classes, a row for each class that occurs. What is found for a row is about that image and that class.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..data.images import Images
from ..data.labels import label_codes, observed_numbers, target_outputs
from ..data.tasks import MULTILABEL, REGRESSION, SEGMENTATION, label_flags, observed_rows
from ..data.words import argument, choices, shown
from ..data.zones import Zones, check_zone, flags_of, pixel_labels
from ..errors import LabelError, OptionError
from ..models.predictor import Predictor
from .agreement import Agreement
from .question import Question


@dataclass(frozen=True, eq=False)
class Targets:
    """Rows of an answer.

    Attributes
    ----------
    images : ndarray of int64, shape (rows,), or None
        Image of each row; None where every image is one.
    codes : ndarray of int64, shape (rows,)
        Class that each counts for.
    labels : ndarray of int64, shape (rows,), or None
        Classes of images that have one each, if they were given.
    predictions : ndarray of int64, shape (rows,)
        The class with the largest output.
    image_output : ndarray of int64, shape (rows, k)
    outputs : ndarray of float64, shape (rows, outputs)
        Of the model; over the zone of the row, where there are pixels.
    observed : ndarray of float64, shape (n,) or (n, outputs), or None
        Numbers that were observed.
    agreement : Agreement or None
    zones : Zones or None
    deferred : bool
        Whether `outputs` are filled in later: by a method, or for the rows of a round.
    """

    images: np.ndarray | None
    codes: np.ndarray
    labels: np.ndarray | None
    predictions: np.ndarray
    image_output: np.ndarray
    outputs: np.ndarray
    observed: np.ndarray | None = None
    agreement: Agreement | None = None
    zones: Zones | None = None
    deferred: bool = False

    @property
    def agreement_once(self) -> Agreement | None:
        """`agreement` with an entry for each image that has a row."""
        if self.agreement is None or self.images is None:
            return self.agreement
        return self.agreement.at(np.unique(self.images, return_index=True)[1])

    def completed(self, *, classes: bool) -> Targets:
        """The same once the method has filled in the outputs, by which images belong to `classes`, if to any."""
        if not classes:
            return replace(self, deferred=False)
        predictions = self.outputs.argmax(axis=1)
        codes = predictions if self.labels is None else self.labels
        return replace(self, codes=codes, predictions=predictions, deferred=False)


@dataclass(frozen=True, eq=False)
class Labelled:
    """What was read of `y` before anything is computed.

    Attributes
    ----------
    codes : ndarray or None
        Classes of images that have one each.
    flags : ndarray of bool, shape (n, labels), or None
    pixels : ndarray or None
        As `pixel_labels` gives them.
    observed : ndarray or None
    zone : str or ndarray or None
        As `check_zone` gives it.
    """

    codes: np.ndarray | None = None
    flags: np.ndarray | None = None
    pixels: np.ndarray | None = None
    observed: np.ndarray | None = None
    zone: str | np.ndarray | None = None

    @property
    def truth(self) -> np.ndarray | None:
        """What a model is held against that predicts more than one class of each image."""
        return next((one for one in (self.flags, self.pixels, self.observed) if one is not None), None)


def read_labels(q: Question, predictor: Predictor, n: int, classes: tuple[str, ...]) -> Labelled:
    """Check what `y`, `zone` and `ignore` say; `classes` are those of the outputs, for numbers their names.

    Raises
    ------
    LabelError, OptionError
    """
    if predictor.task != SEGMENTATION:
        for name, value in (("zone", q.zone), ("ignore", q.ignore)):
            if value is not None:
                raise OptionError(
                    f"`{name}` is for models that give outputs for every pixel.",
                    expected=f"no `{name}`",
                    given=shown(value) if isinstance(value, str | int | float) else f"`{name}`",
                )
    if predictor.task == REGRESSION:
        several = predictor.n_outputs > 1
        made_of = predictor.trace.made_of()
        return Labelled(observed=observed_rows(q.y, classes, n) if several else observed_numbers(q.y, n, made_of))
    if predictor.task == SEGMENTATION:
        pixels = None
        if q.y is not None:
            pixels = pixel_labels(q.y, classes, n, predictor.pixels, q.ignore, several=predictor.apart)
        return Labelled(pixels=pixels, zone=check_zone(q.zone, n, predictor.pixels, labelled=q.y is not None))
    if q.y is None:
        return Labelled()
    if predictor.task == MULTILABEL:
        return Labelled(flags=label_flags(q.y, classes, n))
    return Labelled(codes=label_codes(q.y, classes, n))


def check_target(q: Question, predictor: Predictor, outputs: tuple[str, ...]) -> None:
    """Refuse a target that there is not, before the predictions are known."""
    nobody = np.zeros(0, np.int64)
    target_outputs(q.target, outputs, nobody, nobody)
    if q.target == "predicted" and predictor.task == REGRESSION and len(outputs) > 1:
        raise OptionError(
            "A model of several numbers predicts no output before others.",
            expected=f"{choices(('all', *outputs))}",
            given=argument("target", q.target),
        )


def explained(
    q: Question, predictor: Predictor, outputs: tuple[str, ...], codes: np.ndarray, predictions: np.ndarray
) -> np.ndarray:
    """Outputs that are explained of images of one class, or of numbers, shape (n, k)."""
    target = "all" if predictor.task == REGRESSION and q.target in ("class", "predicted") else q.target
    return target_outputs(target, outputs, codes, predictions)


def find_targets(
    q: Question, predictor: Predictor, images: Images, outputs: tuple[str, ...], labelled: Labelled, *, deferred: bool
) -> Targets:
    """Rows of the answer; the model is asked for its outputs, unless that is deferred."""
    size = q.batch_size or predictor.images_per_batch
    if predictor.task == SEGMENTATION:
        return _zones(q, predictor, images, outputs, labelled, size)
    found = np.zeros((images.n, len(outputs))) if deferred else predictor.outputs(images, size)
    predictions = found.argmax(axis=1)
    if predictor.task == MULTILABEL:
        return _several_labels(q, predictor, outputs, labelled.flags, found, predictions)
    if predictor.task == REGRESSION:
        nobody = np.zeros(images.n, np.int64)
        chosen = explained(q, predictor, outputs, nobody, nobody)
        return Targets(None, nobody, None, nobody, chosen, found, observed=labelled.observed, deferred=deferred)
    codes = predictions if labelled.codes is None else labelled.codes
    chosen = explained(q, predictor, outputs, codes, predictions)
    return Targets(None, codes, labelled.codes, predictions, chosen, found, deferred=deferred)


def _several_labels(
    q: Question,
    predictor: Predictor,
    outputs: tuple[str, ...],
    flags: np.ndarray | None,
    found: np.ndarray,
    predictions: np.ndarray,
) -> Targets:
    """A row for each label of each image; without labels, for each that the model takes it for."""
    predicted = predictor.taken_for(found)
    given = predicted if flags is None else flags
    images, codes = np.nonzero(given)
    if not len(images):
        raise LabelError(
            "No image has a label, so that none counts for a class.",
            expected="at least one label of one image"
            if flags is not None
            else "at least one output with a probability above 0.5, or labels in `y`",
            given=f"{len(given)} images without any",
        )
    agreement = Agreement(predicted.astype(np.int64))
    if flags is not None:
        agreement = Agreement(
            predicted.astype(np.int64),
            flags.astype(np.int64),
            (flags & predicted).astype(np.int64),
            np.full(len(flags), flags.shape[1]),
            (flags == predicted).sum(axis=1),
        )
    return Targets(
        images=images,
        codes=codes,
        labels=None,
        predictions=predictions[images],
        image_output=target_outputs(q.target, outputs, codes, predictions[images]),
        outputs=found[images],
        agreement=agreement.at(images),
    )


def _zones(
    q: Question, predictor: Predictor, images: Images, outputs: tuple[str, ...], labelled: Labelled, size: int
) -> Targets:
    """A row for each class that occurs in an image: where it is labelled, else where it is predicted."""
    n_pixels, n_classes = int(np.prod(predictor.pixels)), len(outputs)
    truth, zone = labelled.pixels, labelled.zone
    predicted = np.zeros((images.n, n_classes), np.int64)
    labels, both, judged = np.zeros_like(predicted), np.zeros_like(predicted), np.zeros(images.n, np.int64)
    kept = None
    if isinstance(zone, str) and zone == "predicted":
        shape = (images.n, n_pixels)
        kept = np.zeros((*shape, n_classes), np.int8) if predictor.apart else np.zeros(shape, np.int16)
    rows: list[np.ndarray] = []
    means: list[np.ndarray] = []
    for part, units in predictor.units(images, size):
        scores = predictor.from_units(units.reshape(len(units), n_pixels, -1))
        flags = predictor.taken_for(scores)
        if kept is not None:
            kept[part] = flags if predictor.apart else flags.argmax(axis=-1)
        occurs = flags
        if truth is not None:
            occurs, known = flags_of(truth[part], n_classes)
            flags = flags & known  # pixels without a label are judged by none
            labels[part], both[part] = occurs.sum(axis=1), (flags & occurs).sum(axis=1)
            judged[part] = known.sum(axis=(1, 2)) * (n_classes if predictor.apart else 1)
        predicted[part] = flags.sum(axis=1)
        at, codes = np.nonzero(occurs.any(axis=1))
        inside = _zone_of(zone, truth, kept, part, n_pixels).of(at, codes)
        filled = inside.any(axis=1)
        at, codes, inside = at[filled], codes[filled], inside[filled]
        shares = inside / inside.sum(axis=1, keepdims=True)
        means.append(np.einsum("rp,rpk->rk", shares, scores[at]))
        rows.append(np.stack([at + part.start, codes], axis=1))
    found = np.concatenate(rows)
    if not len(found):
        raise LabelError(
            "No class occurs in any image, so that nothing can be explained.",
            expected="labels of classes in `y`" if truth is not None else "outputs that are larger than 0.5 somewhere",
            given="pixels without a class",
        )
    outputs_found = np.concatenate(means)
    at, codes = found[:, 0], found[:, 1]
    predictions = outputs_found.argmax(axis=1)
    agreement = Agreement(predicted)
    if truth is not None:
        # a pixel of one class that is wrong lacks its class and has another
        agreeing = judged - (labels + predicted - 2 * both).sum(axis=1) if predictor.apart else both.sum(axis=1)
        agreement = Agreement(predicted, labels, both, judged, agreeing)
    return Targets(
        images=at,
        codes=codes,
        labels=None,
        predictions=predictions,
        image_output=target_outputs(q.target, outputs, codes, predictions),
        outputs=outputs_found,
        agreement=agreement.at(at),
        zones=_zone_of(zone, truth, kept, slice(None), n_pixels),
    )


def _zone_of(zone: Any, truth: np.ndarray | None, predicted: np.ndarray | None, part: slice, n_pixels: int) -> Zones:
    """Zones of some images, of what was asked for."""
    if isinstance(zone, np.ndarray):
        return Zones(mask=zone[part] if len(zone) > 1 else zone)
    if zone == "image":
        return Zones(mask=np.ones((1, n_pixels), bool))
    source = truth if zone == "label" else predicted
    assert source is not None
    return Zones(labels=source[part])
