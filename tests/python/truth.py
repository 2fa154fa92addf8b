"""All random networks, and every layer for every number of bands and outputs, on one backend after the other.

The suite runs a chosen part of this, hours of it being too many for every day. What was found is kept, network by
network, so that another call goes on where one ended.

    python tests/python/truth.py --backend jax --processes 2 --seconds 3600

prints a line for each backend and ends with an error if any network failed. `--only random`,
`methods` or `layers` chooses, `--again` computes failures anew. Needs the backend, and no other.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
import traceback
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
BACKENDS = ("tensorflow", "jax", "torch")
RANDOM_NETWORKS = 230
OUTPUTS = (1, 2, 5, 12)
BANDS = (1, 2, 4, 13)
# numbers of an answer that are kept, and how far they may differ between backends, relative to the largest
NUMBERS = 60
BETWEEN_BACKENDS = 1e-3
# a process forgets little of what frameworks have compiled
NETWORKS_PER_PROCESS = 60
# a network that has not answered by then never will
PATIENCE = 900.0


def prepare(backend: str) -> None:
    """Set up a process, before any framework is imported in it: one thread, one backend, no memory held in advance."""
    for name in ("OMP", "OPENBLAS"):
        os.environ[f"{name}_NUM_THREADS"] = "1"
    for name in ("INTRAOP", "INTEROP"):
        os.environ[f"TF_NUM_{name}_THREADS"] = "1"
    if backend == "jax":  # compiling takes most of the time there: what is wrong is wrong without optimisation, too
        os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
    os.environ["KERAS_BACKEND"] = backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    sys.path[:0] = [str(HERE), str(HERE.parents[1] / "python")]


def networks(only: str | None) -> Iterator[tuple[Any, ...]]:
    """What there is to run, as plain values: random networks first, layers so that any part of them has all kinds."""
    if only in (None, "random"):
        yield from (("random", seed) for seed in range(RANDOM_NETWORKS))
    if only in (None, "methods"):
        yield from (("methods", seed) for seed in range(RANDOM_NETWORKS))
    if only in (None, "layers"):
        import numpy as np
        from test_layer_matrix import CASES, shape_bands

        layers = [
            ("layer", layout, name, bands, outputs)
            for layout, name, _ in CASES
            for bands in (BANDS if layout == "image" else (shape_bands(layout), BANDS[-1]))
            for outputs in OUTPUTS
        ]
        yield from (layers[place] for place in np.random.default_rng(0).permutation(len(layers)))


def random_network(keras: Any, seed: int) -> dict[str, Any]:
    from test_random_architectures import check

    return check(keras, seed, both=True, every=True)._asdict()


def one_layer(keras: Any, layout: str, name: str, bands: int, outputs: int) -> dict[str, Any]:
    """A layer between few others, in float32 or, where that can't tell, in float64."""
    from functools import partial

    from conftest import KERAS_IS_DOUBLE, settled
    from directions import in_both_directions, in_double, of_one_output
    from test_layer_matrix import CASES, explained, network

    (build,) = (build for kind, called, build in CASES if (kind, called) == (layout, name))

    def measure(dtype: str) -> Any:
        keras.utils.set_random_seed(7)
        model = network(keras, settled, layout, build, dtype, bands, outputs)
        explain = partial(explained, layout=layout, bands=bands)
        return of_one_output(in_both_directions(keras, model, explain), explain(model, target="class"))

    found = measure("float32")
    if max(found.missed / 1e-4, found.apart / 1e-5) > 1:
        with in_double(keras):
            found = measure("float64")._replace(double=True)
        # elsewhere Keras computes parts of such a model in float32
        assert found.missed <= (1e-6 if KERAS_IS_DOUBLE else 1e-4), found
        assert found.apart <= (1e-9 if KERAS_IS_DOUBLE else 1e-5), found
    return found._asdict()


def other_methods(keras: Any, seed: int) -> dict[str, Any]:
    """What each question to a random network was answered with; numbers are to be the same on other backends."""
    from test_random_methods import QUESTIONS, answer

    numbers = {}
    for name in QUESTIONS:
        found = answer(keras, seed, name)
        if found is not None:
            numbers[name] = found.ravel()[:NUMBERS].tolist()
    return {"numbers": numbers}


KINDS = {"random": random_network, "layer": one_layer, "methods": other_methods}


def run(what: tuple[Any, ...]) -> dict[str, Any]:
    """Measure one network."""
    import warnings

    import keras
    from bandlens.errors import AccuracyWarning, BandlensWarning

    start = time.perf_counter()
    record: dict[str, Any] = {"network": list(what)}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.filterwarnings("error", category=BandlensWarning)
            warnings.filterwarnings("ignore", category=AccuracyWarning)
            record |= KINDS[what[0]](keras, *what[1:])
    except Exception as error:
        *_, place = traceback.extract_tb(error.__traceback__)
        record["failure"] = f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"
    finally:
        keras.backend.clear_session()
    return record | {"seconds": round(time.perf_counter() - start, 2)}


def kept(path: Path, *, again: bool) -> dict[tuple[Any, ...], dict[str, Any]]:
    """What earlier calls have found."""
    records = map(json.loads, path.read_text().splitlines()) if path.exists() else ()
    found = {tuple(record["network"]): record for record in records}
    return {what: record for what, record in found.items() if not (again and "failure" in record)}


def run_all(backend: str, wanted: list[tuple[Any, ...]], path: Path, options: argparse.Namespace, until: float) -> dict:
    """Measure what is wanted and not kept, until the time is over; gives all that is known then."""
    prepare(backend)
    found = kept(path, again=options.again)
    left = [what for what in wanted if what not in found]
    context = multiprocessing.get_context("spawn")
    with (
        context.Pool(options.processes, prepare, (backend,), maxtasksperchild=NETWORKS_PER_PROCESS) as pool,
        path.open("a") as file,
    ):
        answers = pool.imap_unordered(run, left)
        for _ in left:
            try:
                record = answers.next(max(0.0, min(PATIENCE, until - time.monotonic())))
            except multiprocessing.TimeoutError:
                if time.monotonic() < until:
                    raise SystemExit(f"{backend}: no network answered within {PATIENCE:.0f} s") from None
                break
            print(json.dumps(record), file=file, flush=True)
            found[tuple(record["network"])] = record
            if "failure" in record:
                print(f"{backend}: {name(record)}: {record['failure']}", flush=True)
        pool.terminate()
    return {what: found[what] for what in wanted if what in found}


def name(record: dict[str, Any]) -> str:
    return " ".join(map(str, record["network"]))


def summary(backend: str, found: dict[tuple[Any, ...], dict[str, Any]], wanted: int) -> str:
    """How far it came and the worst that was met."""
    failed = [record for record in found.values() if "failure" in record]
    right = [record for record in found.values() if "failure" not in record]
    line = f"{backend}: {len(found)} of {wanted} networks, {len(failed)} failed"
    for field, what in (("missed", "completeness residual"), ("apart", "difference of directions")):
        if right := [record for record in right if field in record]:
            worst = max(right, key=lambda record: record[field])
            line += f"; worst {what} {worst[field]:.1e} ({name(worst)})"
    return f"{line}; {sum(record.get('double', False) for record in right)} needed float64"


def between(folder: Path) -> tuple[list[str], str]:
    """Answers that are not the same on two backends, of all that are kept, and how many were compared."""
    import numpy as np

    found = {backend: kept(folder / f"{backend}.jsonl", again=False) for backend in BACKENDS}
    differ, compared, worst = [], 0, 0.0
    for (one, first), (other, second) in combinations(found.items(), 2):
        for what in sorted(set(first) & set(second), key=str):
            numbers, others = (records[what].get("numbers", {}) for records in (first, second))
            for question in sorted(set(numbers) & set(others)):
                a, b = np.array(numbers[question]), np.array(others[question])
                apart = float(np.abs(a - b).max() / max(1e-30, np.abs(b).max()))
                compared, worst = compared + 1, max(worst, apart)
                if apart > BETWEEN_BACKENDS:
                    differ.append(
                        f"{one} and {other} differ by {apart:.1e} in {question} of {' '.join(map(str, what))}"
                    )
    return differ, f"{compared} answers of two backends were compared: at most {worst:.1e} apart"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", action="append", choices=BACKENDS, help="may be repeated; all three if left out")
    parser.add_argument("--only", choices=["random", "methods", "layers"])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="for all backends together")
    parser.add_argument("--folder", type=Path, default=HERE.parents[1] / ".envs" / "results" / "truth")
    parser.add_argument("--again", action="store_true", help="failures of earlier calls, too")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    backends, start, lines, failed = options.backend or BACKENDS, time.monotonic(), [], False
    prepare(backends[0])
    wanted = list(networks(options.only))
    for place, backend in enumerate(backends):
        until = start + options.seconds * (place + 1) / len(backends)
        found = run_all(backend, wanted, options.folder / f"{backend}.jsonl", options, until)
        lines.append(summary(backend, found, len(wanted)))
        failed |= any("failure" in record for record in found.values())
    differ, compared = between(options.folder)
    print(*lines, *differ, compared, sep="\n")
    sys.exit(failed or bool(differ))


if __name__ == "__main__":
    main()
