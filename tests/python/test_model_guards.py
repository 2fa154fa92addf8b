"""What is given as a model and is none, or fails: the reason, and what to do, instead of a raw error."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens.engine.reasons import reason
from bandlens.errors import BackgroundError, InputError, ModelError, ModelTypeError
from keras import ops
from own_process import printed

# ---- reasons ----


def test_a_model_that_fails_says_why(keras: Any, images: np.ndarray) -> None:
    class Net(keras.Model):
        def call(self, x: Any) -> Any:
            raise ValueError("it wants 13 bands\nand more of them")

    with pytest.raises(ModelError, match=r"can't be called with these images: it wants 13 bands\n.*\(8, 8, 4\)"):
        bl.band_importance(Net(), images)


def test_an_operation_that_fails_says_why(keras: Any, images: np.ndarray) -> None:
    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.inner = keras.layers.Dense(3)

        def call(self, x: Any) -> Any:
            return self.inner(ops.reshape(x, (-1, 777)))

    with pytest.raises(ModelError, match=r"these images: .*777"):
        bl.band_importance(Net(), images)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("plain", "plain"),
        ("", "ValueError"),
        ("\n \nlate\nlater", "late"),
        (
            "Exception encountered when calling Net.call().\n\n\x1b[1mwhy\x1b[0m\n\nArguments received by Net.call():",
            "why",
        ),
        (
            "could not be deserialized\n\nconfig={}\n\nException encountered: no 'My'. Full object config: {}",
            "no 'My'.",
        ),
        ('Graph execution error:\n\nDetected at node a defined at (most recent call last):\n  File "x"\n\nwhy', "why"),
        ("{{function_node __x}} why [Op:Reshape]", "why"),
        ("a" * 500, "a" * 300 + "..."),
    ],
)
def test_reasons(message: str, expected: str) -> None:
    assert reason(ValueError(message)) == expected


def test_a_custom_layer_in_a_file_is_named(keras: Any, images: np.ndarray, tmp_path: Path) -> None:
    class Own(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return 2 * x

    layers = keras.layers
    model = keras.Sequential([keras.Input((8, 8, 4)), Own(), layers.Flatten(), layers.Dense(3)])
    for name in ("own.keras", "own.h5"):
        model.save(tmp_path / name)
        with pytest.raises(
            ModelError, match=rf"can't load {name}: .*class 'Own'.*\n.*\n.*live model.*register_keras.*'Own': Own"
        ):
            bl.band_importance(tmp_path / name, images)
    # what the error advises
    again = keras.saving.load_model(tmp_path / "own.keras", custom_objects={"Own": Own})
    assert bl.band_importance(again, images, method="saliency").n == 12


def test_a_custom_function_in_a_file_is_named(keras: Any, images: np.ndarray, tmp_path: Path) -> None:
    def halves(x: Any) -> Any:
        return x / 2

    layers = keras.layers
    model = keras.Sequential([keras.Input((8, 8, 4)), layers.Flatten(), layers.Dense(3, activation=halves)])
    model.save(tmp_path / "own.keras")
    with pytest.raises(ModelError, match=r"can't load own\.keras: .*function 'halves'.*\n.*\n.*'halves': halves"):
        bl.band_importance(tmp_path / "own.keras", images)


@pytest.mark.parametrize(
    ("why", "what", "name"),
    [
        ("Could not locate class 'Double'. Make sure custom classes", "class", "Double"),
        ("Unknown layer: 'Double'. Please ensure you are using", "layer", "Double"),
        ("Unknown layer: Custom>Double. Please ensure", "layer", "Double"),
        ("Unknown activation function: 'swish2'", "activation function", "swish2"),
        ("Could not locate function 'anonymous_R_function'. Make sure", "function", "anonymous_R_function"),
    ],
)
def test_what_kerases_say_of_what_they_do_not_know(why: str, what: str, name: str) -> None:
    from bandlens.models.saved import _MISSING

    found = _MISSING.search(why)
    assert found is not None
    assert found.group("what", "name") == (what, name)


# ---- files ----


@pytest.mark.parametrize("suffix", [".H5", ".Keras", ".HDF5", ".hdf5"])
def test_suffixes_may_be_in_capitals(small_cnn: Any, images: np.ndarray, tmp_path: Path, suffix: str) -> None:
    saved = tmp_path / ("model.keras" if suffix == ".Keras" else "model.h5")
    small_cnn.save(saved)
    path = tmp_path / "elsewhere" / f"model{suffix}"
    path.parent.mkdir()
    shutil.move(saved, path)
    found = bl.band_importance(path, images, method="saliency").scores
    np.testing.assert_allclose(found, bl.band_importance(small_cnn, images, method="saliency").scores, atol=1e-6)


def test_files_of_weights_are_named(small_cnn: Any, images: np.ndarray, tmp_path: Path) -> None:
    import h5py

    path = tmp_path / "model.weights.h5"
    small_cnn.save_weights(path)
    # as Keras 2 wrote them: any `.h5`, with the names of layers
    old = tmp_path / "old.h5"
    with h5py.File(old, "w") as file:
        file.attrs["layer_names"] = ["conv2d"]
    (tmp_path / "run.index").write_bytes(b"")
    (tmp_path / "checkpoint").write_bytes(b"")
    for one in (path, old, tmp_path / "run", tmp_path / "run.index", tmp_path / "checkpoint"):
        with pytest.raises(ModelError, match=r"holds weights only, no model.*\n.*model\.save.*\n.*\n.*load_weights\("):
            bl.band_importance(one, images)
    # what the error advises
    scores = bl.band_importance(small_cnn, images, method="saliency").scores
    for weight in small_cnn.weights:
        weight.assign(np.zeros(weight.shape))
    small_cnn.load_weights(str(path))
    np.testing.assert_allclose(bl.band_importance(small_cnn, images, method="saliency").scores, scores, atol=1e-7)


def test_a_broken_file_is_not_taken_for_weights(images: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "broken.h5").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"can't load broken\.h5"):
        bl.band_importance(tmp_path / "broken.h5", images)


@pytest.mark.tensorflow
def test_saved_models_are_named(keras: Any, small_cnn: Any, images: np.ndarray, tmp_path: Path) -> None:
    import tensorflow as tf

    folder = tmp_path / "saved"
    small_cnn.export(folder, verbose=False)
    advice = r"\n.*TFSMLayer\(.*call_endpoint='serving_default'\) \(or 'serve'"
    with pytest.raises(ModelError, match=rf"folder is a SavedModel(.*\n)*.*{re.escape(str(folder))}.*{advice}"):
        bl.band_importance(folder, images)
    restored = tf.saved_model.load(folder)
    with pytest.raises(ModelTypeError, match=rf"SavedModel as TensorFlow loads it(.*\n)*.*given: .*{advice}"):
        bl.band_importance(restored, images)
    signature = restored.signatures["serving_default"]
    with pytest.raises(
        ModelTypeError, match=r"signature of a SavedModel(.*\n)*.*lambda x: signature\((\w+)=x\)\['(\w+)'\]"
    ) as e:
        bl.band_importance(signature, images)
    # what the errors advise
    name, key = re.findall(r"signature\((\w+)=x\)\['(\w+)'\]", str(e.value))[0]
    right = small_cnn.predict(images, verbose=0)
    for model in (
        keras.layers.TFSMLayer(folder, call_endpoint="serving_default"),
        keras.layers.TFSMLayer(folder, call_endpoint="serve"),
        lambda x: signature(**{name: x})[key],
        restored.serve,
    ):
        found = bl.band_importance(model, images, output="probability", target="all")
        np.testing.assert_allclose(found.output_values, right, atol=1e-5)
        assert found.completeness is not None
        assert found.completeness < 1e-3


def test_a_file_is_not_blamed_where_keras_is_missing(
    images: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "some.keras").touch()
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(ModuleNotFoundError, match="keras"):
        bl.band_importance(tmp_path / "some.keras", images)


# ---- functions ----


def test_methods_of_a_model_are_named(small_cnn: Any, images: np.ndarray) -> None:
    for method in ("predict", "predict_on_batch"):
        with pytest.raises(
            ModelTypeError,
            match=rf"method `{method}` of a model.*\n.*the model itself\n.*\n.*instead of `model\.{method}`",
        ):
            bl.band_importance(getattr(small_cnn, method), images)
    call = bl.band_importance(small_cnn.__call__, images, method="saliency").scores
    np.testing.assert_array_equal(call, bl.band_importance(small_cnn, images, method="saliency").scores)


def numpy_means(x: Any) -> np.ndarray:
    return np.asarray(x).mean((1, 2))


@pytest.mark.parametrize("method", ["saliency", "deepshap"])
def test_functions_that_give_numbers_are_named(small_cnn: Any, images: np.ndarray, method: str) -> None:
    for function in (numpy_means, lambda x: small_cnn.predict(x, verbose=0), lambda x: numpy_means(x).tolist()):
        with pytest.raises(ModelTypeError, match=r"gives numbers.*\n.*\n.*\n.*pass the model itself.*'occlusion'"):
            bl.band_importance(function, images, method=method)


@pytest.mark.parametrize("n", [1, 4, 32])
def test_a_batch_of_one_size_inside_a_model_is_named(keras: Any, images: np.ndarray, n: int) -> None:
    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(3)

        def call(self, x: Any) -> Any:
            return self.dense(ops.reshape(x, (n, 256)))

    plural = "s" if n > 1 else ""
    message = rf"takes {n} image{plural} at once, and no other|followed for batches of other sizes: .*{n}.*256"
    with pytest.raises(ModelError, match=rf"({message})(.*\n)+.*batches of any size(.*\n)+.*write -1"):
        bl.band_importance(Net(), images)


@pytest.mark.parametrize("method", ["saliency", "occlusion", "deepshap"])
def test_a_batch_of_one_size_inside_a_function_is_named(images: np.ndarray, method: str) -> None:
    with pytest.raises(ModelError, match=r"(takes 1 image at once|batches of other sizes: .*256)(.*\n)+.*any size"):
        bl.band_importance(lambda x: ops.reshape(x, (1, 256))[:, :3], images, method=method)


def test_a_batch_size_of_the_input_does_not_matter(keras: Any, images: np.ndarray) -> None:
    layers = [keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.Flatten(), keras.layers.Dense(3)]
    fixed = keras.Sequential([keras.Input((8, 8, 4), batch_size=2), *layers])
    free = keras.Sequential([keras.Input((8, 8, 4)), *layers])
    for method in ("saliency", "deepshap"):
        found, right = (bl.band_importance(model, images, method=method).scores for model in (fixed, free))
        np.testing.assert_allclose(found, right, atol=1e-6)


# ---- images ----


def test_a_single_image_is_named(small_cnn: Any, images: np.ndarray) -> None:
    with pytest.raises(
        BackgroundError, match=r"single image.*\n.*\(8, 8, 4\) along a first axis\n.*\n.*background\[None\]"
    ):
        bl.band_importance(small_cnn, images, background=images[0])
    with pytest.raises(InputError, match=r"can't take images.*\n.*\n.*\n.*x\[None\]"):
        bl.band_importance(small_cnn, images[0])
    assert bl.band_importance(small_cnn, images, background=images[0][None]).n == 12


def test_a_value_that_an_embedding_has_no_entry_for_is_named(keras: Any) -> None:
    # the first band is a class of land cover, from 0 to 4
    layers = keras.layers
    image = keras.Input((4,))
    cover = layers.Embedding(5, 2)(layers.Lambda(lambda y: ops.cast(y[:, 0], "int32"))(image))
    model = keras.Model(image, layers.Dense(3)(layers.Concatenate()([cover, layers.Dense(4)(image)])))
    x = np.random.default_rng(0).integers(0, 5, (20, 4)).astype("float32")
    for method in ("smoothgrad", "vargrad"):
        # JAX gives NaN for such a value, the others refuse it
        with pytest.raises(
            ModelError, match=r"(fails for the images with noise: |not finite for an image)(.*\n)+.*noise_level"
        ):
            bl.band_importance(model, x, method=method, noise_level=5.0)
    x[7, 0] = 9
    with pytest.raises(ModelError, match=r"(fails for the images: |nan for image 7)"):
        bl.band_importance(model, x, method="occlusion")


# ---- states of the framework ----


@pytest.mark.tensorflow
def test_calls_inside_a_compiled_function_are_named(small_cnn: Any, images: np.ndarray) -> None:
    import tensorflow as tf

    @tf.function(autograph=False)
    def compiled() -> Any:
        return bl.band_importance(small_cnn, images).scores

    with pytest.raises(ModelError, match=r"inside a tf\.function"):
        compiled()
    with tf.Graph().as_default(), pytest.raises(ModelError, match=r"eager execution is turned off"):
        bl.band_importance(small_cnn, images)


@pytest.mark.tensorflow
def test_eager_execution_turned_off_is_named(tmp_path: Path) -> None:
    code = """
import numpy as np, tensorflow as tf, keras, bandlens as bl
tf.compat.v1.disable_eager_execution()
model = keras.Sequential([keras.Input((2, 2, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
try:
    bl.band_importance(model, np.zeros((4, 2, 2, 3)))
except bl.errors.ModelError as error:
    print(error)
"""
    said = printed("-c", code, cwd=tmp_path)
    assert "eager execution is turned off" in said
    assert "disable_eager_execution()" in said


@pytest.mark.jax
def test_calls_inside_a_function_of_jax_are_named(small_cnn: Any, images: np.ndarray) -> None:
    import jax

    with pytest.raises(ModelError, match=r"inside a function that JAX is compiling"):
        jax.jit(lambda a: bl.band_importance(small_cnn, images).scores + a)(1.0)


@pytest.mark.torch
def test_modes_without_derivatives(small_cnn: Any, images: np.ndarray) -> None:
    import torch

    right = bl.band_importance(small_cnn, images, method="saliency").scores
    with torch.no_grad():
        np.testing.assert_array_equal(bl.band_importance(small_cnn, images, method="saliency").scores, right)
    with torch.inference_mode(), pytest.raises(ModelError, match=r"inference mode"):
        bl.band_importance(small_cnn, images, method="saliency")
