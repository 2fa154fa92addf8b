"""Results with several inputs and with a time axis, made by hand."""

from __future__ import annotations

from dataclasses import replace

import bandlens as bl
from test_plots import result_of

DATES = ("2024-04-01", "2024-05-01", "2024-06-10")
# two inputs share a band's name; the third has no time axis
INPUTS = {"optical": ("blue", "nir"), "sar": ("VV", "blue"), "terrain": ("slope",)}


def timed(times=DATES, kind="date", bands=("NDVI", "red"), **options) -> bl.BandImportance:
    """Bands x steps."""
    cells = [(band, time) for band in bands for time in times]
    result = result_of(bands=[" ".join(cell) for cell in cells], **options)
    waves = [{"red": 660.0}.get(band, float("nan")) for band, _ in cells]
    names, steps = zip(*cells, strict=True)
    return replace(result, bands=names, times=steps, time_kind=kind, wavelengths=tuple(waves))


def fused(times=None, kind=None, inputs=INPUTS, **options) -> bl.BandImportance:
    """Bands of several inputs, of which the last has no steps."""
    steps = dict.fromkeys(inputs, times or ("",)) | {list(inputs)[-1]: ("",)}
    cells = [(name, band, time) for name, bands in inputs.items() for band in bands for time in steps[name]]
    result = result_of(bands=[" ".join(cell) for cell in cells], **options)
    names, bands, steps_of = zip(*cells, strict=True)
    return replace(result, inputs=names, bands=bands, times=steps_of if times else None, time_kind=kind)
