import * as tf from '@tensorflow/tfjs-core';

/** Tasks, points of each for the inner step and as many for the outer one, width of the layers, inner learning rate. */
export const tasks = 25;
export const points = 10;
export const width = 40;
export const innerRate = 0.1;

/** Weights and biases of the MLP 1-40-40-1. */
export type Params = Record<'w1' | 'b1' | 'w2' | 'b2' | 'w3' | 'b3', tf.Tensor>;

/** Support and query sets, `[points, 1]` a task. */
export type Tasks = Record<'xSupport' | 'ySupport' | 'xQuery' | 'yQuery', tf.Tensor>;

export function sineTasks(): Tasks {
  const amplitude = tf.randomUniform([tasks, 1, 1], 0.1, 5, 'float32', 1);
  const phase = tf.randomUniform([tasks, 1, 1], 0, Math.PI, 'float32', 2);
  const wave = (x: tf.Tensor) => tf.mul(amplitude, tf.sin(tf.add(x, phase)));
  const xSupport = tf.randomUniform([tasks, points, 1], -5, 5, 'float32', 3);
  const xQuery = tf.randomUniform([tasks, points, 1], -5, 5, 'float32', 4);
  return {xSupport, ySupport: wave(xSupport), xQuery, yQuery: wave(xQuery)};
}
