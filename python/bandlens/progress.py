"""Progress of long work: tqdm where somebody watches, a callback where another language draws the bar, else silence."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

Progress: TypeAlias = bool | Callable[[int, int], object] | None


@contextmanager
def ticker(progress: Progress, total: int, label: str, unit: str = "image") -> Iterator[Callable[[int], None]]:
    """A function to be told how many images were finished.

    Parameters
    ----------
    progress : bool or callable or None
        None shows a bar only where standard error is a terminal; a callable is told ``(done, total)``.
    total : int
    label, unit : str
        Of the bar.
    """
    if callable(progress):
        done = 0

        def tell(count: int) -> None:
            nonlocal done
            done += count
            progress(done, total)

        yield tell
        return
    if not (sys.stderr.isatty() if progress is None else progress):
        yield lambda count: None
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, desc=label, unit=unit, leave=False) as bar:
        yield lambda count: bar.update(count) and None
