"""What has to be known of a framework's operations, by their names: the form of the tables in each backend.

To support an operation is to put its name into the table of `operations.py` there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from math import nan, prod

from ..graph import Family, Layout, Operation
from .flat import Entry

# each output element depends on one element of each data input
POINTWISE = frozenset({Family.ELEMENTWISE, Family.PRODUCT, Family.QUOTIENT, Family.SQUARED_DIFFERENCE})


@dataclass(frozen=True, kw_only=True)
class OperationTable:
    """Names of operations.

    Attributes
    ----------
    linear : collection of str
        Jointly linear in their data inputs, whichever those are.
    bilinear : mapping of str to Family
        Linear in each of two inputs: linear where one carries data, of this family where both do.
    quotients : collection of str
        Linear in the first input.
    choices : mapping of str to int
        Linear, unless the input at this place carries data, which says where to take the others from.
    elementwise, maximum, smooth : collection of str
        See `Family`; smooth ones are not taken apart, but differentiated along the line from background to image.
    named : mapping of str to Family
        All others, each of a family of its own.
    joint : mapping of str to Family
        Elementwise ones with a rule of their own where two inputs carry data.
    pointwise : collection of str
        Linear ones that keep elements apart; broadcasting is recognised by shape.
    reductions : mapping of str to callable
        Sums and means over whole axes: what each element weighs, of so many.
    reshapes : collection of str
        Elements in the same order, or repeated along axes of length 1.
    selects : collection of str
        Parts of the input, such as single bands.
    copies : collection of str
        Linear ones whose outputs are elements of the inputs, or constants, wherever these stand.
    shifts : collection of str
        Pointwise ones that add a constant, if anything.
    offsets : collection of str
        Pointwise ones that add or subtract.
    homogeneous : collection of str
        Elementwise ones of a single input, with f(c x) = c f(x) for every c > 0, and a derivative of 0 at 0.
    """

    linear: Collection[str]
    bilinear: Mapping[str, Family]
    quotients: Collection[str]
    choices: Mapping[str, int]
    elementwise: Collection[str]
    maximum: Collection[str]
    smooth: Collection[str]
    named: Mapping[str, Family]
    pointwise: Collection[str]
    reductions: Mapping[str, Callable[[int], float]]
    reshapes: Collection[str]
    selects: Collection[str]
    copies: Collection[str]
    shifts: Collection[str]
    offsets: Collection[str]
    homogeneous: Collection[str]
    joint: Mapping[str, Family] = field(default_factory=dict)

    def family(self, kind: str, data: list[bool]) -> Family:
        """Family of an operation, given which of its inputs carry image data."""
        both = sum(data) > 1
        if kind in self.linear:
            return Family.LINEAR
        if kind in self.bilinear:
            return self.bilinear[kind] if both else Family.LINEAR
        if kind in self.quotients:
            if both:
                return Family.QUOTIENT
            return Family.LINEAR if data[0] else Family.ELEMENTWISE
        if kind in self.choices:
            return Family.ELEMENTWISE if data[self.choices[kind]] else Family.LINEAR
        if both and kind in self.joint:
            return self.joint[kind]
        if kind in self.elementwise:
            return Family.ELEMENTWISE
        if kind in self.maximum:
            return Family.MAXIMUM
        if kind in self.smooth:
            return Family.SMOOTH
        return self.named.get(kind, Family.UNSUPPORTED)

    def operation(
        self,
        entry: Entry,
        *,
        name: str,
        layer: str,
        family: Family,
        window: tuple[int, ...] | None,
        data: Collection[int],
        layouts: Mapping[int, Layout],
        uses: float,
        is_weight: Callable[[int], bool],
        is_number: Callable[[int], bool],
        epsilon: float = 0.0,
        reshapes: bool = True,
    ) -> Operation:
        """An entry as the walker reads it.

        Parameters
        ----------
        entry : Entry
        name, layer, family, window, epsilon
            As in `Operation`.
        data : collection of int
            Values that carry image data.
        layouts : mapping of int to Layout
        uses : float
            Multiplications per element of the output, roughly.
        is_weight : callable
            Whether a value without image data is a weight, or made of weights, of a floating type.
        is_number : callable
            Whether a value without image data has no axes.
        reshapes : bool
            Whether an operation that is among those which reshape does so here.
        """
        kind = entry.kind
        reduces = kind in self.reductions and window is not None
        others = [value for value in entry.inputs if value not in data]
        alone = len(entry.inputs) - len(others) == 1
        weighs = family is Family.LINEAR and self.bilinear.get(kind) is Family.CONTRACTION
        return Operation(
            kind,
            name,
            layer,
            family,
            family in POINTWISE or (family is Family.LINEAR and kind in self.pointwise),
            window,
            tuple(entry.inputs),
            tuple(entry.outputs),
            tuple(dict.fromkeys(value for value in entry.inputs if value in data)),
            float(sum(layouts[value].size for value in entry.outputs if value in layouts) * uses),
            entry,
            epsilon=epsilon,
            weight=self.reductions[kind](prod(window)) if reduces and window is not None else nan,
            reshapes=reshapes and kind in self.reshapes,
            selects=kind in self.selects,
            shifts=kind in self.shifts,
            offset=kind in self.offsets and alone and all(map(is_number, others)),
            homogeneous=kind in self.homogeneous,
            copies=family is Family.LINEAR and kind in self.copies,
            weights=tuple(filter(is_weight, others)) if weighs else (),
        )
