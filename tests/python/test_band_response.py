"""Curves of outputs against a band's level: closed forms, their errors, what is refused and what is missing."""

from __future__ import annotations

import warnings
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.errors import BandError, DataWarning, LabelError, ModelError, OptionError, ResultError
from bandlens.results.local_effects import accumulated, averaged, bin_edges, bins_of

BANDS = ("red", "green", "blue")


def pictures(n: int = 60, seed: int = 0) -> np.ndarray:
    """Images with levels that differ more than pixels within an image do, of bands that go together."""
    random = np.random.default_rng(seed)
    common = random.normal(size=(n, 1, 1, 1))
    return 0.8 * common + 0.6 * random.normal(size=(n, 1, 1, 3)) + 0.3 * random.normal(size=(n, 4, 4, 3))


def labels(n: int = 60) -> np.ndarray:
    return np.arange(n) % 2


def of_means(keras: Any, rule: Any) -> Any:
    """A model of the bands' means, by a rule from (n, bands) to (n, 2)."""
    means = keras.layers.GlobalAveragePooling2D()
    inputs = keras.Input((4, 4, 3))
    return keras.Model(inputs, rule(means(inputs)))


def test_a_linear_model_gives_straight_lines_with_its_weights_as_slopes(keras: Any) -> None:
    layers = keras.layers
    model = keras.Sequential([keras.Input((4, 4, 3)), layers.Flatten(), layers.Dense(2, activation="softmax")])
    slopes = model.get_weights()[0].reshape(16, 3, 2).sum(axis=0)
    x = pictures()
    for kind in ("ale", "ice"):
        found = bl.band_response(model, x, labels(), kind=kind, bands=BANDS, target="all", classes=["a", "b"])
        assert found.output == "logit"
        frame = found.to_frame()
        assert len(frame.groupby(["class", "output", "band"], observed=True)) == 12
        for (name, output, band), rows in frame.groupby(["class", "output", "band"], observed=True):
            own = x[labels() == ["a", "b"].index(name)].mean(axis=(1, 2))[:, BANDS.index(band)]
            slope = slopes[BANDS.index(band), ["a", "b"].index(output)]
            np.testing.assert_allclose(rows["effect"], slope * (rows["level"] - own.mean()), rtol=1e-4, atol=1e-4)
            np.testing.assert_allclose(rows["std_error"], 0, atol=1e-5)
            assert rows["level"].min() == pytest.approx(own.min())
            assert rows["level"].max() == pytest.approx(own.max())


def test_a_quadratic_of_a_bands_mean_is_found(keras: Any) -> None:
    model = of_means(keras, lambda m: keras.ops.stack([m[:, 0] ** 2 + m[:, 1], 0 * m[:, 2]], axis=1))
    x = pictures(300)
    y = np.zeros(300, int)
    found = bl.band_response(model, x, y, bands=BANDS, steps=30)
    red = found.to_frame().query("band == 'red'")
    levels = x.mean(axis=(1, 2))[:, 0]
    # between the ends of each bin exactly, so that the curve is the chord's
    square = red["level"].to_numpy() ** 2
    shift = np.interp(levels, red["level"], square).mean()
    np.testing.assert_allclose(red["effect"], square - shift, atol=1e-4)
    np.testing.assert_allclose(found.to_frame().query("band == 'blue'")["effect"], 0, atol=1e-6)


def test_of_a_product_of_bands_that_go_together_ale_and_partial_dependence_differ_as_theory_says(keras: Any) -> None:
    """With b = a + noise, the local effect of a in f = a b is E(b | a) = a; the partial dependence's slope is E(b)."""
    model = of_means(keras, lambda m: keras.ops.stack([m[:, 0] * m[:, 1], 0 * m[:, 2]], axis=1))
    random = np.random.default_rng(1)
    level = random.uniform(1, 3, 600)
    x = np.zeros((600, 4, 4, 3))
    x[..., 0] = level[:, None, None]
    x[..., 1] = (level + random.normal(0, 0.05, 600))[:, None, None]
    x[..., 2] = random.normal(size=(600, 1, 1))
    y = np.zeros(600, int)
    ale = bl.band_response(model, x, y, bands=BANDS, only=["red"]).to_frame()
    pdp = bl.band_response(model, x, y, bands=BANDS, only=["red"], kind="ice").to_frame()
    half_square = ale["level"] ** 2 / 2 - (level**2).mean() / 2
    np.testing.assert_allclose(ale["effect"], half_square, atol=0.02)
    np.testing.assert_allclose(pdp["effect"], x[..., 1].mean() * (pdp["level"] - level.mean()), rtol=1e-3, atol=1e-3)
    # at both ends: (9 - 13 / 3) / 2 - 2 and (1 - 13 / 3) / 2 + 2
    assert (ale["effect"] - pdp["effect"].to_numpy()).iloc[[0, -1]].to_list() == pytest.approx([1 / 3, 1 / 3], abs=0.05)


def test_ice_gives_the_output_of_each_image_and_its_mean(keras: Any, small_cnn: Any, images: np.ndarray) -> None:
    found = bl.band_response(small_cnn, images, np.arange(12) % 3, kind="ice", steps=4, only=[2, 0])
    assert found.bands == ("band_1", "band_3")
    frame = found.to_frame("image")
    assert list(frame) == ["image", "class", "output", "band", "wavelength", "level", "value"]
    assert len(frame) == 12 * 2 * 5
    row = frame[(frame["image"] == 7) & (frame["band"] == "band_3")].iloc[3]
    moved = images[7:8].copy()
    moved[..., 2] += row["level"] - moved[..., 2].mean()
    logits = keras.Model(small_cnn.inputs, small_cnn.layers[-2].output)(moved)
    weights = small_cnn.layers[-1]
    hidden, kernel, bias = map(keras.ops.convert_to_numpy, (logits, weights.kernel, weights.bias))
    expected = hidden @ kernel + bias
    assert row["value"] == pytest.approx(expected[0, 7 % 3], rel=1e-4, abs=1e-4)
    means = frame.groupby(["class", "band", "level"], observed=True)["value"].mean()
    mean = found.to_frame().set_index(["class", "band", "level"])["effect"]
    slopes = (
        means.groupby(level=["class", "band"], observed=True).diff()
        - mean.groupby(level=["class", "band"], observed=True).diff()
    )
    np.testing.assert_allclose(slopes.dropna(), 0, atol=1e-6)
    assert (found.to_frame()["n"] == 4).all()


def test_columns_and_order_are_as_promised(small_cnn: Any, images: np.ndarray) -> None:
    names, waves = ["nir", "red", "green", "blue"], [840, 660, 560, None]
    classes = ["water", "forest", "city"]
    found = bl.band_response(
        small_cnn, images, np.arange(12) % 3, bands=names, wavelengths=waves, classes=classes, only=["green", "nir"]
    )
    frame = found.to_frame()
    assert list(frame) == [
        *("class", "output", "band", "wavelength", "level", "effect", "std_error", "conf_low", "conf_high", "n")
    ]
    for column, categories in {"class": classes, "output": classes, "band": ["nir", "green"]}.items():
        assert frame[column].cat.ordered
        assert list(frame[column].cat.categories) == categories
        assert frame[column].cat.codes.is_monotonic_increasing or column == "band"
    assert set(frame["wavelength"]) == {840, 560}
    # all images of a class are in one of its bins
    assert (frame.groupby(["class", "band"], observed=True)["n"].sum() == 4).all()
    assert (frame.groupby(["class", "band"], observed=True)["n"].first() == 0).all()


def test_batches_and_containers_change_nothing(small_cnn: Any, images: np.ndarray) -> None:
    y = np.arange(12) % 3
    for kind in ("ale", "ice"):
        one = bl.band_response(small_cnn, images, y, kind=kind, steps=3)
        several = [image.astype("float64") for image in images]
        two = bl.band_response(small_cnn, several, y, kind=kind, steps=3, batch_size=5)
        np.testing.assert_array_equal(one.level, two.level)
        np.testing.assert_allclose(one.effect, two.effect, rtol=1e-5, atol=1e-6)


def test_bands_may_be_on_another_axis(keras: Any) -> None:
    """Spectra: a band is one number, its level."""
    layers = keras.layers
    model = keras.Sequential([keras.Input((6, 1)), layers.Flatten(), layers.Dense(2)])
    x = np.random.default_rng(0).normal(size=(30, 6, 1))
    found = bl.band_response(model, x, labels(30), band_axis=1, wavelengths=np.arange(400, 1000, 100))
    kernel = model.get_weights()[0]
    rows = found.to_frame().query("band == 'band_4'")
    for code, own in rows.groupby("class", observed=True):
        slope = np.polyfit(own["level"], own["effect"], 1)[0]
        assert slope == pytest.approx(kernel[3, int(code)], abs=1e-5)


def test_a_regression_has_one_class(keras: Any) -> None:
    model = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1)])
    found = bl.band_response(model, pictures())
    assert found.classes == ("all",)
    assert found.output == "output"
    with pytest.raises(LabelError, match="must hold numbers"):
        bl.band_response(model, pictures(), ["water"] * len(labels()))


def test_a_function_that_gives_numbers_will_do() -> None:
    """Nothing but outputs is asked for, so that what can't be differentiated has curves, too."""

    def steps(x: Any) -> np.ndarray:
        level = np.asarray(x).mean(axis=(1, 2))
        return np.stack([2 * level[:, 0], level[:, 1] > 0], axis=1).astype(np.float32)

    x = pictures()
    found = bl.band_response(steps, x, labels(), bands=BANDS).to_frame()
    red = found.query("band == 'red' and `class` == '0'")
    own = x[labels() == 0].mean(axis=(1, 2))[:, 0]
    np.testing.assert_allclose(red["effect"], 2 * (red["level"] - own.mean()), atol=1e-4)
    green = found.query("band == 'green' and `class` == '1'")
    assert np.ptp(green["effect"]) == pytest.approx(1, abs=0.2)
    blue = found.query("band == 'blue'")
    np.testing.assert_array_equal(blue["effect"], 0)


def test_errors_say_how_sure_the_curve_is() -> None:
    """Coverage of 95 % intervals over many samples of noisy local effects with known curve."""
    random = np.random.default_rng(0)
    covered = []
    for _ in range(400):
        levels = random.uniform(0, 1, 60)
        edges = bin_edges(levels, 6)
        bins = bins_of(levels, edges)
        widths = np.diff(edges)[bins]
        differences = (2 + random.normal(0, 1, 60)) * widths
        curve = accumulated(levels, differences[:, None], edges)
        truth = 2 * (edges - levels.mean())
        covered.append((curve.conf_low[:, 0] <= truth) & (truth <= curve.conf_high[:, 0]))
    share = np.concatenate(covered).mean()
    assert 0.93 < share < 0.975


def test_the_mean_of_a_curve_over_the_images_is_zero() -> None:
    random = np.random.default_rng(3)
    levels = random.gamma(2, size=50)
    edges = bin_edges(levels, 8)
    curve = accumulated(levels, random.normal(size=(50, 2)), edges)
    values = random.normal(size=(50, 2, 5))
    grid = np.linspace(levels.min(), levels.max(), 5)
    mean = averaged(levels, values, grid)
    for k in range(2):
        assert np.interp(levels, edges, curve.effect[:, k]).mean() == pytest.approx(0, abs=1e-12)
        assert np.interp(levels, grid, mean.effect[:, k]).mean() == pytest.approx(0, abs=1e-12)
    steps = np.diff(values.mean(axis=0), axis=1).T
    np.testing.assert_allclose(np.diff(mean.effect, axis=0), steps)


def test_bins_hold_enough_images() -> None:
    for levels, most, bins in (
        (np.arange(100.0), 20, 20),
        (np.arange(100.0), 7, 7),
        (np.arange(12.0), 20, 2),
        (np.arange(4.0), 20, 1),
        (np.array([0.0, 1.0]), 20, 1),
        (np.r_[np.zeros(90), np.arange(1.0, 11)], 20, 2),
        (np.r_[np.arange(10.0), np.full(90, 10.0)], 20, 3),
    ):
        edges = bin_edges(levels, most)
        assert (np.diff(edges) > 0).all()
        assert (edges[0], edges[-1]) == (levels.min(), levels.max())
        counts = np.bincount(bins_of(levels, edges), minlength=len(edges) - 1)
        assert counts.min() >= min(5, len(levels))
        assert len(counts) == bins


def test_bands_that_do_not_vary_are_named_and_left_out(small_cnn: Any, images: np.ndarray) -> None:
    x = images.copy()
    x[..., 1] = 3.0
    y = np.array([0] * 6 + [1] * 5 + [2])
    with pytest.warns(
        DataWarning, match=r"class '2' has a single image; the level of band 'band_2' is the same in all"
    ):
        found = bl.band_response(small_cnn, x, y)
    assert found.missing["band_2"] == ["0", "1", "2"]
    assert found.missing["band_1"] == ["2"]
    frame = found.to_frame()
    assert set(frame["band"].astype(str)) == {"band_1", "band_3", "band_4"}
    assert set(frame["class"].astype(str)) == {"0", "1"}
    with pytest.raises(BandError, match=r"the level of no band varies within a class(.|\n)*same mean"):
        bl.band_response(small_cnn, x, y, only=[1])
    with pytest.raises(BandError, match=r"no band varies(.|\n)*one of each class(.|\n)*more images"):
        bl.band_response(small_cnn, images[:3], [0, 1, 2])


def test_bands_that_vary_by_rounding_alone_do_not_vary(small_cnn: Any, images: np.ndarray) -> None:
    centred = images - images.mean(axis=(1, 2), keepdims=True)
    with pytest.raises(BandError, match="centred one by one"):
        bl.band_response(small_cnn, centred, np.arange(12) % 3)


def test_images_that_alone_are_explained_by_an_output_are_said(keras: Any) -> None:
    model = of_means(keras, lambda m: m[:, :2])
    x = pictures(20)
    x[..., 0] += 5
    x[3, ..., 1] += 10
    with pytest.warns(DataWarning, match=r"of class '0' too few images are explained by output '1'"):
        found = bl.band_response(model, x, np.zeros(20, int), target="predicted")
    frame = found.to_frame()
    assert set(frame["output"].astype(str)) == {"0"}
    assert (frame.groupby("band", observed=True)["n"].sum() == 19).all()
    # of single images, there are curves without an error
    found = bl.band_response(model, x, np.zeros(20, int), target="predicted", kind="ice")
    alone = found.to_frame().query("output == '1'")
    assert (alone["n"] == 1).all()
    assert alone["std_error"].isna().all()
    assert alone["effect"].notna().all()


def test_correct_calls_warn_of_nothing(small_cnn: Any, images: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        bl.band_response(small_cnn, images, np.arange(12) % 3)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"kind": "pdp"}, OptionError, r"`kind`(.|\n)*'ale' or 'ice'(.|\n)*'pdp'"),
        ({"steps": 0}, OptionError, "`steps` must be a whole number, 1 or more"),
        ({"only": ["nir"]}, BandError, r"`only` names no bands(.|\n)*band_1(.|\n)*'nir'"),
        ({"only": [4]}, BandError, r"positions from 0 to 3(.|\n)*given: 4"),
        ({"only": []}, BandError, "`only` names no bands"),
        ({"only": [True]}, BandError, "`only` names no bands"),
        ({"output": "log"}, OptionError, "scale of the output"),
        ({"batch_size": 0}, OptionError, "`batch_size`"),
    ],
)
def test_what_does_not_fit_is_refused(
    small_cnn: Any, images: np.ndarray, arguments: dict[str, Any], error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        bl.band_response(small_cnn, images, np.arange(12) % 3, **arguments)


def test_outputs_that_are_not_finite_name_image_and_band(keras: Any) -> None:
    # finite where the images are, not where they are moved to
    model = of_means(keras, lambda m: keras.ops.stack([keras.ops.log(m[:, 0] + 5 - m[:, 1]), m[:, 1]], axis=1))
    x = np.zeros((20, 4, 4, 3))
    x += np.arange(20.0)[:, None, None, None]
    x[..., 2] = np.sin(x[..., 2])
    bl.band_response(model, x, labels(20), bands=BANDS, only=["blue"])
    with pytest.raises(ModelError, match=r"`x` with band 'red' moved to another level(.|\n)*image \d"):
        bl.band_response(model, x, labels(20), bands=BANDS, kind="ice")


def test_curves_are_saved_and_read(tmp_path: Any, small_cnn: Any, images: np.ndarray) -> None:
    for kind in ("ale", "ice"):
        made = bl.band_response(small_cnn, images, np.arange(12) % 3, kind=kind, steps=3, wavelengths=[1, None, 3, 4])
        made.save(tmp_path / "curves.npz")
        back = bl.BandResponse.load(tmp_path / "curves.npz")
        for level in ("class", "image")[: 1 + (kind == "ice")]:
            assert back.to_frame(level).equals(made.to_frame(level))
        assert repr(back) == repr(made)
        assert back.missing == {}
    with pytest.raises(ResultError, match="holds no BandImportance"):
        bl.BandImportance.load(tmp_path / "curves.npz")


def test_tables_that_there_are_not_are_refused(small_cnn: Any, images: np.ndarray) -> None:
    made = bl.band_response(small_cnn, images, np.arange(12) % 3)
    assert repr(made) == "<BandResponse: ale (logit), 12 images, 3 classes x 4 bands>"
    with pytest.raises(OptionError, match=r"level='class'(.|\n)*kind='ice'"):
        made.to_frame("image")


def test_progress_counts_images_times_bands(small_cnn: Any, images: np.ndarray) -> None:
    told: list[tuple[int, int]] = []
    bl.band_response(small_cnn, images, np.arange(12) % 3, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (48, 48)
