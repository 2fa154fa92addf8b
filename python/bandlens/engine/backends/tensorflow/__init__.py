"""TensorFlow: trace any model to primitive operations, run parts of the trace, differentiate them, compile."""

from .arrays import nd
from .channels import apart
from .compiling import OutOfMemory, compile, free_memory, loop_over, to_device, version, vjp
from .devices import advice, device
from .forwards import has_forward, jvp
from .fusing import announce, fused, fuses
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
