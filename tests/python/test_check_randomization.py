"""Random layers: copies of models, what is random in which step, tables that follow and tables that don't."""

from __future__ import annotations

import random
from typing import Any

import bandlens as bl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from bandlens.checks.randomization import _alike, _judged
from bandlens.checks.reinitialise import copy_of, fresh
from bandlens.errors import ModelError, ModelTypeError, OptionError
from bandlens.methods import METHODS, Task
from bandlens.methods.findings import Findings, Scores
from bandlens.methods.kinds import BandMethod
from scipy import stats

LAYERS = ["dense", "second", "norm", "first"]


@pytest.fixture
def planted(keras: Any) -> Any:
    """A model that tells class k by the brightness of band k; nothing else matters to it."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((6, 6, 5)),
            layers.Conv2D(8, 1, name="first"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(),
            layers.Conv2D(8, 1, activation="relu", name="second"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax", name="dense"),
        ]
    )
    start = np.eye(5, 8) * [9, 6, 4, 0.5, 0.1, 0, 0, 0]
    weights = {"first": start[None, None], "second": np.eye(8)[None, None], "dense": np.eye(8, 3)}
    for name, kernel in weights.items():
        model.get_layer(name).set_weights([kernel, np.zeros(kernel.shape[-1])])
    model.get_layer("norm").moving_mean.assign(np.full(8, 0.1))
    return model


@pytest.fixture
def x() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(24, 6, 6, 5)).astype("float32")


def similarity(check: bl.Check, measure: str = "spearman_rho", name: str = "all") -> np.ndarray:
    frame = check.to_frame()
    return frame[(frame["measure"] == measure) & (frame["class"] == name)]["estimate"].to_numpy()


# ---- The check -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["deepshap", "saliency"])
def test_table_that_depends_on_the_model_passes(planted: Any, x: np.ndarray, method: str) -> None:
    before = [weight.numpy() for weight in planted.variables]
    y = np.arange(24) % 3
    check = bl.check_randomization(planted, x, y, method=method, target=0, repeats=8, layers=2)
    assert check.passed, check.summary()
    columns = ["step", "layer", "class", "measure", "estimate", "conf_low", "conf_high", "n"]
    assert list(check.to_frame().columns) == columns
    for measure in ("spearman_rho", "kendall_tau", "share_overlap"):
        assert similarity(check, measure)[0] == pytest.approx(1)
    assert similarity(check)[-1] < 0.5
    # the model is as it was, to the bit
    assert all(np.array_equal(one, two.numpy()) for one, two in zip(before, planted.variables, strict=True))


def test_table_that_ignores_the_model_fails(planted: Any, x: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    def scores(task: Task) -> Findings:
        for part, batch in task.images.batches(8, np.float64):
            found = batch.max(axis=(1, 2)) * np.arange(1, 6)
            yield Scores(part, np.repeat(found[:, None], task.image_output.shape[1], axis=1))

    bad = BandMethod(name="bad", label="Bad", summary="", cost="", reference="", scores=scores)
    monkeypatch.setitem(METHODS, "bad", bad)
    check = bl.check_randomization(planted, x, method="bad", repeats=2)
    assert check.passed is False
    np.testing.assert_allclose(similarity(check), 1)
    np.testing.assert_allclose(similarity(check, "share_overlap"), 1)
    assert "hardly depends" in check.verdict[0]
    assert check.verdict[1].startswith(
        "It fails if that is both above 0.5 (here 1.00) and above chance, p at most 0.05"
    )
    assert f"p = {check.facts['p_value']:.2g}" in check.verdict[1]
    assert check.facts["significance"] == 0.05
    assert "With all layers random" in check.verdict[2]


def test_measures_are_those_of_scipy() -> None:
    reference, tables = np.random.default_rng(0).random((3, 6)), np.random.default_rng(1).random((2, 3, 6))
    tables[1, 2] = 4.0  # no differences between bands
    found = _alike(reference, tables)
    for index in np.ndindex(2, 2):
        one, two = reference[index[1]], tables[index]
        assert found[index][0] == pytest.approx(stats.spearmanr(one, two).statistic)
        assert found[index][1] == pytest.approx(stats.kendalltau(one, two).statistic)
        distance = 0.5 * np.abs(one / one.sum() - two / two.sum()).sum()
        assert found[index][2] == pytest.approx(1 - distance)
    assert found[1, 2, :2].tolist() == [0, 0]


@pytest.mark.parametrize("bands", [3, 4, 10])
def test_random_tables_rarely_fail_and_equal_ones_always(bands: int) -> None:
    draws = np.random.default_rng(bands)
    outcomes = []
    for seed in range(60):
        reference = draws.random((4, bands))
        # all classes of a random model share its order
        tables = np.repeat(draws.random((5, 1, bands)), 4, axis=1)
        outcomes.append(_judged(reference, tables, seed)[0])
    assert np.mean(outcomes) > 0.9
    near = reference * (1 + 0.01 * draws.random((5, 4, bands)))
    assert _judged(reference, near, 0)[0] is False


def test_too_few_bands_and_repeats_are_undecided() -> None:
    reference = np.array([[1.0, 2.0]])
    passed, verdict, _ = _judged(reference, reference[None], 0)
    assert passed is None
    assert "too few" in verdict[0]
    assert _judged(reference, np.repeat(reference[None], 6, axis=0), 0)[0] is False


def test_alike_by_chance_is_not_called_a_dependence() -> None:
    reference = np.array([[1.0, 2.0, 3.0]])
    # correlations 1 and 0.5: at least so much in 5 of 36 pairs of orders
    tables = np.array([[[1.0, 2.0, 3.0]], [[1.0, 3.0, 2.0]]])
    passed, verdict, facts = _judged(reference, tables, 0)
    assert facts["rank_correlation"] > facts["most_alike"]
    assert facts["p_value"] > facts["significance"]
    assert passed is True
    assert verdict[0].startswith("Nothing shows that the table ignores")
    assert "`repeats`" in verdict[-1]
    less = _judged(reference, tables[:, :, ::-1], 0)
    assert less[0] is True
    assert less[1][0].startswith("The table depends on")


def test_seeds(planted: Any, x: np.ndarray) -> None:
    state = random.getstate()
    one, again, other = (
        bl.check_randomization(planted, x, method="saliency", repeats=2, layers=["first"], seed=seed)
        for seed in (0, 0, 1)
    )
    assert random.getstate() == state
    estimates = [check.tables["similarity"]["estimate"] for check in (one, again, other)]
    np.testing.assert_array_equal(estimates[0], estimates[1])
    assert np.abs(estimates[0] - estimates[2]).max() > 0


def test_steps(planted: Any, x: np.ndarray) -> None:
    told: list[tuple[int, int]] = []
    check = bl.check_randomization(
        planted, x, method="saliency", repeats=2, progress=lambda *counts: told.append(counts)
    )
    assert check.levels["layer"] == ("trained model", *LAYERS)
    assert told[-1] == (9, 9)
    named = bl.check_randomization(planted, x, method="saliency", repeats=2, layers=["norm"])
    assert named.levels["layer"] == ("trained model", "norm", "first")
    # the same weights, whichever steps are shown
    np.testing.assert_allclose(similarity(named), similarity(check)[[0, 3, 4]])
    alone = bl.check_randomization(planted, x, method="saliency", repeats=2, layers=["norm", "dense"], cascade=False)
    assert alone.levels["layer"] == ("trained model", "dense", "norm")
    assert alone.passed is None
    np.testing.assert_allclose(similarity(alone)[1], similarity(check)[1])


def test_what_does_not_fit_is_named(planted: Any, x: np.ndarray) -> None:
    with pytest.raises(OptionError, match="'fourth'"):
        bl.check_randomization(planted, x, layers=["fourth"])
    with pytest.raises(OptionError, match="predicted"):
        bl.check_randomization(planted, x, target="predicted")
    with pytest.raises(OptionError, match="single band"):
        bl.check_randomization(planted, x[..., :1])
    with pytest.raises(ModelTypeError, match="Keras"):
        bl.check_randomization(lambda images: images[:, 0, 0, :3], x)


def test_regression(keras: Any, x: np.ndarray) -> None:
    layers = keras.layers
    model = keras.Sequential([keras.Input((6, 6, 5)), layers.Flatten(), layers.Dense(4), layers.Dense(1)])
    check = bl.check_randomization(model, x, np.zeros(24), method="permutation", repeats=2, n_repeats=2)
    assert set(check.to_frame()["class"]) == {"all"}


# ---- Copies ----------------------------------------------------------------------------------------------------------


def test_fresh_weights_are_those_of_the_initialisers(keras: Any, x: np.ndarray) -> None:
    layers, init = keras.layers, keras.initializers
    model = keras.Sequential(
        [
            keras.Input((6, 6, 5)),
            layers.Conv2D(
                16, 3, kernel_initializer=init.RandomNormal(5, 0.1, seed=1), bias_initializer="ones", name="a"
            ),
            layers.BatchNormalization(name="b"),
            layers.Flatten(),
            layers.Dense(4, name="c"),
        ]
    )
    before = [weight + 1 for weight in model.get_weights()]
    model.set_weights(before)
    one, two = (fresh(model, x[:2], seed=seed) for seed in (1, 2))
    kernel, bias = one.model.get_layer("a").get_weights()
    assert kernel.mean() == pytest.approx(5, abs=0.05)
    assert kernel.std() == pytest.approx(0.1, abs=0.02)
    assert (bias == 1).all()
    gamma, beta, mean, variance = one.model.get_layer("b").get_weights()
    assert [set(each) for each in (gamma, beta, mean, variance)] == [{1}, {0}, {0}, {1}]
    for name in ("a", "c"):  # the initialiser's own seed is not used, lest all repeats be the same
        first, second = (made.model.get_layer(name).get_weights()[0] for made in (one, two))
        assert np.abs(first - second).max() > 0.01
    again = fresh(model, x[:2], seed=1)
    assert all(np.array_equal(a, b) for a, b in zip(one.model.get_weights(), again.model.get_weights(), strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_nested_shared_and_adapted_layers(keras: Any, x: np.ndarray) -> None:
    layers = keras.layers
    normal = layers.Normalization(name="adapted")
    normal.adapt(x + 3)
    block = keras.Sequential([keras.Input((6, 6, 5)), layers.Conv2D(5, 1, name="conv"), layers.ReLU()], name="block")
    images, factor = keras.Input((6, 6, 5)), 2.0
    values = keras.layers.Lambda(lambda values: factor * values)(block(normal(images)))
    values = layers.Add()([block(values), values])  # the same layers a second time
    values = layers.Reshape((36, 5))(values)
    values = layers.MultiHeadAttention(2, 3, name="attention")(values, values)
    model = keras.Model(images, layers.Dense(3, name="top")(layers.Flatten()(values)))
    copy = copy_of(model, x[:3])
    assert copy.names == ("block/conv", "attention", "top")
    np.testing.assert_allclose(copy.model.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5, atol=1e-5)
    donor = fresh(model, x[:3], seed=3)
    query, key = (getattr(donor.model.get_layer("attention"), f"{name}_dense").kernel for name in ("query", "key"))
    assert query.shape == key.shape
    np.testing.assert_allclose(donor.model.get_layer("adapted").get_config()["axis"], -1)
    check = bl.check_randomization(model, x, method="saliency", repeats=2)
    assert check.levels["layer"] == ("trained model", "top", "attention", "block/conv")


def test_models_of_the_users_own(keras: Any, x: np.ndarray) -> None:
    layers = keras.layers

    class Scale(layers.Layer):
        """Not registered with Keras, and its weight has no initialiser among the layer's attributes."""

        def build(self, shape: Any) -> None:
            self.factor = self.add_weight(shape=(shape[-1],), initializer="random_normal", name="factor")

        def call(self, values: Any) -> Any:
            return values * self.factor

    sequential = keras.Sequential([layers.Flatten(), Scale(), layers.Dense(3, activation="softmax")])  # built on call
    sequential.compile(loss=lambda true, predicted: predicted)  # nothing that can be saved
    assert bl.check_randomization(sequential, x, method="saliency", repeats=2).levels["layer"][1:] == (
        sequential.layers[2].name,
        sequential.layers[1].name,
    )
    one, two = (fresh(sequential, x[:2], seed=4).model.layers[1].factor.numpy() for _ in range(2))
    np.testing.assert_array_equal(one, two)

    class Own(keras.Model):
        def __init__(self, units: int, **arguments: Any) -> None:
            super().__init__(**arguments)
            self.flat, self.inside, self.top = layers.Flatten(), layers.Dense(units), layers.Dense(3)
            self.units = units

        def call(self, images: Any) -> Any:
            return self.top(keras.ops.relu(self.inside(self.flat(images))))

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "units": self.units}

    model = Own(7)
    model(x[:2])
    check = bl.check_randomization(model, x, method="saliency", repeats=2)
    assert check.levels["layer"] == ("trained model", model.top.name, model.inside.name)

    class Hidden(Own):
        def get_config(self) -> dict[str, Any]:
            raise NotImplementedError("no configuration")

    hidden = Hidden(7)
    hidden(x[:2])
    with pytest.raises(ModelError, match="no configuration"):
        bl.check_randomization(hidden, x, method="saliency", repeats=2)


def test_copy_that_computes_something_else_is_refused(keras: Any, x: np.ndarray) -> None:
    class Drifting(keras.layers.Layer):
        """Forgets its factor in its configuration."""

        def __init__(self, factor: float = 1.0, **arguments: Any) -> None:
            super().__init__(**arguments)
            self.factor = factor

        def call(self, values: Any) -> Any:
            return values * self.factor

        def get_config(self) -> dict[str, Any]:
            return {"name": self.name}

    model = keras.Sequential([keras.Input((6, 6, 5)), Drifting(3.0), keras.layers.Flatten(), keras.layers.Dense(3)])
    with pytest.raises(ModelError, match="other outputs"):
        bl.check_randomization(model, x)


# ---- Plot ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [85, 175])
def test_plot(planted: Any, x: np.ndarray, width: int) -> None:
    check = bl.check_randomization(planted, x, np.arange(24) % 3, method="saliency", repeats=2)
    for options, legend in (({}, "Kendall's tau"), ({"by": "class", "measure": "share_overlap"}, "2")):
        figure = check.plot(width=width, **options).draw()
        shown = {text.get_text() for text in figure.findobj(plt.Text)}
        assert {*LAYERS, "trained model", legend} <= shown
    plt.close("all")
    with pytest.raises(OptionError, match="'band'"):
        check.plot(by="band")
