"""Anything that maps images to class scores -> one predictor that is traced once and then asked for whatever is needed.

A model is a Keras 3 or `tf_keras` model, a path to a saved one, or a callable on tensors. What it ends in decides what
its outputs are called: a softmax over K units tells K classes apart, a single sigmoid unit tells two. A callable that
gives numbers can't be followed, but it can be asked for outputs.

Outputs that come out of neither may be logits or other numbers. Only the user knows, so that their word is taken for
it, unless they are made of probabilities, which are no logits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._version import __version__
from ..data.images import Images, lost_dimension
from ..data.inputs import Inputs, listed
from ..data.positions import spelled
from ..data.tasks import MULTILABEL, REGRESSION, Outputs
from ..data.words import argument, choices, nearest, quoted, shape_text, shown
from ..engine.backends.contract import Backend, Trace
from ..engine.batching import images_per_batch, portions, step_bytes
from ..engine.precision import tf32_allowed
from ..errors import BandlensError, InputError, ModelError, ModelTypeError, OptionError
from .callables import check_is_model
from .elsewhere import units_elsewhere
from .finite import Positions, at, check_outputs
from .following import followed
from .following import inference as inference
from .functions import check_probabilities
from .outputs import EVERY, Head
from .packing import input_names, model_inputs
from .saved import loaded as loaded

OUTPUT_SCALES = ("auto", "logit", "probability")
# of one row of outputs, each of which is a class, a label or a number
MOST_OUTPUTS = 1 << 14
# layers that may put classes last
MOVING = ("Permute", "Reshape", "Lambda", "Transpose", "Moveaxis", "Swapaxes", "Einsum")


@dataclass(frozen=True)
class Predictor:
    """A traced model with one scale of output chosen.

    Attributes
    ----------
    backend : Backend
    trace : Trace
    output : int
        Value of the trace that is explained.
    scale : {"logit", "probability", "output"}
        "output" where the model ends in neither softmax nor sigmoid and its raw output is explained; "logit" where the
        user said that this is one.
    weights : ndarray of float64, shape (outputs, units)
        Each output as weights on the model's units: the identity, or (-1, 1) for the two classes of one unit.
    offsets : ndarray of float64, shape (outputs,)
        Constants of the outputs; 1 - p is one output of a sigmoid unit.
    name : str
    names : tuple of str
        Names that the outputs came with, if any.
    refusal : BandlensError or None
        What to tell a method that differentiates, where the model is a function that can't be followed.
    pixels : tuple of int
        Where the model gives outputs for every pixel: how these lie. `weights` and `offsets` are then those of one
        pixel, whose units follow each other.
    head : str or None
        Which of the model's outputs is explained, where it has several.
    task : str
        One of `bandlens.data.tasks.TASKS`, once it is known.
    """

    backend: Backend
    trace: Trace
    output: int
    scale: str
    weights: np.ndarray
    offsets: np.ndarray
    name: str
    names: tuple[str, ...] = ()
    refusal: BandlensError | None = None
    pixels: tuple[int, ...] = ()
    head: str | None = None
    task: str = ""

    @property
    def n_outputs(self) -> int:
        """Number of outputs that can be explained."""
        return len(self.weights)

    @property
    def classifies(self) -> bool:
        """Whether outputs stand for classes, not for numbers; a single unit that is no logit is one."""
        return self.task != REGRESSION if self.task else self.n_outputs > 1

    @property
    def meant_for(self) -> Outputs:
        """What can be known of its task without labels."""
        units = self.weights.shape[1]
        return Outputs(units, _head(self.trace, units), self.n_outputs == 1 and not self.pixels, self.pixels)

    @property
    def exclusive(self) -> bool:
        """Whether the probability of one class depends on the logits of the others, as behind a softmax."""
        units = self.weights.shape[1]
        return _head(self.trace, units) != "sigmoid" and units > 1

    @property
    def apart(self) -> bool:
        """Whether each output is there or not by itself, as several labels of an image or of a pixel are."""
        units = self.weights.shape[1]
        return self.task == MULTILABEL or (bool(self.pixels) and units > 1 and not self.exclusive)

    @property
    def threshold(self) -> float:
        """Above which an output that is `apart` is there: a probability of one half, or its logit."""
        likely = self.scale == "probability" or (self.scale == "output" and self.trace.made_of() is not None)
        return 0.5 if likely else 0.0

    def taken_for(self, outputs: np.ndarray) -> np.ndarray:
        """Which classes outputs (..., outputs) speak for, bool: all that are likely, if they are `apart`; else one."""
        if self.apart:
            return np.asarray(outputs > self.threshold)
        return outputs.argmax(axis=-1)[..., None] == np.arange(outputs.shape[-1])

    @property
    def images_per_batch(self) -> int:
        """Images that fit the memory."""
        return images_per_batch(self.trace.graph(self.output), self.trace.dtype, step_bytes(self.backend))

    @property
    def versions(self) -> dict[str, str]:
        """What belongs into a result made now: versions, and what its numbers depend on besides."""
        return {
            "bandlens": __version__,
            "numpy": np.__version__,
            **self.backend.version(),
            **({"float32": "TF32 allowed"} if tf32_allowed() else {}),
        }

    def outputs(
        self, images: Images, batch_size: int, *, name: str = "`x`", positions: Positions | None = None
    ) -> np.ndarray:
        """Explained outputs of images, shape (n, outputs), float64.

        Parameters
        ----------
        images : Images
        batch_size : int
        name, positions
            As for `bandlens.models.finite.check_outputs`: what to call the images, should an output not be finite.

        Raises
        ------
        ModelError
            If an output is not finite.
        """
        every = np.concatenate([units for _, units in self.units(images, batch_size, name=name, positions=positions)])
        return self.from_units(every)

    def units(
        self,
        images: Images,
        batch_size: int,
        *,
        name: str = "`x`",
        positions: Positions | None = None,
        span: slice | None = None,
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """The model's units for images, batch by batch: which images, and (images, units); as for `outputs`.

        `span` are the images that are wanted, if not all.
        """

        def units(part: slice, size: int) -> np.ndarray:
            return self.units_at_once(images.seen(part, self.trace.dtype))

        elsewhere = units_elsewhere(self, images, batch_size)
        portion = portions(self, "predict", images.n, min(batch_size, images.n), units, span=span)
        for part, found in portion if elsewhere is None else elsewhere:
            check_outputs(found, name, part if positions is None else at(positions, part))
            if self.refusal is not None and self.scale == "probability":
                check_probabilities(found)
            yield part, found

    def units_at_once(self, batch: np.ndarray) -> np.ndarray:
        """The model's units for images of one step, whatever they are, (images, units)."""
        predict: Callable[..., np.ndarray] = self.trace.compiled(("predict", self.output), self._compile_predict)
        return predict(batch)

    def from_units(self, units: np.ndarray) -> np.ndarray:
        """Explained outputs, float64, from the model's units."""
        return units.astype(np.float64) @ self.weights.T + self.offsets

    def _compile_predict(self) -> Callable[..., np.ndarray]:
        graph = self.trace.graph(self.output)

        def predict(x: Any) -> Any:
            return self.backend.Run(self.trace, {graph.input: x}).forward(graph.operations).value(graph.output)

        image = np.empty((1, *self.trace.shape), self.trace.dtype)
        return self.backend.compile(self.trace, predict, image, any_n=1, alike=("predict", self.output))


def make_predictor(
    model: Any,
    images: Images,
    output: str = "auto",
    *,
    head: Head = None,
    around: Callable[[Backend], AbstractContextManager] | None = None,
) -> Predictor:
    """Trace a model for images of one shape.

    Parameters
    ----------
    model : keras.Model, tf_keras.Model, str, pathlib.Path or callable
    images : Images
    output : {"auto", "logit", "probability"}
    head : str or int, optional
        Name or position of one of several outputs.
    around : callable, optional
        From the backend to a context in which the model is called when it is traced, by one thread at a time.

    Raises
    ------
    ModelTypeError
        If `model` is none of these.
    ModelError
        If it can't take such images, has several outputs of which none is chosen, or gives neither ``(n, outputs)``
        nor ``(n, *pixels, outputs)``.
    OptionError
        If `head` is none of its outputs, or `output` is not available: "probability" without a softmax or sigmoid at
        the end, "logit" where the outputs are made of the values of softmaxes or sigmoids.
    """
    if output not in OUTPUT_SCALES:
        raise OptionError(
            "There is no such scale of the output.",
            expected=choices(OUTPUT_SCALES),
            given=shown(output),
            fix=nearest(output, OUTPUT_SCALES),
        )
    model = loaded(model)
    check_is_model(model)
    if not callable(model):
        raise ModelTypeError(
            "`model` is nothing that can be explained.",
            expected="a Keras model, a path to a saved one (.keras, .h5), or a callable from images to outputs",
            given=type(model).__name__,
        )
    _check_keras(model, images)
    backend, trace, names, refusal, shape, chosen = followed(model, images, around, head)
    probability = output == "probability"
    # a model that gives one pixel gives a row of outputs
    pixels = shape[:-1] if np.prod(shape[:-1]) > 1 else ()
    if pixels and head != EVERY:
        _check_classes_last(model, shape)
    units = shape[-1] if pixels else trace.n_outputs
    kind = _head(trace, units)
    if refusal is None:  # of a function that gives numbers, only the user knows
        _check_scale(trace, kind, output)
    value = trace.probability if probability or kind is None else trace.logit
    scale = "probability" if probability else "output" if kind is None and output == "auto" else "logit"
    # a logit of a single unit is one that tells two classes apart
    two_classes = units == 1 and (kind == "sigmoid" or (kind is None and scale != "output"))
    if head == EVERY and chosen is not None:
        weights = np.zeros((1, units))  # nothing is read from several heads together
    else:
        _check_count(units)
        weights = np.array([[-1.0], [1.0]]) if two_classes else np.eye(units)
    offsets = np.array([1.0, 0.0]) if two_classes and probability else np.zeros(len(weights))
    name = getattr(model, "name", None) or _callable_name(model)
    return Predictor(backend, trace, value, scale, weights, offsets, name, names, refusal, pixels, chosen)


def _check_classes_last(model: Any, shape: tuple[int, ...]) -> None:
    """Refuse outputs of pixels from a layer that has channels first: columns would be taken for classes."""
    # the last layer that says how axes lie, or may have moved them
    telling = [one for one in _steps(model) if hasattr(one, "data_format") or type(one).__name__ in MOVING]
    if telling and getattr(telling[-1], "data_format", None) == "channels_first":
        raise ModelError(
            "The model has its channels before its pixels, and outputs for every pixel.",
            expected=f"outputs with the classes on the last axis, {shape_text(('n', 'rows', 'cols', 'classes'))}",
            given=f"{shape_text(('n', *shape))} from layers with data_format {quoted('channels_first')}",
            fix="put a `Permute` behind the model that moves its classes to the end",
        )


def _steps(model: Any) -> Iterator[Any]:
    """Layers of a model, and of the models inside it, with the operations between them, where Keras lists such."""
    for one in getattr(model, "operations", None) or getattr(model, "layers", []):
        yield one
        yield from _steps(one)


def _check_count(units: int) -> None:
    """Refuse more outputs than anything could be told apart by: those of pixels, in a row."""
    if units > MOST_OUTPUTS:
        raise ModelError(
            f"The model gives {units} outputs for an image.",
            expected=f"at most {MOST_OUTPUTS}, or outputs for every pixel along axes of their own, "
            f"{shape_text(('n', 'rows', 'cols', 'classes'))}",
            fix="if they are those of pixels in a row, explain the model before its last flatten or reshape",
        )


def _head(trace: Trace, units: int) -> str | None:
    """What one answer of so many units ends in; a softmax must go over these, no more and no fewer."""
    return trace.head if trace.row in (None, units) else None


def _check_scale(trace: Trace, kind: str | None, output: str) -> None:
    """Refuse a scale that the outputs of a model without a final softmax or sigmoid are known not to have."""
    if kind is not None or output == "auto":
        return
    made_of = trace.made_of()
    if made_of is not None:
        word = {"logit": "no logits", "probability": "not known to be probabilities"}[output]
        raise OptionError(
            f"The model's outputs are {word}: they are made of the values of {made_of}.",
            expected=f"{argument('output', 'auto')}, which explains them as they are",
            given=argument("output", output),
            fix="for logits, explain a model that ends in one softmax or sigmoid, such as one of its parts",
        )
    if output == "probability":
        raise OptionError(
            "The model ends in neither softmax nor sigmoid, so its outputs are not known to be probabilities.",
            expected=argument("output", "auto"),
            given=argument("output", "probability"),
        )


def _check_keras(model: Any, images: Images) -> None:
    """What a Keras model says of its inputs, compared with the images."""
    inputs = model_inputs(model)
    if not inputs:
        return
    names, shapes = input_names(model), [("n", *tuple(one.shape)[1:]) for one in inputs]
    if len(inputs) != len(images.cells.parts):
        example = f"{{{quoted(names[0])}: ..., {quoted(names[-1])}: ...}}"
        raise ModelError(
            "The model has several inputs.",
            expected=f"`x` with an array for each of {len(inputs)}: {listed(names, shapes)}",
            given=f"one array of shape {shape_text((images.n, *images.shape))}",
            fix=spelled(f"give a dict: x={example}", f"give a named list: `x = list({names[0]} = ..., ...)`")
            + "; where a function takes none, wrap the model in a function of one input that fixes the others",
        )
    for name, part, (_, *wanted) in zip(names, images.cells.parts, shapes, strict=True):
        if len(wanted) == len(part.shape) and all(
            size in (None, given) for size, given in zip(wanted, part.shape, strict=True)
        ):
            continue
        called = "x" if len(inputs) == 1 else Inputs.called("x", name)
        raise InputError(
            "The model can't take images of this shape."
            if len(inputs) == 1
            else f"The model can't take images of this shape as its input '{name}'.",
            expected=shape_text(("n", *wanted)),
            given=shape_text((images.n, *part.shape)),
            fix=lost_dimension(called, tuple(wanted), (images.n, *part.shape)),
        )


def _callable_name(model: Any) -> str:
    return getattr(model, "__name__", type(model).__name__)
