"""Scores that are written: GeoTIFF and zarr, block by block, and going on where it stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import bandlens as bl
import numpy as np
import pytest
import rasterio
import rioxarray
import xarray as xr
import zarr
from bandlens.errors import OptionError, SceneError
from bandlens.scenes import scoring
from rasters import CRS, NOTHING, PLAIN, TRANSFORM, known_model, patchy, pixel_model, values, written
from test_scene import cut

ENDINGS = (".tif", ".zarr")


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    array = values(20, 24)
    array[7, 8] = -1
    return written(tmp_path / "scene.tif", array, nodata=-1)


def bytes_of(path: Path) -> dict[str, bytes]:
    """All files of a result."""
    files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
    return {str(one.relative_to(path)): one.read_bytes() for one in files}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_holds_what_else_is_in_memory(scene: Path, tmp_path: Path, ending: str, monkeypatch: Any) -> None:
    model = known_model()
    kw: dict[str, Any] = {"stride": 2, "background": NOTHING, "target": "all", "classes": ["a b", "c"]}
    cut(monkeypatch, 300)
    memory = bl.score_scene(model, scene, prediction=True, **kw)
    path = tmp_path / f"scores{ending}"
    found = bl.score_scene(model, scene, prediction=True, path=path, **kw)
    xr.testing.assert_equal(found.compute(), memory)
    assert found.attrs == memory.attrs
    assert found.rio.crs == CRS
    assert found.rio.transform() == memory.rio.transform()
    for name in memory.data_vars:
        assert found[name].dtype == memory[name].dtype
    assert [one.name for one in tmp_path.iterdir()] == [scene.name, path.name] or not (
        tmp_path / f"scores{ending}.unfinished"
    ).exists()
    with pytest.raises(OptionError, match="exists already"):
        bl.score_scene(model, scene, path=path, **kw)
    again = bl.score_scene(model, scene, path=path, overwrite=True, background=NOTHING, target=0)
    assert again.score.dims == ("band", "y", "x")


def test_a_geotiff_is_cloud_optimised_and_says_what_is_in_it(scene: Path, tmp_path: Path) -> None:
    path = tmp_path / "scores.tif"
    found = bl.score_scene(known_model(), scene, stride=1, background=NOTHING, target="all", prediction=True, path=path)
    with rasterio.open(path) as file:
        assert file.descriptions == ("prediction", "0.blue", "0.green", "0.red", "1.blue", "1.green", "1.red")
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert np.isnan(file.nodata)
        assert file.crs == CRS
        assert file.transform == TRANSFORM @ rasterio.Affine.translation(1, 1)
        layers = file.read()
    lacking = np.isnan(layers)
    assert (lacking == lacking[0]).all()
    assert lacking[0].sum() == 9  # the windows that hold the pixel
    np.testing.assert_array_equal(layers[1:].reshape(2, 3, 18, 22), found.score)
    opened = rioxarray.open_rasterio(path)
    assert list(opened.attrs["long_name"]) == list(file.descriptions)


def test_a_store_says_what_is_in_it(scene: Path, tmp_path: Path) -> None:
    path = tmp_path / "scores.zarr"
    bl.score_scene(known_model(), scene, background=NOTHING, prediction=True, path=path)
    group = zarr.open_group(str(path), mode="r")
    assert sorted(group.array_keys()) == ["band", "prediction", "score", "spatial_ref", "x", "y"]
    found = xr.open_zarr(path, decode_coords="all")
    assert found.rio.crs == CRS
    assert found.prediction.attrs["flag_meanings"] == "0 1"
    assert np.isnan(found.prediction[2, 2])  # xarray makes it of the fill value


class StoppedError(Exception):
    """The work was interrupted."""


@pytest.mark.parametrize("ending", ENDINGS)
def test_work_goes_on_where_it_stopped(scene: Path, tmp_path: Path, ending: str, monkeypatch: Any) -> None:
    cut(monkeypatch, 300)
    model, computed = known_model(), scoring.score_block
    kw: dict[str, Any] = {"stride": 1, "background": NOTHING, "prediction": True}
    whole, pieces = tmp_path / f"whole{ending}", tmp_path / f"pieces{ending}"
    expected = bl.score_scene(model, scene, path=whole, **kw)
    n_blocks, done = -(-18 // 4), []
    for stop_after in (0, 3, 5):

        def stopping(*given: Any, left: list[int] = [stop_after]) -> Any:  # noqa: B006 - one for each round
            if not left[0]:
                raise StoppedError
            left[0] -= 1
            done.append(given[2].index)
            return computed(*given)

        monkeypatch.setattr(scoring, "score_block", stopping)
        with pytest.raises(StoppedError):
            bl.score_scene(model, scene, path=pieces, **kw)
        assert not pieces.exists()
    assert len(done) == len(set(done)) == 8
    monkeypatch.setattr(scoring, "score_block", computed)
    told: list[tuple[int, int]] = []
    found = bl.score_scene(model, scene, path=pieces, progress=lambda *at: told.append(at), **kw)
    assert told[0][0] == 8
    assert told[-1][0] == told[-1][1] >= n_blocks
    xr.testing.assert_identical(found.compute(), expected.compute())
    assert bytes_of(pieces) == bytes_of(whole)


def test_another_question_is_refused(scene: Path, tmp_path: Path, monkeypatch: Any) -> None:
    cut(monkeypatch, 300)
    model, computed, path = known_model(), scoring.score_block, tmp_path / "scores.tif"

    def stopping(*given: Any) -> Any:
        if given[2].index == 2:
            raise StoppedError
        return computed(*given)

    def ask(scene: Any = scene, model: Any = model, **more: Any) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(scoring, "score_block", stopping)
            return bl.score_scene(model, scene, **{"stride": 2, "background": NOTHING, "path": path, **more})

    with pytest.raises(StoppedError):
        ask()
    other = known_model()
    other.layers[-1].set_weights([2 * one for one in other.layers[-1].get_weights()])
    changed = values(20, 24)
    changed[7, 8] = -1
    changed[0, 0, 0] = 5
    for what, more in {
        "stride": {"stride": 3},
        "target": {"target": 1},
        "method": {"method": "gradient_x_input"},
        "background": {"background": NOTHING + 1},
        "prediction": {"prediction": True},
        "model": {"model": other},
        "scene files": {"scene": written(tmp_path / "other.tif", changed, nodata=-1)},
    }.items():
        with pytest.raises(SceneError, match=f"begun with another {what}, and is not finished"):
            ask(**more)
    written(scene, changed, nodata=-1)
    with pytest.raises(SceneError, match="begun with another scene files"):
        ask()


def test_what_is_damaged_is_named_and_the_rest_kept(scene: Path, tmp_path: Path, monkeypatch: Any) -> None:
    cut(monkeypatch, 300)
    model, computed, path = known_model(), scoring.score_block, tmp_path / "scores.tif"
    kw: dict[str, Any] = {"stride": 1, "background": NOTHING, "path": path}

    def vanishing(*given: Any) -> Any:
        if given[2].index == 3:
            scene.rename(tmp_path / "elsewhere.tif")
        return computed(*given)

    monkeypatch.setattr(scoring, "score_block", vanishing)
    with pytest.raises(SceneError, match=r"scene\.tif has changed, or is gone"):
        bl.score_scene(model, scene, **kw)
    (tmp_path / "elsewhere.tif").rename(scene)
    folder = tmp_path / "scores.tif.unfinished"
    assert len(list(folder.glob("block-*.json"))) == 3
    monkeypatch.setattr(scoring, "score_block", computed)
    (folder / "block-000001.npz").write_bytes(b"nothing")
    with pytest.raises(SceneError, match="A finished block can't be read"):
        bl.score_scene(model, scene, **kw)
    found = bl.score_scene(model, scene, **kw)
    xr.testing.assert_equal(found.score.compute(), bl.score_scene(model, scene, stride=1, background=NOTHING).score)


def test_a_damaged_scene_is_named(tmp_path: Path, monkeypatch: Any) -> None:
    array = np.random.default_rng(0).normal(size=(64, 64, 3)).astype(np.float32)
    path = written(tmp_path / "scene.tif", array, tiled=True, blockxsize=16, blockysize=16, compress="deflate")
    content = bytearray(path.read_bytes())
    content[8000:20000] = bytes(12000)
    path.write_bytes(content)
    cut(monkeypatch, 300)
    with pytest.raises(SceneError, match=r"scene\.tif can't be read") as caught:
        bl.score_scene(known_model(), path, background=NOTHING, path=tmp_path / "scores.tif")
    assert "rows" in str(caught.value.given)


KILLED = """
    import sys
    sys.path[:0] = {folders!r}
    import os, signal
    import keras, numpy as np
    import bandlens as bl
    from bandlens.scenes import grid, preparing, scoring
    made, computed, n = grid.pixel_grid, scoring.score_block, [0]
    preparing.pixel_grid = lambda *given: made(*given, 300)
    def dying(*given):
        n[0] += 1
        if n[0] > {after}:
            os.kill(os.getpid(), signal.SIGKILL)
        return computed(*given)
    scoring.score_block = dying
    from rasters import PLAIN, pixel_model
    bl.score_scene(pixel_model(), {scene!r}, background=PLAIN, prediction=True, path={path!r})
"""


def test_a_killed_process_loses_only_its_block(tmp_path: Path, monkeypatch: Any) -> None:
    scene = written(tmp_path / "scene.tif", patchy(40, 37))
    path, after = tmp_path / "scores.tif", int(np.random.default_rng().integers(1, 6))
    folders = [str(Path(bl.__file__).parents[1]), str(Path(__file__).parent)]
    code = KILLED.format(folders=folders, after=after, scene=str(scene), path=str(path))
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()[-2000:]
    folder = tmp_path / "scores.tif.unfinished"
    assert len(list(folder.glob("block-*.json"))) == after
    cut(monkeypatch, 300)
    kw: dict[str, Any] = {"background": PLAIN, "prediction": True}
    whole = bl.score_scene(pixel_model(), scene, path=tmp_path / "whole.tif", **kw)
    found = bl.score_scene(pixel_model(), scene, path=path, **kw)
    xr.testing.assert_equal(found.compute(), whole.compute())
    assert not folder.exists()


def test_files_that_cannot_be_written_are_refused_before(scene: Path, tmp_path: Path) -> None:
    cases = {"no folder": tmp_path / "none" / "scores.tif", "none for scores": tmp_path / "scores.nc"}
    for text, path in cases.items():
        with pytest.raises(OptionError, match=text):
            bl.score_scene(known_model(), scene, background=NOTHING, path=path)
    assert os.listdir(tmp_path) == [scene.name]
