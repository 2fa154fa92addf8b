"""The verb for what bands do together: interactions of two or three bands, beyond what each of them does."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..methods.interactions import COMPLETE, INTERACTIONS, band_sets
from ..progress import Progress, keeps_on_interrupt, starting, ticker
from ..results.interactions import BandInteractions
from ..results.wavelength_zones import WavelengthZones
from .answering import Answered, answered
from .calls import checked
from .fitting import check_fit
from .gathering import Watch
from .question import Question
from .telling import doubts_of

# what is as small as so many steps between neighbouring numbers at the size of the largest output, is rounding
STEPS = 8


def band_interactions(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    order: int = 2,
    index: str = "sii",
    max_exact: int = 12,
    absent: str = "marginal",
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
    groups: Mapping[str, Sequence[Any]] | WavelengthZones | str | None = None,
    classes: Sequence[str] | None = None,
    band_axis: Any = -1,
    time_axis: Any = None,
    times: Any = None,
    reorder: bool = False,
    batch_size: int | None = None,
    seed: int = 0,
    progress: Progress = None,
) -> BandInteractions:
    """What bands do to the output together, beyond what each does alone.

    Two bands interact where what one does depends on what the other is: a ratio or a threshold of both, or two bands of
    which either is enough. A positive interaction raises the output beyond what both add up to, a negative one lowers
    it, as where they tell the same. Bands that are not there come from background images, as for the method "shapley",
    and the same outputs are computed: interactions cost no more than exact Shapley values do.

    Parameters
    ----------
    model, x, y
        As for `band_importance`, which explains whatever gives outputs.
    order : {1, 2, 3}
        Size of the largest sets of bands: with 2 all pairs, with 3 all pairs and triples. With 1, there are Shapley (or
        Banzhaf) values alone.
    index : {"sii", "k-sii", "stii", "banzhaf"}
        How what a set of bands does together is averaged over the bands that are there already. "sii", the Shapley
        interaction index, as they come in all orders; "banzhaf", all of them alike; with "k-sii" and "stii"
        (Shapley-Taylor), main effects and interactions of an image sum to f(x) - mean f(background). Of pairs with
        ``order=2``, "sii" and "k-sii" are the same. With ``order=3``, pairs of "sii" and "banzhaf" contain a part of
        each triple that they are in; those of the others don't.
    max_exact : int
        Most bands (or groups) for which all 2^bands coalitions are computed.
    absent : {"marginal", "conditional", "nearest"}
        What bands are that are not there: the background's, whatever the others are; what they would be given the
        bands that are there; those of similar pixels. As for the method "shapley".
    background, n_background, target, output, head, task, zone, ignore, bands, wavelengths, groups, classes
        As for `band_importance`. `groups` makes fewer coalitions of many bands.
    band_axis, time_axis, times, reorder, batch_size, seed, progress
        As for `band_importance`. With `time_axis`, bands at single steps interact.

    Returns
    -------
    BandInteractions
        ``to_frame()`` has a row per class x output x pair of bands (or triple), ``to_frame(order=1)`` the main effects:
        what each band does by itself, without its part in interactions. Intervals are over images and background
        images.

    Raises
    ------
    BandlensError
        As for `band_importance`; BandError if there are more bands than `max_exact`, or fewer than `order`.

    Warns
    -----
    DataWarning, AccuracyWarning, InterruptedWarning
        As for `band_importance`.

    Notes
    -----
    Grabisch & Roubens 1999, doi:10.1007/s001820050125 (Shapley and Banzhaf interaction); Sundararajan, Dhamdhere &
    Agarwal 2020, arXiv:1902.05622 (Shapley-Taylor); Bordt & von Luxburg 2023, arXiv:2209.04012, and for pairs Lundberg
    et al. 2020, doi:10.1038/s42256-019-0138-9 ("k-sii"); see `bandlens.methods.interactions` for the formulas.

    Examples
    --------
    >>> together = bl.band_interactions(model, x_test, y_test, background=x_train)  # doctest: +SKIP
    >>> together.plot()  # doctest: +SKIP
    """
    question = Question(
        model=model, x=x, y=y, background=background, n_background=n_background, target=target, output=output,
        head=head, task=task, zone=zone, ignore=ignore, bands=bands, wavelengths=wavelengths, groups=groups,
        classes=classes, band_axis=band_axis, time_axis=time_axis, times=times, reorder=reorder, batch_size=batch_size,
        seed=seed, method=INTERACTIONS.name,
        method_options={"order": order, "index": index, "max_exact": max_exact, "absent": absent},
    )  # fmt: skip
    with starting(progress, model):
        call = checked(question, method=INTERACTIONS)
    started = time.perf_counter()
    check_fit(call.subject(maps=False), stacklevel=3)
    with ticker(progress, call.images.n, INTERACTIONS.label) as tick:
        watch = Watch(on_interrupt=keeps_on_interrupt())
        answer = answered(call, tick, watch)
    for kind, text in doubts_of(answer, call) if watch.interrupted else ():
        warnings.warn(text, kind, stacklevel=2)
    return _result_of(answer, time.perf_counter() - started)


def _result_of(answer: Answered, seconds: float) -> BandInteractions:
    """The result, of plain arrays."""
    call, comparison = answer.call, answer.call.comparison
    assert comparison is not None
    features, options = call.features, call.options
    return BandInteractions(
        scores=answer.scores,
        members=band_sets(len(features.names), options["order"]),
        index=options["index"],
        absent=options["absent"],
        complete=options["index"] in COMPLETE,
        order=options["order"],
        image_class=call.targets.codes,
        prediction=call.targets.predictions,
        image_output=call.targets.image_output,
        output_values=answer.values[0],
        base_values=answer.values[1],
        classes=call.classes,
        outputs=call.outputs,
        bands=features.labels,
        wavelengths=tuple(features.mean(np.array(call.wavelengths)).tolist()),
        output=call.predictor.scale,
        rounding=STEPS * float(np.spacing(np.abs(answer.values[0]).max().astype(call.predictor.trace.dtype))),
        groups=features.groups,
        background=comparison.positions,
        background_source=call.background_source,
        background_strata=call.strata,
        background_strategy=comparison.strategy,
        background_weights=comparison.weights,
        **(answer.found.pairs() if comparison.sampled else {}),
        seed=call.seed,
        model=call.predictor.name,
        versions=call.predictor.versions,
        seconds=seconds,
        **call.truth if answer.images is None else {**call.truth, "images": answer.images},
    )
