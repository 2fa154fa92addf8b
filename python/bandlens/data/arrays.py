"""Tensors as arrays: what frameworks hold, maybe on a GPU and with a history of gradients, as NumPy sees it."""

from __future__ import annotations

from typing import Any

import numpy as np


def is_of_pytorch(given: Any) -> bool:
    """Whether NumPy may have to be helped: PyTorch's tensors are converted neither from a GPU nor with a history."""
    return hasattr(given, "detach")


def as_array(given: Any) -> np.ndarray:
    """The numbers of a tensor of any framework, or of anything that NumPy understands.

    Parameters
    ----------
    given : tensor or array-like
        Of PyTorch on any device; what is on the CPU is not copied.

    Returns
    -------
    numpy.ndarray
        Of the same shape and dtype.
    """
    if is_of_pytorch(given):
        given = given.detach().cpu()
    return np.asarray(given.numpy() if hasattr(given, "numpy") else given)
