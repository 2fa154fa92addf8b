"""Places in a model that are to be found again in its trace: the outputs of its layers.

A mark is an operation of our own that changes nothing. The trace passes over it, so that a marked model has the
operations of the model itself.
"""

from __future__ import annotations

import torch

from .recording import Node


def _same(tensor: torch.Tensor, number: int) -> torch.Tensor:
    return tensor.clone()


_mark = torch.library.custom_op("bandlens::mark", _same, mutates_args=())


def mark(tensor: torch.Tensor, number: int) -> torch.Tensor:
    """The same tensor; the trace's `marks` tell which value it is."""
    return _mark(tensor, number)


def marked(node: Node) -> int | None:
    """Number of the mark that an operation is."""
    return node.args[1] if node.function is torch.ops.bandlens.mark.default else None
