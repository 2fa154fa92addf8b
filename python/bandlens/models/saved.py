"""A model from a file: the model, or what the file is instead and how to make a model of it."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from ..data.positions import spelled
from ..engine.reasons import reason
from ..errors import ModelError
from .bands import bands_of, set_bands

SUFFIXES = (".keras", ".h5", ".hdf5")

# what Keras 3 and Keras 2 say of classes and functions that they don't know
_MISSING = re.compile(
    r"(?:could not locate|unknown) (?P<what>[a-z ]+?)(?:: '?| ')(?:[\w.]+>)?(?P<name>\w+)",
    re.IGNORECASE,
)
# what keras3 calls a function of R that it puts into a model
R_FUNCTION = "anonymous_R_function"


def loaded(model: Any) -> Any:
    """The model itself, or the one saved at a path.

    Raises
    ------
    ModelError
        If there is none at the path, it holds something else than a model, or Keras can't load it.
    ModuleNotFoundError
        If Keras is missing.
    """
    if not isinstance(model, str | Path):
        return model
    path = Path(model)
    _check_kind(path)
    import keras  # noqa: F401 - where it is missing, that is no fault of the file

    try:
        found = _load(path)
    except Exception as error:  # it runs the code of layers, and may raise anything
        why = reason(error)
        missing = _MISSING.search(why)
        if missing:
            raise _unknown(path, *missing.group("what", "name")) from error
        raise ModelError(f"Keras can't load {path.name}: {why}", fix=_advice(path, why)) from error
    set_bands(found, bands_of(path))
    return found


def _check_kind(path: Path) -> None:
    """Refuse what is no model that Keras saved as a whole."""
    if (path / "saved_model.pb").exists():
        raise ModelError(
            "This folder is a SavedModel, a program without layers.",
            expected="a `.keras` or `.h5` file, or a model",
            given=str(path),
            fix=as_layer(repr(str(path))),
        )
    if _is_checkpoint(path):
        raise _weights_only(path)
    if not path.exists():
        raise ModelError("There is no saved model at this path.", given=str(path))
    if path.suffix.lower() not in SUFFIXES:
        raise ModelError("A saved model is a `.keras` or `.h5` file.", given=str(path))
    if path.suffix.lower() != ".keras" and not _has_model(path):
        raise _weights_only(path)


def as_layer(path: str) -> str:
    """How to make a model of a SavedModel."""
    call = spelled(
        f"keras.layers.TFSMLayer({path}, call_endpoint='serving_default')",
        f"keras3::layer_tfsm(filepath = {path}, call_endpoint = 'serving_default')",
    )
    export = spelled("model.export()", "keras3::export_savedmodel()")
    return f"load it as a layer and pass that: {call} (or 'serve', if {export} made it)"


def _is_checkpoint(path: Path) -> bool:
    """Whether a path is that of a TensorFlow checkpoint, or of one of its files."""
    beside = path.with_name(path.name + ".index").exists()
    return beside or path.name == "checkpoint" or path.suffix == ".index" or ".data-0" in path.name


def _has_model(path: Path) -> bool:
    """Whether an HDF5 file holds a model, not only its weights; what can't be read is left to Keras to say."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return "model_config" in file.attrs
    except OSError:
        return True


def _weights_only(path: Path) -> ModelError:
    call = spelled(f"model.load_weights({str(path)!r})", f"keras3::load_model_weights(model, {str(path)!r})")
    return ModelError(
        f"{path.name} holds weights only, no model.",
        expected=f"a file that `{spelled('model.save()', 'keras3::save_model()')}` wrote, or a model",
        given=str(path),
        fix=f"build the network as it was trained, call {call}, and pass the model",
    )


def _load(path: Path) -> Any:
    """Keras tells formats by suffixes in lower case, so that another file gets a name that it knows."""
    import keras

    suffix = path.suffix.lower()
    if path.suffix == suffix:
        return keras.saving.load_model(path, compile=False)
    with tempfile.TemporaryDirectory() as folder:
        known = Path(folder) / f"{path.stem}{suffix}"
        try:
            os.symlink(path.absolute(), known)
        except OSError:  # Windows allows it to few
            shutil.copyfile(path, known)
        return keras.saving.load_model(known, compile=False)


def _unknown(path: Path, what: str, name: str) -> ModelError:
    """The error for a file that names a class or function which nobody has defined here."""
    kind = "function" if "function" in what.lower() else "class"
    held = name if name != R_FUNCTION else "f"
    load = spelled(
        f"keras.saving.load_model({str(path)!r}, custom_objects={{{name!r}: {held}}})",
        f"`keras3::load_model({str(path)!r}, custom_objects = list({name} = {held}))`",
    )
    mark = spelled("mark it with @keras.saving.register_keras_serializable() and import it before; or ", "")
    it = f"the {kind} '{name}'" if name != R_FUNCTION else "a function of R, such as one of `layer_lambda()`"
    return ModelError(
        f"Keras can't load {path.name}: it needs {it}, which the file does not hold and this session does not know.",
        given=str(path),
        fix=f"pass the live model, in the session that made it; or {mark}define it, load the model with it, {load}, "
        "and pass that",
    )


def _advice(path: Path, why: str) -> str:
    """How to load a file all the same."""
    name = repr(str(path))
    if "safe_mode" in why or "Lambda" in why:
        load = spelled(
            f"keras.saving.load_model({name}, safe_mode=False)", f"keras3::load_model({name}, safe_mode = FALSE)"
        )
        return f"pass the live model; or, if you trust the file, load the model yourself, {load}, and pass it"
    return "load it yourself (custom layers need `custom_objects`, Keras 2 files may need tf_keras)"
