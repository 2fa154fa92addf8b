"""The fields of all results as a file, `schema.csv`, which R reads: it takes and gives results without Python, too.

`make schema` writes the file from the classes; a test fails where it is not what they say.
"""

from __future__ import annotations

import csv
import io
from importlib import import_module
from pathlib import Path

from ..results.schema import schema

FILE = Path(__file__).with_name("schema.csv")

# what R calls a result, and where its class is
RESULTS = {
    "activation_maps": ("localization.result", "ActivationMaps"),
    "band_importance": ("results.importance", "BandImportance"),
    "band_interactions": ("results.interactions", "BandInteractions"),
    "band_maps": ("results.maps", "BandMaps"),
    "band_response": ("results.response", "BandResponse"),
    "band_selection": ("results.selection", "BandSelection"),
    "counterfactual_spectra": ("results.counterfactuals", "Counterfactuals"),
    "feature_images": ("features.result", "FeatureImages"),
    "layer_activations": ("features.activations", "LayerActivations"),
    "layer_kernels": ("features.kernels", "LayerKernels"),
    "pooled_importance": ("results.pooled", "PooledImportance"),
    "top_images": ("features.top", "TopImages"),
    "wavelength_zones": ("results.wavelength_zones", "WavelengthZones"),
}


def result_class(name: str) -> type:
    """Class of a result, by R's name of it."""
    module, class_name = RESULTS[name]
    found: type = getattr(import_module(f"bandlens.{module}"), class_name)
    return found


def as_text() -> str:
    """The file: one row per field, in the order of the classes; axes are separated by " x "."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["result", "field", "kind", "axes", "of", "newer"])
    for result in RESULTS:
        for field in schema(result_class(result)).values():
            newer = "yes" if field.newer else ""
            table.writerow([result, field.name, field.kind, " x ".join(field.axes), field.of, newer])
    return text.getvalue()


if __name__ == "__main__":
    FILE.write_text(as_text(), encoding="utf-8", newline="\n")
