/**
 * What a kernel does with the elements of its inputs, for passes, partitioners and code generators. A kernel that isn't named here may do
 * anything.
 */

/** One element of the output from the same element of the only input. Dtype may change (Cast, IsNan). */
export const unaryKernels: ReadonlySet<string> = new Set([
  'Abs',
  'Acos',
  'Acosh',
  'Asin',
  'Asinh',
  'Atan',
  'Atanh',
  'Cast',
  'Ceil',
  'ClipByValue',
  'Cos',
  'Cosh',
  'Elu',
  'Erf',
  'Exp',
  'Expm1',
  'Floor',
  'IsFinite',
  'IsInf',
  'IsNan',
  'LeakyRelu',
  'Log',
  'Log1p',
  'LogicalNot',
  'Neg',
  'OnesLike',
  'Reciprocal',
  'Relu',
  'Relu6',
  'Round',
  'Rsqrt',
  'Selu',
  'Sigmoid',
  'Sign',
  'Sin',
  'Sinh',
  'Softplus',
  'Sqrt',
  'Square',
  'Step',
  'Tan',
  'Tanh',
  'ZerosLike',
]);

/** One element of the output from one of each of two inputs, `a` and `b`, which broadcast. */
export const binaryKernels: ReadonlySet<string> = new Set([
  'Add',
  'Atan2',
  'BitwiseAnd',
  'Equal',
  'FloorDiv',
  'Greater',
  'GreaterEqual',
  'Less',
  'LessEqual',
  'LogicalAnd',
  'LogicalOr',
  'LogicalXor',
  'Maximum',
  'Minimum',
  'Mod',
  'Multiply',
  'NotEqual',
  'Pow',
  'RealDiv',
  'SquaredDifference',
  'Sub',
]);

/** Elementwise kernels whose inputs have other names, or are more than two; they don't broadcast, unless their rule says so. */
const otherElementwise: ReadonlySet<string> = new Set(['AddN', 'EluGrad', 'Prelu', 'Select']);

/** Whether each element of the output comes of one element of each input. */
export const isElementwise = (kernel: string): boolean =>
  unaryKernels.has(kernel) || binaryKernels.has(kernel) || otherElementwise.has(kernel);

/** The same elements in another order or more than once: no arithmetic, and nothing read but the input. */
export const layoutKernels: ReadonlySet<string> = new Set([
  'BatchToSpaceND',
  'Concat',
  'DepthToSpace',
  'Diag',
  'ExpandDims',
  'Identity',
  'MirrorPad',
  'Pack',
  'PadV2',
  'Reshape',
  'Reverse',
  'Slice',
  'SpaceToBatchND',
  'SplitV',
  'StopGradient',
  'StridedSlice',
  'Tile',
  'Transpose',
  'Unpack',
]);

/** Kernels that make few numbers of many, along axes. */
export const reductionKernels: ReadonlySet<string> = new Set([
  'All',
  'Any',
  'ArgMax',
  'ArgMin',
  'Max',
  'Mean',
  'Min',
  'Prod',
  'Sum',
]);
