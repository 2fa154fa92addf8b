"""The only code that touches a framework: a folder each for TensorFlow, JAX and PyTorch, each imported when needed.

What methods and DeepSHAP may ask of a framework is written down in `contract`, as types. A folder holds a module for
each part of it: `arrays` the array functions; `trace` a model as a graph of operations, which `flat` lists and
`operations` knows by name; `run` parts of that graph, computed for other batches; `compiling` what the framework makes
of functions, and derivatives backwards; `forwards` derivatives forwards; `marks` places inside a model that are to be
found again. What they have in common stands beside the folders, under the same names.

A model's backend is the framework that it runs on; there is nothing to choose. What runs on none that is known, a
function from arrays to numbers, has a backend of its own, `functions`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, cast

from ...errors import MissingPackageError, ModelTypeError
from . import functions as functions
from .contract import Backend

# the framework behind a package that a model's class may be from; Keras 3 has one of several
FRAMEWORKS = {
    "tensorflow": "tensorflow",
    "tf_keras": "tensorflow",
    "jax": "jax",
    "jaxlib": "jax",
    "flax": "jax",
    "torch": "torch",
}


def _tensorflow() -> Backend:
    from . import tensorflow

    found: Backend[tensorflow.Trace] = tensorflow
    return found


def _jax() -> Backend:
    from . import jax

    found: Backend[jax.Trace] = jax
    return found


def _torch() -> Backend:
    from . import torch

    found: Backend[torch.Trace] = torch
    return found


# written out, so that mypy compares each with the contract
BACKENDS: dict[str, Callable[[], Backend]] = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}


def backend_of(model: Any) -> Backend:
    """The backend of a model: that of Keras, of the package its class is from, or of callables in general.

    A plain function doesn't show what it is made of. It is taken to be of Keras's backend, where Keras is imported;
    else of the framework that is; else of the one that Keras would use.

    Raises
    ------
    ModelTypeError
        If the framework is not supported.
    MissingPackageError
        If it is not installed.
    """
    given = getattr(model, "bandlens_backend", None)
    if isinstance(given, ModuleType):
        return cast(Backend, given)
    name = framework_of(model)
    if name not in BACKENDS:
        raise ModelTypeError(
            "The model runs on a framework that is not supported.",
            expected=" or ".join(BACKENDS),
            given=name,
            fix="save it, set KERAS_BACKEND=tensorflow in a new session and load it there",
        )
    try:
        return BACKENDS[name]()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != name:
            raise
        raise MissingPackageError(
            f"The model needs {name}, which is not installed.", fix=f"pip install 'bandlens[{name}]'"
        ) from error


def framework_imported() -> bool:
    """Whether anything in this session can have made tensors."""
    return any(name in sys.modules for name in ("keras", *FRAMEWORKS))


def is_tensor(found: Any) -> bool:
    """Whether a value is a framework's own."""
    return type(found).__module__.split(".")[0] in FRAMEWORKS


def framework_of(model: Any) -> str:
    """Name of the framework that a model runs on."""
    origins = {kind.__module__.split(".")[0] for kind in type(model).__mro__}
    if "keras" in origins:
        return _of_keras()
    for package, name in FRAMEWORKS.items():
        if package in origins:
            return name
    if "keras" in sys.modules:
        return _of_keras()
    imported = [name for name in dict.fromkeys(FRAMEWORKS.values()) if name in sys.modules]
    return imported[0] if imported else os.environ.get("KERAS_BACKEND", "tensorflow")


def _of_keras() -> str:
    config = getattr(sys.modules["keras"], "config", None)
    return "tensorflow" if config is None else config.backend()  # Keras 2 has no other
