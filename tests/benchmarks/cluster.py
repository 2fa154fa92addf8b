"""What workers of a Dask cluster add: pairs per second with 1, 2 and 4 of them here, bytes moved, and 200 simulated.

    python tests/benchmarks/cluster.py            # all
    python tests/benchmarks/cluster.py --small    # quick, to see that it runs

Each worker is a process with one thread. A first call starts frameworks and compiles; the second is measured. Beside
its pairs per second there is the steady throughput: that of the time in which all workers are at work, from when each
has given back its first block until one has given back its last. Starting, and what the session does before and after
(checks, outputs, tables), are no part of it. On a machine that others use, look at core seconds: what workers, this
session and the rest of Dask's processes were busy with. Labels are what the network says, as of one that was trained.

The simulation goes through the events of the same work (blocks are given out by the code that gives them out, sent one
after the other, computed, lost with a worker and given out again) with the constants that were measured; it is held
against the measured calls first. What `vignette("clusters")` reckons with is printed at the end.
"""

from __future__ import annotations

import argparse
import heapq
import os
from dataclasses import dataclass, field, replace

# also of workers, which are given the environment
os.environ["TF_NUM_INTRAOP_THREADS"] = "1"
os.environ["TF_NUM_INTEROP_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import psutil
from common import images, network, row, seconds  # which also finds bandlens

import bandlens as bl  # isort: skip
from bandlens.cluster.giving import AHEAD, Sizes
from bandlens.cluster.workers import Moved, Took, at_work

WORKERS = (1, 2, 4)
MANY = 200
# Sentinel-2 patches of 64 x 64 pixels at 10 m, side by side
PATCHES_PER_KM2 = 1e6 / (64 * 10) ** 2
TILE_KM2, COUNTRY_KM2 = 109.8**2, 357_592  # a tile; Germany
BACKGROUND_OWN = 4
# seconds that a block takes session and scheduler at most, and how much those of a block vary: chosen, not measured
PER_BLOCK, VARIES = 0.005, 0.1


@dataclass(frozen=True)
class Constants:
    """What was measured of one call.

    Attributes
    ----------
    step : float
        Seconds of a compiled step on a worker of one thread.
    varies : float
        Standard deviation of the seconds of a block, relative to them.
    step_bytes : float
        Bytes of images per step.
    beside : float
        Seconds that the session and the scheduler need for a block, one after the other.
    fixed : float
        Seconds of the call in which no block is computed.
    bandwidth : float
        Bytes per second from the session to all workers.
    start : float
        Seconds until a new process has computed its first block.
    """

    step: float
    varies: float
    step_bytes: float
    beside: float
    fixed: float
    bandwidth: float = 1e9
    start: float = 15.0


@dataclass
class Simulated:
    """A call of so many steps, with workers that are lost and started again, event by event.

    Attributes
    ----------
    constants : Constants
    steps, workers : int
    cores : int
        That all workers share.
    lost_per_hour : float
        How often a worker is lost.
    fresh : bool
        Whether workers have to start first.
    """

    constants: Constants
    steps: int
    workers: int
    cores: int
    lost_per_hour: float = 0.0
    fresh: bool = False
    seed: int = 0
    lost: int = field(default=0, init=False)
    blocks: int = field(default=0, init=False)

    def run(self) -> float:
        """Seconds that the call takes."""
        known, random = self.constants, np.random.default_rng(self.seed)
        slower = max(1.0, self.workers / self.cores)
        sizes, given, computed, out, sender = Sizes(self.steps), 0, 0, 0, 0.0
        waiting: list[tuple[float, int]] = []  # when a block is there, and its steps
        starting = [known.start if self.fresh else 0.0] * self.workers
        # when something happens: a worker is free, or comes back with a block, or is lost with it
        events: list[tuple[float, int, str, int]] = [(when, at, "free", 0) for at, when in enumerate(starting)]
        heapq.heapify(events)
        idle: list[tuple[float, int]] = []
        now = 0.0
        while computed < self.steps:
            while given < self.steps and out < AHEAD * self.workers:
                steps = sizes.next(self.steps - given, self.workers)
                sender = max(sender, now) + known.beside + steps * known.step_bytes / known.bandwidth
                waiting.append((sender, steps))
                given, out, self.blocks = given + steps, out + 1, self.blocks + 1
            while idle and waiting:
                (free, at), (there, steps) = idle.pop(0), waiting.pop(0)
                took = steps * known.step * slower * max(0.1, 1 + known.varies * random.normal())
                begins = max(free, there)
                fails = random.exponential(3600 / self.lost_per_hour) if self.lost_per_hour else np.inf
                if fails < took:
                    heapq.heappush(events, (begins + fails, at, "lost", steps))
                else:
                    heapq.heappush(events, (begins + took, at, "done", steps))
                    sizes.heard(took, int(steps * known.step_bytes), steps)
            now, at, what, steps = heapq.heappop(events)
            if what == "done":
                computed, out = computed + steps, out - 1
            if what == "lost":
                self.lost += 1
                waiting.insert(0, (now, steps))
                heapq.heappush(events, (now + known.start, at, "free", 0))
                continue
            idle.append((now, at))
        return now + known.fixed


@dataclass(frozen=True)
class Measured:
    """A second call with so many workers.

    Attributes
    ----------
    started, first, second : float
        Seconds until workers were there, and of two calls.
    moved : Moved
        By the second, as all that follows.
    scores : ndarray
    session, rest : float
        Core seconds of this process, and of all others less those that workers were busy with blocks.
    """

    started: float
    first: float
    second: float
    moved: Moved
    scores: np.ndarray
    session: float
    rest: float

    @property
    def busy(self) -> float:
        """Core seconds that workers were busy with blocks."""
        return sum(one.core_seconds for one in self.moved.blocks)


def core_seconds() -> tuple[float, float]:
    """Of this process, and of those that it has started and that are there."""
    own = psutil.Process()
    every = [sum(one.cpu_times()[:2]) for one in (own, *own.children(recursive=True))]
    return every[0], sum(every[1:])


def measured(model: object, arguments: dict, count: int) -> Measured:
    """A first and a second call with so many workers."""
    found = []
    with at_work(count) as team:
        started = seconds(lambda: team.client)
        first = seconds(lambda: bl.band_importance(model, **arguments))
        team.moved.out = team.moved.back = 0
        team.moved.blocks.clear()
        before = core_seconds()
        second = seconds(lambda: found.append(bl.band_importance(model, **arguments).scores))
        session, others = (now - then for now, then in zip(core_seconds(), before, strict=True))
        busy = sum(one.core_seconds for one in team.moved.blocks)
        return Measured(started, first, second, team.moved, found[0], session, others - busy)


def steady(blocks: list[Took]) -> float:
    """Rows per second while all workers are at work on scores, which are what is computed last."""
    blocks = [one for one in blocks if one.call == blocks[-1].call]
    times: dict[str, list[float]] = {}
    for one in blocks:
        times.setdefault(one.worker, []).append(one.at)
    begun, ended = max(own[0] for own in times.values()), min(own[-1] for own in times.values())
    return sum(one.rows for one in blocks if begun < one.at <= ended) / (ended - begun) if ended > begun else np.nan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="few images")
    small = parser.parse_args().small
    n, side, m = (48, 16, 8) if small else (288, 64, 20)
    model, x = network(side=side), images(n, side)
    arguments = {
        "x": x, "y": model.predict(x, verbose=0).argmax(axis=1), "background": images(m, side, seed=1),
        "batch_size": 4, "progress": False,
    }  # fmt: skip
    cores, pairs = len(os.sched_getaffinity(0)), n * m
    alone = bl.band_importance(model, **arguments)
    alone_seconds = seconds(lambda: bl.band_importance(model, **arguments))
    row(
        f"one process, {cores} cores shared, one thread",
        f"{pairs / alone_seconds:.0f} pairs/s",
        f"{alone_seconds:.1f} s",
    )
    steps, took, rates, known = -(-n // arguments["batch_size"]), {}, {}, None
    for count in WORKERS:
        run = measured(model, arguments, count)
        took[count], rates[count] = run.second, m * steady(run.moved.blocks)
        assert np.array_equal(run.scores, alone.scores), "scores differ from those of one process"
        who = f"{count} worker{'s' * (count > 1)}"
        row(f"{who}, starting", f"{run.started:.1f} s", f"and {run.first - run.second:.1f} s more for the first call")
        row(
            f"{who}, whole call",
            f"{pairs / took[count]:.0f} pairs/s, {took[1] / took[count]:.2f} times one",
            f"{took[count]:.1f} s, {len(run.moved.blocks)} blocks, {run.moved.out / 1e6:.1f} MB out, "
            f"{run.moved.back / 1e6:.2f} MB back",
        )
        row(
            f"{who}, steady",
            f"{rates[count]:.0f} pairs/s, {rates[count] / rates[1]:.2f} times one",
            f"{pairs / run.busy:.0f} pairs per core second of blocks",
        )
        every = run.busy + run.session + run.rest
        row(
            f"{who}, core seconds",
            f"{run.busy:.1f} blocks, {run.session:.2f} session, {run.rest:.2f} beside",
            f"{run.busy / every:.1%} with blocks; {pairs / every:.0f} pairs per core second of all",
        )
        if count == 1:
            block, busy = np.array([one.seconds for one in run.moved.blocks]), run.busy
            # blocks of outputs and of scores; what is beside them is the session's own, and Dask's
            beside = max(0.0, took[1] - block.sum())
            each = min(PER_BLOCK, beside / len(block))
            known = Constants(block.sum() / steps, VARIES, run.moved.out / steps, each, beside - each * len(block))
    for count in WORKERS:
        expected = Simulated(known, steps, count, cores).run()
        row(f"{count} workers, simulated", f"{expected:.1f} s", f"measured {took[count]:.1f} s")
    # what cores were busy with, whatever else this machine does
    many(replace(known, step=busy / steps), pairs / steps, model_name="the network above")


def many(known: Constants, pairs_per_step: float, model_name: str) -> None:
    """A country's patches on 200 workers that fail, and what it costs."""
    per_core = pairs_per_step / known.step
    for what, km2 in (("a Sentinel-2 tile", TILE_KM2), ("a country of 357,592 km2", COUNTRY_KM2)):
        patches = km2 * PATCHES_PER_KM2
        pairs = patches * BACKGROUND_OWN
        steps = int(np.ceil(pairs / pairs_per_step))
        hours = pairs / per_core / 3600
        row(
            f"{what}: {patches:.0f} patches, {BACKGROUND_OWN} background images each, {model_name}",
            f"{hours:.2f} core hours",
            f"{patches * 64 * 64 * 13 * 2 / 1e9:.2f} GB read as uint16",
        )
        for lost in (0.0, 1.0, 10.0):
            run = Simulated(known, steps, MANY, MANY, lost_per_hour=lost, fresh=True)
            took = run.run()
            row(
                f"{what}, {MANY} workers, each lost {lost:g} times an hour (simulated)",
                f"{took:.0f} s",
                f"{hours * 3600 / MANY / took:.0%} of the time computing; {run.lost} of {run.blocks} blocks lost",
            )
    sending = known.beside + known.step_bytes / known.step / known.bandwidth
    row(
        "constants",
        f"{per_core:.1f} pairs/s and core; {known.step:.3f} s a step of {pairs_per_step:.0f} pairs",
        f"{1e3 * known.beside:.1f} ms beside a block; {known.step_bytes / pairs_per_step / 1e3:.1f} kB a pair; start "
        f"{known.start:.0f} s; one session feeds about {1 / max(sending, 1e-9):.0f} workers",
    )


if __name__ == "__main__":
    main()
