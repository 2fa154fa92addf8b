"""Patches as a folder of GeoTIFFs, one image each, with the names that their bands have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import MissingPackageError, SourceError
from .source import Source, in_words
from .stamps import Stamp


class Tiffs(Source):
    """GeoTIFFs of one shape, each an image (rows, cols, bands).

    Parameters
    ----------
    paths : sequence of str
    """

    travels = True

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = tuple(paths)
        self.where = f"file '{paths[0]}'" if len(paths) == 1 else f"{len(paths)} files, '{paths[0]}' and others"
        # of each file when it was first read
        self._states = np.full((len(paths), 3), -1, np.int64)
        Stamp.of(paths[0])
        try:
            with _rasterio().open(paths[0]) as file:
                self.shape = (len(paths), *file.shape, file.count)
                self.dtype = np.dtype(np.result_type(*file.dtypes))
                self.bands = _names(file.descriptions)
                self.missing = None if file.nodata is None or np.isnan(file.nodata) else float(file.nodata)
        except _rasterio().errors.RasterioError as error:
            raise SourceError(f"The file '{paths[0]}' can't be read.", given=in_words(error)) from error

    def read(self, start: int, stop: int) -> np.ndarray:
        """Consecutive images."""
        found = np.empty((stop - start, *self.shape[1:]), self.dtype)
        for image, state, path in zip(found, self._states[start:stop], self.paths[start:stop], strict=True):
            now = Stamp.of(path)
            if state[0] >= 0:
                Stamp(path, (int(state[0]), int(state[1]), int(state[2]))).check()
            state[:] = now.state
            try:
                with _rasterio().open(path) as file:
                    pixels = np.moveaxis(file.read(), 0, -1)
            except _rasterio().errors.RasterioError as error:
                raise SourceError(f"The file '{path}' can't be read.", given=in_words(error)) from error
            if pixels.shape != self.shape[1:] or pixels.dtype != self.dtype:
                raise SourceError(
                    f"The image in '{path}' is unlike the others.",
                    expected=f"shape {self.shape[1:]}, {self.dtype}, as in '{self.paths[0]}'",
                    given=f"shape {pixels.shape}, {pixels.dtype}",
                )
            image[...] = pixels
        return found


def _names(descriptions: Sequence[str | None]) -> tuple[str, ...] | None:
    """What a file calls its bands, if it has a name for each."""
    names = tuple(str(one) for one in descriptions if one)
    return names if len(set(names)) == len(descriptions) else None


def _rasterio() -> Any:
    try:
        import rasterio
        import rasterio.errors
    except ImportError as error:
        raise MissingPackageError(
            "Images in GeoTIFFs need the Python package rasterio.",
            fix="pip install 'bandlens[scenes]'",
        ) from error
    return rasterio
