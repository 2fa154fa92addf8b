"""The only code that touches a framework, one folder for each, imported when a model needs it.

A backend is a module with these names, which is all that methods and DeepSHAP know of a framework:

- `Trace`: a model as a graph of operations, with a `head` (softmax, sigmoid or None) and the value before it;
- `Run`: parts of a trace, applied to a batch inside a function that is compiled;
- `mark`: names a value inside a model, to find it again in the trace's `marks`;
- `has_forward`, `jvp`: whether an operation has a reliable derivative forwards, and that;
- `compile`, `vjp`, `fold`, `fused`, `hold`: what a framework makes of functions and arrays;
- `nd`: array functions under NumPy's names;
- `OutOfMemory`: what is raised when the device has none left; `free_memory`: how much it has, if it says so;
- `ready`: raises if the framework is in a state in which nothing can be computed;
- `version`: what belongs into a result.

A model's backend is the framework that it runs on; there is nothing to choose.
"""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType
from typing import Any

from ...errors import MissingPackageError, ModelTypeError

SUPPORTED = ("tensorflow", "jax", "torch")
# the framework behind a package that a model's class may be from; Keras 3 has one of several
FRAMEWORKS = {
    "tensorflow": "tensorflow",
    "tf_keras": "tensorflow",
    "jax": "jax",
    "jaxlib": "jax",
    "flax": "jax",
    "torch": "torch",
}


def backend_of(model: Any) -> ModuleType:
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
        return given
    name = framework_of(model)
    if name not in SUPPORTED:
        raise ModelTypeError(
            "The model runs on a framework that is not supported.",
            expected=" or ".join(SUPPORTED),
            given=name,
            fix="save it, set KERAS_BACKEND=tensorflow in a new session and load it there",
        )
    try:
        return importlib.import_module(f".{name}", __name__)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != name:
            raise
        raise MissingPackageError(
            f"The model needs {name}, which is not installed.", fix=f"pip install 'bandlens[{name}]'"
        ) from error


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
