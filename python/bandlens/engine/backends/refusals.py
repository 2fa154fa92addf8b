"""The words in which a model is refused, the same for all frameworks."""

from __future__ import annotations

from collections.abc import Iterable

from ...data.words import argument, shape_text
from ...errors import ModelError, UnsupportedOperationError


def no_row_per_image(shapes: Iterable[tuple[int | None, ...] | None]) -> ModelError:
    """The error for a model whose output is not ``(n, outputs)``."""
    return ModelError(
        "The model's output is not one row of scores per image.",
        expected=f"one output of shape {shape_text(('n', 'outputs'))}, or of pixels with scores each, such as "
        f"{shape_text(('n', 'rows', 'cols', 'classes'))}, of known numbers of rows and columns",
        given=", ".join(map(shape_text, shapes)) or "no output",
        fix="wrap the model in a function that returns one value per class",
    )


def independent() -> ModelError:
    """The error for a model that ignores the images."""
    return ModelError("The model's output does not depend on the images.")


def random(where: str) -> UnsupportedOperationError:
    """The error for a model that draws random numbers."""
    return UnsupportedOperationError(
        f"The model is random at inference: {where}.", fix="turn the randomness off, or fix its noise"
    )


def mixes_images(where: str) -> UnsupportedOperationError:
    """The error for a model in which images of a batch meet."""
    return UnsupportedOperationError(
        f"The model's output for an image depends on the other images of a batch: {where}.",
        fix=f"call batch normalisation with {argument('training', False)}",
    )
