"""Do the bands that a table ranks first matter most to the model? Take them away one by one and watch.

If a ranking is right, the output of a class falls fastest when bands go in the order of importance, slowest in the
reverse order, and in between when they go in random orders. The area between the curves says by how much, without any
appeal to what the importances mean.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..cluster.workers import at_work
from ..data.backgrounds import refuse_strategy
from ..data.images import check_background
from ..data.labels import label_codes
from ..data.options import one_of, optional, whole
from ..data.tasks import MULTILABEL, SEGMENTATION
from ..errors import ResultError
from ..explain.fitting import check_fit
from ..explain.outputs import outputs_shared_out
from ..explain.question import Question
from ..explain.subject import Subject
from ..methods.filling import ABSENT, MARGINAL, check_replacement, filling_from
from ..models.predictor import loaded
from ..progress import Progress, starting, ticker
from ..results.importance import BandImportance
from .areas import summarised
from .followed import followed_predictor, followed_rows, followed_zones, observed_of
from .matching import arranged_like, check_classes, check_same_images, check_same_model, check_single, rows_of
from .removal import pool_of, random_orders, rankings
from .removing import Part, Removal, images_at_once, measures_of
from .result import Check

REPLACEMENTS = ("background", "background_mean", "zero")


def check_deletion(
    model: Any,
    result: BandImportance,
    x: Any,
    y: Any = None,
    *,
    replacement: str = "background",
    absent: str = "marginal",
    background: Any = None,
    n_background: int = 5,
    orders: int = 24,
    steps: int = 20,
    output: str = "auto",
    zone: Any = None,
    ignore: Any = None,
    bands: Any = None,
    band_axis: Any = -1,
    time_axis: Any = None,
    reorder: bool = False,
    batch_size: int | None = None,
    seed: int = 0,
    client: Any = None,
    progress: Progress = None,
) -> Check:
    """Remove bands in the order of importance, in the reverse order and in random orders, and follow the output.

    Each image loses bands in the order of its own class's row of the table; groups of bands go together.

    Parameters
    ----------
    model : keras.Model, tf_keras.Model, str, pathlib.Path or callable
        The model that was explained.
    result : BandImportance
        Its class x band table.
    x : array_like, shape (n, rows, cols, bands), path or stream
        The images that were explained, in the same order.
    y : array_like, shape (n,), optional
        Class of each image, as for `band_importance`; by default as in `result`. For a regression, the
        observed numbers, which only tell whether the model fits. For a model that gives outputs for every pixel, the
        labels that `result` was made with, if there were any.
    replacement : {"background", "background_mean", "zero"}
        What a removed band is replaced by: the same pixels of background images, drawn for each image, averaging what
        comes out; the mean background image; or 0, which is seldom an image that the model knows.
    absent : {"marginal", "conditional", "nearest"}
        Whether a removed band is that of the background whatever the others are, or depends on the bands that are
        left: what it would be given these ("conditional", not with zeros), or that of similar pixels ("nearest", with
        background images only); as for the method "shapley". Bands of which others tell then take little with them.
    background : array_like, shape (m, rows, cols, bands), optional
        Images that removed bands are taken from; other images of `x` by default.
    n_background : int
        Background images drawn for each image, with ``replacement="background"``.
    orders : int
        Random orders; all there are, instead, where there are no more than that (24 for 4 bands).
    steps : int
        Most steps in which bands are removed; where there are more bands, several go at once.
    output : {"auto", "logit", "probability"}
        Output that is followed; "auto" is the probability where the model ends in softmax or sigmoid.
    zone, ignore
        For a model that gives outputs for every pixel: the mask, where `result` was made with one, and the labels that
        stand for no class, both as for `band_importance`. Zones are those of the whole images, whatever is removed.
    bands : sequence of str, optional
        Names of the bands of `x`, where it brings none and they are not in the order of the result. A result of an
        earlier version that holds groups needs them.
    band_axis : int
        Axis of the bands in `x`.
    time_axis : int, optional
        Axis of the steps in `x`, as in the call that made the result.
    reorder : bool
        Whether `x` and `background` are brought into the order of the result's bands, by name; else another order is an
        error.
    batch_size : int, optional
        Most images per compiled step; chosen by memory if not given. Results don't depend on it.
    seed : int
        Of the random orders and of the draws from the background.
    client : distributed.Client, str or int, optional
        Who computes the outputs, as for `band_importance`.
    progress : bool or callable, optional
        As for `band_importance`.

    Returns
    -------
    Check
        Level "curve": ``order, class, removed, band, measure, estimate, conf_low, conf_high, n``, one row per order x
        class x number of removed bands x measure. `order` is "importance", "random" (the mean over the random orders)
        or "reverse"; `class` "all" is the mean over all images; `band` is the one removed last (missing for random
        orders, for "all" and where nothing was removed), with `input` and `time` as in `BandImportance.to_frame`.
        `measure` is the output of the image's class ("probability",
        "logit" or "output"), "accuracy" (1 where that output is the largest), and "fidelity" (minus the distance of
        the output from that for the whole image); for a regression only the last. Of a model that gives outputs for
        every pixel, they are means over the zone of the class, and with labels there is "iou": the pixels that are of
        the class and taken for it, as a part of those that are either. There and with several labels, an image counts
        for each of its classes, and in "all" with their mean.

        Level "area": ``class, measure, area, conf_low, conf_high, n``, the area under the mean curve of the random
        orders minus that under the curve of the order of importance, over the fraction of bands removed: positive
        where the ranking finds the bands that matter. Intervals are 95 % Student intervals over images, whose curves
        are compared in pairs; where random orders are drawn, the squared standard error of their mean is added. It has
        passed if the area of the first measure over all images is above 0 with its whole interval.

    Raises
    ------
    ResultError
        If `result` has a single band, or belongs to other images or another model.
    BandlensError
        As for `band_importance`.

    Notes
    -----
    Pixel flipping (Bach et al. 2015; Samek et al. 2017, arXiv:1509.06321) with bands instead of pixels; the area as a
    measure: Petsiuk, Das & Saenko 2018, arXiv:1806.07421. A model never saw images whose bands come from two places, so
    part of what falls may be due to that; it is the same for all orders of as many bands, which is why areas are
    compared with those of random orders.
    """
    check_single(result)
    replacement = one_of(*REPLACEMENTS)("replacement", replacement)
    absent = one_of(*ABSENT)("absent", absent)
    allowed = {"conditional": ("background", "background_mean"), "nearest": ("background",)}
    check_replacement({"absent": absent, "replacement": replacement}, allowed)
    counts = {"n_background": n_background, "orders": orders, "steps": steps}
    n_background, orders, steps = (whole()(name, value) for name, value in counts.items())
    batch_size, seed = optional(whole())("batch_size", batch_size), whole(0)("seed", seed)
    if len(result.bands) < 2:
        raise ResultError("A single band has no order.", expected="a result with at least two bands or groups")
    refuse_strategy(background, "check_deletion")
    q = Question(
        model=model, x=x, y=y, background=background, output=output, zone=zone, ignore=ignore, bands=bands,
        band_axis=band_axis, time_axis=time_axis, reorder=reorder,
    )  # fmt: skip
    with at_work(client):
        with starting(progress, model):
            q, every, members, named = arranged_like(q, result)
        with starting(progress, model):
            q = replace(q, model=loaded(q.model))
            predictor = followed_predictor(q, every, result)
        images = rows_of(result, every, predictor)
        check_same_images(result, images, members)
        check_classes(result, predictor)
        observed = observed_of(q.y, result, predictor)
        labels = None
        if q.y is not None and predictor.classifies and predictor.task not in (MULTILABEL, SEGMENTATION):
            labels = label_codes(q.y, result.classes, every.n)
            labels = labels if result.images is None else labels[result.images]
        codes = result.image_class if labels is None else labels
        orders_of = rankings(result, codes)
        rows = np.arange(images.n) if result.images is None else result.images
        pool, draws = pool_of(every, q.background, replacement, n_background, seed, rows)
        size = batch_size or images_at_once(predictor)
        with outputs_shared_out(q.model):
            if predictor.pixels:
                followed = followed_zones(q, predictor, every, size, result)
            else:
                followed = followed_rows(predictor, images, size, result)
                check_same_model(result, followed.before)
        check_fit(
            Subject(
                model=q.model,
                predictor=predictor,
                images=every if predictor.pixels else images,
                background=None if q.background is None else check_background(q.background, images),
                classes=result.classes,
                named=named,  # wavelengths of the result were looked at
                y=q.y,
                labels=labels,
                observed=observed,
                outputs=followed.before,
                names=result.outputs,
                agreement=followed.agreement,
            ),
            stacklevel=3,
        )

        randoms, every_order = random_orders(len(members), orders, seed)
        removed = np.unique(np.linspace(0, len(members), min(steps, len(members)) + 1).round().astype(int))
        filling = None
        if absent != MARGINAL:
            pool_of_bands = every if q.background is None else check_background(q.background, every)
            filling = filling_from(absent, pool_of_bands, seed)
        gone, cut = {}, []
        for code, ranking in orders_of.items():
            places = np.argsort(np.stack([ranking, ranking[::-1], *randoms]), axis=1)
            gone[code] = places[:, None, :] < removed[:, None]
            mine = np.flatnonzero(codes == code)
            cut += [(part, code) for part in np.array_split(mine, -(-len(mine) * draws.shape[1] // size))]
        dtype = predictor.trace.dtype

        def part_of(rows: np.ndarray, code: int) -> Part:
            references = pool.take(draws[rows].reshape(-1), dtype)
            return Part(rows, code, images.take(rows, dtype), references.reshape(*draws[rows].shape, *images.shape))

        values = np.empty((len(followed.measures), images.n, 2 + len(randoms), len(removed)))
        removal = Removal(followed, members, gone, size, filling)
        with ticker(progress, images.n, "Deletion check") as tick:
            for part, found in measures_of(q.model, removal, images, cut, part_of):
                values[:, part] = found
                tick(len(part))
        how = {
            "replacement": replacement,
            "absent": absent,
            "seed": seed,
            **({"zone": result.zone} if predictor.pixels else {}),
        }
        return summarised(result, values, followed.measures, codes, orders_of, removed, every_order, how)
