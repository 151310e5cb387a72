import * as tf from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {vmap} from '../../src/index.js';
import {borrowed} from '../../src/kernels/borrowed.js';
import {describeBackends, everyBackend} from '../backends.js';

/** A call of a kernel, and what it gives. */
type Call = readonly [
  kernel: string,
  inputs: () => object,
  attrs: object,
  expected: readonly unknown[],
];

const ints = (...values: number[]): tf.Tensor1D => tf.tensor1d(values, 'int32');
const strings = (...values: string[]): tf.Tensor1D => tf.tensor1d(values, 'string');
const lowest = -(2 ** 31);

const calls: readonly Call[] = [
  [
    'BitwiseAnd',
    () => ({a: ints(0x7ffffffe, -2, -1, lowest), b: ints(-2, 0x7fffffff, lowest, 1)}),
    {},
    [[0x7ffffffe, 0x7ffffffe, lowest, 0]],
  ],
  [
    'SearchSorted',
    () => ({
      sortedSequence: tf.tensor2d([[1, 2, 2, 5]]),
      values: tf.tensor2d([[2, 0, 6]]),
    }),
    {side: 'right'},
    [[[3, 0, 4]]],
  ],
  [
    'RaggedGather',
    () => ({
      paramsNestedSplits: [ints(0, 2, 3, 3)],
      paramsDenseValues: tf.tensor1d([7, 8, 9]),
      indices: ints(1, 2, 0),
    }),
    {outputRaggedRank: 1},
    [
      [0, 1, 1, 3],
      [9, 7, 8],
    ],
  ],
  [
    'RaggedRange',
    () => ({starts: ints(0, 5), limits: ints(3, 4), deltas: ints(2, -1)}),
    {},
    [
      [0, 2, 3],
      [0, 2, 5],
    ],
  ],
  [
    'RaggedTensorToTensor',
    () => ({
      shape: ints(-1, -1),
      values: tf.tensor1d([1, 2, 3]),
      defaultValue: tf.scalar(9),
      rowPartitionTensors: [ints(0, 2, 3)],
    }),
    {rowPartitionTypes: ['ROW_SPLITS']},
    [
      [
        [1, 2],
        [3, 9],
      ],
    ],
  ],
  [
    'SparseFillEmptyRows',
    () => ({
      indices: tf.tensor2d([[1, 0]], [1, 2], 'int32'),
      values: tf.tensor1d([4]),
      denseShape: ints(2, 2),
      defaultValue: tf.scalar(6),
    }),
    {},
    [
      [
        [0, 0],
        [1, 0],
      ],
      [6, 4],
      [1, 0],
      [1],
    ],
  ],
  [
    'SparseReshape',
    () => ({
      inputIndices: tf.tensor2d([[1, 2]], [1, 2], 'int32'),
      inputShape: ints(2, 3),
      newShape: ints(3, -1),
    }),
    {},
    [[[2, 1]], [3, 2]],
  ],
  [
    'SparseSegmentSum',
    () => ({data: tf.tensor1d([2, 4, 8]), indices: ints(0, 2, 1), segmentIds: ints(0, 0, 2)}),
    {},
    [[10, 0, 4]],
  ],
  [
    'SparseSegmentMean',
    () => ({data: tf.tensor1d([2, 4, 8]), indices: ints(0, 2, 1), segmentIds: ints(0, 0, 2)}),
    {},
    [[5, 0, 4]],
  ],
  [
    'Unique',
    () => ({x: tf.tensor1d([3, 1, 3, 2])}),
    {axis: 0},
    [
      [3, 1, 2],
      [0, 1, 0, 2],
    ],
  ],
  [
    'NonMaxSuppressionV4',
    () => ({
      boxes: tf.tensor2d([
        [0, 0, 1, 1],
        [0, 0, 1, 1.1],
        [2, 2, 3, 3],
      ]),
      scores: tf.tensor1d([1, 2, 3]),
    }),
    {maxOutputSize: 3, iouThreshold: 0.5, scoreThreshold: 0, padToMaxOutputSize: true},
    [[2, 1, 0], 2],
  ],
  [
    'StringSplit',
    () => ({input: strings('ab c', ''), delimiter: tf.scalar(' ')}),
    {skipEmpty: true},
    [
      [
        [0, 0],
        [0, 1],
      ],
      ['ab', 'c'],
      [2, 2],
    ],
  ],
  [
    'StringNGrams',
    () => ({data: strings('a', 'b', 'c'), dataSplits: ints(0, 3)}),
    {
      separator: '|',
      nGramWidths: [2],
      leftPad: '',
      rightPad: '',
      padWidth: 0,
      preserveShortSequences: false,
    },
    [
      ['a|b', 'b|c'],
      [0, 2],
    ],
  ],
  ['StringToHashBucketFast', () => ({input: strings('a', 'b', 'ß')}), {numBuckets: 1}, [[0, 0, 0]]],
  [
    'StaticRegexReplace',
    () => ({x: strings('one', 'ßoo')}),
    {pattern: 'o', rewrite: '0', replaceGlobal: false},
    [['0ne', 'ß0o']],
  ],
];

const run = ([kernel, inputs, attrs]: Call): unknown[] =>
  tf.tidy(() => {
    const result = tf
      .engine()
      .runKernel<tf.Tensor | tf.Tensor[]>(
        kernel,
        inputs() as tf.NamedTensorMap,
        attrs as tf.NamedAttrMap,
      );
    return [result].flat().map((x) => x.arraySync()) as never;
  });

describeBackends(
  'kernels borrowed from the cpu backend',
  (backend) => {
    const names = borrowed[backend] ?? [];

    for (const call of calls.filter(([kernel]) => names.includes(kernel as never))) {
      const [kernel, , , expected] = call;
      it(`${kernel} gives what it gives there, and leaves no data there`, () => {
        const cpu = tf.findBackend('cpu');
        const before = cpu.numDataIds();
        expect(run(call)).to.deep.equal(expected);
        expect(cpu.numDataIds()).to.equal(before);
      });
    }

    it('are all tested here', () => {
      const tested = new Set(calls.map(([kernel]) => kernel));
      expect(names.filter((name) => !tested.has(name))).to.deep.equal([]);
    });

    it('leave nothing behind where they throw', () => {
      const cpu = tf.findBackend('cpu');
      const before = cpu.numDataIds();
      const [starts, zero] = [tf.scalar(0), tf.scalar(0)];
      expect(() =>
        tf.engine().runKernel('RaggedRange', {starts, limits: starts, deltas: zero}),
      ).to.throw('delta != 0');
      expect(cpu.numDataIds()).to.equal(before);
      tf.dispose([starts, zero]);
    });

    it('say what to import where the cpu backend is not there', () => {
      const kernel = tf.getKernel('RaggedRange', 'cpu');
      tf.unregisterKernel('RaggedRange', 'cpu');
      try {
        const call = calls.find(([name]) => name === 'RaggedRange')!;
        expect(() => run(call)).to.throw(
          `the ${backend} backend has no kernel 'RaggedRange', and the cpu backend, which has, is not loaded. Import '@tensorflow/tfjs-backend-cpu'`,
        );
      } finally {
        tf.registerKernel(kernel);
      }
    });

    it('map what is in ragged rows, where all examples share the rows', () => {
      const values = tf.tensor2d([
        [1, 2, 3],
        [4, 5, 6],
      ]);
      const [shape, splits] = [ints(2, 2), ints(0, 1, 3)];
      const dense = vmap((x: tf.Tensor) =>
        tf.raggedTensorToTensor(shape, x, tf.scalar(0), [splits], ['ROW_SPLITS']),
      )(values);
      // WebGPU computes it, and can't be read at once.
      if (backend !== 'webgpu') {
        expect(dense.arraySync()).to.deep.equal([
          [
            [1, 0],
            [2, 3],
          ],
          [
            [4, 0],
            [5, 6],
          ],
        ]);
      }
      tf.dispose([values, shape, splits, dense]);
    });
  },
  {only: everyBackend.filter((name) => name in borrowed)},
);

describeBackends(
  'a kernel borrowed of values that WebGPU has computed',
  () => {
    it('says why they are not read, and what to do', () => {
      const x = tf.tensor1d([1, 2]);
      const computed = tf.add(x, 1);
      expect(() => tf.unique(computed)).to.throw(
        /kernel 'Unique' computes on the CPU and reads its inputs at once.*await x\.data\(\)/,
      );
      tf.dispose([x, computed]);
    });
  },
  {only: ['webgpu']},
);
