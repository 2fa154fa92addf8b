"""LIME: a linear model of the output around each image, fitted to copies in which some features were removed.

Features are whole bands, or bands x superpixels: regions of similar pixels, found by SLIC on all bands of an input.
The linear model is a ridge regression that weighs copies by how much of the image they keep; how well it fits, R^2, is
reported for each image, since a poor fit explains nothing. Bands are removed in the same ways from all images, so that
one fit serves many; where there are few enough features, in all ways there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from ..data.cells import Part
from ..data.options import Option, number, one_of, whole
from ..data.words import argument, shape_text
from ..errors import MissingPackageError, OptionError
from .filling import ABSENT_OPTION, MARGINAL, check_replacement
from .findings import Findings, Fit, Maps, Scores
from .kinds import RegionMethod
from .mixtures import mixed_outputs
from .neighbours import NEAREST
from .occlusion import blurred, of_images, refuse_blur, replacements
from .task import Request, Task

# of SLIC: how much position counts against values
COMPACTNESS = 0.1
MOST_SPATIAL_AXES = 3


def scores(task: Task) -> Findings:
    """Coefficients of the linear model; those of a band's superpixels are added up."""
    if task.options["features"] == "superpixels":
        for part, coefficients, fit, regions in _superpixels(task):
            yield Scores(part, regions.added(coefficients))
            yield Fit(part, fit)
        return
    n_features = len(task.members)
    copies = _copies(task, n_features)
    for part, batch in task.batches(_per_step(task, len(copies)), task.predictor.trace.dtype):
        references = _references(task, part, batch)
        references, turns = _in_turn(task, references)
        outputs = mixed_outputs(
            task, task.seeds[part], batch, references, copies, positions=part, mean=True, turns=turns
        )[:, 0]
        coefficients, fit = _fit(task, copies, np.moveaxis(outputs, 1, 0).reshape(len(copies), -1))
        lead = len(batch), task.seeds.shape[1]
        yield Scores(part, coefficients.reshape(*lead, n_features))
        yield Fit(part, fit.reshape(lead))
        task.tick(len(batch))


def cuts(task: Task) -> Sequence[int]:
    """The first image of each step."""
    if task.options["features"] == "superpixels":
        return range(task.images.n)
    return range(0, task.images.n, _per_step(task, len(_copies(task, len(task.members)))))


def beforehand(task: Task) -> None:
    """Scales of bands are those over all images, as is how they depend on each other."""
    if task.options["features"] == "superpixels":
        _ = task.spread
    _ = task.filling


def _per_step(task: Task, copies: int) -> int:
    """Images whose copies are computed together."""
    return max(1, task.images_per_batch // copies)


def maps(task: Task) -> Findings:
    """Coefficients of superpixels, each spread evenly over its pixels, so that they add up to the band's score."""
    for part, coefficients, _, regions in _superpixels(task):
        sizes = np.bincount(regions.of_element.ravel(), minlength=coefficients.shape[-1])
        yield Maps(part, (coefficients / sizes)[..., regions.of_element])


def needs_background(options: Mapping[str, Any]) -> bool:
    """Whether features are replaced by the background's."""
    return options["replacement"] == "background_mean"


def prepare(request: Request) -> None:
    """The packages must be there, and superpixels need an image of two or three dimensions."""
    superpixels, images = request.options["features"] == "superpixels", request.images
    if request.maps and not superpixels:
        raise OptionError(
            "LIME has values per pixel only where its features are regions of the image.",
            expected=argument("features", "superpixels"),
            given=argument("features", request.options["features"]),
        )
    check_replacement(request.options, {"conditional": ("background_mean",), "nearest": ("background_mean",)})
    if superpixels and request.options["absent"] != MARGINAL:
        raise OptionError(
            "Superpixels of a band are absent while others of it are there, from which they can't be filled.",
            expected=argument("absent", MARGINAL) + " or " + argument("features", "bands"),
            given=argument("absent", request.options["absent"]),
        )
    if not images.cells.plain:
        refuse_blur(request)
    for package, module in [("scikit-learn", "sklearn")] + [("scikit-image", "skimage")] * superpixels:
        if find_spec(module) is None:
            raise MissingPackageError(
                f"The method 'lime' needs the Python package {package}.", fix="pip install 'bandlens[lime]'"
            )
    parts = images.cells.parts
    if superpixels and any(part.time_axis is not None for part in parts):
        raise OptionError(
            "LIME has superpixels for images without an axis of time only.",
            expected=argument("features", "bands"),
            given=argument("features", "superpixels"),
        )
    for part in parts:
        if superpixels and sum(part.shape[axis - 1] > 1 for axis in part.pixel_axes) > MOST_SPATIAL_AXES:
            of = f" of input '{part.name}'" if part.name else ""
            raise OptionError(
                "Superpixels are regions in two or three dimensions.",
                expected=argument("features", "bands"),
                given=f"images{of} of shape {shape_text(part.shape)}",
            )


class Regions(NamedTuple):
    """What is removed from an image as one: superpixels of bands, or of groups of bands in one input.

    Attributes
    ----------
    of_element : ndarray of int, shape (*image shape)
        To which of these each element belongs.
    owners : ndarray of int, shape (regions,)
        To which feature of the task each of these belongs, in increasing order.
    """

    of_element: np.ndarray
    owners: np.ndarray

    def added(self, coefficients: np.ndarray) -> np.ndarray:
        """Coefficients (..., regions) of each feature of the task together, (..., features)."""
        ends = np.flatnonzero(np.diff(self.owners)) + 1
        return np.stack([own.sum(axis=-1) for own in np.split(coefficients, ends, axis=-1)], axis=-1)


def _references(task: Task, part: slice, batch: np.ndarray) -> np.ndarray:
    """What removed features are replaced by."""
    kind = task.options["replacement"]
    return blurred(task, batch)[:, None] if kind == "blur" else of_images(task, part, replacements(task, kind))


def _in_turn(task: Task, references: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As many references as neighbours that absent bands are taken from, and their numbers."""
    turns = np.arange(NEAREST if task.options["absent"] == "nearest" else 1)
    return np.repeat(references, len(turns), axis=-1 - len(task.images.shape)), turns


def _copies(task: Task, n_features: int) -> np.ndarray:
    """Features that each copy keeps, shape (copies, features), the first copy all of them."""
    most = task.options["n_samples"]
    if n_features < np.log2(most) + 1e-9:
        return (np.arange(2**n_features)[::-1, None] >> np.arange(n_features)) & 1 == 1
    copies = np.random.default_rng(task.seed).random((most, n_features)) < 0.5
    copies[0] = True
    return copies


def _fit(task: Task, copies: np.ndarray, outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted ridge regression of outputs (copies, targets); coefficients (targets, features), R^2 (targets,)."""
    from sklearn.linear_model import Ridge
    from sklearn.metrics import r2_score

    distance = 1 - np.sqrt(copies.mean(axis=1))
    weights = np.exp(-0.5 * (distance / task.options["kernel_width"]) ** 2)
    weights /= weights.sum()
    ridge = Ridge(alpha=task.options["ridge"]).fit(copies.astype(np.float64), outputs, sample_weight=weights)
    fitted = ridge.predict(copies.astype(np.float64)).reshape(outputs.shape)
    fit = r2_score(outputs, fitted, sample_weight=weights, multioutput="raw_values")
    return ridge.coef_.reshape(outputs.shape[1], copies.shape[1]), fit


def _superpixels(task: Task) -> Iterator[tuple[slice, np.ndarray, np.ndarray, Regions]]:
    """Image by image: its slice, coefficients (1, k, regions), R^2 (1, k) and its regions."""
    spread = np.where(task.spread > 0, task.spread, 1)
    rows = task.images_per_batch
    for part, batch in task.batches(1, task.predictor.trace.dtype):
        regions = _regions(task, batch, spread)
        copies = _copies(task, len(regions.owners))
        references = _references(task, part, batch)
        outputs = np.concatenate(
            [
                mixed_outputs(
                    task, task.seeds[part], batch, references, copies[start : start + rows][:, regions.of_element],
                    positions=part, pixels=True,
                )[0, 0]
                for start in range(0, len(copies), rows)
            ]
        )  # fmt: skip
        coefficients, fit = _fit(task, copies, outputs)
        yield part, coefficients[None], fit[None], regions
        task.tick(1)


def _regions(task: Task, batch: np.ndarray, spread: np.ndarray) -> Regions:
    """Superpixels of each input of a single image, of each feature that has bands there."""
    cells, feature_of_band = task.images.cells, task.members.argmax(axis=0)
    found: list[tuple[Part, np.ndarray, np.ndarray]] = []
    before = 0
    for part, own in cells.split(np, batch, 1):
        bands = slice(before, before + part.n_bands)
        found.append((part, feature_of_band[bands], _segmented(task, part, own[0], spread[bands])))
        before += part.n_bands
    owners: list[int] = []
    first: dict[tuple[int, str], int] = {}
    for feature in range(len(task.members)):
        for part, features, pixels in found:
            if feature in features:
                first[feature, part.name] = len(owners)
                owners += [feature] * (int(pixels.max()) + 1)
    labels = [
        np.moveaxis(
            pixels[..., None] + np.array([first[feature, part.name] for feature in features.tolist()]),
            -1,
            part.band_axis - 1,
        )
        for part, features, pixels in found
    ]
    of_element = np.concatenate([one.reshape(-1) for one in labels]) if cells.packed else labels[0]
    return Regions(of_element, np.array(owners))


def _segmented(task: Task, part: Part, image: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Superpixels of an input, as whole numbers from 0, in the shape of its pixels."""
    from skimage.segmentation import slic

    pixels = np.moveaxis(image, part.band_axis - 1, -1)
    shape = tuple(length for length in pixels.shape[:-1] if length > 1)
    if not shape:
        return np.zeros(pixels.shape[:-1], np.int64)
    lines = pixels.reshape(*((1, *shape) if len(shape) == 1 else shape), -1)
    regions = slic(
        lines.astype(np.float64) / spread,
        n_segments=task.options["n_segments"],
        compactness=COMPACTNESS,
        channel_axis=-1,
        convert2lab=False,
        start_label=0,
    )
    return np.unique(regions, return_inverse=True)[1].reshape(pixels.shape[:-1])


LIME = RegionMethod(
    name="lime",
    label="LIME",
    summary="Coefficient of each band, or of its superpixels together, in a linear model of the output near the image.",
    cost="2^bands or n_samples forward passes per image, whichever is less, and a ridge regression",
    reference="Ribeiro, Singh & Guestrin 2016, arXiv:1602.04938; SLIC: Achanta et al. 2012",
    scores=scores,
    cuts=cuts,
    beforehand=beforehand,
    maps=maps,
    maps_options={"features": "superpixels"},
    prepare=prepare,
    options={
        "features": Option(
            "bands",
            "What is removed as one: 'bands', or 'superpixels', regions of similar pixels in a band.",
            one_of("bands", "superpixels"),
        ),
        "absent": ABSENT_OPTION,
        "n_samples": Option(1000, "Most copies of each image with features removed.", whole(2)),
        "replacement": Option(
            "background_mean",
            "What a feature is replaced by: 'background_mean', the mean background image; 'zero'; 'blur', the band "
            "itself without detail.",
            one_of("background_mean", "zero", "blur"),
        ),
        "n_segments": Option(50, "Superpixels per image (of each input), about.", whole()),
        "kernel_width": Option(
            0.25, "How fast copies that keep less count less, in cosine distance.", number(0, above=True)
        ),
        "ridge": Option(1e-3, "Strength of the ridge penalty, relative to the weight of all copies.", number(0)),
    },
    needs_background=needs_background,
)
