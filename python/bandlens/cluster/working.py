"""What a worker does: it makes the model once, keeps it, and answers block by block.

A process answers one block at a time, whatever number of threads its worker has: a block keeps a device busy, and
models are traced by one thread at a time. What bandlens warns of goes back with the answer.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys
import threading
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from .._version import __version__
from ..data.words import few
from ..engine.batching import step_bytes
from ..engine.reasons import reason
from ..errors import BandlensWarning, ClusterError
from ..methods.findings import Drops, Finding
from .jobs import Job

# models, and calls, that a process keeps; checks go through several
MOST_KEPT = 4

Made = TypeVar("Made")

_ANSWERING = threading.RLock()
_KEPT: OrderedDict[str, Any] = OrderedDict()


@dataclass(frozen=True)
class Sealed:
    """An object as bytes that nobody looks into on the way.

    Attributes
    ----------
    key : str
        By which a worker knows it again.
    data : bytes
    """

    key: str
    data: bytes


@dataclass(frozen=True)
class Answer:
    """What came of a block.

    Attributes
    ----------
    window : slice
    findings : list
        Of the method; or arrays of the model's units, with the images that they are of.
    heard : list of (type, str)
        What was warned of.
    seconds, core_seconds : float
        That it took, and that all cores together were busy with it.
    worker : str
        Which process it was.
    """

    window: slice
    findings: list[Any]
    heard: list[tuple[type[Warning], str]]
    seconds: float
    core_seconds: float
    worker: str


@dataclass(frozen=True)
class Introduction:
    """What a process is like that computes.

    Attributes
    ----------
    versions : dict of str to str
        Of what results depend on.
    step_bytes : int
        For which it would cut steps.
    """

    versions: dict[str, str]
    step_bytes: int


@dataclass(frozen=True)
class Expected:
    """What a process must be like to compute for another.

    Attributes
    ----------
    framework : str
    keras_backend : str or None
        As for `introduced`.
    versions : dict of str to str
        Of the other.
    """

    framework: str
    keras_backend: str | None
    versions: dict[str, str]


def introduced(framework: str, keras_backend: str | None) -> Introduction:
    """What this process is like; it starts the framework, a module of `bandlens.engine.backends`."""
    found = dict(_versions(framework, keras_backend))
    return Introduction(found, step_bytes(importlib.import_module(framework)))


@cache
def _versions(framework: str, keras_backend: str | None) -> dict[str, str]:
    """Versions of this process, which stay what they are."""
    if keras_backend is not None and "keras" not in sys.modules:
        os.environ.setdefault("KERAS_BACKEND", keras_backend)
    backend = importlib.import_module(framework)
    found = {"bandlens": __version__, "Python": ".".join(platform.python_version_tuple()[:2]), **backend.version()}
    if keras_backend is not None:
        import keras

        found |= {"keras": keras.__version__, "backend of Keras": keras.config.backend()}
    return found


def check_alike(mine: dict[str, str], theirs: dict[str, str] | BaseException, address: str) -> None:
    """Refuse a worker that would compute something else, by its versions, or nothing."""
    if isinstance(theirs, BaseException):
        raise ClusterError(
            f"The worker at {address} can't compute with bandlens: {reason(theirs)}",
            expected=f"the same packages as here: {_spoken(mine)}",
            fix="install bandlens and its Keras backend where workers run, in the same versions",
        ) from theirs
    other = {name for name, version in mine.items() if theirs.get(name) != version}
    if other:
        raise ClusterError(
            f"The worker at {address} has other versions than this session.",
            expected=_spoken({name: mine[name] for name in sorted(other)}),
            given=_spoken({name: theirs.get(name, "none") for name in sorted(other)}),
            fix="install the same versions where workers run, and start them anew",
        )


def _spoken(versions: dict[str, str]) -> str:
    return few([f"{name} {version}" for name, version in versions.items()])


def sealed(key: str, what: Any) -> Sealed:
    """Seal an object; raises what cloudpickle raises."""
    import cloudpickle

    return Sealed(key, cloudpickle.dumps(what))


def arrived(sealed: Sealed) -> Sealed:
    """What Dask keeps on workers, and sends again to those that were lost."""
    return sealed


def answer(model: Sealed, call: Sealed, expected: tuple[Expected, ...], block: Any) -> Answer:
    """Compute a block of a call.

    Raises
    ------
    ClusterError
        If this process, which may have come long after the call began, would compute something else.
    """
    with _ANSWERING, warnings.catch_warnings(record=True) as caught:
        began, busy = time.perf_counter(), time.process_time()
        warnings.simplefilter("always", BandlensWarning)
        for one in expected:
            check_alike(one.versions, _versions(one.framework, one.keras_backend), _name())
        job: Job = _kept(call.key, lambda: _opened(call))
        with job.around():
            made = _kept(f"{model.key} {job.about}", lambda: job.made(_opened(model)))
            findings = list(job.answers_of(made, block))
        took = time.perf_counter() - began, time.process_time() - busy
    heard: list[tuple[type[Warning], str]] = [
        (one.category, str(one.message)) for one in caught if issubclass(one.category, BandlensWarning)
    ]
    return Answer(block.window, findings, heard, *took, _name())


def _name() -> str:
    """Of this process."""
    return f"{platform.node()}, process {os.getpid()}"


def _opened(sealed: Sealed) -> Any:
    import cloudpickle

    try:
        return cloudpickle.loads(sealed.data)
    except Exception as error:  # whatever it holds may raise anything
        raise ClusterError(
            f"A worker can't make of what it was sent what it is here: {reason(error)}",
            expected="packages and modules that are the same there, and files that are there under the same path",
            fix="put files where workers can read them, or give `x` and `background` in memory",
        ) from error


def _kept(key: str, make: Callable[[], Made]) -> Made:
    """Something that this process has made before, if it was not long ago."""
    if key not in _KEPT:
        _KEPT[key] = make()
        while len(_KEPT) > 2 * MOST_KEPT:
            _KEPT.popitem(last=False)
    _KEPT.move_to_end(key)
    found: Made = _KEPT[key]
    return found


def bytes_of(findings: list[Any]) -> int:
    """Bytes that came back."""
    arrays = [one.values for one in findings if isinstance(one, Finding | Drops)]
    return sum(array.nbytes for array in arrays) + sum(one[1].nbytes for one in findings if isinstance(one, tuple))
