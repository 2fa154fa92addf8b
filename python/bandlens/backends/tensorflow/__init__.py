"""TensorFlow: trace any model to primitive operations, run parts of the trace, differentiate them, compile."""

from .arrays import nd
from .compiling import OutOfMemory, compile, fold, fused, hold, version, vjp
from .run import Run
from .trace import Trace

__all__ = ["OutOfMemory", "Run", "Trace", "compile", "fold", "fused", "hold", "nd", "version", "vjp"]
