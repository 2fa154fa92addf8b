"""A part of a call: some of its rows, against some of its background, as if it had been asked about these alone.

Tables that are made in rounds, and what is left of an interrupted one, are answers about parts. A part is what an
ordinary call makes of the images at `positions` and of the background images at `draws`, in that order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..data.repeated import repeated
from ..data.zones import Zones
from .calls import Call
from .targets import Labelled, Targets


def part_of(
    call: Call, rows: np.ndarray, draws: np.ndarray | None = None, options: Mapping[str, Any] | None = None
) -> Call:
    """The same call for some of its rows.

    Parameters
    ----------
    call : Call
    rows : ndarray of int
        In the order in which they are to be computed.
    draws : ndarray of int, optional
        Which of the call's `draws` are the background; all, if not given.
    options : mapping, optional
        Options of the method that are others.
    """
    images, at = _images_of(call, rows)
    dtype = call.predictor.trace.dtype
    every = repeated(call.every, images, dtype)
    if call.draws is not None and draws is not None:
        call = replace(call, **_compared(call, draws))
    return replace(
        call,
        images=every if at is None else repeated(call.every, images[at], dtype),
        every=every,
        labelled=_labelled(call.labelled, images),
        targets=_targets(call.targets, rows, images, at),
        options={**call.options, **(options or {})},
    )


def _compared(call: Call, draws: np.ndarray) -> dict[str, Any]:
    """What a call says of its background, of some of these images, which are a sample in which all count the same."""
    assert call.draws is not None
    assert call.comparison is not None
    found = {"draws": call.draws[draws], "strata": None if call.strata is None else call.strata[draws]}
    compared = replace(call.comparison, **found, positions=call.comparison.positions[draws])
    return {**found, "comparison": compared}


def positions_of(call: Call, rows: np.ndarray) -> np.ndarray:
    """Images of some rows."""
    return rows if call.targets.images is None else call.targets.images[rows]


def _images_of(call: Call, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Images of the part, and which of these each row is of, where images may have several."""
    if call.targets.images is None:
        return rows, None
    return np.unique(call.targets.images[rows], return_inverse=True)


def _targets(targets: Targets, rows: np.ndarray, images: np.ndarray, at: np.ndarray | None) -> Targets:
    zones = targets.zones
    return replace(
        targets,
        images=at,
        codes=targets.codes[rows],
        labels=None if targets.labels is None else targets.labels[rows],
        predictions=targets.predictions[rows],
        image_output=targets.image_output[rows],
        outputs=targets.outputs[rows],
        observed=None if targets.observed is None else targets.observed[images],
        agreement=None if targets.agreement is None else targets.agreement.at(rows),
        zones=None if zones is None else Zones(_at(zones.labels, images), _at(zones.mask, images)),
    )


def _labelled(labelled: Labelled, images: np.ndarray) -> Labelled:
    zone = labelled.zone
    return Labelled(
        **{name: _at(getattr(labelled, name), images) for name in ("codes", "flags", "pixels", "observed")},
        zone=_at(zone, images) if isinstance(zone, np.ndarray) else zone,
    )


def _at(values: np.ndarray | None, images: np.ndarray) -> np.ndarray | None:
    """Those of some images; a single entry is that of all."""
    return values if values is None or len(values) == 1 else values[images]
