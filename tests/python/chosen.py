"""What a call chooses at random and what it finds, written to a file, to be compared between numbers of threads.

python tests/python/chosen.py found.npz
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import bandlens as bl
import keras
import numpy as np

layers = keras.layers
random = np.random.default_rng(0)
model = keras.Sequential(
    [
        keras.Input((32, 32, 5)),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, padding="same", activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(64, activation="relu"),
        layers.Dense(3),
    ]
)
for weight in model.weights:
    weight.assign(random.normal(0, 1 / np.sqrt(np.prod(weight.shape[:-1], initial=1)), weight.shape))
y = np.arange(300) % 3
x = random.normal(size=(300, 32, 32, 5)) + random.normal(size=(3, 5))[y][:, None, None]
background = random.normal(size=(200, 32, 32, 5)) + random.normal(size=(200, 1, 1, 5))
found = {}
for name, options in (("few", {"background_per_image": 4}), ("rounds", {"precision": 0.15})):
    result = bl.band_importance(model, x, y, background=background, n_background=200, **options)
    for field in ("scores", "background", "images", "pair_places"):
        values = getattr(result, field)
        if values is not None:
            found[f"{name} {field}"] = values
    found[f"{name} share"] = result.table.share
np.savez(sys.argv[1], **found)
