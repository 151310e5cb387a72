import * as tf from '@tensorflow/tfjs-core';

/** A call of a kernel that some backend has wrong, and what it is to give. Tensors are made where they are used. */
export type Call = readonly [
  kernel: string,
  inputs: () => Readonly<Record<string, tf.Tensor>> | tf.Tensor[],
  attrs: object,
  expected: () => tf.Tensor[],
];

const bools = (...values: number[]): tf.Tensor => tf.tensor1d(values, 'bool');
const ints = (...values: number[]): tf.Tensor => tf.tensor1d(values, 'int32');
const floats = (...values: number[]): tf.Tensor => tf.tensor1d(values);
const strings = (...values: string[]): tf.Tensor => tf.tensor1d(values, 'string');
const empty = (...shape: number[]): tf.Tensor => tf.zeros(shape);

/** The numbers from 1 on. */
const counted = (shape: number[], dtype: 'float32' | 'int32' = 'float32'): tf.Tensor =>
  tf.tensor(
    Array.from({length: tf.util.sizeFromShape(shape)}, (_, i) => i + 1),
    shape,
    dtype,
  );

const ofNothing = (
  [
    ['Sum', 0],
    ['Prod', 1],
    ['Mean', NaN],
    ['Min', Infinity],
  ] as const
).map(([kernel, value]): Call => [
  kernel,
  () => ({x: empty(2, 0)}),
  {axis: [1], keepDims: false},
  () => [floats(value, value)],
]);

const reductions: readonly Call[] = [
  ...ofNothing,
  [
    'Max',
    () => ({x: empty(2, 0)}),
    {reductionIndices: [1], keepDims: true},
    () => [tf.reshape(floats(-Infinity, -Infinity), [2, 1])],
  ],
  ['All', () => ({x: tf.zeros([2, 0], 'bool')}), {axis: [1], keepDims: false}, () => [bools(1, 1)]],
  ['Any', () => ({x: tf.zeros([2, 0], 'bool')}), {axis: [1], keepDims: false}, () => [bools(0, 0)]],
  ['Sum', () => ({x: bools(1, 0, 1)}), {axis: [0], keepDims: false}, () => [tf.scalar(2, 'int32')]],
  ['Prod', () => ({x: bools(1, 1)}), {axis: [0], keepDims: false}, () => [tf.scalar(1, 'int32')]],
  [
    'Max',
    () => ({x: bools(0, 1)}),
    {reductionIndices: [0], keepDims: false},
    () => [tf.scalar(true)],
  ],
  ['Min', () => ({x: bools(0, 1)}), {axis: [0], keepDims: false}, () => [tf.scalar(false)]],
];

/** Repeated now in one, now in the other. */
const inTurn = {a: [2, 1, 2, 1, 2, 1], b: [1, 2, 1, 2, 1, 2]};

/** As `inTurn`, with what each of the 64 results comes from. */
function crossed(f: (a: number, b: number) => number): number[] {
  const bit = (n: number, place: number): number => (n >> place) & 1;
  return Array.from({length: 64}, (_, n) =>
    f(1 + 4 * bit(n, 5) + 2 * bit(n, 3) + bit(n, 1), 1 + 4 * bit(n, 4) + 2 * bit(n, 2) + bit(n, 0)),
  );
}

const binary: Readonly<
  Record<string, readonly [(a: number, b: number) => number, 'float32' | 'bool']>
> = {
  Add: [(a, b) => a + b, 'float32'],
  Sub: [(a, b) => a - b, 'float32'],
  Multiply: [(a, b) => a * b, 'float32'],
  RealDiv: [(a, b) => Math.fround(a / b), 'float32'],
  SquaredDifference: [(a, b) => (a - b) ** 2, 'float32'],
  Maximum: [Math.max, 'float32'],
  Minimum: [Math.min, 'float32'],
  Mod: [(a, b) => a % b, 'float32'],
  Equal: [(a, b) => Number(a === b), 'bool'],
  NotEqual: [(a, b) => Number(a !== b), 'bool'],
  Greater: [(a, b) => Number(a > b), 'bool'],
  GreaterEqual: [(a, b) => Number(a >= b), 'bool'],
  Less: [(a, b) => Number(a < b), 'bool'],
  LessEqual: [(a, b) => Number(a <= b), 'bool'],
};

const highRanks: readonly Call[] = [
  ...Object.entries(binary).map(([kernel, [f, dtype]]): Call => [
    kernel,
    // Rank 7 for wasm.
    () => ({a: counted([1, ...inTurn.a]), b: counted(inTurn.b)}),
    {},
    () => [tf.tensor(crossed(f), [1, 2, 2, 2, 2, 2, 2], dtype)],
  ]),
  ...(['LogicalAnd', 'LogicalOr'] as const).map((kernel): Call => [
    kernel,
    () => ({a: tf.ones(inTurn.a, 'bool'), b: tf.zeros(inTurn.b, 'bool')}),
    {},
    () => [tf.fill([2, 2, 2, 2, 2, 2], kernel === 'LogicalOr' ? 1 : 0, 'bool' as 'int32')],
  ]),
  ...(['Pow', 'Atan2', 'FloorDiv'] as const).map((kernel): Call => {
    const f = {
      Pow: (a: number) => a,
      Atan2: () => 0,
      FloorDiv: (a: number) => a,
    }[kernel];
    return [
      kernel,
      () =>
        kernel === 'Atan2'
          ? {a: tf.zeros(inTurn.a), b: counted(inTurn.b)}
          : {a: counted(inTurn.a, 'int32'), b: tf.ones(inTurn.b, 'int32')},
      {},
      () => [tf.tensor(crossed(f), [2, 2, 2, 2, 2, 2], kernel === 'Atan2' ? 'float32' : 'int32')],
    ];
  }),
  [
    'PadV2',
    () => ({x: counted([1, 1, 1, 1, 1, 2, 1])}),
    {
      paddings: [
        [0, 0],
        [0, 0],
        [0, 0],
        [0, 0],
        [0, 0],
        [1, 0],
        [0, 1],
      ],
      constantValue: 9,
    },
    () => [tf.reshape(floats(9, 9, 1, 9, 2, 9), [1, 1, 1, 1, 1, 3, 2])],
  ],
  [
    'MirrorPad',
    () => ({x: counted([1, 1, 1, 1, 1, 3])}),
    {
      paddings: [
        [0, 0],
        [0, 0],
        [0, 0],
        [0, 0],
        [0, 0],
        [1, 1],
      ],
      mode: 'reflect',
    },
    () => [tf.reshape(floats(2, 1, 2, 3, 2), [1, 1, 1, 1, 1, 5])],
  ],
];

const boolCase = (kernel: string, ...expected: number[]): Call => [
  kernel,
  () => ({a: bools(0, 0, 1, 1), b: bools(0, 1, 0, 1)}),
  {},
  () => [bools(...expected)],
];

const dtypes: readonly Call[] = [
  boolCase('Add', 0, 1, 1, 1),
  boolCase('Multiply', 0, 0, 0, 1),
  boolCase('Maximum', 0, 1, 1, 1),
  boolCase('Minimum', 0, 0, 0, 1),
  boolCase('Less', 0, 1, 0, 0),
  boolCase('LessEqual', 1, 1, 0, 1),
  boolCase('Greater', 0, 0, 1, 0),
  boolCase('GreaterEqual', 1, 0, 1, 1),
  [
    'Cast',
    () => ({x: floats(-1.7, 0.3, 0, NaN, 256)}),
    {dtype: 'bool'},
    () => [bools(1, 1, 0, 1, 1)],
  ],
  [
    'ClipByValue',
    () => ({x: ints(-3, 1, 2, 3)}),
    {clipValueMin: -Infinity, clipValueMax: 2.5},
    () => [ints(-3, 1, 2, 2)],
  ],
  ['Reciprocal', () => ({x: ints(1, 2)}), {}, () => [ints(1, 0)]],
  ['Step', () => ({x: ints(-1, 0, 2)}), {alpha: 0}, () => [ints(0, 0, 1)]],
  ['LeakyRelu', () => ({x: ints(-2, 2)}), {alpha: 0.5}, () => [floats(-1, 2)]],
  ['Reverse', () => ({x: bools(1, 0, 0)}), {dims: [0]}, () => [bools(0, 0, 1)]],
  ['Diag', () => ({x: bools(1, 1)}), {}, () => [tf.tensor2d([1, 0, 0, 1], [2, 2], 'bool')]],
  [
    'Cumsum',
    () => ({x: bools(1, 0, 1)}),
    {axis: 0, exclusive: false, reverse: false},
    () => [ints(1, 1, 2)],
  ],
  [
    'Cumprod',
    () => ({x: bools(1, 0, 1)}),
    {axis: 0, exclusive: false, reverse: false},
    () => [ints(1, 0, 0)],
  ],
  [
    'StridedSlice',
    () => ({x: counted([3, 4], 'int32')}),
    {
      begin: [2, 3],
      end: [-4, 0],
      strides: [-2, -2],
      beginMask: 0,
      endMask: 0,
      ellipsisMask: 0,
      newAxisMask: 0,
      shrinkAxisMask: 0,
    },
    () => [tf.tensor2d([12, 10, 4, 2], [2, 2], 'int32')],
  ],
];

/** A matrix on the right of a product, and then in another shape on the right of the one that is tested. */
const reshapedMatrices = (['BatchMatMul', '_FusedMatMul'] as const).map((kernel): Call => {
  const attrs = {transposeA: false, transposeB: false, activation: 'linear'};
  return [
    kernel,
    () => {
      const b = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
      tf.engine().runKernel(kernel, {a: tf.ones([1, 1, 2]), b: tf.reshape(b, [1, 2, 3])}, attrs);
      return {a: tf.ones([1, 1, 3]), b: tf.reshape(b, [1, 3, 2])};
    },
    attrs,
    () => [tf.tensor3d([9, 12], [1, 1, 2])],
  ];
});

const shapes: readonly Call[] = [
  ...reshapedMatrices,
  [
    'BatchMatMul',
    () => ({
      a: tf.reshape(tf.stack([tf.range(0, 40), tf.ones([40])], 1), [40, 2, 1]),
      b: tf.tensor3d([1, 2, 3, 4], [1, 2, 2]),
    }),
    {transposeA: true, transposeB: false},
    () => [tf.tensor3d(Array.from({length: 40}, (_, i) => [[i + 3, 2 * i + 4]]))],
  ],
  [
    'BatchMatMul',
    () => ({a: empty(2, 0), b: empty(0, 3)}),
    {transposeA: false, transposeB: false},
    () => [empty(2, 3)],
  ],
  ['Prelu', () => ({x: empty(2, 0), alpha: empty(0)}), {}, () => [empty(2, 0)]],
  [
    'Bincount',
    () => ({x: tf.tensor2d([0, 1, 1, 3], [2, 2], 'int32'), weights: empty(0)}),
    {size: 4},
    () => [floats(1, 2, 0, 1)],
  ],
  [
    'ScatterNd',
    () => ({indices: ints(2, 0), updates: floats(5, 6)}),
    {shape: [3]},
    () => [floats(6, 0, 5)],
  ],
  [
    'TensorScatterUpdate',
    () => ({tensor: floats(1, 2, 3), indices: ints(2, 0), updates: floats(5, 6)}),
    {},
    () => [floats(6, 2, 5)],
  ],
];

const oneByOne = {strides: [1, 1], pad: 'valid', dilations: [1, 1], activation: 'linear'};

const fused: readonly Call[] = [
  [
    'FusedConv2D',
    () => ({x: tf.ones([1, 2, 1, 1]), filter: tf.ones([1, 1, 2, 2]), bias: floats(1, 2)}),
    {...oneByOne, dataFormat: 'NCHW'},
    () => [tf.reshape(floats(3, 4), [1, 2, 1, 1])],
  ],
  [
    'FusedDepthwiseConv2D',
    () => ({
      x: tf.ones([1, 1, 1, 2]),
      filter: tf.ones([1, 1, 2, 1]),
      bias: tf.reshape(floats(1, 2), [1, 1, 2]),
    }),
    {...oneByOne, dataFormat: 'NHWC'},
    () => [tf.reshape(floats(2, 3), [1, 1, 1, 2])],
  ],
];

const abc = (): tf.Tensor => strings('a', 'ß', 'c');

const moved: readonly Call[] = [
  ['Fill', () => ({}), {shape: [2], value: 'ab', dtype: 'string'}, () => [strings('ab', 'ab')]],
  [
    'Transpose',
    () => ({x: tf.reshape(strings('a', 'b', 'c', 'd'), [2, 2])}),
    {perm: [1, 0]},
    () => [tf.reshape(strings('a', 'c', 'b', 'd'), [2, 2])],
  ],
  ['Tile', () => ({x: strings('a', 'b')}), {reps: [2]}, () => [strings('a', 'b', 'a', 'b')]],
  [
    'GatherV2',
    () => ({x: abc(), indices: ints(2, 1)}),
    {axis: 0, batchDims: 0},
    () => [strings('c', 'ß')],
  ],
  [
    'GatherNd',
    () => ({params: abc(), indices: tf.reshape(ints(2, 1), [2, 1])}),
    {},
    () => [strings('c', 'ß')],
  ],
  ['Reverse', () => ({x: abc()}), {dims: [0]}, () => [strings('c', 'ß', 'a')]],
  [
    'PadV2',
    () => ({x: strings('a', 'b')}),
    {paddings: [[1, 0]], constantValue: 'z'},
    () => [strings('z', 'a', 'b')],
  ],
  [
    'StridedSlice',
    () => ({x: abc()}),
    {
      begin: [0],
      end: [3],
      strides: [2],
      beginMask: 0,
      endMask: 0,
      ellipsisMask: 0,
      newAxisMask: 0,
      shrinkAxisMask: 0,
    },
    () => [strings('a', 'c')],
  ],
  [
    'Select',
    () => ({condition: bools(1, 0), t: strings('a', 'b'), e: strings('c', 'd')}),
    {},
    () => [strings('a', 'd')],
  ],
  [
    'SparseToDense',
    () => ({
      sparseIndices: tf.reshape(ints(0, 2), [2, 1]),
      sparseValues: strings('a', 'b'),
      defaultValue: tf.scalar('z'),
    }),
    {outputShape: [3]},
    () => [strings('a', 'z', 'b')],
  ],
  [
    'TensorScatterUpdate',
    () => ({
      tensor: abc(),
      indices: tf.reshape(ints(1), [1, 1]),
      updates: strings('x'),
    }),
    {},
    () => [strings('a', 'x', 'c')],
  ],
];

const compared: readonly Call[] = Object.entries({
  Equal: [1, 0, 0],
  NotEqual: [0, 1, 1],
  Less: [0, 1, 0],
  LessEqual: [1, 1, 0],
  Greater: [0, 0, 1],
  GreaterEqual: [1, 0, 1],
}).map(([kernel, expected]): Call => [
  kernel,
  () => ({a: strings('a', 'a', 'ab'), b: strings('a', 'ab', 'a')}),
  {},
  () => [bools(...expected)],
]);

/** See the table of kernel samples for what concerns kernels of floats. */
export const calls: readonly Call[] = [
  ...reductions,
  ...highRanks,
  ...dtypes,
  ...shapes,
  ...fused,
  ...moved,
  ...compared,
];
