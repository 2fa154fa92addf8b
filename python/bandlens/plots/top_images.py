"""The images of a data set that excite each feature most, a feature in a row, beside the image that was made for it.

The reality check: what was found from noise should have something in common with what the data hold. The other kind
shows their spectra, with that of all images and that of the made image.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import plotnine as p9

from ..data.options import whole
from ..data.words import and_more
from ..errors import OptionError
from .axes import Bands
from .composites import STRETCH
from .feature_grid import need_pixels
from .feature_spectrum import lines
from .pictures import brightness, check_number, composite_name, drawn, hexes, pixel_frame, rgb_bands

if TYPE_CHECKING:
    from ..features import FeatureImages, TopImages


def draw_images(
    result: TopImages,
    found: FeatureImages | None = None,
    *,
    rgb: Sequence[str | int] | str | None = None,
    most: int = 6,
    base_size: float = 8,
    width: float = 175,
) -> p9.ggplot:
    """Composites of the images, a feature in a row.

    Parameters
    ----------
    result : TopImages
    found : FeatureImages, optional
        Of the same features: each stands in front of its row.
    rgb : sequence of three str or int, or "strongest", optional
        As for `FeatureImages.plot`; "strongest" are the strongest of `found`, without it those whose mean over these
        images is furthest from that of all images, in standard deviations within images.
    most : int
        Images per feature.
    base_size : float
        Font size in points.
    width : float
        Width in mm at which the picture will be shown.

    Returns
    -------
    plotnine.ggplot
        Each band of the data's images is stretched from its 2 % to its 98 % quantile over all that are shown; the made
        images have mid-grey as the middle of their ranges, and full colours at their largest deviations from it.
    """
    need_pixels(result)
    made = _made(result, found)
    k = min(whole()("most", most), result.index.shape[1])
    columns = k + (made is not None)
    check_number(columns * len(result.names), "images")
    chosen = rgb_bands(result, rgb, _difference(result) if found is None else found.contrast[made])
    pixels = result.values[:, :k][..., chosen]
    low, high = np.quantile(pixels.reshape(-1, 3), STRETCH, axis=0)
    pictures = [hexes(brightness(one, low, high, "range")) for one in pixels]
    rows = []
    titles = {}
    for at, name in enumerate(result.names):
        if made is not None and found is not None:
            own = found.values[made[at] : made[at] + 1][..., chosen]
            rows.append(hexes(brightness(own, found.low[chosen], found.high[chosen], "image")))
            titles[f"{at}_found"] = f"feature {name}"
        rows.append(pictures[at])
        for place in range(k):
            front = f"feature {name}: " if place == 0 and made is None else ""
            titles[f"{at}_{place}"] = f"{front}{result.activation[at, place]:.3g}"
    notes = [
        f"{own_input(result)}{k} of {result.n} images, with their activation ({result.statistic} over positions); "
        f"{composite_name(result, chosen)}"
    ]
    notes += _silent(result)
    if made is not None:
        notes.append("first: the image that was made for the feature; mid-grey is the middle of the bands' ranges")
    return drawn(
        pixel_frame(list(titles), np.concatenate(rows), "colour"),
        titles,
        result.values.shape[2:4],
        title=f"Images that excite features of layer '{result.layer}' most",
        notes=notes,
        width=width,
        base_size=base_size,
        columns=columns,
    )


# features that a subtitle names
MOST_NAMED = 5


def _silent(result: TopImages) -> list[str]:
    """A note on features that no image excites more than another."""
    if result.silent is None or not result.silent.any():
        return []
    names = [name for name, silent in zip(result.names, result.silent, strict=True) if silent]
    return [f"equally active in all images, which are just the first ones: feature {and_more(names, MOST_NAMED)}"]


def own_input(result: TopImages) -> str:
    """Which input is shown, where there are several."""
    return "" if result.input is None else f"input {result.input}; "


def draw_spectrum(
    result: TopImages, found: FeatureImages | None = None, *, base_size: float = 8, width: float = 175
) -> p9.ggplot:
    """Spectra of the images, of all images and of the made one, a panel per feature.

    Parameters
    ----------
    result : TopImages
    found : FeatureImages, optional
        Of the same features.
    base_size : float
        Font size in points.
    width : float
        Width in mm at which the picture will be shown.

    Returns
    -------
    plotnine.ggplot
    """
    check_number(len(result.names), "features")
    made = _made(result, found)
    k = result.index.shape[1]
    order = [f"top {k} images", *(["image made for the feature"] if made is not None else [])]
    parts = []
    for at in range(len(result.names)):
        spectra: list[tuple[str, Any, Any]] = [(order[0], result.mean[at].mean(axis=0), result.std[at].mean(axis=0))]
        if made is not None and found is not None:
            pixels = found.values[made[at]].reshape(-1, len(result.bands)).astype(np.float64)
            spectra.append((order[1], pixels.mean(axis=0), pixels.std(axis=0)))
        for name, mean, std in spectra:
            parts.append(
                pd.DataFrame(
                    {
                        "panel": str(at),
                        "line": name,
                        "band": pd.Categorical(result.bands, categories=pd.Index(result.bands), ordered=True),
                        "wavelength": result.wavelengths,
                        "mean": mean,
                        "std": std,
                        "low": result.all_mean - result.all_std,
                        "high": result.all_mean + result.all_std,
                    }
                )
            )
    frame = pd.concat(parts, ignore_index=True)
    frame["line"] = pd.Categorical(frame["line"], categories=pd.Index(order), ordered=True)
    notes = [
        f"{own_input(result)}lines: mean over pixels; ribbons: one standard deviation over pixels, the mean of images; "
        f"grey: the same of all {result.n} images"
    ]
    return lines(
        frame,
        {str(at): f"feature {name}" for at, name in enumerate(result.names)},
        Bands(result.bands, result.wavelengths),
        title=f"Spectra of images that excite features of layer '{result.layer}' most",
        notes=notes,
        width=width,
        base_size=base_size,
    )


def _difference(result: TopImages) -> np.ndarray:
    """How far the mean of each feature's images is from that of all, in standard deviations within images."""
    spread = np.where(result.all_std > 0, result.all_std, np.nan)
    return np.abs(result.mean.mean(axis=1) - result.all_mean) / spread


def _made(result: TopImages, found: FeatureImages | None) -> list[int] | None:
    """For each feature the position of its first image among those found."""
    if found is None:
        return None
    known = found.feature.tolist()
    if found.layer != result.layer or found.bands != result.bands or not set(result.feature.tolist()) <= set(known):
        raise OptionError(
            "`found` are not images of these features.",
            expected=f"images of features {', '.join(result.names[:8])} of layer '{result.layer}', with the same bands",
            given=f"features {', '.join(found.names[:8])} of layer '{found.layer}'",
        )
    return [known.index(feature) for feature in result.feature.tolist()]
