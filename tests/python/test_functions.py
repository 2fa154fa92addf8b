"""Functions as models: whatever gives scores for arrays of images is explained by methods that only ask for outputs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import bandlens as bl
import numpy as np
import pandas as pd
import pytest
from bandlens.engine.backends import functions
from bandlens.errors import AccuracyWarning, LabelError, ModelError, ModelTypeError, OptionError
from bandlens.models.callables import outputs_only

ROOT = Path(__file__).parents[2]
OUTPUTS = [name for name, method in bl.METHODS.items() if not method.looks_inside]
INSIDE = [name for name, method in bl.METHODS.items() if method.looks_inside]

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(20, 3, 3, 5))
BACKGROUND = RANDOM.normal(size=(15, 3, 3, 5))
W = RANDOM.normal(size=(5, 3))


def linear(x: Any) -> np.ndarray:
    return np.asarray(x).mean((1, 2)) @ W


def softmax(x: Any) -> np.ndarray:
    e = np.exp(linear(x))
    return e / e.sum(1, keepdims=True)


def test_the_methods_that_are_offered_are_those_that_work() -> None:
    assert [name.strip() for name in outputs_only().replace("method=", "").replace(" or ", ", ").split(",")] == [
        repr(name) for name in OUTPUTS
    ]


# ---- closed forms ----


@pytest.mark.parametrize(("method", "tolerance"), [("shapley", 1e-12), ("occlusion", 1e-12), ("lime", 0.02)])
def test_scores_of_a_linear_function(method: str, tolerance: float) -> None:
    exact = (X.mean((1, 2)) - BACKGROUND.mean((0, 1, 2)))[:, None] * W.T
    found = bl.band_importance(linear, X, method=method, background=BACKGROUND, target="all")
    assert np.abs(found.scores - exact).max() < tolerance * np.abs(exact).max()
    assert (found.output, found.model) == ("output", "linear")


def test_sampled_shapley_values_of_a_linear_function() -> None:
    exact = (X.mean((1, 2)) - BACKGROUND.mean((0, 1, 2)))[:, None] * W.T
    found = bl.band_importance(linear, X, method="shapley", background=BACKGROUND, target="all", max_exact=2)
    np.testing.assert_allclose(found.scores, exact, atol=1e-12)
    assert found.completeness is not None
    assert found.completeness < 1e-12


def test_permutation_counts_what_a_function_gets_wrong() -> None:
    y = linear(X).argmax(1)
    found = bl.band_importance(linear, X, y, method="permutation", n_repeats=3, seed=2)
    expected = np.zeros((20, 5))
    for repeat in range(3):
        order = np.random.default_rng([2, repeat]).permutation(20)
        for band in range(5):
            mixed = X.copy()
            mixed[..., band] = X[order, ..., band]
            expected[:, band] += (linear(mixed).argmax(1) != y) / 3
    np.testing.assert_allclose(found.scores[:, 0], expected)


# ---- the same numbers as a model that is followed ----


@pytest.mark.parametrize("method", OUTPUTS)
def test_a_model_is_its_predictions(small_cnn: Any, images: np.ndarray, method: str) -> None:
    y = np.arange(len(images)) % 3
    options = {"metric": "log_loss", "n_repeats": 2} if method == "permutation" else {}
    right = bl.band_importance(small_cnn, images, y, method=method, output="probability", seed=3, **options)
    ways = (small_cnn.predict, small_cnn.predict_on_batch, lambda x: small_cnn.predict(x, verbose=0))
    for function in ways:
        found = bl.band_importance(function, images, y, method=method, output="probability", seed=3, **options)
        np.testing.assert_allclose(found.scores, right.scores, atol=1e-6)
        np.testing.assert_allclose(found.output_values, right.output_values, atol=1e-6)
        np.testing.assert_array_equal(found.prediction, right.prediction)
        np.testing.assert_array_equal(found.background, right.background)


def test_predict_of_a_model_is_silent(small_cnn: Any, images: np.ndarray, capsys: pytest.CaptureFixture[str]) -> None:
    bl.band_importance(small_cnn.predict, images, method="occlusion")
    assert capsys.readouterr() == ("", "")


def test_a_function_of_tensors_is_followed(keras: Any, small_cnn: Any, images: np.ndarray) -> None:
    for method in ("deepshap", "saliency", "occlusion"):
        right = bl.band_importance(small_cnn, images, method=method)
        found = bl.band_importance(lambda x: small_cnn(keras.ops.multiply(x, 1.0)), images, method=method)
        np.testing.assert_allclose(found.scores, right.scores, atol=1e-6)
        assert found.output == "logit"


@pytest.mark.tensorflow
def test_weights_that_a_function_makes_when_it_is_called_first(keras: Any, images: np.ndarray) -> None:
    """They are made once, and read as they are."""
    import tensorflow as tf

    made: list[Any] = []

    def once(x: Any) -> Any:
        if not made:
            made.append(tf.Variable(np.arange(x.shape[-1], dtype="float32")))
        return tf.reduce_mean(x, (1, 2)) * made[0]

    first = bl.band_importance(once, images, target="all").scores
    assert len(made) == 1
    assert np.abs(first).max() > 0
    made[0].assign(2 * made[0])
    np.testing.assert_allclose(bl.band_importance(once, images, target="all").scores, 2 * first, atol=1e-6)


@pytest.mark.tensorflow
def test_a_function_that_goes_another_way_where_it_can_make_no_weights(images: np.ndarray) -> None:
    """What is explained is what it does where it can."""
    import tensorflow as tf

    made: list[Any] = []

    def scaled(x: Any) -> Any:
        try:
            if not made:
                made.append(tf.Variable(np.arange(1.0, 1 + x.shape[-1], dtype="float32")))
        except Exception:
            return tf.reduce_mean(x, (1, 2))
        return tf.reduce_mean(x, (1, 2)) * made[0]

    scores = bl.band_importance(scaled, images, target="all", background=images[:1] * 0).scores
    expected = images.mean(axis=(1, 2)) * np.arange(1.0, 1 + images.shape[-1])
    np.testing.assert_allclose(scores, expected[:, :, None] * np.eye(images.shape[-1]), atol=1e-5)


def test_maps_of_superpixels() -> None:
    found = bl.band_maps(linear, X[:2], method="lime", features="superpixels", n_segments=2, n_samples=64)
    assert found.values.shape == (2, 1, 3, 3, 5)
    assert np.abs(found.values).max() > 0


# ---- what functions may give ----


@pytest.mark.parametrize(
    "shape",
    [
        lambda scores: scores.tolist(),
        lambda scores: list(scores),
        lambda scores: scores.astype("float32"),
        lambda scores: np.asfortranarray(scores),
        lambda scores: pd.DataFrame(scores),
        lambda scores: pd.DataFrame(scores).astype(object),
    ],
)
def test_containers_of_scores(shape: Any) -> None:
    right = bl.band_importance(linear, X, method="occlusion")
    found = bl.band_importance(lambda x: shape(linear(x)), X, method="occlusion")
    np.testing.assert_allclose(found.scores, right.scores, atol=1e-6)
    assert found.classes == ("0", "1", "2")


@pytest.mark.parametrize("one", [lambda v: v, lambda v: v[:, None], lambda v: v.tolist(), lambda v: pd.Series(v)])
def test_one_number_per_image(one: Any) -> None:
    def number(x: np.ndarray) -> Any:
        return one(np.exp(linear(x)[:, 0]) / (1 + np.exp(linear(x)[:, 0])))

    found = bl.band_importance(number, X, method="occlusion")
    assert (found.outputs, found.output) == (("output",), "output")
    y = np.arange(20) % 2
    with pytest.warns(AccuracyWarning, match="like labels of two classes"):
        bl.band_importance(number, X, y, method="occlusion")
    for output in ("probability", "logit"):
        two = bl.band_importance(number, X, y, method="occlusion", output=output)
        assert (two.classes, two.output) == (("0", "1"), output)
        np.testing.assert_allclose(two.scores * np.where(y == 1, 1, -1)[:, None, None], found.scores, atol=1e-12)


def test_images_arrive_in_their_own_type() -> None:
    seen = set()

    def spy(x: np.ndarray) -> np.ndarray:
        if isinstance(x, np.ndarray):  # frameworks that are there try it with a tensor first
            seen.add((x.dtype.name, x.flags.c_contiguous))
        return linear(x)

    for dtype, given in [("float32", "float32"), ("float64", "float64"), ("uint8", "float32"), ("float16", "float32")]:
        seen.clear()
        bl.band_importance(spy, np.abs(X).astype(dtype), method="occlusion", replacement="zero")
        assert seen == {(given, True)}


def test_batches_are_of_the_users_size() -> None:
    sizes = []

    def spy(x: np.ndarray) -> np.ndarray:
        sizes.append(len(x))
        return linear(x)

    small = bl.band_importance(spy, X, method="shapley", batch_size=7, background=BACKGROUND)
    assert max(sizes) <= 7
    np.testing.assert_allclose(
        small.scores, bl.band_importance(spy, X, method="shapley", background=BACKGROUND).scores, atol=1e-12
    )
    assert max(sizes) > 7


def test_names_of_columns_are_the_classes() -> None:
    def named(x: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(linear(x), columns=["water", "forest", "soil"])

    y = np.array(["forest", "soil"] * 10)
    found = bl.band_importance(named, X, y, method="occlusion")
    assert found.classes == found.outputs == ("water", "forest", "soil")
    np.testing.assert_array_equal(found.image_class, [1, 2] * 10)
    assert bl.band_importance(named, X, y, method="occlusion", classes=list(found.classes)).classes == found.classes
    # other names for all of them are the user's choice; the same in another order, or some others, are not
    other = bl.band_importance(named, X, pd.Categorical(["u", "v"] * 10, ["t", "u", "v"]), method="occlusion")
    assert other.classes == ("t", "u", "v")
    for classes in (["forest", "soil", "water"], ["other", "forest", "water"]):
        with pytest.raises(LabelError, match=r"not those of the model's outputs(.*\n)+.*water, forest, soil"):
            bl.band_importance(named, X, y, method="occlusion", classes=classes)
        with pytest.raises(LabelError, match=r"not those of the model's outputs"):
            bl.band_importance(named, X, pd.Categorical(["forest"] * 20, classes[::-1]), method="occlusion")


# ---- what does not fit ----


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: linear(x)[:2], r"one row of scores per image(.*\n)+.*shape \(2, 3\) for 3 images"),
        (lambda x: linear(x).mean(), r"one row of scores per image(.*\n)+.*shape \(\)"),
        (lambda x: linear(x).mean(0), r"other scores when it is asked|one row of scores per image"),
        (lambda x: None, r"classes or texts(.*\n)+.*None|one row of scores per image"),
        (lambda x: [[1, 2], [3]] + [[4, 5]] * (len(x) - 2), r"one row of scores per image"),
        (lambda x: linear(x).argmax(1), r"looks like a class(.*\n)+.*predict_proba"),
        (lambda x: linear(x)[:, 0] > 0, r"looks like a class"),
        (lambda x: np.array(["a", "b", "c"])[linear(x).argmax(1)], r"classes or texts(.*\n)+.*predict_proba"),
        (lambda x: linear(x) * 1j, r"one row of scores per image(.*\n)+.*complex"),
        (
            lambda x: linear(x.reshape(len(x), -1)),
            r"can't be called with these images: (.*\n)+.*float64(.*\n)+.*x.reshape",
        ),
        (lambda x: np.random.default_rng().normal(size=(len(x), 3)), r"other scores(.*\n)+.*inference mode"),
        (lambda x: linear(x) - linear(x).mean(0), r"other scores when it is asked about the same images"),
        (lambda x: linear(x)[:, : 3 if len(x) < 4 else 2], r"as many scores(.*\n)+.*3 scores per image(.*\n)+.*2 for"),
        (lambda x: np.where(x[:, 0, 0, :1] == X[7, 0, 0, 0], np.nan, linear(x)), r"not finite(.*\n)+.*nan for image 7"),
    ],
)
def test_what_functions_may_not_give(function: Any, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        bl.band_importance(function, X, method="occlusion")


def test_what_is_said_to_be_probabilities_is_looked_at() -> None:
    found = bl.band_importance(softmax, X, method="occlusion", output="probability")
    assert found.output == "probability"
    with pytest.raises(OptionError, match=r"no probabilities(.*\n)+.*from 0 to 1(.*\n)+.*for image \d+, output \d"):
        bl.band_importance(linear, X, method="occlusion", output="probability")
    with pytest.raises(OptionError, match=r"log-loss needs probabilities(.*\n)+.*output='logit' or 'probability'"):
        bl.band_importance(softmax, X, method="permutation", metric="log_loss")


@pytest.mark.parametrize("method", INSIDE)
def test_methods_that_look_inside_name_those_that_do_not(method: str) -> None:
    with pytest.raises(ModelTypeError, match=r"gives numbers and shows no operations(.*\n)+.*'shapley'.*'lime'"):
        bl.band_importance(linear, X, method=method)


def test_a_failure_of_the_function_in_the_middle_is_told() -> None:
    def fragile(x: np.ndarray) -> np.ndarray:
        if (x[..., 0] == 0).any():
            raise ValueError("band 1 is missing")
        return linear(x)

    with pytest.raises(ModelError, match=r"can't be called with these images: band 1 is missing"):
        bl.band_importance(fragile, X, method="occlusion", replacement="zero")


def test_memory_that_runs_out_halves_the_batch() -> None:
    sizes = []

    def large(x: np.ndarray) -> np.ndarray:
        sizes.append(len(x))
        if len(x) > 8:
            raise MemoryError
        return linear(x)

    found = bl.band_importance(large, X, method="occlusion")
    assert max(sizes) > 8
    np.testing.assert_allclose(found.scores, bl.band_importance(linear, X, method="occlusion").scores, atol=1e-12)


# ---- checks ----


@pytest.mark.parametrize("method", ["occlusion", "shapley"])
def test_checks_that_ask_for_outputs(method: str) -> None:
    result = bl.band_importance(linear, X, method=method, background=BACKGROUND)
    deletion = bl.check_deletion(linear, result, X, background=BACKGROUND)
    assert deletion.passed
    assert bl.check_null(linear, X, method=method, background=BACKGROUND).passed
    stability = bl.check_stability(linear, X, method=method, background=BACKGROUND, backgrounds=3, resamples=20)
    np.testing.assert_allclose(stability.to_frame()["importance"], result.to_frame()["importance"], rtol=1e-9)


def test_what_needs_layers_says_so() -> None:
    with pytest.raises(ModelTypeError, match="layers that can be randomised"):
        bl.check_randomization(linear, X, method="occlusion")
    with pytest.raises(ModelTypeError, match="layers"):
        bl.layer_kernels(linear)


# ---- no framework ----


def test_no_framework_is_imported() -> None:
    code = """
import sys
import numpy as np, bandlens as bl
x = np.random.default_rng(0).normal(size=(6, 3, 3, 4))
f = lambda x: x.mean((1, 2))[:, :2]
found = bl.band_importance(f, x, method=["occlusion", "shapley", "owen", "permutation", "sage", "lime"])
bl.compare_importance(found, resamples=10)
bl.check_deletion(f, found["shapley"], x)
bl.check_null(f, x, method="occlusion")
try:
    bl.band_importance(f, x)
except bl.errors.ModelTypeError as error:
    print(error)
print([name for name in ("tensorflow", "keras", "jax", "torch") if name in sys.modules])
"""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "python")},
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert "shows no operations" in run.stdout
    assert run.stdout.splitlines()[-1] == "[]"


def test_a_function_that_imports_its_framework_is_followed() -> None:
    code = """
import sys
import numpy as np, bandlens as bl
x = np.random.default_rng(0).normal(size=(6, 3, 3, 4)).astype("float32")
def means(x):
    from keras import ops
    return ops.mean(ops.relu(x), axis=(1, 2))[:, :2]
assert "keras" not in sys.modules
found = bl.band_importance(means, x, target="all")
print(found.completeness < 1e-4, found.method)
"""
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "python")},
        check=False,
    )
    assert run.stdout.splitlines()[-1:] == ["True deepshap"], run.stderr[-2000:]


# ---- the protocol ----


def test_the_backend_of_functions_keeps_the_protocol() -> None:
    trace = functions.Trace(linear, (3, 3, 5), "float64", n_outputs=3)
    graph = trace.graph(trace.logit)
    step = functions.compile(
        trace, lambda x: functions.Run(trace, {graph.input: x}).forward(graph.operations).value(graph.output), X
    )
    np.testing.assert_array_equal(step(X), linear(X))
    assert trace.compiled("key", lambda: 1) == trace.compiled("key", lambda: 2) == 1
    assert trace.zeros(graph.input, graph.layouts[graph.input], 4).shape == (4, 3, 3, 5)
    assert functions.loop_over(lambda total, one: total + one.sum(), X, 0.0) == pytest.approx(X.sum())
    assert functions.fused(lambda nd, a: nd.exp(a))(0.0) == 1.0
    for ask in (functions.vjp, functions.jvp, functions.nd.normal, functions.nd.fft_filter):
        with pytest.raises(NotImplementedError, match="no derivative"):
            ask()


@pytest.mark.torch
def test_numpy_inside_a_function_of_tensors_sees_numbers() -> None:
    """While PyTorch's operations are noted, its tensors have no memory; NumPy read what happened to lie elsewhere."""
    import torch

    factors = np.array([1.0, -2.0, 0.5, 3.0, 0.0])
    constants, seen = [], []

    def weighted(x: Any) -> Any:
        made = torch.as_tensor(factors, dtype=x.dtype, device=x.device) * 2
        constants.append(made.cpu().numpy())
        return (x * torch.as_tensor(made.tolist(), dtype=x.dtype, device=x.device)).mean((1, 2, 3))[:, None]

    def looking(x: Any) -> Any:
        seen.append(np.asarray(x.detach().cpu() if isinstance(x, torch.Tensor) else x))
        return weighted(torch.as_tensor(x)).detach().cpu().numpy()

    images = X.astype("float32")
    found = bl.band_importance(weighted, images, method="gradient_x_input")
    np.testing.assert_allclose(found.scores[:, 0], images.mean((1, 2)) * 2 * factors / 5, atol=1e-6)
    assert {tuple(one) for one in constants} == {tuple(2 * factors)}
    bl.band_importance(looking, images, method="occlusion", replacement="background_mean")
    assert max(np.abs(one).max() for one in seen) <= np.abs(images).max()
