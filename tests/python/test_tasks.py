"""Models of several labels, several numbers or several heads, and of classes for every pixel: what their tables say."""

from __future__ import annotations

from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.data.tasks import Outputs, task_of
from bandlens.errors import BandlensError, LabelError, ModelError, OptionError
from bandlens.methods.permutation_counts import average_precision

RANDOM = np.random.default_rng(7)
N, BANDS = 24, 4
IMAGES = RANDOM.normal(size=(N, 6, 6, BANDS)).astype("float32")
BACKGROUND = RANDOM.normal(size=(9, 6, 6, BANDS)).astype("float32")
WEIGHTS = RANDOM.normal(size=(BANDS, 3)).astype("float32")
FLAGS = (RANDOM.random((N, 3)) < 0.5).astype(int)
FLAGS[:2] = [[1, 1, 0], [0, 0, 0]]
MASKS = RANDOM.integers(0, 3, (N, 6, 6))
MASKS[0] = 2
ADDITIVE = ("deepshap", "integrated_gradients", "expected_gradients", "shapley")


def ending(keras: Any, layer: str, activation: str | None, weights: np.ndarray = WEIGHTS) -> Any:
    """A linear model: of band means, or of each pixel."""
    image = keras.Input((6, 6, BANDS))
    if layer == "row":
        last = keras.layers.Dense(weights.shape[1], activation=activation)
        output = last(keras.layers.GlobalAveragePooling2D()(image))
        values = weights
    else:
        last = keras.layers.Conv2D(weights.shape[1], 1, activation=activation)
        output = last(image)
        values = weights[None, None]
    last.set_weights([values, np.zeros(weights.shape[1], "float32")])
    return keras.Model(image, output)


def of_pixels(zone: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Mean of each band over a zone."""
    return images[zone].mean(axis=0)


# ---- several labels ----


def test_an_image_counts_for_each_of_its_labels(keras: Any) -> None:
    model = ending(keras, "row", "sigmoid")
    result = bl.band_importance(model, IMAGES, FLAGS, background=BACKGROUND, classes=["a", "b", "c"])
    images, labels = np.nonzero(FLAGS)
    assert result.task == "multilabel"
    np.testing.assert_array_equal(result.images, images)
    np.testing.assert_array_equal(result.image_output[:, 0], labels)
    expected = WEIGHTS.T[labels] * (IMAGES.mean((1, 2))[images] - BACKGROUND.mean((0, 1, 2)))
    np.testing.assert_allclose(result.scores[:, 0], expected, atol=1e-6)
    frame = result.to_frame()
    assert frame.groupby("class", observed=True)["n"].first().tolist() == FLAGS.sum(axis=0).tolist()
    assert result.n == (FLAGS.sum(axis=1) > 0).sum()
    assert (result.to_frame("overall")["n"] == result.n).all()
    right = ((IMAGES.mean((1, 2)) @ WEIGHTS > 0) == FLAGS)[FLAGS.any(axis=1)].mean()
    assert result.accuracy == pytest.approx(right)


def test_labels_may_be_sets_of_names(keras: Any) -> None:
    model, names = ending(keras, "row", "sigmoid"), ["a", "b", "c"]
    sets = [{names[at] for at in np.flatnonzero(row)} for row in FLAGS]
    one = bl.band_importance(model, IMAGES, FLAGS, method="saliency", classes=names)
    other = bl.band_importance(model, IMAGES, sets, method="saliency", classes=names)
    assert one.to_frame().equals(other.to_frame())


def test_without_labels_those_that_are_likely_count(keras: Any) -> None:
    model = ending(keras, "row", "sigmoid")
    result = bl.band_importance(model, IMAGES, method="saliency")
    images, labels = np.nonzero(IMAGES.mean((1, 2)) @ WEIGHTS > 0)
    assert result.task == "multilabel"
    np.testing.assert_array_equal(result.images, images)
    np.testing.assert_array_equal(result.image_class, labels)
    assert bl.band_importance(model, IMAGES, np.arange(N) % 3, method="saliency").task == "classification"


def test_all_images_are_the_mean_over_images_not_rows(keras: Any) -> None:
    result = bl.band_importance(ending(keras, "row", "sigmoid"), IMAGES, FLAGS, background=BACKGROUND)
    sizes = np.abs(result.scores[:, 0])
    means = np.array([sizes[result.images == image].mean(axis=0) for image in np.unique(result.images)])
    np.testing.assert_allclose(result.overall.importance[0], means.mean(axis=0))
    np.testing.assert_allclose(result.overall.se_images[0], means.std(axis=0, ddof=1) / np.sqrt(len(means)))


def test_pieces_are_of_images(keras: Any) -> None:
    result = bl.band_importance(ending(keras, "row", "sigmoid"), IMAGES, FLAGS, background=BACKGROUND)
    whole = bl.combine(result.subset(slice(0, 10)), result.subset(slice(10, None)))
    assert whole.to_frame().equals(result.to_frame())
    assert whole.n == result.n
    assert set(result.subset([0, 3]).to_frame("image")["image"]) <= {0, 1}
    with pytest.raises(OptionError, match="were not explained"):
        result.subset([1])


def test_a_function_says_what_its_scores_are_before_labels_are_read_of_them(keras: Any) -> None:
    function: Any = lambda x: 1 / (1 + np.exp(-(x.mean((1, 2)) @ WEIGHTS)))  # noqa: E731
    with pytest.raises(OptionError, match=r"can't be told(.*\n)+.*output='probability' or 'logit'"):
        bl.band_importance(function, IMAGES, FLAGS, method="occlusion")
    result = bl.band_importance(function, IMAGES, FLAGS, method="occlusion", output="probability")
    same = bl.band_importance(ending(keras, "row", "sigmoid"), IMAGES, FLAGS, method="occlusion", output="probability")
    assert result.accuracy == same.accuracy
    np.testing.assert_allclose(result.scores, same.scores, atol=1e-6)


def test_pictures_of_single_images_know_which_image_a_row_is_about(keras: Any) -> None:
    result = bl.band_importance(ending(keras, "row", "sigmoid"), IMAGES, FLAGS, background=BACKGROUND)
    assert result.images is not None
    last = len(result.images) - 1
    assert f"image {result.images[last]}: " in result.plot("waterfall", image=last).labels.subtitle
    points = result.plot("dependence").data
    means = IMAGES.mean((1, 2))
    for _, point in points.iterrows():
        assert point["level"] == pytest.approx(means[point["image"], result.bands.index(point["band"])], abs=1e-6)


@pytest.mark.parametrize("metric", ["f1", "average_precision", "accuracy"])
def test_permutation_finds_the_band_of_each_label(keras: Any, metric: str) -> None:
    model = ending(keras, "row", "sigmoid", 5 * np.eye(BANDS, 3, dtype="float32"))
    labels = (IMAGES.mean((1, 2))[:, :3] > 0).astype(int)
    result = bl.band_importance(model, IMAGES, labels, method="permutation", metric=metric)
    np.testing.assert_array_equal(result.table.importance.argmax(axis=1), [0, 1, 2])
    np.testing.assert_allclose(result.table.importance[:, 3], 0)
    assert result.accuracy == 1


def test_average_precision_is_that_of_its_definition() -> None:
    truth = np.array([True, False, True, False])
    assert average_precision(truth, np.array([4.0, 3.0, 2.0, 1.0])) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision(truth, np.zeros(4)) == pytest.approx(0.5)
    assert average_precision(np.zeros(4, bool), np.arange(4.0)) == 0


# ---- several numbers ----


def test_each_number_has_its_rows(keras: Any) -> None:
    model = ending(keras, "row", None)
    observed = (IMAGES.mean((1, 2)) @ WEIGHTS).astype("float64")
    result = bl.band_importance(model, IMAGES, observed, background=BACKGROUND, classes=["ph", "clay", "sand"])
    assert result.task == "regression"
    assert result.accuracy == pytest.approx(1, abs=1e-6)
    expected = WEIGHTS.T * (IMAGES.mean((1, 2)) - BACKGROUND.mean((0, 1, 2)))[:, None]
    np.testing.assert_allclose(result.scores, expected, atol=1e-6)
    frame = result.to_frame()
    assert frame["class"].unique().tolist() == ["all"]
    assert frame["output"].unique().tolist() == ["ph", "clay", "sand"]
    assert (frame["n"] == N).all()


def test_a_regression_is_no_longer_grouped_by_its_largest_number(keras: Any) -> None:
    model = ending(keras, "row", None)
    asked = bl.band_importance(model, IMAGES, method="saliency", task="regression")
    assert asked.to_frame()["class"].unique().tolist() == ["all"]
    assert bl.band_importance(model, IMAGES, method="saliency").task == "classification"  # nothing says otherwise
    with pytest.raises(OptionError, match="no output before others"):
        bl.band_importance(model, IMAGES, method="saliency", task="regression", target="predicted")


def test_permutation_finds_the_band_of_each_number(keras: Any) -> None:
    model = ending(keras, "row", None, np.eye(BANDS, 3, dtype="float32"))
    result = bl.band_importance(model, IMAGES, IMAGES.mean((1, 2))[:, :3], method="permutation")
    np.testing.assert_array_equal(result.table.importance.argmax(axis=1), [0, 1, 2])
    assert result.output == "negative squared error"


# ---- several heads ----


@pytest.fixture
def two_heads(keras: Any) -> Any:
    image = keras.Input((6, 6, BANDS))
    means = keras.layers.GlobalAveragePooling2D()(image)
    return keras.Model(
        image, {"cover": keras.layers.Dense(3, activation="softmax")(means), "soil": keras.layers.Dense(2)(means)}
    )


def test_a_head_is_chosen_by_name_or_position(two_heads: Any) -> None:
    one = bl.band_importance(two_heads, IMAGES, head="cover", method="saliency")
    other = bl.band_importance(two_heads, IMAGES, head="soil", method="saliency", task="regression")
    assert (one.head, one.task, len(one.outputs)) == ("cover", "classification", 3)
    assert (other.head, other.task, len(other.outputs)) == ("soil", "regression", 2)
    names = list(two_heads.output) if isinstance(two_heads.output, dict) else ["cover", "soil"]
    again = bl.band_importance(two_heads, IMAGES, head=names.index("cover"), method="saliency")
    assert again.to_frame().equals(one.to_frame())


def test_heads_are_listed(two_heads: Any, keras: Any) -> None:
    with pytest.raises(ModelError, match=r"several outputs(.*\n)+.*'cover' \(n, 3\), 'soil' \(n, 2\)"):
        bl.band_importance(two_heads, IMAGES)
    with pytest.raises(OptionError, match=r"names no output(.*\n)+.*'cover' or 'soil'(.*\n)+.*did you mean 'soil'"):
        bl.band_importance(two_heads, IMAGES, head="sol")
    with pytest.raises(OptionError, match="has only one"):
        bl.band_importance(ending(keras, "row", "softmax"), IMAGES, head="cover")


# ---- classes for every pixel ----


@pytest.mark.parametrize("activation", ["softmax", None])
def test_scores_of_pixels_are_means_over_the_zone(keras: Any, activation: str | None) -> None:
    model = ending(keras, "pixels", activation)
    for method in ADDITIVE:
        result = bl.band_importance(model, IMAGES, MASKS, background=BACKGROUND, method=method, batch_size=7)
        assert result.task == "segmentation"
        for row, (image, code) in enumerate(zip(result.images, result.image_class, strict=True)):
            zone = MASKS[image] == code
            theirs = BACKGROUND[:, zone].mean(axis=(0, 1))
            expected = WEIGHTS[:, code] * (of_pixels(zone, IMAGES[image]) - theirs)
            if method == "expected_gradients":  # a sample, with errors
                assert result.score_errors is not None
                tolerance = 6 * result.score_errors[row, 0] + 1e-5
                assert tolerance.max() < 0.5
            else:
                tolerance = np.full(BANDS, 1e-5)
            assert (np.abs(result.scores[row, 0] - expected) <= tolerance).all()
        assert result.n == N
        if method != "expected_gradients":
            assert result.completeness is not None
            assert result.completeness < 1e-4
    occurs = [(code == MASKS).any(axis=(1, 2)).sum() for code in range(3)]
    assert result.to_frame().groupby("class", observed=True)["n"].first().tolist() == occurs


def test_zones_are_what_was_asked_for(keras: Any) -> None:
    model = ending(keras, "pixels", "softmax")
    logits = IMAGES @ WEIGHTS
    mask = np.zeros((N, 6, 6), bool)
    mask[:, 2:4] = True
    zones = {
        "image": lambda image, code: np.ones((6, 6), bool),
        "predicted": lambda image, code: logits[image].argmax(axis=-1) == code,
        "mask": lambda image, code: mask[image],
    }
    for name, zone_of in zones.items():
        labels = None if name == "predicted" else MASKS
        zone = mask if name == "mask" else name
        result = bl.band_importance(model, IMAGES, labels, zone=zone, method="occlusion", background=BACKGROUND)
        for row, (image, code) in enumerate(zip(result.images, result.image_class, strict=True)):
            value = logits[image][zone_of(image, code), code].mean()
            np.testing.assert_allclose(result.output_values[row, 0], value, atol=1e-5)
    assert bl.band_importance(model, IMAGES, method="saliency").images is not None


def test_pixels_without_a_label_belong_to_no_zone(keras: Any) -> None:
    model = ending(keras, "pixels", "softmax")
    holes = MASKS.copy()
    holes[:, :3] = 255
    result = bl.band_importance(model, IMAGES, holes, ignore=255, background=BACKGROUND)
    logits = IMAGES @ WEIGHTS
    for row, (image, code) in enumerate(zip(result.images, result.image_class, strict=True)):
        value = logits[image][holes[image] == code, code].mean()
        np.testing.assert_allclose(result.output_values[row, 0], value, atol=1e-5)
    right = (logits.argmax(axis=-1) == holes)[holes < 255].mean()
    assert result.accuracy == pytest.approx(right)
    with pytest.raises(LabelError, match=r"doesn't have(.*\n)+.*255(.*\n)+.*ignore=255"):
        bl.band_importance(model, IMAGES, holes, background=BACKGROUND)


def test_several_classes_of_a_pixel_are_judged_where_they_are_labelled(keras: Any) -> None:
    model = ending(keras, "pixels", "sigmoid")
    predicted = IMAGES @ WEIGHTS > 0
    flags = (RANDOM.random((N, 6, 6, 3)) < 0.5).astype(int)
    result = bl.band_importance(model, IMAGES, flags, method="saliency")
    assert result.accuracy == pytest.approx((predicted == flags).mean())
    np.testing.assert_array_equal(result.labelled[0], flags[result.images[0]].sum(axis=(0, 1)))
    holes = MASKS.copy()
    holes[:, :3] = 255
    known = holes < 255
    some = bl.band_importance(model, IMAGES, holes, ignore=255, method="saliency")
    truth = holes[..., None] == np.arange(3)
    assert some.accuracy == pytest.approx((predicted == truth)[known].mean())
    assert some.judged.max() == known[0].sum() * 3
    # pixels that have no class are judged, too: what is taken for one there is wrong
    f1 = bl.band_importance(model, IMAGES, flags, method="permutation", metric="f1", n_repeats=1)

    def f1_of(taken: np.ndarray) -> np.ndarray:
        axes = (0, 1, 2)
        found: np.ndarray = 2 * (taken & flags).sum(axes) / (taken.sum(axes) + flags.sum(axes))
        return found

    shuffled = np.random.default_rng([0, 0]).permutation(N)
    mixed = IMAGES.copy()
    mixed[..., 1] = IMAGES[shuffled][..., 1]
    fall = f1_of(predicted) - f1_of(mixed @ WEIGHTS > 0)
    np.testing.assert_allclose(f1.table.importance[:, 1], fall, atol=1e-6)


def test_a_band_that_decides_one_class_is_first_there(keras: Any) -> None:
    model = ending(keras, "pixels", "softmax", 9 * np.eye(BANDS, 3, dtype="float32"))
    labels = IMAGES[..., :3].argmax(axis=-1)
    for method in ("deepshap", "saliency", "shapley", "occlusion", "permutation", "lime"):
        result = bl.band_importance(model, IMAGES, labels, method=method, n_background=8)
        np.testing.assert_array_equal(result.table.importance.argmax(axis=1), [0, 1, 2], err_msg=method)
    for metric in ("iou", "f1"):
        result = bl.band_importance(model, IMAGES, labels, method="permutation", metric=metric, n_repeats=2)
        np.testing.assert_array_equal(result.table.importance.argmax(axis=1), [0, 1, 2])
        np.testing.assert_allclose(result.table.importance[:, 3], 0)


def test_maps_show_from_where_a_zone_has_its_answer(keras: Any) -> None:
    model = ending(keras, "pixels", "softmax")
    maps = bl.band_maps(model, IMAGES[:3], MASKS[:3], background=BACKGROUND)
    assert maps.images is not None
    for row, (image, code) in enumerate(zip(maps.images, maps.image_class, strict=True)):
        outside = MASKS[image] != code
        np.testing.assert_allclose(maps.values[row, 0][outside], 0, atol=1e-7)
    assert set(maps.to_frame()["image"]) == {0, 1, 2}


def test_one_sigmoid_for_each_pixel_tells_two_classes_apart(keras: Any) -> None:
    model = ending(keras, "pixels", "sigmoid", WEIGHTS[:, :1])
    result = bl.band_importance(model, IMAGES, MASKS > 0, background=BACKGROUND)
    assert len(result.classes) == 2
    own = result.image_class == 1
    other = result.image_class == 0
    assert own.any()
    assert other.any()
    np.testing.assert_allclose(result.completeness, 0, atol=1e-4)


def test_outputs_of_pixels_in_a_row_are_refused_before_they_fill_the_memory(keras: Any) -> None:
    image = keras.Input((96, 96, 2))
    flat = keras.layers.Flatten()(keras.layers.Conv2D(2, 1, activation="softmax")(image))
    with pytest.raises(ModelError, match=r"18432 outputs(.*\n)+.*before its last flatten"):
        bl.band_importance(keras.Model(image, flat), np.zeros((2, 96, 96, 2), "float32"), method="saliency")


def test_outputs_of_pixels_with_classes_first_are_refused(keras: Any) -> None:
    image = keras.Input((2, 4, 4))
    model = keras.Model(image, keras.layers.UpSampling2D(data_format="channels_first")(image))
    with pytest.raises(ModelError, match=r"channels before its pixels(.*\n)+.*\(n, 2, 8, 8\)(.*\n)+.*Permute"):
        bl.band_importance(model, np.zeros((3, 2, 4, 4), "float32"), band_axis=1, method="saliency")
    x = RANDOM.normal(size=(3, 2, 4, 4)).astype("float32")
    for last in (keras.layers.Permute((2, 3, 1)), lambda y: keras.ops.transpose(y, (0, 2, 3, 1))):
        mended = keras.Model(image, last(model(image)))
        assert len(bl.band_importance(mended, x, band_axis=1, method="saliency").classes) == 2


# ---- checks ----


@pytest.mark.parametrize("kind", ["labels", "numbers", "pixels"])
def test_checks_take_them(keras: Any, kind: str) -> None:
    layer, activation, y = {
        "labels": ("row", "sigmoid", FLAGS),
        "numbers": ("row", None, IMAGES.mean((1, 2)) @ WEIGHTS),
        "pixels": ("pixels", "softmax", MASKS),
    }[kind]
    model = ending(keras, layer, activation)
    result = bl.band_importance(model, IMAGES, y, background=BACKGROUND, method="occlusion")
    stability = bl.check_stability(
        model, IMAGES, y, background=BACKGROUND, method="occlusion", backgrounds=2, resamples=50
    )
    np.testing.assert_allclose(stability.tables["class"]["importance"], result.table.importance.reshape(-1))
    null = bl.check_null(model, IMAGES, y, background=BACKGROUND, method="occlusion")
    assert null.passed
    randomization = bl.check_randomization(model, IMAGES, y, background=BACKGROUND, method="occlusion", repeats=2)
    assert randomization.passed is not None
    if kind == "numbers":
        with pytest.raises(BandlensError, match="one order of bands for each number"):
            bl.check_deletion(model, result, IMAGES, y, background=BACKGROUND)
        result = bl.band_importance(model, IMAGES, y, background=BACKGROUND, method="occlusion", target="output_2")
    deletion = bl.check_deletion(model, result, IMAGES, y, background=BACKGROUND, orders=4)
    assert deletion.tables["area"]["area"].size


# ---- what is not understood ----

ROW, MAP = Outputs(3, None, False, ()), Outputs(3, "softmax", False, (6, 6))


@pytest.mark.parametrize(
    ("outputs", "y", "task"),
    [
        (ROW, None, "classification"),
        (ROW, [0, 1, 2], "classification"),
        (ROW, np.eye(3).tolist(), "classification"),
        (ROW, [[0, 1, 0], [1, 0, 0]], "classification"),
        (ROW, [[0, 1, 1], [1, 0, 0]], "multilabel"),
        (ROW, [{"a"}, {"b", "c"}], "multilabel"),
        (ROW, [np.array([0]), np.array([1, 2])], "multilabel"),
        (ROW, [[0.5, 1, 2], [3, 4, 5]], "regression"),
        (Outputs(3, "sigmoid", False, ()), None, "multilabel"),
        (Outputs(3, "sigmoid", False, ()), [1, 2], "classification"),
        (Outputs(2, "sigmoid", False, ()), None, "classification"),
        (Outputs(2, "sigmoid", False, ()), [[0, 1], [1, 0]], "classification"),
        (Outputs(2, "sigmoid", False, ()), [[0, 0], [1, 1]], "multilabel"),
        (Outputs(3, "softmax", False, ()), [[1, 1, 0]], "classification"),
        (Outputs(1, "sigmoid", False, ()), None, "classification"),
        (Outputs(1, None, True, ()), None, "regression"),
        (MAP, None, "segmentation"),
    ],
)
def test_labels_decide_where_outputs_do_not(outputs: Outputs, y: Any, task: str) -> None:
    assert task_of("auto", outputs, y) == task
    assert task_of(task, outputs, y) == task


@pytest.mark.parametrize(
    ("layer", "activation", "arguments", "message"),
    [
        ("row", "softmax", {"task": "multilable"}, r"no such task(.*\n)+.*did you mean 'multilabel'"),
        ("row", "softmax", {"task": "multilabel"}, r"several labels per image: it ends in a softmax"),
        ("row", "softmax", {"task": "segmentation"}, r"can't be meant for `task` 'segmentation'"),
        ("pixels", "softmax", {"task": "classification"}, r"gives outputs for \(6, 6\) pixels"),
        ("row", "sigmoid", {"y": FLAGS[:, :2]}, r"which labels each image has(.*\n)+.*\(24, 3\)(.*\n)+.*\(24, 2\)"),
        ("row", "sigmoid", {"y": 2 * FLAGS, "task": "multilabel"}, r"other than 0 and 1"),
        ("row", "sigmoid", {"y": [{"x"}] * N, "classes": list("abc")}, r"doesn't have(.*\n)+.*a, b, c(.*\n)+.*x"),
        ("row", "sigmoid", {"y": [{1}] * 5}, r"labels of each image(.*\n)+.*24 sets"),
        ("row", "sigmoid", {"y": 0 * FLAGS, "task": "multilabel"}, r"No image has a label"),
        ("row", None, {"y": IMAGES.mean((1, 2))[:, :2]}, r"number for each image and output(.*\n)+.*\(24, 3\)"),
        ("row", None, {"task": "regression", "classes": ["a"]}, r"names don't match(.*\n)+.*3 different"),
        ("row", "softmax", {"y": [[0], [1, 2]] * 12}, r"labels for each image, and the model tells classes apart"),
        ("row", "softmax", {"y": [{0}] * N}, r"labels for each image, and the model tells classes apart"),
        ("row", "softmax", {"zone": "image"}, r"`zone` is for models that give outputs for every pixel"),
        ("row", "softmax", {"ignore": 255}, r"`ignore` is for models"),
        ("pixels", "softmax", {"zone": "labels"}, r"no such zone(.*\n)+.*did you mean 'label'"),
        ("pixels", "softmax", {"zone": "label"}, r"there are no labels"),
        ("pixels", "softmax", {"zone": np.ones((N, 5, 6), bool)}, r"no mask(.*\n)+.*\(24, 6, 6\)"),
        ("pixels", "softmax", {"zone": np.zeros((6, 6), bool)}, r"holds no pixel"),
        ("pixels", "softmax", {"y": MASKS[:, :4]}, r"label for each pixel(.*\n)+.*\(24, 6, 6\)(.*\n)+.*\(24, 4, 6\)"),
        ("pixels", "softmax", {"y": np.full((N, 6, 6), "x"), "classes": list("abc")}, r"not class names(.*\n)+.*x"),
        ("pixels", "softmax", {"y": np.ones((N, 6, 6, 3))}, r"several classes(.*\n)+.*at most one"),
        ("pixels", "softmax", {"method": "permutation", "metric": "log_loss"}, r"does not suit a model that class"),
        ("row", "sigmoid", {"method": "permutation", "metric": "iou"}, r"gives images several labels"),
        ("pixels", "softmax", {"background_per_image": 2}, r"no background of their own"),
    ],
)
def test_what_does_not_fit_is_named(
    keras: Any, layer: str, activation: str | None, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(BandlensError, match=message):
        bl.band_importance(ending(keras, layer, activation), **{"x": IMAGES, **arguments})


def test_layers_before_several_heads_are_looked_at(two_heads: Any, keras: Any) -> None:
    name = next(layer.name for layer in two_heads.layers if type(layer).__name__ == "GlobalAveragePooling2D")
    found = bl.layer_activations(two_heads, IMAGES, name)
    np.testing.assert_allclose(found.values.reshape(N, -1), IMAGES.mean((1, 2)), atol=1e-6)
    for model in (two_heads, ending(keras, "pixels", "softmax")):
        with pytest.raises(OptionError, match="more than one row of outputs"):
            bl.visualize_features(model, objective="logit", steps=2, value_range=(0, 1), progress=False)


def test_responses_of_pixels_are_those_of_their_zone(keras: Any) -> None:
    model = ending(keras, "pixels", "softmax")
    response = bl.band_response(model, IMAGES, MASKS, kind="ice", steps=2)
    frame = response.to_frame("image")
    assert set(frame["image"]) <= set(range(N))
    # the model is linear: an output answers to the level of a band by its weight
    for (code, band), curve in frame.groupby(["class", "band"], observed=True):
        own = curve[curve["image"] == curve["image"].iloc[0]]
        slope = np.polyfit(own["level"], own["value"], 1)[0]
        assert slope == pytest.approx(WEIGHTS[int(band[-1]) - 1, int(code)], abs=1e-4)
