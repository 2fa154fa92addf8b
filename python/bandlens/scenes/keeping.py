"""A folder beside the result while it is unfinished: what was asked, and which blocks are done.

It is named like the result with ``.unfinished`` behind. Blocks are written first and marked afterwards, each by a file
of its own that is put in place as a whole, so that an interruption at any moment leaves blocks that are either done or
to be done again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import errors
from .._version import __version__
from ..data.labelled import LabelledImages
from ..data.options import flag
from ..data.words import shown
from ..errors import OptionError, SceneError
from ..explain.question import Question
from .ground import Ground
from .rasters import Files
from .work import SceneWork, Tally

SUFFIX = ".unfinished"
ASKED = "asked.json"
# a model may answer a little differently on another day, by rounding
NOT_ASKED = ("model", "x", "y", "batch_size")
ANSWERS, CLOSE, MOST_ANSWERS = "answer of the model", 1e-3, 10


@dataclass(frozen=True)
class Unfinished:
    """The folder of a result.

    Attributes
    ----------
    path : Path
        Of the result.
    """

    path: Path

    @property
    def folder(self) -> Path:
        """Where blocks are."""
        return self.path.with_name(self.path.name + SUFFIX)

    def begin(self, asked: Mapping[str, Any]) -> None:
        """Make the folder, or see that it is of the same question.

        Raises
        ------
        SceneError
            If it is of another one; it names what differs.
        """
        file = self.folder / ASKED
        if not file.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            _put(file, json.dumps(asked, indent=1).encode())
            return
        try:
            kept = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise SceneError(f"{file} is damaged.", fix=f"delete the folder {self.folder}") from error
        now = json.loads(json.dumps(asked))
        for name in [*kept, *now]:
            if not _same(name, kept.get(name), now.get(name)):
                raise SceneError(
                    f"{self.path.name} was begun with another {name}, and is not finished.",
                    expected=shown(kept.get(name)),
                    given=shown(now.get(name)),
                    fix=f"ask as before to go on, choose another `path`, or delete the folder {self.folder}",
                )

    def block(self, index: int, suffix: str) -> Path:
        """A file of a block."""
        return self.folder / f"block-{index:06d}{suffix}"

    def done(self) -> set[int]:
        """Blocks that are marked."""
        return {int(file.stem.split("-")[1]) for file in self.folder.glob("block-*.json")}

    def mark(self, index: int, tally: Tally) -> None:
        """A block is done."""
        doubts = [[kind.__name__, text] for kind, text in tally.doubts]
        _put(self.block(index, ".json"), json.dumps({**tally._asdict(), "doubts": doubts}).encode())

    def tally(self, index: int) -> Tally:
        """What there is to say of a block that is done."""
        kept = json.loads(self.block(index, ".json").read_text(encoding="utf-8"))
        doubts = tuple((getattr(errors, name, UserWarning), text) for name, text in kept.pop("doubts"))
        return Tally(**kept, doubts=doubts)

    def save(self, index: int, values: Mapping[str, np.ndarray]) -> None:
        """Keep arrays of a block."""
        file = self.block(index, ".npz")
        with _beside(file) as scratch, scratch.open("wb") as handle:
            np.savez(handle, **values)  # type: ignore[arg-type]

    def saved(self, index: int) -> dict[str, np.ndarray]:
        """Arrays of a block that is done.

        Raises
        ------
        SceneError
            If its file is missing or damaged.
        """
        file = self.block(index, ".npz")
        try:
            with np.load(file) as kept:
                return {name: kept[name] for name in kept.files}
        except Exception as error:  # a damaged archive fails in many ways
            self.block(index, ".json").unlink(missing_ok=True)
            raise SceneError(
                f"A finished block can't be read: {file}",
                given=str(error),
                fix="ask again: this block alone is computed anew",
            ) from error

    def finish(self, made: Path) -> None:
        """Put the result in its place, and remove the folder."""
        if self.path.is_dir():
            shutil.rmtree(self.path)
        os.replace(made, self.path)
        shutil.rmtree(self.folder)


def _same(name: str, kept: Any, now: Any) -> bool:
    if name == ANSWERS and kept and now and len(kept) == len(now):
        return bool(np.allclose(kept, now, rtol=CLOSE, atol=CLOSE * np.abs(kept).max()))
    return bool(kept == now)


@contextmanager
def _beside(file: Path) -> Iterator[Path]:
    """A file beside another that takes its place once it is whole."""
    scratch = file.with_name(f"{file.name}.{os.getpid()}.part")
    yield scratch
    os.replace(scratch, file)


def _put(file: Path, content: bytes) -> None:
    with _beside(file) as scratch:
        scratch.write_bytes(content)


def check_path(path: Any, overwrite: Any, ground: Ground) -> Path:
    """The path of a result that is to be written.

    Raises
    ------
    OptionError
    """
    if not isinstance(path, str | Path) or Path(path).suffix.lower() not in (".tif", ".tiff", ".zarr"):
        raise OptionError("`path` is none for scores.", expected="a path that ends in .tif or .zarr", given=shown(path))
    flag("overwrite", overwrite)
    found = Path(path).expanduser()
    if not found.parent.is_dir():
        raise OptionError("There is no folder for `path`.", given=str(found.parent))
    for raster in ground.rasters.values():
        paths = raster.source.paths if isinstance(raster.source, Files) else ()
        if found.exists() and any(Path(one).exists() and Path(one).samefile(found) for one in paths):
            raise OptionError("`path` is the file of the scene.", given=str(found), fix="choose another one")
    if found.exists() and not overwrite:
        raise OptionError(
            "`path` exists already.", given=str(found), fix="choose another one, or replace it with `overwrite=True`"
        )
    return found


def asked_of(model: Any, work: SceneWork, windows: Mapping[str, np.ndarray], answers: np.ndarray) -> dict[str, Any]:
    """All that the result depends on, in texts and numbers that can be compared and shown.

    `windows` are some of the scene, by whose values a changed scene is noticed, and `answers` what the model says of
    them.
    """
    files: dict[str, Any] = {}
    for name, raster in work.ground.rasters.items():
        key = f"scene {name}".strip()
        files[f"{key} grid"] = [raster.rows, raster.cols, list(raster.transform), raster.crs, list(raster.bands)]
        if raster.times:
            files[f"{key} times"] = list(map(str, raster.times))
        if isinstance(raster.source, Files):
            files[f"{key} files"] = [
                [path, *(stamp or ()), list(layers)]
                for path, stamp, layers in zip(
                    raster.source.paths, raster.source.stamps, raster.source.layers, strict=True
                )
            ]
        files[f"{key} values"] = _digest(windows[name])
    for name, row in work.ground.numbers.items():
        files[f"scene {name}"] = row.tolist()
    return {
        "version of bandlens": __version__,
        **files,
        "model": _of_model(model),
        ANSWERS: answers.ravel()[:MOST_ANSWERS].astype(float).tolist(),
        "size": work.size,
        "stride": work.stride,
        "block": work.grid.block,
        "prediction": work.layers.prediction,
        **{
            name.replace("_", " "): _text(getattr(work.asked, name))
            for name in (*Question.arguments(), "method_options")
            if name not in NOT_ASKED
        },
    }


def _of_model(model: Any) -> str:
    """What tells models apart: their weights."""
    weights = getattr(model, "weights", None)
    if isinstance(weights, list) and weights:
        found = hashlib.sha256()
        for one in weights:
            value = one.numpy() if hasattr(one, "numpy") else one
            found.update(np.ascontiguousarray(np.asarray(value)).tobytes())
        return f"{type(model).__name__} with weights {found.hexdigest()[:16]}"
    return str(getattr(model, "__qualname__", type(model).__name__))


def _digest(values: Any) -> str:
    array = np.ascontiguousarray(values)
    return f"{array.shape} {array.dtype} {hashlib.sha256(array.tobytes()).hexdigest()[:16]}"


def _text(value: Any) -> Any:
    """A value of an argument in JSON."""
    if isinstance(value, LabelledImages):
        return [_text(value.x), _text(None if value.bands is None else list(value.bands))]
    if isinstance(value, Mapping):
        return {str(name): _text(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_text(one) for one in value]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if hasattr(value, "shape"):
        return _digest(np.asarray(value))
    return str(getattr(value, "__qualname__", repr(value)))
