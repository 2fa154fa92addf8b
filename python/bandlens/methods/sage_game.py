"""The game that SAGE shares out: what a prediction from some bands is worth against the label.

Where bands are missing, the prediction is the mean over the background images that they are taken from, of
probabilities where there are such; what it is worth is a metric of this mean. It is therefore no mean over background
images itself. What single ones do to it is found by leaving them out, one after the other (the jackknife).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np
from scipy import special

from . import metrics
from .coalitions import MOST_BYTES
from .mixtures import mixed
from .references import background_images
from .task import Task
from .zoned import ZoneSeeds

# probabilities below are taken for this one, lest a single image has all the loss
LEAST = float(np.finfo(np.float32).tiny)


class Worth(NamedTuple):
    """What predictions are worth.

    Attributes
    ----------
    values : ndarray of float64, shape (images, s, k)
    without : ndarray of float64, shape (images, m, s, k), or None
        The same without one background image each; None where there is a single one.
    """

    values: np.ndarray
    without: np.ndarray | None


@dataclass(frozen=True)
class Game:
    """What coalitions of features are worth in each image.

    Attributes
    ----------
    task : Task
    metric : str
        "accuracy", "log_loss" or "squared_error".
    """

    task: Task
    metric: str

    @cached_property
    def references(self) -> np.ndarray:
        """The background images used, shape (m, *image shape)."""
        return background_images(self.task)

    @cached_property
    def _of_background(self) -> np.ndarray:
        """Predictions for them, shape (m, pixels, outputs)."""
        images = self.task.images.holding(self.references)
        assert self.task.draws is not None
        return self._predictions(images.n, images, self.task.draws)

    def _predictions(self, n: int, images: object, positions: np.ndarray | slice) -> np.ndarray:
        """Predictions for whole images, shape (n, pixels, outputs)."""
        predictor = self.task.predictor
        batches = predictor.units(images, self.task.images_per_batch, positions=positions)  # type: ignore[arg-type]
        return np.concatenate([self._predicted(units) for _, units in batches])

    def _predicted(self, units: np.ndarray) -> np.ndarray:
        """From the model's units (..., units) to probabilities, or outputs that are none, (..., pixels, outputs)."""
        predictor = self.task.predictor
        found = predictor.from_units(units.reshape(*units.shape[:-1], -1, predictor.weights.shape[1]))
        if predictor.scale != "logit":
            return found
        likely: np.ndarray = special.softmax(found, axis=-1) if predictor.exclusive else special.expit(found)
        return likely

    def all_known(self, part: slice, batch: np.ndarray) -> np.ndarray:
        """What predictions from all bands are worth, shape (images, k)."""
        found = self._predictions(len(batch), self.task.images.holding(batch), part)
        rows = np.arange(part.start, part.start + len(batch))
        return self._worth(rows, self._needed(rows, found[:, None]))[:, 0]

    def none_known(self, rows: np.ndarray) -> Worth:
        """What predictions without any band are worth for some images."""
        found = []
        for start in range(0, len(rows), self._at_once):
            here = rows[start : start + self._at_once]
            each = np.broadcast_to(self._of_background, (len(here), *self._of_background.shape))
            found.append(self._averaged(here, self._needed(here, each)[:, :, None]))
        return _joined(found, 0, 0)

    def worth(self, rows: np.ndarray, batch: np.ndarray, present: np.ndarray) -> Worth:
        """What predictions from coalitions are worth.

        Parameters
        ----------
        rows : ndarray of int, shape (images,)
        batch : ndarray, shape (images, *image shape)
        present : ndarray of bool, shape (s, features), or (images, s, features) where each image has its own
        """
        own = present.ndim == 3
        s, m, width = present.shape[-2], len(self.references), self._width
        if s == 0:  # of a single band
            nothing = np.zeros((len(rows), m, 0, self.task.image_output.shape[1]))
            return Worth(nothing[:, 0], nothing if m > 1 else None)
        images, coalitions = max(1, self._at_once // s), min(s, self._at_once)
        found = []
        for start in range(0, len(rows), images):
            here = slice(start, start + images)
            parts = []
            for first in range(0, s, coalitions):
                masks = present[..., first : first + coalitions, :]
                each = mixed(
                    self.task,
                    partial(self._read, rows[here]),
                    width,
                    batch[here],
                    self.references,
                    masks[here][:, None] if own else masks,
                    positions=rows[here],
                )
                each = each.reshape(*each.shape[:3], -1, width // self._pixels)
                parts.append(self._averaged(rows[here], each))
            found.append(_joined(parts, 1, 2))
        return _joined(found, 0, 0)

    @property
    def _at_once(self) -> int:
        """Mixtures of an image with all of the background whose predictions fit the memory."""
        return max(1, MOST_BYTES // (8 * len(self.references) * self._width))

    @property
    def _pixels(self) -> int:
        return int(np.prod(self.task.predictor.pixels))

    @property
    def _width(self) -> int:
        """Numbers that are needed of each prediction: of outputs that are compared, all."""
        several = self.metric == "accuracy" and not self.task.predictor.apart
        return self._pixels * (self.task.predictor.n_outputs if several else self.task.image_output.shape[1])

    def _read(self, rows: np.ndarray, units: np.ndarray, at: slice) -> np.ndarray:
        """What is needed of predictions: from units (images, mixtures, units) to (images, mixtures, width)."""
        found = self._needed(rows[at], self._predicted(units))
        return found.reshape(*found.shape[:2], -1)

    def _needed(self, rows: np.ndarray, predictions: np.ndarray) -> np.ndarray:
        """All outputs where they are compared with each other, else the explained ones; (images, ..., outputs)."""
        if self.metric == "accuracy" and not self.task.predictor.apart:
            return predictions
        chosen = self.task.image_output[rows]
        lead = (1,) * (predictions.ndim - 2)
        return np.take_along_axis(predictions, chosen.reshape(len(rows), *lead, -1), axis=-1)

    def _averaged(self, rows: np.ndarray, each: np.ndarray) -> Worth:
        """What means over the background are worth, of predictions (images, m, s, pixels, outputs needed)."""
        m = each.shape[1]
        weights = self.weights(rows)[:, :, None, None, None]
        mean = (each * weights).sum(axis=1)
        if m == 1:
            return Worth(self._worth(rows, mean), None)
        without = (mean[:, None] - weights * each) / (1 - weights)
        return Worth(self._worth(rows, mean), self._worth(rows, without))

    def weights(self, rows: np.ndarray) -> np.ndarray:
        """How much each background image counts for some images, shape (1 or images, m)."""
        given, m = self.task.weights, len(self.references)
        if given is None:
            return np.full((1, m), 1 / m)
        return given if len(given) == 1 else given[self.task.codes[rows]]

    def _worth(self, rows: np.ndarray, predictions: np.ndarray) -> np.ndarray:
        """The metric of predictions (images, ..., pixels, outputs needed), shape (images, ..., k)."""
        lead = (1,) * (predictions.ndim - 3)
        chosen = self.task.image_output[rows].reshape(len(rows), *lead, 1, -1)
        if self.metric == "squared_error":
            truth = np.take_along_axis(metrics.observed_numbers(self.task)[rows], self.task.image_output[rows], axis=1)
            return -((predictions[..., 0, :] - truth.reshape(len(rows), *lead, -1)) ** 2)
        if self.metric == "log_loss":
            each = np.log(np.maximum(predictions, LEAST))
        elif self.task.predictor.apart:
            threshold = 0.5 if self.task.predictor.scale == "logit" else self.task.predictor.threshold
            each = (predictions > threshold).astype(np.float64)
        else:
            each = (predictions.argmax(axis=-1)[..., None] == chosen).astype(np.float64)
        zones = self._zones(rows)
        return (each * zones.reshape(len(rows), *lead, -1, 1)).sum(axis=-2)

    def _zones(self, rows: np.ndarray) -> np.ndarray:
        """How much each pixel of an image counts, shape (images, pixels)."""
        seeds = self.task.seeds
        if not isinstance(seeds, ZoneSeeds):
            return np.ones((len(rows), 1))
        zones = seeds.zones.of(seeds.images[rows], seeds.classes[rows])
        shares: np.ndarray = zones / zones.sum(axis=1, keepdims=True)
        return shares


def _joined(parts: list[Worth], axis: int, of_without: int) -> Worth:
    """Put together along an axis of the values and one of those without an image each."""
    values = np.concatenate([part.values for part in parts], axis=axis)
    without = [part.without for part in parts if part.without is not None]
    return Worth(values, np.concatenate(without, axis=of_without) if without else None)
