"""The small network on the Landsat patches: how it is trained, by the demo too, and how the file that ships was made.

Run as ``python -m bandlens.datasets.make_landsat_model``: writes `landsat.keras` beside this file, and prints how often
the network is right on the test patches. `inst/examples/landsat.R` and the vignettes train the same one from R.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from . import Patches, landsat, landsat_model


def train(data: Patches, *, epochs: int = 30, seed: int = 1) -> Any:
    """Train a small CNN with batch normalisation, pooling and dropout.

    Parameters
    ----------
    data : Patches
    epochs, seed : int

    Returns
    -------
    keras.Model
        From digital numbers to class probabilities.
    """
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input(data.x_train.shape[1:]),
            layers.Rescaling(1 / 255),
            layers.Conv2D(32, 3, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(64, 3, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(2, padding="same"),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(len(data.classes), activation="softmax"),
        ],
        name="landsat_cnn",
    )
    batch_size = 64
    steps = epochs * -(-len(data.y_train) // batch_size)
    model.compile(
        optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.003, steps)),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(data.x_train, data.y_train, batch_size=batch_size, epochs=epochs, verbose=0)
    return model


# Options that later versions of Keras write although nobody set them, and that earlier ones refuse to read.
LATER = {"input_axes", "output_axes", "optional", "quantization_config", "renorm", "renorm_clipping", "renorm_momentum"}


def save(model: Any, path: Path) -> None:
    """Save a network for every Keras 3, without what only training it further would need (two thirds of the file)."""
    import keras

    bare = keras.Sequential.from_config(model.get_config())
    bare.set_weights(model.get_weights())
    bare.save(path)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files["config.json"] = json.dumps(_without_later(json.loads(files["config.json"]))).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def _without_later(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_later(inner) for key, inner in value.items() if key not in LATER}
    return [_without_later(inner) for inner in value] if isinstance(value, list) else value


def main() -> None:
    """Train the network and save it."""
    data = landsat()
    model = train(data)
    save(model, landsat_model())
    accuracy = np.mean(np.argmax(model.predict(data.x_test, verbose=0), axis=1) == data.y_test)
    print(f"Wrote {landsat_model().name}: right for {accuracy:.1%} of {len(data.y_test)} test patches")


if __name__ == "__main__":
    main()
