"""What is followed while bands are removed: an output, whether it is still the largest, and how far it has moved.

Where a model gives outputs for every pixel, it is the mean over the zone of the class, and how much of the zone, and of
the labelled pixels, the model still takes for the class. The zone stays that of the whole image.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..data.images import Images
from ..data.labels import observed_numbers
from ..data.tasks import REGRESSION, SEGMENTATION, observed_rows
from ..data.words import argument, choices, few
from ..data.zones import Zones, flags_of
from ..errors import OptionError, ResultError
from ..explain.agreement import Agreement
from ..explain.question import Question
from ..explain.targets import find_targets, read_labels
from ..models.predictor import Predictor, make_predictor
from ..results.importance import BandImportance
from .matching import MOST_OTHER_PREDICTIONS


@dataclass(frozen=True, eq=False)
class Followed:
    """What is followed, of each row of a result: an image, or an image and one of its classes.

    Attributes
    ----------
    predictor : Predictor
        On the scale of output that is followed.
    before : ndarray of float64, shape (rows, outputs)
        Outputs of the whole images; over the zone of the row, where there are pixels.
    measures : tuple of str
    column : int
        The output that is followed where there are no classes.
    images, codes : ndarray of int or None, shape (rows,)
        Where there are pixels: image and class of each row.
    zones : Zones or None
    labels : ndarray or None
        Of pixels, see `bandlens.data.zones.pixel_labels`.
    agreement : Agreement or None
    """

    predictor: Predictor
    before: np.ndarray
    measures: tuple[str, ...]
    column: int = 0
    images: np.ndarray | None = None
    codes: np.ndarray | None = None
    zones: Zones | None = None
    labels: np.ndarray | None = None
    agreement: Agreement | None = None

    def read(self, units: np.ndarray, rows: np.ndarray, code: int) -> np.ndarray:
        """Measures of mixtures, (rows, mixtures, measures), of the model's units; the rows' images are of one class."""
        if self.zones is not None:
            return self._over_zones(units, rows, code)
        outputs = self.predictor.from_units(units)
        column = code if self.predictor.classifies else self.column
        own = outputs[..., column]
        fidelity = -np.abs(own - self.before[rows, None, column])
        if not self.predictor.classifies:
            return fidelity[..., None]
        return np.stack([own, self.predictor.taken_for(outputs)[..., code], fidelity], axis=-1)

    def _over_zones(self, units: np.ndarray, rows: np.ndarray, code: int) -> np.ndarray:
        assert self.zones is not None
        assert self.images is not None
        assert self.codes is not None
        images = self.images[rows]
        inside = self.zones.of(images, self.codes[rows])
        shares = inside / inside.sum(axis=1, keepdims=True)
        scores = self.predictor.from_units(units.reshape(*units.shape[:2], shares.shape[1], -1))
        taken = self.predictor.taken_for(scores)[..., code]
        own, right = (np.einsum("rp,rmp->rm", shares, one) for one in (scores[..., code], taken))
        found = [own, right, -np.abs(own - self.before[rows, None, code])]
        if self.labels is not None:
            flags, known = flags_of(self.labels[images], len(self.before[0]))
            labelled = flags[:, None, :, code]
            # the class is labelled somewhere in the image, so that there is something to divide by
            found.append((taken & labelled).sum(axis=-1) / ((taken | labelled) & known[:, None, :, 0]).sum(axis=-1))
        return np.stack(found, axis=-1)


def followed_predictor(question: Question, images: Images, result: BandImportance) -> Predictor:
    """The model with the scale of output that is followed: "auto" is the probability, where it ends in one."""
    q = question
    predictor = make_predictor(q.model, images, q.output, head=result.head)
    if q.output == "auto" and predictor.scale == "logit":
        predictor = make_predictor(q.model, images, "probability", head=result.head)
    if result.task == REGRESSION and len(result.cells) > 1:
        raise ResultError(
            "There is one order of bands for each number that the model predicts.",
            expected="a result for one of them",
            given=few(result.outputs),
            fix="make the result with " + argument("target", result.outputs[0]),
        )
    predictor = replace(predictor, task=result.task or "")
    if predictor.task != SEGMENTATION:
        for name, value in (("zone", q.zone), ("ignore", q.ignore)):
            if value is not None:
                raise OptionError(f"`{name}` is for models that give outputs for every pixel.", expected=f"no `{name}`")
    return predictor


def followed_rows(predictor: Predictor, images: Images, size: int, result: BandImportance) -> Followed:
    """What is followed of a model with one row of outputs for each of these images."""
    measures = (predictor.scale, "accuracy", "fidelity") if predictor.classifies else ("fidelity",)
    return Followed(predictor, predictor.outputs(images, size), measures, int(result.cells[0, 1]))


def followed_zones(
    question: Question, predictor: Predictor, images: Images, size: int, result: BandImportance
) -> Followed:
    """What is followed of a model that gives outputs for every pixel, over the zones that the result has.

    Raises
    ------
    LabelError, OptionError
        If labels or zones don't fit.
    ResultError
        If these are not the labels, or the zones, that the result was made with.
    """
    zone = question.zone
    if zone is None and result.zone == "mask":
        raise OptionError(
            "The result is of zones of your own, which it does not keep.",
            expected="`zone`: the mask that the result was made with",
            given="none",
        )
    if isinstance(zone, str) and zone != result.zone:
        raise OptionError(
            "The zones are not those of the result.", expected=argument("zone", result.zone), given=repr(zone)
        )
    if (question.y is None) == (result.labelled is not None):
        raise ResultError(
            "The result was made with labels of pixels, which it does not keep."
            if question.y is None
            else "The result was made without labels of pixels: an image counts for the classes that are predicted.",
            expected="`y`: the class of each pixel, as in the call that made the result"
            if question.y is None
            else "no `y`",
            given="no `y`" if question.y is None else "`y`",
        )
    question = replace(question, zone=result.zone if zone is None else zone, batch_size=size)
    labelled = read_labels(question, predictor, images.n, result.classes)
    targets = find_targets(question, predictor, images, result.classes, labelled, deferred=False)
    assert targets.images is not None
    assert targets.agreement is not None
    assert result.images is not None
    assert result.predicted is not None
    here = _of_rows(targets.images, targets.codes, targets.agreement.labelled)
    there = _of_rows(result.images, result.image_class, result.labelled)
    if here != there:
        differ = set(here) ^ set(there)
        known = labelled.pixels is not None
        raise ResultError(
            f"The classes that are {'labelled' if known else 'predicted'} in the images are not those of the result.",
            expected="the labels, and `ignore`, of the result" if known else "the model of the result",
            given=f"others in {len({image for image, *_ in differ})} images: "
            + choices([result.classes[code] for code in sorted({code for _, code, _ in differ})], ", ", 4),
        )
    moved = np.abs(targets.agreement.predicted - result.predicted).sum() / 2
    if moved > MOST_OTHER_PREDICTIONS * result.predicted.sum():
        raise ResultError(
            "The model is not the one that was explained.",
            expected="the predictions in the result",
            given=f"others for {moved / result.predicted.sum():.0%} of the pixels",
        )
    labels = labelled.pixels
    measures = (predictor.scale, "accuracy", "fidelity", *(() if labels is None else ("iou",)))
    return Followed(
        predictor, targets.outputs, measures, 0, targets.images, targets.codes, targets.zones, labels,
        targets.agreement_once,
    )  # fmt: skip


def _of_rows(images: np.ndarray, codes: np.ndarray, labelled: np.ndarray | None) -> list[tuple[int, int, int]]:
    """Image and class of each row, and how many of its pixels are labelled with it."""
    own = np.zeros(len(codes), np.int64) if labelled is None else labelled[np.arange(len(codes)), codes]
    return list(zip(images.tolist(), codes.tolist(), own.tolist(), strict=True))


def observed_of(y: Any, result: BandImportance, predictor: Predictor) -> np.ndarray | None:
    """Numbers that were observed, of the output that is followed."""
    if predictor.classifies:
        return None
    if predictor.n_outputs == 1:
        return observed_numbers(y, result.n, predictor.trace.made_of())
    return observed_rows(y, result.outputs, result.n)
