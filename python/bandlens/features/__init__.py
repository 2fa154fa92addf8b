"""What do neurons look for? Kernels of first layers, images that excite deeper features, and the data's own images.

Imports `data`, `engine`, `models`, `results`, and from `explain` where derivatives end; plots and `r` may import it.
"""

from .activations import LayerActivations, layer_activations
from .kernels import LayerKernels, layer_kernels
from .listing import LayerList, list_layers
from .result import FeatureImages, plot_layers
from .top import TopImages, top_images
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
    "plot_layers",
    "top_images",
    "visualize_features",
]
