"""A model as a graph of primitive operations: the tracer that the DeepSHAP walker reads.

The trace refers to the tensors that the model holds, so there is no second copy of the weights, and sees them as they
are at each call. Nothing global is touched, and the model is only called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod
from typing import Any

import numpy as np
import torch
from torch.nn.modules import module as hooked  # no public way to the hooks of all modules

from ....errors import BandlensError, UnsupportedOperationError
from ...graph import Family, Graph, Layout, Operation, Region
from .. import heads, refusals
from ..trace import BaseTrace, window_of_reduction
from . import operations as table
from .compiling import devices, vjp
from .flat import HEADS, SIZES, Entry, Flat, computed_in, is_random
from .recording import Recording, record
from .run import Run
from .unvalued import zeros

# numbers that are computed twice differ by no more, relative to the largest
SAME = 1e-3
GOLDEN = (5**0.5 - 1) / 2


class Trace(BaseTrace[Entry]):
    """A model as PyTorch's operations.

    Attributes
    ----------
    flat : Flat
    device : torch.device
        Where the model is.
    weights : dict of int to Tensor
        The model's tensors, by their values.
    """

    def __init__(
        self, call: Callable[[Any], Any], shape: tuple[int, ...], dtype: str, layers: Iterable[str] = ()
    ) -> None:
        super().__init__()
        self.shape = shape
        input_dtype: torch.dtype = getattr(torch, dtype)
        self.dtype = str(computed_in(input_dtype)).removeprefix("torch.")
        self.device, recordings = _recorded(call, shape, input_dtype, frozenset(layers))
        outputs = [found for _, found in recordings]
        shapes = [tuple(part.shape) if isinstance(part, torch.Tensor) else None for part in outputs[0]]
        if len(shapes) != 1 or shapes[0] is None or len(shapes[0]) != 2 or shapes[0][0] != SIZES[0]:
            raise refusals.no_row_per_image(shapes)
        output = outputs[0][0]
        self.flat = Flat([recording for recording, _ in recordings], [found[0] for found in outputs])
        self.n_outputs = output.shape[-1]
        self.weights = self.flat.weights
        self._read_ends(self.flat, HEADS)
        self.fingerprint = self.flat.fingerprint()
        self._check(recordings[0][0].tensors[0], output)

    def _take_weights(self, newer: Trace) -> None:
        self.weights = newer.weights

    def _check(self, images: torch.Tensor, output: torch.Tensor) -> None:
        """Make sure that the operations give what the model gave: it may do what no recording shows."""
        if any(dtype != computed_in(dtype) for dtype in self.flat.dtypes) or any(map(is_random, self.flat.entries)):
            return  # the model is less precise than what is computed here, or gives other numbers at each call
        with torch.no_grad(), torch.device(self.device):
            found = Run(self, {self.flat.input: images}).value(self.flat.output)
        scale = float(output.detach().abs().max()) if output.numel() else 0.0
        if not torch.allclose(found, output, rtol=SAME, atol=SAME * scale, equal_nan=True):
            raise UnsupportedOperationError(
                "The model does something besides PyTorch's operations on the images.",
                fix="write it with functions of torch or keras.ops; its numbers must not change from call to call",
            )

    def _shape_of_two(self, value: int) -> tuple[int, ...] | None:
        return self.flat.shapes[value][SIZES.index(heads.TRIED)]

    def _behind(self, value: int, given: np.ndarray) -> np.ndarray:
        """The model's output for two images, a value given."""
        with torch.no_grad(), torch.device(self.device):
            held = torch.as_tensor(given, dtype=self.value_dtype(value), device=self.device)
            return Run(self, {value: held}, n=heads.TRIED).value(self.flat.output).cpu().numpy()

    def _make_graph(self, output: int) -> Graph:
        flat = self.flat
        kept = self._leading_to(output)
        for entry in kept:
            for value in entry.outputs:
                few, more = flat.shapes[value]
                if few == more and flat.is_real(value):
                    raise refusals.mixes_images(self._where(entry))
        layouts = {
            value: flat.layouts[value]
            for value in (flat.input, *(value for entry in kept for value in entry.outputs))
            if value in flat.layouts
        }
        return Graph(tuple(self._operation(entry, layouts) for entry in kept), flat.input, output, layouts)

    def _is_random(self, entry: Entry) -> bool:
        return is_random(entry)

    def _layer(self, entry: Entry) -> str:
        return entry.layer

    def _operation(self, entry: Entry, layouts: dict[int, Layout]) -> Operation:
        flat = self.flat
        carries = [value in flat.data for value in entry.inputs]
        family = table.TABLE.family(entry.kind, carries)
        if entry.kind == "_to_copy" and _cuts_off(*(flat.dtypes[value] for value in (entry.inputs[0], *entry.outputs))):
            family = Family.ELEMENTWISE
        uses = 1.0
        if family is Family.LINEAR and entry.kind in table.KERNELS:
            uses = _uses(entry, flat.shapes[entry.inputs[carries.index(False)]][0])
        sets = family is Family.MAXIMUM or entry.kind in table.TABLE.reductions
        return table.TABLE.operation(
            entry,
            name=entry.kind,
            layer=entry.layer,
            family=family,
            window=self._window(entry, layouts) if sets else None,
            data=flat.data,
            layouts=layouts,
            uses=uses,
            is_weight=flat.is_real,
            is_number=lambda value: not flat.shapes[value][0],
        )

    @staticmethod
    def _window(entry: Entry, layouts: dict[int, Layout]) -> tuple[int, ...] | None:
        layout = layouts.get(entry.inputs[0])
        if layout is None:
            return None
        rank = len(layout.shape)
        if entry.kind == "amax" or entry.kind in table.TABLE.reductions:
            axes = entry.args[1] if len(entry.args) > 1 else ()
            reduced = {axis % rank for axis in ([axes] if isinstance(axes, int) else axes or range(rank))}
            if layout.axis in reduced:
                return None
            return window_of_reduction(layout.shape, reduced)
        if not entry.kind.startswith("max_pool"):
            return None
        # the image, the sizes of a window, and where they are given: steps, padding, dilation, rounding
        defaults: tuple[Any, ...] = ([], [0], [1], False)
        given = entry.args[1:] + defaults[len(entry.args) - 2 :]
        sizes, steps, padding, dilation, rounded_up = given
        plain = list(steps or sizes) == list(sizes) and set(padding) == {0} and set(dilation) == {1} and not rounded_up
        return (1,) * (rank - len(sizes)) + tuple(sizes) if plain else None

    def differentiable(self, region: Region) -> bool:
        """Whether PyTorch has a derivative of a region's exit in its entry."""
        graph = self._graph_of(region.entry)
        at = self.zeros(region.entry, graph.layouts[region.entry], 1)
        reached: list[bool] = []

        def forward(given: torch.Tensor) -> list[torch.Tensor]:
            found = Run(self, {region.entry: given}, graph, 1).forward(region.operations).value(region.exit)
            reached.append(found.requires_grad)
            return [found]

        try:
            (found,), pull = vjp(forward, [at])
            pull([torch.ones_like(found)])
        except (RuntimeError, NotImplementedError):  # no derivative of an operation
            return False
        return all(reached)

    def zeros(self, value: int, layout: Layout, n: int) -> torch.Tensor:
        """A stand-in of the right shape for `n` images, where only shapes matter."""
        shape = list(layout.shape)
        shape[layout.axis] *= n
        return zeros(shape, self.value_dtype(value), self.device)

    def value_dtype(self, value: int) -> torch.dtype:
        """The dtype that a value is computed in."""
        return computed_in(self.flat.dtypes[value])


def _recorded(
    call: Callable[[Any], Any], shape: tuple[int, ...], dtype: torch.dtype, layers: frozenset[str]
) -> tuple[torch.device, list[tuple[Recording, list[Any]]]]:
    """Recordings of a model for batches of both sizes, on the device where it can be called."""
    last: Exception | None = None
    for device in devices():
        try:
            return device, [record(call, _images((n, *shape), dtype).to(device), layers) for n in SIZES]
        except BandlensError:  # noqa: PERF203
            raise
        except Exception as error:  # the model is the user's code and may raise anything
            last = last or error
    assert last is not None
    raise last


def _images(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    """Images in which all numbers differ, in a random order as it were, from 0 to 1."""
    return (torch.arange(prod(shape), dtype=torch.float64) * GOLDEN).frac().reshape(shape).to(dtype)


def settings() -> tuple[Any, ...]:
    """What PyTorch is set to that decides which operations a model is traced as."""
    with torch.no_grad():
        some = torch.zeros(1, 1)
        product = some @ some  # shows whether types are chosen automatically on the device of `some`; else on a GPU:
    hooks = [[*held] for held in (hooked._global_forward_hooks, hooked._global_forward_pre_hooks)]
    return (str(some.dtype), str(some.device), str(product.dtype), torch.is_autocast_enabled(), hooks)


def _cuts_off(stored: torch.dtype, wanted: torch.dtype) -> bool:
    """Whether a cast cuts off fractions, so that it is not linear."""
    return stored.is_floating_point and not (wanted.is_floating_point or wanted.is_complex)


def _uses(entry: Entry, kernel: tuple[int, ...]) -> float:
    """How many numbers of a kernel go into each output."""
    if entry.kind != "convolution":
        return float(kernel[0])
    transposed, groups = entry.args[6], entry.args[8]
    return prod(kernel) / (kernel[1] * groups if transposed else kernel[0])
