"""Work on a scene, described once, so that any process can do any block of it, and what comes of a block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from ..explain.question import Question
from ..explain.windows import WindowModel, window_model
from .grid import Grid
from .ground import Ground

# what layers are called, and what else a dataset has
PREDICTION, CONFIDENCE, PROBABILITY, SCORE = "prediction", "confidence", "probability", "score"
# a class's number where there is no data; classes count from 1
NO_CLASS = 0

Doubt = tuple[type[Warning], str]


@dataclass(frozen=True)
class Layers:
    """What is known of a cell.

    Attributes
    ----------
    bands : tuple of str
        Or groups; "input.band" where there are several inputs.
    inputs : tuple of str or None
        The input of each.
    wavelengths : tuple of float
    outputs : tuple of str
        Explained outputs, where there are several; else empty.
    classes : tuple of str
        That `prediction` counts, from 1.
    scale : str
        Of the outputs that are explained.
    labels : tuple of str
        That `probability` is of, for models of several labels.
    prediction, confidence : bool
        Whether they are asked for.
    base : tuple of str or None
        Of a series: the band of each of `bands`, which then are "band.time".
    times, time_kind : tuple of str, and str, or None
        The time of each, as of a `BandImportance`.
    """

    bands: tuple[str, ...]
    inputs: tuple[str, ...] | None
    wavelengths: tuple[float, ...]
    outputs: tuple[str, ...]
    classes: tuple[str, ...]
    scale: str
    labels: tuple[str, ...] = ()
    prediction: bool = False
    confidence: bool = False
    base: tuple[str, ...] | None = None
    times: tuple[str, ...] | None = None
    time_kind: str | None = None

    @property
    def n_outputs(self) -> int:
        """Explained outputs of a cell."""
        return max(1, len(self.outputs))

    @property
    def names(self) -> tuple[str, ...]:
        """Of the layers of a file, as R has them: "output.band" where there are several outputs."""
        scores = [f"{output}.{band}" for output in self.outputs for band in self.bands] or list(self.bands)
        said = [PREDICTION] * self.prediction + [CONFIDENCE] * self.confidence
        return (*said, *(f"{PROBABILITY}.{label}" for label in self.labels), *scores)

    def shapes(self, rows: int, cols: int) -> dict[str, tuple[int, ...]]:
        """Shapes of the arrays that a block, or all of a scene, has."""
        cells = (rows, cols)
        found: dict[str, tuple[int, ...]] = {PREDICTION: cells} if self.prediction else {}
        if self.confidence:
            found[CONFIDENCE] = cells
        if self.labels:
            found[PROBABILITY] = (len(self.labels), *cells)
        found[SCORE] = (len(self.outputs), len(self.bands), *cells) if self.outputs else (len(self.bands), *cells)
        return found

    def empty(self, rows: int, cols: int) -> dict[str, np.ndarray]:
        """Arrays in which nothing is known."""
        return {name: np.full(shape, *missing(name)) for name, shape in self.shapes(rows, cols).items()}


def missing(name: str) -> tuple[Any, Any]:
    """What stands for no data in an array, and its dtype."""
    return (NO_CLASS, np.int16) if name == PREDICTION else (np.float32(np.nan), np.float32)


@dataclass(frozen=True, eq=False)
class SceneWork:
    """What is asked of a scene.

    Attributes
    ----------
    ground : Ground
    grid : Grid
        Of the result.
    size, stride : int
        Of windows, in pixels of the finest raster.
    asked : Question
        Without model and images.
    task : str
    layers : Layers
    own : bool
        Whether pixels are explained for their own class.
    at_once : int
        Windows that are explained together.
    pixels : bool
        Whether the model gives a class for every pixel.
    """

    ground: Ground
    grid: Grid
    size: int
    stride: int
    asked: Question = field(repr=False)
    task: str
    layers: Layers
    own: bool
    at_once: int
    pixels: bool

    def question(self, model: Any, windows: Mapping[str, np.ndarray]) -> Question:
        """The question about some windows."""
        return replace(self.asked, model=model, x=self.ground.images(windows))

    def elsewhere(self) -> SceneWork:
        """The same without arrays of the scene, for `score_values`."""
        return replace(self, ground=self.ground.elsewhere())


class Traced:
    """A model that is traced once for many blocks of one scene; to other processes it goes as the model alone."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self._traced: WindowModel | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Traced, (self.model,)

    def __dask_tokenize__(self) -> int:
        return id(self.model)

    def of(self, question: Question) -> WindowModel:
        """The model as a question about windows wants it."""
        if self._traced is None:
            self._traced = window_model(question)
        return self._traced


class Tally(NamedTuple):
    """What there is to say of a block besides its values; it is merged exactly.

    Attributes
    ----------
    scored, missing : int
        Cells with and without scores.
    completeness : float or None
        Largest relative residual.
    doubts : tuple of (class, text)
        Warnings.
    """

    scored: int = 0
    missing: int = 0
    completeness: float | None = None
    doubts: tuple[Doubt, ...] = ()

    def plus(self, other: Tally) -> Tally:
        """Both together."""
        known = [one for one in (self.completeness, other.completeness) if one is not None]
        return Tally(
            self.scored + other.scored,
            self.missing + other.missing,
            max(known, default=None),
            (*self.doubts, *other.doubts),
        )


class BlockScores(NamedTuple):
    """Arrays of a block by name, as `Layers.shapes` has them, and what there is to say of it."""

    values: dict[str, np.ndarray]
    tally: Tally

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return sum(array.nbytes for array in self.values.values())


def batches(n: int, most: int) -> Iterator[slice]:
    """Consecutive parts of n things."""
    for start in range(0, n, most):
        yield slice(start, min(start + most, n))
