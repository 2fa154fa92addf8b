"""The verb for scenes: where in a scene did which band matter."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..cluster.workers import at_work
from ..data.options import whole_number
from ..data.words import argument
from ..errors import CompletenessWarning, OptionError
from ..explain.question import Question
from ..models.saved import loaded
from ..progress import Progress, starting, ticker
from ..results.wavelength_zones import WavelengthZones
from . import lazily
from .blocks import heard, score_block
from .datasets import about, dataset
from .grid import Block
from .keeping import Unfinished, asked_of, check_path
from .preparing import prepared
from .shared_out import computed_by
from .sinks import GeoTIFF, Memory, Sink, Zarr
from .work import BlockScores, Doubt, SceneWork, Traced


def score_scene(
    model: Any,
    scene: Any,
    *,
    size: int | None = None,
    stride: int | None = None,
    method: str = "deepshap",
    background: Any = None,
    n_background: int = 100,
    target: str | int = "predicted",
    output: str = "auto",
    head: str | int | None = None,
    task: str = "auto",
    statistic: str | None = None,
    groups: Mapping[str, Sequence[Any]] | WavelengthZones | str | None = None,
    classes: Sequence[str] | None = None,
    reorder: bool = False,
    prediction: bool = False,
    bands: Any = None,
    wavelengths: Any = None,
    path: str | Path | None = None,
    overwrite: bool = False,
    batch_size: int | None = None,
    seed: int = 0,
    client: Any = None,
    progress: Progress = None,
    **method_options: Any,
) -> Any:
    """Score every band all over a scene.

    Slides the model's patch over a raster, explains the model's output for every patch, and gives the band scores back
    with their place on the ground: which band did the model rely on, where? Models that give a class for every pixel
    are explained pixel by pixel; models with several inputs take a raster for each. R's `score_raster()` gives the same
    values.

    Parameters
    ----------
    model : keras.Model, tf_keras.Model, str, pathlib.Path or callable
        As for `band_importance`, for images of rows x columns x bands.
    scene : xarray.DataArray, str, pathlib.Path, list of paths, or dict
        A `DataArray` with axes of rows, columns and bands, in any order, north up, with the reference system and the
        no-data value that rioxarray knows of; its values are taken as they are. Or the path or URL of a file that
        rasterio reads, such as a GeoTIFF, whose scale and offset are applied; several paths are files of one grid whose
        bands follow each other, such as those of Sentinel-2 of one resolution. Names of bands are texts along their
        axis, else ``long_name`` as rioxarray has it, in a file its descriptions. For a model of several inputs: a dict
        by their names, of such rasters, whose pixels may be of different sizes, and of rows of numbers, such as the
        weather, which are the same all over the scene. For a model of series of images, (times, rows, columns, bands)
        as Keras' recurrent convolutions take them: a `DataArray` with an axis `time` besides, or a dict of files by
        dates, of each a path, or a list of paths whose bands follow each other.
    size : int, optional
        Rows and columns of the model's patch, in pixels (of several rasters, of the finest). The model is asked by
        default.
    stride : int, optional
        Pixels from one patch to the next. By default patches lie side by side, and where the model gives a class for
        every pixel half a patch apart. 1 gives a score for every pixel, at ``size ** 2`` times the cost.
    method : str
        Key of `bandlens.METHODS`, but not "permutation", which compares the images that it is given. Where the model
        gives a class for every pixel, a method that has values for single pixels.
    background : array_like, optional
        As for `band_importance`, such as the training patches. Without it, `n_background` patches without missing
        values from random places of the scene.
    n_background : int
        Most background images used.
    target : {"predicted", "all"} or str or int
        The class that is predicted for each patch or pixel, every output, or one by name or index. Of several labels,
        "predicted" is the likeliest one.
    output, head, task, statistic, groups, classes, reorder, bands, wavelengths
        As for `band_importance`.
    prediction : bool
        Whether to say which class is predicted where.
    path : str or pathlib.Path, optional
        File to write to, block by block: a Cloud-Optimised GeoTIFF (``.tif``) or a zarr store (``.zarr``). While it is
        unfinished, its blocks are in a folder beside it, called like it with ``.unfinished`` behind. The same call
        goes on where one was interrupted, and its result is the same; a call that asks anything else is refused.
    overwrite : bool
        Whether to replace `path` if it exists.
    batch_size : int, optional
        Most images per compiled step.
    seed : int
        Makes the draw of the background, and random methods, repeatable.
    client : distributed.Client, str or int, optional
        Who computes blocks, as for `band_importance`; workers read files themselves.
    progress : bool or callable, optional
        As for `band_importance`, in blocks.
    **method_options
        Options of the method.

    Returns
    -------
    xarray.Dataset
        `score` (band, y, x), float32, where several outputs are explained (output, band, y, x); NaN where there is
        none. With `prediction`: `prediction` (y, x), int16, numbers of the classes from 1, whose names are in its
        attributes (`classes`, and as the CF conventions have it `flag_values` and `flag_meanings`), 0 where there is
        none; `confidence` (y, x), where there is a class for every pixel: its probability, or output if the model ends
        in neither softmax nor sigmoid; `probability` (label, y, x), of a model of several labels. Coordinates are
        centres of cells; `rio.crs` and `rio.transform()` are those of the cells. Of a series, bands are called
        "band.time", with coordinates `band_name` and `time`. Attributes say what was asked, how many cells were scored
        or had missing values, and for additive methods how nearly scores sum to the output (`completeness`, the
        largest relative residual).

        If `scene` is of Dask and there is no `path`, so is the result: each block is computed when it is needed, and
        what is known only then is not among the attributes. With `path`, values stay in the file, where there is Dask
        to read them.

        In a GeoTIFF, layers are `prediction`, `confidence`, "probability.label" and one per band, "output.band" where
        several outputs are explained, "input.band" where there are several inputs; no data is NaN in all of them.

    Raises
    ------
    BandlensError
        One of its subclasses, before anything is computed, if an argument doesn't fit. `SceneError` also later, if a
        part of the scene can't be read; finished blocks of a `path` are kept.
    MissingPackageError
        Without the packages of the extra ``bandlens[scenes]``.

    Warns
    -----
    CompletenessWarning, DataWarning
        As for `band_importance`, once for all blocks.

    Notes
    -----
    A cell holds the band scores of one patch, and its centre is the centre of that patch; it is `stride` pixels wide
    and high. With an odd `size` and a stride of 1, cells are pixels of the scene. The margin in which no patch can have
    its centre, and what is left at the right and lower edge after the last whole stride, have no cells. A score tells
    how much the band contributed to what the model says of the patch, and is no attribution to the pixel it is drawn
    at. A patch with a missing value has no scores.

    Where the model gives outputs for every pixel, cells are the scene's pixels. Windows overlap, the last ones are
    moved inwards, and what they say is averaged, with weights by a raised cosine along rows and columns. First their
    probabilities give each pixel its class; then each window is explained, for each class that it has pixels of: a
    pixel's score is what its own values contributed to the class's output at all these pixels. For the model, missing
    values are replaced by the band's mean in the window; their pixels have no scores.

    Blocks are cut by the size of the scene and of what is held of it, about 16 million numbers, and don't depend on who
    computes them.

    Examples
    --------
    >>> scores = bandlens.score_scene(model, "scene.tif", background=x_train, target="forest")  # doctest: +SKIP
    >>> scores.score.sel(band="nir").rio.to_raster("nir.tif")  # doctest: +SKIP
    """
    with starting(progress, model):
        model = loaded(model)
    whole_number("n_background", n_background)
    whole_number("seed", seed, 0)
    asked = Question(
        model=None, x=None, method=method, background=background, n_background=n_background, target=target,
        output=output, head=head, task=task, statistic=statistic, groups=groups, classes=classes, reorder=reorder,
        bands=bands, wavelengths=wavelengths, batch_size=batch_size, seed=seed, method_options=method_options,
        verb_arguments=("progress", "size", "stride", "prediction", "path", "overwrite", "client"),
    )  # fmt: skip
    with heard() as doubts:
        work, windows, answers = prepared(model, scene, size, stride, asked, prediction)
    for kind, text in doubts:
        if kind is not CompletenessWarning:  # blocks tell of that, which these windows are part of
            warnings.warn(text, kind, stacklevel=2)
    sink: Sink
    if path is None:
        if work.ground.lazy:
            if client is not None:
                raise OptionError(
                    "A scene of Dask gives scores of Dask, which are computed when they are asked for.",
                    expected=f"{argument('client', None)}, or a `path` to write them to now",
                    given=argument("client", client) if isinstance(client, str | int) else "a client",
                    fix="compute the result by your client",
                )
            return dataset(work, lazily.arrays(model, work), about(work, model, None))
        sink = Memory(work)
    else:
        kept = Unfinished(check_path(path, overwrite, work.ground))
        kept.begin(asked_of(model, work, windows, answers))
        sink = GeoTIFF(work, kept)
        if kept.path.suffix.lower() == ".zarr":
            sink = Zarr(work, kept)
            sink.begin(model)
    done = sink.done()
    todo = [block for block in work.grid.blocks() if block.index not in done]
    with at_work(client) as team, ticker(progress, work.grid.n_blocks, "Scoring the scene", "block") as tick:
        tick(len(done))
        by = computed(model, work, todo) if team is None else computed_by(team, model, work, todo, windows, answers)
        for block, found in by:
            sink.write(block, found)
            tick(1)
    result, tally = sink.finish(model)
    warn_once(tally.doubts)
    return result


def computed(model: Any, work: SceneWork, blocks: Iterable[Block]) -> Iterator[tuple[Block, BlockScores]]:
    """Blocks with their scores, one after the other; `sink.write` takes them in any order."""
    traced = Traced(model)
    for block in blocks:
        yield block, score_block(traced, work, block)


def warn_once(doubts: Sequence[Doubt]) -> None:
    """Warn of what blocks were warned of: of each kind the first, and how many more there are."""
    for kind in dict.fromkeys(kind for kind, _ in doubts):
        texts = list(dict.fromkeys(text for own, text in doubts if own is kind))
        more = f" Other warnings of this kind, of other parts of the scene: {len(texts) - 1}." if texts[1:] else ""
        warnings.warn(f"{texts[0]} This is of one part of the scene.{more}", kind, stacklevel=3)
