"""A part of a traced function as a function of its own, without writing its operations anew.

TensorFlow's own way, `prune`, writes them one after the other, for longer than all that they are asked for takes.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python.eager import context  # no public way to let TensorFlow know a function's definition

from .tracing import Traced

_number = itertools.count()


class Part:
    """What leads to some tensors of a traced function, of what the function takes from outside alone.

    Parameters
    ----------
    traced : Traced
    outputs : sequence of tensor
        Of its graph, made by operations that don't depend on its arguments.
    """

    def __init__(self, traced: Traced, outputs: Sequence[tf.Tensor]) -> None:
        whole = traced.definition
        made_by = {node.name: node for node in whole.node_def}
        first = _first_of_equals(whole.node_def)
        names = [_name_within(tensor) for tensor in outputs]
        needed = _leading_to(names, made_by, first)
        definition = type(whole)()
        definition.signature.name = f"bandlens_part_{next(_number)}"
        definition.node_def.extend(node for name, node in made_by.items() if name in needed)
        for node in definition.node_def:
            node.input[:] = _tensors(node, first)
        for number, (name, tensor) in enumerate(zip(names, outputs, strict=True)):
            definition.signature.output_arg.add(name=f"output_{number}", type=tensor.dtype.as_datatype_enum)
            definition.ret[f"output_{number}"] = name
        external = {inner.name: outer for outer, inner in traced.captures}
        self._arguments = []
        for argument, inner in zip(whole.signature.input_arg, traced.inputs, strict=True):
            if argument.name in needed:
                definition.signature.input_arg.add().CopyFrom(argument)
                self._arguments.append(external[inner.name])
        self._name = definition.signature.name
        self._dtypes = [tensor.dtype for tensor in outputs]
        context.context().add_function_def(definition)
        weakref.finalize(self, context.context().remove_function, self._name).atexit = False

    def __call__(self) -> list[tf.Tensor]:
        """The tensors, as they are now; computed as they are written."""
        config = tf.compat.v1.ConfigProto()
        config.graph_options.rewrite_options.disable_meta_optimizer = True
        found: list[tf.Tensor] = tf.raw_ops.StatefulPartitionedCall(
            args=self._arguments, Tout=self._dtypes, f=self._name, config_proto=config.SerializeToString()
        )
        return found


def _name_within(tensor: tf.Tensor) -> str:
    """A tensor's name in the definition of the function that it is in: operation, output, place among its tensors."""
    place = tensor.value_index
    for output in tensor.op.op_def.output_arg:
        length = 1
        if output.number_attr:
            length = tensor.op.get_attr(output.number_attr)
        elif output.type_list_attr:
            length = len(tensor.op.get_attr(output.type_list_attr))
        if place < length:
            return f"{tensor.op.name}:{output.name}:{place}"
        place -= length
    raise ValueError(f"{tensor.name} is no output of {tensor.op.type}")


def _first_of_equals(nodes: Sequence[Any]) -> dict[str, str]:
    """For the tensor of each constant, that of the first that is equal: most are shapes, of which there are few."""
    known: dict[bytes, str] = {}
    constants = (node for node in nodes if node.op == "Const")
    return {
        f"{node.name}:output:0": known.setdefault(node.attr["value"].SerializeToString(), f"{node.name}:output:0")
        for node in constants
    }


def _leading_to(names: Sequence[str], made_by: dict[str, Any], first: dict[str, str]) -> set[str]:
    """Operations and arguments that tensors are made of."""
    needed: set[str] = set()
    stack = [name.split(":")[0] for name in names]
    while stack:
        name = stack.pop()
        if name in needed:
            continue
        needed.add(name)
        if name in made_by:
            stack.extend(source.split(":")[0] for source in _tensors(made_by[name], first))
    return needed


def _tensors(node: Any, first: dict[str, str]) -> list[str]:
    """An operation's inputs, without those that keep the order of side effects, which nothing here has."""
    return [first.get(source, source) for source in node.input if not source.startswith("^")]
