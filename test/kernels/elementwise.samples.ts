import type {KernelName, Signatures} from '../../src/rules/signatures.js';
import {sample, type Sample, type SampleOptions} from './sample.js';
import {bool, f32, i32, type Spec} from './spec.js';

type UnaryName = {[N in KernelName]: Signatures[N]['required'] extends 'x' ? N : never}[KernelName];

/** Where a function is defined and smooth, if not wherever values are away from zero. */
const domains: readonly (readonly [
  UnaryName,
  ((shape: readonly number[]) => Spec)?,
  SampleOptions?,
])[] = [
  ['Abs'],
  ['Acos', between(-0.9, 0.9)],
  ['Acosh', between(1.2, 3)],
  ['Asin', between(-0.9, 0.9)],
  ['Asinh'],
  ['Atan'],
  ['Atanh', between(-0.9, 0.9)],
  ['Ceil', awayFromWholeNumbers],
  ['Cos'],
  ['Cosh'],
  ['Elu'],
  [
    'Erf',
    undefined,
    {
      slack: {primal: 2, derivative: 5, second: 50},
      reason: 'the reference, and the kernels, use a polynomial good to 1.5e-7',
    },
  ],
  ['Exp'],
  ['Expm1'],
  ['Floor', awayFromWholeNumbers],
  ['Identity'],
  ['Log', between(0.2, 3)],
  ['Log1p', between(-0.7, 2)],
  ['Neg'],
  ['OnesLike'],
  ['Reciprocal'],
  ['Relu'],
  ['Relu6', between(-3, 9)],
  ['Round', awayFromHalves],
  ['Rsqrt', between(0.2, 3)],
  ['Selu'],
  ['Sigmoid'],
  ['Sign'],
  ['Sin'],
  ['Sinh'],
  ['Softplus'],
  ['Sqrt', between(0.2, 3)],
  ['Square'],
  ['Tan', between(-1.2, 1.2)],
  ['Tanh'],
  ['ZerosLike'],
];

const smooth = domains.flatMap(([kernel, values = (shape) => f32(...shape), options]) =>
  [[], [3, 5]].map((shape) => sample(kernel, {x: values(shape)}, {}, options)),
);

/** What a rule for one element could still get wrong: high ranks and empty tensors. */
const shapes = (['Tanh', 'Relu', 'Neg'] as const).flatMap((kernel) => [
  sample(kernel, {x: f32(7)}),
  sample(kernel, {x: f32(2, 3, 4, 5)}),
  sample(kernel, {x: f32(2, 1, 3, 2, 5)}),
  sample(kernel, {x: f32(0, 3)}),
]);

const integers = (
  ['Abs', 'Neg', 'Square', 'Relu', 'Identity', 'ZerosLike', 'OnesLike'] as const
).map((kernel) => sample(kernel, {x: i32(3, 5)}));

const special = f32(3, 5).including(NaN, Infinity, -Infinity, 0);
const predicates: Sample[] = [
  ...(['IsNan', 'IsInf', 'IsFinite'] as const).flatMap((kernel) => [
    sample(kernel, {x: special}),
    sample(kernel, {x: f32()}),
  ]),
  sample('LogicalNot', {x: bool(3, 5)}),
  sample('LogicalNot', {x: bool()}),
];

const withAttributes: Sample[] = [
  sample('LeakyRelu', {x: f32(3, 5)}, {alpha: 0.3}),
  sample('LeakyRelu', {x: f32()}, {alpha: 0.3}),
  sample('Step', {x: f32(3, 5)}, {alpha: 0}),
  sample('Step', {x: f32(3, 5)}, {alpha: 0.3}),
  sample('ClipByValue', {x: f32(3, 5)}, {clipValueMin: -0.703, clipValueMax: 0.911}),
  sample('ClipByValue', {x: f32()}, {clipValueMin: -0.703, clipValueMax: 0.911}),
  sample('Cast', {x: f32(3, 5)}, {dtype: 'float32'}),
  sample('Cast', {x: awayFromWholeNumbers([3, 5])}, {dtype: 'int32'}),
  sample(
    'Cast',
    {x: f32(3, 5).including(0, 0)},
    {dtype: 'bool'},
    {
      constant: 'all',
    },
  ),
  sample('Cast', {x: i32(3, 5)}, {dtype: 'float32'}),
  sample('Cast', {x: bool(3, 5)}, {dtype: 'float32'}),
  sample('Cast', {x: bool()}, {dtype: 'int32'}),
  sample('Cast', {x: i32(3, 5)}, {dtype: 'bool'}),
  sample('EluGrad', {dy: f32(3, 5), y: f32(3, 5).in(-0.95, 1.1)}),
  sample('EluGrad', {dy: f32(), y: f32().of([-0.4])}),
];

export const elementwise: readonly Sample[] = [
  ...smooth,
  ...shapes,
  ...integers,
  ...predicates,
  ...withAttributes,
];

function between(low: number, high: number): (shape: readonly number[]) => Spec {
  return (shape) => f32(...shape).in(low, high);
}

function awayFromWholeNumbers(shape: readonly number[]): Spec {
  return f32(...shape).map((value) => Math.trunc(value * 3) + Math.sign(value) * 0.4);
}

function awayFromHalves(shape: readonly number[]): Spec {
  return f32(...shape).map((value) => Math.trunc(value * 3) + Math.sign(value) * 0.2);
}
