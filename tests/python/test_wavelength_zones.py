"""Zones of correlated neighbouring bands: those that were planted, their names, merges, tables and errors."""

from __future__ import annotations

from pathlib import Path

import bandlens as bl
import numpy as np
import pytest
from bandlens.errors import BandlensError, OptionError


def planted(sizes: list[int], n: int = 60, seed: int = 0) -> np.ndarray:
    """Images whose bands are in zones of these sizes: those of a zone are the same but for noise."""
    random = np.random.default_rng(seed)
    of = np.repeat(np.arange(len(sizes)), sizes)
    hidden = random.normal(size=(n, 4, 4, len(sizes)))
    noise = random.normal(size=(n, 4, 4, len(of)))
    return (hidden[..., of] + 0.5 * noise).astype("float32")


def test_forty_zones_of_two_hundred_bands_are_found() -> None:
    sizes = np.random.default_rng(3).permutation(np.repeat([2, 4, 5, 6, 8], 8)).tolist()
    assert (len(sizes), sum(sizes)) == (40, 200)
    zones = bl.wavelength_zones(planted(sizes))
    np.testing.assert_array_equal(zones.zone, np.repeat(np.arange(40), sizes))
    assert zones.chosen
    assert zones.n == 40


def test_bands_that_share_nothing_are_zones_each_and_copies_one() -> None:
    random = np.random.default_rng(0)
    assert bl.wavelength_zones(random.normal(size=(50, 3, 3, 6))).n == 6
    one = random.normal(size=(50, 3, 3, 1))
    same = bl.wavelength_zones(np.concatenate([one, -2 * one, one + 5], axis=-1))
    assert same.n == 1
    assert same.unshared_share == pytest.approx(0, abs=1e-9)


def test_unshared_variance_is_what_its_formula_says() -> None:
    zones = bl.wavelength_zones(planted([2, 1, 3]), n_zones=3)
    shared = zones.correlation**2
    lost = [shared[np.ix_(own, own)] for own in (zones.zone == place for place in range(3))]
    expected = sum(len(block) - block.sum() / len(block) for block in lost)
    assert zones.unshared_share == pytest.approx(expected / 6, abs=1e-9)
    frame = zones.to_frame("merge")
    assert frame["n_zones"].tolist() == [5, 4, 3, 2, 1]
    assert frame["unshared"].is_monotonic_increasing
    assert frame.loc[frame["n_zones"] == 3, "unshared"].item() == pytest.approx(expected / 6, abs=1e-9)


def test_neighbours_are_those_along_the_spectrum_and_names_its_ranges() -> None:
    images = planted([2, 1, 2])[..., [3, 0, 2, 4, 1]]
    wavelengths = [1600.0, 490.0, 840.0, 2200.0, 560.0]
    zones = bl.wavelength_zones(images, bands=list("abcde"), wavelengths=wavelengths)
    assert zones.groups == {"blue-green": ["b", "e"], "NIR": ["c"], "SWIR1-SWIR2": ["a", "d"]}
    frame = zones.to_frame()
    assert frame["band"].tolist() == list("abcde")
    assert frame["name"].tolist() == ["SWIR1-SWIR2", "blue-green", "NIR", "SWIR1-SWIR2", "blue-green"]
    assert zones.cut(5).zones == ("blue", "green", "NIR", "SWIR1", "SWIR2")
    assert zones.cut(1).zones == ("blue-SWIR2",)


def test_results_survive_and_repeat(tmp_path: Path) -> None:
    images = planted([3, 2])
    zones = bl.wavelength_zones(images, bands=list("12345"))
    zones.save(tmp_path / "zones.npz")
    again = bl.WavelengthZones.load(tmp_path / "zones.npz")
    assert again.groups == zones.groups == {"1-3": ["1", "2", "3"], "4-5": ["4", "5"]}
    np.testing.assert_array_equal(again.correlation, zones.correlation)
    np.testing.assert_array_equal(bl.wavelength_zones(images).correlation, zones.correlation)
    assert "2 zones" in zones.summary()
    moved = bl.wavelength_zones(np.moveaxis(images, -1, 1), band_axis=1)
    np.testing.assert_allclose(moved.correlation, zones.correlation, atol=1e-12)


def test_a_picture_has_all_bands_and_zones() -> None:
    plot = bl.wavelength_zones(planted([3, 2])).plot()
    assert len(plot.data) == 25


def test_errors_say_what_is_wrong() -> None:
    images = planted([2, 2])
    with pytest.raises(OptionError, match="fewer bands than zones"):
        bl.wavelength_zones(images, n_zones=5)
    with pytest.raises(OptionError, match="n_zones"):
        bl.wavelength_zones(images, n_zones="many")  # type: ignore[arg-type]
    with pytest.raises(BandlensError, match="finite"):
        bl.wavelength_zones(np.full((2, 2, 2, 3), np.nan))
