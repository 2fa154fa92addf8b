"""Every way to ask which bands mattered; one small module each, listed here."""

from .deepshap import DEEPSHAP
from .saliency import SALIENCY
from .task import Method, Task

METHODS: dict[str, Method] = {method.name: method for method in (SALIENCY, DEEPSHAP)}

__all__ = ["METHODS", "Method", "Task"]
