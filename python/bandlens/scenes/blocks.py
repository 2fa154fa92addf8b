"""A block of a scene: the part of the work that any process can do.

`score_block` is a plain function of a model, a description and a block. All three can be pickled (arrays of Dask are
better given by their values, `score_values`), and a block's scores depend on nothing else.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from ..errors import BandlensWarning
from . import cells, pixels
from .grid import Block
from .ground import Values
from .rasters import Region
from .work import BlockScores, Doubt, SceneWork, Traced

# `warnings.catch_warnings` is not for several threads at once; nor is the memory of a block
_ALONE = threading.RLock()


def _kind(work: SceneWork) -> ModuleType:
    return pixels if work.pixels else cells


def region(work: SceneWork, block: Block) -> Region:
    """Pixels of the finest raster that a block's scores depend on."""
    found: Region = _kind(work).region(work, block)
    return found


def score_block(model: Any, work: SceneWork, block: Block) -> BlockScores:
    """Scores of a block, whose values are read here.

    Parameters
    ----------
    model : object
        As `band_importance` takes it, or `Traced`, which saves time if it does many blocks of the same work.
    work : SceneWork
    block : Block

    Returns
    -------
    BlockScores
    """
    return score_values(model, work, block, work.ground.raw(region(work, block)))


def score_values(model: Any, work: SceneWork, block: Block, values: Values) -> BlockScores:
    """Scores of a block whose values were read: what `work.ground.raw` gives for `region(work, block)`."""
    traced = model if isinstance(model, Traced) else Traced(model)
    cleaned = work.ground.cleaned(values)
    with heard() as doubts:
        found, tally = _kind(work).scores(traced, work, block, cleaned)
    return BlockScores(found, tally._replace(doubts=tuple(doubts)))


@contextmanager
def heard() -> Iterator[list[Doubt]]:
    """Keep our own warnings, which are of one block, until all blocks are known; others' are shown as they come."""
    doubts: list[Doubt] = []
    with _ALONE, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", BandlensWarning)
        yield doubts
        doubts += [(one.category, str(one.message)) for one in caught if issubclass(one.category, BandlensWarning)]
    for one in caught:
        if not issubclass(one.category, BandlensWarning):
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
