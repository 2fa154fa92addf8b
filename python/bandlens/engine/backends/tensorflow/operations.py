"""To which family each TensorFlow operation belongs: the table to extend when a model brings a new one."""

from __future__ import annotations

from ...graph import Family
from ..tables import OperationTable

# jointly linear in their data inputs, whichever those are
LINEAR = frozenset(
    """
    Add AddV2 AddN Sub Neg BiasAdd BiasAddV1 Cast Sum Mean AvgPool AvgPool3D Reshape Squeeze ExpandDims Transpose Pad
    PadV2 MirrorPad Concat ConcatV2 Pack Unpack Split SplitV Slice StridedSlice Gather GatherV2 GatherNd Tile
    BroadcastTo ReverseV2 Roll Cumsum SpaceToBatchND BatchToSpaceND SpaceToDepth DepthToSpace ResizeBilinear
    ResizeNearestNeighbor ResizeBicubic ResizeArea MatrixDiag MatrixDiagV3 MatrixDiagPart MatrixDiagPartV3
    """.split()
)

# linear in each of two inputs: linear where one carries data, a product or contraction where both do
BILINEAR = {
    "Mul": Family.PRODUCT,
    "MulNoNan": Family.PRODUCT,
    **dict.fromkeys(
        """
        MatMul BatchMatMul BatchMatMulV2 BatchMatMulV3 Einsum Conv2D Conv3D DepthwiseConv2dNative Conv2DBackpropInput
        Conv3DBackpropInput Conv3DBackpropInputV2 DepthwiseConv2dNativeBackpropInput
        """.split(),
        Family.CONTRACTION,
    ),
}

ELEMENTWISE = frozenset(
    """
    Abs Acos Acosh Asin Asinh Atan Atan2 Atanh Ceil ClipByValue Cos Cosh Digamma DivNoNan Elu Equal Erf Erfc Erfinv Exp
    Expm1 Floor FloorDiv FloorMod Greater GreaterEqual Inv IsFinite IsInf IsNan LeakyRelu Less LessEqual Lgamma Log
    Log1p LogicalAnd LogicalNot LogicalOr Maximum Minimum Mod Ndtri NotEqual Pow Reciprocal Relu Relu6 Rint Round Rsqrt
    Select SelectV2 Selu Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Square SquaredDifference Tan Tanh TruncateDiv
    TruncateMod Xdivy Xlog1py Xlogy
    """.split()
)

# linear ones that keep elements apart; broadcasting is recognised by shape
POINTWISE = frozenset(
    """
    Add AddV2 AddN Sub Neg BiasAdd BiasAddV1 Cast Mul MulNoNan RealDiv Div FusedBatchNorm FusedBatchNormV2
    FusedBatchNormV3
    """.split()
)

# the output is the input, in value; custom gradients (SiLU's, for one) and stops don't matter to finite differences
ALIAS = frozenset(
    {"Identity", "IdentityN", "StopGradient", "PreventGradient", "CheckNumerics", "Snapshot", "EnsureShape"}
)

# they may change how many rows there are of an image, or cut the images' axis, other than by keeping all elements
CUTS_IMAGES = frozenset(
    """
    SpaceToBatchND BatchToSpaceND SpaceToBatch BatchToSpace Tile Concat ConcatV2 Pack Unpack Split SplitV Slice
    StridedSlice Gather GatherV2 GatherNd PadV2 Pad MirrorPad Where BroadcastTo ScatterNd TensorScatterUpdate Einsum
    While StatelessWhile If StatelessIf TensorListStack Conv2DBackpropInput Conv3DBackpropInputV2
    """.split()
)

# only the shape of the input matters, so no image data passes
SHAPE_ONLY = frozenset({"Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike", "BroadcastArgs"})

# they have a derivative, but every step of it would have to be repeated at every point of a line
LOOPS = frozenset({"While", "StatelessWhile"})

BRANCHES = frozenset({"If", "StatelessIf", "Case", "StatelessCase"})

CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})

RANDOM = frozenset(
    """
    RandomUniform RandomStandardNormal TruncatedNormal RandomUniformInt Multinomial RandomShuffle RandomGamma
    RandomPoissonV2 StatelessRandomUniform StatelessRandomUniformV2 StatelessRandomNormal StatelessRandomNormalV2
    StatelessTruncatedNormal StatelessTruncatedNormalV2 StatelessRandomUniformInt StatelessRandomUniformIntV2
    StatefulStandardNormalV2 StatefulUniform StatefulUniformFullInt StatefulTruncatedNormal
    """.split()
)

# outputs are elements of the input, or constants, wherever these stand
COPIES = frozenset(
    """
    Cast Reshape Squeeze ExpandDims Transpose Pad PadV2 MirrorPad Concat ConcatV2 Pack Unpack Split SplitV Slice
    StridedSlice Gather GatherV2 GatherNd Tile BroadcastTo ReverseV2 Roll SpaceToBatchND BatchToSpaceND SpaceToDepth
    DepthToSpace ResizeNearestNeighbor MatrixDiag MatrixDiagV3 MatrixDiagPart MatrixDiagPartV3 Select SelectV2
    """.split()
)

TABLE = OperationTable(
    linear=LINEAR,
    bilinear=BILINEAR,
    quotients={"RealDiv", "Div"},
    choices={"Select": 0, "SelectV2": 0},
    joint={"SquaredDifference": Family.SQUARED_DIFFERENCE},
    elementwise=ELEMENTWISE,
    maximum={"Max", "MaxPool", "MaxPoolV2", "MaxPool3D"},
    smooth={"L2Loss", "LRN", "Prod", "Cumprod", "MatrixInverse", "Cholesky", "Det"},
    named={"Softmax": Family.SOFTMAX, "LogSoftmax": Family.LOG_SOFTMAX, **dict.fromkeys(LOOPS, Family.LOOP)},
    pointwise=POINTWISE,
    reductions={"Sum": lambda length: 1.0, "Mean": lambda length: 1.0 / length},
    reshapes={"Reshape", "ExpandDims", "Squeeze", "BroadcastTo"},
    selects=frozenset("StridedSlice Slice Split SplitV Unpack Gather GatherV2".split()),
    copies=COPIES,
    shifts=frozenset("Add AddV2 AddN BiasAdd BiasAddV1 Cast".split()),
    offsets={"Add", "AddV2", "Sub"},
    homogeneous={"Relu", "Abs"},
)
