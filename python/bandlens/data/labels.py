"""What belongs to which class, under which name, and which outputs of the model are explained.

Labels come as class indices, class names, categoricals (R factors arrive as these) or one-hot rows. Everything is
turned into integer codes into one list of class names, whose order is the user's (the model's outputs), never
alphabetical.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import BandError, LabelError, OptionError
from .positions import first, spelled
from .words import argument, choices, few, nearest, shape_text, shown, type_text

# for a probability that is not seen as one
TWO_COLUMNS = (
    "if the output is the probability of the second of two classes, explain a function of the images that returns a "
    "column for each, 1 - p and p"
)


@dataclass(frozen=True, eq=False)
class NumbersFromR:
    """Numbers that R gives as labels: classes counted from 1, or what was observed; which, only the model can tell.

    As an array they are classes counted from 0.
    """

    values: np.ndarray

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.values - 1, dtype)


def class_names(classes: Sequence[Any] | None, y: Any, n_classes: int, own: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Names of the classes in the order of the model's outputs.

    Parameters
    ----------
    classes : sequence or None
        The user's names; ``None`` takes the categories of `y` if it has any, else ``"0", "1", ...``.
    y : object
        Labels as the user gave them.
    n_classes : int
        Number of classes the model tells apart.
    own : tuple of str
        Names that the outputs have themselves, such as those of the columns of a data frame; then `y` may hold them.

    Raises
    ------
    LabelError
        If there are not `n_classes` different names, or some of the outputs' own names in another order.
    """
    names = classes
    if names is None:
        names = _categories(y)
    if names is None and own:
        names = own
    if names is None:
        if y is not None and np.asarray(y).dtype.kind in "OUST":
            raise LabelError(
                "`y` holds class names, but nothing says which output of the model each belongs to.",
                expected=f"`classes`: the {n_classes} names in the order of the model's outputs",
                given="no `classes`",
            )
        return tuple(str(first() + index) for index in range(n_classes))
    names = tuple(str(name) for name in ([names] if isinstance(names, str) else names))
    if len(names) != n_classes or len(set(names)) != len(names):
        raise LabelError(
            "The class names don't match the model.",
            expected=f"{n_classes} different names, one per class, in the order of the model's outputs",
            given=f"{len(names)}: {few(names)}",
        )
    if own and names != own and set(names) & set(own):
        raise LabelError(
            "The class names are not those of the model's outputs, or in another order.",
            expected=few(own),
            given=few(names),
            fix="give `classes` as the outputs are named, in their order; labels are then matched by name",
        )
    return names


def label_codes(y: Any, names: tuple[str, ...], n_images: int) -> np.ndarray:
    """Class of each image as an index into `names`, shape ``(n,)``, int64.

    Raises
    ------
    LabelError
        If there is not one known label per image.
    """
    if _categories(y) is not None:
        y = getattr(y, "array", y)
        y = np.asarray(y.astype(object) if hasattr(y, "astype") else y, dtype=object)
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.shape[:1] != (n_images,):
        raise LabelError(
            "`y` must have one label per image.",
            expected=f"{n_images} labels",
            given=f"{labels.shape[0] if labels.ndim else 'a single value'}",
        )
    if labels.ndim == 2:
        return _from_one_hot(labels, names)
    if labels.ndim != 1:
        raise LabelError(
            "`y` must have one label per image.",
            expected=f"{n_images} labels",
            given=f"shape {shape_text(labels.shape)}",
        )
    if labels.dtype.kind in "OUST":
        return _from_names(labels, names)
    if labels.dtype.kind not in "buif":
        raise LabelError("`y` holds neither class indices nor class names.", given=type_text(labels.dtype))
    if not np.isfinite(labels.astype(np.float64)).all() or (labels != np.floor(labels)).any():
        wrong = np.unique(labels[~np.isfinite(labels) | (labels != np.floor(labels))])
        raise LabelError(
            "`y` holds numbers that are not class indices.",
            expected=f"whole numbers from {first()} to {first() + len(names) - 1}, as the model tells classes apart",
            given=few(f"{value:.7g}" for value in wrong + first()),
        )
    codes = labels.astype(np.int64)
    outside = codes[(codes < 0) | (codes >= len(names))]
    if outside.size:
        raise LabelError(
            "`y` holds classes that the model doesn't have.",
            expected=f"whole numbers from {first()} to {first() + len(names) - 1}: {counting_of_classes()}",
            given=few(np.unique(outside) + first()),
            fix=_shifted(codes, len(names)),
        )
    return codes


def counting_of_classes() -> str:
    """From where class numbers count, in the language of those who read it."""
    return spelled("in Python, classes are counted from 0", "in R, classes are counted from 1")


def _shifted(codes: np.ndarray, n_classes: int) -> str | None:
    """How to mend labels that count from the other language's first number, if they may do so."""
    low, high = int(codes.min()), int(codes.max())
    if (first(), low) == (1, -1) and high < n_classes - 1:
        return "if the classes are counted from 0, use `y + 1`"
    if (first(), high) == (0, n_classes) and low > 0:
        return "if the classes are counted from 1, use `y - 1`"
    return None


def observed_numbers(y: Any, n_images: int, made_of: str | None = None) -> np.ndarray | None:
    """Observed values for a regression, as given, float64, shape ``(n,)``; None if there are none.

    Parameters
    ----------
    y : object
    n_images : int
    made_of : str or None
        What the model's output is made of, where that is known to be probabilities.

    Raises
    ------
    LabelError
        If there is not one finite number per image.
    """
    if y is None:
        return None
    given = np.asarray(y.values if isinstance(y, NumbersFromR) else y)
    try:
        if given.dtype.kind in "US":
            raise TypeError("names, even where they can be read as numbers")
        numbers = given.astype(np.float64)
    except (TypeError, ValueError):
        raise LabelError(
            "`y` must hold numbers: the model is a regression.",
            expected="a number for each image, as the model has one output, and no softmax or sigmoid at its end",
            given=f"`y` with {_size(y)}, such as {shown(given.flat[0])}" if given.size else "nothing",
            fix=as_two_classes(made_of),
        ) from None
    numbers = numbers[:, 0] if numbers.ndim == 2 and numbers.shape[1] == 1 else numbers
    if numbers.shape != (n_images,) or not np.isfinite(numbers).all():
        raise LabelError(
            "`y` must hold one finite number per image: the model is a regression.",
            expected=f"{n_images} numbers",
            given=f"shape {shape_text(numbers.shape)}"
            if numbers.shape != (n_images,)
            else "values that are not finite",
        )
    return numbers


def no_classes(name: str, given: Any, made_of: str | None, use: str = "", *, function: bool = False) -> LabelError:
    """The error for an argument about classes where the model has one output that is seen as a number.

    Parameters
    ----------
    name : str
        Of the argument.
    given : object
    made_of : str or None
        What the output is made of, where that is known to be probabilities.
    use : str
        What the argument would have a use for.
    function : bool
        Whether the model is a function of which only the user knows what it gives.
    """
    return LabelError(
        f"`{name}` has no use: the model has one output, and no softmax or sigmoid at its end, so that it is taken "
        "to predict a number.",
        expected=f"no `{name}`{use and f', or {use}'}",
        given=f"`{name}` with {_size(given)}",
        fix=as_two_classes(made_of, function=function),
    )


def as_two_classes(made_of: str | None, *, function: bool = False) -> str:
    """How to make two classes of a single output, from what it is made of and whether only the user knows of that."""
    scale = "the logit of that class, say so with " + argument("output", "logit")
    if function:
        scale = "that probability, or its logit, say so with " + argument("output", "probability", "logit")
    return TWO_COLUMNS + ("" if made_of else f"; if it is {scale}")


def _size(given: Any) -> str:
    size = 1 if isinstance(given, str) or not hasattr(given, "__len__") else len(given)
    return "1 entry" if size == 1 else f"{size} entries"


def band_names(bands: Sequence[Any] | None, n_bands: int) -> tuple[str, ...]:
    """Names of the bands; ``"band_1"``, ``"band_2"``, ... where the user gave none.

    Raises
    ------
    BandError
        If there is not one name per band or a name comes twice.
    """
    if bands is None:
        return tuple(f"band_{index + 1}" for index in range(n_bands))
    names = tuple(str(name) for name in ([bands] if isinstance(bands, str) else bands))
    if len(names) != n_bands:
        raise BandError(
            "The band names don't match the images.",
            expected=f"{n_bands} names, one per band",
            given=f"{len(names)}: {few(names)}",
            fix="if the bands are not on the last axis, set `band_axis`",
        )
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise BandError("Band names must differ.", given=f"more than once: {few(twice)}")
    return names


def band_wavelengths(wavelengths: Sequence[Any] | None, n_bands: int) -> tuple[float, ...]:
    """Wavelengths in nm, NaN where unknown.

    Raises
    ------
    BandError
        If there is not one positive number per band.
    """
    if wavelengths is None:
        return (float("nan"),) * n_bands
    try:
        values = np.array(
            [np.nan if value is None else value for value in np.atleast_1d(np.asarray(wavelengths, dtype=object))],
            dtype=np.float64,
        )
    except (TypeError, ValueError):
        raise BandError("`wavelengths` must be numbers, in nm.", given=shown(wavelengths)) from None
    if values.shape != (n_bands,):
        raise BandError(
            "The wavelengths don't match the images.",
            expected=f"{n_bands} numbers in nm, one per band",
            given=f"{values.size}",
        )
    if (values <= 0).any() or np.isinf(values).any():
        raise BandError("`wavelengths` must be positive, in nm.", given=few(values))
    return tuple(values.tolist())


def target_outputs(target: Any, outputs: tuple[str, ...], codes: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Outputs to explain for each image, shape ``(n, k)``, int64.

    Parameters
    ----------
    target : {"class", "predicted", "all"} or str or int
        Each image's own class, its predicted class, every output, or one output by name or index.
    outputs : tuple of str
    codes, predictions : ndarray of int, shape (n,)

    Raises
    ------
    OptionError
        If `target` is none of these.
    """
    n = len(codes)
    if isinstance(target, str):
        if target == "class":
            return codes[:, None]
        if target == "predicted":
            return predictions[:, None]
        if target == "all":
            return np.tile(np.arange(len(outputs)), (n, 1))
        if target in outputs:
            return np.full((n, 1), outputs.index(target))
    elif isinstance(target, int | np.integer) and not isinstance(target, bool) and 0 <= target < len(outputs):
        return np.full((n, 1), int(target))
    raise OptionError(
        "`target` names no output of the model.",
        expected=f"{choices(('class', 'predicted', 'all'), ', ')}, one of {few(outputs)}, or a number from "
        f"{first()} to {first() + len(outputs) - 1}",
        given=shown(target + first() if isinstance(target, int) and not isinstance(target, bool) else target),
        fix=nearest(target, ("class", "predicted", "all", *outputs)),
    )


def _categories(y: Any) -> list[Any] | None:
    """Ordered categories of a pandas or R-like categorical."""
    for candidate in (y, getattr(y, "cat", None), getattr(y, "dtype", None)):
        categories = getattr(candidate, "categories", None)
        if categories is not None:
            return list(categories)
    return None


def _from_names(labels: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    position = {name: index for index, name in enumerate(names)}
    missing = [label for label in labels if label is None or label != label]
    unknown = sorted({str(label) for label in labels} - position.keys())
    if missing or unknown:
        raise LabelError(
            "`y` holds labels that are missing." if missing else "`y` holds labels that are not class names.",
            expected=f"only {few(names)}",
            given=f"{len(missing)} missing" if missing else few(unknown),
            fix="drop the images without a label"
            if missing
            else nearest(unknown, names, "give `classes` in the order of the model's outputs"),
        )
    return np.array([position[str(label)] for label in labels], dtype=np.int64)


def _from_one_hot(labels: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    numeric = labels.dtype.kind in "buif"
    if (
        not numeric
        or labels.shape[1] != len(names)
        or not ((labels == 0) | (labels == 1)).all()
        or (labels.sum(axis=1) != 1).any()
    ):
        raise LabelError(
            "`y` has two axes but is not one-hot.",
            expected=f"one row per image with a single 1 among {len(names)} columns",
            given=f"shape {shape_text(labels.shape)}",
        )
    return labels.argmax(axis=1).astype(np.int64)
