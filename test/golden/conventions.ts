import * as tf from '@tensorflow/tfjs-core';
import type {Tensor, Tensor4D} from '@tensorflow/tfjs-core';
import {grad, jacfwd, vmap} from '../../src/index.js';
import {program, type Follows, type Program, type Programs} from './golden.js';

/** By reverse and by forward mode, which must take the same side of a kink. */
const bothModes = (f: (x: Tensor) => Tensor, follows?: Follows): Program =>
  program<{x: Tensor}>(({x}) => [vmap(grad(f))(x), vmap(jacfwd(f))(x)], follows);

export const conventions: Programs = {
  'kink/abs at 0': bothModes((x) => tf.abs(x), 'torch'),
  'kink/relu at 0': bothModes((x) => tf.relu(x)),
  'kink/relu6 at 0 and 6': bothModes((x) => tf.relu6(x)),
  'kink/elu at 0': bothModes((x) => tf.elu(x)),
  'kink/selu at 0': bothModes((x) => tf.selu(x)),
  'kink/leaky relu at 0': bothModes((x) => tf.leakyRelu(x, 0.25), 'torch'),
  'kink/clip at its bounds': bothModes((x) => tf.clipByValue(x, -1, 1), {
    because: "tfjs's own gradient of clipByValue lets everything through that it leaves as it is",
    ours: [
      {shape: [4], data: [1, 1, 1, 0]},
      {shape: [4], data: [1, 1, 1, 0]},
    ],
  }),
  'kink/maximum(x, 0) at 0': bothModes((x) => tf.maximum(x, tf.zerosLike(x))),
  'kink/maximum(x, x)': bothModes((x) => tf.maximum(x, x)),
  'kink/minimum(x, x²) where they meet': bothModes((x) => tf.minimum(x, tf.mul(x, x))),
  'kink/sign and step': bothModes((x) => tf.mul(tf.sign(x), x)),
  'kink/floor, ceiling and round': bothModes((x) =>
    tf.add(tf.add(tf.floor(x), tf.ceil(x)), tf.round(x)),
  ),
  'kink/remainder at a multiple': bothModes((x) => tf.mod(x, 0.5)),
  'kink/square root at 0': bothModes((x) => tf.sqrt(x)),
  'kink/x² and x³ at 0': bothModes((x) => tf.add(tf.pow(x, 2), tf.pow(x, 3))),
  'kink/power with exponent 0': bothModes((x) => tf.pow(x, tf.zerosLike(x)), 'torch'),
  'kink/norm at the origin': bothModes((x) => tf.sqrt(tf.sum(tf.mul(x, x)))),

  'tie/max of equal values': bothModes((x) => tf.max(x)),

  'tie/min along an axis': program<{x: Tensor; ct: Tensor}>(({x, ct}) =>
    grad((a: Tensor) => tf.sum(tf.mul(tf.min(a, 1), ct)))(x),
  ),

  'tie/max pooling': program<{x: Tensor4D}>(({x}) =>
    grad((a: Tensor4D) => tf.sum(tf.maxPool(a, 2, 2, 'valid')))(x),
  ),

  'tie/largest values': program<{x: Tensor}>(({x}) =>
    grad((a: Tensor) => tf.sum(tf.mul(tf.topk(a, 2).values, [1, 2])))(x),
  ),

  'indicator/gradient through a mask is zero': program<{x: Tensor}>(({x}) =>
    vmap(
      grad((a: Tensor) => tf.mul(tf.where(tf.greater(a, 0), tf.onesLike(a), tf.zerosLike(a)), a)),
    )(x),
  ),

  'unused/an argument without influence has gradient zero': program<{x: Tensor; y: Tensor}>(
    ({x, y}) => {
      const f = (a: Tensor, _unused: Tensor) => tf.sum(tf.sin(a));
      return grad(f, {argnums: [0, 1]})(x, y);
    },
  ),
};
