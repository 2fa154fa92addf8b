"""Scenes: which band mattered where. Rasters are read in blocks, scored, and written with their place on the ground.

Imports `data`, `engine`, `models`, `cluster`, `results` and `explain`; plots and `r` may import it. xarray, rasterio,
rioxarray, zarr and geopandas are extras, imported where they are needed (`needed.py`).
"""

from .extracting import extract_patches
from .patches import ScenePatches
from .pictures import plot_scene
from .scoring import score_scene
from .zonal import zonal_importance

__all__ = ["ScenePatches", "extract_patches", "plot_scene", "score_scene", "zonal_importance"]
