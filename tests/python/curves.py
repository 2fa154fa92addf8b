"""Made-up curves for tests of pictures, of any number of bands and classes."""

from __future__ import annotations

import numpy as np
from bandlens.results.local_effects import accumulated, averaged, bin_edges
from bandlens.results.response import BandResponse


def made_up(
    n_bands: int = 4, n_classes: int = 3, *, n: int = 40, kind: str = "ale", target: str = "class", known: bool = True
) -> BandResponse:
    """Curves of smooth functions with noise; bands differ in how strong they are."""
    random = np.random.default_rng(5)
    codes = np.repeat(np.arange(n_classes), n)
    levels = random.gamma(3, 0.1, (len(codes), n_bands)) + 0.05 * codes[:, None]
    outputs = codes[:, None] if target == "class" else np.tile(np.arange(n_classes), (len(codes), 1))
    strength = random.gamma(1, 2, (n_classes, n_bands))
    rows, steps = [], 10
    grid = np.full((n_classes, n_bands, steps + 1), np.nan)
    values = np.full((*outputs.shape, n_bands, steps + 1), np.nan)
    for code in range(n_classes):
        mine = codes == code
        for band in range(n_bands):
            own = levels[mine, band]

            def curve(at: np.ndarray, output: int, code: int = code, band: int = band) -> np.ndarray:
                return strength[output, band] * np.sin(6 * at + output + code)

            shown = outputs[mine][0]
            grid[code, band] = np.linspace(own.min(), own.max(), steps + 1)
            noise = random.normal(0, 0.3, (n, len(shown), 1))
            values[mine, :, band] = noise + np.stack([curve(grid[code, band], o) for o in shown])
            edges = bin_edges(own, steps)
            bins = np.clip(np.searchsorted(edges, own), 1, len(edges) - 1)
            change = np.stack([curve(edges[bins], o) - curve(edges[bins - 1], o) for o in shown], axis=1)
            change += random.normal(0, 0.1, change.shape)
            at = edges if kind == "ale" else grid[code, band]
            found = accumulated(own, change, edges) if kind == "ale" else averaged(own, values[mine][:, :, band], at)
            for k, output in enumerate(shown):
                rows += [
                    (code, output, band, level, *(column[row, k] for column in found[:4]), found.n[row])
                    for row, level in enumerate(at)
                ]
    rows.sort(key=lambda row: row[:4])
    names = "row_class row_output row_band level effect std_error conf_low conf_high n_images".split()
    columns = {name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    waves = np.linspace(400, 2400, n_bands) if known else np.full(n_bands, np.nan)
    classes = tuple(f"land cover {index + 1}" for index in range(n_classes))
    return BandResponse(
        kind=kind,
        **columns,
        image_class=codes,
        image_output=outputs,
        band_levels=levels,
        classes=classes,
        outputs=classes,
        bands=tuple(f"band_{index + 1}" for index in range(n_bands)),
        wavelengths=tuple(waves.tolist()),
        output="logit",
        steps=steps,
        grid=grid if kind == "ice" else None,
        values=values if kind == "ice" else None,
    )
