"""To which family each operation of PyTorch belongs: the table to extend when a model brings a new one."""

from __future__ import annotations

from ...graph import Family
from ..tables import OperationTable

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

# outputs are elements of the inputs, or constants, wherever these stand
COPIES = frozenset(
    """
    _reshape_alias _to_copy _unsafe_index _unsafe_view as_strided cat constant_pad_nd copy diag_embed diagonal
    diagonal_scatter expand flip gather im2col index index_put index_select masked_fill narrow_copy permute
    pixel_shuffle pixel_unshuffle reflection_pad1d reflection_pad2d reflection_pad3d repeat replication_pad1d
    replication_pad2d replication_pad3d roll rot90 scatter select select_scatter slice slice_scatter split
    split_with_sizes squeeze stack t transpose tril triu unbind unfold unsqueeze upsample_nearest1d upsample_nearest2d
    upsample_nearest3d _upsample_nearest_exact1d _upsample_nearest_exact2d _upsample_nearest_exact3d view where
    """.split()
)

TABLE = OperationTable(
    linear=LINEAR,
    bilinear=BILINEAR,
    quotients={"div"},
    choices={"where": 0, "masked_fill": 1},
    elementwise=ELEMENTWISE,
    maximum=frozenset(
        "adaptive_max_pool2d adaptive_max_pool3d amax max_pool2d_with_indices max_pool3d_with_indices".split()
    ),
    smooth={"prod", "cumprod", "linalg_inv_ex", "_linalg_det", "linalg_cholesky_ex", "logcumsumexp"},
    named={"_softmax": Family.SOFTMAX, "_log_softmax": Family.LOG_SOFTMAX},
    pointwise=frozenset("_to_copy add div masked_fill mul neg rsub sub where".split()),
    reductions={"sum": lambda length: 1.0, "mean": lambda length: 1.0 / length},
    reshapes=frozenset("view _unsafe_view unsqueeze squeeze expand".split()),
    selects=frozenset("slice select split split_with_sizes unbind narrow_copy index_select".split()),
    copies=COPIES,
    shifts=frozenset("_to_copy add".split()),
    offsets={"add", "sub", "rsub"},
    homogeneous={"relu", "abs"},
)
