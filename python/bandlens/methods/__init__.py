"""Every way to ask which bands mattered: one small module each, and one line in the table below.

A module makes one `Method`, of one of the kinds in `kinds`. A method is given a checked `Task` and gives findings:
scores of bands, values of pixels, and what else it measures. Those that take gradients share `gradients`; those that
exchange bands between images share `mixtures`.

Imports `data`, `engine` and `models`; `explain` and all that comes after it may import it.
"""

from .deepshap import DEEPSHAP
from .expected_gradients import EXPECTED_GRADIENTS
from .gradient_x_input import GRADIENT_X_INPUT
from .integrated_gradients import INTEGRATED_GRADIENTS
from .kinds import Method
from .lime import LIME
from .lrp import LRP
from .occlusion import OCCLUSION
from .owen import OWEN
from .permutation import PERMUTATION
from .sage import SAGE
from .saliency import SALIENCY
from .shapley import SHAPLEY
from .smoothgrad import SMOOTHGRAD
from .task import Request, Task
from .vargrad import VARGRAD

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        SALIENCY,
        SMOOTHGRAD,
        VARGRAD,
        GRADIENT_X_INPUT,
        INTEGRATED_GRADIENTS,
        EXPECTED_GRADIENTS,
        DEEPSHAP,
        LRP,
        OCCLUSION,
        SHAPLEY,
        OWEN,
        PERMUTATION,
        SAGE,
        LIME,
    )
}

__all__ = ["METHODS", "Method", "Request", "Task"]
