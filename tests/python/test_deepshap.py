"""The engine: completeness, parity with shap where shap works, what must not matter, and what it refuses."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.data.images import check_images
from bandlens.data.summaries import band_means
from bandlens.engine.backends import backend_of, functions
from bandlens.engine.deepshap import formulas
from bandlens.engine.deepshap.chunks import _less_padded, _sizes
from bandlens.engine.deepshap.pairs import Pairs
from bandlens.errors import CompletenessWarning, UnsupportedOperationError
from conftest import KERAS_IS_DOUBLE, out_of_memory
from directions import apart, in_both_directions
from keras import ops


def relative_residual(result: bl.BandImportance) -> float:
    """Largest completeness error relative to the scale of the output."""
    difference = result.output_values - result.base_values
    return float(np.abs(result.scores.sum(axis=-1) - difference).max() / np.abs(difference).max())


def rich_cnn(keras: Any, dtype: str = "float32", kind: str = "functional") -> Any:
    """Every layer that issue 2 asks for, in the ways models are written."""
    layers = keras.layers
    keras.config.set_dtype_policy(dtype)
    try:
        body = [
            layers.Conv2D(6, 3, padding="same"),
            layers.BatchNormalization(),
            layers.Activation("elu"),
            layers.MaxPooling2D(3, strides=2, padding="same"),
            layers.Conv2D(8, 3, padding="same", activation="selu"),
        ]
        left = layers.Conv2D(8, 1, activation="relu")
        right = layers.Conv2D(8, 3, padding="same", activation="softplus")
        pool = layers.AveragePooling2D(2)
        head = [
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(9, activation="tanh"),
            layers.Dense(3, activation="softmax"),
        ]

        def connect(x: Any) -> Any:
            for layer in body:
                x = layer(x)
            x = layers_add([left(x), x])
            x = layers_concat([right(x), x])
            x = pool(x)
            for layer in head:
                x = layer(x)
            return x

        layers_add, layers_concat = layers.Add(), layers.Concatenate()
        if kind == "functional":
            inputs = keras.Input((8, 8, 4), dtype=dtype)
            return keras.Model(inputs, connect(inputs))
        if kind == "sequential":
            return keras.Sequential([*body, left, pool, *head])

        class Subclassed(keras.Model):  # type: ignore[misc, name-defined]
            def __init__(self) -> None:
                super().__init__(dtype=dtype)
                self.parts = [*body, left, right, pool, *head]

            def call(self, x: Any, training: bool = False) -> Any:
                return connect(x)

        return Subclassed()
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("kind", ["functional", "sequential", "subclassed"])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-4), ("float64", 1e-9)])
@pytest.mark.parametrize("output", ["logit", "probability"])
def test_complete_however_the_model_is_written(
    keras: Any,
    settle: Callable[[Any], Any],
    images: np.ndarray,
    background: np.ndarray,
    kind: str,
    dtype: str,
    tolerance: float,
    output: str,
) -> None:
    model = rich_cnn(keras, dtype, kind)
    model(images[:1].astype(dtype))
    settle(model)
    result = bl.band_importance(model, images, background=background, target="all", output=output)
    assert relative_residual(result) <= (tolerance if KERAS_IS_DOUBLE else 1e-4)
    assert result.completeness is not None
    assert result.output_values.std() > 0
    expected = model.predict(images, verbose=0)
    if output == "probability":
        np.testing.assert_allclose(result.output_values, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.tensorflow
def test_equals_shap_on_logits(
    keras: Any, settle: Callable[[Any], Any], images: np.ndarray, background: np.ndarray
) -> None:
    layers = keras.layers
    inputs = keras.Input((8, 8, 4))
    x = layers.Conv2D(6, 3, padding="same")(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    x = layers.MaxPooling2D()(x)
    skip = layers.Conv2D(6, 3, padding="same", activation="elu")(x)
    x = layers.Add()([x, skip])
    x = layers.Concatenate()([x, layers.Conv2D(4, 1, activation="tanh")(x)])
    x = layers.MaxPooling2D(3, strides=1)(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(8, activation="sigmoid")(x)
    model = settle(keras.Model(inputs, layers.Dense(3)(x)))
    # pixels that are the same in image and background, and ties within pooling windows
    images[:, :4, :4] = 0.5
    background[:, :3, :3] = 0.5
    mine = bl.band_maps(model, images, background=background, target="all").values
    theirs = shap_values(model, images, background)
    assert np.abs(mine - theirs).max() <= 1e-5 * np.abs(theirs).max()


@pytest.mark.tensorflow
def test_equals_shap_on_the_demo_model(keras: Any) -> None:
    from bandlens import demo

    data = bl.datasets.landsat()
    model = demo.train(data, epochs=1)
    logits = keras.Model(model.inputs, keras.layers.Dense(6, name="logits")(model.layers[-1].input))
    logits.layers[-1].set_weights(model.layers[-1].get_weights())
    images, background = data.x_test[:20], data.x_train[:15]
    images = images[moved(keras, model, images, background)]
    assert len(images) > 15
    mine = bl.band_maps(model, images, background=background, target="all").values
    theirs = shap_values(logits, images, background)
    assert np.abs(mine - theirs).max() <= 1e-5 * np.abs(theirs).max()


def moved(keras: Any, model: Any, images: np.ndarray, background: np.ndarray) -> np.ndarray:
    """For which images nothing that max pooling reads is nearly what it is for an image of the background.

    Of differences below 1e-7, which training on another processor may make, shap's max pooling passes on nothing.
    """
    read = keras.Model(model.inputs, [layer.input for layer in model.layers if "MaxPooling" in type(layer).__name__])
    before, others = (np.asarray(read.predict(given, verbose=0)) for given in (images, background))
    apart = np.abs(before[:, None] - others)
    nearly = (apart > 0) & (apart < 1e-7)
    return ~nearly.any(axis=tuple(range(1, nearly.ndim)))


def shap_values(model: Any, images: np.ndarray, background: np.ndarray) -> np.ndarray:
    """shap's attributions, shape (n, outputs, rows, cols, bands)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import shap

        explainer = shap.DeepExplainer(model, background)
        return np.moveaxis(np.asarray(explainer.shap_values(images, check_additivity=False)), -1, 1)


def test_scores_are_sums_of_maps(small_cnn: Any, images: np.ndarray, background: np.ndarray) -> None:
    scores = bl.band_importance(small_cnn, images, background=background, target="all").scores
    maps = bl.band_maps(small_cnn, images, background=background, target="all").values
    np.testing.assert_allclose(scores, maps.sum(axis=(2, 3)), rtol=1e-4, atol=1e-5)


def test_unsigned_statistic_is_reduced_after_the_mean_over_background(
    small_cnn: Any, images: np.ndarray, background: np.ndarray
) -> None:
    result = bl.band_importance(small_cnn, images, background=background, statistic="pixel_mean_abs")
    maps = bl.band_maps(small_cnn, images, background=background).values
    np.testing.assert_allclose(result.scores, np.abs(maps).mean(axis=(2, 3)), rtol=1e-4, atol=1e-6)
    assert not result.signed
    assert result.completeness is None


def test_mean_over_background_is_the_mean_of_single_ones(
    small_cnn: Any, images: np.ndarray, background: np.ndarray
) -> None:
    whole = bl.band_importance(small_cnn, images, background=background).scores
    single = [bl.band_importance(small_cnn, images, background=background[i : i + 1]).scores for i in range(9)]
    np.testing.assert_allclose(whole, np.mean(single, axis=0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("budget", [1, 1 << 16, 1 << 20])
def test_chunks_do_not_matter(
    monkeypatch: pytest.MonkeyPatch, small_cnn: Any, images: np.ndarray, background: np.ndarray, budget: int
) -> None:
    whole = bl.band_importance(small_cnn, images, background=background, target="all").scores
    monkeypatch.setattr("bandlens.engine.batching.STEP_BYTES", budget)
    cut = bl.band_importance(small_cnn, images, background=background, target="all").scores
    np.testing.assert_allclose(cut, whole, rtol=1e-5, atol=1e-6 * np.abs(whole).max())


def test_out_of_memory_halves_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, small_cnn: Any, images: np.ndarray, background: np.ndarray
) -> None:
    from bandlens.engine.deepshap import chunks

    whole = bl.band_importance(small_cnn, images, background=background).scores
    original, sizes = chunks._explain_part, []

    def limited(*arguments: Any) -> np.ndarray:
        chunk = arguments[5]
        sizes.append(chunk.images * chunk.background)
        if sizes[-1] > 10:
            raise out_of_memory(small_cnn)
        return original(*arguments)

    monkeypatch.setattr(chunks, "_explain_part", limited)
    cut = bl.band_importance(small_cnn, images, background=background).scores
    assert max(sizes) > 10
    assert min(sizes) <= 10
    np.testing.assert_allclose(cut, whole, rtol=1e-5, atol=1e-6 * np.abs(whole).max())


def test_out_of_memory_for_a_single_pair_is_raised(
    monkeypatch: pytest.MonkeyPatch, small_cnn: Any, images: np.ndarray
) -> None:
    from bandlens.engine.deepshap import chunks

    def never(*arguments: Any) -> np.ndarray:
        raise out_of_memory(small_cnn)

    monkeypatch.setattr(chunks, "_explain_part", never)
    with pytest.raises(backend_of(small_cnn).OutOfMemory):
        bl.band_importance(small_cnn, images)


def test_explaining_changes_nothing(small_cnn: Any, images: np.ndarray) -> None:
    small_cnn.compile("sgd", "sparse_categorical_crossentropy")
    before, weights = small_cnn.predict(images, verbose=0), small_cnn.get_weights()
    bl.band_importance(small_cnn, images)
    np.testing.assert_array_equal(small_cnn.predict(images, verbose=0), before)
    for old, new in zip(weights, small_cnn.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)
    small_cnn.fit(images, np.arange(12) % 3, epochs=1, verbose=0)


@pytest.mark.tensorflow
def test_nothing_global_is_patched(small_cnn: Any, images: np.ndarray) -> None:
    from tensorflow.python.framework import ops

    before = dict(ops.gradient_registry._registry)
    bl.band_importance(small_cnn, images)
    after = ops.gradient_registry._registry
    assert {name: after[name] for name in before} == before
    # a derivative of our own, which no operation of TensorFlow's has by itself
    assert after.keys() - before.keys() <= {"BandlensCube"}


def test_weights_are_read_at_each_call(small_cnn: Any, images: np.ndarray) -> None:
    first = bl.band_importance(small_cnn, images, target=0)
    small_cnn.layers[-1].kernel.assign(2 * small_cnn.layers[-1].kernel)
    second = bl.band_importance(small_cnn, images, target=0)
    np.testing.assert_allclose(second.scores, 2 * first.scores, rtol=1e-5)


def test_compiles_once_per_model(monkeypatch: pytest.MonkeyPatch, small_cnn: Any, images: np.ndarray) -> None:
    backend = backend_of(small_cnn)
    bl.band_importance(small_cnn, images)

    def refuse(*arguments: Any, **options: Any) -> Any:
        raise AssertionError("compiled again")

    monkeypatch.setattr(backend, "compile", refuse)
    bl.band_importance(small_cnn, images[::-1], background=images)


def test_a_changed_model_is_traced_again(small_cnn: Any, keras: Any, images: np.ndarray) -> None:
    before = bl.band_importance(small_cnn, images, target=0).scores
    small_cnn.layers[4].activation = keras.activations.tanh
    after = bl.band_importance(small_cnn, images, target=0)
    assert np.abs(after.scores - before).max() > 1e-3
    assert relative_residual(after) < 1e-4


def test_threads_do_not_disturb_each_other(small_cnn: Any, images: np.ndarray) -> None:
    alone = [bl.band_importance(small_cnn, images, target=k).scores for k in range(3)]
    found: dict[int, np.ndarray] = {}

    def explain(k: int) -> None:
        found[k] = bl.band_importance(small_cnn, images, target=k).scores

    threads = [threading.Thread(target=explain, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k in range(3):
        np.testing.assert_array_equal(found[k], alone[k])


def test_an_operation_without_a_rule_is_named_before_computing(keras: Any, images: np.ndarray) -> None:
    layers = keras.layers
    inputs = keras.Input((8, 8, 4))
    # sorted positions, not values: no derivative leads through them
    x = layers.Lambda(lambda t: keras.ops.cast(keras.ops.argsort(t, axis=1), "float32"), name="sorter")(inputs)
    model = keras.Model(inputs, layers.Dense(3)(layers.Flatten()(layers.ReLU()(x))))
    ticks: list[Any] = []
    with pytest.raises(UnsupportedOperationError, match=r"in layer 'sorter'.*\n.*method='occlusion'"):
        bl.band_importance(model, images, progress=lambda *state: ticks.append(state))
    assert ticks == []


def test_a_region_may_begin_at_the_images(keras: Any, images: np.ndarray, background: np.ndarray) -> None:
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((8, 8, 4)), layers.Activation("sparsemax"), layers.Flatten(), layers.Dense(3, activation="tanh")]
    )
    result = bl.band_importance(model, images, background=background, target="all")
    assert result.completeness is not None
    assert result.completeness < 1e-4


def test_a_region_is_found_past_outputs_that_nobody_uses(images: np.ndarray, background: np.ndarray) -> None:
    def model(x: Any) -> Any:
        sizes = ops.mean(x, axis=(1, 2))
        _, used = ops.split(ops.relu(ops.concatenate([sizes, -sizes], axis=1)), 2, axis=1)
        return ops.cumsum(ops.take_along_axis(used, ops.argsort(used, axis=1), axis=1), axis=1)

    result = bl.band_importance(model, images, background=background, target="all")
    assert result.completeness is not None
    assert result.completeness < 1e-4


def test_whole_numbers_from_the_image_are_refused(keras: Any, images: np.ndarray) -> None:
    def model(x: Any) -> Any:
        return ops.cast(ops.argmax(ops.reshape(x, (-1, 256)), axis=1), "float32")[:, None] * ops.ones((1, 3))

    with pytest.raises(UnsupportedOperationError, match=r"ArgMax|argmax"):
        bl.band_importance(model, images)


@pytest.mark.parametrize("own", [False, True])
def test_forward_and_backward_give_the_same_scores(
    monkeypatch: pytest.MonkeyPatch, keras: Any, settle: Callable[[Any], Any], own: bool
) -> None:
    # 2 bands and 6 outputs: the bands' differences are sent forward
    layers = keras.layers
    inputs = keras.Input((8, 8, 2))
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(inputs)
    x = layers.MaxPooling2D(3, strides=2)(x)
    x = layers.Conv2D(4, 2, activation="gelu")(x)
    x = layers.Multiply()([x, layers.GlobalAveragePooling2D(keepdims=True)(x)])
    model = settle(keras.Model(inputs, layers.Dense(6)(layers.Flatten()(layers.MaxPooling2D(2)(x)))))
    random = np.random.default_rng(0)
    images, background = random.normal(size=(5, 8, 8, 2)), random.normal(size=(7, 8, 8, 2))
    options = {"background": background, "target": "all", **({"background_per_image": 3} if own else {})}
    forward = bl.band_importance(model, images, **options)
    monkeypatch.setattr("bandlens.engine.deepshap.walk.prefers_forward", lambda n_bands, outputs: False)
    backward = bl.band_importance(
        keras.models.clone_model(model, clone_function=lambda layer: layer), images, **options
    )
    np.testing.assert_allclose(forward.scores, backward.scores, rtol=1e-4, atol=1e-6)
    assert forward.completeness is not None
    assert forward.completeness < 1e-4


@pytest.mark.parametrize(
    "window",
    [
        {"pool_size": 2, "strides": 1, "padding": "same"},
        {"pool_size": 3, "strides": 2, "padding": "same"},
        {"pool_size": 2},
    ],
    ids=str,
)
def test_both_directions_take_the_same_of_equal_elements(keras: Any, window: dict[str, Any]) -> None:
    inputs = keras.Input((8, 8, 2))
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(inputs)
    x = keras.layers.MaxPooling2D(**window)(keras.layers.ReLU(max_value=0.3)(x))  # many are 0.3
    model = keras.Model(inputs, keras.layers.Dense(5)(keras.layers.Flatten()(x)))
    images, background = np.random.default_rng(0).normal(size=(2, 4, 8, 8, 2)).astype("float32")
    found = in_both_directions(
        keras, model, lambda model: bl.band_importance(model, images, background=background, target="all")
    )
    assert apart(*found) < 1e-5


@pytest.mark.parametrize("times", [1, 2])
def test_what_is_added_shifts_unless_it_is_the_value_itself(keras: Any, times: int) -> None:
    images, background = np.random.default_rng(0).normal(size=(2, 4, 8, 8, 3)).astype("float32")

    def scores(second: Callable[[Any], Any]) -> np.ndarray:
        keras.utils.set_random_seed(7)
        inputs = keras.Input((8, 8, 3))
        x = keras.layers.ReLU()(second(keras.layers.Conv2D(4, 3)(inputs)))
        model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(x)))
        found: np.ndarray = bl.band_importance(model, images, background=background, target="all").scores
        return found

    added = scores(lambda x: ops.add(x, x) if times == 2 else ops.add(x, 0.1))
    known = scores(keras.layers.Rescaling(2.0) if times == 2 else keras.layers.Rescaling(1.0, offset=0.1))
    np.testing.assert_allclose(added, known, rtol=0, atol=1e-6 * np.abs(known).max())


def test_what_tells_rounding_is_the_input_or_what_makes_the_output() -> None:
    """Where both hardly differ, by f / f'; in flat parts, by the usual size of the input."""
    image, output, slope = (
        np.reshape(values, (1, 1, 1, 5))
        for values in ([0.5, 2, 0, -1, 1.5], [0.1, 0, 0.3, 0.2, 0], [0.5, 1, -0.1, 0, 0])
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        found = formulas.reach(functions.nd, image, output, slope)
    np.testing.assert_allclose(found.ravel(), [0.5, 2, 1, 1, 1.5])


@pytest.mark.parametrize("activation", ["relu", "abs"])
def test_homogeneous_functions_have_a_shorter_formula_for_the_same_numbers(
    keras: Any, activation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, background = np.random.default_rng(0).normal(size=(2, 4, 8, 8, 3)).astype("float32")
    images[:2, :4] = background[:2, :4]  # no difference,
    images[2, :4] = background[1, :4] * (1 + 1e-7)  # none but rounding,
    images[:, 4] = background[:, 4] = 0  # none at the kink,
    images[3] = background[3][..., [1, 0, 2]]  # and none of a sum whose parts have some
    asked = []
    homogeneous = Pairs.is_homogeneous

    def scores(known: bool) -> np.ndarray:
        def said(pairs: Pairs, value: int, root: int) -> bool:
            asked.append(homogeneous(pairs, value, root))
            return known and asked[-1]

        monkeypatch.setattr(Pairs, "is_homogeneous", said)
        keras.utils.set_random_seed(7)
        inputs = keras.Input((8, 8, 3))
        x = getattr(ops, activation)(keras.layers.Conv2D(4, 1, use_bias=False, kernel_initializer="ones")(inputs))
        x = getattr(ops, activation)(keras.layers.Conv2D(4, 3)(x))
        model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(x)))
        found: np.ndarray = bl.band_importance(model, images, background=background, target="all").scores
        return found

    short, long = scores(True), scores(False)
    # JAX keeps its ReLU whole, with a derivative of its own
    assert any(asked) == ((keras.config.backend(), activation) != ("jax", "relu"))
    np.testing.assert_allclose(short, long, rtol=0, atol=1e-6 * np.abs(long).max())


def test_incompleteness_is_warned_of_with_its_cause(images: np.ndarray, background: np.ndarray) -> None:
    def model(x: Any) -> Any:
        # differences of about 1 on top of a million: float32 has hardly any digits left for them
        return 0.1 * ops.relu(ops.sum(x, axis=(1, 2))) @ ops.ones((4, 3)) + 1e6

    with pytest.warns(CompletenessWarning, match=r"image \d+ miss f\(x\) .* by \d.*%: outputs as large as 1e\+06"):
        result = bl.band_importance(model, images, background=background)
    assert result.completeness is not None
    assert result.completeness > 1e-2


@pytest.mark.parametrize(("n", "m", "cut", "pairs", "wanted"), [
    (32, 16, (5, 6), 32, (4, 8)),  # 35 x 18 pairs for 32 x 16
    (2000, 500, (67, 72), 5000, (67, 72)),
    (300, 100, (8, 8), 64, (8, 8)), (700, 300, (8, 8), 64, (8, 8)),  # rounds of a growing work
    (33, 17, (1, 1), 1, (1, 1)),
])  # fmt: skip
def test_steps_are_cut_so_that_little_is_padding(
    n: int, m: int, cut: tuple[int, int], pairs: int, wanted: tuple[int, int]
) -> None:
    assert _less_padded(n, m, cut, _sizes(n, n), _sizes(m, m), pairs, 5) == wanted


def test_images_in_memory_are_seen_where_they_lie() -> None:
    x = np.random.default_rng(0).normal(size=(3, 5, 4, 2)).astype("float32")
    assert np.shares_memory(check_images(x).seen(slice(1, 3)), x)
    assert not np.shares_memory(check_images(x).take(slice(1, 3)), x)
    for own in (x.astype("float64"), np.asfortranarray(x), list(x)):
        np.testing.assert_array_equal(check_images(own).seen(slice(1, 3)), x[1:3])
    for images in (x, np.moveaxis(x, -1, 1)):
        axis = -1 if images is x else 1
        np.testing.assert_allclose(band_means(check_images(images, axis)), x.mean(axis=(1, 2), dtype=float), rtol=1e-12)
