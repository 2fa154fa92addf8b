"""Whether a model is still what it was when it was traced, told by what it is made of.

Tracing is most of a call for deep networks, and nothing can replace it where the user's own code is called. Of Keras's
own layers, what they compute is settled by their attributes, by the graph that they stand in and by a few settings:
where a model is made of nothing else, and all of these are what they were, so are its operations. Whatever is not known
for certain is no state: then the model is traced, as always.
"""

from __future__ import annotations

import functools
import hashlib
import types
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.backends import is_tensor

KERAS = "keras.src."
# what models are called through; their other attributes are about training
GRAPH = ("_nodes_by_depth", "_inputs", "_outputs", "_inputs_struct", "_outputs_struct")
CALLED = (
    "_dtype_policy", "_convert_input_args", "_allow_non_tensor_positional_args", "autocast", "_supports_masking",
    "output_names", "_nnx_op_mapping", "call", "__call__", "_forward_hooks", "_forward_pre_hooks", "_backward_hooks",
)  # fmt: skip
# of layers and operations: who else uses them, what they were made by, what training asks of them
ASIDE = frozenset({
    "_inbound_nodes", "_outbound_nodes", "_auto_config", "build", "quantize", "_call_signature", "_tracker", "_tracked",
    "_losses", "_loss_ids", "_losses_override", "_metrics", "_parent_path", "_path", "_build_shapes_dict",
})  # fmt: skip
FIRST_WORDS = "_self_"
LAST_WORDS = ("_initializer", "_regularizer", "_constraint")
SETTINGS = ("floatx", "epsilon", "image_data_format", "is_flash_attention_enabled", "is_nnx_enabled")
# of whose kinds nothing matters but what is in them
CONTAINERS = frozenset({
    "builtins", "collections", "keras.src.utils.tracking", "tensorflow.python.trackable.data_structures",
})  # fmt: skip
# an array among the attributes is compared number by number
MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class State:
    """All that settles a model's operations.

    Attributes
    ----------
    digest : bytes
        Of what is plain: numbers, words, and how things hang together.
    held : tuple
        What is the same only if it is the same object, such as functions.
    weights : tuple
        What variables hold. What they are like is in the digest.
    names : tuple of str
        Of layers, on which nothing depends but what they are called.
    """

    digest: bytes
    held: tuple[Any, ...]
    weights: tuple[Any, ...]
    names: tuple[str, ...]

    def __eq__(self, other: object) -> bool:
        """Whether nothing has changed."""
        return (
            isinstance(other, State)
            and self.alike(other)
            and self.names == other.names
            and _identical(self.weights, other.weights)
        )

    @property
    def pattern(self) -> State | None:
        """What is left without weights and names; None where more than weights are numbers of this model alone."""
        if any(is_tensor(one) for one in self.held):
            return None
        return State(self.digest, self.held, (), ())

    def alike(self, other: State) -> bool:
        """Whether two models are of the same operations, on weights of the same shapes in the same order."""
        return self.digest == other.digest and _identical(self.held, other.held)

    __hash__ = None  # type: ignore[assignment]


def _identical(some: Sequence[Any], others: Sequence[Any]) -> bool:
    return len(some) == len(others) and all(one is another for one, another in zip(some, others, strict=True))


class _UnknownError(Exception):
    """Something whose part in the model's operations is not known."""


def state_of(model: Any, settings: Iterable[Any] = ()) -> State | None:
    """What settles a model's operations; None where that can't be told.

    Parameters
    ----------
    model : object
    settings : iterable
        Of the backend, which settle them too.
    """
    if not type(model).__module__.startswith(KERAS):
        return None
    reader = _Reader()
    try:
        reader.read([*settings, *_settings()])
        reader.read(model)
    except _UnknownError:
        return None
    return reader.state()


def _settings() -> list[Any]:
    """What all models of this Keras depend on."""
    import keras

    found = [getattr(keras.config, name, None) for name in SETTINGS]
    return [name and name() for name in found] + [keras.distribution.distribution()]


class _Reader:
    """Goes through attributes, and through those of what they hold, each object once."""

    def __init__(self) -> None:
        self._noted: list[tuple[Any, ...]] = []
        self.held: list[Any] = []
        self.weights: list[Any] = []
        self.names: list[str] = []
        self._seen: dict[int, int] = {}
        self._kept: list[Any] = []

    def read(self, value: Any) -> None:
        """Take in a value and all that it is made of."""
        plain = _PLAIN.get(type(value))
        if plain is not None:
            self._note(plain, value)
        elif id(value) in self._seen:
            self._note("again", self._seen[id(value)])
        else:
            # objects that are made on the fly would leave their number to others
            self._kept.append(value)
            self._seen[id(value)] = len(self._seen)
            self._read_new(value)

    def state(self) -> State:
        """All that was taken in."""
        digest = hashlib.sha256(repr(self._noted).encode()).digest()
        return State(digest, tuple(self.held), tuple(self.weights), tuple(self.names))

    def _note(self, *what: Any) -> None:
        self._noted.append(what)  # all of it is immutable

    def _hold(self, value: Any) -> None:
        self._note("held")
        self.held.append(value)

    def _read_new(self, value: Any) -> None:
        kind = type(value)
        collection = _collection(kind)  # type: ignore[arg-type]  # mypy thinks that classes have no hash
        if collection is not None and kind.__module__ not in CONTAINERS:
            raise _UnknownError
        if collection is Mapping:
            self._note(kind.__name__, len(value))
            for key, one in list(value.items()):  # another thread may be using the model
                self.read(key)
                self.read(one)
        elif collection is Set:
            if any(type(one) is not str for one in value):
                raise _UnknownError
            self._note(kind.__name__, *sorted(value))
        elif collection is Sequence:
            self._note(kind.__name__, len(value))
            for one in value:
                self.read(one)
        elif isinstance(value, np.ndarray | np.generic):
            if value.nbytes > MOST_BYTES or value.dtype.hasobject:
                raise _UnknownError
            self._note(value.dtype.str, value.shape, value.tobytes())
        elif isinstance(value, type | types.BuiltinFunctionType | types.ModuleType | np.dtype):
            self._hold(value)
        elif isinstance(value, types.FunctionType):
            self._read_function(value)
        elif isinstance(value, slice):
            self._note("slice")
            self.read([value.start, value.stop, value.step])
        elif isinstance(value, functools.partial):
            self._note("partial")
            self.read([value.func, value.args, value.keywords])
        elif isinstance(value, types.MethodType):
            self._note("method")
            self.read([value.__func__, value.__self__])
        elif is_tensor(value) and hasattr(value, "shape") and hasattr(value, "dtype"):
            self._hold(value)
            self._note_tensor(value)
        elif kind.__name__ == "ParameterDict":  # where Keras's layers keep the numbers of their variables on PyTorch
            self.read(list(value.values()))
        elif kind.__module__.startswith(KERAS):
            self._read_object(value, kind)
        else:
            raise _UnknownError

    def _note_tensor(self, value: Any) -> None:
        if hasattr(value, "data_ptr"):  # PyTorch moves and converts tensors in place
            self._note(str(value.device), str(value.dtype), tuple(value.shape))

    def _read_variable(self, value: Any) -> None:
        """What a variable holds."""
        if id(value) in self._seen or not (is_tensor(value) and hasattr(value, "shape") and hasattr(value, "dtype")):
            self.read(value)
            return
        self._kept.append(value)
        self._seen[id(value)] = len(self._seen)
        self._note("weight", str(value.dtype), tuple(value.shape))
        self._note_tensor(value)
        self.weights.append(value)

    def _read_function(self, value: types.FunctionType) -> None:
        """One of Keras's own, which looks at nothing but its arguments and the settings."""
        # not by `__module__`, which is that of another function where one is wrapped
        if not value.__globals__["__name__"].startswith(KERAS) or value.__closure__:
            raise _UnknownError
        self._hold(value)

    def _read_object(self, value: Any, kind: type) -> None:
        self._read_class(kind)
        names = [base.__name__ for base in kind.__mro__]
        if "KerasTensor" in names:
            self._note(value.shape, str(value.dtype))
        elif "Variable" in names:
            self._read_variable(_attribute(value, "_value"))
        elif "Sequential" in names or "Function" in names:
            # a Sequential that has no such model inside goes from layer to layer
            for name in ("_functional",) if "Sequential" in names else GRAPH:
                self.read(_attribute(value, name))
            self._read_attributes(value, CALLED)
        elif "Model" in names:
            raise _UnknownError
        else:
            self._read_attributes(value, [name for name in list(vars(value)) if _matters(name)])

    def _read_class(self, kind: type) -> None:
        """A class with all that it has, in the place of which people put what is theirs."""
        self._hold(kind)
        for base in kind.__mro__:
            if id(base) not in self._seen:
                self._seen[id(base)] = len(self._seen)
                for name, one in list(vars(base).items()):
                    if callable(one) or not name.startswith("__"):  # Python makes `__annotations__` when it needs them
                        self._hold(one)

    def _read_attributes(self, value: Any, names: Iterable[str]) -> None:
        attributes = vars(value)
        for name in names:
            if name in attributes:
                self._note("attribute", name)
                if _is_name(name, attributes[name]):
                    self.names.extend([attributes[name]] if name == "name" else attributes[name])
                else:
                    self.read(attributes[name])


_PLAIN = {kind: kind.__name__ for kind in (type(None), bool, int, float, complex, str, bytes, type(...))}


@functools.lru_cache(maxsize=1024)
def _collection(kind: type) -> type | None:
    """What kind of collection objects of a class are, if any."""
    return next((one for one in (Mapping, Set, Sequence) if issubclass(kind, one)), None)


@functools.lru_cache(maxsize=4096)
def _matters(name: str) -> bool:
    return name not in ASIDE and not name.startswith(FIRST_WORDS) and not name.endswith(LAST_WORDS)


def _is_name(name: str, value: Any) -> bool:
    """Whether an attribute is what a layer is called, or the only output; several outputs are known by their names."""
    return (name == "name" and type(value) is str) or (name == "output_names" and len(value) == 1)


def _attribute(value: Any, name: str) -> Any:
    found = getattr(value, name, None)
    if found is None:
        raise _UnknownError
    return found
