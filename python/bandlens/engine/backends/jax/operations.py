"""To which family each JAX primitive belongs: the table to extend when a model brings a new one."""

from __future__ import annotations

from ...graph import Family
from ..tables import OperationTable

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

# functions of one tensor with a derivative of their own that are kept whole (see `flat`)
KEPT = frozenset({"custom_jvp_call", "custom_vjp_call"})

# linear ones that keep elements apart; broadcasting is recognised by shape
POINTWISE = frozenset("add add_any sub neg convert_element_type reduce_precision mul div select_n".split())

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

# outputs are elements of the inputs, or constants, wherever these stand
COPIES = frozenset(
    """
    convert_element_type reduce_precision reshape squeeze expand_dims transpose pad concatenate stack unstack slice
    dynamic_slice dynamic_update_slice gather scatter split tile broadcast_in_dim rev real select_n
    """.split()
)

TABLE = OperationTable(
    linear=LINEAR,
    bilinear=BILINEAR,
    quotients={"div"},
    choices={"select_n": 0},
    elementwise=ELEMENTWISE | KEPT,
    maximum={"reduce_max", "reduce_window_max"},
    smooth={"reduce_prod", "cumprod", "cumlogsumexp", "cholesky", "lu", "triangular_solve"},
    named={"softmax": Family.SOFTMAX, "log_softmax": Family.LOG_SOFTMAX, **dict.fromkeys(LOOPS, Family.LOOP)},
    pointwise=POINTWISE,
    reductions={"reduce_sum": lambda length: 1.0},
    reshapes={"reshape", "squeeze", "expand_dims", "broadcast_in_dim"},
    selects=frozenset("slice dynamic_slice split gather unstack".split()),
    copies=COPIES,
    shifts=frozenset("add add_any convert_element_type reduce_precision".split()),
    offsets={"add", "sub"},
    homogeneous={"abs"},
)
