"""Bands by name: what has names is compared, and brought into one order only where that was asked for.

A model takes bands by their position, so that images with bands in another order are explained without a word, and
wrongly. Names tell it, where there are names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from os.path import commonprefix  # by characters, which is what names are compared by
from typing import Any

import numpy as np

from ..errors import BandError
from .labelled import LabelledImages, Ordered, named
from .positions import spelled
from .words import few, flags

Names = tuple[str, ...]
MOST_SHOWN = 20
# what programs call bands that nobody has named
PLACEHOLDERS = {"", "band", "lyr", "layer", "channel", "var", "v", "x"}


class Match(Enum):
    """What names of bands say of each other."""

    SAME = "the same"
    ORDER = "another order"
    UNKNOWN = "one of them only counts"
    OTHER = "other bands"


def match(names: Sequence[str], reference: Sequence[str]) -> tuple[Match, tuple[int, ...]]:
    """Compare names with others, and say where in `names` each of `reference` is if only the order differs.

    Case, separators and leading zeros don't matter ("nir_1" is "NIR1", "B02" is "B2"), nor does what all names of one
    side begin or end with, if it holds a digit: files are called after their dates, "T33_20200305_B02". Names that only
    count their bands ("band_1", "lyr.2", "3") are no names: they are the same as any, unless they are the same in
    another order.
    """
    if len(names) != len(reference):
        return Match.OTHER, ()
    for reading in (_keys, _without_affixes):
        one, other = reading(names), reading(reference)
        if one == other:
            return Match.SAME, ()
        if set(one) == set(other) and len(set(one)) == len(one):
            return Match.ORDER, tuple(one.index(key) for key in other)
    mine, others = _keys(names), _keys(reference)
    return (Match.UNKNOWN if _counts(mine, others) or _counts(others, mine) else Match.OTHER), ()


def _keys(names: Sequence[str]) -> list[str]:
    """Names without what doesn't tell bands apart; as they are, should two become one."""
    keys = [re.sub(r"(?<!\d)0+(?=\d)", "", re.sub(r"[\s_.\-]+", "", name.casefold())) for name in names]
    return keys if len(set(keys)) == len(set(names)) else list(names)


def _without_affixes(names: Sequence[str]) -> list[str]:
    if len(names) < 2:
        return _keys(names)
    names = [name.casefold() for name in names]
    front, back = _affix(names), _affix([name[::-1] for name in names])
    return _keys([name[front : len(name) - back] for name in names])


def _affix(names: Sequence[str]) -> int:
    """Length of what all names begin with, up to a separator, if it holds a digit."""
    shared = re.match(r".*[\s_.\-]", commonprefix(list(names)))  # noqa: RUF071
    return len(shared[0]) if shared and re.search(r"\d", shared[0]) else 0


def _counts(keys: Sequence[str], others: Sequence[str]) -> bool:
    """Whether names only count, and the others are not of the same kind with other numbers."""
    parts = [re.fullmatch(r"(.*?)(\d+)", key) for key in keys]
    found = [(part[1], int(part[2])) for part in parts if part]
    stems, numbers = {stem for stem, _ in found}, [number for _, number in found]
    n = len(keys)
    in_turn = numbers in (list(range(n)), list(range(1, n + 1)))
    if len(found) < n or len(stems) != 1 or not (in_turn or stems <= PLACEHOLDERS):
        return False
    return not any(re.fullmatch(re.escape(*stems) + r"\d+", other) for other in others)


@dataclass(frozen=True)
class Arranged:
    """Images and background with their bands in one order, and what describes these bands.

    Attributes
    ----------
    x, background : object
        Without names of their own, which have been looked at.
    bands : tuple of str or None
        Names of the bands; None where nothing names them.
    image_bands : tuple of str or None
        Names that the images themselves have for these bands.
    wavelengths : sequence of float or None
    x_order, order : tuple of int or None
        Where bands were in `x`, and in what describes them (`bands`, `wavelengths`, positions of bands), if elsewhere.
    """

    x: Any
    background: Any
    bands: Names | None
    image_bands: Names | None
    wavelengths: Any
    x_order: tuple[int, ...] | None
    order: tuple[int, ...] | None


@dataclass(frozen=True)
class Reference:
    """The order in which bands have to be.

    Attributes
    ----------
    names : tuple of str
    owner : str
        Whose names these are, as in "the order of ...".
    also : tuple of str or None
        Other names for the same bands.
    """

    names: Names
    owner: str
    also: Names | None = None

    @property
    def every(self) -> tuple[Names, ...]:
        """All names of these bands."""
        return (self.names,) if self.also is None else (self.names, self.also)


def arranged(
    x: Any,
    background: Any = None,
    *,
    bands: Any = None,
    wavelengths: Any = None,
    image_bands: Names | None = None,
    kept: Reference | None = None,
    band_axis: Any = -1,
    reorder: Any = False,
    name: str = "x",
) -> Arranged:
    """Compare the names of the bands that there are, and put images and background into one order if asked to.

    The order is that of the names kept with the model; else that of `bands`; else that of the background, which is
    likely to be what the model was trained on; else that of `x`.

    Parameters
    ----------
    x, background : object
        Images, which may have names of bands with them.
    bands, wavelengths
        As the user gave them, in one order. `bands` that aren't the names of `x` in another order are other names for
        its bands.
    image_bands : tuple of str, optional
        Names that `x` had before.
    kept : Reference, optional
        What the model, or a result, has kept.
    band_axis : int
    reorder : bool
    name : str
        What to call `x` in errors.

    Raises
    ------
    BandError
        If bands are in another order and `reorder` is not asked for, or there are other ones.
    """
    if not isinstance(reorder, bool | np.bool_):
        raise BandError(f"`reorder` must be {flags()}.", given=repr(reorder))
    reorder, called_x = bool(reorder), f"`{name}`"
    brought = x.wavelengths if isinstance(x, LabelledImages) else None
    x, own = named(x, band_axis)
    own = own or image_bands
    given = _as_names(bands)
    background, others = named(background, band_axis)
    # `bands` either say in which order bands have to be, or are other names for those of `x`
    says_order = given is not None and own is not None and match(own, given)[0] is Match.ORDER
    if given and own and match(own, given)[0] is Match.OTHER and _moved(own, given):
        raise _other_bands(called_x, own, given, "`bands`")
    reference = kept
    if reference is None and given:
        reference = Reference(given, "`bands`")
    if reference is None and own and others and match(own, others)[0] is Match.ORDER:
        reference = Reference(others, "`background`")

    order = x_order = None
    if reference is not None:
        names = [one for one in ((own,) if says_order else (given, own)) if one is not None]
        x_order = _order(called_x if own else "`bands`", names, reference.every, reference.owner, reorder)
        order = x_order
        if says_order and given is not None:
            order = _order("`bands`", [given], reference.every, reference.owner, reorder)
    called, image_bands = _taken(given, order), _taken(own, x_order)
    if called is None and kept and (own is None or match(own, kept.names)[0] is Match.UNKNOWN):
        called = kept.names
    if called is None:
        called = image_bands

    background_order = None
    known = [one for one in (*(kept.every if kept else ()), called, image_bands) if one]
    if others and known and len(others) == len(known[0]):  # else the shapes tell
        owner = reference.owner if reference else called_x
        background_order = _order("`background`", [others], known, owner, reorder)
    elif background is not None and others is None and x_order:
        raise BandError(
            "`background` has no names of bands, so that its bands can't be brought into the order of those of `x`.",
            fix=spelled("give bandlens.LabelledImages(background, bands=...)", "name them with `dimnames()`"),
        )
    return Arranged(
        x=Ordered(x, x_order) if x_order else x,
        background=Ordered(background, background_order) if background_order else background,
        bands=called,
        image_bands=image_bands,
        wavelengths=_taken(brought, x_order) if wavelengths is None else _taken(wavelengths, order),
        x_order=x_order,
        order=order,
    )


def _as_names(bands: Any) -> Names | None:
    if bands is None:
        return None
    return tuple(str(name) for name in ([bands] if isinstance(bands, str) else bands))


def _taken(values: Any, order: tuple[int, ...] | None) -> Any:
    if values is None or not order:
        return values
    if np.ndim(values) != 1 or len(values) != len(order):
        return values  # of the wrong number, which is said where it is checked
    return tuple(values[at] for at in order)


def _moved(names: Names, reference: Names) -> bool:
    """Whether a band is in both, at different places."""
    one, other = _keys(names), _keys(reference)
    return len(one) == len(other) and any(key in one and one[at] != key for at, key in enumerate(other))


def _order(
    what: str, names: Sequence[Names], references: Sequence[Names], owner: str, reorder: bool
) -> tuple[int, ...] | None:
    """Where the bands of a reference are among bands that have one or two names each; None if in their places.

    All of `references` are names for the same bands.
    """
    pairs = [(one, other) for one in names for other in references]
    found = [match(*pair) for pair in pairs]
    kinds = [kind for kind, _ in found]
    if not found or Match.SAME in kinds:
        return None
    if Match.ORDER in kinds:
        at = kinds.index(Match.ORDER)
        if not reorder:
            raise _other_order(what, *pairs[at], owner)
        return found[at][1]
    if Match.UNKNOWN in kinds:
        return None
    raise _other_bands(what, *pairs[0], owner)


def _other_order(what: str, names: Names, reference: Names, owner: str) -> BandError:
    return BandError(
        f"{what} {'names' if what == '`bands`' else 'has'} the bands of {owner} in another order.",
        expected=few(reference, MOST_SHOWN),
        given=few(names, MOST_SHOWN),
        fix=f"`{spelled('reorder=True', 'reorder = TRUE')}` brings bands into that order, by name; if it is a name "
        "that is wrong, correct it",
    )


def _other_bands(what: str, names: Names, reference: Names, owner: str) -> BandError:
    return BandError(
        f"{what} {'names' if what == '`bands`' else 'has'} other bands than {owner}.",
        expected=f"{len(reference)}: {few(reference, MOST_SHOWN)}",
        given=f"{len(names)}: {few(names, MOST_SHOWN)}",
        fix="choose the bands that the model takes; if they are the same ones by other names, rename them",
    )
