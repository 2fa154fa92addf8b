"""A band that is ignored and two equal bands: what methods say of them, and that methods which say otherwise fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bandlens as bl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from bandlens.checks import null
from bandlens.checks.wider import WiderImages
from bandlens.errors import BandError, OptionError
from bandlens.methods import METHODS, Task
from bandlens.methods.findings import Findings, Scores
from bandlens.methods.kinds import BandMethod
from conftest import same_kernels
from keras import ops
from own_process import printed

BANDS = ["blue", "green", "red", "nir"]
OPTIONS: dict[str, dict[str, Any]] = {
    "smoothgrad": {"n_samples": 4},
    "vargrad": {"n_samples": 4},
    "integrated_gradients": {"n_steps": 8},
    "expected_gradients": {"n_samples": 8},
    "permutation": {"n_repeats": 3, "metric": "log_loss"},
    "sage": {"metric": "log_loss"},
}


def rows(check: bl.Check, role: str) -> Any:
    frame = check.to_frame()
    return frame[frame["role"] == role]


@pytest.mark.filterwarnings("ignore:Integrated gradients:bandlens.errors.CompletenessWarning")
@pytest.mark.parametrize("method", METHODS)
def test_every_method_passes(small_cnn: Any, images: np.ndarray, background: np.ndarray, method: str) -> None:
    y = np.arange(12) % 3
    used = {"background": background} if METHODS[method].uses_background else {}
    same_kernels(small_cnn, seed=1)
    check = bl.check_null(small_cnn, images, y, method=method, bands=BANDS, **used, **OPTIONS.get(method, {}))
    assert check.passed, check.summary()
    columns = ["class", "output", "role", "band", "importance", "expected", "difference", "tolerance", "outcome", "n"]
    assert list(check.to_frame().columns) == columns
    assert len(check.to_frame()) == 3 * 4
    band = check.facts["duplicate"]
    alone = bl.band_importance(
        small_cnn, images, y, method=method, bands=BANDS, **used, **OPTIONS.get(method, {})
    ).to_frame()
    alone = alone[alone["band"] == band]["importance"].to_numpy()
    found = rows(check, "original")["importance"].abs()
    assert (found > 0.01 * np.abs(alone)).all()  # none passes because all is 0
    if method in null.ADDS_UP:
        np.testing.assert_allclose(rows(check, "both")["importance"], alone, rtol=1e-3)
    else:
        assert rows(check, "both")["outcome"].isna().all()


def test_sampled_shapley_values_are_judged_by_their_errors(small_cnn: Any, images: np.ndarray) -> None:
    check = bl.check_null(small_cnn, images[:4], np.zeros(4, int), method="shapley", max_exact=2, max_permutations=100)
    assert check.passed
    assert (np.abs(rows(check, "copy")["difference"]) > 1e-5).any()
    # the noise never changes an output, however orders are drawn
    np.testing.assert_allclose(rows(check, "noise")["importance"], 0, atol=1e-6)


def bad_method(score: Any) -> Any:
    """A method with some other idea of importance: ``score(task, batch) -> (images, features)``."""

    def scores(task: Task) -> Findings:
        for part, batch in task.images.batches(task.images_per_batch, np.float64):
            yield Scores(part, np.repeat(score(task, batch)[:, None], task.image_output.shape[1], axis=1))

    return BandMethod(name="bad", label="Bad", summary="", cost="", reference="", scores=scores)


def test_method_that_looks_at_images_only_fails(
    small_cnn: Any, images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    spread = bad_method(lambda task, batch: batch.std(axis=(1, 2)))
    monkeypatch.setitem(METHODS, "bad", spread)
    check = bl.check_null(small_cnn, images, method="bad")
    assert check.passed is False
    assert (rows(check, "noise")["outcome"] == "failed").all()
    assert (rows(check, "copy")["outcome"] == "passed").all()
    assert check.verdict[0] == "The method fails for 2 of 2 classes: '0', '1'."
    assert "does not score zero" in check.verdict[1]
    assert "(up to 0.01 % would pass)" in check.verdict[1]


def test_method_that_prefers_the_first_of_equals_fails(
    small_cnn: Any, images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def first(task: Task, batch: np.ndarray) -> np.ndarray:
        size = np.abs(batch).sum(axis=(1, 2)) / np.arange(1, batch.shape[-1] + 1)
        size[:, 4:5] = 0  # the noise
        return size

    monkeypatch.setitem(METHODS, "bad", bad_method(first))
    check = bl.check_null(small_cnn, images, method="bad", duplicate=1)
    assert check.passed is False
    assert (rows(check, "noise")["outcome"] == "passed").all()
    assert (rows(check, "original")["outcome"] == "failed").all()


def test_method_that_counts_equals_twice_fails_where_sums_are_implied(
    small_cnn: Any, images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def twice(task: Task, batch: np.ndarray) -> np.ndarray:
        size = np.abs(batch).sum(axis=(1, 2))
        size[:, 4:5] = 0
        return size

    monkeypatch.setitem(METHODS, "bad", bad_method(twice))
    assert bl.check_null(small_cnn, images, method="bad").passed
    monkeypatch.setattr(null, "ADDS_UP", ("bad",))
    check = bl.check_null(small_cnn, images, method="bad")
    assert check.passed is False
    assert (rows(check, "both")["outcome"] == "failed").all()
    np.testing.assert_allclose(rows(check, "both")["importance"], 2 * rows(check, "both")["expected"])


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_layouts(keras: Any, axis: int) -> None:
    layers = keras.layers
    shape = [5, 5, 5]
    shape[axis - 1] = 4
    model = keras.Sequential(
        [
            keras.Input(shape),
            layers.Flatten(),
            layers.Dense(8, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    x = [np.random.default_rng(image).integers(0, 200, size=shape) for image in range(9)]  # a list of whole numbers
    check = bl.check_null(model, x, band_axis=axis, duplicate="band_2")
    assert check.passed
    assert check.facts["output"] == "logit"  # the sigmoid is still found
    assert check.to_frame()["band"].cat.categories[-2:].tolist() == ["noise", "band_2 (copy)"]


def test_the_noise_has_the_values_of_the_band(images: np.ndarray) -> None:
    wide = WiderImages(null.check_images(images), 2, 7)
    every = wide[:]
    assert every.shape == (12, 8, 8, 6) == wide.shape
    np.testing.assert_array_equal(every[..., :4], images)
    np.testing.assert_array_equal(every[..., 5], images[..., 2])
    np.testing.assert_array_equal(np.sort(every[..., 4], axis=None), np.sort(images[..., 2], axis=None))
    assert abs(np.corrcoef(every[..., 4].ravel(), images[..., 2].ravel())[0, 1]) < 0.15
    np.testing.assert_array_equal(np.stack([wide[3], wide[4]]), every[3:5])  # whatever the batch


def test_callables_in_double_precision(images: np.ndarray) -> None:
    weights = ops.convert_to_tensor(np.random.default_rng(0).normal(size=(256, 3)))

    def model(x: Any) -> Any:
        return ops.relu(ops.reshape(x, (-1, 256)) @ weights)

    check = bl.check_null(model, images, target="all", method="integrated_gradients", baseline=images[0])
    assert check.passed
    predicted = ops.convert_to_numpy(model(images.astype(float))).argmax(axis=1)
    assert len(check.to_frame()) == 4 * len(np.unique(predicted)) * 3


def test_names_wavelengths_and_saved_models(small_cnn: Any, images: np.ndarray, tmp_path: Path) -> None:
    small_cnn.save(tmp_path / "model.keras")
    bands = ["noise", "green", "red", "nir"]
    check = bl.check_null(
        str(tmp_path / "model.keras"), images, bands=bands, wavelengths=[490, 560, 665, 842], duplicate="red"
    )
    assert check.passed
    assert check.to_frame()["band"].cat.categories.tolist() == [*bands, "noise'", "red (copy)"]
    with pytest.raises(BandError, match="swir"):
        bl.check_null(small_cnn, images, bands=bands, duplicate="swir")
    with pytest.raises(OptionError, match="single bands"):
        bl.check_null(small_cnn, images, groups={"all": [0, 1]})


@pytest.mark.slow
def test_keras_2(tmp_path: Path) -> None:
    # a process of its own: Keras 2 warns on import; the other check that depends on the Keras is tried there too
    code = """
import random, numpy as np, tf_keras, bandlens as bl
layers = tf_keras.layers
tf_keras.utils.set_random_seed(1)
inner = tf_keras.Sequential([layers.Input((8, 8, 4)), layers.Conv2D(6, 3, activation="relu"),
    layers.BatchNormalization(), layers.MaxPooling2D(2)], name="inner")
model = tf_keras.Sequential([layers.Input((8, 8, 4)), inner, layers.Flatten(), layers.Dense(3, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy")
x = np.random.default_rng(0).normal(size=(6, 8, 8, 4))
check = bl.check_null(model, x)
assert check.passed and check.facts["output"] == "logit", check.summary()
before, state = model.get_weights(), random.getstate()
one, two = (bl.check_randomization(model, x, repeats=2, seed=5) for _ in range(2))
assert one.levels["layer"] == ("trained model", "dense", "inner/batch_normalization", "inner/conv2d"), one.levels
assert np.array_equal(one.tables["similarity"]["estimate"], two.tables["similarity"]["estimate"])
assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights())) and random.getstate() == state
print("fine")
"""
    assert printed("-c", code, cwd=tmp_path).endswith("fine")


@pytest.mark.parametrize("width", [85, 175])
def test_plot(small_cnn: Any, images: np.ndarray, width: int) -> None:
    for method in ("deepshap", "occlusion"):
        check = bl.check_null(small_cnn, images, method=method, bands=BANDS, duplicate="red")
        figure = check.plot(width=width).draw()
        titles = {text.get_text().replace("\n", " ") for text in figure.findobj(plt.Text)}
        assert {"copy of red", "red and copy together", "passed"} <= titles
        assert ("nothing expected" in titles) == (method == "occlusion")
    plt.close("all")
