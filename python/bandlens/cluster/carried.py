"""A model as bytes that another process makes the same model of: how it goes to the workers, once.

Keras models go as the file that Keras saves, with the classes and functions of the user's that the file only names;
anything else goes as cloudpickle makes bytes of it. Whether it is still the same model when it has arrived is checked
there, by its outputs for a few images.
"""

from __future__ import annotations

import hashlib
import io
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..data.positions import spelled
from ..engine.reasons import reason
from ..errors import ClusterError

# what Keras writes beside the model: when it was saved
UNIMPORTANT = "metadata.json"


@dataclass(frozen=True)
class Carried:
    """A model on its way.

    Attributes
    ----------
    key : str
        The same for the same layers with the same weights.
    library : str or None
        Which Keras saved it, "keras" or "tf_keras"; None for what was pickled.
    data : bytes
        The file, or the pickle.
    own : bytes
        Classes and functions that the file names, by name, pickled.
    """

    key: str
    library: str | None
    data: bytes
    own: bytes = b""


def carried(model: Any) -> Carried:
    """Make bytes of a model.

    Raises
    ------
    ClusterError
        If neither Keras nor cloudpickle can.
    """
    library = _library(model)
    if library is None:
        data = _pickled(model, f"The model, a {type(model).__name__}, can't be sent to workers")
        return Carried(hashlib.sha256(data).hexdigest(), None, data)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        try:
            model.save(path)
        except Exception as error:  # it runs the code of layers, and may raise anything
            raise _unsent(f"Keras can't save the model, to send it to workers: {reason(error)}") from error
        data = path.read_bytes()
    own = _pickled(dict(_own_objects(model)), "The model's own layers can't be sent to workers")
    return Carried(_content(data, own), library, data, own)


def brought(model: Carried) -> Any:
    """Make the model of the bytes again."""
    import cloudpickle

    if model.library is None:
        return cloudpickle.loads(model.data)
    keras = __import__(model.library)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        path.write_bytes(model.data)
        # functions of the user's own that are in the file, sent by the user
        try:
            return keras.saving.load_model(
                path, custom_objects=cloudpickle.loads(model.own), compile=False, safe_mode=False
            )
        except Exception as error:
            raise _unsent(f"A worker can't make a model of what Keras has saved: {reason(error)}") from error


def _library(model: Any) -> str | None:
    """Which Keras a model is of."""
    for name in ("keras", "tf_keras"):
        keras = sys.modules.get(name)
        if keras is not None and isinstance(model, getattr(keras, "Model", ())):
            return name
    return None


def _own_objects(model: Any) -> Iterator[tuple[str, Any]]:
    """Classes of layers that are not Keras' own, and what was registered, by the names that a file may have."""
    keras = sys.modules[_library(model) or "keras"]
    yield from keras.saving.get_custom_objects().items()
    for one in (model, *_layers(model)):
        kind = type(one)
        if kind.__module__.split(".")[0] not in ("keras", "tf_keras"):
            yield kind.__name__, kind
            yield keras.saving.get_registered_name(kind), kind


def _layers(model: Any) -> Iterator[Any]:
    for layer in getattr(model, "layers", []):
        yield layer
        yield from _layers(layer)


def _pickled(what: Any, failing: str) -> bytes:
    """Bytes of an object; models of Keras that it holds are in there as their files."""
    import cloudpickle

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        def reducer_override(self, found: Any) -> Any:
            if _library(found) is not None and found is not what:
                return brought, (carried(found),)
            return super().reducer_override(found)

    buffer = io.BytesIO()
    try:
        Pickler(buffer).dump(what)
    except ClusterError:
        raise
    except Exception as error:  # the object's own code may raise anything
        raise _unsent(f"{failing}: {reason(error)}") from error
    return buffer.getvalue()


def _content(data: bytes, own: bytes) -> str:
    """What tells models apart, not when they were saved."""
    found = hashlib.sha256(own)
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        for name in sorted(set(file.namelist()) - {UNIMPORTANT}):
            found.update(name.encode())
            found.update(file.read(name))
    return found.hexdigest()


def _unsent(what: str) -> ClusterError:
    return ClusterError(
        what,
        expected="a Keras model that can be saved and loaded, or a function that cloudpickle can take along",
        fix=spelled(
            "give layers of your own `get_config`, or explain it without `client`",
            "explain it without `client`: functions of R can't leave their session",
        ),
    )
