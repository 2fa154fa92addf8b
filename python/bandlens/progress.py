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
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeAlias

from .errors import OptionError

Progress: TypeAlias = bool | Callable[[int, int], object] | None

VARIABLE = "BANDLENS_PROGRESS"
# seconds after which a bar appears that nobody asked for
PATIENCE = 2.0

# parts in which work is told of which it is not known how much it is
THOUSAND = 1000

_elsewhere = False


def drawn_elsewhere() -> None:
    """Show nothing that a call doesn't ask for from now on: another language does."""
    global _elsewhere
    _elsewhere = True


class Tick:
    """To be told how many images were finished, and what is worth saying.

    Attributes
    ----------
    says : bool
        Whether anybody hears what is said.
    """

    says = False

    def __call__(self, count: int) -> None:
        """So many more are finished."""

    def say(self, text: str) -> None:
        """Something that is to be read once."""


class _Told(Tick):
    """Another language is told, or a function of the user's, which may have a method `say`."""

    def __init__(self, progress: Callable[[int, int], object], total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0
        self.says = hasattr(progress, "say")

    def __call__(self, count: int) -> None:
        self._done += count
        self._progress(self._done, self._total)

    def say(self, text: str) -> None:
        if self.says:
            self._progress.say(text)  # type: ignore[attr-defined]


class _Drawn(Tick):
    """A bar of tqdm."""

    says = True

    def __init__(self, bar: Any) -> None:
        self._bar = bar

    def __call__(self, count: int) -> None:
        self._bar.update(count)

    def say(self, text: str) -> None:
        self._bar.write(text, file=sys.stderr)


class Bar:
    """Of work that is done in rounds, of which it is not known beforehand how much it is.

    Parameters
    ----------
    show : callable
        Told which part of the work is done, 0 to 1, and what to write beside the bar.
    """

    def __init__(self, show: Callable[[float, str], object]) -> None:
        self._show, self._text = show, ""
        self._done, self._total, self._each, self._part = 0.0, 1.0, 1.0, 0.0

    def __call__(self, count: int) -> None:
        """So many more images are finished."""
        self._done += count * self._each
        # it never goes back, and is full only at the end
        self._part = max(self._part, min(self._done / self._total, 0.99))
        self._show(self._part, self._text)

    def expect(self, each: float, ahead: float) -> None:
        """What an image costs from now on, and how much is ahead, in the same unit."""
        self._each, self._total = each, max(self._done + ahead, 1.0)

    def say(self, text: str) -> None:
        """Write beside the bar."""
        self._text = text
        self._show(self._part, text)

    def finish(self) -> None:
        """All is done."""
        self._show(1.0, self._text)


@contextmanager
def rounds(progress: Progress, label: str) -> Iterator[Bar]:
    """A bar of work that is done in rounds; arguments as for `ticker`. A callable is told thousandths."""
    if callable(progress):
        beside = getattr(progress, "beside", lambda text: None)

        def tell(part: float, text: str) -> None:
            beside(text)
            progress(int(THOUSAND * part), THOUSAND)

        bar = Bar(tell)
        yield bar
        bar.finish()
        return
    if not _shown(progress):
        yield Bar(lambda part, text: None)
        return
    from tqdm.auto import tqdm

    delay = PATIENCE if progress is None else 0.0
    form = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"
    with tqdm(total=THOUSAND, desc=label, leave=False, delay=delay, bar_format=form) as drawn, _appearing(drawn, delay):

        def draw(part: float, text: str) -> None:
            drawn.set_postfix_str(text, refresh=False)
            drawn.update(int(THOUSAND * part) - drawn.n)

        yield Bar(draw)


_KEEPS: ContextVar[bool | None] = ContextVar("keeps", default=None)


def interactive() -> bool:
    """Whether somebody sits at a prompt, who can look at part of a result."""
    return hasattr(sys, "ps1") or bool(sys.flags.interactive)


def keeps_on_interrupt() -> bool:
    """Whether an interrupt gives what was found so far."""
    said = _KEEPS.get()
    return interactive() if said is None else said


@contextmanager
def keeping_on_interrupt(keeps: bool) -> Iterator[None]:
    """Another language says whether somebody sits at its prompt."""
    token = _KEEPS.set(keeps)
    try:
        yield
    finally:
        _KEEPS.reset(token)


@contextmanager
def ticker(progress: Progress, total: int | None, label: str, unit: str = "image") -> Iterator[Tick]:
    """To be told how many images were finished.

    Parameters
    ----------
    progress : bool or callable or None
        None shows a bar only where standard error is a terminal, and after two seconds; a callable is told
        ``(done, total)``.
    total : int or None
        Not known where it is None, which a callable can't be told.
    label, unit : str
        Of the bar.
    """
    if callable(progress):
        yield _Told(progress, total or 0)
        return
    if not _shown(progress):
        yield Tick()
        return
    from tqdm.auto import tqdm

    delay = PATIENCE if progress is None else 0.0
    with tqdm(total=total, desc=label, unit=unit, leave=False, delay=delay) as bar, _appearing(bar, delay):
        yield _Drawn(bar)


@contextmanager
def status(progress: Progress, text: str) -> Iterator[None]:
    """Say what goes on where nothing can be counted, and take it away afterwards."""
    if callable(progress) or not _shown(progress):
        yield
        return
    from tqdm.auto import tqdm

    with tqdm(total=0, desc=text, bar_format="{desc}", leave=False):
        yield


_HEARD: ContextVar[list[str] | None] = ContextVar("heard", default=None)


def announce(text: str) -> None:
    """Say once what somebody who watches should know: on standard error, where a bar would be, or elsewhere."""
    heard = _HEARD.get()
    if heard is not None:
        heard.append(text)
    elif _shown(None):
        sys.stderr.write(f"{text}\n")


@contextmanager
def hearing() -> Iterator[list[str]]:
    """What is announced inside, for another language to say."""
    texts: list[str] = []
    token = _HEARD.set(texts)
    try:
        yield texts
    finally:
        _HEARD.reset(token)


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
