import type {Tensor2D} from '@tensorflow/tfjs-core';
import {opSample, type Sample} from '../kernels/sample.js';
import {f32} from '../kernels/spec.js';

const convolutions: Sample[] = [
  opSample('conv1d', {x: f32(2, 7, 3), filter: f32(3, 3, 4)}, (tf, {x, filter}) =>
    tf.conv1d(x as never, filter as never, 2, 'same'),
  ),
  opSample('conv1d', {x: f32(7, 3), filter: f32(3, 3, 4)}, (tf, {x, filter}) =>
    tf.conv1d(x as never, filter as never, 1, 'valid'),
  ),
  opSample('conv2d', {x: f32(5, 6, 3), filter: f32(2, 3, 3, 4)}, (tf, {x, filter}) =>
    tf.conv2d(x as never, filter as never, [1, 2], 'same'),
  ),
  opSample(
    'conv2d',
    {x: f32(1, 7, 6, 3), filter: f32(2, 2, 3, 4)},
    (tf, {x, filter}) => tf.conv2d(x as never, filter as never, 1, 'valid', 'NHWC', 2),
    {note: 'dilated'},
  ),
  opSample('conv2dTranspose', {x: f32(1, 3, 4, 2), filter: f32(2, 3, 5, 2)}, (tf, {x, filter}) =>
    tf.conv2dTranspose(x as never, filter as never, [1, 6, 8, 5], 2, 'same'),
  ),
  opSample('depthwiseConv2d', {x: f32(1, 5, 6, 3), filter: f32(2, 2, 3, 2)}, (tf, {x, filter}) =>
    tf.depthwiseConv2d(x as never, filter as never, 1, 'same'),
  ),
  opSample(
    'separableConv2d',
    {x: f32(1, 5, 6, 3), depthwise: f32(2, 2, 3, 2), pointwise: f32(1, 1, 6, 4)},
    (tf, {x, depthwise, pointwise}) =>
      tf.separableConv2d(x as never, depthwise as never, pointwise as never, 1, 'same'),
  ),
  opSample(
    'fused.conv2d',
    {x: f32(1, 5, 6, 3), filter: f32(2, 2, 3, 4), bias: f32(4)},
    (tf, {x, filter, bias}) =>
      tf.fused.conv2d({
        x: x as never,
        filter: filter as never,
        strides: 1,
        pad: 'same',
        bias,
        activation: 'elu',
      }),
  ),
  opSample(
    'fused.depthwiseConv2d',
    {x: f32(1, 5, 6, 3), filter: f32(2, 2, 3, 2), bias: f32(6)},
    (tf, {x, filter, bias}) =>
      tf.fused.depthwiseConv2d({
        x: x as never,
        filter: filter as never,
        strides: 1,
        pad: 'valid',
        bias,
        activation: 'sigmoid',
      }),
  ),
  opSample('fused.matMul', {a: f32(3, 5), b: f32(5, 4), bias: f32(4)}, (tf, {a, b, bias}) =>
    tf.fused.matMul({a, b, bias, activation: 'sigmoid'}),
  ),
];

const pools: Sample[] = [
  opSample('pool', {x: f32(1, 5, 6, 3)}, (tf, {x}) => tf.pool(x as never, [2, 3], 'max', 'same')),
  opSample(
    'pool',
    {x: f32(1, 5, 6, 3)},
    (tf, {x}) => tf.pool(x as never, 2, 'avg', 'valid', 1, 2),
    {
      note: 'average, strided',
    },
  ),
  opSample('pool', {x: f32(1, 7, 8, 3)}, (tf, {x}) => tf.pool(x as never, 2, 'avg', 'same', 2), {
    note: 'average, dilated',
  }),
  opSample('maxPool', {x: f32(5, 6, 3)}, (tf, {x}) => tf.maxPool(x as never, 2, 2, 'valid')),
  opSample('avgPool', {x: f32(5, 6, 3)}, (tf, {x}) => tf.avgPool(x as never, [2, 3], 1, 'same')),
];

const lstm = {
  data: f32(2, 3),
  c: f32(2, 4),
  h: f32(2, 4),
  kernel: f32(7, 16),
  bias: f32(16),
};

const recurrent: Sample[] = [
  opSample('basicLSTMCell', lstm, (tf, {data, c, h, kernel, bias}) =>
    tf.basicLSTMCell(
      tf.scalar(1),
      kernel as Tensor2D,
      bias as never,
      data as Tensor2D,
      c as Tensor2D,
      h as Tensor2D,
    ),
  ),
  opSample(
    'multiRNNCell',
    {...lstm, kernel2: f32(8, 16), c2: f32(2, 4), h2: f32(2, 4)},
    (tf, {data, c, h, kernel, bias, kernel2, c2, h2}) => {
      const cell =
        (weights: unknown) =>
        (x: Tensor2D, cx: Tensor2D, hx: Tensor2D): [Tensor2D, Tensor2D] =>
          tf.basicLSTMCell(tf.scalar(1), weights as Tensor2D, bias as never, x, cx, hx);
      const [cs, hs] = tf.multiRNNCell(
        [cell(kernel), cell(kernel2)],
        data as never,
        [c, c2] as never,
        [h, h2] as never,
      );
      return [...cs, ...hs];
    },
  ),
];

export const layers: readonly Sample[] = [...convolutions, ...pools, ...recurrent];
