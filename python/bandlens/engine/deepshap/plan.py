"""What the walker has to know before it starts: the steps that lead from the images to the output, each with its rule.

A *run* is a chain (or any acyclic mesh) of elementwise operations that together depend on a single tensor, its root:
SiLU, x * sigmoid(x), is one run. DeepLIFT's ratio is taken across a whole run, which is complete by construction,
kinks and comparisons included, and costs one division however many operations the run has.

A *mesh* depends elementwise on a few tensors that meet in it more than once, as bands do in (nir - red) / (nir + red).
Shared out operation by operation, its parts can be huge and cancel; so it is one function of its roots, shared out as
a whole. Where one of its roots is a sum over the elements of another, it is a normalisation, see `normalizations`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...data.words import argument
from ...errors import UnsupportedOperationError
from ..graph import Family, Graph, LinearStart, Operation, Region, between, linear_start
from .normalizations import Normalization, Tried, recognise
from .ratios import Part, Parts, changes, divides
from .reading import MOST_ROOTS, Reading, players, read
from .regions import enclose, has_no_rule

MOST_PLAYERS = 4
NOT_TRIED = Tried(False)


@dataclass(frozen=True, eq=False)
class Step:
    """A part of the graph that has one rule.

    Attributes
    ----------
    rule : str
        Key of `bandlens.engine.deepshap.rules.RULES`.
    inputs, outputs : tuple of int
        Values between which differences are shared out.
    operations : tuple of Operation
        In order; for a run or a mesh only the last one.
    normalization : Normalization or None
    mixed : bool
        Whether bands were mixed before, so that elements of what it reads are made of the same ones.
    alone : bool
        Of what is explained as a whole, whether it works at every position by itself.
    """

    rule: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    operations: tuple[Operation, ...]
    normalization: Normalization | None = None
    mixed: bool = False
    alone: bool = False

    @property
    def operation(self) -> Operation:
        """The operation that makes the outputs."""
        return self.operations[-1]


@dataclass(frozen=True)
class Plan:
    """A graph, read for DeepSHAP.

    Attributes
    ----------
    graph : Graph
    steps : tuple of Step
        From the images to the output, in order.
    start : LinearStart
        What depends on the images linearly.
    straight : frozenset of int
        Values inside a run that depend on its root linearly.
    ratio_from : dict of int to int
        For every value inside a run, the last linear value that all of the run passes through up to it: the ratio is
        taken from there, where rounding of the linear part can't disturb it.
    forward : bool
        Whether differences can also be sent from the images to the output: whether the framework has a reliable
        derivative forwards of every operation.
    """

    graph: Graph
    steps: tuple[Step, ...]
    start: LinearStart
    straight: frozenset[int]
    ratio_from: dict[int, int]
    forward: bool

    @property
    def exchanged(self) -> int:
        """Elements of the largest table of a pair, of what elements do that are exchanged at each position."""
        exchanges = (step for step in self.steps if step.rule == "exchange")
        return max((changes(self.graph, step.inputs[0], step.outputs[0]) for step in exchanges), default=0)

    @property
    def likeness(self) -> tuple[Any, ...]:
        """Equal for plans of the same operations with the same rules: which rule has a normalisation is found out."""
        return tuple((step.rule, step.inputs, step.outputs, step.normalization, step.alone) for step in self.steps)


def make_plan(
    graph: Graph,
    differentiable: Callable[[Region], bool],
    forward: Callable[[Operation], bool] = lambda operation: True,
    unmoved: Callable[[Sequence[Step]], list[Tried]] = lambda steps: [Tried(False)] * len(steps),
    parts: Parts = lambda ratios, mixed: {},
    *,
    most_tensors: int = MOST_ROOTS,
    label: str = "DeepSHAP",
) -> Plan:
    """Read a graph.

    Parameters
    ----------
    graph : Graph
    differentiable : callable
        Whether the framework has a derivative of a region's exit in its entry.
    forward : callable
        Whether it has a reliable derivative forwards of an operation.
    unmoved : callable
        Which normalisations stay the same when a constant is added to the elements of a set.
    parts : callable
        What makes ratios that are shared out as a whole.
    most_tensors : int
        How many tensors are shared out as a whole where they meet more than once; 1 for operation by operation.
    label : str
        Who reads it, for errors.

    Raises
    ------
    UnsupportedOperationError
        If an operation can't be explained; it names the operation and its layer.
    """
    used = {graph.output}.union(*(operation.data for operation in graph.operations))
    regions = _regions(graph, used, differentiable, label)
    tried: dict[int, Tried] = {}
    plain: set[int] = set()
    narrow: set[int] = set()
    whole: dict[int, Part] = {}
    looked: set[int] = set()
    while True:
        enclosed = {operation for region in regions.values() for operation in region.operations}
        reading = read(graph, used, enclosed, most_tensors, whole)
        _refuse_crowds(reading, enclosed, label)
        steps = _steps(reading, regions, plain, narrow, whole)
        found = {step.outputs[0]: (step, step.normalization) for step in steps if step.normalization is not None}
        asked = [step for value, (step, one) in found.items() if one.asks and value not in tried]
        tried.update(zip((step.outputs[0] for step in asked), unmoved(asked) if asked else [], strict=True))
        without = [
            value for value, (_, one) in found.items() if one.bending(tried.get(value, NOT_TRIED).centred) is None
        ]
        if not without:
            new = [value for value in _ratios(graph, steps) if value not in looked]
            looked.update(new)
            now = parts(new, _mixed(steps))
            if not now:
                break
            whole.update(now)
        for value in without:
            if value not in narrow:
                narrow.add(value)
                tried[value] = NOT_TRIED
                continue
            plain.add(value)
            # of several statistics, or of one that is no sum: what surrounds it is explained as a whole, if it can be
            region = enclose(graph, found[value][0].operation)
            if region is not None and differentiable(region):
                regions = _with(regions, region)
    steps = [
        replace(step, normalization=replace(step.normalization, **tried.get(step.outputs[0], NOT_TRIED)._asdict()))
        if step.normalization is not None
        else step
        for step in steps
    ]
    return Plan(
        graph,
        tuple(_with_mixed(steps)),
        linear_start(graph, enclosed),
        frozenset(reading.straight),
        {value: chain[0] for value, chain in reading.chains.items()},
        all(forward(operation) for step in steps for operation in step.operations if step.rule in _DERIVED),
    )


# rules that ask for derivatives of operations; the others multiply by factors, so that they work in both directions
# whatever the framework can do
_DERIVED = frozenset({"linear", "contraction", "maximum", "smooth", "region", "ends"})


# rules by which an output depends on more than the elements of its own band, besides products with weights
_MIXING = frozenset(
    {"contraction", "normalization", "fused_normalization", "softmax", "log_softmax", "region", "exchange", "ends"}
)


def _mixed(steps: Sequence[Step]) -> set[int]:
    """Values of which several elements are made of the same bands."""
    mixed: set[int] = set()
    for step in steps:
        mixes = step.rule in _MIXING or any(operation.weights for operation in step.operations)
        if mixes or not mixed.isdisjoint(step.inputs):
            mixed.update(step.outputs)
    return mixed


def _with_mixed(steps: Sequence[Step]) -> Iterator[Step]:
    """Steps that know whether what they read was mixed before."""
    mixed = _mixed(steps)
    return (replace(step, mixed=not mixed.isdisjoint(step.inputs)) for step in steps)


def _ratios(graph: Graph, steps: Sequence[Step]) -> Iterator[int]:
    """What is divided by something that depends on the images, or has no rules of its own; softmax is a ratio, too."""
    makers = {step.outputs[0]: step for step in steps}

    def dividing(value: int) -> bool:
        step = makers.get(value)
        return step is not None and step.rule == "run" and any(map(divides, between(graph, step.inputs, {value})))

    for step in steps:
        multiplied = step.inputs if step.rule == "product" else ()
        if step.rule in ("quotient", "region", "softmax") or any(map(dividing, multiplied)):
            yield step.outputs[0]


def _refuse_crowds(reading: Reading, enclosed: Collection[Operation], label: str) -> None:
    for operation in reading.graph.operations:
        alone = operation in enclosed or operation.family is not Family.ELEMENTWISE
        if not alone and len(players(reading, operation)) > MOST_PLAYERS:
            raise unsupported(operation, f"it joins more than {MOST_PLAYERS} tensors elementwise", label)


def _steps(
    reading: Reading, regions: Mapping[int, Region], plain: set[int], narrow: set[int], whole: Mapping[int, Part]
) -> list[Step]:
    """What is needed for the output, backwards, then turned round.

    Values in `plain` are no normalisations, those in `narrow` not of what was centred before, and those in `whole`
    are shared out as such.
    """
    graph, needed, steps = reading.graph, {reading.graph.output}, []
    for operation in reversed(graph.operations):
        outputs = tuple(value for value in operation.outputs if value in needed)
        if not outputs:
            continue
        if outputs[0] in whole:
            part = whole[outputs[0]]
            step = Step(part.rule, (part.region.entry,), outputs, part.region.operations, alone=part.alone)
        else:
            step = _step(reading, regions, operation, outputs, plain, narrow)
        steps.append(step)
        needed.update(step.inputs)
    return steps[::-1]


def _step(
    reading: Reading,
    regions: Mapping[int, Region],
    operation: Operation,
    outputs: tuple[int, ...],
    plain: set[int],
    narrow: set[int],
) -> Step:
    value, graph = outputs[0], reading.graph
    if value in regions:
        region = regions[value]
        return Step("region", (region.entry,), (value,), region.operations)
    if value in reading.meshes:
        roots = reading.meshes[value]
        if reading.statistics.keys().isdisjoint(roots):
            return Step("mesh", roots, (value,), (operation,))
        found = None if value in plain else recognise(graph, value, reading.passes, narrow=value in narrow)
        if found is not None:
            return Step("normalization", (found.source,), (value,), (operation,), found)
    return _plain_step(reading, operation, outputs)


def _plain_step(reading: Reading, operation: Operation, outputs: tuple[int, ...]) -> Step:
    """A run, or a single operation."""
    value, graph = outputs[0], reading.graph
    if len(reading.roots[value]) == 1 and reading.roots[value] != (value,):
        return Step("run", reading.roots[value], (value,), (operation,))
    joins = operation.family is Family.ELEMENTWISE
    if joins or (operation.pointwise and not all(graph.layouts[source].real for source in operation.data)):
        return Step("mesh", players(reading, operation), (value,), (operation,))
    rule = "fused_normalization" if operation.family is Family.NORMALIZATION else operation.family.name.lower()
    return Step(rule, operation.data, outputs, (operation,))


def _regions(graph: Graph, used: set[int], differentiable: Callable[[Region], bool], label: str) -> dict[int, Region]:
    """Regions around all operations without a rule; where one lies within another, the larger."""
    regions: dict[int, Region] = {}
    for operation in graph.operations:
        if not has_no_rule(operation, graph, used) or any(operation in one.operations for one in regions.values()):
            continue
        region = enclose(graph, operation)
        if region is None:
            raise unsupported(operation, label=label)
        if not differentiable(region):
            raise unsupported(operation, "it has no derivative", label)
        regions = _with(regions, region)
    return regions


def _with(regions: Mapping[int, Region], region: Region) -> dict[int, Region]:
    """Regions, and one more in the place of those that lie within it."""
    kept = {key: one for key, one in regions.items() if not set(one.operations) & set(region.operations)}
    return {**kept, region.exit: region}


def unsupported(
    operation: Operation, reason: str = "there is no rule for it", label: str = "DeepSHAP"
) -> UnsupportedOperationError:
    """The error for an operation that a method can't explain; what it advises must not fail for the same reason."""
    outputs_only = f"one that only asks for outputs, {argument('method', 'occlusion', 'shapley')}"
    saliency = argument("method", "saliency")
    if "derivative" in reason or "PyFunc" in operation.kind or operation.kind == "while":
        other = outputs_only
    elif operation.family is Family.UNSUPPORTED:
        other = f"{outputs_only}; or {saliency}, if the operation has a derivative"
    else:
        other = saliency
    return UnsupportedOperationError(
        f"{label} can't explain the operation {operation}: {reason}.", fix=f"use another method, for example {other}"
    )
