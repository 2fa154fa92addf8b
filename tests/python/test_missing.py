"""Missing values that are no NaN: masks of masked arrays, pandas' NA, None."""

from __future__ import annotations

from typing import Any

import bandlens as bl
import numpy as np
import pandas as pd
import pytest
from bandlens.errors import BackgroundError, InputError, InputTypeError
from bandlens.r.bridge import band_importance as bridge


@pytest.fixture
def masked(images: np.ndarray) -> np.ma.MaskedArray:
    """Three of the values are missing, the first in image 2, band 3."""
    found = np.ma.masked_array(images.copy(), mask=np.zeros(images.shape, bool), fill_value=-9999)
    found[2, 1, 1, 3] = found[4, 0, 0, :2] = np.ma.masked
    return found


class Lazy:
    """A container that reads images when it is sliced, as netCDF4's variables do: whole numbers, masked."""

    def __init__(self, values: np.ma.MaskedArray) -> None:
        self._values = values
        self.shape, self.dtype = values.shape, values.dtype

    def __getitem__(self, index: Any) -> np.ma.MaskedArray:
        return self._values[index]


CONTAINERS = {
    "array": lambda masked: masked,
    "list": list,
    "list of both": lambda masked: [np.asarray(one) if at < 2 else one for at, one in enumerate(masked)],
    "lazy": Lazy,
    "whole numbers": lambda masked: masked.astype("int16"),
    "lazy whole numbers": lambda masked: Lazy(masked.astype("int16")),
    "read-only": lambda masked: np.ma.masked_array(np.asfortranarray(masked.data), mask=masked.mask),
}


@pytest.mark.parametrize("kind", CONTAINERS)
def test_masked_values_are_counted(small_cnn: Any, images: np.ndarray, masked: np.ndarray, kind: str) -> None:
    x = CONTAINERS[kind](masked)
    with pytest.raises(
        InputError,
        match=r"`x` holds masked values.*\n.*\n.*3 masked of 3072 values, the first in image 2, band 3 .*0\)",
    ):
        bl.band_importance(small_cnn, x)
    with pytest.raises(BackgroundError, match=r"`background` holds masked values.*\n.*\n.*3 masked.*image 2, band 3"):
        bl.band_importance(small_cnn, images, background=x)
    with pytest.raises(InputError, match=r"masked values"):
        bl.layer_activations(small_cnn, x, "conv2d")


def test_bands_of_another_axis_are_named(small_cnn: Any, masked: np.ma.MaskedArray) -> None:
    with pytest.raises(InputError, match=r"image 2, band 1 "):
        bl.band_importance(small_cnn, masked, band_axis=1)


def test_batches_are_counted_together(small_cnn: Any, masked: np.ma.MaskedArray, monkeypatch: Any) -> None:
    monkeypatch.setattr("bandlens.data.missing.BATCH_BYTES", 1)
    with pytest.raises(InputError, match=r"3 masked of 3072 values, the first in image 2, band 3"):
        bl.band_importance(small_cnn, masked)


@pytest.mark.parametrize("kind", CONTAINERS)
def test_masked_arrays_without_missing_values_are_arrays(
    small_cnn: Any, images: np.ndarray, masked: np.ma.MaskedArray, kind: str
) -> None:
    whole = np.ma.masked_array(images, mask=np.zeros(images.shape, bool))
    x = CONTAINERS[kind](whole)
    right = bl.band_importance(small_cnn, images.astype("int16") if "whole" in kind else images, method="saliency")
    np.testing.assert_array_equal(bl.band_importance(small_cnn, x, method="saliency").scores, right.scores)


MISSING = {"None": None, "NA": pd.NA, "NaT": pd.NaT, "NaN": np.nan, "masked": np.ma.masked}


@pytest.mark.parametrize("kind", MISSING)
def test_missing_objects_are_counted(small_cnn: Any, images: np.ndarray, kind: str) -> None:
    x, missing = images.astype(object), MISSING[kind]
    x[1, 2, 3, 0] = missing
    x[5, 0, 0, 1] = missing
    with pytest.raises(
        InputTypeError,
        match=r"real numbers.*\n.*\n.*object, with 2 missing of 3072, the first at \[1, 2, 3, 0\].*\n.*fill",
    ):
        bl.band_importance(small_cnn, x)


def test_tables_of_pandas_are_to_be_converted(keras: Any) -> None:
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)])
    spectra = pd.DataFrame(np.arange(30.0).reshape(6, 5))
    with pytest.raises(
        InputTypeError, match=r"not an array.*\n.*\n.*given: DataFrame\n.*x\.to_numpy\(dtype='float32'\)"
    ):
        bl.band_importance(model, spectra, method="saliency")
    assert bl.band_importance(model, spectra.to_numpy(dtype="float32"), method="saliency").n == 6
    spectra = spectra.convert_dtypes()
    spectra.iloc[2, 3] = pd.NA
    with pytest.raises(InputTypeError, match=r"DataFrame, with 1 missing of 30, the first at \[2, 3\]"):
        bl.band_importance(model, spectra, method="saliency")


def test_r_counts_from_1(small_cnn: Any, masked: np.ma.MaskedArray) -> None:
    answer = bridge(small_cnn, masked, None, {"method": "saliency"}, None)
    assert answer["kind"] == "input"
    assert answer["given"] == "3 masked of 3072 values, the first in image 3, band 4 (counted from 1)"
