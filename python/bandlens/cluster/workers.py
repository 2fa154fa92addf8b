"""Who works for a call: the workers of a user's cluster, or processes of this machine that are started for it.

A client is given as `distributed` makes it, as the address of a scheduler, or as a number of local workers. Those run
in processes of their own that are started like programs, not forked or spawned from this one: whatever runs here, a
script without a guard or R, is not run again in them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..data.positions import spelled
from ..data.words import shown
from ..engine.reasons import reason
from ..errors import ClusterError, MissingPackageError, OptionError
from ..models.predictor import Predictor
from .working import Expected, check_alike, introduced

# seconds in which workers that are started must be there, and a scheduler must answer
STARTING = 120
ANSWERING = 20
# seconds between looks at whether something has happened
POLL = 0.05
# seconds after which it is looked whether a worker whose answer is fetched is still there
FETCH = 10.0
# seconds in which processes end that are told to
ENDING = 10
# Dask's processes look at their own event loops so often; at its 50 times a second, those of two local workers, of
# what starts them and of this session take 7 % of a core, with these seconds between looks 2.6 %
TICK, BETWEEN_TICKS = "distributed.admin.tick.interval", 1

_WORKERS: ContextVar[Workers | None] = ContextVar("workers", default=None)


@dataclass(frozen=True)
class Took:
    """What a block took.

    Attributes
    ----------
    call, worker : str
        Of which call it was, and which process computed it.
    rows : int
    seconds, core_seconds : float
        See `bandlens.cluster.working.Answer`.
    at : float
        When its answer was here, by this process' `time.perf_counter`.
    """

    call: str
    worker: str
    rows: int
    seconds: float
    core_seconds: float
    at: float


@dataclass
class Moved:
    """What was moved, and how long it was computed for.

    Attributes
    ----------
    out, back : int
        Bytes of blocks, and of what was found.
    blocks : list of Took
        In the order in which they came back.
    """

    out: int = 0
    back: int = 0
    blocks: list[Took] = field(default_factory=list)


@dataclass
class Workers:
    """Workers that a call may use.

    Attributes
    ----------
    moved : Moved
        By all that they were given so far.
    said : set
        Warnings of theirs that were passed on.
    started : subprocess.Popen or None
        The process that local workers are started by.
    connect : callable
        Gives a `distributed.Client`, once there is something to do for it; from these, whose `started` it may set.
    expected : dict of str to Expected
        What each of them must be like, by framework.
    """

    connect: Callable[[Workers], Any]
    expected: dict[str, Expected] = field(default_factory=dict)
    moved: Moved = field(default_factory=Moved)
    said: set[tuple[type[Warning], str]] = field(default_factory=set)
    started: subprocess.Popen | None = None
    _known: dict[str, int] = field(default_factory=dict)

    @cached_property
    def client(self) -> Any:
        """The client."""
        return self.connect(self)

    def check_there(self) -> None:
        """Refuse to wait for what can't come any more.

        Raises
        ------
        ClusterError
        """
        if self.started is not None and self.started.poll() is not None:
            raise ClusterError(
                "The local workers have ended, and nobody starts them again.",
                expected="processes that stay as long as the call",
                given=f"exit status {self.started.returncode}",
            )
        if self.client.status not in ("running", "connecting"):
            raise ClusterError(
                "The scheduler is gone.",
                expected="a client that stays connected as long as the call",
                given=f"a client that is {self.client.status}",
            )

    @property
    def threads(self) -> int:
        """Blocks that they compute at the same time, at least 1; none may be there now, and some later."""
        return max(1, sum(self.client.nthreads().values()))

    def step_bytes(self, predictor: Predictor) -> int:
        """For how many bytes steps are to be cut, so that each of them can compute each step.

        Raises
        ------
        ClusterError
            If one of them has other versions than this session, or can't say which.
        """
        framework = str(vars(predictor.backend)["__name__"])
        if framework not in self._known:
            self._known[framework] = self._introduced(framework)
        return self._known[framework]

    def _introduced(self, framework: str) -> int:
        from distributed import KilledWorker

        keras = sys.modules.get("keras")
        backend = keras.config.backend() if keras is not None and not framework.endswith("functions") else None
        mine = introduced(framework, backend)
        asked = {
            address: self.client.submit(introduced, framework, backend, workers=[address], pure=False)
            for address in self.client.nthreads()
        }
        self.expected[framework] = Expected(framework, backend, mine.versions)
        least = [mine.step_bytes] if not asked else []
        for address, future in asked.items():
            found = self._told(address, future)
            if found is None:
                future.cancel()
                continue
            if isinstance(found, KilledWorker):  # gone, too
                continue
            check_alike(mine.versions, found if isinstance(found, BaseException) else found.versions, address)
            least.append(found.step_bytes)
        return min(least, default=mine.step_bytes)

    def _told(self, address: str, future: Any) -> Any:
        """What a worker says of itself, or its error; None of one that is gone.

        Those that come later compare themselves, see `answer`.
        """
        from distributed import TimeoutError as Late

        while address in self.client.nthreads():
            with suppress(Late):  # not there yet, or lost with its worker
                return future.exception(timeout=POLL) or future.result(timeout=FETCH)
        return None


def workers() -> Workers | None:
    """Who works for the call that goes on, if anybody does."""
    return _WORKERS.get()


@contextmanager
def at_work(client: Any) -> Iterator[Workers | None]:
    """Let a client's workers compute what is inside; None leaves that to whoever does so outside, or to this process.

    Parameters
    ----------
    client : distributed.Client, str, int or None
        A client, the address of a scheduler, or how many processes to start on this machine.

    Raises
    ------
    OptionError
        If it is none of these.
    ClusterError
        If nobody answers at the address, or processes don't start.
    MissingPackageError
        If `distributed` is not installed.
    """
    if client is None:
        yield _WORKERS.get()
        return
    with ExitStack() as stack:
        _check(client)
        found = Workers(lambda workers: _connected(client, stack, workers))
        if not isinstance(client, int):
            _ = found.client  # nobody may answer; processes are started when the question was checked
        token = _WORKERS.set(found)
        stack.callback(_WORKERS.reset, token)
        yield found


def _check(client: Any) -> None:
    expected = "the address of a scheduler such as 'tcp://10.0.0.1:8786', or a number of local workers"
    expected = spelled(f"a `distributed.Client`, {expected}", expected)
    known = isinstance(client, str | int) and not isinstance(client, bool)
    if not known and not hasattr(client, "scheduler_info"):
        raise OptionError("`client` is none.", expected=expected, given=shown(client))
    if isinstance(client, int) and client < 1:
        raise OptionError("`client` is a number of local workers.", expected="1 or more", given=shown(client))
    if find_spec("distributed") is None:
        raise MissingPackageError("`client` needs the Python package distributed.", fix="pip install 'bandlens[dask]'")
    if getattr(client, "asynchronous", False):
        raise OptionError(
            "`client` is asynchronous.", expected="a client made without `asynchronous=True`", given=shown(client)
        )


def _connected(client: Any, stack: ExitStack, workers: Workers) -> Any:
    if not isinstance(client, str | int):
        return client
    import distributed

    address = _started(client, stack, workers) if isinstance(client, int) else client
    try:
        return stack.enter_context(distributed.Client(address, timeout=ANSWERING, set_as_default=False))
    except (OSError, ValueError, TimeoutError) as error:
        raise ClusterError(
            f"No scheduler answers at this address: {reason(error)}",
            expected="the address of a scheduler that runs and can be reached from here",
            given=address,
        ) from error


def _started(count: int, stack: ExitStack, workers: Workers) -> str:
    """Start a scheduler in this process, and so many workers in others; gives the scheduler's address."""
    import dask
    from distributed import LocalCluster

    with dask.config.set({TICK: f"{BETWEEN_TICKS}s"}):
        cluster = stack.enter_context(
            # of what Dask logs, what is critical
            LocalCluster(n_workers=0, processes=True, dashboard_address="127.0.0.1:0", silence_logs=50)
        )
    folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
    address: str = cluster.scheduler_address
    command = [sys.executable, "-m", "distributed.cli.dask_worker", address]
    options = {
        "--nworkers": count, "--nthreads": 1, "--local-directory": folder, "--death-timeout": STARTING,
        "--memory-limit": 1 / count,
    }  # fmt: skip
    command += [str(part) for option in options.items() for part in option] + ["--no-dashboard"]
    log = stack.enter_context(Path(folder, "log").open("w+b"))  # noqa: SIM115 - the stack closes it
    # also where this package is, which R imports from a folder of its own
    paths = os.pathsep.join([str(Path(__file__).parents[2]), *(path for path in sys.path if path)])
    settings = {"distributed.worker.profile.enabled": "False", TICK: f"{BETWEEN_TICKS}s"}
    variables = {f"DASK_{name.upper().replace('.', '__')}": value for name, value in settings.items()}
    environment = {**_surroundings(), "PYTHONPATH": paths, **variables}
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
    stack.callback(_ended, process)
    workers.started = process
    until = time.monotonic() + STARTING
    while len(cluster.scheduler_info["workers"]) < count:
        if process.poll() is not None or time.monotonic() > until:
            log.seek(0)
            said = log.read().decode(errors="replace").strip().splitlines()[-3:]
            raise ClusterError(
                f"Local workers don't start with {sys.executable}.",
                expected=f"{count} workers within {STARTING} seconds",
                given=" ".join(said) or "nothing",
            )
        time.sleep(POLL)
    return address


def _surroundings() -> dict[str, str]:
    """Variables of this process, less what R adds to them.

    R lets programs find libraries in its own and the system's folders first, where another Python's may be.
    """
    found = dict(os.environ)
    home = found.get("R_HOME")
    if home is None or "LD_LIBRARY_PATH" not in found:
        return found
    folders = found.pop("LD_LIBRARY_PATH").split(os.pathsep)
    kept = [folder for folder in folders if not folder.startswith((home, "/usr/lib", "/lib"))]
    return {**found, "LD_LIBRARY_PATH": os.pathsep.join(kept)} if any(kept) else found


def _ended(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(ENDING)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
