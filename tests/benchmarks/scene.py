"""Scoring a whole Sentinel-2 tile: pixels per second, peak memory, and what is spent besides the model's own computing.

    python tests/benchmarks/scene.py                       # 10,980 x 10,980 pixels x 13 bands at stride 64
    python tests/benchmarks/scene.py --small               # a part of it, quick, to see that it runs
    python tests/benchmarks/scene.py --background 16 --to scores.zarr

The scene is a virtual raster (VRT) of 9 x 9 copies of a file of 1,220 x 1,220 pixels, so that it needs little room on
the disk; GDAL reads all of its 3.1 GB. Windows are 64 x 64 pixels, and the network is small, which is what makes
reading and cutting count: a convolution of 8 kernels of 5 x 5 with stride 4, ReLU, the mean, ten outputs. The model's
own computing is the time inside compiled steps, and that to compile them; libraries are loaded before. Where others use
the machine, too, the share of the processors' time is the one to read.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from common import row  # which also finds bandlens

import bandlens as bl  # isort: skip
import keras
import rasterio
import rioxarray  # noqa: F401 - a result is one of its datasets: loading it is no part of scoring
from bandlens.engine.backends import tensorflow as backend

BANDS, SIZE, TILE, COPIES, OUTPUTS = 13, 64, 1220, 9, 10
MOST_GB, MOST_OUTSIDE = 3.0, 0.15


def network() -> Any:
    """A small one."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    middle = [layers.Conv2D(8, 5, strides=4, activation="relu"), layers.GlobalAveragePooling2D()]
    return keras.Sequential([keras.Input((SIZE, SIZE, BANDS)), *middle, layers.Dense(OUTPUTS)])


def scene(folder: Path, copies: int) -> Path:
    """A virtual raster of copies of one file, side by side."""
    random, tile = np.random.default_rng(0), folder / "tile.tif"
    described = {"width": TILE, "height": TILE, "count": BANDS, "dtype": "uint16", "tiled": True}
    grid = {"transform": rasterio.Affine(10, 0, 600000, 0, -10, 5900040), "crs": "EPSG:32633"}
    with rasterio.open(tile, "w", driver="GTiff", **described, **grid) as file:
        file.write(random.integers(0, 3000, (BANDS, TILE, TILE), np.uint16))
        wkt = file.crs.to_wkt()
    side = copies * TILE
    bands = ""
    for band in range(1, BANDS + 1):
        bands += f'<VRTRasterBand dataType="UInt16" band="{band}"><Description>B{band:02d}</Description>'
        for copy in range(copies**2):
            left, top = TILE * (copy % copies), TILE * (copy // copies)
            bands += (
                f'<SimpleSource><SourceFilename relativeToVRT="1">tile.tif</SourceFilename><SourceBand>{band}'
                f'</SourceBand><SrcRect xOff="0" yOff="0" xSize="{TILE}" ySize="{TILE}"/><DstRect xOff="{left}" '
                f'yOff="{top}" xSize="{TILE}" ySize="{TILE}"/></SimpleSource>'
            )
        bands += "</VRTRasterBand>"
    text = (
        f'<VRTDataset rasterXSize="{side}" rasterYSize="{side}"><SRS>{wkt}</SRS><GeoTransform>600000,10,0,5900040,0,-10'
        f"</GeoTransform>{bands}</VRTDataset>"
    )
    path = folder / "scene.vrt"
    path.write_text(text.replace('"EPSG"', "&quot;EPSG&quot;"), encoding="utf-8")
    return path


class Clock:
    """Seconds inside compiled steps, and while they are compiled: on the wall, and of all processors."""

    def __init__(self) -> None:
        self.wall = self.processors = 0.0
        compile_step = backend.compile

        def compile(*arguments: Any, **options: Any) -> Callable[..., Any]:
            step = self.timed(compile_step)(*arguments, **options)
            return self.timed(step)

        backend.compile = compile

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, timed."""

        def call(*arguments: Any, **options: Any) -> Any:
            start, used = time.perf_counter(), time.process_time()
            try:
                return function(*arguments, **options)
            finally:
                self.wall += time.perf_counter() - start
                self.processors += time.process_time() - used

        return call


def main() -> None:
    """Score the scene and say what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a ninth of the rows and columns")
    parser.add_argument("--background", type=int, default=16, help="background images")
    parser.add_argument("--stride", type=int, default=64)
    parser.add_argument("--to", default="scores.tif", help="name of the file that is written, .tif or .zarr")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        path, clock = scene(folder, 1 if given.small else COPIES), Clock()
        model = network()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        start, used = time.perf_counter(), time.process_time()
        found = bl.score_scene(
            model, path, stride=given.stride, n_background=given.background, path=folder / given.to, progress=False
        )
        taken, used = time.perf_counter() - start, time.process_time() - used
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        cells, pixels = found.attrs["n_scored"], (TILE * (1 if given.small else COPIES)) ** 2
        row("cells of 64 x 64 pixels x 13 bands", f"{cells}", f"{taken:.0f} s, {given.background} background images")
        row("pixels of the scene per second", f"{pixels / taken:,.0f}", f"{cells / taken:.0f} windows per second")
        row("peak memory", f"{peak:.2f} GB", f"{before:.2f} GB before; at most {MOST_GB:g} GB")
        for what, part in (("time", clock.wall / taken), ("processors' time", clock.processors / used)):
            limit = f"at most {100 * MOST_OUTSIDE:.0f} %"
            row(f"{what} outside the model's computing", f"{100 * (1 - part):.1f} %", limit)


if __name__ == "__main__":
    main()
