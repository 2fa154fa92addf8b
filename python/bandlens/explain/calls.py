"""From a user's question to a call that can be computed: every check, before anything is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from ..data.groups import Features, band_features, nested_features
from ..data.images import Images, check_background, check_images
from ..data.labels import class_names, no_classes, observed_numbers
from ..data.naming import Named, named_bands
from ..data.options import Option, whole_number
from ..data.repeated import repeated
from ..data.tasks import (
    CLASSIFICATION,
    MULTILABEL,
    REGRESSION,
    check_one_class,
    check_several_labels,
    number_names,
    task_of,
)
from ..data.words import choices, nearest, shown
from ..errors import OptionError
from ..methods import METHODS, Method, Request, Task
from ..methods.kinds import GradientMethod
from ..methods.reduction import check_statistic
from ..methods.zoned import ZoneSeeds
from ..models.predictor import Predictor, loaded, make_predictor
from ..results.tables import WHOLE
from ..results.wavelength_zones import WavelengthZones
from .arranging import in_order
from .beginning import begin
from .comparing import Comparison, chosen, read_pool
from .derivatives import check_derivative
from .outputs import check_shares, outputs_shared_out
from .question import Question
from .subject import Subject
from .targets import Labelled, Targets, check_target, find_targets, read_labels


@dataclass(frozen=True)
class Call:
    """A question after all checks, and what they have found out; `bands` are labels of single bands, or cells."""

    model: Any
    predictor: Predictor
    method: Method
    images: Images
    every: Images
    labelled: Labelled
    y: Any
    background: Images | None
    background_source: str | None
    draws: np.ndarray | None
    strata: np.ndarray | None
    comparison: Comparison | None
    pool: Images | None
    targets: Targets
    classes: tuple[str, ...]
    outputs: tuple[str, ...]
    bands: tuple[str, ...]
    image_bands: tuple[str, ...] | None
    named: Named
    features: Features
    statistic: str
    batch_size: int | None
    seed: int
    options: Mapping[str, Any]

    @property
    def wavelengths(self) -> tuple[float, ...]:
        """Of each of `bands`."""
        return self.named.cell_wavelengths

    def completed(self) -> Call:
        """The call once the method has filled in the model's outputs."""
        return replace(self, targets=self.targets.completed(classes=self.predictor.classifies))

    @property
    def truth(self) -> dict[str, Any]:
        """What a result keeps of what images are and of what the model is for, by the names of its fields."""
        targets, agreement = self.targets, self.targets.agreement
        observed = targets.observed
        return {
            "correct": None if targets.labels is None else targets.labels == targets.predictions,
            "observed": observed,
            "fitted": None if observed is None else targets.outputs.reshape(observed.shape),
            "images": targets.images,
            **({} if agreement is None else agreement.fields()),
            "task": self.predictor.task,
            "head": self.predictor.head,
            "zone": self.labelled.zone if isinstance(self.labelled.zone, str | None) else "mask",
        }

    def seeds(self) -> np.ndarray | ZoneSeeds:
        """The explained outputs as weights on the model's units."""
        predictor, targets = self.predictor, self.targets
        if targets.zones is None or targets.images is None:
            found: np.ndarray = predictor.weights[targets.image_output]
            return found
        return ZoneSeeds(
            targets.zones,
            targets.images,
            targets.codes,
            targets.image_output,
            predictor.weights,
            int(np.prod(predictor.pixels)),
        )

    def subject(self, *, maps: bool) -> Subject:
        """What has to fit together."""
        return Subject(
            model=self.model,
            predictor=self.predictor,
            images=self.every,
            background=None if self.background_source != "background" else self.pool,
            classes=self.classes,
            named=self.named,
            y=self.y,
            labels=self.targets.labels,
            observed=self.targets.observed,
            outputs=self.targets.outputs,
            names=self.outputs,
            agreement=self.targets.agreement_once,
            maps=maps,
        )

    def task(self, tick: Callable[[int], None]) -> Task:
        """What the method needs."""
        return Task(
            predictor=self.predictor,
            images=self.images,
            seeds=self.seeds(),
            statistic=self.statistic,
            background=self.background,
            draws=self.draws,
            weights=None if self.comparison is None else self.comparison.each,
            batch_size=self.batch_size,
            seed=self.seed,
            tick=tick,
            options=self.options,
            members=self.features.members,
            zones=self.features.zones,
            codes=self.targets.codes,
            image_output=self.targets.image_output,
            outputs=self.targets.outputs,
            y=self.y,
            every=self.every,
            row_images=self.targets.images,
            truth=self.labelled.truth,
        )


def checked(
    question: Question,
    *,
    maps: bool = False,
    predictor: Predictor | None = None,
    method: Method | None = None,
    find: Callable[..., Targets] = find_targets,
    in_rounds: bool = False,
    begins: bool = False,
) -> Call:
    """Check everything about a question of `band_importance`, or of `band_maps` with `maps`; raises what they raise.

    `predictor` is that of an earlier call about the same model and images, if there was one; `method` is what
    answers, if not the one that is named; `find` says what is to be explained, if not what `y` and `target` speak for.
    `in_rounds`, rows are chosen later, and the model is asked for the outputs of these alone, if it can be. The method
    `begins` if it will answer the call as it is.
    """
    method, statistic = _asked(question, method or _method(question.method, maps))
    q = in_order(question)
    assert not isinstance(q.groups, WavelengthZones)
    options = checked_options(method, q.method_options, (*q.arguments(), *q.verb_arguments))
    images = check_images(q.x, q.band_axis, time_axis=q.time_axis)
    named = named_bands(q.x, images.cells, q.bands, q.wavelengths, q.times)
    bands = named.cell_labels
    features = (nested_features if method.nested else band_features)(q.groups, named)
    background = None
    if method.needs_background(options):
        background = images if q.background is None else check_background(q.background, images)
    model = loaded(q.model)
    if predictor is None:
        predictor = make_predictor(model, images, q.output, head=q.head)
        predictor = replace(predictor, task=task_of(q.task, predictor.meant_for, q.y))
    if predictor.task == CLASSIFICATION:
        check_one_class(q.y)
    if predictor.task == MULTILABEL:
        check_several_labels(known=predictor.refusal is None or predictor.scale != "output")
    if predictor.refusal is not None and method.looks_inside:
        raise predictor.refusal
    predictor.trace.graph(predictor.output)  # what can't be traced is refused now
    classes, outputs = names_of_outputs(q, predictor, images.n)
    check_target(q, predictor, outputs)
    labelled = read_labels(q, predictor, images.n, outputs)
    if method.differentiates:
        check_derivative(predictor, images, bands, method.label)
    check_shares(method, predictor, options)
    request = Request(predictor, images, q.y, options, maps, len(features.names))
    method.prepare(request)
    pool = None if background is None else read_pool(q, background, predictor, classes, options)
    comes = in_rounds or (isinstance(method, GradientMethod) and method.gives_outputs)
    if begins and not in_rounds:
        begin(method, request, q, pool, outputs, statistic)
    deferred = comes and not maps and _may_wait(q, predictor, known=labelled.codes is not None)
    with outputs_shared_out(model):
        targets = find(q, predictor, images, outputs, labelled, deferred=deferred)
    every = images
    if targets.images is not None:
        images = repeated(images, targets.images, predictor.trace.dtype)
    comparison = None if pool is None else chosen(q, pool, predictor, targets, classes)
    return Call(
        model=model,
        predictor=predictor,
        method=method,
        images=images,
        every=every,
        labelled=labelled,
        y=q.y,
        background=None if comparison is None else comparison.images,
        background_source=None if comparison is None else comparison.source,
        draws=None if comparison is None else comparison.draws,
        strata=None if comparison is None else comparison.strata,
        comparison=comparison,
        pool=None if pool is None else pool.images,
        targets=targets,
        classes=classes,
        outputs=outputs,
        bands=bands,
        image_bands=bands if features.groups else q.image_bands if q.image_bands != named.bands else None,
        named=named,
        features=features,
        statistic=statistic,
        batch_size=q.batch_size,
        seed=int(q.seed),
        options=options,
    )


def names_of_outputs(q: Question, predictor: Predictor, n: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of classes and of outputs; `n` images are asked about."""
    if predictor.classifies:
        own_y = q.y if predictor.task == CLASSIFICATION else None
        classes = class_names(q.classes, own_y, predictor.n_outputs, predictor.names)
        return classes, classes
    if predictor.n_outputs > 1:
        return (WHOLE,), number_names(q.classes, q.y, predictor.n_outputs, predictor.names)
    if q.classes is not None:
        observed_numbers(q.y, n, predictor.trace.made_of())  # labels that bring their classes are what is wrong then
        function = predictor.refusal is not None
        raise no_classes("classes", q.classes, predictor.trace.made_of(), function=function)
    return (WHOLE,), ("output",)


def _may_wait(q: Question, predictor: Predictor, *, known: bool) -> bool:
    """Whether what is explained does not depend on the model's outputs; `known` says whether classes of images don't.

    Then outputs may wait for a method that computes them anyway, or until it is known which images are explained.
    """
    if predictor.task not in (CLASSIFICATION, REGRESSION):
        return False
    known = known or not predictor.classifies
    return not (q.target == "predicted" or (q.target == "class" and not known))


def _asked(q: Question, method: Method) -> tuple[Method, str]:
    """The method and the statistic, after all that can be checked before a stream of images is read."""
    # a baseline for each of several inputs is packed when these are known
    single = {name: option for name, option in q.method_options.items() if not _each(name, option)}
    checked_options(method, single, (*q.arguments(), *q.verb_arguments))
    statistic = check_statistic(q.statistic, method.statistics, method.statistic, method.name)
    whole_number("n_background", q.n_background)
    if q.batch_size is not None:
        whole_number("batch_size", q.batch_size)
    whole_number("seed", q.seed, 0)
    return method, statistic


def _each(name: str, option: Any) -> bool:
    return name == "baseline" and isinstance(option, Mapping | list | tuple)


def _method(name: Any, maps: bool) -> Method:
    if isinstance(name, list | tuple):
        raise OptionError(
            "This takes one method at a time.",
            expected=choices(METHODS),
            given=shown(name) if name else "none",
            fix="`band_importance` takes several, and `compare_importance` what it gives",
        )
    if not isinstance(name, str) or name not in METHODS:
        raise OptionError(
            "There is no such method.", expected=choices(METHODS), given=shown(name), fix=nearest(name, METHODS)
        )
    method = METHODS[name]
    if maps and method.maps is None:
        having = [other.name for other in METHODS.values() if other.maps is not None]
        raise OptionError(
            f"The method '{name}' treats a band as a whole: it has no values per pixel.",
            expected=choices(having),
            given=shown(name),
        )
    return method


class HasOptions(Protocol):
    """A method, whatever it gives."""

    @property
    def name(self) -> str:
        """Its key."""

    @property
    def options(self) -> Mapping[str, Option]:
        """Its options by name."""


def checked_options(method: HasOptions, given: Mapping[str, Any], also: Sequence[str]) -> dict[str, Any]:
    """A method's options, each checked, with defaults for those that were not given; `also` may have been meant."""
    unknown = sorted(set(given) - set(method.options))
    if unknown:
        raise OptionError(
            f"The method '{method.name}' has no such option.",
            expected=", ".join(method.options) or "no options",
            given=", ".join(unknown),
            fix=nearest(unknown if len(unknown) > 1 else unknown[0], [*method.options, *also]),
        )
    return {
        name: option.check(name, given[name]) if name in given else option.default
        for name, option in method.options.items()
    }
