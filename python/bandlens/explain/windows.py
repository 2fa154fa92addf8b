"""Windows of a scene, for models that map it: what they take every pixel for, and which band made them do so.

Windows overlap, and what is drawn at a pixel is put together of several of them, so that whoever reads the scene says
which class a pixel is explained for. What is explained is the sum of that class's output over all pixels of the window
that have it; what the values of one of these pixels contribute is the pixel's score. Of a model that looks at pixels
one by one, this is what its class is made of. Of one that looks around, it is what the pixel did for its own answer and
for those of its neighbours of the same class: the other way round, one pass for each pixel would be needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ..data.cells import Part
from ..data.images import Images, check_images
from ..data.labels import target_outputs
from ..data.tasks import SEGMENTATION, task_of
from ..data.words import choices, shape_text, shown
from ..data.zones import Zones
from ..errors import LabelError, ModelError, OptionError
from ..methods import METHODS, Task
from ..methods.findings import Finding, Findings, Maps, Scores
from ..methods.kinds import AttributionMethod
from ..methods.zoned import ZoneSeeds
from ..models.predictor import Predictor, loaded, make_predictor
from ..results.completeness import largest
from .arranging import in_order
from .calls import Call, checked, names_of_outputs
from .derivatives import check_zeros
from .fitting import check_fit
from .gathering import gathered
from .question import Question
from .selfcheck import Explained, check_scores
from .targets import Labelled, Targets

NO_CLASS = -1
# axes of an image without those of a batch: rows, columns, bands
IMAGE = 3


@dataclass(frozen=True, eq=False)
class WindowOutputs:
    """What a model says of windows.

    Attributes
    ----------
    task : str
    names : tuple of str
        Of the outputs: classes, labels or numbers.
    values : ndarray of float64, shape (n, *pixels, outputs)
        Probabilities, or the outputs themselves where the model ends in neither softmax nor sigmoid.
    """

    task: str
    names: tuple[str, ...]
    values: np.ndarray


@dataclass(frozen=True, eq=False)
class PixelScores:
    """Scores of the pixels of windows.

    Attributes
    ----------
    values : ndarray of float32, shape (n, rows, cols, k, features)
        For the k explained outputs; 0 at pixels without a class.
    outputs : tuple of str
        What all outputs are called.
    explained : tuple of int
        Positions of the explained ones; none where each pixel is explained for its own class.
    bands : tuple of str
        Or groups.
    inputs : tuple of str or None
        The input of each, where there are several.
    wavelengths : tuple of float
        Of each, in nm.
    scale : str
        Of the outputs, as of a `BandImportance`.
    completeness : float or None
        Largest relative residual of the windows and classes.
    """

    values: np.ndarray
    outputs: tuple[str, ...]
    explained: tuple[int, ...]
    bands: tuple[str, ...]
    inputs: tuple[str, ...] | None
    wavelengths: tuple[float, ...]
    scale: str
    completeness: float | None


@dataclass(frozen=True, eq=False)
class WindowModel:
    """A model that was traced once for all windows of a scene.

    Attributes
    ----------
    explained : Predictor
        Of what is explained.
    said : Predictor
        Of what is said of windows: probabilities, where the model ends in softmax or sigmoid.
    """

    explained: Predictor
    said: Predictor


def window_model(question: Question) -> WindowModel:
    """Trace the model for some windows; for others of the same question it is the same.

    Raises
    ------
    BandlensError
        As for `band_importance`.
    """
    q = in_order(question)
    images, model = check_images(q.x, q.band_axis, time_axis=q.time_axis), loaded(q.model)
    predictor = make_predictor(model, images, q.output, head=q.head)
    task = task_of(q.task, predictor.meant_for, q.y)
    said = predictor
    if predictor.meant_for.head is not None:  # whatever is explained, places are compared by probabilities
        said = make_predictor(model, images, "probability", head=q.head)
    return WindowModel(replace(predictor, task=task), replace(said, task=task))


def window_outputs(question: Question, traced: WindowModel | None = None) -> WindowOutputs:
    """What the model says of windows, for all kinds of models; of the question, what speaks of model and images counts.

    Parameters
    ----------
    question : Question
    traced : WindowModel, optional
        The model, if it was traced for other windows.

    Raises
    ------
    BandlensError
        As for `band_importance`.
    """
    q, traced = in_order(question), traced or window_model(question)
    images, predictor = check_images(q.x, q.band_axis, time_axis=q.time_axis), traced.said
    _, names = names_of_outputs(q, traced.explained, images.n)
    size = q.batch_size or predictor.images_per_batch
    rows = [
        predictor.from_units(units.reshape(len(units), *predictor.pixels, -1))
        for _, units in predictor.units(images, size)
    ]
    return WindowOutputs(predictor.task, names, np.concatenate(rows))


def pixel_scores(
    question: Question, codes: np.ndarray, *, fit: bool = False, traced: WindowModel | None = None
) -> PixelScores:
    """Scores of pixels and bands; a pixel is explained for its class, or for the outputs that `target` names.

    Parameters
    ----------
    question : Question
        With the target "predicted", each pixel is explained for its class in `codes`.
    codes : ndarray of int, shape (n, rows, cols)
        Class of each pixel, -1 where it has none and is not explained.
    fit : bool
        Whether to see if model and images fit together, and warn if not.
    traced : WindowModel, optional
        The model, if it was traced for other windows.

    Raises
    ------
    BandlensError
        As for `band_maps`; also if the method's values are no shares of single pixels, or the outputs are no pixels of
        the windows.

    Warns
    -----
    CompletenessWarning, DataWarning
    """
    _check_method(question)
    predictor = None if traced is None else traced.explained
    call = checked(question, predictor=predictor, find=_by_class(codes))
    if fit:
        check_fit(call.subject(maps=True))
    task = call.task(lambda done: None)
    assert isinstance(task.seeds, ZoneSeeds)
    task = replace(task, seeds=replace(task.seeds, total=True))
    assert call.method.maps is not None
    values, base = call.method.values(task)
    drawn = np.zeros((*codes.shape, call.targets.image_output.shape[1], len(task.members)), np.float32)
    found = gathered(call, _drawing(call, task, call.method.maps(task), drawn))
    if fit and call.method.differentiates:
        check_zeros(task, found[Scores] != 0, call.features.labels, call.method.label)
    measured = None
    if call.method.additive:
        measured = check_scores(call, task, Explained.of(found[Scores], values, base, found), maps=True)
    return PixelScores(
        values=drawn,
        outputs=call.outputs,
        explained=() if _own(question) else tuple(map(int, call.targets.image_output[0])),
        bands=call.features.names,
        inputs=call.features.inputs,
        wavelengths=tuple(call.features.mean(np.array(call.wavelengths)).tolist()),
        scale=call.predictor.scale,
        completeness=largest(None if measured is None else measured.residuals),
    )


def _check_method(q: Question) -> None:
    method = METHODS.get(q.method) if isinstance(q.method, str) else None
    if method is not None and not isinstance(method, AttributionMethod):
        having = [name for name, other in METHODS.items() if isinstance(other, AttributionMethod)]
        raise OptionError(
            f"The method '{method.name}' has no values of single pixels, and the model gives a class for every pixel.",
            expected=choices(having),
            given=shown(method.name),
        )
    if q.statistic is not None:
        raise OptionError(
            "The model gives a class for every pixel, whose score is not reduced over pixels.",
            expected="no `statistic`",
            given=shown(q.statistic),
        )


def _own(q: Question) -> bool:
    """Whether each pixel is explained for its own class."""
    return isinstance(q.target, str) and q.target in ("class", "predicted")


def _by_class(codes: np.ndarray) -> Callable[..., Targets]:
    """What finds a row for each window and class that it has pixels of."""

    def find(
        q: Question,
        predictor: Predictor,
        images: Images,
        outputs: tuple[str, ...],
        labelled: Labelled,
        *,
        deferred: bool,
    ) -> Targets:
        _check_pixels(predictor, images, codes)
        labels = codes.reshape(len(codes), -1).astype(np.int16)
        if not _own(q):  # for whatever is explained, all pixels count
            labels = np.where(labels == NO_CLASS, labels, np.int16(0))
        occurs = (labels[..., None] == np.arange(len(outputs))).any(axis=1)
        at, classes = np.nonzero(occurs)
        if not len(at):
            raise LabelError("No pixel of the windows has a class.", expected="at least one pixel to explain")
        sums = np.empty((len(at), len(outputs)))
        for part, units in predictor.units(images, q.batch_size or predictor.images_per_batch):
            pixels = units.reshape(len(units), labels.shape[1], -1).astype(np.float64)
            for row in np.flatnonzero((at >= part.start) & (at < part.stop)):
                inside = labels[at[row]] == classes[row]
                # a constant of the output counts once, here as on the background
                sums[row] = predictor.from_units(pixels[at[row] - part.start][inside].sum(axis=0))
        return Targets(
            images=at,
            codes=classes,
            labels=None,
            predictions=classes,
            image_output=target_outputs(q.target, outputs, classes, classes),
            outputs=sums,
            zones=Zones(labels=labels),
        )

    return find


def _check_pixels(predictor: Predictor, images: Images, codes: np.ndarray) -> None:
    """Refuse outputs that don't lie over the windows, pixel by pixel."""
    sizes = [part.shape[:2] for part in images.cells.parts if len(part.shape) == IMAGE]
    largest_size = max(sizes, default=())
    if predictor.task != SEGMENTATION or predictor.pixels != codes.shape[1:] or largest_size != predictor.pixels:
        raise ModelError(
            "The model's outputs are no pixels of its images.",
            expected=f"outputs for {shape_text(largest_size)} pixels",
            given=f"outputs for {shape_text(predictor.pixels)}" if predictor.pixels else "a row of outputs",
            fix="put layers behind the model that bring its outputs to the size of the images, such as `UpSampling2D`",
        )


def _drawing(call: Call, task: Task, findings: Findings, drawn: np.ndarray) -> Iterator[Finding]:
    """Put maps where they are drawn, at the pixels they were made for, and give what they sum to."""
    targets, cells, members = call.targets, call.images.cells, task.members.astype(np.float32)
    assert targets.zones is not None
    assert targets.images is not None
    shape = drawn.shape[1:3]
    for finding in findings:
        if not isinstance(finding, Maps):
            yield finding  # type: ignore[misc]  # what else there is of maps are findings
            continue
        values = np.asarray(finding.values)
        rows = np.arange(*finding.images.indices(call.images.n))
        zones = targets.zones.of(targets.images[rows], targets.codes[rows]).reshape(-1, *shape)
        maps = [_as_pixels(part, own, zones) for part, own in cells.split(np, values, 2)]
        found = np.concatenate(maps, axis=-1) @ members.T
        for own, image, zone in zip(found, targets.images[rows], zones, strict=True):
            drawn[image, zone] = np.moveaxis(own[:, zone], 0, 1)
        sums = cells.reduced(np, values, 2, partial(np.sum, dtype=np.float64))
        yield Scores(finding.images, sums @ task.members.T)


def _as_pixels(part: Part, maps: np.ndarray, zones: np.ndarray) -> np.ndarray:
    """Maps of an input, (rows, k, *shape), at the pixels of the outputs.

    What a coarser pixel, or a number, did for a zone is shared by the pixels of the zone that lie in it.
    """
    maps = np.moveaxis(maps, part.band_axis + 1, -1) if len(part.shape) == IMAGE else maps[:, :, None, None]
    coarse = maps.shape[2:4]
    if coarse == zones.shape[1:]:
        return maps
    fine = tuple(size // own for size, own in zip(zones.shape[1:], coarse, strict=True))
    inside = zones.reshape(-1, coarse[0], fine[0], coarse[1], fine[1]).sum(axis=(2, 4))
    shared = maps / np.maximum(inside, 1)[:, None, :, :, None]
    found: np.ndarray = shared.repeat(fine[0], axis=2).repeat(fine[1], axis=3).astype(np.float32)
    return found
