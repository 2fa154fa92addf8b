"""Progress of long work: tqdm where somebody watches, a callback where another language draws the bar, else silence.

Where nobody said whether to show a bar, one appears where standard error is a terminal, for what takes more than two
seconds. The environment variable `BANDLENS_PROGRESS`, 0 or 1, says otherwise for all calls.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from .errors import OptionError

Progress: TypeAlias = bool | Callable[[int, int], object] | None

VARIABLE = "BANDLENS_PROGRESS"
# seconds after which a bar appears that nobody asked for
PATIENCE = 2.0

_elsewhere = False


def drawn_elsewhere() -> None:
    """Show nothing that a call doesn't ask for from now on: another language does."""
    global _elsewhere
    _elsewhere = True


@contextmanager
def ticker(progress: Progress, total: int, label: str, unit: str = "image") -> Iterator[Callable[[int], None]]:
    """A function to be told how many images were finished.

    Parameters
    ----------
    progress : bool or callable or None
        None shows a bar only where standard error is a terminal, and after two seconds; a callable is told
        ``(done, total)``.
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
    if not _shown(progress):
        yield lambda count: None
        return
    from tqdm.auto import tqdm

    delay = PATIENCE if progress is None else 0.0
    with tqdm(total=total, desc=label, unit=unit, leave=False, delay=delay) as bar, _appearing(bar, delay):
        yield lambda count: bar.update(count) and None


@contextmanager
def status(progress: Progress, text: str) -> Iterator[None]:
    """Say what goes on where nothing can be counted, and take it away afterwards."""
    if callable(progress) or not _shown(progress):
        yield
        return
    from tqdm.auto import tqdm

    with tqdm(total=0, desc=text, bar_format="{desc}", leave=False):
        yield


@contextmanager
def starting(progress: Progress, model: Any) -> Iterator[None]:
    """Say that a framework starts where a saved model is the first to need one, which takes seconds."""
    if isinstance(model, str | Path) and "keras" not in sys.modules:
        with status(progress, "Starting Keras and loading the model"):
            yield
    else:
        yield


def _shown(progress: bool | None) -> bool:
    if progress is not None:
        return progress
    said = os.environ.get(VARIABLE, "")
    if said not in ("", "0", "1"):
        raise OptionError(f"The environment variable {VARIABLE} has another value.", expected="0 or 1", given=said)
    if _elsewhere:
        return False
    return said == "1" if said else sys.stderr.isatty()


@contextmanager
def _appearing(bar: Any, delay: float) -> Iterator[None]:
    """Let a bar appear when it is time, even if nothing has moved by then; only a terminal takes it from a thread."""
    if not delay or not sys.stderr.isatty():
        yield
        return
    timer = threading.Timer(delay, bar.refresh)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
