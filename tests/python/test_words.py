"""How messages spell names, values, shapes and calls for those who read them, and which names they offer."""

from __future__ import annotations

from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.data.positions import counting_from
from bandlens.data.words import argument, choices, flags, nearest, number_text, quoted, shape_text, shown
from bandlens.errors import BackgroundError, InputError, OptionError


def both(function: Any, *given: Any) -> tuple[str, str]:
    """In Python's words, and in R's."""
    with counting_from(1):
        r = function(*given)
    return function(*given), r


@pytest.mark.parametrize(
    ("function", "given", "python", "r"),
    [
        (shape_text, ((3, 3, 4),), "(3, 3, 4)", "3 x 3 x 4"),
        (shape_text, ((3,),), "(3,)", "3"),
        (shape_text, (("n", None, 4),), "(n, any, 4)", "n x any x 4"),
        (shape_text, (None,), "an unknown shape", "an unknown shape"),
        (argument, ("method", "occlusion"), "method='occlusion'", 'method = "occlusion"'),
        (argument, ("by", "a", "b", "c"), "by='a', 'b' or 'c'", 'by = "a", "b" or "c"'),
        (argument, ("layer", None), "layer=None", "layer = NULL"),
        (argument, ("training", False), "training=False", "training = FALSE"),
        (flags, (), "True or False", "TRUE or FALSE"),
        (quoted, ('say "x"',), "'say \"x\"'", '"say \\"x\\""'),
        (choices, (("a", "b"),), "'a' or 'b'", '"a" or "b"'),
        (number_text, (np.float64("nan"),), "nan", "NaN"),
        (number_text, (-np.inf,), "-inf", "-Inf"),
        (shown, (None,), "None", "NULL"),
        (shown, (True,), "True", "TRUE"),
        (shown, ("None",), "'None'", '"None"'),  # a name stays what it is
        (shown, ([1, 2.5, "a"],), "[1, 2.5, 'a']", 'c(1, 2.5, "a")'),
        (shown, ((0, 3),), "(0, 3)", "c(0, 3)"),
        (shown, ({"a": 1.0},), "{'a': 1.0}", "list(a = 1)"),
        (shown, (np.zeros((2, 3)),), repr(np.zeros((2, 3))), "an array of 2 x 3"),
    ],
)
def test_spelling(function: Any, given: tuple[Any, ...], python: str, r: str) -> None:
    assert both(function, *given) == (python, r)


def test_long_values_are_cut() -> None:
    python, r = both(shown, list(range(1000)))
    assert len(python) == 200
    assert r == "c(0, 1, 2, 3, 4, 5, 6, 7, ...)"


@pytest.mark.parametrize(
    ("given", "known", "offered"),
    [
        ("depshap", ["deepshap", "saliency"], "did you mean 'deepshap'?"),
        ("SALIENCY", ["deepshap", "saliency"], "did you mean 'saliency'?"),
        ("n-steps", ["n_steps"], "did you mean 'n_steps'?"),
        (["nri", "rde"], ["nir", "red"], "did you mean 'nir' for 'nri', 'red' for 'rde'?"),
        (["nri", "xyz"], ["nir", "red"], "did you mean 'nir' for 'nri'?"),
        ("quite another", ["deepshap"], None),
        ("12", ["1", "2", "112"], None),
        (3, ["3a"], None),
        ("a", [], None),
    ],
)
def test_the_nearest_name_is_offered(given: Any, known: list[str], offered: str | None) -> None:
    assert nearest(given, known) == offered
    more = nearest(given, known, "read on")
    assert more == ("read on" if offered is None else f"{offered} Else read on")


X = np.random.default_rng(0).random((6, 3, 3, 4)).astype("float32")


@pytest.fixture
def model(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((3, 3, 4)), layers.Conv2D(2, 2, name="first"), layers.Flatten(), layers.Dense(2)]
    )


@pytest.mark.parametrize(
    ("options", "offered"),
    [
        ({"method": "depshap"}, "deepshap"),
        ({"method": "integrated_gradients", "n_step": 3}, "n_steps"),
        ({"backgroud": X}, "background"),
        ({"wavelength": [1, 2, 3, 4]}, "wavelengths"),
        ({"statistic": "bandsum"}, "band_sum"),
        ({"output": "logits"}, "logit"),
        ({"target": "predictd"}, "predicted"),
        ({"target": "frest", "classes": ["forest", "city"]}, "forest"),
        ({"groups": {"vis": ["rde"]}, "bands": ["red", "green", "nir1", "nir2"]}, "red"),
        ({"method": "occlusion", "replacement": "backgrund"}, "background"),
        ({"y": ["frest"] * 6, "classes": ["forest", "city"]}, "forest"),
    ],
)
def test_misspelt_arguments_of_tables(model: Any, options: dict[str, Any], offered: str) -> None:
    with pytest.raises(bl.errors.BandlensError, match=f"did you mean '{offered}'"):
        bl.band_importance(model, X, **options)


def test_misspelt_arguments_of_other_verbs(model: Any) -> None:
    result = bl.band_importance(model, X, method="saliency")

    def offers(name: str, call: Any) -> None:
        with pytest.raises(bl.errors.BandlensError, match=f"did you mean '{name}'"):
            call()

    offers("backgrounds", lambda: bl.check_stability(model, X, backgruonds=3))
    offers("repeats", lambda: bl.check_randomization(model, X, repeat=3))
    offers("duplicate", lambda: bl.check_null(model, X, duplicated=3))
    offers("band_3", lambda: bl.check_null(model, X, duplicate="bnad_3", method="saliency"))
    offers("first", lambda: bl.check_randomization(model, X, layers="frist", method="saliency"))
    offers("first", lambda: bl.top_images(model, X, "frist"))
    offers("background_mean", lambda: bl.check_deletion(model, result, X, replacement="backgroundmean"))
    offers("heatmap", lambda: result.plot("heatmp"))
    offers("base_size", lambda: result.plot("bars", basesize=3))
    offers("image", lambda: result.to_frame("images"))
    offers("kendall_tau", lambda: bl.compare_importance(result, result, resamples=2).plot(measure="kendal_tau"))


def test_a_dropped_dimension_is_told_how_to_keep(model: Any) -> None:
    with pytest.raises(InputError, match=r"`x\[:1\]`; one without is given as `x\[None\]`"):
        bl.band_importance(model, X[0])
    with pytest.raises(BackgroundError, match=r"`background\[:1\]`"):
        bl.band_importance(model, X, background=X[0])
    with pytest.raises(InputError, match=r"`x\[None\]`"):
        bl.band_importance(model, X[0, 0, 0])


def test_a_single_band_is_told_how_to_keep_its_axis(keras: Any) -> None:
    single = keras.Sequential([keras.Input((3, 3, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    with pytest.raises(InputError, match=r"`x\[\.\.\., :1\]`; an array without is given as `x\[\.\.\., None\]`"):
        bl.band_importance(single, X[..., 0])
    with pytest.raises(BackgroundError, match=r"`background\[\.\.\., None\]`"):
        bl.band_importance(single, X[..., :1], background=X[..., 0])


def test_an_option_has_its_choices_and_the_nearest() -> None:
    with pytest.raises(OptionError) as caught:
        bl.visualize_features(lambda x: x, clamp="clp", value_range=(0, 1), shape=(3, 3, 4))
    assert "'fit' or 'clip'" in str(caught.value.expected)
    assert caught.value.fix == "did you mean 'clip'?"
