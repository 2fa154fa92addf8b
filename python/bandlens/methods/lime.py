"""LIME: a linear model of the output around each image, fitted to copies in which some features were removed.

Features are whole bands, or bands x superpixels: regions of similar pixels, found by SLIC on all bands. The linear
model is a ridge regression that weighs copies by how much of the image they keep; how well it fits, R^2, is reported
for each image, since a poor fit explains nothing. Bands are removed in the same ways from all images, so that one fit
serves many; where there are few enough features, in all ways there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np

from ..data.options import Option, number, one_of, whole
from ..data.summaries import band_spread
from ..data.words import argument, shape_text
from ..errors import MissingPackageError, OptionError
from .findings import Findings, Fit, Maps, Scores
from .kinds import RegionMethod
from .mixtures import mixed_outputs
from .occlusion import blurred, refuse_blur, replacements
from .task import Request, Task

# of SLIC: how much position counts against values
COMPACTNESS = 0.1
MOST_SPATIAL_AXES = 3


def scores(task: Task) -> Findings:
    """Coefficients of the linear model; those of a band's superpixels are added up."""
    if task.options["features"] == "superpixels":
        for part, coefficients, fit, _ in _superpixels(task):
            yield Scores(part, coefficients.sum(axis=-1))
            yield Fit(part, fit)
        return
    n_features = len(task.members)
    copies = _copies(task, n_features)
    size = max(1, task.images_per_batch // len(copies))
    for part, batch in task.images.batches(size, task.predictor.trace.dtype):
        outputs = mixed_outputs(task, task.seeds[part], batch, _references(task, batch), copies, positions=part)[:, 0]
        coefficients, fit = _fit(task, copies, np.moveaxis(outputs, 1, 0).reshape(len(copies), -1))
        lead = len(batch), task.seeds.shape[1]
        yield Scores(part, coefficients.reshape(*lead, n_features))
        yield Fit(part, fit.reshape(lead))
        task.tick(len(batch))


def maps(task: Task) -> Findings:
    """Coefficients of superpixels, each spread evenly over its pixels, so that they add up to the band's score."""
    images = task.images
    for part, coefficients, _, regions in _superpixels(task):
        sizes = np.bincount(regions.ravel(), minlength=coefficients.shape[-1])
        spread = np.moveaxis((coefficients / sizes)[0][..., regions], 1, -1)
        pixels = [images.shape[axis - 1] for axis in images.pixel_axes]
        values = spread.reshape(len(spread), *pixels, images.n_bands)
        yield Maps(part, np.moveaxis(values, -1, images.band_axis)[None])


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
    if not images.cells.plain:
        refuse_blur(request)
    for package, module in [("scikit-learn", "sklearn")] + [("scikit-image", "skimage")] * superpixels:
        if find_spec(module) is None:
            raise MissingPackageError(
                f"The method 'lime' needs the Python package {package}.", fix="pip install 'bandlens[lime]'"
            )
    if superpixels and not images.cells.plain:
        raise OptionError(
            "LIME has superpixels for models of one input, without an axis of time, only.",
            expected=argument("features", "bands"),
            given=argument("features", "superpixels"),
        )
    if superpixels and sum(images.shape[axis - 1] > 1 for axis in images.pixel_axes) > MOST_SPATIAL_AXES:
        raise OptionError(
            "Superpixels are regions in two or three dimensions.",
            expected=argument("features", "bands"),
            given=f"images of shape {shape_text(images.shape)}",
        )


def _references(task: Task, batch: np.ndarray) -> np.ndarray:
    """What removed features are replaced by."""
    kind = task.options["replacement"]
    return blurred(task, batch)[:, None] if kind == "blur" else replacements(task, kind)


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


def _superpixels(task: Task) -> Any:
    """Image by image: its slice, coefficients (1, k, features, regions), R^2 (1, k) and regions of its pixels."""
    spread = band_spread(task.images)
    spread = np.where(spread > 0, spread, 1)
    n_features, rows = len(task.members), task.images_per_batch
    for part, batch in task.images.batches(1, task.predictor.trace.dtype):
        regions = _regions(task, batch[0], spread)
        n_regions = int(regions.max()) + 1
        copies = _copies(task, n_features * n_regions)
        references = _references(task, batch)
        outputs = np.concatenate(
            [
                mixed_outputs(
                    task, task.seeds[part], batch, references, _kept(task, copies[start : start + rows], regions),
                    positions=part, pixels=True,
                )[0, 0]
                for start in range(0, len(copies), rows)
            ]
        )  # fmt: skip
        coefficients, fit = _fit(task, copies, outputs)
        yield part, coefficients.reshape(1, -1, n_features, n_regions), fit[None], regions
        task.tick(1)


def _kept(task: Task, copies: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Which pixels of which bands each copy keeps, shape (copies, *image shape)."""
    images = task.images
    by_region = copies.reshape(len(copies), len(task.members), -1)
    feature_of_band = task.members.argmax(axis=0)
    by_pixel = by_region[:, feature_of_band][..., regions.reshape(-1)]
    pixels = [images.shape[axis - 1] for axis in images.pixel_axes]
    return np.moveaxis(by_pixel.reshape(len(copies), images.n_bands, *pixels), 1, images.band_axis)


def _regions(task: Task, image: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Superpixels of an image, as whole numbers from 0, in the shape of its pixels without axes of length 1."""
    from skimage.segmentation import slic

    pixels = np.moveaxis(image, task.images.band_axis - 1, -1)
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
    maps=maps,
    maps_options={"features": "superpixels"},
    prepare=prepare,
    options={
        "features": Option(
            "bands",
            "What is removed as one: 'bands', or 'superpixels', regions of similar pixels in a band.",
            one_of("bands", "superpixels"),
        ),
        "n_samples": Option(1000, "Most copies of each image with features removed.", whole(2)),
        "replacement": Option(
            "background_mean",
            "What a feature is replaced by: 'background_mean', the mean background image; 'zero'; 'blur', the band "
            "itself without detail.",
            one_of("background_mean", "zero", "blur"),
        ),
        "n_segments": Option(50, "Superpixels per image, about.", whole()),
        "kernel_width": Option(
            0.25, "How fast copies that keep less count less, in cosine distance.", number(0, above=True)
        ),
        "ridge": Option(1e-3, "Strength of the ridge penalty, relative to the weight of all copies.", number(0)),
    },
    needs_background=needs_background,
)
