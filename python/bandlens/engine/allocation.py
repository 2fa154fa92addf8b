"""TensorFlow keeps memory for the next tensors on CPUs, where it has not been started yet.

Without oneDNN, it gives the memory of every large tensor back to the system, which has to hand out zeros for the next:
half of the time of a DeepSHAP call (`tests/benchmarks/deepshap.py onednn`). Numbers don't depend on it. TensorFlow
looks at these variables of the environment when it starts, so that they must be set before.
"""

from __future__ import annotations

import os
import platform
import sys

KEEPS = "TF_CPU_ALLOCATOR_USE_BFC"
# of what is kept TensorFlow allows 64 GB, and what it doesn't keep has no limit: 1 TB in its place
VARIABLES = {KEEPS: "true", "TF_CPU_BFC_MEM_LIMIT_IN_MB": str(1 << 20)}


def keep() -> None:
    """Have TensorFlow keep memory, unless it is there already or somebody has decided."""
    if applies() and "tensorflow" not in sys.modules and KEEPS not in os.environ:
        for name, value in VARIABLES.items():
            os.environ.setdefault(name, value)


def applies() -> bool:
    """Whether the system is one for which it was measured."""
    return platform.system() == "Linux"
