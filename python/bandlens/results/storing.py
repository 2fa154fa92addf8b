"""Results in files that any machine can read: NumPy arrays and JSON, no pickle."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ..errors import ResultError
from .schema import restored, schema

Result = TypeVar("Result")


def store(result: Any, path: str | Path, file_format: str) -> None:
    """Write all fields of a result to a `.npz` file."""
    values = {name: getattr(result, name) for name in schema(type(result))}
    arrays = {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
    plain = {name: value for name, value in values.items() if name not in arrays}
    with Path(path).open("wb") as file:
        np.savez_compressed(file, _format=file_format, _plain=json.dumps(plain), **arrays)  # type: ignore[arg-type]


def stored(result_class: Callable[..., Result], path: str | Path, file_format: str) -> Result:
    """Read what `store` wrote, for a class of results whose files have this format."""
    with np.load(path, allow_pickle=False) as file:
        if "_format" not in file or str(file["_format"]) != file_format:
            name = file_format.removeprefix("bandlens.").split("/")[0]
            raise ResultError(f"{path} holds no {name}.", expected=f"a file of format {file_format}")
        arguments = json.loads(str(file["_plain"]))
        arguments.update({name: file[name] for name in file.files if not name.startswith("_")})
    return restored(result_class, arguments)
