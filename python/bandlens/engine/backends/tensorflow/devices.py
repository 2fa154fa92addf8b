"""What TensorFlow computes on, where that decides which of its kernels are fast.

oneDNN has faster kernels than TensorFlow's own, but is used only on processors with some of the newest instructions,
unless an environment variable says otherwise.
"""

from __future__ import annotations

import os
import platform
from typing import Any

import tensorflow as tf
from tensorflow.python.util import _pywrap_util_port  # no public way

from ....data.positions import spelled
from ... import allocation
from ...processor import processor

ONEDNN = "TF_ENABLE_ONEDNN_OPTS"


def gpus() -> list[Any]:
    """The GPUs that TensorFlow uses."""
    return list(tf.config.list_physical_devices("GPU"))


def on_cpu() -> bool:
    """Whether there is no GPU."""
    return not gpus()


def has_onednn() -> bool:
    """Whether TensorFlow has oneDNN's kernels in its builds for such machines."""
    return platform.machine() in ("x86_64", "AMD64") and platform.system() != "Darwin"


def uses_onednn(dtype: tf.DType = tf.float32) -> bool:
    """Whether TensorFlow uses oneDNN on this processor, which has no kernels of numbers of 64 bits."""
    return bool(_pywrap_util_port.IsMklEnabled()) and dtype != tf.float64


def own_kernels(dtype: tf.DType) -> bool:
    """Whether TensorFlow computes with its own kernels for CPUs, of which some are slow and some are wrong."""
    return on_cpu() and not uses_onednn(dtype)


def names_onednn() -> bool:
    """Whether oneDNN's kernels can be asked for by name where TensorFlow would use its own, and nobody minds."""
    off = os.environ.get(ONEDNN, "").lower() in ("0", "false")
    return has_onednn() and not off and own_kernels(tf.float32)


def device() -> str:
    """What computes, by its name, and with what: oneDNN's kernels round differently."""
    if on_cpu():
        kernels = ", oneDNN" if uses_onednn() else ", oneDNN by name" if names_onednn() else ""
        return processor() + kernels
    return str(tf.config.experimental.get_device_details(gpus()[0])["device_name"])


def advice() -> str | None:
    """What would make TensorFlow faster here, if there is anything that the user has not decided on.

    With oneDNN it keeps memory by itself.
    """
    if not allocation.applies() or not on_cpu() or uses_onednn() or allocation.KEEPS in os.environ:
        return None
    return (
        f"With the environment variable {allocation.KEEPS}=true, set before TensorFlow starts, as "
        f"{spelled('importing bandlens first', 'library(bandlens)')} does, this may take half as long."
    )
