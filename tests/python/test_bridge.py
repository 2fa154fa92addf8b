"""What R gets: plain values, errors as values, and nothing imported that R users need not have."""

import dataclasses
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bandlens import METHODS, BandImportance, Check, band_importance, errors
from bandlens.data import positions as counting
from bandlens.methods import lime
from bandlens.r import bridge, describing
from bandlens.r import conversions as crossing
from own_process import printed

PLAIN = (bool, int, float, str, type(None))


def holds_only_plain(value):
    if isinstance(value, dict):
        return all(isinstance(key, str) for key in value) and all(map(holds_only_plain, value.values()))
    if isinstance(value, list):
        return all(map(holds_only_plain, value))
    if isinstance(value, np.ndarray):
        return value.dtype in (np.bool_, np.int32, np.float64)
    return type(value) in PLAIN


def model(x):
    from keras import ops

    return ops.softmax(ops.mean(x, axis=(1, 2)))


def explain(function, x=None, y=None, **arguments):
    x = np.random.default_rng(0).random((6, 2, 2, 3)) if x is None else x
    return function(model, x, y, arguments, None)


@pytest.mark.parametrize("method", METHODS)
def test_results_are_plain(method):
    answer = explain(bridge.band_importance, method=method, target="all")
    assert answer["ok"]
    assert holds_only_plain(answer)


@pytest.mark.parametrize(
    "method", [method for method in METHODS.values() if method.maps], ids=lambda method: method.name
)
def test_maps_are_plain(method):
    answer = explain(bridge.band_maps, method=method.name, target="all", **method.maps_options)
    assert answer["ok"]
    assert holds_only_plain(answer)


def test_importance_has_what_only_some_methods_give():
    value = explain(bridge.band_importance, method="lime", groups={"two": [0, 2]})["value"]
    assert value["groups"] == {"two": ["band_1", "band_3"]}
    assert value["median_local_fit"] == np.median(value["local_fit"])
    assert value["score_errors"] is None
    assert value["drops"] is None
    value = explain(bridge.band_importance, method="expected_gradients")["value"]
    assert value["score_errors"].shape == (6, 1, 3)
    assert value["median_local_fit"] is None
    assert not value["directed"]


def test_the_table_over_all_classes_comes_too():
    value = explain(bridge.band_importance, method="saliency")["value"]
    assert value["overall"].keys() == value["table"].keys()
    assert value["overall"]["output"].tolist() == [-1, -1, -1]
    assert value["overall"]["n"].tolist() == [6, 6, 6]
    assert value["whole"] == "all"


def test_functions_are_given_types_that_r_has():
    seen = set()

    def metric(true, predicted):
        seen.update((true.dtype, predicted.dtype))
        return 0.0

    value = explain(bridge.band_importance, method="permutation", metric=metric, n_repeats=2)["value"]
    assert seen == {np.dtype(np.int32)}
    assert value["output"] == "metric"
    assert value["directed"]
    assert value["drops"].shape[0] == 2


def test_numbers_from_r_are_classes_from_1_or_values_as_the_model_says():
    x, y = np.arange(36.0).reshape(3, 2, 2, 3) / 36, np.array([2.0, 1.0, 2.0])
    classes = bridge.band_importance(model, x, y, {"method": "occlusion"}, None)["value"]
    assert classes["image_class"].tolist() == [1, 0, 1]
    assert classes["correct"].tolist() == (classes["prediction"] == [1, 0, 1]).tolist()
    assert classes["accuracy"] == classes["correct"].mean()
    number = bridge.band_importance(lambda x: model(x)[:, :1], x, y, {"method": "occlusion"}, None)["value"]
    assert number["observed"].tolist() == [2.0, 1.0, 2.0]
    assert number["correct"] is None
    missed = ((number["observed"] - number["fitted"]) ** 2).sum()
    assert (number["accuracy"], number["chance"]) == (pytest.approx(1 - missed / (2 / 3)), 0.0)
    for wrong, given, fix in (
        ([0.0, 1.0, 1.0], "0", "if the classes are counted from 0, use `y + 1`"),
        ([1.0, 9.0, 1.0], "9", None),
        ([1.0, 1.5, 2.0], "1.5", None),
    ):
        answer = bridge.band_importance(model, x, np.array(wrong), {"method": "occlusion"}, None)
        assert (answer["ok"], answer["kind"], answer["given"], answer["fix"]) == (False, "labels", given, fix)
        assert "whole numbers from 1 to " in answer["expected"]


def test_methods_are_listed_with_their_options():
    answer = bridge.band_methods()
    assert holds_only_plain(answer)
    methods = {method["name"]: method for method in answer["value"]}
    assert list(methods) == list(METHODS)
    assert methods["deepshap"]["options"][0]["default"] == "NULL"
    assert [option["default"] for option in methods["smoothgrad"]["options"]] == ["0.15", "50"]
    assert "of classes counted from 1" in methods["permutation"]["options"][0]["meaning"]  # it is read in R
    assert describing.written(False) == "FALSE"
    assert not methods["occlusion"]["maps"]


def test_a_check_is_plain():
    table = {"band": np.array([1, -1]), "value": np.array([0.5, np.nan]), "name": np.array(["a", "b"])}
    facts = {"n": 3, "noise": np.float64(0.5), "kind": "a", "none": None, "several": (1, 2), "one": ["x"]}
    value = bridge.outcome(Check("check_it", {"all": table}, {"band": ("red", "nir")}, None, ("It is so.",), facts))
    assert holds_only_plain(value)
    assert value["single"] == ["n", "noise", "kind", "none"]
    assert value["tables"]["all"]["name"] == ["a", "b"]
    assert value["levels"] == {"band": ["red", "nir"]}
    assert value["passed"] is None


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("deepshap", {"target": "all"}),
        ("saliency", {"wavelengths": [480, None, 700]}),
        ("lime", {"groups": {"two": [0, 2]}}),
        ("permutation", {"metric": lambda true, predicted: float((true == predicted).mean()), "n_repeats": 3}),
    ],
)
def test_a_result_that_went_to_r_comes_back_as_it_was(method, options):
    x = np.random.default_rng(0).random((6, 2, 2, 3))
    result = band_importance(model, x, method=method, **options)
    given = bridge._importance(result)
    fields = [entry.name for entry in dataclasses.fields(result)]
    back = bridge._result({name: given[name] for name in fields})
    for level in ("class", "image", "overall"):
        pd.testing.assert_frame_equal(back.to_frame(level), result.to_frame(level))
    for name in fields:
        one, two = getattr(result, name), getattr(back, name)
        assert type(one) is type(two), name
        np.testing.assert_array_equal(one, two)
        assert not isinstance(one, np.ndarray) or one.dtype == two.dtype
    # R's only empty list, and what older results lack
    kept = {name: given[name] for name in fields if name not in ("directed", "versions")}
    assert bridge._result({**kept, "options": [], "residuals": None}).options == {}
    with pytest.raises(errors.ResultError, match="no scores"):
        bridge._result({name: value for name, value in kept.items() if name != "scores"})


def test_checks_are_plain():
    x = np.random.default_rng(0).random((12, 2, 2, 3))
    y = np.arange(12) % 3
    shared = {"method": "saliency", "seed": 0}
    result = bridge._importance(band_importance(model, x, y, **shared))
    given = {entry.name: result[entry.name] for entry in dataclasses.fields(BandImportance)}
    answers = [
        bridge.compare_importance([given, given], {"resamples": 10, "names": ["one", "two"]}),
        bridge.check_stability(model, x, y, {**shared, "resamples": 20}, None),
        bridge.check_null(model, x, y, shared, None),
        bridge.check_deletion(model, given, x, None, {"orders": 2}, None),
    ]
    for answer in answers:
        assert answer["ok"]
        assert holds_only_plain(answer)
    answer = bridge.check_randomization(model, x, y, shared, None)  # not a Keras model, which can't be copied
    assert answer["kind"] == "model_type"


def test_positions_of_bands_are_counted_as_in_r():
    x = np.ones((2, 2, 2, 3))
    answer = bridge.check_null(model, x, None, {"method": "saliency", "duplicate": 3}, None)
    assert (answer["kind"], answer["given"]) == ("bands", "4")
    assert "from 1" in answer["expected"]


def test_errors_of_bandlens_are_values():
    answer = explain(bridge.band_importance, bands=["only one"])
    assert not answer["ok"]
    assert answer["kind"] == "bands"
    assert answer["given"] == "1: only one"
    assert holds_only_plain(answer)


def test_other_errors_pass():
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bridge.band_importance(model, np.ones((6, 2, 2, 3)), None, {"method": "saliency"}, stop)


def test_progress_is_told():
    seen = []
    x = np.ones((6, 2, 2, 3))
    bridge.band_importance(model, x, None, {"method": "saliency"}, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (6, 6)


def test_a_missing_module_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "bandlens.explain.importance", None)
    answer = explain(bridge.band_importance)
    assert answer["kind"] == "python_missing"
    assert "bandlens.explain.importance" in answer["message"]


def test_a_missing_package_is_named_with_all_of_its_extra(monkeypatch):
    monkeypatch.setattr(lime, "find_spec", lambda name: None)
    answer = explain(bridge.band_importance, method="lime")
    assert answer["kind"] == "missing_package"
    assert "scikit-learn" in answer["message"]
    assert answer["packages"] == ["scikit-learn", "scikit-image"]


def test_extras_are_those_of_the_python_package():
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads(Path(__file__).parents[2].joinpath("pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["optional-dependencies"] == crossing.EXTRAS


def test_unusual_values_become_plain():
    value = {1: np.float32(0.5), "a": (np.int64(1), None), "b": np.arange(2), "c": np.array(3), "d": errors}
    plain = crossing.plain(value)
    assert holds_only_plain(plain)
    assert plain["1"] == 0.5
    assert plain["a"] == [1, None]


def test_counting_from_one_ends_with_the_call():
    with counting.counting_from(1):
        assert counting.first() == 1
    explain(bridge.band_importance, bands=["wrong"])
    assert counting.first() == 0


def test_importing_the_bridge_needs_neither_pandas_nor_a_framework():
    code = "import sys, bandlens.r.bridge; print(sorted({'pandas', 'plotnine', 'tensorflow'} & set(sys.modules)))"
    assert printed("-c", code) == "[]"


def test_what_crosses_of_features_is_plain(keras_model_of_bands):
    x = np.random.default_rng(0).random((4, 4, 4, 3))
    look = {"layer": "conv", "steps": 2, "value_range": [0.0, 1.0], "features": [0, 1]}
    answers = {
        "list_layers": bridge.list_layers(keras_model_of_bands, {}),
        "layer_kernels": bridge.layer_kernels(keras_model_of_bands, {}),
        "visualize_features": bridge.visualize_features(keras_model_of_bands, look, None),
        "layer_activations": bridge.layer_activations(keras_model_of_bands, x, {"layer": "conv"}, None),
        "top_images": bridge.top_images(keras_model_of_bands, x, {"layer": "conv", "n": 2}, None),
        "class_activation_maps": bridge.class_activation_maps(
            keras_model_of_bands, x, None, {"by": "band", "layer": "conv", "target": "all"}, None
        ),
        "occlusion_maps": bridge.occlusion_maps(keras_model_of_bands, x, None, {"window": [2, 2]}, None),
        "wavelength_zones": bridge.wavelength_zones(x, {"n_zones": 2}),
    }
    for name, answer in answers.items():
        assert answer["ok"], name
        assert holds_only_plain(answer["value"]), name


def test_warnings_of_features_are_values_and_others_go_their_way(keras_model_of_bands):
    look = {"layer": "conv", "steps": 2, "value_range": [0.0, 1.0]}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        answer = bridge.visualize_features(keras_model_of_bands, look, None)
    (told,) = answer["warnings"]
    assert "warnings" not in answer["value"]
    assert told["kind"] == "dead_feature"
    assert told["message"].startswith("1 of 2 features of 'conv'")

    with warnings.catch_warnings(record=True) as others:
        warnings.simplefilter("always")
        with crossing.warnings_as_values() as values:
            warnings.warn("another", UserWarning, stacklevel=1)
            warnings.warn("stopped", errors.InterruptedWarning, stacklevel=1)
    assert [str(one.message) for one in others] == ["another"]
    assert values == [{"kind": "interrupted", "message": "stopped"}]


def test_warnings_cross_with_values_and_with_errors(keras_model_of_bands):
    def warned(error):
        warnings.warn("it cancels", errors.CompletenessWarning, stacklevel=1)
        warnings.warn("another", UserWarning, stacklevel=1)
        if error is not None:
            raise error
        return 1

    told = [{"kind": "completeness", "message": "it cancels"}]
    for error, expected in (
        (None, {"ok": True, "value": 1}),
        (errors.InputError("bad"), {"ok": False, "kind": "input"}),
    ):
        with pytest.warns(UserWarning, match="another") as others:
            found = crossing.answer(warned)(error)
        assert len(others) == 1
        assert {**found, **expected, "warnings": told} == found
    with pytest.warns(UserWarning, match="another"), pytest.raises(ZeroDivisionError):
        crossing.answer(warned)(ZeroDivisionError())
    x, baseline = np.ones((2, 4, 4, 3)), {"method": "integrated_gradients", "baseline": "zero"}
    assert "warnings" not in bridge.band_importance(keras_model_of_bands, x, None, baseline, None)


@pytest.fixture
def keras_model_of_bands():
    """Feature 0 is the last band, feature 1 is silent."""
    import keras

    layers = keras.layers
    model = keras.Sequential([keras.Input((4, 4, 3)), layers.Conv2D(2, 1, name="conv"), layers.Flatten()])
    kernel = np.zeros((1, 1, 3, 2))
    kernel[0, 0, 2, 0] = 1
    model.layers[0].set_weights([kernel, np.zeros(2)])
    return model
