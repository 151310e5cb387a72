import type {Tensor} from '@tensorflow/tfjs-core';
import {opSample, sample, type Sample, type SampleOptions} from './sample.js';
import {f32, i32, type Spec} from './spec.js';

type Shape = readonly number[];

/** Leading dimensions of both operands of a product of [3, 5] with [5, 7]. */
const batches: readonly (readonly [a: Shape, b: Shape])[] = [
  [[], []],
  [[2], [2]],
  [[1], [4]],
  [[4], [1]],
  [[4], []],
  [[], [4]],
  [[2, 4], [4]],
  [
    [2, 4],
    [2, 4],
  ],
];

const transposes = [
  {transposeA: false, transposeB: false},
  {transposeA: true, transposeB: false},
  {transposeA: false, transposeB: true},
  {transposeA: true, transposeB: true},
];

const plain = {transposeA: false, transposeB: false};

function operand(batch: Shape, rows: number, columns: number, transposed: boolean): Spec {
  return transposed ? f32(...batch, columns, rows) : f32(...batch, rows, columns);
}

const products: Sample[] = batches.flatMap(([a, b], i) =>
  // All four transposes for the first two; the others take turns.
  transposes
    .filter((_, t) => i < 2 || t === i % 4)
    .map((attrs) =>
      sample(
        'BatchMatMul',
        {a: operand(a, 3, 5, attrs.transposeA), b: operand(b, 5, 7, attrs.transposeB)},
        attrs,
      ),
    ),
);

/** Both sides broadcast: the kernel of cpu takes the flat batch index modulo each side's own number of matrices. */
const bothBroadcast: SampleOptions = {
  reference: (tf, [a, b]) => {
    const expand = (x: Tensor) => tf.mul(x, tf.ones([2, 4, 1, 1]));
    return tf.matMul(expand(a as Tensor), expand(b as Tensor));
  },
};

const edges: Sample[] = [
  sample('BatchMatMul', {a: f32(4, 3, 5), b: f32(2, 1, 5, 7)}, plain, bothBroadcast),
  sample('BatchMatMul', {a: f32(2, 1, 3, 5), b: f32(2, 4, 5, 7)}, plain, bothBroadcast),
  sample('BatchMatMul', {a: f32(1, 5), b: f32(5, 1)}, plain, {note: 'dot product'}),
  sample('BatchMatMul', {a: f32(3, 1), b: f32(1, 5)}, plain, {note: 'outer product'}),
  sample('BatchMatMul', {a: f32(2, 1, 5), b: f32(2, 5, 3)}, plain, {note: 'row vectors'}),
  sample('BatchMatMul', {a: i32(3, 5), b: i32(5, 7)}, plain),
];

type Activation = 'linear' | 'relu' | 'relu6' | 'elu' | 'sigmoid' | 'leakyrelu' | 'prelu';

const activations: readonly Activation[] = [
  'linear',
  'relu',
  'relu6',
  'elu',
  'sigmoid',
  'leakyrelu',
  'prelu',
];

const fused: Sample[] = [
  ...activations.map((activation) =>
    sample(
      '_FusedMatMul',
      {
        a: f32(1, 3, 5),
        b: f32(1, 5, 7),
        bias: f32(7),
        preluActivationWeights: activation === 'prelu' ? f32(7) : undefined,
      },
      {...plain, activation, leakyreluAlpha: activation === 'leakyrelu' ? 0.3 : undefined},
    ),
  ),
  ...transposes.map((attrs) =>
    sample(
      '_FusedMatMul',
      {
        a: operand([1], 3, 5, attrs.transposeA),
        b: operand([1], 5, 7, attrs.transposeB),
        bias: undefined,
        preluActivationWeights: undefined,
      },
      {...attrs, activation: 'relu'},
    ),
  ),
  sample(
    '_FusedMatMul',
    {a: f32(2, 3, 5), b: f32(1, 5, 7), bias: undefined, preluActivationWeights: f32(3, 7)},
    {...plain, activation: 'prelu'},
  ),
  sample(
    '_FusedMatMul',
    {a: f32(1, 3, 5), b: f32(1, 5, 7), bias: f32(3, 7)},
    {...plain, activation: 'sigmoid'},
  ),
  sample(
    '_FusedMatMul',
    {a: f32(2, 3, 5), b: f32(2, 5, 7), bias: f32(7)},
    {...plain, activation: 'linear'},
  ),
  sample(
    '_FusedMatMul',
    {a: f32(1, 3, 5), b: f32(4, 5, 7), bias: f32(7)},
    {...plain, activation: 'elu'},
  ),
];

const einsum: Sample[] = [
  sample('Einsum', [f32(3, 5), f32(5, 7)], {equation: 'ij,jk->ik'}),
  sample('Einsum', [f32(2, 3, 5), f32(2, 5, 7)], {equation: 'bij,bjk->bik'}),
  sample('Einsum', [f32(2, 3, 5), f32(5, 7)], {equation: 'bij,jk->bki'}),
  sample('Einsum', [f32(3, 5), f32(5, 7)], {equation: 'ij, jk -> ik'}),
  sample('Einsum', [f32(3, 5)], {equation: 'ij->ji'}),
  sample('Einsum', [f32(3, 5)], {equation: 'ij->'}),
  sample('Einsum', [f32(2, 3, 5)], {equation: 'ijk->j'}),
  sample('Einsum', [f32(3, 5), f32(3, 5)], {equation: 'ij,ij->'}),
  sample('Einsum', [f32(3, 5), f32(3, 5)], {equation: 'ij,ij->ij'}),
  sample('Einsum', [f32(3), f32(5)], {equation: 'i,j->ij'}),
  sample('Einsum', [f32(3, 5), f32(7, 5)], {equation: 'ab,cb->ca'}),
  sample('Einsum', [f32(2, 3, 4, 5), f32(2, 3, 7, 5)], {equation: 'bhqd,bhkd->bhqk'}),
  ...[
    {equation: 'ij->ji', why: 'has one term for two operands'},
    {equation: 'ij,jk->ik->i', why: 'has two arrows'},
    {equation: 'ij,jk->in', why: 'no operand has n'},
  ].map(({equation, why}) =>
    sample(
      'Einsum',
      [f32(2, 3), f32(3, 2)],
      {equation},
      {refused: {cpu: why, wasm: why, tensorflow: why, webgl: why, webgpu: why}},
    ),
  ),
];

const ops: Sample[] = [
  opSample('dot', {t1: f32(3, 5), t2: f32(5)}, (tf, {t1, t2}) => tf.dot(t1, t2)),
  opSample('outerProduct', {v1: f32(3), v2: f32(5)}, (tf, {v1, v2}) =>
    tf.outerProduct(v1 as never, v2 as never),
  ),
];

export const matmul: readonly Sample[] = [...products, ...edges, ...fused, ...einsum, ...ops];
