"""Scores that are computed when they are asked for: arrays of Dask, block by block as everything here."""

from __future__ import annotations

import uuid
import warnings
from typing import Any

import numpy as np

from .blocks import region, score_values
from .grid import Block
from .ground import Values
from .needed import needed
from .work import SceneWork, Traced, missing


def arrays(model: Any, work: SceneWork) -> dict[str, Any]:
    """Arrays of all of a scene, of Dask, by name."""
    da, delayed = needed("dask.array", "A lazy scene"), needed("dask", "A lazy scene").delayed
    held, described, own = Traced(model), work.elsewhere(), uuid.uuid4().hex
    compute, pick = delayed(_block, pure=False), delayed(_pick, pure=False)
    rows: dict[str, list[list[Any]]] = {name: [] for name in work.layers.shapes(1, 1)}
    for block in work.grid.blocks():
        values = {name: _whole(raw) for name, raw in work.ground.raw(region(work, block)).items()}
        found = compute(held, described, block, values, dask_key_name=f"block-{own}-{block.index}")
        for name, shape in work.layers.shapes(block.rows, block.cols).items():
            one = pick(found, name, dask_key_name=f"{name}-{own}-{block.index}")
            if block.col == 0:
                rows[name].append([])
            rows[name][-1].append(da.from_delayed(one, shape, missing(name)[1]))
    return {name: da.block(parts) for name, parts in rows.items()}


def _block(held: Traced, work: SceneWork, block: Block, values: Values) -> dict[str, np.ndarray]:
    found = score_values(held, work, block, values)
    for kind, text in found.tally.doubts:
        warnings.warn(text, kind, stacklevel=2)
    return found.values


def _whole(values: Any) -> Any:
    """Values of Dask as one thing to be computed; others as they are."""
    return values.rechunk(-1).to_delayed().item() if hasattr(values, "dask") else values


def _pick(found: dict[str, np.ndarray], name: str) -> np.ndarray:
    return found[name]
