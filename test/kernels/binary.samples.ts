import type {Tensor} from '@tensorflow/tfjs-core';
import {readsAtOnce, opSample, sample, type Sample, type SampleOptions} from './sample.js';
import {bool, f32, i32, type Spec} from './spec.js';

type Shape = readonly number[];

/** Every way in which two shapes can meet. */
const pairs: readonly (readonly [a: Shape, b: Shape])[] = [
  [[], []],
  [
    [3, 5],
    [3, 5],
  ],
  [[3, 5], []],
  [[], [3, 5]],
  [[2, 3, 5], [5]],
  [[5], [2, 3, 5]],
  [
    [3, 1],
    [1, 5],
  ],
  [
    [4, 1, 2],
    [3, 1],
  ],
];

/** A missing `unbroadcast` shows with few shapes; which of them matters little to kernels that give no derivative. */
const fewPairs = pairs.filter((_, i) => i === 1 || i === 2 || i === 5 || i === 6);

const positive = (shape: Shape): Spec => f32(...shape).in(0.3, 2.2);
const any = (shape: Shape): Spec => f32(...shape);

function rows(
  kernel:
    | 'Add'
    | 'Sub'
    | 'Multiply'
    | 'RealDiv'
    | 'Maximum'
    | 'Minimum'
    | 'SquaredDifference'
    | 'Atan2'
    | 'Pow'
    | 'Mod',
  a: (shape: Shape) => Spec = any,
  b: (shape: Shape) => Spec = any,
  options?: SampleOptions,
): Sample[] {
  return pairs.map(([shapeA, shapeB]) => sample(kernel, {a: a(shapeA), b: b(shapeB)}, {}, options));
}

const arithmetic: Sample[] = [
  ...rows('Add'),
  ...rows('Sub'),
  ...rows('Multiply'),
  ...rows('RealDiv'),
  ...rows('Maximum'),
  ...rows('Minimum'),
  ...rows('SquaredDifference'),
  ...rows('Atan2'),
  ...rows('Pow', positive),
  // Between multiples of b the remainder is smooth: |a / b| stays in (1.1, 1.9) or so.
  ...rows(
    'Mod',
    (shape) => f32(...shape).in(2.2, 2.6),
    (shape) => f32(...shape).in(1.4, 1.9),
  ),
  sample('Add', {a: f32(0, 3), b: f32(3)}),
  sample('Multiply', {a: f32(2, 1, 3, 2, 5), b: f32(2, 4, 1, 2, 1)}),
  sample(
    'Pow',
    {a: f32(3, 5).in(-2, -0.3), b: f32(3, 5).of(wholePowers(15))},
    {},
    {constant: ['b'], note: 'negative base'},
  ),
  sample('Mod', {a: f32(3, 5).in(-2.6, -2.2), b: f32(3, 5).in(1.4, 1.9)}, {}, {note: 'negative a'}),
];

const integers: Sample[] = [
  ...(['Add', 'Sub', 'Multiply', 'Maximum', 'Minimum', 'SquaredDifference'] as const).flatMap(
    (kernel) => [
      sample(kernel, {a: i32(3, 5), b: i32(3, 5)}),
      sample(kernel, {a: i32(2, 3, 5), b: i32(5)}),
    ],
  ),
  sample('FloorDiv', {a: i32(3, 5).in(-9, 10), b: i32(3, 5).in(1, 5)}),
  sample('FloorDiv', {a: i32(2, 3, 5).in(-9, 10), b: i32(5).in(-4, 0)}),
  sample(
    'FloorDiv',
    {a: f32(3, 5).in(2.2, 2.6), b: f32(5).in(1.4, 1.9)},
    {},
    {anyDtype: 'int32 on cpu, float32 elsewhere'},
  ),
  sample('Mod', {a: i32(3, 5).in(-9, 10), b: i32(3, 5).in(1, 5)}),
  sample('Pow', {a: i32(3, 5), b: i32(5).in(0, 4)}),
  sample('BitwiseAnd', {a: i32(3, 5).in(0, 64), b: i32(3, 5).in(0, 64)}, {}, {skip: readsAtOnce}),
  // WebGL keeps integers as floats.
  sample(
    'BitwiseAnd',
    {a: i32(7).in(-(2 ** 23), 2 ** 23), b: i32(7).in(-(2 ** 23), 2 ** 23)},
    {},
    {skip: readsAtOnce},
  ),
];

const comparisons: Sample[] = (
  ['Equal', 'NotEqual', 'Less', 'LessEqual', 'Greater', 'GreaterEqual'] as const
).flatMap((kernel) => [
  ...fewPairs.map(([a, b]) => sample(kernel, {a: any(a), b: any(b)})),
  sample(kernel, {a: i32(2, 3, 5).in(0, 3), b: i32(5).in(0, 3)}),
  sample(kernel, {a: i32().in(0, 2), b: i32().in(0, 2)}),
]);

const logical: Sample[] = [
  ...(['LogicalAnd', 'LogicalOr'] as const).flatMap((kernel) =>
    fewPairs.map(([a, b]) => sample(kernel, {a: bool(...a), b: bool(...b)})),
  ),
  ...fewPairs.map(([a, b]) =>
    sample(
      'LogicalXor',
      {a: bool(...a), b: bool(...b)},
      {},
      {reference: (tf, [x, y]) => tf.logicalXor(x as never, y as never)},
    ),
  ),
];

const prelu: Sample[] = [
  sample('Prelu', {x: f32(3, 5), alpha: f32(3, 5)}),
  sample('Prelu', {x: f32(2, 3, 5), alpha: f32(5)}),
  sample('Prelu', {x: f32(2, 3, 5), alpha: f32(3, 1)}),
  sample('Prelu', {x: f32(3, 5), alpha: f32()}),
];

const select: Sample[] = [
  sample('Select', {condition: bool(3, 5), t: f32(3, 5), e: f32(3, 5)}),
  sample('Select', {condition: bool(), t: f32(), e: f32()}),
  sample('Select', {condition: bool(2, 3, 4), t: f32(2, 3, 4), e: f32(2, 3, 4)}),
  sample(
    'Select',
    {condition: bool(3), t: f32(3, 5, 2), e: f32(3, 5, 2)},
    {},
    {
      note: 'a condition per row',
      reference: (tf, [condition, t, e]) =>
        tf.where(tf.reshape(condition as Tensor, [3, 1, 1]), t as Tensor, e as Tensor),
    },
  ),
  sample('Select', {condition: bool(3, 5), t: i32(3, 5), e: i32(3, 5)}),
  sample('Select', {condition: bool(3, 5), t: bool(3, 5), e: bool(3, 5)}),
  opSample('where', {condition: bool(3, 1), t: f32(4, 1, 5), e: f32()}, (tf, {condition, t, e}) =>
    tf.where(condition, t, e),
  ),
];

const sums: Sample[] = [
  sample('AddN', [f32(3, 5), f32(3, 5), f32(3, 5)]),
  // More than a shader of WebGPU reads from.
  sample(
    'AddN',
    Array.from({length: 9}, () => f32(2)),
  ),
  sample('AddN', [f32()]),
  sample('AddN', [i32(3, 5), i32(3, 5)]),
];

export const binary: readonly Sample[] = [
  ...arithmetic,
  ...integers,
  ...comparisons,
  ...logical,
  ...prelu,
  ...select,
  ...sums,
];

/** 2, 3, 2, 3, …: whole exponents, for which a power of a negative number is real. */
function wholePowers(size: number): number[] {
  return Array.from({length: size}, (_, i) => 2 + (i % 2));
}
