"""Scenes: which band mattered where. Rasters are read in blocks, scored, and written with their place on the ground.

Imports `data`, `engine`, `models`, `cluster`, `results` and `explain`; plots and `r` may import it. xarray, rasterio,
rioxarray, zarr and geopandas are extras, imported where they are needed (`needed.py`).
"""

from .scoring import score_scene

__all__ = ["score_scene"]
