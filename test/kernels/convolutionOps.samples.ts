import type * as tf from '@tensorflow/tfjs-core';
import {opSample, sample, type Sample} from './sample.js';
import {f32} from './spec.js';

/** Convolutions and pools that have no kernel of their own. */
const ops: readonly Sample[] = [
  opSample('conv1d', {x: f32(2, 7, 3), filter: f32(3, 3, 4)}, (tf, {x, filter}) =>
    tf.conv1d(x as tf.Tensor3D, filter as tf.Tensor3D, 2, 'same'),
  ),
  opSample('conv2dTranspose', {x: f32(1, 3, 2, 4), filter: f32(2, 3, 3, 4)}, (tf, {x, filter}) =>
    tf.conv2dTranspose(x as tf.Tensor4D, filter as tf.Tensor4D, [1, 6, 4, 3], 2, 'same'),
  ),
  opSample(
    'conv3dTranspose',
    {x: f32(1, 2, 3, 2, 3), filter: f32(2, 1, 2, 2, 3)},
    (tf, {x, filter}) =>
      tf.conv3dTranspose(
        x as tf.Tensor5D,
        filter as tf.Tensor5D,
        [1, 3, 3, 3, 2],
        1,
        'valid',
      ) as tf.Tensor,
  ),
  opSample(
    'separableConv2d',
    {x: f32(1, 5, 4, 2), depthwise: f32(2, 3, 2, 2), pointwise: f32(1, 1, 4, 3)},
    (tf, {x, depthwise, pointwise}) =>
      tf.separableConv2d(
        x as tf.Tensor4D,
        depthwise as tf.Tensor4D,
        pointwise as tf.Tensor4D,
        1,
        'same',
      ),
  ),
  opSample('pool', {x: f32(1, 6, 5, 2)}, (tf, {x}) =>
    tf.pool(x as tf.Tensor4D, [2, 3], 'avg', 'valid', [2, 1], 1),
  ),
];

/** Fused kernels without a bias: one of each activation. */
const activations = ['linear', 'relu', 'relu6', 'elu', 'leakyrelu', 'prelu'] as const;

const withoutBias: readonly Sample[] = activations.map((activation) =>
  sample(
    'FusedDepthwiseConv2D',
    {
      x: f32(1, 4, 3, 2),
      filter: f32(2, 2, 2, 1),
      bias: undefined,
      preluActivationWeights: activation === 'prelu' ? f32(2) : undefined,
    },
    {
      strides: [1, 1],
      pad: 'valid',
      dataFormat: 'NHWC',
      dilations: [1, 1],
      activation,
      leakyreluAlpha: activation === 'leakyrelu' ? 0.3 : undefined,
    } as unknown as tf.FusedDepthwiseConv2DAttrs,
  ),
);

export const convolutionOps: readonly Sample[] = [...ops, ...withoutBias];
