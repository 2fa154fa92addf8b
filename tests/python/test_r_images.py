"""Lists from R: whether they are images or inputs, and whose names of bands go with what."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from bandlens.data.labelled import LabelledImages
from bandlens.r.images import images_and_options

ONE, SEVERAL = np.zeros((4, 4, 3)), np.zeros((5, 4, 4, 3))


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    import keras

    inputs = [keras.Input((4, 4, 3), name="a"), keras.Input((4, 4, 3), name="b")]
    flat = [keras.layers.Flatten()(values) for values in inputs]
    two = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Concatenate()(flat)))
    return {"two": two, "one": keras.Model(inputs[0], keras.layers.Dense(2)(flat[0])), "function": lambda x: x}


def names_of(x: Any) -> Any:
    return list(x.bands) if isinstance(x, LabelledImages) else None


@pytest.mark.parametrize("model", ["one", "function"])
def test_a_list_of_images_is_one_whatever_its_names(models: dict[str, Any], model: str) -> None:
    given = {"x_bands": ["r", "g", "b"], "x_each_bands": [["r", "g", "b"], None], "seed": 3}
    for x in ([ONE, ONE], {"a.tif": ONE, "b.tif": ONE}):
        _, found, options = images_and_options(models[model], x, given)
        assert names_of(found) == ["r", "g", "b"]
        assert isinstance(found.x, list)
        assert options == {"seed": 3}


def test_entries_are_inputs_where_the_model_has_several(models: dict[str, Any]) -> None:
    given = {
        "x_bands": ["r", "g", "b"],
        "background": [SEVERAL, SEVERAL],
        "background_each_bands": [None, ["x", "y", "z"]],
    }
    _, x, options = images_and_options(
        models["two"], [SEVERAL, SEVERAL], {**given, "x_each_bands": [["r", "g", "b"], None]}
    )
    assert [names_of(one) for one in x] == [["r", "g", "b"], None]
    assert [names_of(one) for one in options["background"]] == [None, ["x", "y", "z"]]
    _, x, _ = images_and_options(models["two"], {"b": SEVERAL, "a": SEVERAL}, {"x_each_bands": {"a": ["r", "g", "b"]}})
    assert {name: names_of(one) for name, one in x.items()} == {"b": None, "a": ["r", "g", "b"]}


def test_a_function_has_inputs_of_several_shapes_or_of_several_images(models: dict[str, Any]) -> None:
    for x in ({"a": SEVERAL, "b": SEVERAL}, {"a": ONE, "b": np.zeros((4, 2))}):
        _, found, _ = images_and_options(models["function"], x, {})
        assert isinstance(found, dict)
    _, array, options = images_and_options(
        models["function"], SEVERAL, {"x_bands": ["r", "g", "b"], "background": None}
    )
    assert names_of(array) == ["r", "g", "b"]
    assert options == {"background": None}


def test_a_saved_model_is_loaded_once(models: dict[str, Any], tmp_path: Any) -> None:
    path = tmp_path / "two.keras"
    models["two"].save(path)
    model, x, _ = images_and_options(str(path), [SEVERAL, SEVERAL], {})
    assert [one.name for one in model.inputs] == ["a", "b"]
    assert isinstance(x, list)
    # an array says itself what it is
    assert images_and_options(str(path), SEVERAL, {})[0] == str(path)
