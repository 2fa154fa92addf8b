"""To which family each JAX primitive belongs: the table to extend when a model brings a new one."""

from __future__ import annotations

from ...graph import Family

# jointly linear in their data inputs; where one of these is a position, there is no rule
LINEAR = frozenset(
    """
    add add_any sub neg convert_element_type reduce_precision reduce_sum reduce_window_sum reshape squeeze
    expand_dims transpose pad concatenate stack unstack slice dynamic_slice dynamic_update_slice gather scatter
    scatter-add split tile broadcast_in_dim rev cumsum real imag
    """.split()
)

# linear in each of two inputs: linear where one carries data, a product or contraction where both do
BILINEAR = {
    "mul": Family.PRODUCT,
    "dot_general": Family.CONTRACTION,
    "conv_general_dilated": Family.CONTRACTION,
}

ELEMENTWISE = frozenset(
    """
    abs acos acosh and asin asinh atan atan2 atanh bessel_i0e bessel_i1e cbrt ceil clamp cos cosh digamma eq eq_to
    erf erf_inv erfc exp exp2 expm1 floor ge gt integer_pow is_finite le le_to lgamma log log1p logistic lt lt_to
    max min ne nextafter not or pow rem round rsqrt sign sin sinh sqrt square tan tanh xor
    """.split()
)

MAXIMUM = frozenset({"reduce_max", "reduce_window_max"})

# smooth, and not taken apart: the vector-Jacobian product is integrated along the line between image and background
SMOOTH = frozenset({"reduce_prod", "cumprod", "cumlogsumexp", "cholesky", "lu", "triangular_solve"})

# functions of one tensor with a derivative of their own that are kept whole (see `flat`)
KEPT = frozenset({"custom_jvp_call", "custom_vjp_call"})

POINTWISE_FAMILIES = frozenset({Family.ELEMENTWISE, Family.PRODUCT, Family.QUOTIENT})

# linear ones that keep elements apart; broadcasting is recognised by shape
POINTWISE = frozenset("add add_any sub neg convert_element_type reduce_precision mul div select_n".split())

# sums over whole axes: what each element weighs, of so many
REDUCTIONS = {"reduce_sum": lambda length: 1.0}

# elements in the same order, or repeated along axes of length 1
RESHAPES = frozenset({"reshape", "squeeze", "expand_dims", "broadcast_in_dim"})

# parts of the input, such as single bands
SELECTS = frozenset("slice dynamic_slice split gather unstack".split())

# outputs are the inputs, in value; stops of the derivative don't matter to finite differences
ALIAS = frozenset("stop_gradient copy copy_p name optimization_barrier sharding_constraint device_put".split())

# with a function inside that is written out; derivatives of their own may be kept, see above
CALLS = frozenset(
    """
    jit pjit closed_call core_call core_closed_call checkpoint remat remat2 custom_jvp_call custom_vjp_call
    custom_vjp_call_jaxpr
    """.split()
)

# they have a derivative, but every step of it would have to be repeated at every point of a line
LOOPS = frozenset({"scan", "while"})

RANDOM = frozenset("random_bits random_gamma rng_bit_generator rng_uniform threefry2x32".split())


def family(kind: str, data: list[bool]) -> Family:
    """Family of an operation, given which of its inputs carry image data."""
    both = sum(data) > 1
    if kind in LINEAR:
        return Family.LINEAR
    if kind in BILINEAR:
        return BILINEAR[kind] if both else Family.LINEAR
    if kind == "div":
        if both:
            return Family.QUOTIENT
        return Family.LINEAR if data[0] else Family.ELEMENTWISE
    if kind == "select_n":
        return Family.ELEMENTWISE if data[0] else Family.LINEAR
    if kind in ELEMENTWISE or kind in KEPT:
        return Family.ELEMENTWISE
    if kind in MAXIMUM:
        return Family.MAXIMUM
    if kind == "softmax":
        return Family.SOFTMAX
    if kind == "log_softmax":
        return Family.LOG_SOFTMAX
    if kind in SMOOTH:
        return Family.SMOOTH
    return Family.LOOP if kind in LOOPS else Family.UNSUPPORTED
