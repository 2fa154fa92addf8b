"""What TensorFlow computes on, where that decides which of its kernels are fast."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from tensorflow.python.util import _pywrap_util_port  # no public way


def gpus() -> list[Any]:
    """The GPUs that TensorFlow uses."""
    return list(tf.config.list_physical_devices("GPU"))


def on_cpu() -> bool:
    """Whether there is no GPU."""
    return not gpus()


def uses_onednn() -> bool:
    """Whether TensorFlow uses oneDNN on this processor."""
    return bool(_pywrap_util_port.IsMklEnabled())
