"""Numbers as they lie in a file, one image after the other: a `.npy` file, or what was written down of a stream.

They are read, not mapped into memory, where what was read would count as used as long as there is room.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ...errors import SourceError
from .source import Source, in_words
from .stamps import Stamp


class Raw(Source):
    """Images in a file, in C order.

    Parameters
    ----------
    path : str
    shape : tuple of int
    dtype : dtype
    offset : int
        Bytes before the first image.
    where : str, optional
        What to call the file.
    """

    travels = True

    def __init__(
        self, path: str, shape: tuple[int, ...], dtype: np.dtype, offset: int = 0, where: str | None = None
    ) -> None:
        self.path, self.shape, self.dtype, self.offset = path, shape, dtype, offset
        self.where = where or f"file '{path}'"
        self._stamp = Stamp.of(path)
        self._file: BinaryIO | None = None
        self._lock = threading.Lock()

    def read(self, start: int, stop: int) -> np.ndarray:
        """Consecutive images."""
        found = np.empty((stop - start, *self.shape[1:]), self.dtype)
        size = int(np.prod(self.shape[1:])) * self.dtype.itemsize
        with self._lock:
            if self._file is None:
                self._file = Path(self.path).open("rb")  # noqa: SIM115  # as long as this is there
            self._file.seek(self.offset + start * size)
            # an array of bytes, since not all types of numbers can be viewed by files
            count = self._file.readinto(found.reshape(-1).view(np.uint8).data)  # type: ignore[attr-defined]
        if count < found.nbytes:
            raise EOFError("the file ends before the images do")
        return found

    def check_unchanged(self, *, whole: bool) -> None:
        """As for `Source`."""
        self._stamp.check()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name not in ("_file", "_lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _file=None, _lock=threading.Lock())

    def __del__(self) -> None:
        if self.__dict__.get("_file") is not None:
            self._file.close()  # type: ignore[union-attr]


def open_npy(path: str) -> Source | np.ndarray:
    """Images in a `.npy` file; one in Fortran's order is mapped into memory instead.

    Raises
    ------
    SourceError
        If it holds no array.
    """
    try:
        with Path(path).open("rb") as file:
            version = np.lib.format.read_magic(file)
            read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
            shape, fortran, dtype = read[version](file)
            offset = file.tell()
        if fortran and len(shape) > 1:
            mapped: np.ndarray = np.load(path, mmap_mode="r")
            return mapped
        if dtype.hasobject:
            raise ValueError("it holds Python objects")
    except (ValueError, KeyError, EOFError) as error:
        raise SourceError(
            f"The file '{path}' can't be read.", expected="an array that `numpy.save` wrote", given=in_words(error)
        ) from error
    return Raw(path, tuple(shape), dtype, offset)
