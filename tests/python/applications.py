"""Every architecture in keras.applications, as small as it accepts, for any number of bands, without weights."""

from __future__ import annotations

from typing import Any

import numpy as np

# smallest valid side, from the architectures' own checks; 32 where there is none
SIDES = {
    "InceptionResNetV2": 75,
    "InceptionV3": 75,
    "Xception": 71,
    "NASNetLarge": 32,
    "NASNetMobile": 32,
}

NAMES = (
    "VGG16 VGG19 ResNet50 ResNet101 ResNet152 ResNet50V2 ResNet101V2 ResNet152V2 InceptionV3 InceptionResNetV2 "
    "Xception MobileNet MobileNetV2 MobileNetV3Small MobileNetV3Large DenseNet121 DenseNet169 DenseNet201 "
    "NASNetMobile NASNetLarge EfficientNetB0 EfficientNetB1 EfficientNetB2 EfficientNetB3 EfficientNetB4 "
    "EfficientNetB5 EfficientNetB6 EfficientNetB7 EfficientNetV2B0 EfficientNetV2B1 EfficientNetV2B2 "
    "EfficientNetV2B3 EfficientNetV2S EfficientNetV2M EfficientNetV2L ConvNeXtTiny ConvNeXtSmall ConvNeXtBase "
    "ConvNeXtLarge ConvNeXtXLarge"
).split()

# one or two of each family, the small ones: what fits an ordinary test run
REPRESENTATIVES = (
    "VGG16 ResNet50 ResNet50V2 InceptionV3 Xception MobileNet MobileNetV2 MobileNetV3Small DenseNet121 "
    "NASNetMobile EfficientNetB0 EfficientNetV2B0 ConvNeXtTiny"
).split()


def build(keras: Any, name: str, bands: int, classes: int = 3) -> Any:
    """An architecture whose outputs vary: batch norm statistics as found on images, output weights of order one."""
    side = SIDES.get(name, 32)
    options: dict[str, Any] = {"weights": None, "input_shape": (side, side, bands), "classes": classes}
    if name.startswith(("MobileNetV3", "EfficientNet", "ConvNeXt")):
        # their built-in preprocessing is made for three bands
        options |= {"include_preprocessing": False} if not name.startswith("EfficientNetB") else {}
    if name.startswith("NASNet"):
        options["include_top"] = False
        body = getattr(keras.applications, name)(**{k: v for k, v in options.items() if k != "classes"})
        x = keras.layers.GlobalAveragePooling2D()(body.output)
        model = keras.Model(body.input, keras.layers.Dense(classes, activation="softmax")(x))
    else:
        model = getattr(keras.applications, name)(**options)
    settle(keras, model, side, bands)
    return model


def settle(keras: Any, model: Any, side: int, bands: int) -> None:
    """Let batch norm see images once, layer by layer, so that signals neither die nor explode on their way."""
    images = images_for(
        side, bands, 48, seed=5
    )  # of few, variances at the last, 1 x 1 pixel layers come out as nothing
    for layer in _flat(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    for _ in range(3):
        model(images, training=True)
    for layer in _flat(model):
        if type(layer).__name__ == "LayerScale":
            layer.gamma.assign(0 * layer.gamma + 0.3)
        if isinstance(layer, keras.layers.BatchNormalization):
            # channels that hardly varied on these images would blow up what varies on others
            variance = np.asarray(layer.moving_variance)
            layer.moving_variance.assign(np.maximum(variance, variance.mean()))


def images_for(side: int, bands: int, n: int, seed: int) -> np.ndarray:
    """Random images with structure at all scales, shape (n, side, side, bands)."""
    random = np.random.default_rng(seed)
    fine = random.normal(size=(n, side, side, bands))
    coarse = random.normal(size=(n, 4, 4, bands)).repeat(-(-side // 4), axis=1).repeat(-(-side // 4), axis=2)
    return (fine + coarse[:, :side, :side]).astype("float32")


def _flat(model: Any) -> list[Any]:
    return [inner for layer in model.layers for inner in (_flat(layer) if hasattr(layer, "layers") else [layer])]
