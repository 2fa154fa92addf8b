"""Where blocks go: arrays in memory, a Cloud-Optimised GeoTIFF, or zarr. What is written goes on where it stopped."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .datasets import about, attributes, axes_of, dataset, plain_attribute
from .grid import TILE, Block
from .keeping import Unfinished
from .needed import needed
from .work import CONFIDENCE, NO_CLASS, PREDICTION, PROBABILITY, SCORE, BlockScores, SceneWork, Tally, missing

# sides of the tiles of a GeoTIFF
GEOTIFF_TILE = 256
METADATA = "bandlens"
# and of what is read of one
READ = 1024


class Sink(Protocol):
    """Takes in blocks, in any order."""

    def done(self) -> set[int]:
        """Blocks that need not be computed."""
        ...

    def write(self, block: Block, found: BlockScores) -> None:
        """Take in a block."""
        ...

    def finish(self, model: Any) -> tuple[Any, Tally]:
        """Put all together, and say what there is to say."""
        ...


@dataclass
class Memory:
    """Arrays in memory."""

    work: SceneWork
    arrays: dict[str, np.ndarray] = field(init=False)
    tallies: dict[int, Tally] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.arrays = self.work.layers.empty(self.work.grid.rows, self.work.grid.cols)

    def done(self) -> set[int]:
        """None."""
        return set()

    def write(self, block: Block, found: BlockScores) -> None:
        """Put a block where it belongs."""
        for name, values in found.values.items():
            self.arrays[name][(..., *_cells(block))] = values
        self.tallies[block.index] = found.tally

    def finish(self, model: Any) -> tuple[Any, Tally]:
        """The dataset."""
        tally = _merged(self.tallies)
        return dataset(self.work, self.arrays, about(self.work, model, tally)), tally


@dataclass
class Written:
    """What both kinds of files share: blocks that are done are known."""

    work: SceneWork
    kept: Unfinished

    def done(self) -> set[int]:
        """Blocks that an earlier call has finished."""
        return self.kept.done()

    def tally(self) -> Tally:
        """Of all blocks."""
        return _merged({block.index: self.kept.tally(block.index) for block in self.work.grid.blocks()})


class GeoTIFF(Written):
    """A Cloud-Optimised GeoTIFF, made at the end from the blocks."""

    def write(self, block: Block, found: BlockScores) -> None:
        """Keep a block in a file of its own, as GeoTIFF is not safe against being interrupted."""
        self.kept.save(block.index, found.values)
        self.kept.mark(block.index, found.tally)

    def finish(self, model: Any) -> tuple[Any, Tally]:
        """Put the blocks together, with overviews, and open the file."""
        rasterio = needed("rasterio", "A GeoTIFF")
        copy = needed("rasterio.shutil", "A GeoTIFF").copy
        work, grid, layers = self.work, self.work.grid, self.work.layers
        tiles, made, tally = self.kept.folder / "tiles.tif", self.kept.folder / "scores.tif", self.tally()
        tile = min(GEOTIFF_TILE, -(-max(grid.rows, grid.cols) // TILE) * TILE)
        described: dict[str, Any] = {
            "driver": "GTiff",
            "width": grid.cols,
            "height": grid.rows,
            "count": len(layers.names),
            "dtype": "float32",
            "nodata": np.nan,
            "transform": rasterio.Affine(*grid.transform),
            "crs": grid.crs or None,
            "tiled": True,
            "blockxsize": tile,
            "blockysize": tile,
            "BIGTIFF": "IF_SAFER",
        }
        with rasterio.open(tiles, "w", **described) as file:
            for block in grid.blocks():
                window = rasterio.windows.Window(block.col, block.row, block.cols, block.rows)
                file.write(as_layers(work, self.kept.saved(block.index)), window=window)
            for at, name in enumerate(layers.names, start=1):
                file.set_band_description(at, name)
            file.update_tags(**{METADATA: json.dumps(about(work, model, tally))})
        # classes have no mean
        resampling = "NEAREST" if layers.prediction else "AVERAGE"
        options = {"COMPRESS": "DEFLATE", "PREDICTOR": "YES", "BIGTIFF": "IF_SAFER"}
        copy(tiles, made, driver="COG", OVERVIEW_RESAMPLING=resampling, **options)
        self.kept.finish(made)
        arrays = from_layers(work, _layers_in(self.kept.path))
        return dataset(work, arrays, about(work, model, tally)), tally


class Zarr(Written):
    """A zarr store, written block by block."""

    @property
    def store(self) -> Path:
        """While it is unfinished."""
        return self.kept.folder / "scores.zarr"

    def begin(self, model: Any) -> None:
        """Make the store, in which nothing is known yet, unless an earlier call has."""
        begun = self.kept.folder / "begun"
        if begun.exists():
            return
        zarr, work, grid = needed("zarr", "A zarr store"), self.work, self.work.grid
        second = {"zarr_format": 2} if int(zarr.__version__.split(".")[0]) > 2 else {}
        shutil.rmtree(self.store, ignore_errors=True)
        dataset(work, {}, about(work, model, None)).to_zarr(self.store, consolidated=False, **second)
        group = zarr.open_group(str(self.store), mode="r+")
        create = group.create_array if second else group.create_dataset
        for name, shape in work.layers.shapes(grid.rows, grid.cols).items():
            fill, dtype = missing(name)
            chunks = (*shape[:-2], min(grid.block, grid.rows), min(grid.block, grid.cols))
            made = create(name=name, shape=shape, chunks=chunks, dtype=dtype, fill_value=fill)
            said = {key: plain_attribute(value) for key, value in attributes(work, name).items() if key[0] != "_"}
            made.attrs.update({**said, "grid_mapping": "spatial_ref", "_ARRAY_DIMENSIONS": list(axes_of(work, name))})
        begun.touch()

    def write(self, block: Block, found: BlockScores) -> None:
        """Write a block into the store, and mark it."""
        group = needed("zarr", "A zarr store").open_group(str(self.store), mode="r+")
        for name, values in found.values.items():
            group[name][(..., *_cells(block))] = values
        self.kept.mark(block.index, found.tally)

    def finish(self, model: Any) -> tuple[Any, Tally]:
        """Say what was found, and open the store."""
        zarr, tally = needed("zarr", "A zarr store"), self.tally()
        zarr.open_group(str(self.store), mode="r+").attrs.update(about(self.work, model, tally))
        zarr.consolidate_metadata(str(self.store))
        self.kept.finish(self.store)
        chunks: dict[str, int] | None = {} if find_spec("dask") else None
        opened = needed("xarray", "A zarr store").open_zarr
        return opened(self.kept.path, chunks=chunks, mask_and_scale=False, decode_coords="all"), tally


def as_layers(work: SceneWork, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """Arrays of a block as layers of a file, float32, in the order of `Layers.names`."""
    found = []
    for name in (PREDICTION, CONFIDENCE, PROBABILITY, SCORE):
        if name not in values:
            continue
        own = values[name].reshape(-1, *values[name].shape[-2:]).astype(np.float32)
        if name == PREDICTION:
            own[own == NO_CLASS] = np.nan
        found.append(own)
    return np.concatenate(found)


def from_layers(work: SceneWork, stack: Any) -> dict[str, Any]:
    """Arrays by name, of all layers of a file; of Dask if these are."""
    found, at = {}, 0
    for name, shape in work.layers.shapes(work.grid.rows, work.grid.cols).items():
        n = int(np.prod(shape[:-2]))
        own = stack[at : at + n].reshape(shape)
        if name == PREDICTION:
            own = np.where(np.isnan(own), NO_CLASS, own).astype(np.int16)
        found[name], at = own, at + n
    return found


def _layers_in(path: Path) -> Any:
    """All layers of a file: still in it, where there is Dask; else read."""
    if find_spec("dask"):
        return needed("rioxarray", "A GeoTIFF").open_rasterio(path, chunks=dict.fromkeys(("y", "x"), READ)).data
    with needed("rasterio", "A GeoTIFF").open(path) as file:
        return file.read()


def _cells(block: Block) -> tuple[slice, slice]:
    return slice(block.row, block.row + block.rows), slice(block.col, block.col + block.cols)


def _merged(tallies: Mapping[int, Tally]) -> Tally:
    merged = Tally()
    for index in sorted(tallies):
        merged = merged.plus(tallies[index])
    return merged
