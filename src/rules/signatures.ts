import type * as tf from '@tensorflow/tfjs-core';

/** What a kernel takes and gives, as the rules see it: names of inputs, attributes, and whether it has one output or several. */
export interface Signature {
  /** Names of the tensors that every call has, or `number` where the kernel takes a list. */
  readonly required: PropertyKey;
  /** Names of the tensors that a call may leave out. */
  readonly optional: string;
  readonly attrs: object;
  readonly output: 'one' | 'many';
}

/** A kernel with named inputs. */
export interface Sig<
  Required extends string,
  Attrs extends object = object,
  Optional extends string = never,
> {
  required: Required;
  optional: Optional;
  attrs: Attrs;
  output: 'one';
}

/** A kernel with named inputs and a list of outputs. */
export interface ManySig<Required extends string, Attrs extends object = object> {
  required: Required;
  optional: never;
  attrs: Attrs;
  output: 'many';
}

/** A kernel whose inputs are a list of tensors. */
export interface ListSig<Attrs extends object = object> {
  required: number;
  optional: never;
  attrs: Attrs;
  output: 'one';
}

type Unary<Attrs extends object = object> = Sig<'x', Attrs>;
type Binary = Sig<'a' | 'b'>;
type Fused = 'bias' | 'preluActivationWeights';

/** `dilations` is missing from tfjs's type, but every backend that has the kernel reads it where tfjs passes it. */
export interface Dilation2DBackpropAttrs extends tf.Dilation2DAttrs {
  inputShape?: number[];
}

/**
 * Every kernel that rules can be written for. The names are tfjs's own (`kernel_names.ts`), and so are the inputs and attributes.
 * `UpperBound`, `LowerBound`, `Pool`, `MatrixBandPart`, `BroadcastTo` and `LogSoftmax` are names that no backend implements and no op calls.
 */
export interface Signatures {
  Abs: Unary;
  Acos: Unary;
  Acosh: Unary;
  Add: Binary;
  AddN: ListSig;
  All: Unary<tf.AllAttrs>;
  Any: Unary<tf.AnyAttrs>;
  ArgMax: Unary<tf.ArgMaxAttrs>;
  ArgMin: Unary<tf.ArgMinAttrs>;
  Asin: Unary;
  Asinh: Unary;
  Atan: Unary;
  Atan2: Binary;
  Atanh: Unary;
  AvgPool: Unary<tf.AvgPoolAttrs>;
  AvgPool3D: Unary<tf.AvgPool3DAttrs>;
  AvgPool3DGrad: Sig<'dy' | 'input', tf.AvgPool3DGradAttrs>;
  AvgPoolGrad: Sig<'dy' | 'input', tf.AvgPoolGradAttrs>;
  BatchMatMul: Sig<'a' | 'b', tf.BatchMatMulAttrs>;
  BatchToSpaceND: Unary<tf.BatchToSpaceNDAttrs>;
  Bincount: Sig<'x' | 'weights', tf.BincountAttrs>;
  BitwiseAnd: Binary;
  BroadcastArgs: Sig<'s0' | 's1'>;
  Cast: Unary<tf.CastAttrs>;
  Ceil: Unary;
  ClipByValue: Unary<tf.ClipByValueAttrs>;
  Complex: Sig<'real' | 'imag'>;
  ComplexAbs: Unary;
  Concat: ListSig<tf.ConcatAttrs>;
  Conv2D: Sig<'x' | 'filter', tf.Conv2DAttrs>;
  Conv2DBackpropFilter: Sig<'x' | 'dy', tf.Conv2DBackpropFilterAttrs>;
  Conv2DBackpropInput: Sig<'dy' | 'filter', tf.Conv2DBackpropInputAttrs>;
  Conv3D: Sig<'x' | 'filter', tf.Conv3DAttrs>;
  Conv3DBackpropFilterV2: Sig<'x' | 'dy', tf.Conv3DBackpropFilterV2Attrs>;
  Conv3DBackpropInputV2: Sig<'dy' | 'filter', tf.Conv3DBackpropInputV2Attrs>;
  Cos: Unary;
  Cosh: Unary;
  CropAndResize: Sig<'image' | 'boxes' | 'boxInd', tf.CropAndResizeAttrs>;
  Cumprod: Unary<tf.CumprodAttrs>;
  Cumsum: Unary<tf.CumsumAttrs>;
  DenseBincount: Sig<'x' | 'weights', tf.DenseBincountAttrs>;
  DepthToSpace: Unary<tf.DepthToSpaceAttrs>;
  DepthwiseConv2dNative: Sig<'x' | 'filter', tf.DepthwiseConv2dNativeAttrs>;
  DepthwiseConv2dNativeBackpropFilter: Sig<'x' | 'dy', tf.DepthwiseConv2dNativeBackpropFilterAttrs>;
  DepthwiseConv2dNativeBackpropInput: Sig<
    'dy' | 'filter',
    tf.DepthwiseConv2dNativeBackpropInputAttrs
  >;
  Diag: Unary;
  Dilation2D: Sig<'x' | 'filter', tf.Dilation2DAttrs>;
  Dilation2DBackpropFilter: Sig<'x' | 'filter' | 'dy', Dilation2DBackpropAttrs>;
  Dilation2DBackpropInput: Sig<'x' | 'filter' | 'dy', Dilation2DBackpropAttrs>;
  Draw: Sig<'image', tf.DrawAttrs>;
  Einsum: ListSig<tf.EinsumAttrs>;
  Elu: Unary;
  EluGrad: Sig<'dy' | 'y'>;
  Equal: Binary;
  Erf: Unary;
  Exp: Unary;
  ExpandDims: Sig<'input', tf.ExpandDimsAttrs>;
  Expm1: Unary;
  FFT: Sig<'input'>;
  Fill: Sig<never, tf.FillAttrs>;
  FlipLeftRight: Sig<'image'>;
  Floor: Unary;
  FloorDiv: Binary;
  FromPixels: Sig<never, tf.FromPixelsAttrs>;
  FusedBatchNorm: Sig<'x' | 'mean' | 'variance', tf.FusedBatchNormAttrs, 'scale' | 'offset'>;
  FusedConv2D: Sig<'x' | 'filter', tf.FusedConv2DAttrs, Fused>;
  FusedDepthwiseConv2D: Sig<'x' | 'filter', tf.FusedDepthwiseConv2DAttrs, Fused>;
  GatherNd: Sig<'params' | 'indices'>;
  GatherV2: Sig<'x' | 'indices', tf.GatherV2Attrs>;
  Greater: Binary;
  GreaterEqual: Binary;
  IFFT: Sig<'input'>;
  Identity: Unary;
  Imag: Sig<'input'>;
  IsFinite: Unary;
  IsInf: Unary;
  IsNan: Unary;
  LRN: Unary<tf.LRNAttrs>;
  LRNGrad: Sig<'x' | 'y' | 'dy', tf.LRNGradAttrs>;
  LeakyRelu: Unary<tf.LeakyReluAttrs>;
  Less: Binary;
  LessEqual: Binary;
  LinSpace: Sig<never, tf.LinSpaceAttrs>;
  Log: Unary;
  Log1p: Unary;
  LogicalAnd: Binary;
  LogicalNot: Unary;
  LogicalOr: Binary;
  LogicalXor: Binary;
  Max: Unary<tf.MaxAttrs>;
  MaxPool: Unary<tf.MaxPoolAttrs>;
  MaxPool3D: Unary<tf.MaxPool3DAttrs>;
  MaxPool3DGrad: Sig<'dy' | 'input' | 'output', tf.MaxPool3DGradAttrs>;
  MaxPoolGrad: Sig<'dy' | 'input' | 'output', tf.MaxPoolGradAttrs>;
  MaxPoolWithArgmax: ManySig<'x', tf.MaxPoolWithArgmaxAttrs>;
  Maximum: Binary;
  Mean: Unary<tf.MeanAttrs>;
  Min: Unary<tf.MinAttrs>;
  Minimum: Binary;
  MirrorPad: Unary<tf.MirrorPadAttrs>;
  Mod: Binary;
  Multinomial: Sig<'logits', tf.MultinomialAttrs>;
  Multiply: Binary;
  Neg: Unary;
  NonMaxSuppressionV3: Sig<'boxes' | 'scores', tf.NonMaxSuppressionV3Attrs>;
  NonMaxSuppressionV4: ManySig<'boxes' | 'scores', tf.NonMaxSuppressionV4Attrs>;
  NonMaxSuppressionV5: ManySig<'boxes' | 'scores', tf.NonMaxSuppressionV5Attrs>;
  NotEqual: Binary;
  OneHot: Sig<'indices', tf.OneHotAttrs>;
  OnesLike: Unary;
  Pack: ListSig<tf.PackAttrs>;
  PadV2: Unary<tf.PadV2Attrs>;
  Pow: Binary;
  Prelu: Sig<'x' | 'alpha'>;
  Prod: Unary<tf.ProdAttrs>;
  RaggedGather: ManySig<
    'paramsNestedSplits' | 'paramsDenseValues' | 'indices',
    tf.RaggedGatherAttrs
  >;
  RaggedRange: ManySig<'starts' | 'limits' | 'deltas'>;
  RaggedTensorToTensor: Sig<
    'shape' | 'values' | 'defaultValue' | 'rowPartitionTensors',
    tf.RaggedTensorToTensorAttrs
  >;
  Range: Sig<never, tf.RangeAttrs>;
  Real: Sig<'input'>;
  RealDiv: Binary;
  Reciprocal: Unary;
  Relu: Unary;
  Relu6: Unary;
  Reshape: Unary<tf.ReshapeAttrs>;
  ResizeBilinear: Sig<'images', tf.ResizeBilinearAttrs>;
  ResizeBilinearGrad: Sig<'images' | 'dy', tf.ResizeBilinearGradAttrs>;
  ResizeNearestNeighbor: Sig<'images', tf.ResizeNearestNeighborAttrs>;
  ResizeNearestNeighborGrad: Sig<'images' | 'dy', tf.ResizeNearestNeighborGradAttrs>;
  Reverse: Unary<tf.ReverseAttrs>;
  RotateWithOffset: Sig<'image', tf.RotateWithOffsetAttrs>;
  Round: Unary;
  Rsqrt: Unary;
  ScatterNd: Sig<'indices' | 'updates', tf.ScatterNdAttrs>;
  SearchSorted: Sig<'sortedSequence' | 'values', tf.SearchSortedAttrs>;
  Select: Sig<'condition' | 't' | 'e'>;
  Selu: Unary;
  Sigmoid: Unary;
  Sign: Unary;
  Sin: Unary;
  Sinh: Unary;
  Slice: Unary<tf.SliceAttrs>;
  Softmax: Sig<'logits', tf.SoftmaxAttrs>;
  Softplus: Unary;
  SpaceToBatchND: Unary<tf.SpaceToBatchNDAttrs>;
  SparseFillEmptyRows: ManySig<'indices' | 'values' | 'denseShape' | 'defaultValue'>;
  SparseReshape: ManySig<'inputIndices' | 'inputShape' | 'newShape'>;
  SparseSegmentMean: Sig<'data' | 'indices' | 'segmentIds'>;
  SparseSegmentSum: Sig<'data' | 'indices' | 'segmentIds'>;
  SparseToDense: Sig<'sparseIndices' | 'sparseValues' | 'defaultValue', tf.SparseToDenseAttrs>;
  SplitV: ManySig<'x', tf.SplitVAttrs>;
  Sqrt: Unary;
  Square: Unary;
  SquaredDifference: Binary;
  StaticRegexReplace: Unary<tf.StaticRegexReplaceAttrs>;
  Step: Unary<tf.StepAttrs>;
  StridedSlice: Unary<tf.StridedSliceAttrs>;
  StringNGrams: ManySig<'data' | 'dataSplits', tf.StringNGramsAttrs>;
  StringSplit: ManySig<'input' | 'delimiter', tf.StringSplitAttrs>;
  StringToHashBucketFast: Sig<'input', tf.StringToHashBucketFastAttrs>;
  Sub: Binary;
  Sum: Unary<tf.SumAttrs>;
  Tan: Unary;
  Tanh: Unary;
  TensorScatterUpdate: Sig<'tensor' | 'indices' | 'updates', tf.TensorScatterUpdateAttrs>;
  Tile: Unary<tf.TileAttrs>;
  TopK: ManySig<'x', tf.TopKAttrs>;
  Transform: Sig<'image' | 'transforms', tf.TransformAttrs>;
  Transpose: Unary<tf.TransposeAttrs>;
  Unique: ManySig<'x', tf.UniqueAttrs>;
  Unpack: ManySig<'value', tf.UnpackAttrs>;
  UnsortedSegmentSum: Sig<'x' | 'segmentIds', tf.UnsortedSegmentSumAttrs>;
  ZerosLike: Unary;
  _FusedMatMul: Sig<'a' | 'b', tf._FusedMatMulAttrs, Fused>;
}

export type KernelName = keyof Signatures;
