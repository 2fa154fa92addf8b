"""Where in an image does a class show? Class activation maps of a layer, also band by band, and occlusion maps.

A way to make a class activation map is one `CamMethod`, listed in `methods`. Imports `data`, `engine`, `models`,
`methods`, `results`, `explain`, and from `features` how layers are found; plots and `r` may import it.
"""

from .cams import class_activation_maps
from .methods import CAM_METHODS
from .occlusion import occlusion_maps
from .result import ActivationMaps

__all__ = ["CAM_METHODS", "ActivationMaps", "class_activation_maps", "occlusion_maps"]
