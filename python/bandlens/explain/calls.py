"""From a user's arguments to a call that can be computed: every check, before anything is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..data.groups import Features, band_features
from ..data.images import Images, check_background, check_images
from ..data.labels import band_names, band_wavelengths, class_names, label_codes, no_classes, target_outputs
from ..data.options import whole_number
from ..errors import OptionError
from ..methods import METHODS, Method, Request, Task
from ..methods.reduction import check_statistic
from ..models.predictor import Predictor, make_predictor
from ..results.tables import WHOLE
from .derivatives import check_derivative


@dataclass(frozen=True)
class Call:
    """Arguments after all checks."""

    predictor: Predictor
    method: Method
    images: Images
    y: Any
    background: Images | None
    background_source: str | None
    draws: np.ndarray | None
    labels: np.ndarray | None
    codes: np.ndarray
    predictions: np.ndarray
    image_output: np.ndarray
    model_outputs: np.ndarray
    deferred: bool
    classes: tuple[str, ...]
    outputs: tuple[str, ...]
    bands: tuple[str, ...]
    wavelengths: tuple[float, ...]
    features: Features
    statistic: str
    batch_size: int | None
    seed: int
    options: Mapping[str, Any]

    def completed(self) -> Call:
        """The call once the method has filled in the model's outputs."""
        predictions = self.model_outputs.argmax(axis=1)
        codes = predictions if self.labels is None else self.labels
        return replace(self, codes=codes, predictions=predictions, deferred=False)

    def task(self, tick: Callable[[int], None]) -> Task:
        """What the method needs."""
        return Task(
            predictor=self.predictor,
            images=self.images,
            seeds=self.predictor.weights[self.image_output],
            statistic=self.statistic,
            background=self.background,
            draws=self.draws,
            batch_size=self.batch_size,
            seed=self.seed,
            tick=tick,
            options=self.options,
            members=self.features.members,
            codes=self.codes,
            image_output=self.image_output,
            outputs=self.model_outputs,
            y=self.y,
        )

    def values(self, task: Task) -> tuple[np.ndarray, np.ndarray]:
        """f(x) and mean f(background), or what the method has in their place, per image and explained output."""
        if self.method.values is not None:
            return self.method.values(task)
        if self.background is None:
            return task.values, np.full(task.image_output.shape, np.nan)
        return task.values, task.background_outputs.mean(axis=0)[task.image_output]


def prepare(
    model: Any,
    x: Any,
    y: Any,
    method: str,
    background: Any,
    n_background: int,
    target: str | int,
    output: str,
    statistic: str | None,
    bands: Sequence[str] | None,
    wavelengths: Sequence[float] | None,
    classes: Sequence[str] | None,
    band_axis: int,
    batch_size: int | None,
    seed: int,
    options: Mapping[str, Any],
    *,
    groups: Mapping[str, Sequence[str | int]] | None = None,
    maps: bool = False,
) -> Call:
    """Check the arguments of `band_importance`, or of `band_maps` with `maps`; raises what they raise."""
    chosen = _method(method, maps)
    options = _options(chosen, options)
    kind = check_statistic(statistic, chosen.statistics, chosen.statistic, chosen.name)
    whole_number("n_background", n_background)
    if batch_size is not None:
        whole_number("batch_size", batch_size)
    whole_number("seed", seed, 0)
    images = check_images(x, band_axis)
    names = band_names(bands, images.n_bands)
    waves = band_wavelengths(wavelengths, images.n_bands)
    features = band_features(groups, names)
    references = None
    if chosen.uses_background if chosen.needs_background is None else chosen.needs_background(options):
        references = images if background is None else check_background(background, images)
    predictor = make_predictor(model, images, output)
    predictor.trace.graph(predictor.output)  # what can't be traced is refused now
    if not predictor.classifies:
        _check_no_classes(predictor, chosen, y, classes)
    if chosen.differentiates:
        check_derivative(predictor, images, names, chosen.label)
    if chosen.prepare is not None:
        chosen.prepare(Request(predictor, images, y, options, maps))
    if predictor.classifies:
        known = class_names(classes, y, predictor.n_outputs)
        outputs = known
    else:
        known, outputs = (WHOLE,), ("output",)
    labels = None
    if y is not None and predictor.classifies:
        labels = label_codes(y, known, images.n)
    # whether the target exists is known before the predictions are
    nobody = np.zeros(0, np.int64)
    target_outputs(target, outputs, nobody, nobody)
    # a method that computes the outputs anyway does so later, unless what is explained depends on them
    unknown = labels is None and predictor.classifies
    deferred = chosen.gives_outputs and not maps and target != "predicted" and not (target == "class" and unknown)
    model_outputs = (
        np.zeros((images.n, len(outputs)))
        if deferred
        else predictor.outputs(images, batch_size or predictor.images_per_batch)
    )
    predictions = model_outputs.argmax(axis=1)
    codes = predictions if labels is None else labels
    draws = None
    if references is not None:
        draws = _draw(references.n, n_background, codes if references is images else None, seed)
    image_output = target_outputs(target, outputs, codes, predictions)
    return Call(
        predictor=predictor,
        method=chosen,
        images=images,
        y=y,
        background=references,
        background_source=None if references is None else "x" if background is None else "background",
        draws=draws,
        labels=labels,
        codes=codes,
        predictions=predictions,
        image_output=image_output,
        model_outputs=model_outputs,
        deferred=deferred,
        classes=known,
        outputs=outputs,
        bands=names,
        wavelengths=waves,
        features=features,
        statistic=kind,
        batch_size=batch_size,
        seed=int(seed),
        options=options,
    )


def _check_no_classes(predictor: Predictor, method: Method, y: Any, classes: Any) -> None:
    """Refuse labels and names of classes that a model of one number would ignore."""
    if y is not None and not method.uses_numbers:
        using = " or ".join(repr(other.name) for other in METHODS.values() if other.uses_numbers)
        raise no_classes("y", y, predictor.trace.made_of(), f"numbers with method={using}")
    if classes is not None:
        raise no_classes("classes", classes, predictor.trace.made_of())


def _method(name: str, maps: bool) -> Method:
    if name not in METHODS:
        raise OptionError("There is no such method.", expected=" or ".join(map(repr, METHODS)), given=repr(name))
    method = METHODS[name]
    if maps and method.maps is None:
        having = [repr(other.name) for other in METHODS.values() if other.maps is not None]
        raise OptionError(
            f"The method '{name}' treats a band as a whole: it has no values per pixel.",
            expected=" or ".join(having),
            given=repr(name),
        )
    return method


def _options(method: Method, given: Mapping[str, Any]) -> dict[str, Any]:
    """A method's options, each checked, with defaults for those that were not given."""
    unknown = sorted(set(given) - set(method.options))
    if unknown:
        raise OptionError(
            f"The method '{method.name}' has no such option.",
            expected=", ".join(method.options) or "no options",
            given=", ".join(unknown),
        )
    return {
        name: option.check(name, given[name]) if name in given else option.default
        for name, option in method.options.items()
    }


def _draw(n: int, most: int, codes: np.ndarray | None, seed: int) -> np.ndarray:
    """A seeded sample of positions in increasing order, as evenly from every class as there are images for."""
    if n <= most:
        return np.arange(n)
    random = np.random.default_rng(seed)
    if codes is None:
        return np.sort(random.choice(n, most, replace=False))
    shuffled = random.permutation(n)
    turn = np.empty(n, np.int64)
    for code in np.unique(codes):
        mine = shuffled[codes[shuffled] == code]
        turn[mine] = np.arange(len(mine))
    order = shuffled[np.argsort(turn[shuffled], kind="stable")]
    return np.sort(order[:most])
