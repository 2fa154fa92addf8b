"""Whether PyTorch can compute and differentiate here."""

from __future__ import annotations

import torch

from ....errors import ModelError


def ready() -> None:
    """Raise a ModelError where there are no derivatives, whatever is asked for."""
    if torch.is_inference_mode_enabled():
        raise ModelError(
            "bandlens was called in PyTorch's inference mode, in which there are no derivatives.",
            fix="call it outside of torch.inference_mode()",
        )
