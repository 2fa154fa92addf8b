"""What values depend on elementwise: which are inside runs and meshes, and where these begin."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from ..graph import Graph, Operation, linear_start
from .normalizations import fits, is_reduction, statistics_of

# an index of so many bands is computed for all coalitions of them
MOST_ROOTS = 6


@dataclass
class Reading:
    """What is found out about a graph's values, in order.

    Attributes
    ----------
    most_tensors : int
        That may be joined to one mesh; a tensor and its statistics count as one.
    roots : dict of int to tuple of int
        For every value, the values it depends on elementwise: itself alone, where nothing better can be said; one
        other for the inside of a run; several only for values that are not floating (comparisons of tensors).
    reach : dict of int to tuple of int
        The same, seen through operations that join several tensors elementwise.
    meshes : dict of int to tuple of int
        Values that are shared out as a whole, among these roots.
    passes : dict of int to tuple of int
        For every value, the values that all of it depends on passes through elementwise or in statistics, last first.
    statistics : dict of int to int
        Numbers per set of elements, and the root of the elements.
    bent : set of int
        Values that join several tensors other than linearly.
    selected : set of int
        Bands, or other parts that were taken from something linear in the images.
    """

    graph: Graph
    used: set[int]
    most_tensors: int = MOST_ROOTS
    roots: dict[int, tuple[int, ...]] = field(default_factory=dict)
    straight: set[int] = field(default_factory=set)
    chains: dict[int, tuple[int, ...]] = field(default_factory=dict)
    reach: dict[int, tuple[int, ...]] = field(default_factory=dict)
    meshes: dict[int, tuple[int, ...]] = field(default_factory=dict)
    passes: dict[int, tuple[int, ...]] = field(default_factory=dict)
    statistics: dict[int, int] = field(default_factory=dict)
    bent: set[int] = field(default_factory=set)
    selected: set[int] = field(default_factory=set)

    def opaque(self, *values: int) -> None:
        """Note values of which nothing is known but themselves."""
        for value in values:
            self.roots[value] = self.chains[value] = self.reach[value] = self.passes[value] = (value,)

    def run_through(self, operation: Operation, output: int) -> None:
        """Note whether a value is inside a run, and how linear it is."""
        layouts, layout = self.graph.layouts, self.graph.layouts[output]
        merged = tuple(dict.fromkeys(root for value in operation.data for root in self.roots[value]))
        same_shape = all(layouts[value].shape == layout.shape for value in (*operation.data, *merged))
        if operation.pointwise and len(merged) == 1 and same_shape:
            self.roots[output] = merged
            bent = [value for value in operation.data if value not in self.straight and value not in merged]
            if operation.linear and not bent:
                self.straight.add(output)
            chains = [self.chains[value] for value in operation.data]
            shared = [value for value in chains[0] if all(value in chain for chain in chains)]
            # the values at which a run is linear in its root, last first, of which all that leads here is a function
            self.chains[output] = (output, *shared) if output in self.straight else tuple(shared)
        else:
            self.roots[output] = merged if operation.pointwise and not layout.real else (output,)
            self.chains[output] = (output,)

    def mesh_through(self, operation: Operation, output: int) -> None:
        """Note what a value depends on elementwise, and whether it is shared out as a whole."""
        self.reach[output] = self.passes[output] = (output,)
        if operation.reshapes:
            (source,) = operation.data
            if fits(self.graph, output, self.reach[source], self.statistics):
                self.reach[output] = self.reach[source]
                self.passes[output] = (output, *self.passes[source])
            return
        reached = tuple(dict.fromkeys(root for value in operation.data for root in self.reach[value]))
        if not operation.pointwise or len(reached) > MOST_ROOTS or not self._lie_alike(output, reached):
            return
        if len({self.statistics.get(root, root) for root in reached}) > self.most_tensors:
            return
        passes = [self.passes[value] for value in operation.data]
        shared = [value for value in passes[0] if all(value in one for one in passes)]
        self.reach[output], self.passes[output] = reached, (output, *shared)
        if len(reached) == 1 or not self.graph.layouts[output].real:
            return
        joined = [value for value in operation.data if value in self.meshes]
        inside = {root for value in joined for root in self.meshes[value]}
        if operation.linear or len(operation.data) == 1:
            # a sum of meshes is a mesh of the same roots, and so is a function of one, or of a product or a ratio
            bends = not operation.linear and (operation.data[0] in self.bent or self.selected.issuperset(reached))
            meet = (bool(joined) and inside.issuperset(reached)) or bends
            if operation.linear and self._meet(operation) and not self.straight.issuperset(operation.data):
                self.bent.add(output)
        else:
            self.bent.add(output)
            meet = self._meet(operation) or self.selected.issuperset(reached)
        # a function of what is normalised is a run of its own: the rules for normalisations know no other bends
        if not operation.linear and not self.statistics.keys().isdisjoint(reached):
            meet = meet and self.roots[output] == (output,) and len(operation.data) > 1
        if meet:
            self.meshes[output] = reached

    def is_of_one_tensor(self, value: int) -> bool:
        """Whether a value is a function of the elements of one tensor, and not of statistics."""
        return len(self.reach[value]) == 1 and self.statistics.keys().isdisjoint(self.reach[value])

    def _meet(self, operation: Operation) -> bool:
        """Whether several inputs of an operation depend on one value; a statistic carries what it is one of."""
        carried = [{self.statistics.get(root, root) for root in self.reach[value]} for value in operation.data]
        return any(one & other for index, one in enumerate(carried) for other in carried[:index])

    def _lie_alike(self, output: int, roots: tuple[int, ...]) -> bool:
        """Whether elements of roots, or of what they are statistics of, lie where those of an output lie."""
        layouts, layout = self.graph.layouts, self.graph.layouts[output]

        def alike(value: int) -> bool:
            one = layouts[value]
            return one.real and one.axis == layout.axis and len(one.shape) == len(layout.shape)

        return all(alike(root) or alike(self.statistics.get(root, root)) for root in roots)


def read(
    graph: Graph, used: set[int], enclosed: Collection[Operation], most_tensors: int, whole: Collection[int] = ()
) -> Reading:
    """Find out what values depend on.

    Parameters
    ----------
    graph : Graph
    used : set of int
        Values that something reads.
    enclosed : collection of Operation
        What is explained as a whole, whatever it does.
    most_tensors : int
        See `Reading`.
    whole : collection of int
        Values that are roots to what comes behind them.
    """
    apart = set(whole)
    straight = linear_start(graph, enclosed).values
    while True:
        reading = Reading(graph, used, most_tensors)
        measured = _go_through(reading, enclosed, straight, apart)
        if measured is None:
            return reading
        apart.add(measured)


def _go_through(
    reading: Reading, enclosed: Collection[Operation], straight: frozenset[int], apart: Collection[int]
) -> int | None:
    """Read all operations; values `apart` are roots to what comes behind them. Returns the next that has to be one.

    Values that are `straight` are linear in the images.

    What several tensors make together, such as the sum of a residual connection, is one tensor to a normalisation, and
    so is what is made of statistics, such as those of pooling, where it is normalised itself.
    """
    graph = reading.graph
    reading.opaque(graph.input)
    for operation in graph.operations:
        if operation in enclosed:
            reading.opaque(*operation.outputs)
            continue
        if straight.issuperset(operation.outputs) and (
            operation.selects or (operation.reshapes and reading.selected.issuperset(operation.data))
        ):
            reading.selected.update(operation.outputs)
        for output in reading.used.intersection(operation.outputs):
            reading.run_through(operation, output)
            reading.mesh_through(operation, output)
            found = statistics_of(graph, operation, reading.reach, reading.statistics)
            if output in apart:
                reading.reach[output] = reading.passes[output] = (output,)
            elif found:
                reading.statistics.update(found)
                reading.passes[output] = (output, *reading.passes[operation.data[0]])
            elif is_reduction(operation) and len(operation.data) == 1:
                passed = (value for value in reading.passes[operation.data[0]] if graph.readers[value] > 1)
                measured = next((value for value in passed if not reading.is_of_one_tensor(value)), None)
                if measured is not None:
                    return measured
    return None


def players(reading: Reading, operation: Operation) -> tuple[int, ...]:
    """Values among which an elementwise operation's output is shared out."""
    found: list[int] = []
    for value in operation.data:
        found.extend([value] if reading.graph.layouts[value].real else reading.roots[value])
    return tuple(dict.fromkeys(found))
