"""Places in a model that are to be found again in its trace: the outputs of its layers.

A mark is an identity under a name of ours. The trace knows values, not layers, and passes over identities, so that a
marked model has the operations of the model itself.
"""

from __future__ import annotations

import re

import tensorflow as tf

_PREFIX = "bandlens_mark_"
_NAME = re.compile(rf"(?:^|/){_PREFIX}(\d+)(?:_\d+)?$")


def mark(tensor: tf.Tensor, number: int) -> tf.Tensor:
    """The same tensor; the trace's `marks` tell which value it is."""
    return tf.identity(tensor, name=f"{_PREFIX}{number}")


def marked(name: str) -> int | None:
    """Number of the mark that an operation of this name is."""
    found = _NAME.search(name)
    return int(found.group(1)) if found else None
