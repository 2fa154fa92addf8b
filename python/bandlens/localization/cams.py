"""The verb for where a class shows in an image, and which band draws the attention there."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..data.images import check_images
from ..data.options import flag, one_of, optional, plain
from ..data.tasks import task_of
from ..data.words import choices, nearest, shown
from ..errors import OptionError
from ..explain.arranging import in_order
from ..explain.calls import Call, checked, checked_options
from ..explain.fitting import check_fit
from ..explain.question import Question
from ..features.layers import make_network
from ..models.derivatives import require_derivative
from ..models.finite import check_finite
from ..models.predictor import loaded
from ..progress import Progress, starting, ticker
from .absent import without_bands
from .gradients import WITHOUT
from .kinds import Asked, CamMethod
from .methods import CAM_METHODS
from .places import check_has_layers, chosen_layer
from .result import ActivationMaps
from .scorecam import check as check_masks

REPLACEMENTS = ("background", "background_mean", "zero")


def class_activation_maps(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    layer: Any = None,
    method: str = "gradcam",
    by: str | None = None,
    relu: bool | None = None,
    replacement: str = "background",
    background: Any = None,
    n_background: int = 100,
    target: str | int = "class",
    output: str = "auto",
    head: str | int | None = None,
    task: str = "auto",
    zone: Any = None,
    ignore: Any = None,
    bands: Any = None,
    wavelengths: Any = None,
    classes: Sequence[str] | None = None,
    band_axis: Any = -1,
    reorder: bool = False,
    batch_size: int | None = None,
    seed: int = 0,
    progress: Progress = None,
    **method_options: Any,
) -> ActivationMaps:
    """Class activation maps: where in an image a layer finds what speaks for a class.

    Maps have the resolution of the layer, and the scale on which activations and outputs are: they are not rescaled
    image by image, so that images can be compared. `plot` draws them over the images.

    Parameters
    ----------
    model : keras.Model, tf_keras.Model, str or pathlib.Path
        A function has no layers; `occlusion_maps` takes any.
    x, y
        As for `band_importance`, several inputs included. Choose the images: all maps are kept.
    layer : str, int or layer, optional
        A layer with rows and columns, by name, by position among `list_layers(model)`, or itself. By default the last
        one before the output; the result says which.
    method : str
        One of `bandlens.CAM_METHODS`. "gradcam": features weighted by mean gradients. "gradcam++": by positive
        gradients, those more that few places have. "hirescam": activations times their own gradients. "layercam": times
        those that are positive. "scorecam": features weighted by the output for the image masked by them. "eigencam":
        the projection in which activations vary most, the same for every class.
    by : {None, "band"}
        "band": how a map changes with each band, the map of the image less that of the image in which the band is
        replaced by the background's. What is positive is attention that the band draws there.
    relu : bool, optional
        Whether what is negative in a map, and so speaks against the class, is set to 0. By default as the method was
        published: it is, but for "hirescam" and "eigencam".
    replacement : {"background", "background_mean", "zero"}
        With `by`, what a band is replaced by: that of each background image in turn, averaging the maps; of the mean
        background image; or 0.
    background, n_background
        With `by`, as for `band_importance`; without, nothing is replaced.
    target, output, head, task, zone, ignore, bands, wavelengths, classes, band_axis, reorder, batch_size, seed
        As for `band_importance`. What is explained is the logit, unless `output` says otherwise.
    progress
        As for `band_importance`.
    **method_options
        Options of the method: `normalize_alphas` of "gradcam++", `channel_weights` of "scorecam".

    Returns
    -------
    ActivationMaps
        `values` of shape (n, k, rows, cols), with `by` (n, k, bands, rows, cols), float32. With `by`,
        ``to_frame("class")`` is a class x band table of the mean absolute change.

    Raises
    ------
    BandlensError
        As for `band_importance`. LayerError if there is no such layer, it has no rows and columns (the error names
        layers that have), or the output does not depend on it. UnsupportedOperationError if there is no derivative
        from the layer to the output.

    Warns
    -----
    DataWarning, AccuracyWarning
        As for `band_importance`.

    Notes
    -----
    Sources are those of `bandlens.CAM_METHODS`. Grad-CAM at the last convolution before a global average pooling and
    one dense layer is the class activation map of Zhou et al. 2016 (arXiv:1512.04150) over the number of places.
    HiResCAM there sums to the logit less its bias. Guided backpropagation is left out: it changes little where the
    weights of the model are random (Adebayo et al. 2018, arXiv:1810.03292), so that it shows the image rather than the
    model.

    Examples
    --------
    >>> maps = bl.class_activation_maps(model, x_test[:8], y_test[:8])  # doctest: +SKIP
    >>> maps.plot(x=x_test[:8])  # doctest: +SKIP
    """
    started = time.perf_counter()
    chosen, by = _method(method), _by(by)
    optional(flag)("relu", relu)
    one_of(*REPLACEMENTS)("replacement", replacement)
    # occlusion knows what bands are replaced by
    question = Question(
        model=model, x=x, y=y, method="occlusion",
        method_options={"replacement": "zero" if by is None else replacement}, background=background,
        n_background=n_background, target=target, output=output, head=head, task=task, zone=zone, ignore=ignore,
        bands=bands, wavelengths=wavelengths, classes=classes, band_axis=band_axis, reorder=reorder,
        batch_size=batch_size, seed=seed,
    )  # fmt: skip
    options = checked_options(chosen, method_options, (*question.arguments(), "layer", "by", "relu", "replacement"))
    with starting(progress, model):
        call, asked = _checked(question, chosen, layer, options)
    check_fit(call.subject(maps=True))
    signed = not (chosen.relu if relu is None else relu)
    k, n_bands = call.targets.image_output.shape[1], len(call.bands)
    values = np.empty((call.images.n, k, *(() if by is None else (n_bands,)), *asked.size), np.float32)
    with ticker(progress, call.images.n, chosen.label) as tick:
        told = call.task(tick)
        for part, batch in call.images.batches(asked.images_per_batch, call.predictor.trace.dtype):
            seeds = told.seeds[part]
            found = chosen.maps(asked, batch, seeds)
            found = found if signed else np.maximum(found, 0)
            if by is not None:
                found = found[:, :, None] - without_bands(
                    asked, chosen, told, part, batch, seeds, relu=not signed
                )  # fmt: skip
            check_finite(found, part, chosen.label, differentiates=chosen.differentiates)
            values[part] = found.reshape(values[part].shape)
            tick(len(batch))
    rows, cols = asked.size
    return ActivationMaps(
        values=values,
        **about(call, started),
        method=chosen.name,
        layer=asked.layer.name,
        kind=asked.layer.kind,
        relu=not signed,
        by=by,
        row_at=(np.arange(rows) + 0.5) / rows,
        col_at=(np.arange(cols) + 0.5) / cols,
        options=plain({**options, **({} if by is None else {"replacement": replacement})}),
    )


def about(call: Call, started: float) -> dict[str, Any]:
    """What maps keep of a call, by the names of their fields."""
    return {
        "image_class": call.targets.codes,
        "prediction": call.targets.predictions,
        "image_output": call.targets.image_output,
        "classes": call.classes,
        "outputs": call.outputs,
        "bands": call.named.bands,
        "wavelengths": call.named.wavelengths,
        "band_axes": np.concatenate([np.full(part.n_bands, part.band_axis) for part in call.images.cells.parts]),
        "inputs": call.named.inputs,
        "output": call.predictor.scale,
        "n_background": None if call.draws is None else len(call.draws),
        "seed": call.seed,
        "model": call.predictor.name,
        "versions": call.predictor.versions,
        "seconds": time.perf_counter() - started,
        **call.truth,
    }


def _checked(question: Question, method: CamMethod, layer: Any, options: dict[str, Any]) -> tuple[Call, Asked]:
    """The call, and the layer that is mapped, both checked before the model is asked for anything."""
    q = in_order(question)
    q = replace(q, model=loaded(q.model))
    check_has_layers(q.model)
    images = check_images(q.x, q.band_axis)
    network = make_network(q.model, images, q.output, head=q.head)
    predictor = replace(network.predictor, task=task_of(q.task, network.predictor.meant_for, q.y))
    place = chosen_layer(network, layer)
    if method.differentiates:
        where = f"layer '{place.name}'"
        require_derivative(
            predictor.trace, predictor.output, method.label, WITHOUT, source=place.value, where=where
        )  # fmt: skip
    asked = Asked(predictor, place, images, q.batch_size or predictor.images_per_batch, options)
    if method.name == "scorecam":
        check_masks(asked)
    return checked(q, predictor=predictor), asked


def _method(name: Any) -> CamMethod:
    if not isinstance(name, str) or name not in CAM_METHODS:
        raise OptionError(
            "There is no such method of class activation maps.",
            expected=choices(CAM_METHODS),
            given=shown(name),
            fix=nearest(name, CAM_METHODS),
        )
    return CAM_METHODS[name]


def _by(given: Any) -> str | None:
    return None if given is None else one_of("band")("by", given)
