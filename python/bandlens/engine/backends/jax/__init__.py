"""JAX: trace any model to primitive operations, run parts of the trace, differentiate them, compile."""

from ..advising import advice
from ..announcing import announce
from ..channels import apart
from .arrays import nd
from .compiling import OutOfMemory, compile, device, free_memory, fused, fuses, loop_over, to_device, version, vjp
from .forwards import has_forward, jvp
from .marks import mark
from .ready import ready
from .run import Run
from .trace import Trace, settings

__all__ = [
    "OutOfMemory",
    "Run",
    "Trace",
    "advice",
    "announce",
    "apart",
    "compile",
    "device",
    "free_memory",
    "fused",
    "fuses",
    "has_forward",
    "jvp",
    "loop_over",
    "mark",
    "nd",
    "ready",
    "settings",
    "to_device",
    "version",
    "vjp",
]
