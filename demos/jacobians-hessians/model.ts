import * as tf from '@tensorflow/tfjs-core';
import type {PRNG} from 'seedrandom';

/** A dense layer of one example, as in functorch's tutorial: `tanh(weight · x + bias)`. */
export const predict = (weight: tf.Tensor, bias: tf.Tensor, x: tf.Tensor): tf.Tensor =>
  tf.tanh(tf.add(tf.dot(weight, x), bias));

export interface Layer {
  /** `[outputs, inputs]` */
  readonly weight: tf.Tensor2D;
  /** `[outputs]` */
  readonly bias: tf.Tensor1D;
}

export function makeLayer(outputs: number, inputs: number, random: PRNG): Layer {
  const deviation = 1 / Math.sqrt(inputs);
  return {
    weight: tf.randomNormal([outputs, inputs], 0, deviation, 'float32', random.int32()),
    bias: tf.randomNormal([outputs], 0, deviation, 'float32', random.int32()),
  };
}

/** `∂y[i] / ∂x[j] = (1 - y[i]²) · weight[i, j]`, on paper. */
export function jacobianOnPaper({weight, bias}: Layer, x: tf.Tensor): tf.Tensor {
  const slope = tf.sub(1, tf.square(predict(weight, bias, x)));
  return tf.mul(tf.expandDims(slope, 1), weight);
}

/** `∂²y[i] / ∂x[j]∂x[k] = -2 y[i] (1 - y[i]²) · weight[i, j] · weight[i, k]`, on paper. */
export function hessianOnPaper({weight, bias}: Layer, x: tf.Tensor): tf.Tensor {
  const y = predict(weight, bias, x);
  const curvature = tf.mul(tf.mul(y, -2), tf.sub(1, tf.square(y)));
  const outer = tf.mul(tf.expandDims(weight, 2), tf.expandDims(weight, 1));
  return tf.mul(tf.reshape(curvature, [-1, 1, 1]), outer);
}
