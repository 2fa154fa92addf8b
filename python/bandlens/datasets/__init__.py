"""Real data to try things on, shipped with the package; `README.md` in this folder says where it comes from."""

from __future__ import annotations

from .patches import Patches, read_patches

__all__ = ["Patches", "landsat"]


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
