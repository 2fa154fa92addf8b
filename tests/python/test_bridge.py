"""What R gets: plain values, errors as values, and nothing imported that R users need not have."""

import subprocess
import sys

import numpy as np
import pytest
from bandlens import bridge, counting, errors

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
    import tensorflow as tf

    return tf.nn.softmax(tf.reduce_mean(x, axis=(1, 2)))


def explain(function, x=None, y=None, **arguments):
    x = np.random.default_rng(0).random((6, 2, 2, 3)) if x is None else x
    return function(model, x, y, arguments, None)


@pytest.mark.parametrize("function", [bridge.band_importance, bridge.band_maps])
@pytest.mark.parametrize("method", ["saliency", "deepshap"])
def test_results_are_plain(function, method):
    answer = explain(function, method=method, target="all")
    assert answer["ok"]
    assert holds_only_plain(answer)


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
    monkeypatch.setitem(sys.modules, "bandlens.importance", None)
    answer = explain(bridge.band_importance)
    assert answer["kind"] == "python_missing"
    assert "bandlens.importance" in answer["message"]


def test_unusual_values_become_plain():
    value = {1: np.float32(0.5), "a": (np.int64(1), None), "b": np.arange(2), "c": np.array(3), "d": errors}
    plain = bridge._plain(value)
    assert holds_only_plain(plain)
    assert plain["1"] == 0.5
    assert plain["a"] == [1, None]


def test_counting_from_one_ends_with_the_call():
    with counting.counting_from(1):
        assert counting.first() == 1
    explain(bridge.band_importance, bands=["wrong"])
    assert counting.first() == 0


def test_importing_the_bridge_needs_neither_pandas_nor_a_framework():
    code = "import sys, bandlens.bridge; print(sorted({'pandas', 'plotnine', 'tensorflow'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
