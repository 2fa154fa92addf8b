"""JAX: trace any model to primitive operations, run parts of the trace, differentiate them, compile."""

from ..forwards import has_forward
from .arrays import nd
from .compiling import OutOfMemory, compile, device, free_memory, fused, loop_over, to_device, version, vjp
from .forwards import jvp
from .marks import mark
from .ready import ready
from .run import Run
from .trace import Trace

__all__ = [
    "OutOfMemory",
    "Run",
    "Trace",
    "compile",
    "device",
    "free_memory",
    "fused",
    "has_forward",
    "jvp",
    "loop_over",
    "mark",
    "nd",
    "ready",
    "to_device",
    "version",
    "vjp",
]
