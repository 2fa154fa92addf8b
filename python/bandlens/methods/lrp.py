"""Layer-wise relevance propagation as a method: the engine in `bandlens.engine.lrp`, reduced to band scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.options import Option, number, one_of, optional
from ..data.summaries import band_range
from ..data.words import argument
from ..engine.lrp import FIRSTS, LAYERS, NAMES, Bounds, Layered, Settings, layered, relevances
from ..errors import OptionError
from ..models.predictor import Predictor
from .findings import Findings
from .gradients import Gradients, cuts, run
from .kinds import AttributionMethod, PartialSum
from .task import Request, Task


@dataclass(frozen=True, eq=False)
class _Rule:
    """What is compiled: one for each model and settings."""

    layered: Layered
    settings: Settings

    def __call__(self, gradients: Gradients, x: Any, *bounds: Any) -> dict[str, Any]:
        found, units = relevances(
            gradients.backend,
            gradients.trace,
            self.layered,
            self.settings,
            x,
            gradients.seeds,
            Bounds(*bounds) if bounds else None,
        )
        return {"values": gradients.reduce(found), "units": units}


def scores(task: Task) -> Findings:
    """Relevance of bands, summed over their pixels."""
    return _run(task, maps=False)


def maps(task: Task) -> Findings:
    """Relevance of pixels."""
    return _run(task, maps=True)


def _run(task: Task, *, maps: bool) -> Findings:
    settings, read = _settings(task.options), _layered(task.predictor)
    key = ("relevance", task.predictor.output, settings)
    rule = task.predictor.trace.compiled(key, lambda: _Rule(read, settings))
    # a step knows how many images it has, so that rules can repeat what is the same for all outputs
    return run(task, rule, maps=maps, shared=_bounds(task), sized=True)


def _settings(options: Any) -> Settings:
    rule, first = options["rule"], options["first"]
    if first is None:
        first = "box" if rule == "composite" else "same"
    return Settings(rule, options["convolutions"], first, options["epsilon"], options["gamma"])


def _layered(predictor: Predictor) -> Layered:
    output = predictor.output
    return predictor.trace.compiled(("layered", output), lambda: layered(predictor.backend, predictor.trace, output))


def _boxed(predictor: Predictor, options: Any) -> bool:
    """Whether any layer has the box rule."""
    return _settings(options).first == "box" and _layered(predictor).has_first


def _bounds(task: Task) -> tuple[np.ndarray, ...]:
    """Least and largest image, each of shape (1, *image shape); none where they are not needed."""
    if not _boxed(task.predictor, task.options):
        return ()

    def make() -> tuple[np.ndarray, np.ndarray]:
        low, high = band_range(task.images)
        given = [task.options[name] for name in ("low", "high")]
        for bound, outside, name in ((given[0], low.min(), "low"), (given[1], high.max(), "high")):
            if bound is not None and (outside < bound if name == "low" else outside > bound):
                raise OptionError(
                    f"Values of `x` lie beyond `{name}`.",
                    expected=f"`{name}` of {outside:.6g} or {'less' if name == 'low' else 'more'}",
                    given=f"{bound:g}",
                    fix=f"leave `{name}` out: each band's own least and largest value are taken",
                )
        if given[0] is not None:
            low = np.full_like(low, given[0])
        if given[1] is not None:
            high = np.full_like(high, given[1])
        if (low == high).all():
            raise OptionError(
                "Every band of `x` has one value throughout, so that it has no range.",
                expected="images whose values differ, or the least and largest value that there can be",
                fix=f"give `low` and `high`, or {argument('first', 'same')}",
            )
        cells, dtype = task.images.cells, task.predictor.trace.dtype
        low, high = (np.broadcast_to(cells.spread(np, bound), task.images.shape) for bound in (low, high))
        return low[None].astype(dtype), high[None].astype(dtype)

    return task.once("range", make)


def beforehand(task: Task) -> None:
    """The range of each band is that of all images."""
    _bounds(task)


def values(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """f(x), all of which is handed back, and from where it is counted: 0 on the scale of the model's units."""
    return task.values, task.predictor.offsets[task.image_output]


def _nothing(task: Task) -> np.ndarray:
    """The image from which relevance is counted, shape (1, *image shape)."""
    return np.zeros((1, *task.images.shape), task.predictor.trace.dtype)


def prepare(request: Request) -> None:
    """Read the graph: an operation without a rule is named now, as are options that do nothing."""
    predictor, options = request.predictor, request.options
    _layered(predictor)
    for name in ("low", "high"):
        if options[name] is not None and not _boxed(predictor, options):
            raise OptionError(
                f"`{name}` is for the box rule, which no layer has here.",
                expected=f"{argument('first', 'box')}, and a layer that reads the bands themselves",
                given=f"{argument('rule', options['rule'])}, {argument('first', options['first'])}",
            )
    if None not in (options["low"], options["high"]) and options["low"] >= options["high"]:
        raise OptionError(
            "`low` must be less than `high`.", given=f"low = {options['low']:g}, high = {options['high']:g}"
        )


LRP = AttributionMethod(
    name="lrp",
    label="Layer-wise relevance propagation",
    summary="Share of each band in the output itself, handed back layer by layer: counted from 0, biases keep theirs.",
    cost="a few forward and backward passes per image and output",
    reference="Bach et al. 2015; Montavon et al. 2019; Achtibat et al. 2024, arXiv:2402.05602",
    statistic="band_sum",
    scores=scores,
    maps=maps,
    cuts=cuts,
    beforehand=beforehand,
    values=values,
    prepare=prepare,
    sums=PartialSum(compared_with=_nothing, baseline=True),
    options={
        "rule": Option(
            "composite",
            "How layers share relevance out: 'epsilon', in proportion to contributions; 'gamma', favouring those of "
            "the output's sign; 'alpha1beta0' and 'alpha2beta1', by positive ones, or these less negative ones; "
            "'composite', `convolutions` for convolutions and 'epsilon' for other layers.",
            one_of(*NAMES),
        ),
        "convolutions": Option("gamma", "The composite's rule for convolutions.", one_of(*LAYERS)),
        "first": Option(
            None,
            "Layers that read the bands themselves: 'box' (of the composite), by how far a value is from the least "
            "that it can contribute; 'flat', the same for all that a layer reads, which tells where, not which band; "
            "'same', as other layers.",
            optional(one_of(*FIRSTS)),
        ),
        "epsilon": Option(
            1e-6,
            "Added to the sums that layers divide by, relative to their root mean square in an image.",
            number(0, above=True),
        ),
        "gamma": Option(0.25, "How much more contributions of the output's sign count.", number(0)),
        "low": Option(None, "Least value of the box; by default each band's own in `x`.", optional(number(-np.inf))),
        "high": Option(None, "Its largest value.", optional(number(-np.inf))),
    },
)
