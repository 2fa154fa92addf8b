"""Layer-wise relevance propagation: an output is handed back, layer by layer, to what the layer was given.

Each rule shares out the relevance of an operation's output among its inputs, in proportion to what they contribute.
The graph is read as for DeepSHAP (`bandlens.engine.deepshap.plan`), but every tensor by itself; nothing is compared
with a background. `layers` finds the products with weights and what belongs to each, `weighted` has their rules, which
the user chooses; `rules` has one for each other kind of step, `walk` goes from the outputs to the images.
"""

from .layers import Layered, layered
from .walk import relevances
from .weighted import FIRSTS, LAYERS, NAMES, Bounds, Settings

__all__ = ["FIRSTS", "LAYERS", "NAMES", "Bounds", "Layered", "Settings", "layered", "relevances"]
