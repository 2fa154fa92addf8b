"""Bands that are treated as one: `groups={"visible": ["blue", "green", "red"]}`.

Bands in no group stay as they are, each a row of its own. A group stands where the first of its bands stood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import BandError
from .positions import first, spelled
from .words import nearest, shown


@dataclass(frozen=True)
class Features:
    """The rows of the table: single bands and groups of bands.

    Attributes
    ----------
    names : tuple of str
    members : ndarray of bool, shape (features, bands)
        Bands of each; every band belongs to exactly one.
    groups : dict of str to list of str, or None
        The bands' names in each group that was asked for.
    """

    names: tuple[str, ...]
    members: np.ndarray
    groups: dict[str, list[str]] | None

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Mean over the bands of each feature, along the last axis."""
        return np.stack([values[..., row].mean(axis=-1) for row in self.members], axis=-1)


def band_features(groups: Mapping[str, Sequence[Any]] | None, bands: tuple[str, ...]) -> Features:
    """Check groups and lay out the rows of the table.

    Parameters
    ----------
    groups : mapping of str to sequence of str or int, or None
        Names, or positions, of each group's bands.
    bands : tuple of str
        Names of all bands.

    Raises
    ------
    BandError
        If a group is empty, names a band that there is not, shares a band with another, or is called like a band
        that is not in it.
    """
    if not groups and (groups is None or isinstance(groups, Mapping)):
        return Features(bands, np.eye(len(bands), dtype=bool), None)
    if not isinstance(groups, Mapping):
        raise BandError(
            "`groups` must name groups of bands.",
            expected=spelled(
                'a mapping such as {"visible": ["blue", "green", "red"]}',
                'a named list such as list(visible = c("blue", "green", "red"))',
            ),
            given=type(groups).__name__,
        )
    positions = {str(name): _positions(str(name), members, bands) for name, members in groups.items()}
    owner: dict[int, str] = {}
    for name, members in positions.items():
        for band in members:
            if band in owner:
                raise BandError(
                    f"The band '{bands[band]}' comes more than once in `groups`.",
                    expected="every band in one group at most",
                    given=f"in '{owner[band]}' and in '{name}'" if owner[band] != name else f"twice in '{name}'",
                )
            owner[band] = name
    clash = [name for name in positions if name in bands and bands.index(name) not in positions[name]]
    if clash:
        raise BandError(
            f"The group '{clash[0]}' is called like a band that is not in it.",
            fix="give the group another name, or put the band into it",
        )
    names = tuple(dict.fromkeys(owner.get(band, name) for band, name in enumerate(bands)))
    rows = np.array([[owner.get(band, own) == name for band, own in enumerate(bands)] for name in names])
    return Features(names, rows, {name: [bands[band] for band in found] for name, found in positions.items()})


def _positions(name: str, members: Any, bands: tuple[str, ...]) -> list[int]:
    found = []
    for member in [members] if isinstance(members, str | int | np.integer) else list(members):
        if isinstance(member, int | np.integer) and not isinstance(member, bool) and 0 <= member < len(bands):
            found.append(int(member))
        elif str(member) in bands and not isinstance(member, int | np.integer):
            found.append(bands.index(str(member)))
        else:
            given = member + first() if isinstance(member, int | np.integer) else shown(member)
            raise BandError(
                f"The group '{name}' holds a band that there is not.",
                expected=f"names among {', '.join(bands[:8])}{', ...' if len(bands) > 8 else ''}, or positions from "
                f"{first()} to {first() + len(bands) - 1}",
                given=str(given),
                fix=nearest(member, bands),
            )
    if not found:
        raise BandError(f"The group '{name}' is empty.", expected="at least one band")
    return found
