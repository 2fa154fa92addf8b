"""Operations as they are written into a graph: without what TensorFlow does for those who call it with anything.

Its functions look for deprecated arguments, convert what they are given and infer types, which takes as long as writing
itself. Large models are hundreds of operations, of which the rules make thousands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

# without the decorator that looks for deprecated arguments
_create_op = getattr(tf.Graph.create_op, "__wrapped__", tf.Graph.create_op)


def written(
    kind: str,
    inputs: Sequence[tf.Tensor],
    dtypes: Sequence[tf.DType],
    attributes: dict[str, Any],
    op_def: Any = None,
    name: str | None = None,
) -> Sequence[tf.Tensor]:
    """Outputs of an operation, in the graph that is being written.

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
    outputs: Sequence[tf.Tensor] = _create_op(
        graph, kind, list(inputs), list(dtypes), attrs=attributes, op_def=op_def, name=name
    ).outputs
    return outputs
