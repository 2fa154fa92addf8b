"""Bands by name: another order is never explained without a word, and no name that says nothing raises an alarm."""

from __future__ import annotations

import json

import bandlens as bl
import numpy as np
import pytest
from bandlens.data.band_order import Match, arranged, match
from bandlens.errors import BandError, ModelError, ModelTypeError, ResultError

BANDS = ("green", "red", "nir1", "nir2")
BACK = [3, 2, 1, 0]
FAST = {"method": "gradient_x_input", "progress": False}


@pytest.fixture(scope="module")
def data():
    return bl.datasets.landsat()


@pytest.fixture
def model():
    import keras

    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [
            keras.Input((3, 3, 4)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(8, 2, activation="tanh"),
            keras.layers.Flatten(),
            keras.layers.Dense(6, activation="softmax"),
        ]
    )


def images(data, n=24, order=None, names=BANDS):
    order = list(range(4)) if order is None else order
    names = None if names is None else [names[at] for at in order]
    waves = [data.wavelengths[at] for at in order]
    return bl.LabelledImages(data.x_test[:n][..., order], data.y_test[:n], names, waves, data.classes)


def background(data, order=None, names=BANDS):
    order = list(range(4)) if order is None else order
    names = None if names is None else [names[at] for at in order]
    return bl.LabelledImages(data.x_train[:30][..., order], bands=names)


def assert_same_table(one, other):
    assert one.bands == other.bands
    np.testing.assert_array_equal(one.wavelengths, other.wavelengths)
    np.testing.assert_allclose(one.scores, other.scores, rtol=1e-6, atol=1e-9)


# ---- What names say --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "reference"),
    [
        (BANDS, BANDS),
        (("Green", "RED", "nir_1", "nir.2"), BANDS),
        (("B01", "B02", "B8A"), ("B1", "B2", "B8A")),
        (("T33_20200101_B02", "T33_20200101_B03"), ("T33_20200305_B02", "T33_20200305_B03")),
        (("B02_10m", "B03_10m"), ("B02", "B03")),
        (("scene_2019_1", "scene_2019_2"), ("scene_2018_1", "scene_2018_2")),
    ],
)
def test_names_that_are_the_same(names, reference):
    assert match(names, reference) == (Match.SAME, ())


@pytest.mark.parametrize(
    ("names", "reference", "order"),
    [
        (("nir2", "nir1", "red", "green"), BANDS, (3, 2, 1, 0)),
        (("red", "nir1", "nir2", "green"), BANDS, (3, 0, 1, 2)),
        (("B4", "B3", "B2", "B1"), ("B1", "B2", "B3", "B4"), (3, 2, 1, 0)),
        (("T33_20200101_B03", "T33_20200101_B02"), ("T33_20200305_B02", "T33_20200305_B03"), (1, 0)),
    ],
)
def test_names_in_another_order(names, reference, order):
    assert match(names, reference) == (Match.ORDER, order)
    assert tuple(np.take(names, order)) == reference or names[0].startswith("T33")


@pytest.mark.parametrize(
    "names",
    [
        ("band_1", "band_2", "band_3", "band_4"),
        ("1", "2", "3", "4"),
        ("0", "1", "2", "3"),
        ("lyr.1", "lyr.2", "lyr.3", "lyr.4"),
        ("lyr.4", "lyr.3", "lyr.2", "lyr.1"),
        ("my scene_1", "my scene_2", "my scene_3", "my scene_4"),
    ],
)
def test_names_that_only_count_say_nothing(names):
    assert match(names, BANDS)[0] is Match.UNKNOWN
    assert match(BANDS, names)[0] is Match.UNKNOWN
    assert arranged(bl.LabelledImages(np.zeros((2, 4)), bands=names)).bands == names


@pytest.mark.parametrize(
    ("names", "reference"),
    [
        (("a", "b", "c", "d"), BANDS),
        (("green", "red", "nir1", "swir"), BANDS),
        (("B1", "B2", "B3", "B4"), ("B2", "B3", "B4", "B8")),
        (("red", "nir1"), BANDS),
        (("summer_red", "summer_nir"), ("winter_red", "winter_nir")),
    ],
)
def test_other_names(names, reference):
    assert match(names, reference)[0] is Match.OTHER


# ---- Images and background -------------------------------------------------------------------------------------------


def test_a_background_in_another_order_is_an_error_that_offers_to_reorder(data, model):
    with pytest.raises(BandError) as error:
        bl.band_importance(model, images(data), background=background(data, BACK), progress=False)
    assert error.value.kind == "bands"
    assert "in another order" in error.value.message
    assert "reorder=True" in error.value.fix
    assert error.value.expected == "nir2, nir1, red, green"
    assert error.value.given == "green, red, nir1, nir2"


def test_other_bands_in_the_background_are_an_error(data, model):
    with pytest.raises(BandError, match="other bands") as error:
        bl.band_importance(model, images(data), background=background(data, names=tuple("abcd")), progress=False)
    assert "a, b, c, d" in error.value.given
    assert "reorder" not in error.value.fix
    with pytest.raises(BandError, match="other bands"):
        bl.band_importance(
            model, images(data), background=background(data, names=tuple("abcd")), reorder=True, progress=False
        )


def test_reordering_by_the_background_gives_the_table_of_the_right_order(data, model):
    plain = bl.band_importance(model, images(data), background=background(data), progress=False)
    moved = bl.band_importance(
        model, images(data, order=BACK), background=background(data), reorder=True, progress=False
    )
    assert_same_table(moved, plain)
    np.testing.assert_allclose(moved.band_means, plain.band_means)


def test_with_bands_the_background_is_brought_into_their_order(data, model):
    plain = bl.band_importance(model, images(data), background=background(data), progress=False)
    moved = bl.band_importance(
        model, data.x_test[:24], data.y_test[:24], background=background(data, BACK), bands=BANDS, reorder=True,
        wavelengths=data.wavelengths, classes=data.classes, progress=False,
    )  # fmt: skip
    assert_same_table(moved, plain)


def test_with_bands_images_are_brought_into_their_order(data, model):
    plain = bl.band_importance(model, images(data), **FAST)
    with pytest.raises(BandError, match="`x` has the bands of `bands` in another order"):
        bl.band_importance(model, images(data, order=BACK), bands=BANDS, **FAST)
    moved = bl.band_importance(model, images(data, order=BACK), bands=BANDS, reorder=True, **FAST)
    assert_same_table(moved, plain)


def test_bands_may_be_other_names_for_the_same_bands(data, model):
    renamed = bl.band_importance(model, images(data), background=background(data), bands=tuple("grab"), progress=False)
    assert renamed.bands == tuple("grab")
    assert renamed.image_bands == BANDS
    plain = bl.band_importance(
        model, images(data), background=data.train.x[:30], bands=tuple("grab"), progress=False
    )  # fmt: skip
    assert_same_table(renamed, plain)
    with pytest.raises(BandError, match="`x` has other bands than `bands`"):
        bl.band_importance(model, images(data), bands=("red", "a", "b", "c"), **FAST)


def test_what_describes_bands_moves_with_them(data, model):
    bl.set_bands(model, BANDS)
    groups, moved_groups = {"first": [0, 1]}, {"first": [3, 2]}
    baseline = data.x_test[30]
    options = {"method": "integrated_gradients", "progress": False, "n_steps": 8}
    plain = bl.band_importance(model, images(data), groups=groups, baseline=baseline, **options)
    moved = bl.band_importance(
        model, images(data, order=BACK), groups=moved_groups, baseline=baseline[..., BACK], reorder=True, **options
    )
    assert_same_table(moved, plain)
    assert moved.groups == {"first": ["green", "red"]}


@pytest.mark.parametrize("axis", [1, 3])
def test_bands_are_reordered_on_any_axis_and_from_any_container(data, model, axis):
    bl.set_bands(model, BANDS)
    x = np.moveaxis(data.x_test[:6], 3, axis)
    swapped = np.take(x, BACK, axis=axis)
    for container in (swapped, list(swapped), np.asfortranarray(swapped)):
        found = arranged(
            bl.LabelledImages(container, bands=[BANDS[at] for at in BACK]),
            kept=bl.models.bands.kept_bands(model), band_axis=axis, reorder=True,
        )  # fmt: skip
        from bandlens.data.images import check_images

        checked = check_images(found.x, axis)
        np.testing.assert_array_equal(checked.take(slice(1, 4)), x[1:4])
        np.testing.assert_array_equal(checked.seen(slice(1, 4)), x[1:4])
        np.testing.assert_array_equal(checked.take(np.array([5, 0])), x[[5, 0]])
        assert checked.holding(x).take(slice(0, 2)).tolist() == x[:2].tolist()


def test_nothing_is_copied_to_reorder():
    class Counted:
        shape, dtype = (100, 2, 2, 3), np.dtype(np.uint8)
        most = 0

        def __getitem__(self, index):
            part = np.zeros(self.shape, self.dtype)[index]
            Counted.most = max(Counted.most, len(part) if isinstance(index, slice) else 1)
            return part

    from bandlens.data.images import check_images

    found = arranged(bl.LabelledImages(Counted(), bands=["c", "b", "a"]), bands=["a", "b", "c"], reorder=True)
    checked = check_images(found.x)
    for _ in checked.batches(7):
        pass
    assert Counted.most == 7


def test_a_background_without_names_cannot_follow_reordered_images(data, model):
    bl.set_bands(model, BANDS)
    with pytest.raises(BandError, match="`background` has no names"):
        bl.band_importance(model, images(data, order=BACK), background=data.x_train[:30], reorder=True, progress=False)
    # but names of the images alone, in the right order, are no reason to ask
    bl.band_importance(model, images(data), background=data.x_train[:30], progress=False)


def test_reorder_is_true_or_false(data, model):
    with pytest.raises(BandError, match="`reorder` must be"):
        bl.band_importance(model, images(data), reorder="yes", **FAST)


class Coordinates(np.ndarray):
    """As much of an xarray.DataArray as says what its bands are called."""

    dims = ("n", "y", "x", "band")
    coords: dict


def test_coordinates_are_names(data, model):
    bl.set_bands(model, BANDS)
    x = data.x_test[:10][..., BACK].view(Coordinates)
    x.coords = {"band": np.array([BANDS[at] for at in BACK])}
    with pytest.raises(BandError, match="in another order"):
        bl.band_importance(model, x, **FAST)
    found = bl.band_importance(model, x, reorder=True, **FAST)
    assert_same_table(found, bl.band_importance(model, data.x_test[:10], **FAST))
    x.coords = {"band": np.array([660.0, 550.0, 480.0, 800.0])}  # wavelengths are no names
    assert bl.band_importance(model, x, **FAST).bands == BANDS


# ---- No false alarm --------------------------------------------------------------------------------------------------


def test_right_calls_are_left_alone(data, model):
    counted = tuple("1234")
    calls = [
        (data.x_test[:8], data.x_train[:9], {}),
        (data.x_test[:8], background(data), {}),
        (images(data, 8), data.x_train[:9], {}),
        (images(data, 8), background(data), {"bands": BANDS}),
        (images(data, 8), background(data, names=counted), {}),
        (images(data, 8, names=counted), background(data), {}),
        (images(data, 8, names=("Green", "Red", "NIR1", "NIR2")), background(data), {}),
        (images(data, 8), background(data), {"bands": ["G", "R", "N", "M"]}),
        (images(data, 8), background(data, names=("G", "R", "N", "M")), {"bands": ["G", "R", "N", "M"]}),
    ]
    scores = [
        bl.band_importance(model, x, data.y_test[:8], background=other, progress=False, classes=data.classes, **more)
        for x, other, more in calls
    ]
    for one in scores[1:]:
        np.testing.assert_allclose(one.scores, scores[0].scores, rtol=1e-6) if len(one.background) == 9 else None
    assert scores[0].bands == ("band_1", "band_2", "band_3", "band_4")
    assert scores[7].bands == ("G", "R", "N", "M")


# ---- Names kept with a model -----------------------------------------------------------------------------------------


def test_names_kept_with_a_live_model(data, model):
    assert bl.bands_of(model) is None
    bl.set_bands(model, BANDS)
    assert bl.bands_of(model) == BANDS
    assert bl.band_importance(model, data.x_test[:5], **FAST).bands == BANDS
    with pytest.raises(BandError, match="`x` has the bands of the model in another order"):
        bl.band_importance(model, images(data, order=BACK), **FAST)
    with pytest.raises(BandError, match="`bands` names the bands of the model in another order"):
        bl.band_importance(model, data.x_test[:5], bands=BANDS[::-1], **FAST)
    with pytest.raises(BandError, match="`background` has the bands of the model in another order"):
        bl.band_importance(model, data.x_test[:5], background=background(data, BACK), progress=False)
    with pytest.raises(BandError, match="`x` has other bands than the model"):
        bl.band_importance(model, images(data, names=tuple("abcd")), **FAST)
    plain = bl.band_importance(model, images(data), **FAST)
    assert_same_table(bl.band_importance(model, images(data, order=BACK), reorder=True, **FAST), plain)
    bl.set_bands(model, None)
    assert bl.bands_of(model) is None
    assert bl.band_importance(model, data.x_test[:5], **FAST).bands[0] == "band_1"


def test_saving_loses_names_and_a_file_beside_the_model_keeps_them(data, model, tmp_path):
    bl.set_bands(model, BANDS)
    path = tmp_path / "model.keras"
    model.save(path)
    assert bl.bands_of(path) is None
    bl.set_bands(path, bl.bands_of(model))
    assert json.loads((tmp_path / "model.keras.bands.json").read_text(encoding="utf-8")) == {"bands": list(BANDS)}
    assert bl.bands_of(str(path)) == BANDS
    with pytest.raises(BandError, match="in another order"):
        bl.band_importance(path, images(data, order=BACK), **FAST)
    plain = bl.band_importance(model, images(data), **FAST)
    assert_same_table(bl.band_importance(path, images(data, order=BACK), reorder=True, **FAST), plain)
    bl.set_bands(path, None)
    assert not (tmp_path / "model.keras.bands.json").exists()


def test_names_that_cannot_be_kept(model, tmp_path):
    for wrong in ("red", [], ["red", 3], ["red", ""]):
        with pytest.raises(BandError, match="must be texts"):
            bl.set_bands(model, wrong)
    with pytest.raises(BandError, match="must differ"):
        bl.set_bands(model, ["a", "b", "c", "a"])
    with pytest.raises(BandError, match="another number of bands"):
        bl.set_bands(model, list("abcde"))
    with pytest.raises(ModelError, match="no saved model"):
        bl.set_bands(tmp_path / "none.keras", BANDS)
    with pytest.raises(ModelTypeError, match="can be kept"):
        bl.set_bands(len, BANDS)
    path = tmp_path / "model.keras"
    model.save(path)
    (tmp_path / "model.keras.bands.json").write_text("[1, 2]", encoding="utf-8")
    with pytest.raises(ModelError, match="does not hold names"):
        bl.bands_of(path)


def test_a_model_with_names_of_more_bands_than_there_are(data):
    def model(x):
        return x[..., 0].mean(axis=(1, 2))[:, None]

    bl.set_bands(model, list("abcde"))
    with pytest.raises(BandError) as error:
        bl.band_importance(model, images(data), **FAST)
    assert "5: a, b, c, d, e" in error.value.expected
    assert "4: green" in error.value.given


# ---- Every other function that takes images --------------------------------------------------------------------------


def test_maps_of_reordered_images_lie_in_the_order_of_the_model(data, model):
    bl.set_bands(model, BANDS)
    plain = bl.band_maps(model, images(data, 3), **FAST)
    with pytest.raises(BandError, match="in another order"):
        bl.band_maps(model, images(data, 3, BACK), **FAST)
    moved = bl.band_maps(model, images(data, 3, BACK), reorder=True, **FAST)
    np.testing.assert_allclose(moved.values, plain.values, rtol=1e-6)


@pytest.mark.parametrize("check", ["check_stability", "check_randomization", "check_null"])
def test_checks_that_compute_tables_compare_names(data, model, check):
    bl.set_bands(model, BANDS)
    options = {
        "check_stability": {"backgrounds": 2, "resamples": 10},
        "check_randomization": {"repeats": 1, "layers": 1},
        "check_null": {},
    }[check]
    call = getattr(bl, check)
    with pytest.raises(BandError, match="in another order"):
        call(model, images(data, 12, BACK), **FAST, **options)
    plain = call(model, images(data, 12), **FAST, **options)
    moved = call(model, images(data, 12, BACK), reorder=True, **FAST, **options)
    assert moved.verdict == plain.verdict
    assert moved.levels == plain.levels


def test_the_ranking_is_checked_on_the_bands_of_the_result(data, model):
    options = {"orders": 4, "progress": False, "background": background(data)}
    result = bl.band_importance(model, images(data), **FAST)
    with pytest.raises(BandError, match="`x` has the bands of the result in another order"):
        bl.check_deletion(model, result, images(data, order=BACK), **options)
    plain = bl.check_deletion(model, result, images(data), **options)
    moved = bl.check_deletion(model, result, images(data, order=BACK), reorder=True, **options)
    assert moved.verdict == plain.verdict
    with pytest.raises(BandError, match="`background` has the bands of the result in another order"):
        bl.check_deletion(model, result, images(data), orders=4, progress=False, background=background(data, BACK))
    renamed = bl.band_importance(model, images(data), bands=tuple("grab"), **FAST)
    assert bl.check_deletion(model, renamed, images(data), **options).verdict == plain.verdict
    bl.set_bands(model, BANDS)
    assert bl.check_deletion(model, renamed, images(data), **options).verdict == plain.verdict
    bl.set_bands(model, BANDS[::-1])
    with pytest.raises(ResultError, match="kept with the model"):
        bl.check_deletion(model, result, data.x_test[:24], **options)


def test_groups_are_found_by_the_names_that_images_bring(data, model):
    result = bl.band_importance(model, images(data), groups={"infrared": ["nir1", "nir2"]}, **FAST)
    assert result.image_bands == BANDS
    options = {"orders": 4, "progress": False}
    plain = bl.check_deletion(model, result, images(data), **options)
    moved = bl.check_deletion(model, result, images(data, order=BACK), reorder=True, **options)
    assert moved.verdict == plain.verdict


def test_features_compare_names(data, model):
    bl.set_bands(model, BANDS)
    layer = model.layers[1].name
    calls = [
        lambda x, **more: bl.layer_activations(model, x, layer, progress=False, **more).values,
        lambda x, **more: bl.top_images(model, x, layer, n=2, progress=False, **more).values,
        lambda x, **more: bl.visualize_features(model, layer, 0, background=x, steps=2, progress=False, **more).values,
    ]
    for call in calls:
        with pytest.raises(BandError, match="in another order"):
            call(images(data, 12, BACK))
        np.testing.assert_allclose(call(images(data, 12, BACK), reorder=True), call(images(data, 12)), rtol=1e-5)
    with pytest.raises(BandError, match="`background` has the bands of the model in another order"):
        calls[2](images(data, 12, BACK))
    top = bl.top_images(model, images(data, 12, BACK), layer, n=2, reorder=True, progress=False)
    assert (top.bands, top.wavelengths) == (BANDS, data.wavelengths)


def test_results_of_other_bands_are_neither_compared_nor_combined(data, model):
    one = bl.band_importance(model, images(data), **FAST)
    other = bl.band_importance(
        model,
        data.x_test[:24],
        data.y_test[:24],
        bands=BANDS[::-1],
        classes=data.classes,
        wavelengths=data.wavelengths,
        **FAST,
    )
    with pytest.raises(BandError, match="bands"):
        bl.compare_importance(one, other)
    with pytest.raises(ResultError, match="the bands"):
        bl.combine(one, other)


# ---- Images with their company ---------------------------------------------------------------------------------------


def test_labelled_images_bring_labels_bands_and_wavelengths(data, model):
    brought = bl.band_importance(model, images(data), **FAST)
    given = bl.band_importance(
        model, data.x_test[:24], data.y_test[:24], bands=BANDS, wavelengths=data.wavelengths, classes=data.classes,
        **FAST,
    )  # fmt: skip
    assert_same_table(brought, given)
    assert brought.classes == given.classes
    np.testing.assert_array_equal(brought.image_class, given.image_class)
    others = bl.band_importance(model, images(data), np.zeros(24, int), **FAST)
    assert set(others.image_class) == {0}
    assert data.test.bands == BANDS
    assert len(data.train.x) == len(data.train.y) == 4435


def test_results_with_other_names_for_bands_can_be_saved(data, model, tmp_path):
    renamed = bl.band_importance(model, images(data), bands=tuple("grab"), **FAST)
    renamed.save(tmp_path / "result.npz")
    assert bl.BandImportance.load(tmp_path / "result.npz").image_bands == BANDS
    assert bl.band_importance(model, images(data), **FAST).image_bands is None
