"""Copies of a Keras model whose layers can be given new weights, as their own initialisers draw them.

Initialisers are not called by hand: which of them made which weight is known to the layer alone. Instead the model is
made once more from its configuration, which draws every weight anew, and layers of a copy take their weights from that
donor. The user's model is only read.
"""

from __future__ import annotations

import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import ModelError, ModelTypeError

# of outputs, relative to their size: what a copy's may differ by
ROUNDING = 1e-4


@dataclass(frozen=True)
class Copy:
    """A copy of a model, and its layers that hold weights.

    Attributes
    ----------
    model : keras.Model or tf_keras.Model
    layers : tuple of layers
        From input to output as the model lists them; those of nested models in their place.
    names : tuple of str
        Names of `layers`, after those of the models they are nested in: "outer/inner".
    """

    model: Any
    layers: tuple[Any, ...]
    names: tuple[str, ...]

    @property
    def weights(self) -> list[list[np.ndarray]]:
        """Weights of each of the layers."""
        return [layer.get_weights() for layer in self.layers]


def copy_of(model: Any, batch: Any) -> Copy:
    """A copy with weights of its own, equal to the model's.

    Parameters
    ----------
    model : keras.Model or tf_keras.Model
    batch : ndarray, shape (n, *image shape), or a structure of such
        Images, to build the copy and to see that it gives the model's outputs.

    Raises
    ------
    ModelTypeError
        If it is no Keras model.
    ModelError
        If Keras can't make it from its configuration, or makes something else.
    """
    copy = fresh(model, batch, seed=0)
    try:
        copy.model.set_weights(model.get_weights())
    except ValueError as error:
        raise _no_copy(model, "its weights don't fit the copy") from error
    for layer in copy.model._flatten_layers():
        if hasattr(layer, "finalize_state"):  # Normalization computes with constants that it makes of its weights
            layer.finalize_state()
    expected, found = (each.predict_on_batch(batch).astype(np.float64) for each in (model, copy.model))
    if not np.allclose(found, expected, rtol=ROUNDING, atol=ROUNDING * float(np.abs(expected).max())):
        raise _no_copy(model, "the copy gives other outputs")
    # a class of the user's own may name its layers anew; they are the model's if they hold the same weights
    originals = dict(_weighted(model))
    pairs = zip(originals.values(), copy.layers, strict=False)
    same = len(originals) == len(copy.layers) and all(_same_weights(*pair) for pair in pairs)
    return replace(copy, names=tuple(originals)) if same else copy


def fresh(model: Any, batch: Any, *, seed: int) -> Copy:
    """The same architecture with new weights, drawn from the layers' own initialisers.

    Parameters
    ----------
    model, batch
        As for `copy_of`.
    seed : int
        Of all initialisers, whatever seeds they had. Nothing global is changed by it.
    """
    keras = _framework(model)
    seeds = np.random.default_rng([seed, 2])
    with warnings.catch_warnings(), _python_random(seed):
        warnings.simplefilter("ignore")  # of compiling the copy, which is never trained
        try:
            made = _cloned(keras, model, seeds)
            made(batch, training=False)
        except Exception as error:  # the model may hold code of the user's, which may raise anything
            raise _no_copy(model, " ".join(str(error).strip().split("\n\n")[0].split())) from error
    found = dict(_weighted(made))
    return Copy(made, tuple(found.values()), tuple(found))


def _cloned(keras: Any, model: Any, seeds: np.random.Generator) -> Any:
    """A copy with new weights; of layers of the user's own, too, which need not be registered with Keras."""

    def clone(layer: Any) -> Any:
        if isinstance(layer, keras.Model):
            return _cloned(keras, layer, seeds)
        if isinstance(layer, keras.layers.Lambda):  # its configuration may lack what the function refers to
            return keras.layers.Lambda(layer.function, arguments=layer.arguments, name=layer.name)
        return type(layer).from_config(_reseeded(layer.get_config(), seeds))

    try:
        return keras.models.clone_model(model, clone_function=clone)
    except (ValueError, TypeError):  # not made of layers alone, or compiled with something that can't be made again
        classes = {type(layer).__name__: type(layer) for layer in model._flatten_layers()}
        with keras.utils.custom_object_scope(classes):
            return type(model).from_config(_reseeded(model.get_config(), seeds))


def _reseeded(config: Any, seeds: np.random.Generator) -> Any:
    """A configuration in which all initialisers have seeds of ours."""
    if isinstance(config, list | tuple):
        return type(config)(_reseeded(part, seeds) for part in config)
    if not isinstance(config, dict):
        return config
    found = {name: _reseeded(part, seeds) for name, part in config.items()}
    inner = found.get("config")
    if "initializers" in str(found.get("module")) and isinstance(inner, dict) and "seed" in inner:
        found["config"] = {**inner, "seed": int(seeds.integers(2**31))}
    return found


def _weighted(model: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Layers with weights, from input to output; of models, those inside.

    Layers that were adapted to data, such as Normalization, are left out: what they hold wasn't learnt.
    """
    layers = [layer for layer in model.layers if layer.weights and not hasattr(layer, "adapt")]
    for layer in layers:
        if getattr(layer, "layers", None):
            yield from _weighted(layer, f"{path}{layer.name}/")
        else:
            yield f"{path}{layer.name}", layer


def _same_weights(one: Any, other: Any) -> bool:
    weights = one.get_weights(), other.get_weights()
    return len(weights[0]) == len(weights[1]) and all(map(np.array_equal, *weights))


def _framework(model: Any) -> Any:
    """Keras 3 or Keras 2, whichever the model was made with."""
    for name in ("keras", "tf_keras"):
        keras = sys.modules.get(name)
        if keras is not None and isinstance(model, keras.Model):
            return keras
    raise ModelTypeError(
        "Only Keras models have layers that can be randomised.",
        expected="a Keras model or a path to a saved one",
        given=type(model).__name__,
    )


def _no_copy(model: Any, why: str) -> ModelError:
    return ModelError(
        f"Keras can't make a copy of the model: {why}",
        expected="a functional or sequential model, or one with `get_config()` and `from_config()`",
        given=type(model).__name__,
        fix="add `get_config()` to the model's class and to those of its layers, or build it with the functional API",
    )


@contextmanager
def _python_random(seed: int) -> Iterator[None]:
    """Seed Python's random numbers, which choose seeds for initialisers that have none, and put them back."""
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
