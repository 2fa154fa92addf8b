"""Bands that are treated as one: `groups={"visible": ["blue", "green", "red"]}`.

Bands in no group stay as they are, each a row of its own. A group stands where the first of its bands stood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import BandError
from .naming import Named, cell_label
from .positions import first, spelled
from .words import few, nearest, quoted, shown

BY_INPUT = "input"
# zones of correlated bands, which are learnt before groups are looked at
AUTO = "auto"


@dataclass(frozen=True)
class Features:
    """The rows of the table: single bands and groups of bands, each perhaps at several steps in time.

    Attributes
    ----------
    names : tuple of str
        Of bands and groups; with several inputs or steps, some may be the same.
    members : ndarray of bool, shape (features, cells)
        Cells of each; every cell belongs to exactly one.
    groups : dict of str to list of str, or None
        The bands' names in each group that was asked for.
    inputs, times : tuple of str or None
        The input and the step of each; None where there is one input, or no axis of time.
    time_kind : str or None
        What steps are: "date", "number" or "name".
    labels : tuple of str
        Names that differ, to be read in messages.
    zones : ndarray of int64, shape (features,), or None
        The zone that each is in, where groups are zones of single bands; None where they are features themselves.
    zone_bands : dict of str to list of str, or None
        The bands' names in each of these zones.
    """

    names: tuple[str, ...]
    members: np.ndarray
    groups: dict[str, list[str]] | None
    inputs: tuple[str, ...] | None = None
    times: tuple[str, ...] | None = None
    time_kind: str | None = None
    labels: tuple[str, ...] = ()
    zones: np.ndarray | None = None
    zone_bands: dict[str, list[str]] | None = None

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Mean over the cells of each feature, along the last axis."""
        return np.stack([values[..., row].mean(axis=-1) for row in self.members], axis=-1)


def band_features(groups: Mapping[str, Sequence[Any]] | str | None, bands: Named) -> Features:
    """Check groups and lay out the rows of the table.

    Parameters
    ----------
    groups : mapping of str to sequence of str, int or (str, str), "input", or None
        Names, or positions, of each group's bands; of several inputs "input:band" or (input, band), if the band's name
        alone would be that of several.
    bands : Named
        Names of all bands.

    Raises
    ------
    BandError
        If a group is empty, names a band that there is not, or one of several inputs by its name alone, shares a band
        with another, or is called like a band that is not in it.
    """
    every = bands.bands
    if isinstance(groups, str) and groups == BY_INPUT and bands.inputs is not None:
        found = {name: [at for at, own in enumerate(bands.inputs) if own == name] for name in bands.inputs}
        return _features(found, dict(enumerate(bands.inputs)), bands)
    if not groups and (groups is None or isinstance(groups, Mapping)):
        return _features(None, {}, bands)
    if not isinstance(groups, Mapping):
        single = f", or {quoted(BY_INPUT)}, which needs a model of several inputs"
        raise BandError(
            "`groups` must name groups of bands.",
            expected=spelled(
                'a mapping such as {"visible": ["blue", "green", "red"]}',
                'a named list such as list(visible = c("blue", "green", "red"))',
            )
            + f", or {quoted(AUTO)}"
            + (f", or {quoted(BY_INPUT)}" if bands.inputs else single if isinstance(groups, str) else ""),
            given=shown(groups) if isinstance(groups, str) else type(groups).__name__,
            fix=nearest(groups, (AUTO, *([BY_INPUT] if bands.inputs else []))) if isinstance(groups, str) else None,
        )
    positions = {str(name): _positions(str(name), members, bands) for name, members in groups.items()}
    owner: dict[int, str] = {}
    for name, members in positions.items():
        for band in members:
            if band in owner:
                raise BandError(
                    f"The band '{bands.labels[band]}' comes more than once in `groups`.",
                    expected="every band in one group at most",
                    given=f"in '{owner[band]}' and in '{name}'" if owner[band] != name else f"twice in '{name}'",
                )
            owner[band] = name
    clash = [name for name in positions if name in every and every.index(name) not in positions[name]]
    if clash:
        raise BandError(
            f"The group '{clash[0]}' is called like a band that is not in it.",
            fix="give the group another name, or put the band into it",
        )
    return _features(positions, owner, bands)


def nested_features(groups: Mapping[str, Sequence[Any]] | str | None, bands: Named) -> Features:
    """Single bands in zones: check groups as `band_features` does, but let bands keep their rows; raises as it."""
    outer, inner = band_features(groups, bands), _features(None, {}, bands)
    zones = outer.members[:, inner.members.argmax(axis=1)].argmax(axis=0)
    zone_bands = outer.groups
    if bands.inputs is not None and groups == BY_INPUT:
        own = list(zip(bands.inputs, bands.labels, strict=True))
        zone_bands = {name: [label for input_, label in own if input_ == name] for name in dict.fromkeys(bands.inputs)}
    return replace(inner, zones=zones, zone_bands=zone_bands)


def _features(positions: dict[str, list[int]] | None, owner: Mapping[int, str], bands: Named) -> Features:
    """Rows of the table: bands and groups in the order of their first bands, and for each its steps."""
    rows: dict[Any, list[int]] = {}
    for band, name in enumerate(bands.bands):
        rows.setdefault(owner.get(band, (band, name)), []).append(band)
    names, inputs, times, members = [], [], [], []
    first_cell = np.cumsum([0, *bands.n_steps])
    for key, own in rows.items():
        name = key if isinstance(key, str) else key[1]
        steps = {bands.steps[band] for band in own}
        if len(steps) > 1:
            raise BandError(
                f"The bands of group '{name}' have different steps in time.",
                expected="bands of inputs with the same `times`, or without an axis of time",
                given=few([f"{bands.labels[band]}: {bands.n_steps[band]} steps" for band in own]),
            )
        for at, step in enumerate(bands.steps[own[0]]):
            row = np.zeros(first_cell[-1], bool)
            row[[first_cell[band] + at for band in own]] = True
            members.append(row)
            names.append(name)
            times.append(step)
            inputs.append(" + ".join(dict.fromkeys(bands.inputs[band] for band in own)) if bands.inputs else "")
    labels = [cell_label(name, input_, step) for name, input_, step in zip(names, inputs, times, strict=True)]
    return Features(
        names=tuple(names),
        members=np.array(members),
        groups=None if positions is None else {n: [bands.labels[at] for at in own] for n, own in positions.items()},
        inputs=tuple(inputs) if bands.inputs else None,
        times=tuple(times) if bands.time_kind else None,
        time_kind=bands.time_kind,
        labels=tuple(labels),
    )


def _positions(name: str, members: Any, bands: Named) -> list[int]:
    found = []
    single = isinstance(members, str | int | np.integer) or bands.is_pair(members)
    for member in [members] if single else list(members):
        whole = isinstance(member, int | np.integer) and not isinstance(member, bool)
        if whole and bands.inputs is None and 0 <= member < len(bands.bands):
            found.append(int(member))
            continue
        places = [] if isinstance(member, int | np.integer) else bands.places(member)
        if len(places) == 1:
            found += places
            continue
        if places:
            raise BandError(
                f"The group '{name}' holds a band that several inputs have.",
                expected=few([quoted(bands.labels[place]) for place in places], join=" or "),
                given=shown(member),
            )
        given = member + first() if isinstance(member, int | np.integer) else shown(member)
        known, last = bands.labels, len(bands.bands) - 1
        places_text = "" if bands.inputs else f", or positions from {first()} to {first() + last}"
        raise BandError(
            f"The group '{name}' holds a band that there is not.",
            expected=f"names among {', '.join(known[:8])}{', ...' if len(known) > 8 else ''}{places_text}",
            given=str(given),
            fix=nearest(member, known),
        )
    if not found:
        raise BandError(f"The group '{name}' is empty.", expected="at least one band")
    return found
