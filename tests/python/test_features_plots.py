"""Pictures of features: what they show is what is in the tables, and what can't be shown is refused."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens import errors, plots
from bandlens.plots.pictures import brightness, hexes

BANDS = ["blue", "green", "red", "nir"]
WAVES = [490.0, 560.0, 660.0, 840.0]
NAMED: dict[str, Any] = {"bands": BANDS, "wavelengths": WAVES}

# a few steps of features that start bright lead below the start; `test_features_silent.py` is about that
pytestmark = pytest.mark.filterwarnings("ignore:The ascent did not rise above its start")


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """One model's features."""
    import keras

    keras.utils.set_random_seed(3)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((12, 10, 4)),
            layers.Conv2D(6, 3, activation="relu", name="early"),
            layers.Conv2D(5, 3, name="deep"),
            layers.GlobalAveragePooling2D(name="pool"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    x = np.random.default_rng(0).uniform(0.1, 0.9, size=(20, 12, 10, 4))
    model.layers[0].set_weights([model.layers[0].get_weights()[0], np.full(6, 0.5)])
    options = {"background": x, "steps": 20, **NAMED}
    classes = ["water", "forest", "bare soil"]
    return {
        "early": bl.visualize_features(model, "early", **options),
        "deep": bl.visualize_features(model, "deep", n_images=2, **options),
        "logit": bl.visualize_features(model, objective="logit", classes=classes, **options),
        "kernels": bl.layer_kernels(model, **NAMED),
        "activations": bl.layer_activations(model, x[:3], "early"),
        "pooled": bl.layer_activations(model, x[:3], "pool"),
        "top": bl.top_images(model, x, "early", [4, 1], n=3, **NAMED),
    }


def rendered(plot: Any) -> bytes:
    """The picture, which must not be empty."""
    file = io.BytesIO()
    plot.save(file, format="png", dpi=50, verbose=False)
    assert len(file.getvalue()) > 1000
    return file.getvalue()


@pytest.mark.parametrize("kind", ["grid", "bands", "spectrum", "trace"])
@pytest.mark.parametrize("which", ["early", "deep", "logit"])
def test_all_kinds_are_drawn(found: dict[str, Any], which: str, kind: str) -> None:
    rendered(found[which].plot(kind))


def test_the_others_are_drawn(found: dict[str, Any]) -> None:
    for plot in (
        found["kernels"].plot(),
        found["kernels"].plot("profile"),
        found["activations"].plot(1),
        found["pooled"].plot(2),
        found["top"].plot(),
        found["top"].plot(found=found["early"], most=2),
        found["top"].plot("spectrum"),
        found["top"].plot("spectrum", found=found["early"]),
        bl.plot_layers(found["early"], found["deep"], per_layer=4),
    ):
        rendered(plot)


def test_colours_are_those_of_the_bands(found: dict[str, Any]) -> None:
    result = found["early"]
    frame = result.plot(rgb=["nir", "red", "green"], stretch="range").data
    at = frame[(frame["panel"] == "2") & (frame["row"] == -3) & (frame["col"] == 7)]["colour"].item()
    inside = (result.values[2, 3, 7] - result.low) / (result.high - result.low)
    wanted = [int(np.floor(255 * np.clip(inside[band], 0, 1) + 0.5)) for band in (3, 2, 1)]
    assert [int(at[start : start + 2], 16) for start in (1, 3, 5)] == pytest.approx(wanted, abs=1)
    assert "red, green, blue: nir, red, green" in str(result.plot(rgb=["nir", "red", "green"]).labels.subtitle)


def test_the_strongest_bands_make_false_colours(found: dict[str, Any]) -> None:
    import dataclasses

    result = found["early"]
    values = np.broadcast_to((result.low + result.high) / 2, result.values.shape).copy()
    values[..., [0, 1, 3]] += 0.1 * np.random.default_rng(0).normal(size=(*values.shape[:3], 3))
    changed = dataclasses.replace(result, values=values)
    assert "nir, green, blue" in str(changed.plot(rgb="strongest").labels.subtitle)


def test_an_image_is_stretched_by_one_factor_for_all_bands() -> None:
    low, high = np.zeros(3), np.array([1.0, 10.0, 100.0])
    values = np.full((1, 4, 4, 3), 0.5) * high
    values[0, :2] += np.array([0.1, 0.5, 0.0])
    bright = brightness(values, low, high, "image")
    np.testing.assert_allclose(bright[0, 0, 0], [1.0, 0.75, 0.5])
    np.testing.assert_allclose(bright[0, 3, 3], 0.5)
    assert hexes(np.array([[1.0, 0.5, 0.0]]))[0] == "#FF8000"


def test_spectra_are_means_and_spreads(found: dict[str, Any]) -> None:
    frame = found["early"].plot("spectrum").data
    one = frame[(frame["panel"] == "1") & (frame["band"] == "red")]
    pixels = found["early"].values[1, :, :, 2].astype(np.float64)
    assert one["mean"].item() == pytest.approx(pixels.mean())
    assert one["over"].item() == pytest.approx(pixels.mean() + pixels.std())


def test_kernels_are_at_their_places(found: dict[str, Any]) -> None:
    kernels = found["kernels"]
    frame = kernels.plot().data
    assert len(frame) == kernels.values.size
    np.testing.assert_allclose(
        frame["value"].to_numpy().reshape(6, 4, 3, 3), np.moveaxis(kernels.values, -1, 1), rtol=1e-12
    )
    assert frame["y"].is_monotonic_decreasing or frame["y"].iloc[0] == frame["y"].max()


def test_a_row_of_top_images_begins_with_the_made_one(found: dict[str, Any]) -> None:
    frame = found["top"].plot(found=found["early"], most=2).data
    assert list(frame["panel"].cat.categories) == ["0_found", "0_0", "0_1", "1_found", "1_0", "1_1"]


def test_the_strongest_bands_of_top_images_are_those_that_set_them_apart(found: dict[str, Any]) -> None:
    import dataclasses

    top = found["top"]
    unusual = np.array([3.0, 0.2, -2.0, 1.0])
    mean = np.broadcast_to(top.all_mean + unusual * top.all_std, top.mean.shape)
    noisy = np.broadcast_to([1.0, 100.0, 1.0, 1.0], top.std.shape)  # says nothing
    changed = dataclasses.replace(top, mean=mean, std=noisy)
    assert "red, green, blue: nir, red, blue" in changed.plot(rgb="strongest").labels.subtitle
    # beside made images, these decide
    early = found["early"].subset([4, 1])
    values = np.broadcast_to((early.low + early.high) / 2, early.values.shape).copy()
    values[:, ::2, :, 1:] += 0.1
    made = dataclasses.replace(early, values=values)
    assert "red, green, blue: nir, red, green" in changed.plot(found=made, rgb="strongest").labels.subtitle


def test_activations_without_rows_and_columns_are_lines_or_bars(keras: Any, found: dict[str, Any]) -> None:
    from bandlens.features import LayerActivations

    bars = found["pooled"].plot(2)
    np.testing.assert_allclose(bars.data["value"], found["pooled"].values[2])
    values = np.random.default_rng(0).normal(size=(2, 9, 5))
    values[1, :, 3] = 0
    names = tuple("abcde")
    lines = LayerActivations(values, np.arange(5), names, "conv", "Conv1D").plot(1)
    frame = lines.data
    np.testing.assert_allclose(frame[frame["panel"] == "2"]["value"], values[1, :, 2])
    assert "1 of 5 features silent" in lines.labels.subtitle
    rendered(lines)
    volume = LayerActivations(np.zeros((1, 2, 2, 2, 3)), np.arange(3), tuple("abc"), "conv", "Conv3D")
    with pytest.raises(errors.ResultError, match="more than two axes of positions"):
        volume.plot()


def test_pictures_have_a_background(found: dict[str, Any]) -> None:
    from matplotlib.image import imread

    picture = imread(io.BytesIO(rendered(found["early"].plot("spectrum"))))
    np.testing.assert_array_equal(picture[0, 0], [1, 1, 1, 1])


def test_what_can_not_be_shown_is_refused(found: dict[str, Any]) -> None:
    early = found["early"]
    cases = [
        (lambda: early.plot("heatmap"), errors.OptionError, "no such plot.*\n.*'grid'"),
        (lambda: early.plot(wdith=3), errors.OptionError, "no such option"),
        (lambda: early.plot(rgb=["a", "b", "c"]), errors.BandError, "three bands"),
        (lambda: early.plot(rgb="best"), errors.BandError, "strongest"),
        (lambda: early.plot(stretch="max"), errors.OptionError, "stretch"),
        (lambda: found["activations"].plot(3), errors.OptionError, "no such image"),
        (lambda: found["top"].plot(found=found["deep"]), errors.OptionError, "not images of these features"),
        (lambda: bl.plot_layers(), errors.OptionError, "can't be shown together"),
        (lambda: early.subset([0] * 17).plot("bands"), errors.OptionError, "too many images"),
        (lambda: early.subset([0] * 65).plot(), errors.OptionError, "too many images"),
    ]
    for call, kind, message in cases:
        with pytest.raises(kind, match=message):
            call()


def test_spectra_are_no_pictures(keras: Any) -> None:
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((40, 1)), layers.Conv1D(4, 5, name="conv"), layers.Flatten(), layers.Dense(3)]
    )
    waves = np.linspace(400, 2400, 40)
    found = bl.visualize_features(model, "conv", band_axis=1, value_range=(0, 1), steps=10, wavelengths=waves)
    rendered(found.plot("spectrum"))
    with pytest.raises(errors.ResultError, match="Spectra are no pictures"):
        found.plot()


def test_many_bands_are_thinned_and_said(found: dict[str, Any]) -> None:
    import dataclasses

    n = 60
    values = np.random.default_rng(0).uniform(size=(2, 6, 6, n))
    many = dataclasses.replace(
        found["early"].subset([0, 1]),
        values=values,
        low=np.zeros(n),
        high=np.ones(n),
        bands=tuple(f"b{at}" for at in range(n)),
        wavelengths=tuple(np.linspace(400, 2400, n)),
    )
    plot = many.plot("bands")
    rendered(plot)
    assert "26 of 60 bands" in plot.labels.subtitle
    rendered(many.plot("spectrum"))
    assert set(plots.FEATURES) == {"grid", "bands", "spectrum", "trace"}
