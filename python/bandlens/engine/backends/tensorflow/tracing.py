"""A function as TensorFlow's graph: without what `tf.function` does for those who run it.

That puts side effects in order, which takes a tenth of the time and which nobody who only reads the graph needs. It
also tells a function that makes new weights whenever it is called, so that one that makes any is left to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import tensorflow as tf


class _MakesWeightsError(Exception):
    """A function makes weights while it is traced."""


@dataclass(frozen=True, eq=False)
class Traced:
    """A function's operations, and what they take from outside.

    Attributes
    ----------
    graph : FuncGraph
        It holds nothing from outside itself.
    definition : FunctionDef
    inputs, outputs : list of tensor
        Of the graph; what is taken from outside comes behind the function's own inputs.
    captures : tuple of (tensor, tensor)
        What is taken from outside, such as variables, and the input that stands for it.
    """

    graph: Any
    definition: Any
    inputs: list[tf.Tensor]
    outputs: list[tf.Tensor]
    captures: tuple[tuple[Any, tf.Tensor], ...]

    def of(self, outside: Sequence[Any]) -> Traced:
        """The same operations on these in the place of what is taken from outside, in order."""
        inner = (tensor for _, tensor in self.captures)
        return replace(self, captures=tuple(zip(outside, inner, strict=True)))


def _taken_apart(concrete: Any) -> Traced:
    graph = concrete.graph
    captures = tuple((outer, inner) for outer, inner in graph.captures)
    found = Traced(graph, concrete.function_def, list(concrete.inputs), list(concrete.outputs), captures)
    # other models may come to be computed by these operations when this one's weights are gone; there is no public way
    graph._function_captures.clear()
    assert not graph.captures
    return found


def traced(call: Callable[[Any], Any], spec: tf.TensorSpec) -> Traced:
    """Follow a function of one tensor.

    Raises
    ------
    ValueError
        If it makes new weights whenever it is called.
    """
    made = False

    def refuse(next_creator: Callable[..., Any], **arguments: Any) -> Any:
        nonlocal made
        made = True
        raise _MakesWeightsError

    try:
        with tf.variable_creator_scope(refuse):
            found = _taken_apart(tf.compat.v1.wrap_function(call, [spec]))
        if not made:  # else the function has gone another way, which is not its own
            return found
    except Exception:  # what the function makes of the refusal, if it was one
        if not made:
            raise
    return _taken_apart(tf.function(call, autograph=False).get_concrete_function(spec))
