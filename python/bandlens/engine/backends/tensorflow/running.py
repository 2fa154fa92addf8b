"""How TensorFlow runs what was compiled: in full precision, and rewritten no more than is of use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf
from tensorflow.python.eager import context  # no public way to how one function is called

from ...precision import shared, tf32_allowed
from .devices import on_cpu


@contextmanager
def running(*, least: bool) -> Iterator[None]:
    """Let functions run in full precision, rewritten once or as little as can be."""
    with full_precision(), rewritten(least=least):
        yield


@shared
@contextmanager
def full_precision() -> Iterator[None]:
    """Products of float32 in float32, also where the device could be faster with less, unless somebody wants that.

    TensorFlow has TF32 on unless it is turned off, so that its own setting doesn't tell what a user wants.
    """
    option = tf.config.experimental
    before = option.tensor_float_32_execution_enabled()
    option.enable_tensor_float_32_execution(before and tf32_allowed())
    try:
        yield
    finally:
        option.enable_tensor_float_32_execution(before)


@contextmanager
def rewritten(*, least: bool) -> Iterator[None]:
    """Let graphs that run for the first time be rewritten once, or with `least` not at all where there is no GPU.

    What TensorFlow's rewriting finds makes no later call faster on a CPU, and is much of a first call. But it joins
    products with what follows, whose rows don't depend on how many there are, as those of some products do: of use
    where a function is for any number of images. On GPUs, images are turned to where their kernels are fast; going
    over a graph once is enough. What the user has set stays.
    """
    eager = context.context()
    before = eager.function_call_options
    config = tf.compat.v1.ConfigProto.FromString(before.as_attrs()["config_proto"])
    rewriting = config.graph_options.rewrite_options
    if not rewriting.meta_optimizer_iterations:
        rewriting.meta_optimizer_iterations = rewriting.ONE
        rewriting.disable_meta_optimizer |= least and on_cpu()
    eager.function_call_options = context.FunctionCallOptions(before.executor_type, config)
    try:
        yield
    finally:
        eager.function_call_options = before
