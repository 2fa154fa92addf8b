"""Operations as they are written into a graph: without what TensorFlow does for those who call it with anything.

Its functions look for deprecated arguments, convert what they are given, infer types and note which lines of Python led
to each operation, which takes longer than writing itself. Large models are hundreds of operations, of which the rules
make thousands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

# what writes an operation, told not to note lines, has no public name
_create_c_op = tf.__internal__.create_c_op


def written(
    kind: str,
    inputs: Sequence[tf.Tensor],
    dtypes: Sequence[tf.DType],
    attributes: dict[str, Any],
    op_def: Any = None,
    name: str | None = None,
) -> Sequence[tf.Tensor]:
    """Outputs of an operation, in the function that is being written.

    Parameters
    ----------
    kind : str
    inputs : sequence of tensor
    dtypes : sequence of dtype
        Of the outputs.
    attributes : dict of str to AttrValue
        All that have no default.
    op_def : OpDef, optional
        Where it is known.
    name : str, optional
        Other than the kind's.
    """
    graph = tf.compat.v1.get_default_graph()
    node = tf.compat.v1.NodeDef(op=kind, name=graph.unique_name(name or kind), attr=attributes)
    own = [tensor if getattr(tensor, "graph", None) is graph else graph.capture(tensor) for tensor in inputs]
    made = _create_c_op(graph, node, own, [], op_def=op_def, extract_traceback=False)
    outputs: Sequence[tf.Tensor] = graph._create_op_from_tf_operation(made).outputs
    return outputs
