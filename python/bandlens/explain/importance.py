"""The main verbs: check everything, compute attributions, return plain data."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..data.options import plain
from ..methods.reduction import SIGNED
from ..methods.task import Part
from ..models.finite import check_finite, check_outputs
from ..progress import Progress, ticker
from ..results.importance import BandImportance
from ..results.maps import BandMaps
from .calls import prepare
from .derivatives import check_zeros
from .selfcheck import Explained, check_scores


def band_importance(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    method: str = "deepshap",
    background: Any = None,
    n_background: int = 100,
    target: str | int = "class",
    output: str = "auto",
    statistic: str | None = None,
    bands: Sequence[str] | None = None,
    wavelengths: Sequence[float] | None = None,
    groups: Mapping[str, Sequence[str | int]] | None = None,
    classes: Sequence[str] | None = None,
    band_axis: int = -1,
    batch_size: int | None = None,
    seed: int = 0,
    progress: Progress = None,
    **method_options: Any,
) -> BandImportance:
    """Which input bands mattered, for which class.

    Parameters
    ----------
    model : keras.Model, tf_keras.Model, str, pathlib.Path or callable
        A Keras model, a path to a saved one (`.keras`, `.h5`), or any callable from a ``(n, rows, cols, bands)``
        tensor to an ``(n, outputs)`` tensor.
    x : array_like, shape (n, rows, cols, bands)
        Images to explain, or any array with images on axis 0 and bands on `band_axis`; any real dtype and memory
        order, or a list of single images. Converted batch by batch, never modified.
    y : array_like, shape (n,), optional
        Class of each image: indices into the model's outputs, names in `classes`, a categorical, or one-hot rows.
        Without it, images belong to the class that the model predicts. A model of one number has no classes; then only
        the method "permutation" takes `y`, as numbers.
    method : str
        Key of `bandlens.METHODS`.
    background : array_like, shape (m, rows, cols, bands), optional
        Reference images that stand for "band not informative". Without it, a sample of `x` that is balanced over
        classes. Methods that compare with nothing, such as "saliency", don't look at it.
    n_background : int
        Most background images used; a seeded sample if there are more. Which ones is recorded in the result.
    target : {"class", "predicted", "all"} or str or int
        Outputs to explain: each image's own class, its predicted class, every output, or one by name or index.
    output : {"auto", "logit", "probability"}
        Scale of the output; "auto" is the logit where the model ends in softmax or sigmoid, whatever only reshapes or
        casts comes after it, and the output as it is elsewhere. There, "logit" says that this is one (of one unit, that
        of the second of two classes); it is refused if the outputs are made of the values of softmaxes,
        sigmoids or exponentials alone, such as their mean, without a layer with a kernel or a logarithm in between.
    statistic : {"band_sum", "pixel_mean_abs", "whole_band"}, optional
        How attributions are reduced over pixels; the method's own by default, "whole_band" where it has no pixels.
    bands, classes : sequence of str, optional
        Names, in the order of the images' bands and of the model's outputs.
    wavelengths : sequence of float, optional
        Of the bands, in nm.
    groups : mapping of str to sequence of str or int, optional
        Bands to be treated as one, by name or position, such as ``{"visible": ["blue", "green", "red"]}``; bands in no
        group stay single. Methods that change bands change those of a group together; for the others a group's score
        is the sum of its bands' scores. A group's wavelength is the mean of its bands'.
    band_axis : int
        Axis of the bands in `x`.
    batch_size : int, optional
        Most images per compiled step; chosen by memory if not given. Results don't depend on it.
    seed : int
        Makes every random choice reproducible.
    progress : bool or callable, optional
        A progress bar; by default only in interactive use. A callable is told ``(done, total)``.
    **method_options
        Options of the method, see `bandlens.METHODS`.

    Returns
    -------
    BandImportance

    Raises
    ------
    BandlensError
        One of its subclasses in `bandlens.errors`, before anything is computed, if an argument doesn't fit.

    Warns
    -----
    CompletenessWarning
        If scores of an additive method miss what they should sum to by more than rounding or stated standard errors
        explain, or are far larger than what their bands do to the output and cancel. It names the worst image.
    """
    call = prepare(
        model, x, y, method, background, n_background, target, output, statistic, bands, wavelengths, classes,
        band_axis, batch_size, seed, method_options, groups=groups,
    )  # fmt: skip
    started = time.perf_counter()
    n, k = call.image_output.shape
    scores = np.empty((n, k, len(call.features.names)))
    drops = None
    found: dict[str, np.ndarray] = {}
    with ticker(progress, n, call.method.label) as tick:
        task = call.task(tick)
        if not call.deferred:
            values, base = call.values(task)  # before much is computed, as an output may not be finite
        for part in call.method.scores(task):
            scores[part.images] = part.values
            _keep(part, found, n)
            if call.deferred and part.units is not None:
                check_outputs(part.units, positions=part.images)
                call.model_outputs[part.images] = call.predictor.from_units(part.units)
            if part.drops is None:
                check_finite(part.values, part.images, call.method.label, differentiates=call.method.differentiates)
            drops = part.drops if part.drops is not None else drops
    if call.method.differentiates:
        check_zeros(task, scores, call.features.names, call.method.label)
    if call.deferred:
        call = call.completed()
        values, base = call.values(task)
    residuals = cancellations = None
    if call.method.additive and SIGNED[call.statistic]:
        explained = _explained(scores, values, base, found)
        residuals, cancellations = check_scores(call, task, explained)
    return BandImportance(
        scores=scores,
        image_class=call.codes,
        prediction=call.predictions,
        image_output=call.image_output,
        output_values=values,
        base_values=base,
        band_means=call.features.mean(task.band_means),
        classes=call.classes,
        outputs=call.outputs,
        bands=call.features.names,
        wavelengths=tuple(call.features.mean(np.array(call.wavelengths)).tolist()),
        method=call.method.name,
        statistic=call.statistic,
        output=call.predictor.scale if call.method.scale is None else call.method.scale(task),
        signed=SIGNED[call.statistic],
        residuals=residuals,
        cancellations=cancellations,
        score_errors=found.get("errors"),
        local_fit=found.get("fit"),
        drops=drops,
        directed=call.method.directed,
        balanced=call.method.balanced is not None and call.method.balanced(call.options),
        groups=call.features.groups,
        background=call.draws,
        background_source=call.background_source,
        options=plain(call.options),
        seed=seed,
        model=call.predictor.name,
        versions=call.predictor.versions,
        seconds=time.perf_counter() - started,
    )


def _keep(part: Part, found: dict[str, np.ndarray], n: int) -> None:
    """Put what a part has besides values into arrays of all images."""
    for name in ("errors", "total_errors", "fit", "totals", "differences"):
        values = getattr(part, name)
        if values is not None:
            found.setdefault(name, np.empty((n, *values.shape[1:])))[part.images] = values


def _explained(scores: np.ndarray, values: np.ndarray, base: np.ndarray, found: dict[str, np.ndarray]) -> Explained:
    return Explained(
        scores=scores,
        values=values,
        base=base,
        totals=found.get("totals", scores.sum(axis=-1)),
        differences=found.get("differences", values - base),
        total_errors=found.get("total_errors"),
    )


def band_maps(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    method: str = "deepshap",
    background: Any = None,
    n_background: int = 100,
    target: str | int = "class",
    output: str = "auto",
    bands: Sequence[str] | None = None,
    wavelengths: Sequence[float] | None = None,
    classes: Sequence[str] | None = None,
    band_axis: int = -1,
    batch_size: int | None = None,
    seed: int = 0,
    progress: Progress = None,
    **method_options: Any,
) -> BandMaps:
    """Attributions themselves, per image, pixel and band.

    Parameters are those of `band_importance`; memory for all maps is needed, so choose the images.

    Returns
    -------
    BandMaps
        `values` of shape (n, k, *image shape), float32.

    Raises
    ------
    BandlensError
        As for `band_importance`.

    Warns
    -----
    CompletenessWarning
        As for `band_importance`.
    """
    call = prepare(
        model, x, y, method, background, n_background, target, output, None, bands, wavelengths, classes, band_axis,
        batch_size, seed, method_options, maps=True,
    )  # fmt: skip
    assert call.method.maps is not None
    n, k = call.image_output.shape
    values = np.empty((n, k, *call.images.shape), np.float32)
    found: dict[str, np.ndarray] = {}
    with ticker(progress, n, call.method.label) as tick:
        task = call.task(tick)
        call.values(task)  # an output may not be finite
        for part in call.method.maps(task):
            check_finite(part.values, part.images, call.method.label, differentiates=call.method.differentiates)
            values[part.images] = part.values
            _keep(part, found, n)
    pixels = tuple(axis + 1 for axis in call.images.pixel_axes)
    if call.method.differentiates:
        check_zeros(task, np.any(values, axis=pixels), call.bands, call.method.label)
    residuals = cancellations = None
    if call.method.additive:
        scores = values.sum(axis=pixels, dtype=np.float64)
        explained = _explained(scores, *call.values(task), found)
        residuals, cancellations = check_scores(call, task, explained, maps=True)
    return BandMaps(
        values=values,
        image_class=call.codes,
        prediction=call.predictions,
        image_output=call.image_output,
        band_axis=call.images.band_axis,
        classes=call.classes,
        outputs=call.outputs,
        bands=call.bands,
        wavelengths=call.wavelengths,
        method=call.method.name,
        output=call.predictor.scale,
        seed=seed,
        model=call.predictor.name,
        residuals=residuals,
        cancellations=cancellations,
    )
