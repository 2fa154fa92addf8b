"""Whether files are what they were when they were opened, by their sizes and the times at which they were written."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ...errors import SourceError


@dataclass(frozen=True)
class Stamp:
    """A file, or a folder with all that is in it, at a moment.

    Attributes
    ----------
    path : str
    state : tuple of int
        Files, bytes in all, and when the last one was written, in ns.
    """

    path: str
    state: tuple[int, int, int]

    @classmethod
    def of(cls, path: str) -> Stamp:
        """As it is now.

        Raises
        ------
        SourceError
            If there is no such file.
        """
        return cls(path, _state(path))

    @property
    def is_folder(self) -> bool:
        """Whether there are many files to look at."""
        return os.path.isdir(self.path)

    def check(self) -> None:
        """Refuse a file that is another now.

        Raises
        ------
        SourceError
        """
        if _state(self.path) != self.state:
            raise SourceError(
                f"The file '{self.path}' changed while it was read.",
                expected="the same images from the beginning to the end of a call",
                fix="call again once nothing writes to it any more",
            )


def _state(path: str) -> tuple[int, int, int]:
    try:
        if not os.path.isdir(path):
            found = os.stat(path)
            return 1, found.st_size, found.st_mtime_ns
        count = size = latest = 0
        for folder, _, names in os.walk(path):
            for name in names:
                found = os.stat(os.path.join(folder, name))
                count, size, latest = count + 1, size + found.st_size, max(latest, found.st_mtime_ns)
        return count, size, latest
    except FileNotFoundError as error:
        raise SourceError(
            f"There is no file '{path}'.",
            expected="a file that exists and stays until all is read",
            given=f"nothing there, in the folder '{Path.cwd()}'" if not os.path.isabs(path) else None,
        ) from error
