import type {NamedTensorMap, NamedAttrMap, Tensor} from '@tensorflow/tfjs-core';
import type {KernelName} from '../../src/rules/signatures.js';
import type {Tfjs} from '../support/reference64.js';
import {readsAtOnce, sample, type Sample, type SampleOptions} from './sample.js';
import {f32, i32, type Spec} from './spec.js';

/** Kernels whose result's shape depends on values: vmap refuses most of them, or wants one structure for all examples. */

/** A row for a kernel that is called with more than named tensors: with lists of them, or with strings. */
function rowOf(
  kernel: KernelName,
  label: string,
  specs: Readonly<Record<string, Spec>>,
  call: (tfjs: Tfjs, tensors: Readonly<Record<string, Tensor>>) => Tensor | Tensor[],
  options: SampleOptions = {},
): Sample {
  const names = Object.keys(specs);
  return {
    ...sample(kernel, specs as never, {}, options),
    label,
    code: `(${call.toString()})(tf, {${names.join(', ')}})`,
    call: (tfjs, tensors) => {
      const named = Object.fromEntries(names.map((name, i) => [name, tensors[i]!]));
      return [call(tfjs, named)].flat();
    },
  };
}

const run = (tfjs: Tfjs, kernel: KernelName, inputs: object, attrs: object = {}) =>
  tfjs
    .engine()
    .runKernel<Tensor | Tensor[]>(kernel, inputs as NamedTensorMap, attrs as NamedAttrMap);

const ints = (tfjs: Tfjs, ...values: number[]): Tensor => tfjs.tensor1d(values, 'int32');

/** Rows 0–1, 2, none and 3–5 of the values; and with one level more, of two, none, two of these. */
const inner = [0, 2, 3, 3, 6];
const outer = [0, 2, 2, 4];

function gatherRow(
  params: readonly number[],
  indices: readonly number[],
  shape: readonly number[],
  levels: readonly number[][],
): Sample {
  return rowOf(
    'RaggedGather',
    `values float32[${params.join()}], rows ${indices.join()} as [${shape.join()}], splits ${levels.join(' | ')}`,
    {paramsDenseValues: f32(...params)},
    (tfjs, {paramsDenseValues}) =>
      run(
        tfjs,
        'RaggedGather',
        {
          paramsNestedSplits: levels.map((splits) => ints(tfjs, ...splits)),
          paramsDenseValues,
          indices: tfjs.tensor([...indices], [...shape], 'int32'),
        },
        {outputRaggedRank: levels.length + shape.length - 1},
      ),
  );
}

interface Padding {
  readonly values: readonly number[];
  readonly fallback: readonly number[];
  readonly shape: readonly number[];
  readonly partitions: readonly (readonly number[])[];
  readonly types: readonly string[];
}

const paddings: readonly Padding[] = [
  {values: [6], fallback: [], shape: [-1, -1], partitions: [inner], types: ['ROW_SPLITS']},
  {values: [6], fallback: [], shape: [3, 2], partitions: [inner], types: ['ROW_SPLITS']},
  {values: [6, 3], fallback: [3], shape: [4, 4, 3], partitions: [inner], types: ['ROW_SPLITS']},
  {values: [6, 3], fallback: [], shape: [-1, -1, -1], partitions: [inner], types: ['ROW_SPLITS']},
  {
    values: [6],
    fallback: [],
    shape: [3, 2, 3],
    partitions: [outer, inner],
    types: ['ROW_SPLITS', 'ROW_SPLITS'],
  },
  {
    values: [5, 2],
    fallback: [1],
    shape: [4, 2, 2],
    partitions: [[4], [0, 0, 2, 2, 2]],
    types: ['FIRST_DIM_SIZE', 'VALUE_ROWIDS'],
  },
];

/** Column by column: of values of more than one dimension, the kernel of cpu gives something else. */
function byColumns(
  tfjs: Tfjs,
  values: Tensor,
  fallback: Tensor,
  dense: (values: Tensor, fallback: Tensor) => Tensor,
): Tensor {
  const width = values.shape[1]!;
  const defaults = tfjs.unstack(tfjs.broadcastTo(fallback, [width]));
  return tfjs.stack(
    tfjs.unstack(values, 1).map((column, i) => dense(column, defaults[i]!)),
    -1,
  );
}

const padded: Sample[] = paddings.map(({values, fallback, shape, partitions, types}) => {
  const call =
    (rank: number) =>
    (tfjs: Tfjs, tensors: object): Tensor =>
      run(
        tfjs,
        'RaggedTensorToTensor',
        {
          ...tensors,
          shape: ints(tfjs, ...shape.slice(0, rank)),
          rowPartitionTensors: partitions.map((partition) => ints(tfjs, ...partition)),
        },
        {rowPartitionTypes: types},
      ) as Tensor;
  return rowOf(
    'RaggedTensorToTensor',
    `values float32[${values.join()}], default float32[${fallback.join()}], shape ${shape.join()}, ${types.join()} ${partitions.join(' | ')}`,
    {values: f32(...values), defaultValue: f32(...fallback)},
    call(shape.length),
    values.length === 1
      ? {}
      : {
          reference: (tfjs, [columns, defaults]) =>
            byColumns(tfjs, columns!, defaults!, (column, fallback) =>
              call(shape.length - 1)(tfjs, {values: column, defaultValue: fallback}),
            ),
        },
  );
});

/** Ends of ranges lie between two of their steps. */
const ranges: Sample[] = [
  sample('RaggedRange', {
    starts: f32(3).of([1, 2, -1], [0.5, 2.25, -1]),
    limits: f32(3).of([2.25, 1.9, 2.1]),
    deltas: f32(3).of([0.5, 0.7, 1.5]),
  }),
  sample('RaggedRange', {
    starts: f32().of([4]),
    limits: f32(3).of([2.25, 5, -1.1]),
    deltas: f32().of([-0.5]),
  }),
  sample('RaggedRange', {
    starts: i32(2).of([0, 7]),
    limits: i32(2).of([5, 1]),
    deltas: i32().of([2]),
  }),
];

const unique: Sample[] = [
  sample('Unique', {x: f32(5)}, {axis: 0}),
  sample('Unique', {x: f32(3, 4)}, {axis: -1}),
  sample('Unique', {x: f32(2, 3, 2)}, {axis: 1}),
  sample('Unique', {x: i32(7).in(0, 3)}, {axis: 0}),
];

const boxes = f32(4, 4).of([0, 0, 1, 1, 0, 0.1, 1, 1.1, 2, 2, 3, 3, 2, 2.8, 3, 3.8]);
const scores = f32(4).in(0.2, 2);
const suppression = {maxOutputSize: 3, iouThreshold: 0.5, scoreThreshold: 0.1};

const suppressions: Sample[] = [
  sample('NonMaxSuppressionV3', {boxes, scores}, suppression),
  sample('NonMaxSuppressionV4', {boxes, scores}, {...suppression, padToMaxOutputSize: true}),
  sample('NonMaxSuppressionV4', {boxes, scores}, {...suppression, padToMaxOutputSize: false}),
  sample('NonMaxSuppressionV5', {boxes, scores}, {...suppression, softNmsSigma: 0}),
];

function fillRow(indices: readonly number[], denseShape: readonly number[], of: Spec[]): Sample {
  const [values, defaultValue] = of as [Spec, Spec];
  return rowOf(
    'SparseFillEmptyRows',
    `${values.dtype} entries at ${indices.join()} of [${denseShape.join()}]`,
    {values, defaultValue},
    (tfjs, tensors) =>
      run(tfjs, 'SparseFillEmptyRows', {
        ...tensors,
        indices: tfjs.tensor2d([...indices], [indices.length / 2, 2], 'int32'),
        denseShape: ints(tfjs, ...denseShape),
      }),
  );
}

const sparse: Sample[] = [
  fillRow([2, 0, 0, 1, 0, 0], [5, 2], [f32(3), f32()]),
  fillRow([0, 0, 1, 1, 1, 3], [2, 4], [i32(3), i32()]),
  ...[
    [2, -1, 3],
    [12, 2],
  ].map((newShape) =>
    rowOf(
      'SparseReshape',
      `int32[3,2], [4,6] to [${newShape.join()}]`,
      {inputIndices: i32(3, 2).indices([4, 6])},
      (tfjs, {inputIndices}) =>
        run(tfjs, 'SparseReshape', {
          inputIndices,
          inputShape: ints(tfjs, 4, 6),
          newShape: ints(tfjs, ...newShape),
        }),
    ),
  ),
];

const words = ['one two', '', 'three', 'a  b', 'four five six', 'sieben – acht'];
/** Of the ops, tf.gather takes numbers only. */
const wordsAt = (tfjs: Tfjs, codes: Tensor): Tensor =>
  run(
    tfjs,
    'GatherV2',
    {x: tfjs.tensor1d(words, 'string'), indices: codes},
    {axis: 0, batchDims: 0},
  ) as Tensor;

/** As numbers: samples are made of these. */
const numbersOf = (tfjs: Tfjs, strings: Tensor): Tensor =>
  tfjs.string.stringToHashBucketFast(strings, 1_000_003);

const MOVES = {webgpu: 'the words are gathered, and WebGPU gathers numbers alone'};

const ofWords: Sample[] = [
  rowOf(
    'StringToHashBucketFast',
    'strings [3, 2], 10 buckets',
    {codes: i32(3, 2).in(0, words.length)},
    (tfjs, {codes}) =>
      run(tfjs, 'StringToHashBucketFast', {input: wordsAt(tfjs, codes!)}, {numBuckets: 10}),
    {skip: MOVES},
  ),
  ...[true, false].map((replaceGlobal) =>
    rowOf(
      'StaticRegexReplace',
      `strings [4], replaceGlobal: ${replaceGlobal}`,
      {codes: i32(4).in(0, words.length)},
      (tfjs, {codes}) => {
        const attrs = {pattern: '[aeiou]', rewrite: '<>', replaceGlobal};
        const replaced = run(tfjs, 'StaticRegexReplace', {x: wordsAt(tfjs, codes!)}, attrs);
        return numbersOf(tfjs, replaced as Tensor);
      },
      {skip: MOVES},
    ),
  ),
  ...[' ', 'ae ', ''].flatMap((delimiter) =>
    [true, false].map((skipEmpty) =>
      rowOf(
        'StringSplit',
        `strings [3] by '${delimiter}', skipEmpty: ${skipEmpty}`,
        {codes: i32(3).in(0, words.length)},
        (tfjs, {codes}) => {
          const inputs = {input: wordsAt(tfjs, codes!), delimiter: tfjs.scalar(delimiter)};
          const outputs = run(tfjs, 'StringSplit', inputs, {skipEmpty}) as Tensor[];
          return outputs.map((x) => (x.dtype === 'string' ? numbersOf(tfjs, x) : x));
        },
        {skip: MOVES},
      ),
    ),
  ),
  ...[true, false].map((preserveShortSequences) =>
    rowOf(
      'StringNGrams',
      `strings [5] in rows of 3, none and 2, preserveShortSequences: ${preserveShortSequences}`,
      {codes: i32(5).in(0, words.length)},
      (tfjs, {codes}) => {
        const attrs = {
          separator: '|',
          nGramWidths: [2, 3],
          leftPad: 'L',
          rightPad: 'R',
          padWidth: preserveShortSequences ? 0 : 1,
          preserveShortSequences,
        };
        const inputs = {data: wordsAt(tfjs, codes!), dataSplits: ints(tfjs, 0, 3, 3, 5)};
        const [nGrams, splits] = run(tfjs, 'StringNGrams', inputs, attrs) as [Tensor, Tensor];
        return [numbersOf(tfjs, nGrams), splits];
      },
      {skip: MOVES},
    ),
  ),
];

/** Those that the library borrows from the cpu backend there. See NOTE [borrowed kernels]. */
const readsOnWebgpu = (row: Sample): Sample => ({...row, skip: {...readsAtOnce, ...row.skip}});

export const valueDependent: readonly Sample[] = [
  gatherRow([6], [3, 0, 3, 2], [4], [inner]),
  gatherRow([6, 2], [1, 3, 0, 0], [2, 2], [inner]),
  gatherRow([6, 3], [2, 0], [2], [outer, inner]),
  gatherRow([6], [2, 2], [2], [inner]),
  ...padded,
  ...ranges,
  ...unique,
  ...suppressions,
  ...sparse,
  ...ofWords,
].map(readsOnWebgpu);
