"""The verbs: reproducible, the same whatever the batch, errors before computing, interrupts, all kinds of models."""

from __future__ import annotations

import pickle
import re
import warnings
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens import errors
from bandlens.r import bridge
from conftest import double_precision, out_of_memory
from keras import ops


def net(layers: Any, framework: Any, dtype: str | None = None) -> Any:
    """Nested, with an activation and a dropout in layers of their own."""
    backbone = framework.Sequential(
        [
            layers.Conv2D(6, 3, padding="same", name="conv1"),
            layers.ReLU(name="relu1"),
            layers.MaxPooling2D(name="pool"),
            layers.Conv2D(5, 3, activation="tanh", name="conv2"),
            layers.Dropout(0.5, name="drop"),
        ],
        name="backbone",
    )
    inputs = framework.Input((10, 12, 4), dtype=dtype)
    x = layers.Flatten(name="flat")(backbone(inputs))
    return framework.Model(inputs, layers.Dense(3, activation="softmax", name="head")(x))


@pytest.fixture
def model(keras: Any) -> Any:
    return net(keras.layers, keras)


SAMPLE = np.random.default_rng(5).normal(0.5, 0.1, size=(30, 10, 12, 4))
QUICK: dict[str, Any] = {"background": SAMPLE, "steps": 20}
NAMES = ["backbone/" + name for name in ("conv1", "relu1", "pool", "conv2", "drop")] + ["backbone", "flat", "head"]


def test_layers_are_listed_in_the_order_of_calls(model: Any) -> None:
    listed = bl.list_layers(model)
    assert list(listed.names) == NAMES
    assert listed.n_features == (6, 6, 6, 5, 5, 5, 60, 3)
    frame = listed.to_frame()
    assert list(frame.columns) == ["layer", "kind", "output_shape", "kernel_shape", "n_features"]
    assert frame.loc[3].tolist() == ["backbone/conv2", "Conv2D", "3 x 4 x 5", "3 x 3 x 6 x 5", 5]
    assert "backbone/conv2" in repr(listed)
    assert pickle.loads(pickle.dumps(listed)).names == listed.names


@pytest.mark.tensorflow
def test_layers_of_keras_2() -> None:
    import tf_keras as keras

    model = net(keras.layers, keras)
    assert list(bl.list_layers(model).names) == NAMES
    by_hand = keras.Model(model.get_layer("backbone").inputs, model.get_layer("backbone").get_layer("conv2").output)
    found = bl.layer_activations(model, SAMPLE, "backbone/conv2")
    np.testing.assert_allclose(found.values, by_hand.predict(SAMPLE.astype("f4"), verbose=0), rtol=1e-4, atol=1e-4)
    image = bl.visualize_features(model, "conv2", **QUICK)
    assert (image.activation_after > image.activation_before).all()


@pytest.mark.parametrize("name", NAMES)
def test_activations_are_those_of_keras(keras: Any, model: Any, name: str) -> None:
    inner = model.get_layer("backbone")
    if name.startswith("backbone/"):
        cut = keras.Model(inner.inputs, inner.get_layer(name.split("/")[1]).output)
    else:
        cut = keras.Model(model.inputs, model.get_layer(name).output)
    found = bl.layer_activations(model, SAMPLE, name, batch_size=7)
    np.testing.assert_allclose(found.values, cut.predict(SAMPLE, verbose=0), rtol=1e-4, atol=1e-3)


def subclassed(keras: Any) -> Any:
    """A model and a layer of the user's own, one layer called twice."""

    class Block(keras.layers.Layer):
        def __init__(self, name: str) -> None:
            super().__init__(name=name)
            self.conv = keras.layers.Conv2D(4, 3, padding="same", name="conv")
            self.act = keras.layers.ReLU(name="act")

        def call(self, x: Any) -> Any:
            return self.act(self.conv(x))

    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.first = Block("first")
            self.blocks = [Block("second"), Block("third")]
            self.shared = keras.layers.Conv2D(4, 1, name="shared")
            self.head = keras.layers.Dense(3, name="head")

        def call(self, x: Any, training: bool = False) -> Any:
            x = self.first(x)
            for block in self.blocks:
                x = self.shared(block(x))
            return self.head(keras.ops.mean(x, axis=(1, 2)))

    return Own()


def test_subclassed_models(keras: Any) -> None:
    model = subclassed(keras)
    names = bl.list_layers(model, shape=(10, 12, 4)).names
    assert "first/conv" in names
    assert names.index("second/act") < names.index("shared") < names.index("third/conv") < names.index("shared:2")
    for layer in ("third/act", "shared:2", "second"):
        found = bl.visualize_features(model, layer, 1, **QUICK)
        assert found.dead.all() or found.activation_after[0] > found.activation_before[0]
    with pytest.raises(errors.LayerError, match=r"Several layers are called 'conv'.*\n.*'first/conv' or 'second/conv'"):
        bl.visualize_features(model, "conv", **QUICK)


def test_the_model_is_left_as_it_was(model: Any) -> None:
    weights = [np.array(weight) for weight in model.get_weights()]
    bl.visualize_features(model, "conv2", **QUICK)
    for layer in (*model.layers, *model.get_layer("backbone").layers):
        assert "call" not in vars(layer)
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_layers_are_let_go_when_the_model_fails(keras: Any) -> None:
    image = keras.Input((10, 12, 4))
    single = keras.ops.sum(keras.layers.Conv2D(2, 3, name="conv")(image), axis=(1, 2, 3))
    model = keras.Model(image, single)
    with pytest.raises(errors.ModelError, match="not one row of scores"):
        bl.visualize_features(model, "conv", **QUICK)
    assert "call" not in vars(model.get_layer("conv"))


def test_no_trace_keeps_a_model_alive(keras: Any) -> None:
    import gc
    import weakref

    model = net(keras.layers, keras)
    bl.visualize_features(model, "conv2", **QUICK)
    reference = weakref.ref(model)
    del model
    keras.backend.clear_session()
    gc.collect()
    assert reference() is None


def test_seeds_reproduce_and_batches_do_not_matter(model: Any) -> None:
    whole = bl.visualize_features(model, "conv1", **QUICK)
    np.testing.assert_array_equal(bl.visualize_features(model, "conv1", **QUICK).values, whole.values)
    for size in (1, 4):
        parts = bl.visualize_features(model, "conv1", batch_size=size, **QUICK)
        np.testing.assert_allclose(parts.values, whole.values, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(parts.trace, whole.trace, rtol=1e-4)
    some = bl.visualize_features(model, "conv1", [4, 1], **QUICK)
    np.testing.assert_allclose(some.values, whole.values[[4, 1]], rtol=1e-5, atol=1e-6)
    assert some.names == ("4", "1")
    other = bl.visualize_features(model, "conv1", seed=1, **QUICK)
    assert np.abs(other.values - whole.values).max() > 0.01


def test_images_of_features_stay_together_in_batches(model: Any) -> None:
    options = {**QUICK, "n_images": 3}
    whole = bl.visualize_features(model, "conv1", [1, 2], **options)
    parts = bl.visualize_features(model, "conv1", [1, 2], batch_size=1, **options)
    np.testing.assert_allclose(parts.values, whole.values, rtol=1e-5, atol=1e-6)
    assert whole.feature.tolist() == [1, 1, 1, 2, 2, 2]


def test_no_steps_return_the_start(model: Any) -> None:
    image = SAMPLE[3].astype("f4") * 3  # out of range
    found = bl.visualize_features(model, "conv1", [0, 2], start=image, background=SAMPLE, steps=0)
    np.testing.assert_array_equal(found.values, [image, image])
    np.testing.assert_array_equal(found.activation_before, found.activation_after)
    assert found.trace.shape == (2, 0)
    grey = bl.visualize_features(model, "conv1", 0, start="grey", value_range=(2, [4, 6, 8, 10]), steps=0)
    np.testing.assert_array_equal(grey.values[0, 3, 3], [3, 4, 5, 6])
    drawn = bl.visualize_features(model, "conv1", start="background", background=SAMPLE, steps=0)
    assert all((SAMPLE.astype("f4") == one).all(axis=(1, 2, 3)).any() for one in drawn.values)
    noise = bl.visualize_features(model, "conv1", 0, value_range=(0, 100), steps=0).values[0]
    np.testing.assert_allclose(noise.std(axis=(0, 1)), 10, rtol=0.05)
    low, high = np.fft.fft2(noise[..., 0])[0, 1:3], np.fft.fft2(noise[..., 0])[4:6, 5]
    assert np.abs(low).mean() > 3 * np.abs(high).mean()


def test_starts_out_of_range_are_not_cut(model: Any) -> None:
    image = np.full((10, 12, 4), -3.0, "f4")
    found = bl.visualize_features(model, "conv1", 0, start=image, background=SAMPLE, steps=1)
    assert 0 < np.abs(found.values[0] + 3).max() <= 0.1  # a step of 1/8 of the range, not a jump into it


def test_ranges_come_from_the_background(model: Any) -> None:
    found = bl.visualize_features(model, "conv1", 0, **QUICK)
    low, high = np.quantile(SAMPLE.reshape(-1, 4), (0.001, 0.999), axis=0)
    np.testing.assert_allclose(found.low, low)
    assert (found.values >= low - 1e-6).all()
    assert (found.values <= high + 1e-6).all()


def test_tables(model: Any) -> None:
    found = bl.visualize_features(model, "conv1", [2, 0], bands=list("bgrn"), wavelengths=[490, 560, 660, 840], **QUICK)
    frame = found.to_frame()
    assert list(frame.columns[:3]) == ["layer", "feature", "image"]
    assert frame["feature"].astype(str).tolist() == ["2", "0"]
    bands = found.to_frame("band")
    np.testing.assert_allclose(bands["mean"].to_numpy().reshape(2, 4), found.values.mean(axis=(1, 2)), rtol=1e-5)
    assert bands["wavelength"].tolist() == [490, 560, 660, 840] * 2
    pixels = found.to_frame("pixel")
    one = pixels[(pixels["feature"] == "0") & (pixels["row"] == 3) & (pixels["col"] == 5) & (pixels["band"] == "r")]
    assert one["value"].item() == found.values[1, 3, 5, 2]
    trace = found.to_frame("trace")
    assert trace["step"].max() == 19
    assert trace["activation"].notna().all()
    with pytest.raises(errors.OptionError, match="no such table"):
        found.to_frame("image")
    copy = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(copy.values, found.values)
    assert "conv1" in repr(found)


def test_kinds_of_views_keep_what_they_show(model: Any) -> None:
    for options in ({"jitter": 3}, {"scale": 0.1, "rotate": 10}, {"jitter": 0}, {"parametrization": "fourier"}):
        found = bl.visualize_features(model, "conv2", **{**QUICK, "steps": 60}, **options)
        assert (found.activation_after > 1.2 * found.activation_before).all(), options


@pytest.mark.tensorflow
def test_a_view_and_the_way_back() -> None:
    import tensorflow as tf
    from bandlens.engine.backends.tensorflow import nd
    from bandlens.features.views import Moves, moved

    rows, cols = np.mgrid[:20, :24]
    smooth = np.stack([np.sin(2 * np.pi * rows / 20), np.cos(2 * np.pi * cols / 24)], axis=-1)[None]
    number = np.arange(1, dtype=np.int32)
    for moves, close in ((Moves((3, 5)), 1e-12), (Moves((2, 2), 0.05, 3.0), 0.08)):
        views = moves.draw(np.random.default_rng(0), 8)
        for there, back in views:
            seen = moved(nd, tf.constant(smooth), tf.constant(there[None]), number, whole=moves.whole)
            again = moved(nd, seen, tf.constant(back[None]), number, whole=moves.whole)
            np.testing.assert_allclose(again[0, 4:-4, 4:-4], smooth[0, 4:-4, 4:-4], atol=close)
            if moves.whole:
                shift = there[4:].astype(int)
                np.testing.assert_array_equal(seen, np.roll(smooth, -shift, axis=(1, 2)))


class TestInterrupts:
    """Ctrl-C after some steps of the second batch."""

    @staticmethod
    def interrupting(after: int) -> Any:
        def progress(done: int, total: int) -> None:
            if done > after:
                raise KeyboardInterrupt

        return progress

    def test_images_so_far_are_returned(self, model: Any) -> None:
        options = {"background": SAMPLE, "steps": 40, "batch_size": 2}
        with pytest.warns(errors.InterruptedWarning, match="4 of 6 images are returned, 2 of them with all 40 steps"):
            found = bl.visualize_features(
                model, "conv1", keep_on_interrupt=True, progress=self.interrupting(100), **options
            )
        whole = bl.visualize_features(model, "conv1", **options)
        assert found.interrupted
        assert found.n == 4
        assert found.done.tolist() == [40, 40, 16, 16]
        assert found.names == ("0", "1", "2", "3")
        np.testing.assert_array_equal(found.values[:2], whole.values[:2])
        assert np.isfinite(found.trace[2:, :16]).all()
        assert np.isnan(found.trace[2:, 16:]).all()
        sixteen = bl.visualize_features(model, "conv1", [2, 3], background=SAMPLE, steps=16)
        np.testing.assert_allclose(found.values[2:], sixteen.values, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found.activation_after[2:], sixteen.activation_after, rtol=1e-5)

    def test_it_goes_on_where_nobody_looks(self, model: Any) -> None:
        for options in ({}, {"keep_on_interrupt": False}):
            with pytest.raises(KeyboardInterrupt):
                bl.visualize_features(model, "conv1", progress=self.interrupting(0), **QUICK, **options)

    def test_a_prompt_is_interactive(self, model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.ps1", ">>> ", raising=False)
        with pytest.warns(errors.InterruptedWarning):
            bl.visualize_features(model, "conv1", progress=self.interrupting(0), **QUICK)

    def test_a_batch_that_was_not_begun_is_left_out(self, model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        from bandlens.features.ascent import Ascent

        begin = Ascent._begin

        def stop(self: Any, found: Any, part: slice) -> np.ndarray:
            if part.start == 2:
                raise KeyboardInterrupt
            return begin(self, found, part)

        monkeypatch.setattr(Ascent, "_begin", stop)
        with pytest.warns(errors.InterruptedWarning, match="2 of 6 images are returned, 2 of them"):
            found = bl.visualize_features(model, "conv1", keep_on_interrupt=True, batch_size=2, **QUICK)
        assert found.n == 2
        assert np.isfinite(found.activation_after).all()

    def test_nothing_so_far_is_no_result(self, model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        from bandlens.features.ascent import Ascent

        def stop(*_: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Ascent, "_compiled", stop)
        with pytest.raises(KeyboardInterrupt):
            bl.visualize_features(model, "conv1", keep_on_interrupt=True, **QUICK)


def test_progress_counts_steps(model: Any) -> None:
    told: list[tuple[int, int]] = []
    bl.visualize_features(model, "conv1", [0, 1], progress=lambda done, total: told.append((done, total)), **QUICK)
    assert told == [(32, 40), (40, 40)]


def test_a_float64_model(keras: Any) -> None:
    with double_precision():
        keras.config.set_dtype_policy("float64")
        try:
            model = net(keras.layers, keras, "float64")
        finally:
            keras.config.set_dtype_policy("float32")
        found = bl.visualize_features(model, "conv2", parametrization="fourier", decorrelate=True, **QUICK)
    assert found.values.dtype == np.float64
    assert (found.activation_after > found.activation_before).all()


def test_a_spectrum_and_channels_first(keras: Any) -> None:
    layers = keras.layers
    spectral = keras.Sequential(
        [keras.Input((30, 1)), layers.Conv1D(4, 5, name="conv"), layers.Flatten(), layers.Dense(3, name="units")]
    )
    found = bl.visualize_features(
        spectral, "units", objective="mean_activity", value_range=(0, 1), band_axis=1, steps=40
    )
    assert found.values.shape == (3, 1, 1, 30)
    assert (found.activation_after > found.activation_before).all()

    first = keras.Sequential(
        [
            keras.Input((4, 8, 9)),
            layers.Permute((2, 3, 1)),
            layers.Conv2D(3, 3, name="conv"),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    last = keras.Sequential([keras.Input((8, 9, 4)), *first.layers[1:]])
    options: dict[str, Any] = {"value_range": (0, 1), "steps": 20}
    found = bl.visualize_features(first, "conv", band_axis=1, **options)
    assert found.values.shape == (3, 8, 9, 4)
    np.testing.assert_allclose(found.values, bl.visualize_features(last, "conv", **options).values, atol=1e-5)


def test_a_cube_with_bands_in_the_middle(keras: Any) -> None:
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((5, 6, 9, 1)), layers.Conv3D(3, 3, name="conv"), layers.Flatten(), layers.Dense(2)]
    )
    found = bl.visualize_features(model, "conv", band_axis=3, value_range=(0, 1), steps=10)
    assert found.values.shape == (3, 5, 6, 9)
    with pytest.raises(errors.LayerError, match=r"'conv' can't be shown by band.*slides along the bands"):
        bl.layer_kernels(model)
    with pytest.raises(errors.InputError, match="more than two axes of pixels"):
        bl.visualize_features(model, "conv", band_axis=-1, value_range=(0, 1))


LOGIT = {"layer": None, "objective": "logit"}
NO_BACKGROUND = {"background": None, "value_range": (0, 1)}
CASES: list[tuple[str, dict[str, Any], type, str]] = [
    ("layer", {"layer": "backbone/conv3"}, errors.LayerError, r"no such layer.*\n.*'backbone/conv2'.*\n.*conv3"),
    ("no layer", {"layer": None}, errors.OptionError, r"which layer"),
    ("layers", {"layer": ["conv1", "conv2"]}, errors.OptionError, r"those of one layer"),
    ("logit of a layer", {"objective": "logit"}, errors.OptionError, r"not of a layer"),
    ("objective", {"objective": "loss"}, errors.OptionError, r"'objective|`objective`.*\n.*'squared_activity'"),
    ("feature", {"features": 6}, errors.OptionError, r"no such feature.*\n.*0 to 5.*\n.*6"),
    ("features twice", {"features": [1, 1]}, errors.OptionError, r"different features"),
    ("feature by name", {"features": "corn"}, errors.OptionError, r"no such feature.*\n.*\n.*'corn'"),
    ("class", {**LOGIT, "features": "a", "classes": list("xyz")}, errors.OptionError, "'x'"),
    ("position", {"position": (1, 1)}, errors.OptionError, r"Only a neuron"),
    ("position out", {"objective": "neuron", "position": (1, 99)}, errors.OptionError, r"no such.*\n.*9 and 11"),
    (
        "no spatial output",
        {"layer": "head", "objective": "neuron", "position": (0, 0)},
        errors.LayerError,
        r"'head' has no spatial output",
    ),
    ("range", {"background": None}, errors.OptionError, r"range of the data is not known"),
    ("range order", {"value_range": (1, 0)}, errors.OptionError, r"not a range"),
    ("range length", {"value_range": ([0, 0], [1, 1])}, errors.OptionError, r"not a range.*\n.*4 numbers"),
    ("steps", {"steps": -1}, errors.OptionError, "steps"),
    ("jitter", {"jitter": "much"}, errors.OptionError, "jitter"),
    ("start", {"start": "noise"}, errors.OptionError, r"start.*\n.*'multiscale'"),
    ("start shape", {"start": np.zeros((3, 3, 4))}, errors.OptionError, r"not an image of this model.*\n.*10, 12, 4"),
    ("start missing", {**NO_BACKGROUND, "start": "background"}, errors.OptionError, "start from"),
    ("decorrelate", {**NO_BACKGROUND, "decorrelate": True}, errors.OptionError, "background"),
    ("clamp", {"clamp": True}, errors.OptionError, "clamp.*\n.*'fit'"),
    ("diversity", {"diversity": 1.0}, errors.OptionError, "single image"),
    ("directions", {"objective": "direction"}, errors.OptionError, "not directions"),
    ("directions length", {"objective": "direction", "directions": [1, 2]}, errors.OptionError, "6 finite"),
    ("directions unused", {"directions": np.ones(6)}, errors.OptionError, "no use for `directions`"),
    ("classes unused", {"classes": list("abc")}, errors.OptionError, "no use for `classes`"),
    ("features unused", {"objective": "deep_dream", "features": 1}, errors.OptionError, "no use for `features`"),
    ("batch", {"batch_size": 0}, errors.OptionError, "batch_size"),
    ("bands", {"bands": ["a"]}, errors.BandError, "4"),
    ("background", {"background": SAMPLE[:, :4]}, errors.InputError, "images of this shape"),
    ("background empty", {"background": SAMPLE[:0]}, errors.BackgroundError, "no images"),
    ("background broken", {"background": SAMPLE * np.nan}, errors.BackgroundError, "not finite"),
    ("shape", {"shape": (3, 3, 4)}, errors.InputError, "not that of the background"),
    ("model", {"model": 3}, errors.ModelTypeError, "nothing that can be explained"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "kind", "message"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_errors_come_before_computing(
    model: Any, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], kind: type, message: str
) -> None:
    def climb(*_: Any, **__: Any) -> None:
        raise AssertionError("computed")

    monkeypatch.setattr("bandlens.features.ascent.Ascent.climb", climb)
    call = {"model": model, "layer": "conv1", "background": SAMPLE, **arguments}
    with pytest.raises(kind, match=message) as caught:
        bl.visualize_features(**call)
    assert type(caught.value) is kind


def test_a_callable_has_outputs_but_no_layers() -> None:
    def model(x: Any) -> Any:
        return ops.sum(x * ops.arange(4.0, dtype="float32"), (1, 2))[:, 1:]

    options: dict[str, Any] = {"shape": (3, 3, 4), "value_range": (0, 1), "steps": 5}
    found = bl.visualize_features(model, objective="logit", **options)
    assert (found.activation_after > found.activation_before).all()
    with pytest.raises(errors.LayerError, match="no layers"):
        bl.visualize_features(model, "conv", **options)


def test_silent_features_are_flagged_when_nothing_wakes_them(model: Any) -> None:
    kernel, bias = model.get_layer("backbone").get_layer("conv1").get_weights()
    model.get_layer("backbone").get_layer("conv1").set_weights([kernel * 0, bias])
    with pytest.warns(errors.DeadFeatureWarning, match="6 of 6"):
        found = bl.visualize_features(model, "relu1", **QUICK)
    assert found.dead.all()
    assert (found.restarts == 15).all()
    assert found.to_frame()["dead"].all()


def test_top_images_are_the_most_exciting(model: Any) -> None:
    activations = bl.layer_activations(model, SAMPLE, "relu1").values
    chosen = np.flatnonzero(np.ptp(activations.max((1, 2)), axis=0))[[1, 0]].tolist()  # others are silent
    for statistic, over in (("mean", activations.mean((1, 2))), ("max", activations.max((1, 2)))):
        found = bl.top_images(model, SAMPLE, "relu1", chosen, n=4, statistic=statistic, batch_size=8)
        for row, feature in enumerate(chosen):
            np.testing.assert_array_equal(found.index[row], np.argsort(-over[:, feature], kind="stable")[:4])
            np.testing.assert_allclose(found.activation[row], np.sort(over[:, feature])[::-1][:4], rtol=1e-5)
            np.testing.assert_array_equal(found.values[row], SAMPLE[found.index[row]])
        np.testing.assert_allclose(found.all_mean, SAMPLE.mean(axis=(0, 1, 2)))
        np.testing.assert_allclose(found.mean, found.values.mean(axis=(2, 3)))
    frame = found.to_frame("band")
    assert list(frame.columns) == ["feature", "place", "image", "band", "wavelength", "mean", "std"]
    assert len(found.to_frame()) == 8


def test_activation_tables(model: Any) -> None:
    found = bl.layer_activations(model, SAMPLE[:3], "conv2", [1, 4])
    np.testing.assert_array_equal(found.values, bl.layer_activations(model, SAMPLE[:3], "conv2").values[..., [1, 4]])
    frame = found.to_frame()
    np.testing.assert_allclose(frame["max"].to_numpy().reshape(3, 2), found.values.max(axis=(1, 2)), rtol=1e-6)
    places = found.to_frame("position")
    assert list(places.columns) == ["image", "row", "col", "feature", "activation"]
    assert places["activation"].to_numpy().tolist() == found.values.reshape(-1).tolist()
    assert list(bl.layer_activations(model, SAMPLE[:3], "head").to_frame("position").columns) == [
        "image", "feature", "activation",
    ]  # fmt: skip


class TestKernels:
    """Every kind of convolution, by what it does to an impulse."""

    @pytest.mark.parametrize(
        "make",
        [
            lambda layers: layers.Conv2D(5, 3, use_bias=False),
            lambda layers: layers.Conv2D(6, 3, groups=2, use_bias=False),
            lambda layers: layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False),
            lambda layers: layers.SeparableConv2D(5, 3, depth_multiplier=2, use_bias=False),
        ],
        ids=["usual", "grouped", "depthwise", "separable"],
    )
    def test_two_dimensions(self, keras: Any, make: Any) -> None:
        layer = make(keras.layers)
        model = keras.Sequential([keras.Input((5, 5, 4)), layer, keras.layers.Flatten(), keras.layers.Dense(2)])
        found = bl.layer_kernels(model, bands=list("abcd"))
        for band in range(4):
            impulse = np.zeros((1, 5, 5, 4), "f4")
            impulse[0, 2, 2, band] = 1
            answer = ops.convert_to_numpy(layer(impulse))[0]
            np.testing.assert_allclose(np.moveaxis(found.values[..., band], 0, -1), answer[::-1, ::-1], atol=1e-6)

    def test_one_dimension(self, keras: Any) -> None:
        for layer in (keras.layers.Conv1D(5, 3), keras.layers.SeparableConv1D(5, 3), keras.layers.DepthwiseConv1D(3)):
            model = keras.Sequential([keras.Input((7, 2)), layer, keras.layers.Flatten(), keras.layers.Dense(2)])
            found = bl.layer_kernels(model)
            impulse = np.zeros((1, 7, 2), "f4")
            impulse[0, 3, 1] = 1
            answer = ops.convert_to_numpy(layer(impulse))[0, 1:4] - ops.convert_to_numpy(layer(impulse * 0))[0, 1:4]
            np.testing.assert_allclose(found.values[:, 0, :, 1].T, answer[::-1], atol=1e-6)

    def test_tables(self, model: Any) -> None:
        found = bl.layer_kernels(model, features=[2, 4], bands=list("bgrn"))
        assert found.layer == "backbone/conv1"
        kernel = model.get_layer("backbone").get_layer("conv1").get_weights()[0]
        frame = found.to_frame()
        one = frame.query("kernel == 4 and row == 2 and col == 0 and band == 'g'")
        assert one["weight"].item() == kernel[2, 0, 1, 4]
        bands = found.to_frame("band")
        np.testing.assert_allclose(
            bands["norm"].to_numpy().reshape(2, 4), np.linalg.norm(kernel.reshape(9, 4, 6), axis=0).T[[2, 4]], rtol=1e-6
        )
        np.testing.assert_allclose(bands.groupby("kernel")["share"].sum(), 1)
        assert bl.layer_kernels(model, "conv2").bands[0] == "channel_0"
        assert pickle.loads(pickle.dumps(found)).layer == found.layer

    def test_errors(self, keras: Any, model: Any) -> None:
        with pytest.raises(errors.LayerError, match=r"no such layer.*\n.*'backbone/conv"):
            bl.layer_kernels(model, "backbone/conv9")
        with pytest.raises(errors.LayerError, match=r"'head' has no kernels.*\n.*\n.*Dense"):
            bl.layer_kernels(model, "head")
        with pytest.raises(errors.BandError, match="4"):
            bl.layer_kernels(model, bands=["a"])
        flat = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        with pytest.raises(errors.LayerError, match="no convolution"):
            bl.layer_kernels(flat)
        with pytest.raises(errors.ModelTypeError, match="Only Keras models"):
            bl.layer_kernels(lambda x: x)
        up = keras.Sequential([keras.Input((4, 4, 2)), keras.layers.Conv2DTranspose(2, 3, name="up")])
        with pytest.raises(errors.LayerError, match="transposed"):
            bl.layer_kernels(up, "up")


def test_r_gets_plain_values_counted_from_zero(model: Any) -> None:
    answers = [
        bridge.list_layers(model, {}),
        bridge.layer_kernels(model, {"features": [1]}),
        bridge.visualize_features(
            model, {"layer": "conv1", "features": [2.0], "background": SAMPLE, "steps": 3.0}, None
        ),
        bridge.layer_activations(model, SAMPLE, {"layer": "conv1"}, None),
        bridge.top_images(model, SAMPLE, {"layer": "conv1", "n": 2.0}, None),
    ]
    for answer in answers:
        assert answer["ok"], answer
        assert plain(answer["value"])
    images = answers[2]["value"]
    assert images["values"].dtype == np.float64
    assert images["feature"].tolist() == [2]
    assert images["names"] == ["3"]
    failed = bridge.visualize_features(model, {"layer": "conv9", "background": SAMPLE}, None)
    assert (failed["ok"], failed["kind"]) == (False, "layer")
    assert re.search("conv1", failed["expected"])


def plain(value: Any) -> bool:
    """Whether a value is made of what R has."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and plain(entry) for key, entry in value.items())
    if isinstance(value, list):
        return all(map(plain, value))
    if isinstance(value, np.ndarray):
        return value.dtype in (np.float64, np.int32, np.bool_)
    return value is None or isinstance(value, bool | int | float | str)


def test_memory_decides_how_many_are_computed_at_once(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    from bandlens.features import ascent

    batch = ascent.Ascent._batch

    def spy(self: Any, found: Any, part: slice, *rest: Any) -> None:
        sizes.append(part.stop - part.start)
        batch(self, found, part, *rest)

    monkeypatch.setattr(ascent.Ascent, "_batch", spy)
    monkeypatch.setattr(ascent, "step_bytes", lambda backend: 100_000)
    with warnings.catch_warnings():
        bl.visualize_features(model, "conv1", **QUICK)
    assert sum(sizes) == 6
    assert max(sizes) < 6


def test_out_of_memory_halves_and_goes_on(model: Any, little_memory: Any) -> None:
    options: dict[str, Any] = {"layer": "backbone/conv2", "steps": 40, "background": SAMPLE}
    whole = bl.visualize_features(model, **options)
    activations = bl.layer_activations(model, SAMPLE, "backbone/conv2")
    calls = little_memory(model, failures=1)
    told = []
    cut = bl.visualize_features(model, progress=lambda done, total: told.append((done, total)), **options)
    np.testing.assert_allclose(cut.values, whole.values, rtol=1e-4)
    np.testing.assert_allclose(cut.trace, whole.trace, rtol=1e-4)
    assert told[-1] == (200, 200)
    np.testing.assert_allclose(
        bl.layer_activations(model, SAMPLE, "backbone/conv2").values, activations.values, rtol=1e-4, atol=1e-5
    )
    assert min(map(len, calls.values())) > 1


def test_steps_before_the_memory_ran_out_are_made_again(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from bandlens.features.ascent import CHUNK, Ascent

    options: dict[str, Any] = {"layer": "backbone/conv2", "steps": 3 * CHUNK, "background": SAMPLE}
    whole = bl.visualize_features(model, **options)
    compiled, calls = Ascent._compiled, []

    def limited(self: Ascent, arguments: Any) -> Any:
        calls.append(len(arguments[0]))
        if len(calls) == 3:
            raise out_of_memory(model)
        return compiled(self, arguments)

    monkeypatch.setattr(Ascent, "_compiled", limited)
    told = []
    cut = bl.visualize_features(model, progress=lambda done, total: told.append((done, total)), **options)
    assert calls == [5, 5, 5, *[3] * 3, *[2] * 3]
    np.testing.assert_allclose(cut.values, whole.values, rtol=1e-4)
    np.testing.assert_allclose(cut.trace, whole.trace, rtol=1e-4)
    assert told[-1][0] == told[-1][1] == 15 * CHUNK
