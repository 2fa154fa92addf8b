"""Several methods in one call: each gives what it gives alone, the model is traced once, and results compare."""

from __future__ import annotations

import warnings
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.engine.backends import functions
from bandlens.errors import BandlensError, OptionError


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    return random.normal(size=(12, 8, 8, 4)).astype("float32"), random.integers(0, 3, 12)


def test_each_method_gives_what_it_gives_alone(small_cnn: Any, data: Any) -> None:
    methods = ["deepshap", "occlusion", "permutation"]
    found = bl.band_importance(small_cnn, *data, method=methods, n_repeats=3, replacement="zero", seed=4)
    assert list(found) == methods
    own = {"deepshap": {}, "occlusion": {"replacement": "zero"}, "permutation": {"n_repeats": 3}}
    for name in methods:
        alone = bl.band_importance(small_cnn, *data, method=name, seed=4, **own[name])
        np.testing.assert_array_equal(found[name].scores, alone.scores)
        assert found[name].options == alone.options
        assert found[name].to_frame().equals(alone.to_frame())


def test_the_comparison_takes_what_several_methods_give(small_cnn: Any, data: Any) -> None:
    found = bl.band_importance(small_cnn, *data, method=("saliency", "occlusion"))
    compared = bl.compare_importance(found, resamples=20)
    assert compared.facts["results"] == ["saliency", "occlusion"]
    one_by_one = bl.compare_importance(*found.values(), resamples=20)
    assert compared.to_frame().equals(one_by_one.to_frame())
    assert bl.compare_importance(list(found.values()), resamples=20).to_frame().equals(one_by_one.to_frame())
    assert bl.compare_importance(found, names=["a", "b"], resamples=20).facts["results"] == ["a", "b"]
    with pytest.raises(BandlensError, match="two or more"):
        bl.compare_importance(dict(list(found.items())[:1]))


def test_a_function_is_tried_once(data: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    traces = []
    trace = functions.Trace

    def counted(*arguments: Any, **options: Any) -> Any:
        traces.append(trace(*arguments, **options))
        return traces[-1]

    monkeypatch.setattr(functions, "Trace", counted)
    bl.band_importance(lambda x: np.asarray(x).mean((1, 2)), *data[:1], method=["occlusion", "shapley", "lime"])
    assert len(traces) == 1


def test_progress_counts_all_methods(small_cnn: Any, data: Any) -> None:
    told: list[tuple[int, int]] = []
    bl.band_importance(
        small_cnn, data[0], method=["saliency", "occlusion"], progress=lambda *state: told.append(state), batch_size=5
    )
    assert told[-1] == (24, 24)
    assert told == sorted(told)
    assert {total for _, total in told} == {24}


@pytest.mark.parametrize(
    ("methods", "options", "message"),
    [
        (["saliency", "none"], {}, r"different methods(.*\n)+.*'none'"),
        (["saliency", "saliency"], {}, r"different methods(.*\n)+.*more than once: saliency"),
        ([], {}, r"different methods(.*\n)+.*none"),
        (["saliency", 3], {}, r"different methods(.*\n)+.*3"),
        (["saliency", "occlusion"], {"n_repeats": 3}, r"The methods have no such option(.*\n)+.*n_repeats"),
        (["saliency", "occlusion"], {"statistic": "band_sum"}, r"'occlusion' has no values(.*\n)+.*band_sum"),
    ],
)
def test_what_does_not_fit_is_named_before_anything_is_computed(
    small_cnn: Any, data: Any, methods: list[str], options: dict[str, Any], message: str
) -> None:
    told: list[Any] = []
    with pytest.raises(OptionError, match=message):
        bl.band_importance(small_cnn, data[0], method=methods, progress=lambda *state: told.append(state), **options)
    assert not told


def test_other_verbs_take_one_method(small_cnn: Any, data: Any) -> None:
    for verb in (bl.band_maps, bl.check_null, bl.check_stability, bl.check_randomization):
        with pytest.raises(OptionError, match=r"one method at a time(.*\n)+.*band_importance"):
            verb(small_cnn, data[0], method=["saliency", "deepshap"])


def test_warnings_point_at_the_users_line(keras: Any, data: Any) -> None:
    rounded = keras.Sequential(
        [
            keras.Input((8, 8, 4)),
            keras.layers.Lambda(lambda x: keras.ops.concatenate([keras.ops.round(x[..., :1]), x[..., 1:]], -1)),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3),
        ]
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", bl.errors.BandlensWarning)
        bl.band_importance(rounded, data[0], method=["saliency", "occlusion"])
    files = [one.filename for one in caught if issubclass(one.category, bl.errors.NoDerivativeWarning)]
    assert files == [__file__]
