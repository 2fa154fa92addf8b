"""Names of all that scores are given for: bands of one input or of several, at steps in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import BandError
from .cells import Cells
from .inputs import Inputs
from .labels import band_names, band_wavelengths
from .positions import first, spelled
from .times import NAME, needs_axis, time_names
from .words import few, nearest, shown


def cell_label(band: str, input_: str, step: str) -> str:
    """A band at a step in words: "VV", "sar: VV", "VV at 2024-05-01"."""
    text = f"{input_}: {band}" if input_ and input_ != band else band
    return f"{text} at {step}" if step else text


@dataclass(frozen=True)
class Named:
    """Bands of all inputs, in order.

    Attributes
    ----------
    bands : tuple of str
        Names; those of different inputs may be the same.
    wavelengths : tuple of float
        In nm; NaN where unknown.
    inputs : tuple of str or None
        The input of each band; None where there is one.
    steps : tuple of tuple of str
        Names of each band's steps; one empty name where it has no axis of time.
    time_kind : str or None
        What steps are; None where no input has an axis of time.
    """

    bands: tuple[str, ...]
    wavelengths: tuple[float, ...]
    inputs: tuple[str, ...] | None
    steps: tuple[tuple[str, ...], ...]
    time_kind: str | None

    @classmethod
    def single(cls, bands: tuple[str, ...]) -> Named:
        """Bands of one input, without an axis of time."""
        return cls(bands, (float("nan"),) * len(bands), None, (("",),) * len(bands), None)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names that differ: "input:band" where there are several inputs."""
        if self.inputs is None:
            return self.bands
        return tuple(f"{own}:{band}" for own, band in zip(self.inputs, self.bands, strict=True))

    @property
    def n_steps(self) -> tuple[int, ...]:
        """Steps of each band."""
        return tuple(map(len, self.steps))

    @property
    def cell_labels(self) -> tuple[str, ...]:
        """What a message calls each cell."""
        owners = self.inputs or ("",) * len(self.bands)
        return tuple(
            cell_label(band, own, step)
            for band, own, steps in zip(self.bands, owners, self.steps, strict=True)
            for step in steps
        )

    @property
    def cell_wavelengths(self) -> tuple[float, ...]:
        """A wavelength for each cell."""
        pairs = zip(self.wavelengths, self.n_steps, strict=True)
        return tuple(wavelength for wavelength, count in pairs for _ in range(count))

    def is_pair(self, member: Any) -> bool:
        """Whether something is an input's name and a band's."""
        if self.inputs is None or not isinstance(member, tuple) or len(member) != 2:
            return False
        return any((own, band) == tuple(map(str, member)) for own, band in zip(self.inputs, self.bands, strict=True))

    def places(self, member: Any) -> list[int]:
        """Positions of the bands that a name may mean: "band", "input:band" or (input, band)."""
        if self.is_pair(member):
            member = ":".join(map(str, member))
        exact = [place for place, label in enumerate(self.labels) if label == str(member).replace(": ", ":", 1)]
        return exact or [place for place, band in enumerate(self.bands) if band == str(member)]

    def position(self, band: Any, message: str, also: str = "") -> int:
        """Position of the band that a name or a position means.

        Raises
        ------
        BandError
            With the message, if there is no such band; `also` is expected besides names and positions. With another,
            if a name may mean several.
        """
        n, whole = len(self.bands), isinstance(band, int | np.integer) and not isinstance(band, bool)
        if whole and 0 <= band < n:
            return int(band)
        places = [] if isinstance(band, int | np.integer) else self.places(band)
        if len(places) == 1:
            return places[0]
        names = few(self.labels if not places else (self.labels[place] for place in places))
        raise BandError(
            "Several inputs have a band of that name." if places else message,
            expected=f"names among {names}, or positions from {first()} to {n - 1 + first()}{also}",
            given=shown(band + first() if whole else band),
            fix=nearest(band, self.labels),
        )


def named_bands(x: Any, cells: Cells, bands: Any, wavelengths: Any, times: Any) -> Named:
    """Check names, wavelengths and times against what there is.

    Parameters
    ----------
    x : object
        The images as they were arranged: several inputs bring what describes them.
    cells : Cells
    bands, wavelengths, times
        As the user gave them, of one input.

    Raises
    ------
    BandError
        If they don't fit.
    """
    inputs = x if isinstance(x, Inputs) else None
    empty = (None,) * len(cells.parts)
    given = (
        ((bands,), (wavelengths,), (times,))
        if inputs is None
        else tuple(values or empty for values in (inputs.bands, inputs.wavelengths, inputs.times))
    )
    shared = any(values[0] is not None and len(set(map(str, values))) == 1 for values in given)
    names: list[str] = []
    waves: list[float] = []
    owners: list[str] = []
    steps: list[tuple[str, ...]] = []
    kinds: set[str] = set()
    for part, own_bands, own_waves, own_times in zip(cells.parts, *given, strict=True):
        try:
            names += band_names(own_bands, part.n_bands)
            waves += band_wavelengths(own_waves, part.n_bands)
            own_steps: tuple[str, ...] = ("",)
            if part.time_axis is not None:
                own_steps, kind = time_names(own_times, part.n_steps)
                kinds.add(kind)
            elif own_times is not None:
                raise needs_axis()
        except BandError as error:
            if not part.name:
                raise
            message = f"Input '{part.name}': {error.message[:1].lower()}{error.message[1:]}"
            each = spelled("in a dict by the inputs' names", "in a list by the inputs' names")
            fix = f"give what belongs to each input, {each}" if shared else error.fix
            raise BandError(message, expected=error.expected, given=error.given, fix=fix) from error
        owners += [part.name] * part.n_bands
        steps += [own_steps] * part.n_bands
    kind_of_all = None if not kinds else kinds.pop() if len(kinds) == 1 else NAME
    return Named(tuple(names), tuple(waves), tuple(owners) if cells.packed else None, tuple(steps), kind_of_all)
