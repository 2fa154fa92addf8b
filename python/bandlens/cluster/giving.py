"""Blocks are given out, and answers taken in: in the order of the blocks, whatever comes back first.

So many blocks are on their way as keep the workers busy, so that neither the scheduler nor this process holds more than
that of the images. How large a block is follows from how long the first ones took, which changes nothing in what they
give. A worker that is lost costs the blocks that it had; Dask gives them to others. What makes worker after worker die
is refused.
"""

from __future__ import annotations

import queue
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..engine.reasons import reason
from ..errors import ClusterError
from .carried import Carried
from .jobs import Job
from .workers import Took, Workers
from .working import Answer, answer, arrived, bytes_of, sealed

# seconds that a block is to take: much longer than Dask's own work for it, short enough for a bar to move
BLOCK_SECONDS = 1.0
BLOCK_BYTES = 1 << 25
# blocks on their way for each that is computed
AHEAD = 2
# times that Dask may give up a block because workers die, each time after several (its setting "allowed-failures")
MOST_GIVEN_UP = 4
# seconds between looks at how many workers there are
LOOK = 2.0


class Given(Protocol):
    """What a worker is given at once."""

    @property
    def window(self) -> slice:
        """Which of what there is to compute."""
        ...

    @property
    def nbytes(self) -> int:
        """That it takes along."""
        ...


@dataclass
class Sizes:
    """How many steps the next block has.

    Attributes
    ----------
    steps : int
        Of the whole call.
    """

    steps: int
    _each: float | None = None
    _bytes: float = 0.0

    def heard(self, seconds: float, nbytes: int, steps: int) -> None:
        """A block of so many steps took so long; the quickest had nothing to compile."""
        each = seconds / steps
        self._each = each if self._each is None else min(self._each, each)
        self._bytes = max(self._bytes, nbytes / steps)

    def next(self, left: int, threads: int) -> int:
        """Steps of the next block, of those that are left, with so many threads to share them."""
        if self._each is None:
            return 1
        wanted = BLOCK_SECONDS / max(self._each, 1e-6)
        most = BLOCK_BYTES / max(self._bytes, 1.0)
        return max(1, int(min(wanted, most, left / (AHEAD * threads))))


def given_out(
    workers: Workers,
    model: Carried,
    call: Job,
    cuts: Sequence[int],
    n: int,
    block_of: Callable[[slice], Given],
) -> Iterator[Answer]:
    """Answers to all blocks of a call, in order.

    Parameters
    ----------
    workers : Workers
    model : Carried
    call : Job
    cuts : sequence of int
        First row of each step.
    n : int
        Number of rows.
    block_of : callable
        From a window to the block that it is.

    Raises
    ------
    ClusterError
        If workers die of a block again and again, or are gone for good.
    """
    giving = _Giving(workers, model, call, cuts, n, block_of)
    try:
        yield from giving.answers()
    finally:
        giving.stop()


class _Giving:
    """A call that goes on."""

    def __init__(
        self,
        workers: Workers,
        model: Carried,
        call: Job,
        cuts: Sequence[int],
        n: int,
        block_of: Callable[[slice], Given],
    ) -> None:
        self.workers, self.ends, self.block_of = workers, [*cuts[1:], n], block_of
        self.cuts, self.sizes = cuts, Sizes(len(cuts))
        self.what = call.what
        self.name = f"bandlens-{uuid.uuid4().hex}"
        self.done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.pending: dict[Any, tuple[int, Given, int]] = {}
        self.given_up: dict[int, int] = {}
        self.said = workers.said
        self.moved = workers.moved
        self.sealed = {
            f"bandlens-model-{model.key}": sealed(model.key, model),
            f"{self.name}-call": sealed(self.name, call),
        }
        self.kept = self._keep()

    def _keep(self, again: str = "") -> list[Any]:
        """Model and call, as workers keep them; `again` under other names."""
        return [self._submit(arrived, what, key=key + again) for key, what in self.sealed.items()]

    def _submit(self, function: Callable, *arguments: Any, key: str) -> Any:
        import dask

        # what goes along is meant to: Dask keeps it, so that it can be sent again
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TB"}):
            return self.workers.client.submit(function, *arguments, key=key, pure=False)

    def answers(self) -> Iterator[Answer]:
        step, number, due, early = 0, 0, 0, dict[int, Answer]()
        while step < len(self.ends) or self.pending:
            while step < len(self.ends) and len(self.pending) < AHEAD * self.workers.threads:
                steps = self.sizes.next(len(self.ends) - step, self.workers.threads)
                window = slice(self.cuts[step], self.ends[step + steps - 1])
                self._give(number, self.block_of(window), steps)
                step, number = step + steps, number + 1
            found = self._next()
            if found is None:
                continue
            early[found[0]] = found[1]
            while due in early:
                yield early.pop(due)
                due += 1

    def _give(self, number: int, block: Given, steps: int) -> None:
        key = f"{self.name}-{number}-{self.given_up.get(number, 0)}"
        future = self._submit(answer, *self.kept, tuple(self.workers.expected.values()), block, key=key)
        self.pending[future] = (number, block, steps)
        future.add_done_callback(self.done.put)
        self.moved.out += block.nbytes

    def _next(self) -> tuple[int, Answer] | None:
        """The next answer that comes, if one comes soon and it is one."""
        try:
            future = self.done.get(timeout=LOOK)
        except queue.Empty:
            self.workers.check_there()
            return None
        if future.status == "lost":  # its worker died before the answer was fetched: it is computed again
            future.add_done_callback(self.done.put)
            return None
        number, block, steps = self.pending.pop(future)
        if future.status != "finished":
            self._failed(future, number, block, steps)
            return None
        found: Answer = future.result()
        self.sizes.heard(found.seconds, block.nbytes, steps)
        self.moved.back += bytes_of(found.findings)
        rows = found.window.stop - found.window.start
        took = Took(self.name, found.worker, rows, found.seconds, found.core_seconds, time.perf_counter())
        self.moved.blocks.append(took)
        for kind, text in found.heard:
            if (kind, text) not in self.said:
                self.said.add((kind, text))
                warnings.warn(text, kind, stacklevel=2)
        return number, found

    def _failed(self, future: Any, number: int, block: Given, steps: int) -> None:
        """Give a block out again if it was the workers that failed; raises what is wrong with it otherwise."""
        from distributed import KilledWorker

        if future.status != "error":
            raise ClusterError(
                "The cluster has forgotten what it was to compute: it was closed or started anew.",
                expected="a scheduler that stays as long as the call",
                given=f"a block that was {future.status}",
            )
        self.workers.check_there()
        error = future.exception()
        if not isinstance(error, KilledWorker):
            raise error
        if any(one.status == "error" for one in self.kept):  # given up with a worker that was receiving it
            self.kept = self._keep(f"-{uuid.uuid4().hex}")
        times = self.given_up[number] = self.given_up.get(number, 0) + 1
        if times > MOST_GIVEN_UP:
            raise ClusterError(
                f"Workers die of {self.what} {block.window.start} to {block.window.stop - 1}, one after the other: "
                f"{reason(error)}",
                expected="workers with memory for a compiled step",
                given=f"{times} times given up",
                fix="give workers more memory, or take a smaller `batch_size`",
            ) from error
        self._give(number, block, steps)

    def stop(self) -> None:
        """Take back what nobody waits for any more."""
        for future in [*self.pending, *self.kept]:
            future.release()
        if self.pending:
            self.workers.client.cancel(list(self.pending), force=True)
        self.pending.clear()
