"""The verb for single images: the values of pixels of which `band_importance` makes scores."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from ..cluster.workers import at_work
from ..methods.findings import Maps
from ..progress import Progress, starting, ticker
from ..results.by_input import ByInput
from ..results.maps import BandMaps
from .calls import checked
from .derivatives import check_zeros
from .fitting import check_fit
from .gathering import gathered
from .question import Question
from .selfcheck import Explained, check_scores
from .shared_out import maps_of


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
    client: Any = None,
    progress: Progress = None,
    **method_options: Any,
) -> BandMaps | ByInput[BandMaps]:
    """Attributions themselves, per image, pixel and band.

    Parameters are those of `band_importance`; memory for all maps is needed, so choose the images.

    Returns
    -------
    BandMaps or ByInput
        `values` of shape (n, k, *image shape), float32. For a model of several inputs, maps for each of them by its
        name, as `ByInput`: ``maps["radar"]`` is the `BandMaps` of the input "radar". Their sums over the pixels of all
        inputs are what the output differs from the background's, for additive methods: what `residuals` measure.

    Raises
    ------
    BandlensError
        As for `band_importance`.

    Warns
    -----
    CompletenessWarning, DataWarning, AccuracyWarning
        As for `band_importance`.
    """
    question = Question(
        model=model, x=x, y=y, method=method, background=background, n_background=n_background, target=target,
        output=output, head=head, task=task, zone=zone, ignore=ignore, bands=bands, wavelengths=wavelengths,
        classes=classes, band_axis=band_axis, reorder=reorder, batch_size=batch_size, seed=seed,
        method_options=method_options, verb_arguments=("progress", "client"),
    )  # fmt: skip
    with at_work(client):
        return _maps(question, progress)


def _maps(question: Question, progress: Progress = None) -> BandMaps | ByInput[BandMaps]:
    """Check a question, let its method answer, let the answer check itself, and make the result.

    Warnings point at the line that called the caller of this.
    """
    with starting(progress, question.model):
        call = checked(question, maps=True, begins=True)
    check_fit(call.subject(maps=True))
    with ticker(progress, call.images.n, call.method.label) as tick:
        task = call.task(tick)
        # before much is computed, as an output may not be finite
        values, base = call.method.values(task)
        found = gathered(call, maps_of(call, task))
    maps, cells = found[Maps], call.images.cells
    if call.method.differentiates:
        check_zeros(task, cells.reduced(np, maps, 2, np.any), call.bands, call.method.label)
    measured = None
    if call.method.additive:
        scores = cells.reduced(np, maps, 2, partial(np.sum, dtype=np.float64))
        measured = check_scores(call, task, Explained.of(scores, values, base, found), maps=True)
    made: dict[str, BandMaps] = {}
    bands, wavelengths = call.bands if call.named.inputs is None else call.named.bands, call.wavelengths
    for part, own in cells.split(np, maps, 2):
        made[part.name] = BandMaps(
            values=own,
            image_class=call.targets.codes,
            prediction=call.targets.predictions,
            image_output=call.targets.image_output,
            band_axis=part.band_axis,
            classes=call.classes,
            outputs=call.outputs,
            bands=bands[: part.n_bands],
            wavelengths=wavelengths[: part.n_bands],
            method=call.method.name,
            output=call.predictor.scale,
            seed=call.seed,
            model=call.predictor.name,
            residuals=None if measured is None else measured.residuals,
            cancellations=None if measured is None else measured.cancellations,
            input=part.name or None,
            **call.truth,
        )
        bands, wavelengths = bands[part.n_bands :], wavelengths[part.n_bands :]
    return ByInput(made) if cells.packed else made[""]
