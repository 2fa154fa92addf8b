"""Where images live makes no difference to what is found, and what goes wrong there is named."""

from __future__ import annotations

import gc
import os
import pickle
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import bandlens as bl
import numpy as np
import pytest
from bandlens import progress
from bandlens.data.images import check_images
from bandlens.data.kept import same_images, with_kept
from bandlens.data.labelled import LabelledImages
from bandlens.data.sources import Layout, Source, opened
from bandlens.data.sources.raw import Raw
from bandlens.data.sources.source import MOST_KEPT
from bandlens.errors import BandError, InputError, InputTypeError, LabelError, MissingPackageError, SourceError
from bandlens.explain.question import Question
from bandlens.progress import hearing
from containers import BATCH, CHUNK, CONTAINERS, stream, written

N = 23
METHODS = {"deepshap": {"background": "sample", "n_background": 5}, "saliency": {}, "permutation": {"n_repeats": 2}}


@pytest.fixture
def some() -> tuple[np.ndarray, np.ndarray]:
    """Images, in blocks and batches that end in the middle, and their classes."""
    random = np.random.default_rng(5)
    return random.normal(size=(N, 8, 8, 4)).astype("float32"), random.integers(0, 3, N)


@pytest.fixture
def spools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for temporary files, in which TensorFlow may leave some of its own."""
    folder = tmp_path / "spools"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def same(found: Any, expected: Any) -> None:
    np.testing.assert_array_equal(found.scores, expected.scores)
    np.testing.assert_array_equal(found.band_means, expected.band_means)
    np.testing.assert_array_equal(found.image_class, expected.image_class)
    np.testing.assert_array_equal(found.background, expected.background)
    for name, values in vars(expected.table).items():
        np.testing.assert_allclose(getattr(found.table, name), values, rtol=1e-12, atol=1e-15)


@pytest.fixture
def asked(small_cnn: Any, some: tuple[np.ndarray, np.ndarray]) -> Any:
    """Every method that is tried, of images in an array; the same model for all containers."""
    x, y = some
    return small_cnn, {name: bl.band_importance(small_cnn, x, y, method=name, **own) for name, own in METHODS.items()}


@pytest.mark.tensorflow
def test_every_container_gives_the_same(asked: Any, some: Any, tmp_path: Path, spools: Path) -> None:
    # in one test, so that the model is traced once
    model, expected = asked
    for name, make in CONTAINERS.items():
        for method, own in METHODS.items():
            folder = tmp_path / name / method
            folder.mkdir(parents=True)
            given, labels = make(*some, folder)
            try:
                same(bl.band_importance(model, given, labels, method=method, **own), expected[method])
            except AssertionError as error:
                raise AssertionError(f"{name}, {method}") from error
    gc.collect()
    assert not list(spools.glob("bandlens-*"))


def test_backgrounds_live_anywhere(small_cnn: Any, some: Any, background: np.ndarray, tmp_path: Path) -> None:
    x, y = some
    expected = bl.band_importance(small_cnn, x, y, background=background)
    written(background, tmp_path / "b.zarr")
    for given in (tmp_path / "b.zarr", str(tmp_path / "b.zarr"), stream(background), stream(background, np.zeros(9))):
        same(bl.band_importance(small_cnn, x, y, background=given), expected)
    medoids = bl.BackgroundImages(x, strategy="kmedoids")
    expected = bl.band_importance(small_cnn, x, y, background=medoids, n_background=3)
    found = bl.band_importance(small_cnn, x, y, background=replace(medoids, x=stream(x)), n_background=3)
    same(found, expected)


def test_other_verbs_take_them(small_cnn: Any, some: Any, tmp_path: Path) -> None:
    x, y = some
    expected = bl.band_importance(small_cnn, x, y, background=x)
    store = written(x, tmp_path / "x.zarr")
    maps = [bl.band_maps(small_cnn, one, y, background=x[:4]).values for one in (x, stream(x), store)]
    np.testing.assert_array_equal(maps[1], maps[0])
    np.testing.assert_array_equal(maps[2], maps[0])
    tables = [bl.band_response(small_cnn, one, y).to_frame() for one in (x, tmp_path / "x.zarr")]
    assert tables[1].equals(tables[0])
    layer = small_cnn.layers[0].name
    tops = [bl.top_images(small_cnn, one, layer).index for one in (x, stream(x, y), store)]
    np.testing.assert_array_equal(tops[1], tops[0])
    np.testing.assert_array_equal(tops[2], tops[0])
    checks = [
        bl.check_deletion(small_cnn, expected, *given, orders=4).tables["area"] for given in ((x, y), (stream(x, y),))
    ]
    np.testing.assert_array_equal(checks[1]["area"], checks[0]["area"])
    stable = [bl.check_stability(small_cnn, one, y, background=x, resamples=10, backgrounds=2) for one in (x, store)]
    assert stable[1].facts == stable[0].facts


def test_a_stream_is_read_once(small_cnn: Any, some: Any, spools: Path) -> None:
    x, y = some
    times = []

    def batches() -> Iterator[Any]:
        times.append(len(list(spools.glob("bandlens-*"))))
        yield from stream(x, y)()

    with hearing() as said:
        found = bl.band_importance(small_cnn, batches, method=["saliency", "deepshap"], background=batches)
    expected = bl.band_importance(small_cnn, x, y, method=["saliency", "deepshap"], background=x)
    same(found["deepshap"], expected["deepshap"])
    same(found["saliency"], expected["saliency"])
    assert times == [0]
    assert said == [
        f"`x` is a stream (a function that gives a generator): its {N} images were read once, and are kept in a "
        "temporary file of 23.6 kB until they are explained."
    ]
    gc.collect()
    bl.band_importance({"a": small_cnn, "b": _other(small_cnn)}, batches, method="saliency")
    assert times == [0, 0]


def test_that_a_stream_is_kept_is_said_where_somebody_watches(
    some: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "_elsewhere", False)  # R's bridge, once imported, draws itself
    for shown in ("0", "1"):
        monkeypatch.setenv("BANDLENS_PROGRESS", shown)
        opened(stream(some[0])).read("background")
        said = "`background` is a stream (a function that gives a generator): its 23 images"
        assert (said in capsys.readouterr().err) == (shown == "1")


def _other(model: Any) -> Any:
    import keras

    other = keras.models.clone_model(model)
    other.set_weights([weight * 0.9 for weight in model.get_weights()])
    return other


def test_what_is_wrong_is_said_before_a_stream_is_read(small_cnn: Any) -> None:
    def batches() -> Iterator[Any]:
        raise AssertionError("it was read")
        yield

    for wrong in ({"method": "magic"}, {"seed": -1}, {"magic": 1}, {"statistic": "magic"}):
        with pytest.raises(bl.errors.OptionError):
            bl.band_importance(small_cnn, batches, **wrong)


@pytest.mark.tensorflow
def test_streams_of_several_inputs(keras: Any, some: Any) -> None:
    import tensorflow as tf

    x, y = some
    numbers = np.random.default_rng(1).normal(size=(N, 2)).astype("float32")
    one, other = keras.Input((8, 8, 4), name="optical"), keras.Input((2,), name="weather")
    both = keras.layers.concatenate([keras.layers.Flatten()(one), other])
    model = keras.Model([one, other], keras.layers.Dense(3, activation="softmax")(both))
    given = {"optical": x, "weather": numbers}
    expected = bl.band_importance(model, given, y, background=given)
    pipeline = tf.data.Dataset.from_tensor_slices((given, y)).batch(BATCH)
    same(bl.band_importance(model, pipeline, background=pipeline), expected)

    def batches() -> Iterator[Any]:
        for start in range(0, N, BATCH):
            yield (x[start : start + BATCH], numbers[start : start + BATCH]), y[start : start + BATCH]

    same(bl.band_importance(model, batches, background=given), expected)
    apart = {"optical": stream(x), "weather": numbers}
    same(bl.band_importance(model, apart, y, background=given), expected)
    with pytest.raises(LabelError, match=r"one of several inputs in `x` brings labels"):
        bl.band_importance(model, {"optical": stream(x, y), "weather": numbers}, background=given)


def failing(x: np.ndarray) -> Any:
    def batches() -> Iterator[Any]:
        yield x[:BATCH]
        raise ValueError("the disk is gone")

    return batches


def batches_of(*given: Any) -> Any:
    return lambda: iter(given)


STREAM_ERRORS: list[tuple[str, Any, type[Exception], str]] = [
    ("fails", failing, SourceError, r"fails at batch 1, after 9 images[^\n]*\n.*the disk is gone"),
    ("empty", lambda x: batches_of(), SourceError, r"holds no images"),
    ("no iterator", lambda x: lambda: x, SourceError, r"does not give an iterator.*\n.*\n.*ndarray"),
    ("single images", lambda x: batches_of((x[0], 1)), SourceError, r"single label.*\n[\s\S]*batch them first"),
    ("weights", lambda x: batches_of((x, np.zeros(N), np.ones(N))), SourceError, r"3 things.*\n.*\n.*weights"),
    ("labels few", lambda x: batches_of((x, [1, 2])), SourceError, r"a label for each.*\n.*images 0 to 22.*\n.*2"),
    ("shape", lambda x: batches_of(x[:5], x[:, :4]), SourceError, r"Batch 1 of `x`[\s\S]*images 5 to 27"),
    ("type", lambda x: batches_of(x, x.astype("float64")), SourceError, r"unlike those.*\n.*float32.*\n.*float64"),
    ("inputs", lambda x: batches_of({"a": x}, {"b": x}), SourceError, r"other inputs.*\n.*a\n.*b"),
    ("labels end", lambda x: batches_of((x, np.zeros(N)), x), SourceError, r"Batch 1 of `x` has no labels"),
    ("objects", lambda x: batches_of(np.array([[{}]])), SourceError, r"does not hold numbers"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "kind", "text"), [case[1:] for case in STREAM_ERRORS], ids=[c[0] for c in STREAM_ERRORS]
)
def test_streams_that_are_none(
    small_cnn: Any, images: np.ndarray, spools: Path, given: Any, kind: Any, text: str
) -> None:
    x = np.concatenate([images, images])[:N]
    with pytest.raises(kind, match=text):
        bl.band_importance(small_cnn, given(x), method="saliency")
    assert not list(spools.glob("bandlens-*"))


def test_labels_come_once(small_cnn: Any, some: Any) -> None:
    x, y = some
    with pytest.raises(LabelError, match="labels in `x` and beside it"):
        bl.band_importance(small_cnn, stream(x, y), y, method="saliency")
    with pytest.raises(LabelError, match=r"one label per image.*\n.*23 labels.*\n.*20"):
        bl.band_importance(small_cnn, stream(x), lambda: iter([y[:20]]), method="saliency")
    with pytest.raises(SourceError, match=r"stream of labels.*fails at batch 1, after 9 images.*\n.*gone"):
        bl.band_importance(small_cnn, stream(x), failing(y), method="saliency")
    one, none = (
        iter(
            [
                (x, y),
            ]
        ),
        iter([]),
    )
    assert (bl.band_importance(small_cnn, one, method="saliency").image_class == y).all()
    with pytest.raises(SourceError, match="holds no images: an iterator that is empty"):
        bl.band_importance(small_cnn, none, method="saliency")


@pytest.mark.tensorflow
def test_streams_that_never_end_are_refused(small_cnn: Any, some: Any) -> None:
    import tensorflow as tf

    endless = tf.data.Dataset.from_tensor_slices(some).batch(BATCH).repeat()
    with pytest.raises(SourceError, match=r"`x` never ends.*\n.*\n.*repeats for ever.*\n.*take"):
        bl.band_importance(small_cnn, endless)


@pytest.mark.torch
def test_loaders_of_pytorch(small_cnn: Any, some: Any) -> None:
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    x, y = some
    expected = bl.band_importance(small_cnn, x, y, background=x[:5])
    loader = DataLoader(TensorDataset(torch.tensor(x), torch.tensor(y)), batch_size=BATCH)
    same(bl.band_importance(small_cnn, loader, background=x[:5]), expected)
    alone = DataLoader(TensorDataset(torch.tensor(x)), batch_size=BATCH)
    same(bl.band_importance(small_cnn, alone, y, background=x[:5]), expected)


class Counting(Source):
    """Images in memory, as if they were in blocks elsewhere, that tell what is read of them."""

    def __init__(self, x: np.ndarray, block: int) -> None:
        self.x, self.shape, self.dtype, self.block = x, x.shape, x.dtype, block
        self.where, self.reads = "nowhere", list[tuple[int, int]]()

    def read(self, start: int, stop: int) -> np.ndarray:
        self.reads.append((start, stop))
        return self.x[start:stop]


@pytest.mark.parametrize("block", [1, CHUNK, 100])
def test_sources_are_read_like_arrays(some: Any, block: int) -> None:
    x, _ = some
    source = Counting(x, block)
    random = np.random.default_rng(0)
    indices = [slice(None), slice(3, 17), slice(20, 90), slice(2, 20, 5), slice(5, 5), random.integers(0, N, 40),
               np.array([], int), np.arange(N)[::-1]]  # fmt: skip
    for index in indices:
        np.testing.assert_array_equal(source[index], x[index])
    np.testing.assert_array_equal(source[-1], x[-1])
    with pytest.raises(IndexError):
        source[N]
    images = check_images(source)
    for index in indices:
        np.testing.assert_array_equal(images.take(index, np.float64), x[index].astype("float64"))


def test_blocks_are_read_once(some: Any) -> None:
    x, _ = some
    source = Counting(x, CHUNK)
    for start in range(0, N, 3):
        source[start : start + 3]
    assert source.reads == [(0, 7), (7, 14), (14, 21), (21, 23)]
    # those of a block together, in order
    source = Counting(x, CHUNK)
    source[np.array([16, 2, 5, 1, 15])]
    assert source.reads == [(0, 7), (14, 21)]
    source = Counting(x, 1)
    source[np.array([16, 2, 5, 1, 15])]
    assert source.reads == [(1, 3), (5, 6), (15, 17)]


def test_large_blocks_are_not_kept(some: Any) -> None:
    source = Counting(some[0], CHUNK)
    source.most_kept = 1
    source[2:4]
    assert source.reads == [(2, 4)]
    assert MOST_KEPT < 300e6


def test_blocks_of_dask_are_computed_once(some: Any) -> None:
    import dask
    import dask.array

    x, _ = some
    computed = []

    @dask.delayed
    def block(start: int) -> np.ndarray:
        computed.append(start)
        return x[start : start + 8]

    parts = [
        dask.array.from_delayed(block(start), (min(8, N - start), 8, 8, 4), dtype="float32") for start in range(0, N, 8)
    ]
    images = check_images(dask.array.concatenate(parts))
    # the first was kept when it was seen that it has no mask
    assert sorted(computed) == [0, 8, 16]
    computed.clear()
    found = [batch for _, batch in images.batches(3)]
    np.testing.assert_array_equal(np.concatenate(found), x)
    assert sorted(computed) == [8, 16]
    computed.clear()
    np.testing.assert_array_equal(images.take(np.array([20, 3, 17, 1])), x[[20, 3, 17, 1]])
    assert computed == [0, 16]


def test_a_background_in_a_file_is_read_once(small_cnn: Any, some: Any, background: np.ndarray) -> None:
    x, y = some
    source = Counting(np.concatenate([background, x]), 1)
    expected = bl.band_importance(small_cnn, x, y, background=source.x, n_background=4, batch_size=5)
    chosen = np.unique(expected.background)
    source.reads.clear()
    same(bl.band_importance(small_cnn, x, y, background=source, n_background=4, batch_size=5), expected)
    # all of them, to see that they are finite, and once those that are used
    of_used = [read for read in source.reads if read[1] - read[0] < len(source)]
    assert sorted(at for start, stop in of_used[-len(chosen) :] for at in range(start, stop))[-1] <= chosen[-1]
    kept = with_kept(check_images(source), chosen)
    source.reads.clear()
    np.testing.assert_array_equal(kept.take(chosen[::-1]), source.x[chosen[::-1]])
    assert not source.reads
    np.testing.assert_array_equal(kept.take(np.array([0, 3, 30])), source.x[[0, 3, 30]])
    np.testing.assert_array_equal(kept.take(slice(2, 9)), source.x[2:9])
    assert same_images(kept, check_images(source))
    assert not same_images(kept, check_images(x))


@pytest.mark.parametrize("name", [name for name in CONTAINERS if "data" not in name and "generator" not in name])
def test_files_are_opened_anew_where_they_are_needed(some: Any, tmp_path: Path, name: str) -> None:
    given = opened(CONTAINERS[name](*some, tmp_path)[0])
    given = given.x if isinstance(given, LabelledImages) else given
    if isinstance(given, Source) and name not in ("dask", "xarray_lazy"):
        given[:]
        text = pickle.dumps(given)
        assert len(text) < 2000  # no image goes along
        np.testing.assert_array_equal(pickle.loads(text)[3:9], some[0][3:9])


FILE_ERRORS: list[tuple[str, Any, type[Exception], str]] = [
    ("missing", "nothing.h5", SourceError, r"There is no file 'nothing.h5'[\s\S]*in the folder"),
    ("missing zarr", Path("nothing.zarr"), SourceError, r"There is no file"),
    ("missing tif", ["nothing.tif"], SourceError, r"There is no file"),
    ("kind", "nothing.png", InputTypeError, r"no file of a kind that is read.*\n.*h5.*\n.*nothing.png"),
    ("no word", "sample", InputTypeError, r"no file of a kind that is read"),
    ("several", "both.h5", SourceError, r"several arrays.*\n.*both.h5:/train/x.*\n.*'/train/y' \(23\)|\(23,\)"),
    ("key", "both.h5:/train/z", SourceError, r"no array '/train/z'"),
    ("no HDF5", "text.h5", SourceError, r"'text.h5' can't be read"),
    ("no npy", "text.npy", SourceError, r"'text.npy' can't be read"),
    ("no tif", "text.tif", SourceError, r"'text.tif' can't be read"),
    ("no zarr", "empty.zarr", SourceError, r"'empty.zarr'"),
    ("cut off", "cut.npy", SourceError, r"Image 19 can't be read[\s\S]*cut.npy'.*ends before"),
]


@pytest.mark.parametrize(("given", "kind", "text"), [case[1:] for case in FILE_ERRORS], ids=[c[0] for c in FILE_ERRORS])
def test_files_that_are_none(
    small_cnn: Any, some: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: Any, kind: Any, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    CONTAINERS["hdf5"](*some, Path())
    for name in ("text.h5", "text.npy", "text.tif"):
        Path(name).write_text("nothing", encoding="utf-8")
    Path("empty.zarr").mkdir()
    np.save("cut.npy", some[0])
    os.truncate("cut.npy", 20_000)
    with pytest.raises(kind, match=text):
        bl.band_importance(small_cnn, given, method="saliency")


def test_damaged_blocks_are_named(small_cnn: Any, some: Any, tmp_path: Path) -> None:
    written(some[0], tmp_path / "x.zarr")
    (block,) = (tmp_path / "x.zarr").rglob("c/2/0/0/0")
    block.write_bytes(b"nothing")
    with pytest.raises(SourceError, match=r"Images 14 to 20 can't be read[\s\S]*x.zarr"):
        bl.band_importance(small_cnn, tmp_path / "x.zarr", method="saliency")
    images = opened(tmp_path / "x.zarr")
    images[0:14]
    with pytest.raises(SourceError, match=r"Images 14 to 20 can't be read"):
        images[15:17]
    path, key = CONTAINERS["hdf5"](*some, tmp_path)[0].split(".h5:")
    whole = opened(f"{path}.h5:{key}")
    size = Path(f"{path}.h5").stat().st_size
    with Path(f"{path}.h5").open("r+b") as file:
        file.seek(size // 2)
        file.write(bytes(2000))
    with pytest.raises(SourceError, match=r"both.h5' changed while it was read|can't be read"):
        whole[:]


def test_files_that_change_are_noticed(small_cnn: Any, some: Any, tmp_path: Path) -> None:
    for name in ("npy", "hdf5", "zarr"):
        given, _ = CONTAINERS[name](*some, tmp_path)
        images = opened(given)
        images[0:5]
        path = Path(images.path)
        touched = path if path.is_file() else next(path.rglob("c/0/0/0/0"))
        os.utime(touched, (4e9, 4e9))
        with pytest.raises(SourceError, match="changed while it was read"):
            images[:]
    path = opened(CONTAINERS["npy"](*some, tmp_path)[0])
    Path(path.path).unlink()
    with pytest.raises(SourceError, match="There is no file"):
        path[:]


def test_tiffs_are_images(small_cnn: Any, some: Any, tmp_path: Path) -> None:
    import rasterio

    x, y = some
    bands = ["blue", "green", "red", "nir"]

    def write(path: Path, image: np.ndarray, **profile: Any) -> None:
        rows, cols, count = image.shape
        shape = {"height": rows, "width": cols, "count": count, "dtype": image.dtype}
        transform = rasterio.Affine(10, 0, 0, 0, -10, 0)
        with rasterio.open(
            path, "w", driver="GTiff", transform=transform, crs="EPSG:32633", **shape, **profile
        ) as file:
            file.write(np.moveaxis(image, -1, 0))
            file.descriptions = bands

    paths = [tmp_path / f"patch_{at:02}.tif" for at in range(N)]
    for path, image in zip(paths, x, strict=True):
        write(path, image)
    expected = bl.band_importance(small_cnn, x, y, background=x, bands=bands)
    for given in (paths, list(map(str, paths)), str(tmp_path / "patch_*.tif")):
        found = bl.band_importance(small_cnn, given, y, background=x)
        same(found, expected)
        assert found.bands == tuple(bands)
    write(paths[3], x[3, :4])
    with pytest.raises(SourceError, match=r"patch_03.tif' is unlike the others.*\n.*8, 8, 4.*\n.*4, 8, 4"):
        bl.band_importance(small_cnn, paths, y, background=x)
    small = np.clip(x[:2] * 100, 0, 200).astype("uint16")
    small[1, 2, 3, 1] = 65535
    for path, image in zip(paths[:2], small, strict=True):
        write(path, image, nodata=65535)
    with pytest.raises(InputError, match=r"pixels without data.*\n.*\n.*65535.*no data, in image 1, band 1"):
        bl.band_importance(small_cnn, paths[:2], background=x)


def test_axes_of_xarray_are_read_by_name(small_cnn: Any, some: Any) -> None:
    import xarray

    x, y = some
    names, classes = ["blue", "green", "red", "nir"], ["water", "forest", "town"]
    coordinates = {
        "band": names,
        "wavelength": ("band", [0.49, 0.56, 0.665, 0.842], {"units": "um"}),
        "label": ("sample", np.array(classes)[y], {"class_names": classes}),
    }
    given = xarray.DataArray(np.moveaxis(x, 3, 1), dims=("sample", "band", "y", "x"), coords=coordinates)
    expected = bl.band_importance(
        small_cnn, x, y, background=x, bands=names, wavelengths=[490, 560, 665, 842], classes=classes
    )
    for one in (given, given.transpose("y", "sample", "x", "band"), given.chunk({"sample": 5})):
        found = bl.band_importance(small_cnn, one, background=given)
        same(found, expected)
        assert (found.bands, found.classes) == (tuple(names), tuple(classes))
        np.testing.assert_allclose(found.wavelengths, expected.wavelengths)
    # what the caller says goes before what the images bring
    own = bl.band_importance(small_cnn, given, y, background=x, bands=list("abcd"), classes=list("xyz"))
    assert (own.bands, own.classes) == (tuple("abcd"), tuple("xyz"))
    nanometres = given.assign_coords(wavelength=("band", [490.0, 560.0, 665.0, 842.0]))
    assert opened(nanometres).wavelengths == [490.0, 560.0, 665.0, 842.0]
    with pytest.raises(BandError, match=r"unit that is not known.*\n.*nm.*\n.*furlong"):
        opened(given.assign_coords(wavelength=("band", [1.0] * 4, {"units": "furlong"})))
    named = xarray.DataArray(x, dims=list("abcd"), attrs={"long_name": tuple(names)})
    assert opened(named).bands == tuple(names)
    assert opened(named).x.shape == x.shape


def test_times_of_xarray(keras: Any) -> None:
    import xarray

    x = np.random.default_rng(0).normal(size=(6, 3, 5, 5, 2)).astype("float32")
    days = np.array(["2024-05-01", "2024-06-01", "2024-07-01"], "datetime64[ns]")
    dims = ("image", "time", "y", "x", "band")
    given = xarray.DataArray(x, dims=dims, coords={"time": days}).transpose("time", "band", "image", "y", "x")
    model = keras.Sequential([keras.Input((3, 5, 5, 2)), keras.layers.Flatten(), keras.layers.Dense(3)])
    expected = bl.band_importance(model, x, background=x, time_axis=1, times=days)
    same(bl.band_importance(model, given, background=given, time_axis=1), expected)
    by_name = bl.band_importance(model, xarray.DataArray(x, dims=dims, coords={"time": days}), background=x,
                                 time_axis="time", band_axis="band")  # fmt: skip
    same(by_name, expected)
    assert by_name.times == expected.times
    with pytest.raises(BandError, match=r"`time_axis` names no axis.*\n.*'image'.*\n.*'day'"):
        bl.band_importance(model, given, time_axis="day")
    assert opened(given, layout=Layout(time_axis=1)).x.shape == x.shape


def test_questions_open_what_they_are_asked_about(some: Any, tmp_path: Path) -> None:
    x, y = some
    (tmp_path / "one").mkdir()
    given, labels = CONTAINERS["zarr_group"](x, y, tmp_path / "one")
    question = Question(model=None, x=given, y=labels, background="sample")
    assert isinstance(question.x, Source)
    assert question.background == "sample"
    np.testing.assert_array_equal(question.y, y)
    assert replace(question, seed=1).x is question.x
    # a file is a background only by its name
    assert isinstance(Question(model=None, x=x, background=given).background, Source)
    assert Question(model=None, x=[*x]).x[0].shape == x[0].shape


def test_streams_are_kept_no_longer_than_they_are_used(some: Any, spools: Path) -> None:
    x, y = some
    images = opened(stream(x, y)).read("x")
    assert isinstance(images.x, Raw)
    assert [path.stat().st_size for path in spools.glob("bandlens-*")] == [x.nbytes]
    np.testing.assert_array_equal(images.x[np.array([4, 1])], x[[4, 1]])
    np.testing.assert_array_equal(images.y, y)
    del images
    gc.collect()
    assert not list(spools.glob("bandlens-*"))


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float16", "float64", "bool", ">f4"])
def test_streams_keep_the_type_of_numbers(dtype: str, some: Any) -> None:
    x = (some[0] * 100).astype(dtype)
    found = opened(stream(x)).read("x")
    assert found.dtype == x.dtype
    np.testing.assert_array_equal(found[:], x)


@pytest.mark.parametrize(("package", "extra", "name"), [("zarr", "zarr", "x.zarr"), ("rasterio", "scenes", "x.tif")])
def test_missing_packages_are_named(
    package: str, extra: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_bytes(b"")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackageError, match=rf"needs? the Python package {package}.*\n.*bandlens\[{extra}\]"):
        opened(tmp_path / name)
