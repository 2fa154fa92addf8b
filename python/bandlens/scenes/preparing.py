"""From what a user asks of a scene to work that can be done block by block: everything that is checked before it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..data.options import flag
from ..data.tasks import MULTILABEL, REGRESSION, SEGMENTATION
from ..data.words import shape_text, shown
from ..errors import ModelError, OptionError, SceneError
from ..explain.question import Question
from ..explain.windows import WindowModel, WindowOutputs, pixel_scores, window_model, window_outputs
from . import cells
from .grid import BLOCK_VALUES, patch_grid, pixel_grid
from .ground import TIME_AXIS, Ground, complete, ground_of, in_steps, input_shapes, window_size
from .rasters import Region
from .work import Layers, SceneWork

# windows that are looked at before the work begins, and most that are tried at random places to find some
LOOKED_AT = 16
TRIES = 10_000


def prepared(
    model: Any, scene: Any, size: int | None, stride: int | None, asked: Question, prediction: bool
) -> tuple[SceneWork, dict[str, np.ndarray], np.ndarray]:
    """Check what is asked, and describe the work; also gives some windows of the scene, and the model's answers.

    Parameters
    ----------
    model : object
        Live, or a callable.
    scene : object
        As `score_scene` takes it.
    size, stride : int or None
    asked : Question
        Without model and images.
    prediction : bool

    Raises
    ------
    BandlensError
    """
    _check_method(asked.method)
    flag("prediction", prediction)
    ground = ground_of(model, scene)
    if ground.finest.times:
        asked = replace(asked, time_axis=TIME_AXIS)
    size = window_size(size, ground, input_shapes(model))
    if stride is not None:
        stride = in_steps(stride, ground, "stride")
    n_drawn = max(LOOKED_AT, asked.n_background if asked.background is None else 0)
    drawn = random_windows(ground, size, n_drawn, asked.seed)
    if asked.background is None:
        own = {name: windows[: asked.n_background] for name, windows in drawn.items()}
        asked = replace(asked, background=ground.images(own))
    looked_at = {name: own[:LOOKED_AT] for name, own in drawn.items()}
    question = replace(asked, model=model, x=ground.images(looked_at))
    traced = window_model(question)
    said = window_outputs(question, traced)
    describe = _pixel_work if said.task == SEGMENTATION else _patch_work
    if prediction and said.task == REGRESSION:
        raise OptionError(
            "The model predicts numbers, not classes.", expected="prediction=False", given="prediction=True"
        )
    return describe(ground, size, stride, asked, question, traced, said, prediction), looked_at, said.values


def _check_method(method: Any) -> None:
    if method == "permutation":
        raise OptionError(
            "Permutation swaps bands between images, so that a patch's score depends on the other patches.",
            expected="a method that explains each patch on its own",
            given=shown(method),
        )


def _patch_work(
    ground: Ground,
    size: int,
    stride: int | None,
    asked: Question,
    question: Question,
    traced: WindowModel,
    said: WindowOutputs,
    prediction: bool,
) -> SceneWork:
    """Of a model that has one answer for a patch; whether model and scene fit is said now."""
    tried = cells.answer(question, traced.explained, fit=True)
    outputs = [tried.outputs[at] for at in tried.image_output[0]]
    layers = Layers(
        bands=_named(tried.bands, tried.inputs, tried.times),
        inputs=tried.inputs,
        base=None if tried.times is None else tried.bands,
        times=tried.times,
        time_kind=tried.time_kind,
        wavelengths=tried.wavelengths,
        outputs=tuple(outputs) if len(outputs) > 1 else (),
        classes=tried.classes,
        scale=tried.output,
        labels=tried.outputs if prediction and said.task == MULTILABEL else (),
        prediction=prediction,
    )
    step = size if stride is None else stride
    grid = patch_grid(ground.finest, size, step, ground.numbers_in(size) // size**2 or 1)
    at_once = max(1, BLOCK_VALUES // ground.numbers_in(size))
    return SceneWork(ground, grid, size, step, asked, said.task, layers, False, at_once, pixels=False)


def _pixel_work(
    ground: Ground,
    size: int,
    stride: int | None,
    asked: Question,
    question: Question,
    traced: WindowModel,
    said: WindowOutputs,
    prediction: bool,
) -> SceneWork:
    """Of a model that gives a class for every pixel."""
    pixels = said.values.shape[1:-1]
    if pixels != (size, size):
        raise ModelError(
            "The model's outputs are no pixels of the windows that it is given.",
            expected=f"outputs for {shape_text((size, size))} pixels",
            given=f"outputs for {shape_text(pixels)}",
            fix="put layers behind the model that bring its outputs to the size of its images, such as `UpSampling2D`",
        )
    if ground.finest.times:
        raise ModelError(
            "The model gives a class for every pixel of a series.",
            expected="one answer for a patch, or images of one date",
            fix="explain windows of it: `bandlens.band_importance(..., time_axis=1)`",
        )
    step = _pixel_stride(stride, ground, size)
    tried = pixel_scores(question, np.zeros((len(said.values), size, size), np.int64), fit=True, traced=traced)
    outputs = [tried.outputs[at] for at in tried.explained]
    bands = _named(tried.bands, tried.inputs)
    layers = Layers(
        bands=bands,
        inputs=tried.inputs,
        wavelengths=tried.wavelengths,
        outputs=tuple(outputs) if len(outputs) > 1 else (),
        classes=said.names,
        scale=tried.scale,
        prediction=prediction,
        confidence=prediction,
    )
    held = len(bands) * layers.n_outputs
    numbers = ground.numbers_in(size) // size**2 + 2 * (held + len(said.names))  # sums are of float64
    grid = pixel_grid(ground.finest, size, step, numbers)
    at_once = max(1, BLOCK_VALUES // (ground.numbers_in(size) + size**2 * held))
    own = asked.target in ("predicted", "class")
    return SceneWork(ground, grid, size, step, asked, said.task, layers, own, at_once, pixels=True)


def _pixel_stride(stride: int | None, ground: Ground, size: int) -> int:
    """Half a window, in whole pixels of all rasters."""
    step, finest = ground.step, ground.finest
    if finest.rows % step or finest.cols % step:
        raise SceneError(
            "The last windows would cut pixels of the coarser rasters.",
            expected=f"rows and columns of the finest raster in multiples of {step}",
            given=f"{finest.rows} x {finest.cols}",
            fix="cut all rasters, such as by `array.rio.clip_box(...)`",
        )
    if stride is None:
        return step * -(-size // (2 * step))
    if stride > size:
        raise OptionError(
            "With such a stride, there are pixels between the windows that no window holds.",
            expected=f"at most {size}",
            given=f"stride={stride}",
        )
    return stride


def _named(
    bands: tuple[str, ...], inputs: tuple[str, ...] | None, times: tuple[str, ...] | None = None
) -> tuple[str, ...]:
    """Bands, of a series with their time; those of several inputs with its name; an input may itself be a band."""
    if times is not None:
        return tuple(f"{band}.{time}" if time else band for band, time in zip(bands, times, strict=True))
    if inputs is None:
        return bands
    return tuple(own if band == own else f"{own}.{band}" for band, own in zip(bands, inputs, strict=True))


def random_windows(ground: Ground, size: int, n: int, seed: int) -> dict[str, np.ndarray]:
    """Up to n windows without missing values, from random places, the same for a seed.

    Raises
    ------
    SceneError
        If none is found.
    """
    finest, step = ground.finest, ground.step
    rows, cols = (finest.rows - size) // step + 1, (finest.cols - size) // step + 1
    tries = min(rows * cols, max(100 * n, TRIES))
    random = np.random.default_rng(seed)
    places = random.choice(rows * cols, tries, replace=False, shuffle=True)
    found: dict[str, list[np.ndarray]] = {name: [] for name in ground.rasters}
    count = 0
    for place in places:
        top, left = (int(at) * step for at in divmod(int(place), cols))
        region = Region(top, left, size, size)
        windows = {name: values[None] for name, values in ground.read(region).items()}
        if not complete(windows)[0]:
            continue
        for name, values in windows.items():
            found[name].append(values)
        count += 1
        if count == n:
            break
    if not count:
        raise SceneError(
            "No patch without missing values was found in the scene.",
            given=f"{tries} patches of {size} x {size} pixels at random places",
        )
    return {name: np.concatenate(values) for name, values in found.items()}
