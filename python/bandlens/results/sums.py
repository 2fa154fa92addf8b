"""Scores summed over steps or bands: how much a band matters at any time, a time in any band, an input as a whole.

Owen values are summed over the bands of each group, whose sums are the Shapley values of the groups.

Signed scores of an image are summed first, so that what speaks for and against the output at different steps cancels as
it does in the output; importance is then the mean size of the sums. Inputs are never mixed.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from ..data.words import choices
from ..errors import OptionError
from .cells import Celled
from .schema import taken

# what a sum keeps of a cell: its input, its band (or the group of this), its step
KEPT: dict[str, tuple[bool, bool, bool]] = {
    "band": (True, True, False),
    "time": (True, False, True),
    "input": (True, False, False),
    "group": (False, True, True),
}
# what a result has not, of which there are no sums
LACKS = {"input": "several inputs", "group": "groups of bands that share first, as Owen values have"}


class Summable(Celled, Protocol):
    """A result with scores of images in cells."""

    @property
    def scores(self) -> np.ndarray:
        """Of each image and output, in each cell."""

    @property
    def band_means(self) -> np.ndarray:
        """Of each image, in each cell."""

    @property
    def pair_scores(self) -> np.ndarray | None:
        """Of some images, against single background images."""

    @property
    def zone_bands(self) -> dict[str, list[str]] | None:
        """Bands of each zone that shared first."""

    @property
    def drops(self) -> np.ndarray | None:
        """Falls of a metric, where images have no scores."""


def sums_of(result: Celled) -> tuple[str, ...]:
    """The sums that say more than the table itself."""
    over_time = ("band", "time") if result.times is not None else ()
    over_bands = ("group",) if getattr(result, "zone_bands", None) is not None else ()
    return over_time + (("input",) if result.inputs is not None else ()) + over_bands


def sum_fields(result: Summable, level: str) -> dict[str, Any]:
    """Those fields of a result that are others where its cells are bands, steps or inputs.

    Raises
    ------
    OptionError
        If the result has no axis to sum over.
    """
    possible = sums_of(result)
    if level not in possible:
        lacks = LACKS.get(level, "a time axis")
        raise OptionError(
            f"There are no sums by {level}: the result has not {lacks}.",
            expected=f"level {choices(possible)}" if possible else "the table itself",
            given=repr(level),
            fix=None if level in LACKS else "compute importance with `time_axis`, which keeps scores per step",
        )
    by_input, by_band, by_time = KEPT[level]
    empty = ("",) * len(result.bands)
    bands = _groups(result) if level == "group" else result.bands
    keys = list(
        zip(
            (result.inputs if by_input else None) or empty,
            bands if by_band else empty,
            (result.times if by_time else None) or empty,
            strict=True,
        )
    )
    cells = list(dict.fromkeys(keys))
    member = np.array([[key == own for key in keys] for own in cells], np.float64)
    fields = taken(result, "band", np.array([keys.index(key) for key in cells]))
    fields["bands"] = tuple(key[1] for key in cells)
    if not by_band:
        fields["wavelengths"] = (float("nan"),) * len(cells)
    if level == "group":
        fields["wavelengths"] = tuple((member @ np.array(result.wavelengths) / member.sum(axis=1)).tolist())
        fields["zone_bands"] = None
        if result.inputs is not None:
            own = [dict.fromkeys(result.inputs[at] for at in np.flatnonzero(row)) for row in member]
            fields["inputs"] = tuple(map(" + ".join, own))
    if not by_time:
        fields["times"] = fields["time_kind"] = None
    if result.drops is not None:
        fields["drops"] = result.drops @ member.T
    fields["scores"] = result.scores @ member.T
    if result.pair_scores is not None:
        fields["pair_scores"] = result.pair_scores @ member.T
    fields["band_means"] = result.band_means @ member.T / member.sum(axis=1)
    # errors of scores that share their draws don't add up
    fields["score_errors"] = fields["draw_errors"] = None
    return fields


def _groups(result: Summable) -> tuple[str, ...]:
    """The group of each cell's band, by the names that tell bands of several inputs apart."""
    labels = result.bands
    if result.inputs is not None:
        labels = tuple(f"{own}:{band}" for own, band in zip(result.inputs, result.bands, strict=True))
    owner = {band: name for name, bands in (result.zone_bands or {}).items() for band in bands}
    return tuple(owner.get(label, label) for label in labels)
