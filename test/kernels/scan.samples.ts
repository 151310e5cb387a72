import type {Tensor} from '@tensorflow/tfjs-core';
import {sample, type Sample, type SampleOptions} from './sample.js';
import {f32, i32} from './spec.js';

const variants = [
  {exclusive: false, reverse: false},
  {exclusive: true, reverse: false},
  {exclusive: false, reverse: true},
  {exclusive: true, reverse: true},
];

/** tfjs's op passes a negative axis on as it is, and the kernel of cpu permutes that wrongly. */
const negativeAxis = (reference: SampleOptions['reference']): SampleOptions => ({reference});

export const scan: readonly Sample[] = [
  ...variants.flatMap((variant) => [
    sample('Cumsum', {x: f32(3, 5)}, {axis: 1, ...variant}),
    sample('Cumprod', {x: f32(3, 5).in(0.5, 1.6)}, {axis: 1, ...variant}),
    sample('Cumsum', {x: f32(2, 3, 4)}, {axis: 1, ...variant}),
    sample('Cumprod', {x: f32(2, 3, 4).in(0.5, 1.6)}, {axis: 0, ...variant}),
  ]),
  sample('Cumsum', {x: f32(7)}, {axis: 0, exclusive: false, reverse: false}),
  sample(
    'Cumsum',
    {x: f32(2, 3, 4)},
    {axis: -2, exclusive: false, reverse: true},
    negativeAxis((tf, [x]) => tf.cumsum(x as Tensor, 1, false, true)),
  ),
  sample('Cumsum', {x: i32(3, 5)}, {axis: 0, exclusive: false, reverse: false}),
  sample('Cumprod', {x: f32(7)}, {axis: 0, exclusive: false, reverse: false}),
  sample(
    'Cumprod',
    {x: f32(2, 3, 4)},
    {axis: -1, exclusive: true, reverse: false},
    negativeAxis((tf, [x]) => tf.cumprod(x as Tensor, 2, true, false)),
  ),
  sample(
    'Cumprod',
    {x: f32(7).including(0)},
    {axis: 0, exclusive: false, reverse: false},
    {note: 'one zero'},
  ),
  sample(
    'Cumprod',
    {x: f32(7).including(0, 0)},
    {axis: 0, exclusive: true, reverse: true},
    {note: 'two zeros'},
  ),
  sample('Cumprod', {x: i32(3, 5).in(1, 4)}, {axis: 0, exclusive: false, reverse: false}),
];
