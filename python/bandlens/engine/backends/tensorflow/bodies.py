"""Bodies of loops and branches, brought to where an operation is re-created.

TensorFlow rewrites a loop's body for each derivative of it and registers the result, once per process, as the body's
name with an ending: of one body, it can take one derivative. So each operation gets copies of its bodies, and of
those within, under names that no other has.
"""

from __future__ import annotations

import itertools
from typing import Any

import tensorflow as tf
from tensorflow.python.eager.polymorphic_function.atomic_function import (
    from_function_def,  # no public way to copy a function
)

from . import cubes

_number = itertools.count()


def brought(op: tf.Operation, graph: tf.Graph, attributes: dict[str, Any]) -> dict[str, Any]:
    """The operation's attributes, with the names of copies of all functions that it calls, which `graph` now knows."""
    if not any(_called(attribute) for attribute in attributes.values()):
        return attributes
    ending, found = f"_copy_{next(_number)}", {}
    for key, attribute in attributes.items():
        found[key] = type(attribute)()
        found[key].CopyFrom(attribute)
        _rename(found[key], ending)
    names = {called.name for attribute in attributes.values() for called in _called(attribute)}
    known: set[str] = set()
    while names - known:
        name = (names - known).pop()
        known.add(name)
        function = op.graph._get_function(name)
        definition = type(function.cached_definition)()
        definition.CopyFrom(function.cached_definition)
        for node in definition.node_def:
            for attribute in node.attr.values():
                names.update(called.name for called in _called(attribute))
                _rename(attribute, ending)
            for key, attribute in cubes.mended(node, in_body=True).items():
                node.attr[key].CopyFrom(attribute)
        definition.signature.name = name + ending
        graph._add_function(from_function_def(definition, function.function_type))
    return found


def _called(attribute: Any) -> list[Any]:
    """Functions that an attribute names."""
    return [attribute.func] if attribute.HasField("func") else list(attribute.list.func)


def _rename(attribute: Any, ending: str) -> None:
    for called in _called(attribute):
        called.name += ending
