"""Class activation maps as formulas of a layer's activations A and of the gradients G of an output in them.

Each is written with the array functions of the backends: `activations` has shape (n, positions, features), `gradients`
(n, k, positions, features), and a map (n, k, positions). None of them sets negative values to 0 in the end; that is the
caller's.
"""

from __future__ import annotations

from typing import Any

from ..engine.backends.contract import Arrays


def grad_cam(nd: Arrays, activations: Any, gradients: Any) -> Any:
    """Features weighted by their mean gradient: sum_c mean_p(G_pc) A_pc (Selvaraju et al. 2017, equations 1 and 2)."""
    return nd.einsum("nkc,npc->nkp", nd.mean(gradients, 2), activations)


def hires_cam(nd: Arrays, activations: Any, gradients: Any) -> Any:
    """Activations times their own gradients: sum_c G_pc A_pc (Draelos & Carin 2020)."""
    return nd.einsum("nkpc,npc->nkp", gradients, activations)


def layer_cam(nd: Arrays, activations: Any, gradients: Any) -> Any:
    """Activations times their own positive gradients: sum_c relu(G_pc) A_pc (Jiang et al. 2021, equations 4 and 5)."""
    return nd.einsum("nkpc,npc->nkp", _positive(nd, gradients), activations)


def grad_cam_plus_plus(nd: Arrays, activations: Any, gradients: Any, *, normalize_alphas: bool) -> Any:
    """Features weighted by sum_p alpha_pc relu(G_pc) (Chattopadhay et al. 2018, equations 5 and 19).

    For Y = exp(S), as there, alpha = G^2 / (2 G^2 + sum_q(A_q) G^3) where S is the output, G its gradient: the
    exponential cancels. The weights contain dY/dA = exp(S) G; here they contain G, so that maps are on the scale of the
    output and can be compared between images.
    """
    totals = nd.sum(activations, 1)
    below = 2 + totals[:, None, None, :] * gradients
    nothing = nd.zeros_like(gradients)
    counts = gradients != 0 if normalize_alphas else gradients > 0
    alphas = nd.where(counts, 1 / nd.where(counts, below, nd.ones_like(below)), nothing)
    if normalize_alphas:
        together = nd.sum(alphas, 2, keepdims=True)
        alphas = alphas / nd.where(together != 0, together, nd.ones_like(together))
    return nd.einsum("nkc,npc->nkp", nd.sum(alphas * _positive(nd, gradients), 2), activations)


def _positive(nd: Arrays, values: Any) -> Any:
    return nd.maximum(values, nd.zeros_like(values))
