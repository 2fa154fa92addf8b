"""Zones of bands that carry the same information, learnt from images: as a verb, and as `groups="auto"`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..data.band_order import arranged
from ..data.correlated import band_correlation, merged, spectral_order
from ..data.groups import AUTO
from ..data.images import Images, check_background, check_images
from ..data.naming import named_bands
from ..data.options import whole_number
from ..data.ranges import all_known, zone_names
from ..data.sources import Layout, Stream, numbered_axes, opened
from ..data.words import argument, few, quoted, shown
from ..errors import InputError, OptionError
from ..methods import METHODS
from ..results.wavelength_zones import WavelengthZones, cut
from .question import Question


def wavelength_zones(
    background: Any,
    *,
    n_zones: int | str | None = None,
    bands: Sequence[str] | None = None,
    wavelengths: Sequence[float] | None = None,
    band_axis: int | str = -1,
    seed: int = 0,
) -> WavelengthZones:
    """Zones of neighbouring bands that carry the same information.

    Bands that are correlated are the weakness of importances band by band: what they share is split between them
    arbitrarily. Zones are the unit for tens to hundreds of bands: give them as `groups`, or ask for Owen values
    (method "owen"), which are shared by zones first and by the bands within each after.

    Parameters
    ----------
    background : array_like, shape (n, rows, cols, bands), path or stream
        Images of what the model sees, in any form that `band_importance` takes for a model of one input.
    n_zones : int, optional
        How many zones; by default (or "auto") as many as the data speak for: those for which unshared variance, plus
        one half for each zone, is least. Two single bands are one zone if they share more than half of their variance
        (r^2).
    bands : sequence of str, optional
        Names of the bands; by default those that the images bring.
    wavelengths : sequence of float, optional
        Of the bands, in nm. Where all are known, neighbours are those along the spectrum, and zones are called by its
        ranges; else neighbours are those in the order of the images.
    band_axis : int or str
        Axis of the bands.
    seed : int
        Of the pixels that are drawn: 50,000, if there are more.

    Returns
    -------
    WavelengthZones
        With the correlations, and with all merges: `cut` gives another number of zones.

    Raises
    ------
    BandlensError
        As `band_importance` does of images, bands and wavelengths; OptionError if there are fewer bands than zones.

    Notes
    -----
    Ward's hierarchical clustering of the bands by the squares of their correlations over pixels, in which only
    neighbours merge (Grimm 1987, doi:10.1016/0098-3004(87)90022-7, CONISS). The number of zones is chosen with a
    penalty for each, as in segmentation by kernels (Arlot, Celisse & Harchaoui 2019, JMLR 20: 1-56). A band that is
    constant in all pixels correlates with no other.

    Examples
    --------
    >>> zones = bl.wavelength_zones(x_train, wavelengths=wavelengths)
    >>> bl.band_importance(model, x_test, y_test, background=x_train, wavelengths=wavelengths, groups=zones)
    """
    if isinstance(n_zones, str) and n_zones != AUTO:
        raise OptionError(
            "`n_zones` must be a whole number.",
            expected=f"1 or more, or {quoted(AUTO)}, as many as the images speak for",
            given=shown(n_zones),
        )
    wanted = None if n_zones is None or isinstance(n_zones, str) else whole_number("n_zones", n_zones)
    whole_number("seed", seed, 0)
    layout = numbered_axes(background, Layout(band_axis))
    x = opened(background, "background", layout)
    x = x.read("background") if isinstance(x, Stream) else x
    if isinstance(x, Mapping):
        raise InputError(
            "`background` holds several inputs, and zones are of the bands of one.",
            expected="images of one input",
            given=few(map(quoted, x)) or "nothing",
            fix=f"make zones of each, as {argument('groups', AUTO)} does",
        )
    found = arranged(x, bands=bands, wavelengths=wavelengths, band_axis=layout.band_axis, name="background")
    images = check_images(found.x, layout.band_axis, name="background")
    named = named_bands(found.x, images.cells, found.bands, found.wavelengths, None)
    return _zones(images, named.bands, named.wavelengths, wanted, seed)


def with_zones(question: Question) -> Question:
    """The question with groups of bands in place of zones, which may still have to be learnt, from its background.

    Parameters
    ----------
    question : Question
        With its images in order. With several inputs, each has zones of its own. Where its method needs zones and none
        are given, they are learnt, too.
    """
    q = question
    if isinstance(q.groups, WavelengthZones):
        return replace(q, groups=q.groups.groups)
    method = METHODS.get(q.method) if isinstance(q.method, str) else None
    nested = method is not None and method.nested
    if not (isinstance(q.groups, str) and q.groups == AUTO) and not (q.groups is None and nested):
        return q
    images = check_images(q.x, q.band_axis, time_axis=q.time_axis)
    named = named_bands(q.x, images.cells, q.bands, q.wavelengths, q.times)
    whole_number("seed", q.seed, 0)
    learnt = images if q.background is None else check_background(q.background, images)
    members: list[list[int]] = []
    start = 0
    for own in learnt.inputs:
        part = slice(start, start + own.n_bands)
        zones = _zones(own, named.bands[part], named.wavelengths[part], None, q.seed)
        members += [[start + int(at) for at in zones.order if zones.zone[at] == place] for place in range(zones.n)]
        start = part.stop
    # bands of several inputs may have the same name: then zones are called by names that tell these apart
    known = named.wavelengths if all_known(named.wavelengths) else None
    names = zone_names(members, named.labels, known, taken=named.bands)
    return replace(q, groups={name: [named.labels[at] for at in own] for name, own in zip(names, members, strict=True)})


def _zones(
    images: Images, bands: tuple[str, ...], wavelengths: tuple[float, ...], n_zones: int | None, seed: int
) -> WavelengthZones:
    """Zones of the bands of one input."""
    order = spectral_order(wavelengths)
    correlation, n_pixels = band_correlation(images, seed)
    merges = merged(correlation[np.ix_(order, order)])
    names, zone = cut(bands, wavelengths, order, merges, merges.best if n_zones is None else n_zones)
    return WavelengthZones(
        bands=bands,
        wavelengths=wavelengths,
        zones=names,
        zone=zone,
        order=order,
        correlation=correlation,
        step=merges.step,
        unshared=merges.unshared,
        chosen=n_zones is None,
        n_images=images.n,
        n_pixels=n_pixels,
        seed=int(seed),
    )
