"""Bad input: the right class, before computing, naming what was expected, what came and how to mend it."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import bandlens as bl
import numpy as np
import pandas as pd
import pytest
from bandlens import errors

Case = tuple[str, dict[str, Any], type[errors.BandlensError], str]

GOOD = np.zeros((6, 8, 8, 4), "float32")


def spoiled(value: float) -> np.ndarray:
    x = GOOD.copy()
    x[4, 2, 3, 1] = value
    return x


CASES: list[Case] = [
    ("nan", {"x": spoiled(np.nan)}, errors.InputError, r"not finite.*\n.*\n.*nan in image 4, band 1"),
    ("infinite", {"x": spoiled(np.inf)}, errors.InputError, r"not finite"),
    ("complex", {"x": GOOD.astype(complex)}, errors.InputTypeError, r"real numbers.*\n.*\n.*complex128"),
    ("strings", {"x": GOOD.astype(str)}, errors.InputTypeError, r"real numbers"),
    ("no array", {"x": {1, 2}}, errors.InputTypeError, r"not an array of images.*\n.*\n.*set"),
    ("no input of that name", {"x": {"a": GOOD}}, errors.InputError, r"what the model's inputs take.*\n.*\n.*'a'"),
    ("empty", {"x": GOOD[:0]}, errors.InputError, r"holds no images"),
    ("empty list", {"x": []}, errors.InputError, r"holds no images"),
    ("ragged", {"x": [GOOD[0], GOOD[0, :5]]}, errors.InputError, r"different shapes.*\n.*\n.*\(5, 8, 4\)"),
    ("one axis", {"x": np.zeros(5)}, errors.InputError, r"1 dimension.*\n.*\n.*\(5,\)"),
    ("shape", {"x": GOOD[..., :3]}, errors.InputError, r"can't take.*\n.*\(n, 8, 8, 4\).*\n.*\(6, 8, 8, 3\)"),
    ("one image", {"x": GOOD[0]}, errors.InputError, r"can't take"),
    ("band axis", {"band_axis": 4}, errors.BandError, r"band_axis.*= 4.*\n.*from 1 to 3"),
    ("band axis 0", {"band_axis": 0}, errors.BandError, r"axis 0 holds the images"),
    ("band names", {"bands": ["a", "b", "c"]}, errors.BandError, r"band names.*\n.*4 names.*\n.*3: a, b, c"),
    ("band twice", {"bands": ["a", "b", "c", "a"]}, errors.BandError, r"must differ.*\n.*: a"),
    ("wavelengths", {"wavelengths": [1.0, 2.0]}, errors.BandError, r"wavelengths.*\n.*4 numbers.*\n.*2"),
    ("wavelength words", {"wavelengths": list("abcd")}, errors.BandError, r"must be numbers"),
    ("wavelength sign", {"wavelengths": [1, 2, 3, -4]}, errors.BandError, r"positive"),
    ("labels few", {"y": [0, 1]}, errors.LabelError, r"one label per image.*\n.*6 labels.*\n.*2"),
    ("labels unknown", {"y": [0, 1, 2, 3, 0, 9]}, errors.LabelError, r"doesn't have.*\n.*0 to 2.*\n.*3, 9"),
    ("labels broken", {"y": [0, 1, 2, 0.5, 0, 1]}, errors.LabelError, r"not class indices"),
    ("labels as names", {"y": list("aabbcc")}, errors.LabelError, r"nothing says which output"),
    ("labels misnamed", {"y": list("aabbcx"), "classes": list("abc")}, errors.LabelError, r"not class names[^x]*x"),
    ("labels missing", {"y": ["a", None, *"aabb"], "classes": list("abc")}, errors.LabelError, r"missing"),
    ("labels not one-hot", {"y": np.ones((6, 3))}, errors.LabelError, r"not one-hot"),
    ("classes few", {"classes": ["a", "b"]}, errors.LabelError, r"class names.*\n.*3 different names.*\n.*2: a, b"),
    ("classes twice", {"classes": ["a", "b", "a"]}, errors.LabelError, r"class names"),
    ("categories", {"y": pd.Categorical(list("aabbaa"))}, errors.LabelError, r"class names.*\n.*3 different"),
    ("background empty", {"background": GOOD[:0]}, errors.BackgroundError, r"no images"),
    ("background shape", {"background": GOOD[:, :4]}, errors.BackgroundError, r"another shape.*\n.*\(8, 8, 4\)"),
    ("background nan", {"background": spoiled(np.nan)}, errors.BackgroundError, r"not finite"),
    ("background size", {"n_background": 0}, errors.OptionError, r"n_background"),
    ("method", {"method": "magic"}, errors.OptionError, r"no such method.*\n.*'deepshap'.*\n.*'magic'"),
    ("option", {"magic": 1}, errors.OptionError, r"no such option.*\n.*\n.*magic"),
    ("statistic", {"statistic": "max"}, errors.OptionError, r"no such statistic.*\n.*band_sum.*\n.*'max'"),
    ("output", {"output": "logits"}, errors.OptionError, r"scale.*\n.*probability.*\n.*'logits'"),
    ("target", {"target": "grass"}, errors.OptionError, r"no output.*\n.*'predicted'.*\n.*'grass'"),
    ("target index", {"target": 3}, errors.OptionError, r"no output"),
    ("batch size", {"batch_size": 0}, errors.OptionError, r"batch_size"),
    ("seed", {"seed": -1}, errors.OptionError, r"seed"),
    ("model", {"model": 42}, errors.ModelTypeError, r"nothing that can be explained.*\n.*\n.*int"),
    ("path", {"model": "nowhere.keras"}, errors.ModelError, r"no saved model.*\n.*nowhere.keras"),
    ("callable fails", {"model": lambda x: x @ x}, errors.ModelError, r"can't be called|not one row"),
    ("one number", {"model": lambda x: x[:, 0, 0, 0]}, errors.ModelError, r"not one row.*\n.*\(n, outputs\)"),
    ("constant", {"model": lambda x: 0 * x[:, 0, 0] if False else _ones(x)}, errors.ModelError, r"does not depend"),
]


def _ones(x: Any) -> Any:
    from keras import ops

    return ops.ones((ops.shape(x)[0], 3))


@pytest.mark.parametrize(
    ("arguments", "kind", "message"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_bad_input_is_named(
    small_cnn: Any, arguments: dict[str, Any], kind: type[errors.BandlensError], message: str
) -> None:
    call = {"model": small_cnn, "x": GOOD, **arguments}
    with pytest.raises(kind, match=message) as caught:
        bl.band_importance(**call)
    assert type(caught.value) is kind
    assert isinstance(caught.value, ValueError | TypeError)


def test_several_inputs(keras: Any) -> None:
    first, second = keras.Input((8, 8, 4), name="optical"), keras.Input((8, 8, 4), name="radar")
    x = keras.layers.Flatten()(keras.layers.Concatenate()([first, second]))
    model = keras.Model([first, second], keras.layers.Dense(3)(x))
    with pytest.raises(errors.ModelError, match=r"several inputs.*\n.*'optical' .*, 'radar' "):
        bl.band_importance(model, GOOD)


def test_probability_of_a_model_without_softmax(keras: Any) -> None:
    model = keras.Sequential([keras.Input((8, 8, 4)), keras.layers.Flatten(), keras.layers.Dense(3)])
    with pytest.raises(errors.OptionError, match="neither softmax nor sigmoid"):
        bl.band_importance(model, GOOD, output="probability")


def test_stochastic_inference(keras: Any) -> None:
    model = keras.Sequential(
        [
            keras.Input((8, 8, 4)),
            keras.layers.Lambda(lambda x: x + keras.random.normal((8, 8, 4), seed=1), name="noise"),
            keras.layers.Flatten(),
            keras.layers.Dense(3),
        ]
    )
    with pytest.raises(errors.UnsupportedOperationError, match=r"random at inference.*'noise'"):
        bl.band_importance(model, GOOD)


def test_broken_file(tmp_path: Path) -> None:
    path = tmp_path / "broken.keras"
    path.write_bytes(b"nothing")
    with pytest.raises(errors.ModelError, match=r"can't load broken\.keras"):
        bl.band_importance(path, GOOD)
    (tmp_path / "model.pt").write_bytes(b"")
    with pytest.raises(errors.ModelError, match=r"`\.keras` or `\.h5`"):
        bl.band_importance(tmp_path / "model.pt", GOOD)


def test_loading_something_else(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", a=1)
    with pytest.raises(errors.ResultError, match="holds no BandImportance"):
        bl.BandImportance.load(tmp_path / "other.npz")


def test_no_such_table(small_cnn: Any) -> None:
    with pytest.raises(errors.OptionError, match=r"no such table.*\n.*'image'"):
        bl.band_importance(small_cnn, GOOD, method="saliency").to_frame("pixel")


def test_errors_survive_pickling() -> None:
    error = errors.BandError("wrong", expected="a", given="b", fix="c")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is errors.BandError
    assert str(copy) == str(error) == "wrong\n  expected: a\n  given: b\n  fix: c"
    assert (copy.expected, copy.given, copy.fix) == ("a", "b", "c")
