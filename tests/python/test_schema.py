"""Fields are described once, in a result's class: all that follows from it, and that R's copy of it says the same."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.errors import ResultError
from bandlens.r import schema as for_r
from bandlens.r.conversions import all_fields
from bandlens.results.schema import Numbers, restored, schema
from test_pieces import assert_same, full


def results() -> dict[str, Any]:
    """One result of each kind, by R's name of it, in which no two axes are of one length."""
    import keras

    layers = keras.layers
    parts = [layers.Conv2D(3, 2, name="conv"), layers.Flatten(), layers.Dense(2, activation="softmax")]
    model = keras.Sequential([keras.Input((6, 7, 4)), *parts])
    x = np.random.default_rng(0).normal(size=(5, 6, 7, 4))
    look = {"steps": 8, "value_range": (0, 1), "features": [0, 2]}
    return {
        "activation_maps": bl.class_activation_maps(model, x, [0, 1, 0, 1, 0], by="band"),
        "band_importance": bl.band_importance(model, x, method="lime", groups={"two": [0, 1]}, target="all", seed=3),
        "band_interactions": bl.band_interactions(model, x, n_background=3, order=3, target="all"),
        "band_maps": bl.band_maps(model, x, method="deepshap", wavelengths=[480, None, 660, 840]),
        "band_response": bl.band_response(model, x, [0, 1, 0, 1, 0], kind="ice", wavelengths=[480, None, 660, 840]),
        "band_selection": bl.select_bands(
            model, x, [0, 1, 0, 1, 0], folds=2, groups={"two": [0, 1]}, sensors={"a": ["two"], "b": ["two"]}
        ),
        "counterfactual_spectra": bl.counterfactual_spectra(
            model, x, [0, 1, 0, 1, 0], background=-x, groups={"two": [0, 1]}
        ),
        "feature_images": bl.visualize_features(model, "conv", **look),
        "layer_activations": bl.layer_activations(model, x, "conv"),
        "layer_kernels": bl.layer_kernels(model, "conv"),
        "pooled_importance": bl.pool_importance([bl.band_importance(model, x, seed=seed) for seed in range(6)]),
        "top_images": bl.top_images(model, x, "conv", n=2),
        "wavelength_zones": bl.wavelength_zones(x, n_zones=2),
    }


@pytest.mark.filterwarnings("ignore::bandlens.errors.BandlensWarning")
def test_results_are_what_their_classes_say_and_come_back_as_they_were() -> None:
    made = results()
    assert list(made) == list(for_r.RESULTS)
    for kind, result in made.items():
        assert type(result) is for_r.result_class(kind)
        fields = schema(type(result))
        lengths: dict[str, int] = {}
        for name, field in fields.items():
            value = getattr(result, name)
            if field.axes and value is not None and "..." not in field.axes:
                shape = value.shape if field.array else (len(value),)
                assert len(shape) == len(field.axes), (kind, name)
                for axis, length in zip(field.axes, shape, strict=True):
                    assert lengths.setdefault(axis, length) == length, (kind, name, axis)
            if field.kind == "positions" and field.of:
                assert value.max() < len(getattr(result, field.of)), (kind, name)
        back = restored(type(result), all_fields(result))
        for name in fields:
            one, two = getattr(result, name), getattr(back, name)
            assert type(one) is type(two), (kind, name)
            np.testing.assert_array_equal(one, two)


def test_r_reads_what_the_classes_say() -> None:
    written = for_r.FILE.read_text(encoding="utf-8")
    assert written == for_r.as_text(), "Write the file anew: make schema"


@dataclass(frozen=True, eq=False, repr=False)
class Later(bl.BandImportance):
    weights: Annotated[np.ndarray | None, Numbers("image", newer=True)] = None


def later() -> Later:
    result = full()
    values = {entry.name: getattr(result, entry.name) for entry in dataclasses.fields(result)}
    values["wavelengths"] = tuple(map(float, values["wavelengths"]))
    return Later(**values, weights=np.arange(float(result.n)))


def test_a_field_that_is_added_is_saved_cut_put_together_and_crosses(tmp_path) -> None:
    result = later()
    result.save(tmp_path / "later.npz")
    assert_same(Later.load(tmp_path / "later.npz"), result)
    parts = [result.subset(slice(0, 5)), result.subset(slice(5, None))]
    np.testing.assert_array_equal(parts[1].weights, result.weights[5:])
    assert_same(bl.combine(*parts), result)
    lacking = dataclasses.replace(parts[1], weights=None)
    assert bl.combine(parts[0], lacking).weights is None
    assert_same(restored(Later, all_fields(result)), result)


def test_results_that_lack_what_is_needed_or_have_what_is_not_known_are_refused() -> None:
    given = all_fields(later())
    with pytest.raises(ResultError, match=r"later version(.|\n)*weights"):
        restored(bl.BandImportance, given)
    del given["bands"]
    with pytest.raises(ResultError, match="no bands"):
        restored(Later, given)


def test_fields_of_which_nothing_is_said_are_refused() -> None:
    @dataclass
    class Silent:
        values: np.ndarray

    with pytest.raises(TypeError, match="'values'"):
        schema(Silent)
