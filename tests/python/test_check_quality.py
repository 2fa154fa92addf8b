"""Quality of explanations: formulas against NumPy, closed forms of linear models, and what is refused."""

from __future__ import annotations

from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.checks import quality_metrics as formulas
from bandlens.checks.quality import METRICS
from bandlens.errors import OptionError

COLUMNS = ["method", "metric", "better", "value", "std_error", "conf_low", "conf_high", "n", "rank"]
X = np.random.default_rng(0).normal(size=(12, 2, 2, 4)).astype("float32")
BACKGROUND = np.random.default_rng(1).normal(size=(6, 2, 2, 4)).astype("float32")
BACKGROUND -= BACKGROUND.mean(axis=0)


def linear(keras: Any) -> Any:
    model = keras.Sequential(
        [keras.Input((2, 2, 4)), keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")]
    )
    model.layers[-1].set_weights([np.random.default_rng(2).normal(size=(16, 3)), np.zeros(3)])
    return model


def test_formulas_are_those_of_numpy() -> None:
    random = np.random.default_rng(3)
    scores, falls = random.normal(size=(5, 6)), random.normal(size=(5, 9))
    absent = random.random((9, 6)) < 0.5
    sums = np.array([[row[mask].sum() for mask in absent] for row in scores])
    expected = [np.corrcoef(one, other)[0, 1] for one, other in zip(sums, falls, strict=True)]
    np.testing.assert_allclose(formulas.faithfulness(scores, absent, falls), expected, rtol=1e-12)
    sizes = np.abs(scores)
    apart = np.abs(sizes[:, :, None] - sizes[:, None]).sum(axis=(1, 2)) / (2 * 6 * sizes.sum(axis=1))
    np.testing.assert_allclose(formulas.gini(scores), apart, rtol=1e-12)
    shares = sizes / sizes.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(formulas.entropy(scores), -(shares * np.log(shares)).sum(axis=1), rtol=1e-12)
    near = scores + random.normal(size=(4, 5, 6))
    far = 1 + random.random((4, 5))
    changes = np.sqrt(((near - scores) ** 2).sum(axis=-1))
    np.testing.assert_allclose(
        formulas.max_sensitivity(scores, near), changes.max(axis=0) / np.sqrt((scores**2).sum(axis=-1)), rtol=1e-12
    )
    np.testing.assert_allclose(formulas.local_lipschitz(scores, near, far), (changes / far).max(axis=0), rtol=1e-12)
    one, equal, nothing = np.array([[0, 0, 3.0]]), np.ones((1, 3)), np.zeros((1, 3))
    assert formulas.entropy(one) == 0
    assert formulas.entropy(equal) == pytest.approx(np.log(3))
    assert formulas.gini(one) == pytest.approx(2 / 3)
    assert formulas.gini(equal) == pytest.approx(0)
    assert np.isnan(formulas.gini(nothing)).all()
    assert np.isnan(formulas.entropy(nothing)).all()
    assert np.isnan(formulas.correlation(equal, one)).all()


def test_scores_of_a_linear_model_foretell_what_it_does(keras: Any) -> None:
    found = bl.check_quality(
        linear(keras), X, np.arange(12) % 3, methods=["deepshap", "gradient_x_input", "saliency"],
        background=BACKGROUND, repeats=2, draws=2,
    )  # fmt: skip
    frame = found.to_frame()
    assert list(frame) == COLUMNS
    assert list(found.levels["metric"]) == [metric for metric in METRICS if metric != "smooth_mprt"]
    assert (frame["n"] == 12).all()
    value = frame.set_index(["method", "metric"], drop=False)["value"]
    for method in ("deepshap", "gradient_x_input"):
        for metric in ("faithfulness_correlation", "sensitivity_n"):
            assert value[method, metric] == pytest.approx(1, abs=1e-5)
    assert value["saliency", "sensitivity_n"] < 0.9
    # a linear model has the same gradient everywhere
    assert value["saliency", "max_sensitivity"] == pytest.approx(0, abs=1e-5)
    assert value["deepshap", "max_sensitivity"] > 0.01
    assert abs(value["saliency", "mprt"]) < 0.8
    best = frame[frame["metric"] == "max_sensitivity"].set_index("method")["rank"]
    assert best["saliency"] == 1
    assert found.passed is None
    drawn = found.plot()
    drawn.draw()
    again = bl.check_quality(
        linear(keras), X, np.arange(12) % 3, methods=["saliency"], metrics=["max_sensitivity", "complexity"],
        background=BACKGROUND, draws=2, batch_size=5,
    ).to_frame()  # fmt: skip
    assert again["metric"].tolist() == ["max_sensitivity", "complexity"]
    assert again["value"].iloc[1] == pytest.approx(value["saliency", "complexity"], rel=1e-6)


def test_smooth_mprt_compares_means_over_moved_images(keras: Any) -> None:
    asked = {"background": BACKGROUND, "metrics": ["mprt", "smooth_mprt"], "repeats": 2, "draws": 3}
    frame = bl.check_quality(linear(keras), X, methods=["saliency", "deepshap"], **asked).to_frame()
    value = frame.set_index(["method", "metric"])["value"]
    # a linear model has the same gradient everywhere; its scores are other ones for other images
    assert value["saliency", "smooth_mprt"] == pytest.approx(value["saliency", "mprt"], abs=1e-6)
    assert value["deepshap", "smooth_mprt"] != pytest.approx(value["deepshap", "mprt"], abs=1e-3)
    assert frame["better"].tolist() == ["lower"] * 4


def test_where_no_metric_is_known_no_method_is_the_best(keras: Any) -> None:
    still = keras.Sequential([keras.Input((3, 3, 4)), keras.layers.Flatten(), keras.layers.Dense(1)])
    still.set_weights([0 * weight for weight in still.get_weights()])
    x = np.random.default_rng(0).normal(size=(6, 3, 3, 4)).astype("float32")
    found = bl.check_quality(
        still, x, methods=["saliency", "gradient_x_input"], metrics=["complexity", "mprt"], repeats=1
    )
    assert found.to_frame()["value"].isna().all()
    assert found.verdict == ("No metric is known of any method: scores are 0, or the same for all bands.",)


def test_what_does_not_suit_is_refused(keras: Any) -> None:
    model = linear(keras)
    with pytest.raises(OptionError, match="did you mean 'sparseness'"):
        bl.check_quality(model, X, metrics=["sparsenes"])
    with pytest.raises(OptionError, match="one twice"):
        bl.check_quality(model, X, methods=["deepshap", "deepshap"])
    with pytest.raises(OptionError, match="no `target`"):
        bl.check_quality(model, X, target="all")
    with pytest.raises(OptionError, match="no strategy and no weights"):
        bl.check_quality(model, X, background="kmeans")
    with pytest.raises(OptionError, match="at least 3 bands"):
        bl.check_quality(model, X, groups={"a": [0, 1], "b": [2, 3]})
    with pytest.raises(OptionError, match="a Keras model"):
        bl.check_quality(lambda x: np.asarray(x).mean(axis=(1, 2)), X, metrics="mprt", methods="occlusion")
