"""To which family each operation of PyTorch belongs: the table to extend when a model brings a new one."""

from __future__ import annotations

from ...graph import Family

# jointly linear in their data inputs; where one of these is a position, there is no rule
LINEAR = frozenset(
    """
    _adaptive_avg_pool2d _adaptive_avg_pool3d _reshape_alias _to_copy _unsafe_index _unsafe_view _upsample_bicubic2d_aa
    _upsample_bilinear2d_aa add as_strided avg_pool1d avg_pool2d avg_pool3d cat col2im constant_pad_nd copy cumsum
    diag_embed diagonal diagonal_scatter expand flip gather im2col index index_add index_put index_select mean neg
    narrow_copy permute pixel_shuffle pixel_unshuffle reflection_pad1d reflection_pad2d reflection_pad3d repeat
    replication_pad1d replication_pad2d replication_pad3d roll rot90 rsub scatter scatter_add select select_scatter
    slice slice_scatter split split_with_sizes squeeze stack sub sum t transpose tril triu unbind unfold unsqueeze
    upsample_bicubic2d upsample_bilinear2d upsample_linear1d upsample_nearest1d upsample_nearest2d upsample_nearest3d
    upsample_trilinear3d _upsample_nearest_exact1d _upsample_nearest_exact2d _upsample_nearest_exact3d view
    """.split()
)

# linear in each of two inputs: linear where one carries data, a product or contraction where both do
BILINEAR = {
    "mul": Family.PRODUCT,
    **dict.fromkeys("bmm convolution dot mm mv".split(), Family.CONTRACTION),
}

ELEMENTWISE = frozenset(
    """
    _prelu_kernel abs acos acosh asin asinh atan atan2 atanh bitwise_and bitwise_not bitwise_or bitwise_xor ceil celu
    clamp clamp_max clamp_min copysign cos cosh digamma elu eq erf erfc erfinv exp exp2 expm1 floor floor_divide fmax
    fmin fmod frac ge gelu gt hardshrink hardsigmoid hardswish hardtanh heaviside hypot isfinite isinf isnan le
    leaky_relu lerp lgamma log log10 log1p log2 logaddexp logaddexp2 logical_and logical_not logical_or logical_xor lt
    masked_fill maximum minimum mish nan_to_num ne pow reciprocal relu remainder round rsqrt sgn sigmoid sign silu sin
    sinc sinh softplus softshrink special_entr special_erfcx special_i0e special_i1e special_ndtri sqrt square tan tanh
    threshold trunc where xlogy special_xlog1py
    """.split()
)

MAXIMUM = frozenset(
    """
    adaptive_max_pool2d adaptive_max_pool3d amax max_pool2d_with_indices max_pool3d_with_indices
    """.split()
)

# smooth, and not taken apart: the vector-Jacobian product is integrated along the line between image and background
SMOOTH = frozenset({"prod", "cumprod", "linalg_inv_ex", "_linalg_det", "linalg_cholesky_ex", "logcumsumexp"})

POINTWISE_FAMILIES = frozenset({Family.ELEMENTWISE, Family.PRODUCT, Family.QUOTIENT})

# linear ones that keep elements apart; broadcasting is recognised by shape
POINTWISE = frozenset("_to_copy add div masked_fill mul neg rsub sub where".split())

# sums and means over whole axes: what each element weighs, of so many
REDUCTIONS = {"sum": lambda length: 1.0, "mean": lambda length: 1.0 / length}

# elements in the same order, or repeated along axes of length 1
RESHAPES = frozenset("view _unsafe_view unsqueeze squeeze expand".split())

# parts of the input, such as single bands
SELECTS = frozenset("slice select split split_with_sizes unbind narrow_copy index_select".split())

# the output is the input, in value; stops of the derivative don't matter to finite differences
ALIAS = frozenset({"alias", "clone", "detach", "lift_fresh", "lift_fresh_copy", "mark"})

# only the shape of the input matters, so no image data passes; and what the output is filled with
FILLED: dict[str, int | None] = {
    "empty_like": 0,
    "zeros_like": 0,
    "ones_like": 1,
    "new_empty": 0,
    "new_zeros": 0,
    "new_ones": 1,
}
FILLED |= dict.fromkeys(("full_like", "new_full"), None)

# each number of their kernel is used once per output position, for one output channel
KERNELS = frozenset(BILINEAR) - {"mul"}


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
    if kind == "where" and not data[0]:
        return Family.LINEAR
    if kind == "masked_fill" and not data[1]:
        return Family.LINEAR
    if kind in ELEMENTWISE:
        return Family.ELEMENTWISE
    if kind in MAXIMUM:
        return Family.MAXIMUM
    if kind == "_softmax":
        return Family.SOFTMAX
    if kind == "_log_softmax":
        return Family.LOG_SOFTMAX
    return Family.SMOOTH if kind in SMOOTH else Family.UNSUPPORTED
