"""Whether TensorFlow can compute and give numbers here: not inside a function that it is compiling."""

from __future__ import annotations

import tensorflow as tf

from ....errors import ModelError


def ready() -> None:
    """Raise a ModelError where operations are only noted down."""
    if tf.executing_eagerly():
        return
    if tf.compat.v1.executing_eagerly_outside_functions() and tf.inside_function():
        raise ModelError(
            "bandlens was called inside a tf.function, in which there are no numbers.",
            fix="call it outside; it compiles its own steps",
        )
    raise ModelError(
        "TensorFlow's eager execution is turned off.",
        expected="TensorFlow 2 as it starts",
        fix="leave out tf.compat.v1.disable_eager_execution() or disable_v2_behavior(), and `with graph.as_default()`; "
        "then begin a new session",
    )
