"""A temporary file for images that come once: written batch by batch, then read like any other file.

Most of what is computed reads images several times and in other orders: the model's outputs, a background, the scores.
With the images at hand all of it is what it would be of an array, bit for bit; a sample that is drawn as a stream goes
by would be another one. The file takes as much room as the images have, in their own type, and is removed as soon as
nothing uses it any more.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from pathlib import Path

import numpy as np

from ...errors import SourceError
from ..positions import spelled
from .raw import Raw
from .source import in_words


class Spool:
    """Images that are written down one after the other; `finished` gives what reads them.

    Parameters
    ----------
    shape : tuple of int
        Of one image.
    dtype : dtype
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self.shape, self.dtype, self.n = shape, dtype, 0
        handle, self._path = tempfile.mkstemp(prefix="bandlens-", suffix=".raw")
        self._file = os.fdopen(handle, "wb")

    def add(self, batch: np.ndarray) -> None:
        """Write some more images, shape (images, *image shape).

        Raises
        ------
        SourceError
            If there is no room for them.
        """
        try:
            self._file.write(np.ascontiguousarray(batch).reshape(-1).view(np.uint8).data)
        except OSError as error:
            raise SourceError(
                f"There is no room to keep a stream while it is explained: {in_words(error)}.",
                expected=f"a folder for temporary files that has room for all images; after {self.n}, it is full",
                given=f"'{tempfile.gettempdir()}'",
                fix=spelled(
                    "set the environment variable TMPDIR to a larger one",
                    "set the environment variable TMPDIR to a larger one before Python starts",
                ),
            ) from error
        self.n += len(batch)

    def finished(self) -> Raw:
        """What reads all images; the file is there as long as this is."""
        self._file.close()
        found = Raw(self._path, (self.n, *self.shape), self.dtype, where="what was kept of a stream")
        found.travels = False  # it goes with this process
        weakref.finalize(found, _remove, self._path)
        return found

    def dropped(self) -> None:
        """Remove what was written: the stream has failed."""
        self._file.close()
        _remove(self._path)


def _remove(path: str) -> None:
    Path(path).unlink(missing_ok=True)
