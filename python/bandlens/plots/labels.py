"""What titles, axes and legends say: what was computed, on which scale, over how many images."""

from __future__ import annotations

import csv
import textwrap
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from ..results.background import absent_as

if TYPE_CHECKING:
    import pandas as pd

    from ..results.importance import BandImportance
    from ..results.interactions import BandInteractions
    from ..results.maps import BandMaps
    from ..results.pooled import PooledImportance
    from ..results.response import BandResponse


@cache
def _table() -> dict[tuple[str, str], str]:
    text = resources.files(__package__).joinpath("labels.csv").read_text(encoding="utf-8")
    return {(row["what"], row["key"]): row["label"] for row in csv.DictReader(text.splitlines())}


def label(what: str, key: str) -> str:
    """Display name of a method or statistic; the key itself where `labels.csv` has none."""
    return _table().get((what, key), key)


def unit(result: BandImportance | BandMaps | PooledImportance) -> str:
    """Name the unit of importance and effect, such as "logit" or "logit per unit of input"."""
    return f"{result.output} {_table().get(('unit', result.method), '')}".rstrip()


def mean_score(result: BandImportance | PooledImportance) -> str:
    """Name importance: the mean size of band scores, or of the scores themselves where chance must average out."""
    return "Mean band score" if result.directed else "Mean |band score|"


def own_output(frame: pd.DataFrame) -> bool:
    """Whether every class is explained by its own output."""
    return bool((frame["class"].astype(str) == frame["output"].astype(str)).all())


def several_outputs(frame: pd.DataFrame) -> bool:
    """Whether outputs need facets: more than one is explained, and not just each class's own."""
    return frame["output"].nunique() > 1 and not own_output(frame)


def subtitle(result: BandImportance | PooledImportance, frame: pd.DataFrame, note: str) -> str:
    """Two lines: method, statistic and explained output; number of images and a note."""
    sources = [label("method", result.method), label("statistic", result.statistic)]
    return two_lines([*sources, *absent_as(result.options.get("absent"))], result, frame, note)


def two_lines(
    sources: Sequence[str],
    result: BandImportance | BandInteractions | BandResponse | PooledImportance,
    frame: pd.DataFrame,
    note: str,
) -> str:
    """What was computed, and of which output; number of images and a note."""
    if own_output(frame):
        explained = f"class {result.output}"
    elif several_outputs(frame):
        explained = f"{result.output} of each output"
    else:
        explained = f"{result.output} of {frame['output'].iloc[0]}"
    images = "image" if result.n == 1 else "images"
    return f"{', '.join([*sources, explained])}\nn = {result.n} {images}; {note}"


def wrap(text: str, width: int) -> str:
    """Break a name at spaces into lines of at most `width` characters; longer words stay whole."""
    return textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)


def longest(texts: Iterable[str]) -> int:
    """Characters of the longest line."""
    return max(len(line) for text in texts for line in text.split("\n"))
