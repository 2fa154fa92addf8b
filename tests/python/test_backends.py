"""The same weights give the same numbers on every backend; none needs another; JAX's own ways of going wrong."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import agreement
import bandlens as bl
import numpy as np
import pytest
from bandlens.engine.backends import framework_of
from own_process import printed

# the same kernels on all processors: with others, a point near a kink may be on its other side
TENSORFLOW = {"KERAS_BACKEND": "tensorflow", "TF_ENABLE_ONEDNN_OPTS": "1"}


@pytest.fixture(scope="module")
def of_tensorflow(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    file = tmp_path_factory.mktemp("tables") / "tensorflow.npz"
    printed(agreement.__file__, str(file), **TENSORFLOW)
    with np.load(file) as held:
        return dict(held)


# DeepSHAP divides by differences, so that rounding counts more: behind group normalisation TensorFlow is 7e-6 off its
# own float64, JAX 3e-5; behind attention two builds of a network on one backend differ by 5e-6, PyTorch's by 1.2e-5
WIDER = {"group_norm/deepshap": 5e-5, "attention/deepshap": 3e-5}
# relevance is divided by sums that may be small: of logits of attention, of gates
WIDER |= {"squeeze_excite/lrp": 1e-4, "attention/lrp": 5e-4, "recurrent/lrp": 3e-3}


@pytest.mark.not_tensorflow
@pytest.mark.parametrize("name", agreement.ARCHITECTURES)
def test_tables_are_those_of_tensorflow(of_tensorflow: dict[str, np.ndarray], name: str) -> None:
    for key, table in agreement.tables(name).items():
        largest = np.nanmax(np.abs(of_tensorflow[key]))
        assert largest > 0, key
        np.testing.assert_allclose(table, of_tensorflow[key], rtol=0, atol=WIDER.get(key, 1e-5) * largest, err_msg=key)


@pytest.mark.torch  # JAX's loops are among the networks above
def test_series_are_those_of_tensorflow(tmp_path: Path) -> None:
    file = tmp_path / "series.npz"
    printed(agreement.__file__, str(file), "series", **TENSORFLOW)
    with np.load(file) as held:
        for name in agreement.SERIES:
            expected = held[name]
            found = agreement.series(name)[name]
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max(), err_msg=name)


def test_the_backend_is_the_models(keras: Any, small_cnn: Any, images: np.ndarray) -> None:
    name = keras.config.backend()
    assert framework_of(small_cnn) == name
    assert framework_of(lambda x: x) == name
    versions = bl.band_importance(small_cnn, images, method="saliency").versions
    assert set(versions) == {"bandlens", "numpy", name}


@pytest.mark.jax
def test_without_keras_the_framework_is_the_one_that_is_imported() -> None:
    code = (
        "import sys; {}; from bandlens.engine.backends import framework_of; "
        "print(framework_of(lambda x: x), *(set(sys.modules) & {{'keras'}}))"
    )
    assert printed("-c", code.format("pass"), KERAS_BACKEND="jax") == "jax"
    assert printed("-c", code.format("import jax"), KERAS_BACKEND="tensorflow") == "jax"
    assert printed("-c", code.format("pass"), KERAS_BACKEND="tensorflow") == "tensorflow"


@pytest.mark.jax
def test_nothing_but_jax_is_imported() -> None:
    code = """
import sys, numpy as np, bandlens as bl, jax.numpy as jnp
def model(x):
    return jnp.tanh(x.mean(axis=(1, 2)) @ jnp.arange(12.0).reshape(4, 3))
x = np.random.default_rng(0).normal(size=(4, 5, 5, 4))
for method in bl.METHODS:
    bl.band_importance(model, x, np.arange(4) % 3, method=method)
print(*sorted({"keras", "tensorflow", "torch"} & set(sys.modules)))
"""
    assert printed("-c", code) == ""


@pytest.mark.jax
def test_weights_are_neither_copied_nor_compiled_in(keras: Any, images: np.ndarray) -> None:
    import jax

    model = keras.Sequential(
        [keras.Input((8, 8, 4)), keras.layers.Flatten(), keras.layers.Dense(300, "relu"), keras.layers.Dense(3)]
    )
    bl.band_importance(model, images)
    before = len(jax.live_arrays())
    from bandlens.models.following import MEMORIES

    (trace,) = MEMORIES[model].traces
    held = {id(weight.value) for weight in model.weights}
    assert {id(weight) for weight in trace.weights} == held
    bl.band_importance(model, images)
    assert len(jax.live_arrays()) <= before
    (trace,) = MEMORIES[model].traces


@pytest.mark.jax
def test_memory_that_the_device_names_sets_the_size_of_steps(
    monkeypatch: pytest.MonkeyPatch, small_cnn: Any, images: np.ndarray
) -> None:
    from bandlens.engine import batching
    from bandlens.engine.backends import jax as backend

    assert batching.step_bytes(backend) == batching.STEP_BYTES
    monkeypatch.setattr(backend, "free_memory", lambda: 10_000_000)
    assert batching.step_bytes(backend) == 1 << 21


@pytest.mark.jax
def test_what_jax_says_of_memory_is_out_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    import jax
    from bandlens.engine.backends.jax import compiling

    def raising(message: str) -> Any:
        def function(*arguments: Any) -> Any:
            raise jax.errors.JaxRuntimeError(message)

        return function

    class NoTrace:
        weights = ()

    for message, kind in (
        ("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 1 byte.", compiling.OutOfMemory),
        ("INTERNAL: something else", jax.errors.JaxRuntimeError),
    ):
        monkeypatch.setattr(jax, "jit", lambda function, message=message, **options: raising(message))
        with pytest.raises(kind):
            compiling.compile(NoTrace(), lambda: None)()  # type: ignore[arg-type]


@pytest.mark.jax
def test_a_model_that_needs_several_images_is_refused(images: np.ndarray) -> None:
    import jax.numpy as jnp

    def model(x: Any) -> Any:
        return jnp.mean(x, axis=(1, 2)) - jnp.mean(x, axis=(0, 1, 2))

    with pytest.raises(bl.errors.UnsupportedOperationError, match="depends on the other images of a batch"):
        bl.band_importance(model, images)


# normalised values are computed anew, with other rounding, wherever XLA fuses them, most of all without optimisation
A_MAXIMUM = """
import bandlens as bl, keras, numpy as np
keras.utils.set_random_seed(0)
inputs = keras.Input((8, 8, 3))
x = keras.layers.LayerNormalization()(keras.layers.Conv2D(4, 3, activation="gelu")(inputs))
model = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.GlobalMaxPooling2D()(x)))
images, background = np.random.default_rng(0).normal(size=(2, 5, 8, 8, 3)).astype("float32")
for options in ({"method": "deepshap", "background": background}, {"method": "saliency"}, {"method": "lrp"}):
    print(*bl.band_importance(model, images, target="all", **options).scores.ravel())
"""


@pytest.mark.jax
def test_sums_over_sums_are_right(small_cnn: Any, images: np.ndarray) -> None:
    """In jaxlib 0.10.2 they are not, of many elements on a CPU, for whoever leaves XLA's fusions as they are."""
    from bandlens.engine.backends import jax as backend
    from bandlens.models.following import MEMORIES

    def centred(nd: Any, x: Any, weights: Any) -> Any:
        sums = nd.sum(x, -1)
        return sums - nd.sum(weights * sums, -1, keepdims=True)

    bl.band_importance(small_cnn, images)
    (trace,) = MEMORIES[small_cnn].traces
    random = np.random.default_rng(0)
    x = random.normal(size=(13, 3, 2, 36, 36, 4)).astype("float32")
    weights = random.uniform(size=(1, 3, 2, 36, 36)).astype("float32") / 18
    found = backend.compile(trace, lambda *given: centred(backend.nd, *given), x, weights)(x, weights)
    np.testing.assert_allclose(found, centred(np, x, weights), atol=1e-5)


@pytest.mark.jax
def test_attention_by_sums_is_complete_in_both_directions(keras: Any) -> None:
    """Where the wrong sums were met: scores of attention that is a sum of tanh missed the output by 180 %."""
    inputs = keras.Input((36, 13))
    keras.utils.set_random_seed(0)
    x = keras.layers.Conv1D(4, 3)(inputs)
    x = keras.layers.Attention(score_mode="concat")([x, x])
    x = keras.layers.Flatten()(x)
    random = np.random.default_rng(0)
    images = random.normal(size=(5, 36, 13)).astype("float32")
    for outputs in (5, 20):  # multipliers are sent back, differences are sent forward
        model = keras.Model(inputs, keras.layers.Dense(outputs)(x))
        with warnings.catch_warnings():
            warnings.simplefilter("error", bl.errors.CompletenessWarning)
            found = bl.band_importance(model, images[:3], background=images[3:], target="all", band_axis=-1)
        given = model.predict(images, verbose=0)
        wanted = given[:3] - given[3:].mean(axis=0)
        np.testing.assert_allclose(found.scores.sum(axis=-1), wanted, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.jax
def test_a_maximum_is_found_however_xla_rounds_what_it_is_of() -> None:
    flags = "--xla_backend_optimization_level="
    one, other = (
        np.array([line.split() for line in printed("-c", A_MAXIMUM, XLA_FLAGS=f"{flags}{level}").split("\n")], float)
        for level in (0, 3)
    )
    assert np.isfinite(one).all()
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-4 * np.abs(other).max())


@pytest.mark.torch
def test_torch_gives_derivatives_without_values_where_the_image_is_what_varies() -> None:
    import torch
    from bandlens.engine.backends.torch import vjp
    from bandlens.engine.backends.torch.unvalued import convolution

    generator = torch.Generator().manual_seed(0)
    image, kernel, moved = (
        torch.randn(shape, generator=generator) for shape in ((2, 4, 7, 7), (6, 2, 3, 3), (2, 6, 4, 4))
    )
    options = (torch.ones(6), [2, 2], [1, 1], [1, 1], False, [0, 0], 2)

    def of_image(given: torch.Tensor) -> list[torch.Tensor]:
        return [convolution(given, kernel, *options)]

    def of_kernel(given: torch.Tensor) -> list[torch.Tensor]:
        return [convolution(image, given, *options)]

    def of_image_and_bias(given: torch.Tensor) -> list[torch.Tensor]:
        return [convolution(given, kernel, given.mean((0, 2, 3)).repeat(2)[:6], *options[1:])]

    for function, at in ((of_image, image), (of_kernel, kernel), (of_image_and_bias, image)):
        (valued,), pull = vjp(function, [at])
        (without,), pull_without = vjp(function, [at], valueless=True)
        assert valued.shape == without.shape
        torch.testing.assert_close(pull_without([moved]), pull([moved]))
        # where the kernel or bias varies, values are needed
        assert bool((without == 0).all()) == (function is of_image)
        # outside, values are what they ever were
        torch.testing.assert_close(function(at), [valued])
