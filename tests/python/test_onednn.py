"""oneDNN's kernels, asked for by name, give what TensorFlow's own give, and are asked for where they are faster."""

from __future__ import annotations

from typing import Any

import bandlens as bl
import numpy as np
import pytest
from own_process import printed

from test_transposed import CASES, Kernels, derivative  # isort: skip

pytestmark = pytest.mark.tensorflow


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of kernels that are asked for by name from now on."""
    from bandlens.engine.backends.tensorflow import devices, onednn

    if not devices.has_onednn():
        pytest.skip("TensorFlow's builds for this machine have none of these kernels")
    kinds: list[str] = []
    written = onednn.written

    def noted(kind: str, *arguments: Any, **options: Any) -> Any:
        kinds.append(kind.removeprefix("_MklNative").removeprefix("_Mkl"))
        return written(kind, *arguments, **options)

    monkeypatch.setattr(onednn, "written", noted)
    return kinds


@pytest.mark.parametrize("rows", [3, None], ids=["images", "any number of images"])
@pytest.mark.parametrize("case", CASES)
def test_derivatives_of_convolutions(kernels: Kernels, named: list[str], case: str, rows: int | None) -> None:
    kernels(onednn=False, by_name=True)
    ours, theirs, _ = derivative(case, rows, "float32")
    # oneDNN has none for padding that is given in numbers
    assert named == ([] if isinstance(CASES[case][-1], list) else ["Conv2DBackpropInput"])
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("size", "step"), [((3, 3, 3), 1), ((2, 3, 1), 1), ((3, 2, 4), 2), ((3, 3, 3), 3), ((5, 5, 5), 1)]
)
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_derivatives_of_convolutions_of_cubes(
    kernels: Kernels,
    named: list[str],
    size: tuple[int, ...],
    step: int,
    padding: str,
) -> None:
    import tensorflow as tf
    from bandlens.engine.backends.tensorflow import cubes

    kernels(onednn=False, by_name=True)
    random = np.random.default_rng(0)
    image, kernel = (tf.constant(random.normal(size=shape), "float32") for shape in ((2, 6, 7, 8, 3), (*size, 3, 4)))

    @tf.function(autograph=False)
    def both() -> Any:
        with tf.compat.v1.get_default_graph().gradient_override_map({"Conv3D": cubes.RIGHT}):
            ours = tf.nn.conv3d(image, kernel, (1, step, step, step, 1), padding)
        theirs = tf.nn.conv3d(image, kernel, (1, step, step, step, 1), padding)
        cotangent = tf.random.stateless_normal(ours.shape, (0, 0))
        return tf.gradients(ours, image, cotangent)[0], tf.gradients(theirs, image, cotangent)[0]

    ours, theirs = both()
    assert named == ["Conv3DBackpropInputV2"]
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize(
    ("kind", "method", "target"),
    [
        ("Conv2DBackpropInput", "smoothgrad", "all"),
        ("Conv2DBackpropInput", "lrp", "class"),
        ("DepthwiseConv2dNative", "deepshap", "class"),
        ("Einsum", "deepshap", "all"),
        ("Conv3DBackpropInputV2", "deepshap", "class"),
        ("Conv3DBackpropInputV2", "saliency", "class"),
    ],
)
def test_tables(kernels: Kernels, named: list[str], keras: Any, kind: str, method: str, target: str) -> None:
    layers = keras.layers
    cube = kind.startswith("Conv3D")
    x, background = (np.random.default_rng(seed).normal(size=(16, 12, 12, 5)).astype("float32") for seed in (0, 1))
    found = []
    for by_name in (False, True):
        kernels(onednn=False, by_name=by_name)
        keras.utils.set_random_seed(0)
        begin = [
            layers.Reshape((12, 12, 5, 1)), layers.Conv3D(4, 3, strides=(1, 2, 1), padding="same", activation="relu"),
            layers.MaxPooling3D(2), layers.Conv3D(4, (3, 3, 2), strides=2, padding="same"),
        ] if cube else [
            layers.Conv2D(6, 3, padding="same"), layers.BatchNormalization(), layers.ReLU(), layers.MaxPooling2D(2),
            layers.Conv2D(8, 3, strides=2, activation="tanh"),
        ]  # fmt: skip
        model = keras.Sequential([keras.Input((12, 12, 5)), *begin, layers.Flatten(), layers.Dense(3)])
        given = {"background": background} if method == "deepshap" else {}
        found.append(bl.band_importance(model, x, method=method, target=target, **given).scores)
        assert (kind in named) == by_name
    np.testing.assert_allclose(*found, rtol=1e-4, atol=1e-5 * np.abs(found[0]).max())


@pytest.mark.parametrize(
    ("dtype", "machine", "system", "on_cpu", "uses", "setting", "serves"),
    [
        ("float32", "x86_64", "Linux", True, False, None, True),
        ("float32", "AMD64", "Windows", True, False, "1", True),
        ("float64", "x86_64", "Linux", True, False, None, False),
        ("float32", "arm64", "Darwin", True, False, None, False),
        ("float32", "x86_64", "Darwin", True, False, None, False),
        ("float32", "x86_64", "Linux", False, False, None, False),
        ("float32", "x86_64", "Linux", True, True, None, False),
        ("float32", "x86_64", "Linux", True, False, "0", False),
        ("float32", "x86_64", "Linux", True, False, "False", False),
    ],
)
def test_where_they_are_asked_for(
    monkeypatch: pytest.MonkeyPatch,
    dtype: str,
    machine: str,
    system: str,
    on_cpu: bool,
    uses: bool,
    setting: str | None,
    serves: bool,
) -> None:
    import tensorflow as tf
    from bandlens.engine.backends.tensorflow import devices, onednn

    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr(devices, "on_cpu", lambda: on_cpu)
    monkeypatch.setattr(devices, "uses_onednn", lambda *_: uses)
    monkeypatch.delenv(devices.ONEDNN, raising=False)
    if setting:
        monkeypatch.setenv(devices.ONEDNN, setting)
    assert onednn.serves("Einsum", tf.as_dtype(dtype)) == serves


def test_builds_without_them_do_without(kernels: Kernels, named: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from bandlens.engine.backends.tensorflow import onednn

    monkeypatch.setitem(onednn._NAMES, "Conv2DBackpropInput", "_NoSuchOperation")
    onednn._is_there.cache_clear()
    kernels(onednn=False, by_name=True)
    ours, theirs, _ = derivative("same", 3, "float32")
    onednn._is_there.cache_clear()
    assert named == []
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("setting", "used"), [("0", "False"), ("1", "True")])
def test_devices_are_told_apart_by_their_kernels(setting: str, used: str) -> None:
    """What rounds differently is another device, of which a cluster's outputs may differ a little more."""
    code = "from bandlens.engine.backends.tensorflow import devices; print(devices.uses_onednn(), devices.device())"
    uses, device = printed("-c", code, TF_ENABLE_ONEDNN_OPTS=setting, CUDA_VISIBLE_DEVICES="-1").split(" ", 1)
    assert uses == used
    assert device.endswith(", oneDNN") == (used == "True")
    assert "by name" not in device


def test_a_device_that_is_asked_for_them_by_name_is_another(kernels: Kernels) -> None:
    from bandlens.engine.backends.tensorflow import devices

    kernels(onednn=False, by_name=True)
    assert devices.device().endswith(", oneDNN by name") == devices.has_onednn()
    kernels(onednn=False)
    assert "oneDNN" not in devices.device()
