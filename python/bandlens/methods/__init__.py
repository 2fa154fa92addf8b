"""Every way to ask which bands mattered; one small module each, listed here."""

from .deepshap import DEEPSHAP
from .expected_gradients import EXPECTED_GRADIENTS
from .gradient_x_input import GRADIENT_X_INPUT
from .integrated_gradients import INTEGRATED_GRADIENTS
from .lime import LIME
from .occlusion import OCCLUSION
from .permutation import PERMUTATION
from .saliency import SALIENCY
from .shapley import SHAPLEY
from .smoothgrad import SMOOTHGRAD
from .task import Method, Request, Task
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
        OCCLUSION,
        SHAPLEY,
        PERMUTATION,
        LIME,
    )
}

__all__ = ["METHODS", "Method", "Request", "Task"]
