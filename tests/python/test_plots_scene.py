"""Pictures of the scores of a scene."""

from __future__ import annotations

from pathlib import Path

import bandlens as bl
import numpy as np
import pytest
import xarray as xr
from bandlens.errors import BandError, OptionError, SceneError
from bandlens.plots import scene as picture
from rasters import BANDS, NOTHING, PLAIN, known_model, patchy, pixel_model, values, written


def test_a_panel_per_band_on_one_scale(tmp_path: Path) -> None:
    array = values(20, 24)
    array[7, 8] = -1
    path = written(tmp_path / "scene.tif", array, nodata=-1)
    scores = bl.score_scene(known_model(), path, background=NOTHING, target="all", classes=["a", "b"])
    plot = bl.plot_scene(scores, path, output="b")
    assert plot.data["panel"].cat.categories.tolist() == ["scene", "0", "1", "2"]
    drawn = plot.data[plot.data.panel == "2"]
    own = scores.score.values[1, 2]
    assert len(drawn) == np.isfinite(own).sum() == own.size - 1
    np.testing.assert_allclose(drawn.value, own[np.isfinite(own)])
    assert "logit" not in plot.labels.subtitle
    assert "of b" in plot.labels.subtitle
    assert "6 x 8 cells" in plot.labels.subtitle
    assert plot.labels.title == "Score of each patch, by band"
    plot.draw()
    two = bl.plot_scene(scores, bands=["red", 0])
    assert two.data["panel"].cat.categories.tolist() == ["2", "0"]
    with pytest.raises(OptionError, match="no such output"):
        bl.plot_scene(scores, output="c")
    with pytest.raises(BandError, match="`bands` names bands"):
        bl.plot_scene(scores, bands=["nir"])
    with pytest.raises(SceneError, match="nothing to make a composite of"):
        bl.plot_scene(scores, rgb=[0, 1, 2])
    with pytest.raises(SceneError, match="no scores of a scene"):
        bl.plot_scene(xr.Dataset({"a": 1}))
    far = scores.assign_coords(x=scores.x + 1e6)
    with pytest.raises(SceneError, match="they lie elsewhere"):
        bl.plot_scene(far, path)


def test_pixels_are_drawn_as_such_and_many_are_sampled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "scene.tif", patchy())
    scores = bl.score_scene(pixel_model(), path, background=PLAIN)
    plot = bl.plot_scene(scores, path, rgb=list(BANDS))
    assert plot.labels.title == "Score of each pixel, by band"
    assert "9 x 11 pixels" in plot.labels.subtitle
    monkeypatch.setattr(picture, "MOST_CELLS", 30)
    few = bl.plot_scene(scores)
    assert "one in 2 x 2 is drawn" in few.labels.subtitle
    assert len(few.data) == 3 * 4 * 5
    np.testing.assert_allclose(few.data.value[:5], scores.score.values[0, 1, 1::2], rtol=1e-6)
