"""What all containers that are no arrays in memory have in common: shape, rows by position, errors that say where.

Files keep images in blocks, which are read and decompressed as a whole, or computed. Batches are smaller than these, so
that the last block is kept: a block is read once as images go by in order. Images by position are read in the order in
which they lie, those of a block together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...errors import BandlensError, SourceError
from ..positions import first

# bytes of a block that is kept; larger ones are read in part, as often as they are asked for
MOST_KEPT = 1 << 27


class Source:
    """Images by position: an array of shape (n, *image shape), as far as reading it goes.

    It can be pickled where what it reads from can be opened elsewhere: then it takes along where that is, and no image.

    Attributes
    ----------
    shape : tuple of int
    dtype : dtype
    where : str
        What it reads from, in words.
    """

    # positions may be given in an array, in any order
    any_rows = True
    shape: tuple[int, ...]
    dtype: np.dtype
    where: str
    # images that are stored, or computed, together
    block: int = 1
    # bytes of a block that is kept, at most
    most_kept: float = MOST_KEPT
    # whether another process can open what it reads from, which stays where it is
    travels: bool = False
    # a value that stands for no value
    missing: float | None = None
    _kept: tuple[int, np.ndarray] | None = None

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.where}, shape {self.shape}, {self.dtype}>"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)

    def __getitem__(self, index: slice | int | np.ndarray) -> np.ndarray:
        """Images at positions, as they are stored.

        Raises
        ------
        SourceError
            If they can't be read; it names them, and where they are.
        """
        n = len(self)
        if isinstance(index, int | np.integer):
            if not -n <= index < n:
                raise IndexError(index)
            return self._between(int(index) % n, int(index) % n + 1)[0]
        if isinstance(index, slice):
            start, stop, step = index.indices(n)
            if step == 1:
                return self._between(start, max(start, stop))
            index = np.arange(start, stop, step)
        wanted, inverse = np.unique(np.asarray(index, np.int64), return_inverse=True)
        found = np.empty((len(wanted), *self.shape[1:]), self.dtype)
        for part in self._neighbours(wanted):
            begin, end = int(wanted[part.start]), int(wanted[part.stop - 1]) + 1
            found[part] = self._between(begin, end)[wanted[part] - begin]
        return found[inverse.reshape(-1)]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_kept"}

    def read(self, start: int, stop: int) -> np.ndarray:
        """Consecutive images, as they are stored; whatever goes wrong is raised as it is."""
        raise NotImplementedError

    def block_start(self, position: int) -> int:
        """Where the block begins that holds an image; that of `n` is `n`."""
        return position if position == len(self) else position - position % self.block

    def block_end(self, position: int) -> int:
        """Where the block ends that holds the image before a position."""
        return min(-(-position // self.block) * self.block, len(self))

    def check_unchanged(self, *, whole: bool) -> None:
        """Refuse images that changed after they were opened.

        Parameters
        ----------
        whole : bool
            Whether all images have gone by, so that it is worth while to look at many files.
        """

    def _neighbours(self, positions: np.ndarray) -> Iterator[slice]:
        """Parts of positions in increasing order that are read at once: those in one block, or next to each other."""
        start = 0
        for at in range(1, len(positions) + 1):
            if at < len(positions):
                before, this = int(positions[at - 1]), int(positions[at])
                if this == before + 1 or self.block_start(before) == self.block_start(this):
                    continue
            yield slice(start, at)
            start = at

    def _between(self, start: int, stop: int) -> np.ndarray:
        pieces, kept = [], self._kept
        if kept is not None and kept[0] <= start < kept[0] + len(kept[1]):
            pieces.append(kept[1][start - kept[0] : stop - kept[0]])
            start += len(pieces[0])
        if start < stop or not pieces:
            pieces.append(self._fresh(start, stop))
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def _fresh(self, start: int, stop: int) -> np.ndarray:
        """Images that are not kept; of whole blocks the last is kept, if it is not too large."""
        begin, end = self.block_start(start), self.block_end(stop)
        of_one = self.dtype.itemsize * int(np.prod(self.shape[1:]))
        last = self.block_start(end - 1) if end > begin else begin
        if end - begin == stop - start or max(end - last, self.block_end(start + 1) - begin) * of_one > self.most_kept:
            return self._checked(start, stop)
        found = self._checked(begin, end)
        # a copy of a part, so that the rest need not be kept with it
        self._kept = last, found if last == begin else found[last - begin :].copy()
        return found[start - begin : stop - begin]

    def _checked(self, start: int, stop: int) -> np.ndarray:
        if start == stop:
            return np.empty((0, *self.shape[1:]), self.dtype)
        try:
            found = np.asarray(self.read(start, stop))
        except (BandlensError, MemoryError):
            raise
        except Exception as error:  # libraries raise what they like for what is damaged
            self.check_unchanged(whole=True)
            raise SourceError(
                f"{_numbered(*self._damaged(start, stop))} can't be read (counted from {first()}).",
                given=f"{self.where}: {in_words(error)}",
                fix="the file may be damaged, or not be there any more",
            ) from error
        self.check_unchanged(whole=stop == len(self))
        expected = (stop - start, *self.shape[1:])
        if found.shape != expected or found.dtype.newbyteorder("=") != self.dtype.newbyteorder("="):
            raise SourceError(
                f"{_numbered(start, stop)} can't be what was asked for (counted from {first()}).",
                expected=f"shape {expected}, {self.dtype}",
                given=f"shape {found.shape}, {found.dtype} in {self.where}",
            )
        return found

    def _damaged(self, start: int, stop: int) -> tuple[int, int]:
        """The first of several blocks that can't be read."""
        begin = start
        while begin < stop:
            end = min(self.block_end(begin + 1), stop)
            try:
                self.read(begin, end)
            except Exception:  # as before
                return begin, end
            begin = end
        return start, stop


def _numbered(start: int, stop: int) -> str:
    """Images as an error calls them."""
    return f"Image {start + first()}" if stop == start + 1 else f"Images {start + first()} to {stop - 1 + first()}"


def in_words(error: BaseException) -> str:
    """What an exception says, in a line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
