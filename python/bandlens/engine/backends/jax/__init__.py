"""JAX: trace any model to primitive operations, run parts of the trace, differentiate them, compile."""

from .arrays import nd
from .compiling import OutOfMemory, compile, fold, free_memory, fused, hold, version, vjp
from .forwards import has_forward, jvp
from .marks import mark
from .ready import ready
from .run import Run
from .trace import Trace

__all__ = [
    "OutOfMemory",
    "Run",
    "Trace",
    "compile",
    "fold",
    "free_memory",
    "fused",
    "has_forward",
    "hold",
    "jvp",
    "mark",
    "nd",
    "ready",
    "version",
    "vjp",
]
