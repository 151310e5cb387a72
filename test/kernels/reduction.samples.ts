import {opSample, sample, type Sample} from './sample.js';
import {bool, f32, i32, type Spec} from './spec.js';

/** `undefined` and `null` are what tfjs's ops pass for "all axes". */
const everyAxis = null as unknown as number[];

type Axes = number | number[];

/** Shapes with the axes to reduce. */
const cases: readonly (readonly [shape: readonly number[], axis: Axes, keepDims: boolean])[] = [
  [[], everyAxis, false],
  [[7], 0, false],
  [[3, 5], everyAxis, false],
  [[3, 5], 1, false],
  [[3, 5], 0, true],
  [[3, 5], [-1], true],
  [[2, 3, 4], [0, 2], false],
  [[2, 3, 4], -2, false],
  [[2, 3, 4], [2, 0], true],
  [[2, 3, 4], everyAxis, true],
  [[2, 3, 1, 4, 2], [1, -1], false],
];

const float: Sample[] = cases.flatMap(([shape, axis, keepDims]) => [
  sample('Sum', {x: f32(...shape)}, {axis, keepDims}),
  sample('Mean', {x: f32(...shape)}, {axis, keepDims}),
  sample('Max', {x: f32(...shape)}, {reductionIndices: axis, keepDims}),
  sample('Min', {x: f32(...shape)}, {axis, keepDims}),
  sample('Prod', {x: f32(...shape).in(0.5, 1.6)}, {axis, keepDims}),
]);

const logical: Sample[] = cases
  .slice(1)
  .filter((_, i) => i % 2 === 0)
  .flatMap(([shape, axis, keepDims]) => [
    sample('All', {x: bool(...shape)}, {axis, keepDims}),
    sample('Any', {x: bool(...shape)}, {axis, keepDims}),
  ]);

const integers: Sample[] = [
  sample('Sum', {x: i32(3, 5)}, {axis: [1], keepDims: false}),
  sample('Mean', {x: i32(3, 5)}, {axis: [1], keepDims: false}),
  sample('Max', {x: i32(3, 5)}, {reductionIndices: [-2], keepDims: true}),
  sample('Min', {x: i32(3, 5)}, {axis: everyAxis, keepDims: false}),
  sample('Prod', {x: i32(3, 5).in(1, 4)}, {axis: [1], keepDims: false}),
];

const unusual: Sample[] = [
  sample('Sum', {x: f32(3, 5)}, {axis: [], keepDims: false}, {note: 'no axis'}),
  sample('Mean', {x: f32(3, 5)}, {axis: [], keepDims: false}, {note: 'no axis'}),
  sample('Max', {x: f32(3, 5)}, {reductionIndices: [], keepDims: false}, {note: 'no axis'}),
  sample('Sum', {x: f32(3, 0)}, {axis: [1], keepDims: false}),
  sample('Prod', {x: f32(3, 5).including(0)}, {axis: [1], keepDims: false}, {note: 'one zero'}),
  sample(
    'Prod',
    {x: zerosIn(f32(3, 5))},
    {axis: [1], keepDims: false},
    {note: 'two zeros in a row'},
  ),
  sample('Prod', {x: f32(2, 3, 4)}, {axis: [1, 2], keepDims: true}, {note: 'both signs'}),
];

const indices: Sample[] = (['ArgMax', 'ArgMin'] as const).flatMap((kernel) => [
  sample(kernel, {x: f32(7)}, {axis: 0}),
  sample(kernel, {x: f32(3, 5)}, {axis: 1}),
  sample(kernel, {x: f32(2, 3, 4)}, {axis: 0}),
  sample(kernel, {x: f32(2, 3, 4)}, {axis: -2}),
  sample(kernel, {x: i32(3, 5)}, {axis: -1}, {note: 'ties'}),
]);

const ops: Sample[] = [
  opSample('logSumExp', {x: f32(2, 3, 4)}, (tf, {x}) => tf.logSumExp(x, 1)),
  opSample('logSumExp', {x: f32(3, 5)}, (tf, {x}) => tf.logSumExp(x), {note: 'all axes'}),
  opSample('norm', {x: f32(3, 5)}, (tf, {x}) => tf.norm(x, 'euclidean', 1)),
  opSample('moments', {x: f32(3, 5)}, (tf, {x}) => {
    const {mean, variance} = tf.moments(x, 0);
    return [mean, variance];
  }),
];

export const reduction: readonly Sample[] = [
  ...float,
  ...logical,
  ...integers,
  ...unusual,
  ...indices,
  ...ops,
];

/** Two zeros in the first row, one in the second, none in the last. */
function zerosIn(spec: Spec): Spec {
  return spec.map((value, index) => ([1, 3, 5].includes(index) ? 0 : value));
}
