"""What do neurons look for? Kernels of first layers, images that excite deeper features, and the data's own images."""

from .activations import LayerActivations, TopImages, layer_activations, top_images
from .kernels import LayerKernels, layer_kernels
from .layers import LayerList, list_layers
from .result import FeatureImages
from .visualize import visualize_features

__all__ = [
    "FeatureImages",
    "LayerActivations",
    "LayerKernels",
    "LayerList",
    "TopImages",
    "layer_activations",
    "layer_kernels",
    "list_layers",
    "top_images",
    "visualize_features",
]
