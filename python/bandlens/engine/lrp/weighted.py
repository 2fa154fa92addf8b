"""Rules for products with weights: who is given the relevance of a sum, and how much.

With z = sum over i of w_i x_i + b, an input's share is

- epsilon: w_i x_i / z, a little more than z in the denominator, so that small sums don't blow up;
- gamma: positive contributions count 1 + gamma times where z is positive, negative ones where it is negative;
- alpha-beta: positive contributions share alpha times the relevance, negative ones take back beta times;
- box, for the first layer: w_i x_i less what the least that x_i can be would contribute, that is w_i l_i for positive
  weights and w_i h_i for negative ones;
- flat, for the first layer: the same for all inputs.

Weights are those of the whole layer, with the scale of a batch normalisation behind it.

References
----------
Bach et al. 2015 (epsilon, alpha-beta); Montavon et al. 2017 (box); Montavon et al. 2019 (gamma); Lapuschkin et al. 2019
(flat). Gamma for inputs of both signs as Andeol et al. 2021.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..deepshap.multiplier import Multiplier
from ..graph import between
from .layers import Layer
from .state import Values

# how much positive contributions share, and negative ones take back
ALPHA_BETA = {"alpha1beta0": (1.0, 0.0), "alpha2beta1": (2.0, 1.0)}
LAYERS = ("epsilon", "gamma", *ALPHA_BETA)
NAMES = ("composite", *LAYERS)
FIRSTS = ("box", "flat", "same")


@dataclass(frozen=True)
class Settings:
    """What the user chose.

    Attributes
    ----------
    rule : str
        One of `NAMES`; "composite" is `convolutions` for convolutions and "epsilon" for other products.
    convolutions : str
        One of `LAYERS`.
    first : str
        One of `FIRSTS`: for layers that read the bands themselves; "same" as for others.
    epsilon, gamma : float
    """

    rule: str
    convolutions: str
    first: str
    epsilon: float
    gamma: float

    def of(self, layer: Layer) -> str:
        """Name of the rule for a layer."""
        if layer.first and self.first != "same":
            return self.first
        if self.rule != "composite":
            return self.rule
        return self.convolutions if layer.product.convolves else "epsilon"


@dataclass(frozen=True)
class Bounds:
    """Least and largest values of images, shape (1, *image shape)."""

    low: Any
    high: Any


class Product:
    """A layer's product with other weights or inputs than its own; biases are left out.

    Attributes
    ----------
    positive, negative : tensor
        Parts of the kernel.
    scale : tensor or None, shape (1, 1, 1, *shape of the product's output)
        What the tail multiplies each element with, if anything.
    bias : tensor or None, likewise
        What is added to it in the end.
    """

    def __init__(self, values: Values, layer: Layer) -> None:
        nd, self.values, self.layer = values.nd, values, layer
        self.source, self.output = layer.source, layer.output
        self._kernel, *biases = layer.product.weights
        self._held = {value: nd.zeros_like(values.run.value(value)) for value in biases}
        self.kernel = values.run.value(self._kernel)
        none = nd.zeros_like(self.kernel)
        self.positive, self.negative = nd.maximum(self.kernel, none), nd.minimum(self.kernel, none)
        self.scale = self._slope() if any(one.pointwise for one in layer.tail) else None
        self.bias = self._shift() if biases or layer.tail else None

    def of(self, kernel: Any, inputs: Any) -> Any:
        """The product, scaled by nothing, shape (1, n or 1, 1, *shape)."""
        values, count = self.values, inputs.shape[1]
        rows = values.rows(self.source, inputs, (1, count, 1))
        known = {self.source: rows, self._kernel: kernel, **self._held}
        run = values.backend.Run(values.trace, known, values.plan.graph, count)
        run.forward(self.layer.operations)
        return values.lifted(self.output, run.value(self.output), (1, count, 1))

    def back(self, kernel: Any, given: Any) -> Any:
        """From the product's output to its input, by the same weights."""
        held = {self._kernel: kernel, **self._held}
        found = self.values.pull_back(self.layer.operations, {self.output: Multiplier(given)}, held=held)
        return found[self.source].core

    def scaled(self, tensor: Any) -> Any:
        """A tensor times the scale."""
        return tensor if self.scale is None else tensor * self.scale

    def crossed(self, positive: Any, negative: Any) -> tuple[Any, Any]:
        """What is positive and negative behind the tail, from what is before it; and the other way, for relevance."""
        if self.scale is None:
            return positive, negative
        if not self.layer.scales:
            return positive * self.scale, negative * self.scale
        none = self.values.nd.zeros_like(self.scale)
        up, down = self.values.nd.maximum(self.scale, none), self.values.nd.minimum(self.scale, none)
        return up * positive + down * negative, up * negative + down * positive

    def _slope(self) -> Any:
        """The tail's derivative, which is constant."""
        values, end = self.values, self.layer.end
        shape = (1, 1, 1, *values.layouts[end].shape)
        ones = values.nd.zeros(shape, values.trace.dtype) + 1
        return values.pull_back(self.layer.tail, {end: Multiplier(ones)})[self.output].core

    def _shift(self) -> Any:
        """What the layer makes of nothing, where the product's output has its elements."""
        values, end = self.values, self.layer.end
        operations = [*self.layer.operations, *self.layer.tail]
        zeros = values.trace.zeros(self.source, values.layouts[self.source], 1)
        run = values.backend.Run(values.trace, {self.source: zeros}, values.plan.graph, 1).forward(operations)
        shift = values.lifted(end, run.value(end), (1, 1, 1))
        for operation in reversed(self.layer.tail):
            if operation.copies and not operation.pointwise:
                shift = values.pulled(operation, {operation.outputs[0]: shift})[operation.data[0]]
        return shift


def weighted(values: Values, settings: Settings, bounds: Bounds | None, layer: Layer, relevance: Any) -> Any:
    """Relevance of a layer's input, from that of its product, shape (k, n, 1, *shape)."""
    name, product = settings.of(layer), Product(values, layer)
    if name == "flat":
        return _flat(product, relevance)
    if name == "box":
        assert bounds is not None
        return _box(product, relevance, bounds)
    inputs = values.at(product.source)
    if name == "epsilon":
        total = _with(product.scaled(product.of(product.kernel, inputs)), product.bias)
        share = relevance / values.stable(total, settings.epsilon)
        return inputs * product.back(product.kernel, product.scaled(share))
    return _parted(product, relevance, inputs, name, settings.gamma)


def _with(total: Any, bias: Any) -> Any:
    return total if bias is None else total + bias


def _parted(product: Product, relevance: Any, inputs: Any, name: str, gamma: float) -> Any:
    """Rules in which positive contributions count other than negative ones."""
    nd, values = product.values.nd, product.values
    none = nd.zeros_like(inputs)
    above, below = nd.maximum(inputs, none), nd.minimum(inputs, none)
    kernels = product.positive, product.negative
    added = product.of(kernels[0], above) + product.of(kernels[1], below)
    taken = product.of(kernels[1], above) + product.of(kernels[0], below)
    added, taken = product.crossed(added, taken)
    if product.bias is not None:
        zero = nd.zeros_like(product.bias)
        added = added + nd.maximum(product.bias, zero)
        taken = taken + nd.minimum(product.bias, zero)
    plain = None
    if name == "gamma":
        none = nd.zeros_like(relevance)
        total = added + taken
        rising = relevance / values.stable(total + gamma * added)
        falling = relevance / values.stable(total + gamma * taken)
        total = total + none
        rising, falling = nd.where(total > 0, rising, none), nd.where(total < 0, falling, none)
        of_added, of_taken, plain = gamma * rising, gamma * falling, rising + falling
    else:
        alpha, beta = ALPHA_BETA[name]
        of_added = alpha * relevance / values.stable(added)
        of_taken = -beta * relevance / values.stable(taken) if beta else nd.zeros_like(relevance)
    shared, lost = product.crossed(of_added, of_taken)
    found = above * product.back(kernels[0], shared) + below * product.back(kernels[1], shared)
    if name != "alpha1beta0" or product.layer.scales:
        found = found + above * product.back(kernels[1], lost) + below * product.back(kernels[0], lost)
    if plain is not None:
        found = found + inputs * product.back(product.kernel, product.scaled(plain))
    return found


def _box(product: Product, relevance: Any, bounds: Bounds) -> Any:
    """Contributions as far as they are from the least that they can be."""
    nd, values, source = product.values.nd, product.values, product.source
    graph = values.plan.graph
    ends = []
    for images in (bounds.low, bounds.high):
        run = values.backend.Run(values.trace, {graph.input: images}).forward(between(graph, {graph.input}, {source}))
        ends.append(values.lifted(source, run.value(source), (1, 1, 1)))
    # what comes before may have turned them round
    low, high = nd.minimum(*ends), nd.maximum(*ends)
    inputs, kernels = values.at(source), (product.positive, product.negative)
    own = product.scaled(product.of(product.kernel, inputs))
    least, _ = product.crossed(
        product.of(kernels[0], low) + product.of(kernels[1], high),
        product.of(kernels[0], high) + product.of(kernels[1], low),
    )
    share = relevance / values.stable(own - least)
    none = nd.zeros_like(share)
    of_low, of_high = product.crossed(share, none)
    found = inputs * product.back(product.kernel, product.scaled(share))
    found = found - low * product.back(kernels[0], of_low) - high * product.back(kernels[1], of_low)
    if product.layer.scales:
        found = found - low * product.back(kernels[1], of_high) - high * product.back(kernels[0], of_high)
    return found


def _flat(product: Product, relevance: Any) -> Any:
    """All inputs alike."""
    nd, values, source = product.values.nd, product.values, product.source
    ones = nd.zeros((1, 1, 1, *values.layouts[source].shape), values.trace.dtype) + 1
    kernel = nd.ones_like(product.kernel)
    return product.back(kernel, relevance / values.stable(product.of(kernel, ones)))
