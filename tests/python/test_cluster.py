"""Scores from the workers of a Dask cluster: those of one process to the bit, whoever dies on the way."""

from __future__ import annotations

import inspect
import os
import pickle
import random
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import bandlens as bl
import keras
import numpy as np
import pandas as pd
import pytest
from bandlens import errors
from bandlens.cluster import giving, workers, working
from bandlens.cluster.blocks import Rows
from bandlens.cluster.carried import brought, carried
from bandlens.cluster.jobs import check_same
from bandlens.data.positions import counting_from
from bandlens.errors import ClusterError, OptionError
from bandlens.methods.kinds import one_step
from on_workers import OtherVersion, Spoiling, deadly, doubled

dask, distributed = pytest.importorskip("dask"), pytest.importorskip("distributed")

N, BANDS, CLASSES = 22, 4, 3
LOCAL = {"threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "silence_logs": 50}
METHODS = {
    "deepshap": {},
    "gradient_x_input": {},
    "lrp": {},
    "saliency": {},
    "smoothgrad": {"n_samples": 3},
    "vargrad": {"n_samples": 3},
    "integrated_gradients": {"n_steps": 32},
    "expected_gradients": {"n_samples": 4},
    "occlusion": {},
    "shapley": {},
    "owen": {},
    "permutation": {"metric": "log_loss", "n_repeats": 2},
    "lime": {"n_samples": 8},
}


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((8, 8, BANDS)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, 8, 8, BANDS)).astype(np.float32)
    background = rng.normal(size=(6, 8, 8, BANDS)).astype(np.float32)
    return {"x": x, "y": rng.integers(0, CLASSES, N), "background": background, "batch_size": 4}


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Two processes; a third starts when one is killed."""
    with (
        distributed.LocalCluster(n_workers=2, **LOCAL) as cluster,
        distributed.Client(cluster, set_as_default=False) as found,
    ):
        yield found


def same(one: Any, other: Any) -> None:
    """Scores to the bit, tables to 1e-12."""
    np.testing.assert_array_equal(one.scores, other.scores)
    np.testing.assert_array_equal(one.prediction, other.prediction)
    pd.testing.assert_frame_equal(one.to_frame(), other.to_frame(), rtol=1e-12, atol=0)
    pd.testing.assert_frame_equal(one.to_frame("image"), other.to_frame("image"), rtol=0, atol=0)


@pytest.mark.parametrize("method", METHODS)
def test_scores_are_those_of_one_process(client: Any, model: keras.Model, data: dict[str, Any], method: str) -> None:
    arguments = {**data, "method": method, **METHODS[method]}
    with workers.at_work(client) as team:
        found = bl.band_importance(model, **arguments)
    assert len(team.moved.blocks) > 2
    assert team.moved.out >= data["x"].nbytes * (method != "permutation")
    assert team.moved.back >= found.scores.nbytes
    same(found, bl.band_importance(model, **arguments))


def test_every_method_is_shared_out_or_refused() -> None:
    assert set(METHODS) == {name for name, method in bl.METHODS.items() if method.cuts is not one_step}


@pytest.mark.parametrize(
    "arguments",
    [
        {"method": "deepshap", "background_per_image": 2},
        {"method": "deepshap", "target": "all"},
        pytest.param({"method": "deepshap", "statistic": "pixel_mean_abs"}, marks=pytest.mark.slow),
        pytest.param({"method": "deepshap", "groups": {"first": [0, 1]}}, marks=pytest.mark.slow),
        pytest.param({"method": "saliency", "y": None}, marks=pytest.mark.slow),
        {"method": "deepshap", "y": None, "background": None},
        {"method": "occlusion", "background": bl.BackgroundImages(strategy="others")},
        {"precision": 0.2, "batch_size": 16},
        pytest.param({"method": "expected_gradients", "n_samples": 4, "precision": 0.2}, marks=pytest.mark.slow),
        {"method": ["deepshap", "saliency"]},
    ],
    ids=lambda one: " ".join(one),
)
def test_other_questions_are_the_same(
    client: Any, model: keras.Model, data: dict[str, Any], arguments: dict[str, Any]
) -> None:
    arguments = {**data, **arguments}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", errors.BandlensWarning)
        found = bl.band_importance(model, client=client, **arguments)
        alone = bl.band_importance(model, **arguments)
    for one, other in (
        [(found, alone)] if not isinstance(found, dict) else zip(found.values(), alone.values(), strict=True)
    ):
        same(one, other)


@pytest.fixture(scope="module")
def light() -> Iterator[Any]:
    """Three processes that no framework is imported in, so that others take their place in a second."""
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),  # sooner given up, and given out again by us
        distributed.LocalCluster(n_workers=3, **LOCAL) as cluster,
        distributed.Client(cluster, set_as_default=False) as found,
    ):
        yield found


OF_FUNCTION: dict[str, Any] = {"method": "occlusion", "batch_size": 2, "n_background": 3}


def test_a_worker_that_is_killed_costs_nothing_but_time(light: Any, data: dict[str, Any]) -> None:
    """Ten times, at random moments."""
    x = np.concatenate([data["x"]] * 6)
    alone = bl.band_importance(doubled, x, **OF_FUNCTION)
    killed, ended, choice = [], threading.Event(), random.Random(0)

    def kill() -> None:
        while len(killed) < 10 and not ended.wait(choice.uniform(0.3, 0.9)):
            victims = [nanny.pid for nanny in light.cluster.workers.values() if nanny.pid]
            if victims:
                victim = choice.choice(victims)
                os.kill(victim, signal.SIGKILL)
                killed.append(victim)

    thread = threading.Thread(target=kill)
    thread.start()
    rounds = 0
    try:
        while len(killed) < 10:
            same(bl.band_importance(doubled, x, client=light, **OF_FUNCTION), alone)
            rounds += 1
    finally:
        ended.set()
        thread.join()
    assert rounds
    assert len(set(killed)) == 10


@pytest.mark.parametrize("count", [1, 4])
def test_as_many_local_workers_as_are_wanted(data: dict[str, Any], count: int) -> None:
    found = bl.band_importance(doubled, data["x"], client=count, **OF_FUNCTION)
    same(found, bl.band_importance(doubled, data["x"], **OF_FUNCTION))


def test_an_address_is_a_client(light: Any, data: dict[str, Any]) -> None:
    address = light.scheduler.address
    found = bl.band_importance(doubled, data["x"], client=address, **OF_FUNCTION)
    same(found, bl.band_importance(doubled, data["x"], **OF_FUNCTION))
    assert light.status == "running"


@pytest.mark.parametrize("first", [0, 1])
def test_errors_of_workers_are_those_of_one_process(light: Any, data: dict[str, Any], first: int) -> None:
    model = Spoiling("nan", float(data["x"][17, 0, 0, 0]))
    found = []
    for client in (None, light):
        with counting_from(first), pytest.raises(errors.ModelError) as caught:
            bl.band_importance(model, data["x"], client=client, **OF_FUNCTION)
        found.append((type(caught.value), str(caught.value)))
    assert found[0] == found[1]
    assert f"image {17 + first}" in found[0][1], found[0][1]


def test_warnings_of_workers_arrive_once(light: Any, data: dict[str, Any]) -> None:
    x = data["x"].copy()
    x[5:, 0, 0, 0] = 1.0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        bl.band_importance(Spoiling("warns", 1.0), x, client=light, **OF_FUNCTION, bands=list("abcd"))
    assert [str(one.message) for one in caught if "odd" in str(one.message)] == ["this is odd"]


def test_errors_can_be_sent() -> None:
    kinds = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, errors.BandlensError)]
    assert ClusterError in kinds
    for kind in kinds:
        error = kind("wrong", expected="this", given="that", fix="so")
        sent = pickle.loads(pickle.dumps(error))
        assert (type(sent), str(sent), sent.fix) == (kind, str(error), "so")


def test_workers_that_die_of_a_block_are_not_killed_for_ever(
    light: Any, data: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving, "MOST_GIVEN_UP", 0)
    monkeypatch.setattr(giving, "answer", deadly)
    with pytest.raises(ClusterError, match=r"Workers die of images \d+ to \d+(.*\n)+.*more memory"):
        bl.band_importance(doubled, data["x"], client=light, **OF_FUNCTION)
    light.wait_for_workers(2, timeout=60)  # of three


def test_an_interrupt_takes_back_what_was_given_out(
    light: Any, data: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bl.band_importance(doubled, data["x"], client=light, progress=interrupt, **OF_FUNCTION)
    until = time.monotonic() + 30
    while any(light.processing().values()) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any(light.processing().values())


def test_nobody_waits_for_workers_that_are_gone(data: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(giving, "LOOK", 0.1)
    with workers.at_work(1) as team:
        give = giving._Giving._give

        def given(self: Any, *arguments: Any) -> None:
            give(self, *arguments)
            team.started.kill()

        monkeypatch.setattr(giving._Giving, "_give", given)
        with pytest.raises(ClusterError, match="local workers have ended"):
            bl.band_importance(doubled, data["x"], **OF_FUNCTION)


def test_progress_follows_the_blocks(light: Any, data: dict[str, Any]) -> None:
    told: list[tuple[int, int]] = []
    bl.band_importance(
        doubled, data["x"], client=light, progress=lambda done, total: told.append((done, total)), **OF_FUNCTION
    )
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (N, N)
    assert len(told) > 2


def test_other_versions_are_refused(light: Any, data: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "introduced", OtherVersion())
    with pytest.raises(ClusterError, match=rf"other versions(.*\n)+.*{bl.__version__}(.*\n)+.*bandlens 0.0.1"):
        bl.band_importance(doubled, data["x"], client=light, **OF_FUNCTION)


def test_workers_that_come_later_compare_themselves(
    light: Any, data: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if nobody had been there when the call began, and what comes then were older than this session."""

    def newer(*arguments: Any) -> working.Introduction:
        found = working.introduced(*arguments)
        return replace(found, versions={**found.versions, "bandlens": "9.9.9"})

    monkeypatch.setattr(light, "nthreads", dict)
    monkeypatch.setattr(workers, "introduced", newer)
    with pytest.raises(ClusterError, match=rf"other versions(.*\n)+.*bandlens 9.9.9(.*\n)+.*bandlens {bl.__version__}"):
        bl.band_importance(doubled, data["x"], client=light, **OF_FUNCTION)


@pytest.mark.parametrize(
    ("client", "kind", "text"),
    [
        (0, OptionError, r"number of local workers(.*\n)+.*1 or more"),
        (True, OptionError, r"`client` is none(.*\n)+.*True"),
        (2.5, OptionError, r"`client` is none"),
        ("tcp://127.0.0.1:1", ClusterError, r"No scheduler answers(.*\n)+.*tcp://127.0.0.1:1"),
    ],
)
def test_what_is_no_client(
    data: dict[str, Any], monkeypatch: pytest.MonkeyPatch, client: Any, kind: type, text: str
) -> None:
    monkeypatch.setattr(workers, "ANSWERING", 0.5)
    with pytest.raises(kind, match=text):
        bl.band_importance(doubled, data["x"], client=client, **OF_FUNCTION)


def test_distributed_is_an_extra(data: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "find_spec", lambda name: None)
    with pytest.raises(errors.MissingPackageError, match=r"distributed(.*\n)+.*pip install 'bandlens\[dask\]'"):
        bl.band_importance(doubled, data["x"], client=2, **OF_FUNCTION)


def test_methods_that_compute_all_images_together_are_refused(light: Any, data: dict[str, Any]) -> None:
    together = [name for name, method in bl.METHODS.items() if method.cuts is one_step]
    assert together == ["sage"]
    for name in together:
        with pytest.raises(OptionError, match=rf"'{name}' computes all images together"):
            bl.band_importance(doubled, data["x"], client=light, method=name)


def test_metrics_over_all_images_are_refused(light: Any, data: dict[str, Any]) -> None:
    arguments = {"method": "permutation", "metric": lambda true, predicted: (true == predicted).mean()}
    with pytest.raises(OptionError, match=r"no mean over images(.*\n)+.*client=None"):
        bl.band_importance(doubled, data["x"], client=light, **arguments)


def test_what_cannot_be_sent_is_refused(light: Any, data: dict[str, Any]) -> None:
    lock = threading.Lock()

    def held(x: np.ndarray) -> np.ndarray:
        with lock:
            return doubled(x)

    with pytest.raises(ClusterError, match=r"can't be sent(.*\n)+.*cloudpickle"):
        bl.band_importance(held, data["x"], client=light, **OF_FUNCTION)


@keras.saving.register_keras_serializable("mine")
class Scaled(keras.layers.Layer):
    """A layer of the user's own."""

    def __init__(self, factor: float, **options: Any) -> None:
        super().__init__(**options)
        self.factor = factor

    def call(self, x: Any) -> Any:
        return x * self.factor

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor}


def test_own_layers_go_along(model: keras.Model, data: dict[str, Any]) -> None:
    own = keras.Sequential([keras.Input((8, 8, BANDS)), Scaled(2.0), keras.layers.Lambda(lambda x: x + 1), model])
    sent = pickle.loads(pickle.dumps(carried(own)))
    np.testing.assert_array_equal(brought(sent)(data["x"]), own(data["x"]))
    # it is known again, unless a weight is another
    again = carried(own)
    assert again.key == sent.key
    model.layers[-1].bias.assign_add([1.0, 0.0, 0.0])
    assert carried(own).key != sent.key
    model.layers[-1].bias.assign_sub([1.0, 0.0, 0.0])


class Forgets(keras.layers.Layer):
    """A layer that is another once it was saved."""

    def __init__(self, factor: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.factor = factor

    def call(self, x: Any) -> Any:
        return x * self.factor

    def get_config(self) -> dict[str, Any]:
        return {name: value for name, value in super().get_config().items() if name != "factor"}


def test_a_model_that_is_another_when_it_arrives_is_refused(
    client: Any, model: keras.Model, data: dict[str, Any]
) -> None:
    forgets = keras.Sequential([keras.Input((8, 8, BANDS)), Forgets(3.0), model])
    with pytest.raises(ClusterError, match="not the same on a worker"):
        bl.band_importance(forgets, client=client, method="saliency", **data)


class Drifts(Forgets):
    """A layer that is another by a thousandth once it was saved."""

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor * (1 + 1e-3)}


def test_a_model_that_is_nearly_the_same_is_refused(client: Any, model: keras.Model, data: dict[str, Any]) -> None:
    drifts = keras.Sequential([keras.Input((8, 8, BANDS)), Drifts(1.0), model])
    with pytest.raises(ClusterError, match=r"not the same on a worker(.*\n)+.*apart"):
        bl.band_importance(drifts, client=client, method="saliency", **data)


def test_how_far_outputs_may_be_apart() -> None:
    expected = np.array([[-1.0, 3.0], [0.5, 1.0]], np.float32)
    check_same(expected + np.float32(3e-5), expected, True)
    with pytest.raises(ClusterError, match="5e-05 apart"):
        check_same(expected + np.float32(5e-5), expected, True)
    # other devices round differently, but not so much
    check_same(expected * np.float32(1.01), expected, False)
    with pytest.raises(ClusterError, match="not the same"):
        check_same(expected * np.float32(1.02), expected, False)
    # of outputs that are nearly the same, rounding is not small
    level = np.full((3, 1), 1000, np.float32)
    check_same(np.nextafter(level, np.float32(0)), level, True)
    with pytest.raises(ClusterError, match=r"shape \(3, 1\)"):
        check_same(level[:2], level, False)


def test_rows_of_a_block_are_by_their_place_in_the_whole() -> None:
    whole = np.arange(40).reshape(10, 4)
    rows = Rows(whole[3:7], 3, 10)
    np.testing.assert_array_equal(rows[4:6], whole[4:6])
    np.testing.assert_array_equal(rows[np.array([6, 3]), 1], whole[[6, 3], 1])
    np.testing.assert_array_equal(rows[5], whole[5])
    assert (len(rows), rows.shape, rows[0:0].shape) == (10, (10, 4), (0, 4))
    for wrong in (slice(2, 4), slice(6, 8), 7, np.array([3, 9])):
        with pytest.raises(IndexError, match="not in the block"):
            rows[wrong]


def test_blocks_become_as_large_as_they_are_quick() -> None:
    sizes = giving.Sizes(1000)
    assert sizes.next(1000, 2) == 1
    sizes.heard(5.0, 1000, 1)
    assert sizes.next(1000, 2) == 1
    sizes.heard(0.1, 1000, 1)
    assert sizes.next(1000, 2) == 10
    assert sizes.next(16, 2) == 4
    sizes.heard(0.1, giving.BLOCK_BYTES, 2)
    assert sizes.next(1000, 2) == 2


def test_an_answer_that_is_lost_with_its_worker_is_waited_for_again(
    light: Any, data: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a worker dies after it computed a block: the scheduler says so, and has it computed elsewhere."""
    alone, lost = bl.band_importance(doubled, data["x"], **OF_FUNCTION), []
    fetch = giving._Giving._next

    def losing(self: Any) -> Any:
        if not lost:
            future = self.done.get()
            lost.append(future.key)
            future._state.lose()
            self.done.put(future)
            light.loop.call_later(0.5, light._handle_key_in_memory, future.key)
        return fetch(self)

    monkeypatch.setattr(giving._Giving, "_next", losing)
    same(bl.band_importance(doubled, data["x"], client=light, **OF_FUNCTION), alone)
    assert len(lost) == 1


def test_a_worker_that_dies_while_it_is_heard_is_passed_over() -> None:
    """What it said is lost with it, and nobody else can say it."""
    from distributed import TimeoutError as Late

    class Dying:
        threads = 1

        def nthreads(self) -> dict[str, int]:
            return {"tcp://worker": 1} if self.threads else {}

        def exception(self, timeout: float) -> None:
            pass

        def result(self, timeout: float) -> None:
            self.threads = 0
            raise Late

    dying = Dying()
    assert workers.Workers(lambda _: dying)._told("tcp://worker", dying) is None
    assert not dying.threads
