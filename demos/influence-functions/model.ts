import * as tf from '@tensorflow/tfjs-core';
import {grad, hessian, linearize, vmap} from '../../src/index.js';

/** Digits of two labels, `x` `[N, features]`, and which of the two each is, `y` `[N]`, 0 or 1. */
export type Data = {readonly x: tf.Tensor; readonly y: tf.Tensor};

/** The loss of one example under logistic regression, whose weights are a vector `[features]`. */
export const exampleLoss = (w: tf.Tensor, x: tf.Tensor, y: tf.Tensor): tf.Scalar => {
  const logit = tf.dot(w, x) as tf.Scalar;
  return tf.sub(tf.softplus(logit), tf.mul(y, logit));
};

/** The losses of all examples, `[N]`. */
const losses = (w: tf.Tensor, {x, y}: Data): tf.Tensor =>
  vmap(exampleLoss, {inDims: [null, 0, 0]})(w, x, y);

/** What training minimizes: the weighted sum of the losses and a penalty that makes it strictly convex. */
export const objective =
  (data: Data, penalty: number) =>
  (w: tf.Tensor, counts: tf.Tensor): tf.Scalar =>
    tf.add(tf.dot(counts, losses(w, data)), tf.mul(tf.sum(tf.square(w)), penalty / 2));

/** Iterations of the conjugate gradient method: what is then left of an error is as small as rounding makes it. */
const ITERATIONS = 40;

/**
 * Solves `A·z = b` for a positive definite linear map by the method of conjugate gradients. No values are read, so that it works in every
 * transform.
 */
export function solve(
  multiply: (v: tf.Tensor) => tf.Tensor,
  b: tf.Tensor,
  iterations = Math.min(ITERATIONS, 2 * b.size),
): tf.Tensor {
  let z: tf.Tensor = tf.zerosLike(b);
  let [residual, direction] = [b, b];
  let square: tf.Tensor = tf.sum(tf.square(residual));
  const tiny = 1e-30; // keeps 0 / 0 away once all is solved
  for (let i = 0; i < iterations; i++) {
    const product = multiply(direction);
    const step = tf.div(square, tf.add(tf.sum(tf.mul(direction, product)), tiny));
    z = tf.add(z, tf.mul(step, direction));
    residual = tf.sub(residual, tf.mul(step, product));
    const next = tf.sum(tf.square(residual));
    direction = tf.add(residual, tf.mul(tf.div(next, tf.add(square, tiny)), direction));
    square = next;
  }
  return z;
}

/** The gradient of the objective, and its Hessian as a function that multiplies with it. */
const derivatives = (
  f: ReturnType<typeof objective>,
  w: tf.Tensor,
  counts: tf.Tensor,
): [slope: tf.Tensor, multiply: (v: tf.Tensor) => tf.Tensor] => {
  const [slope, multiply] = linearize((weights: tf.Tensor) => grad(f)(weights, counts), [w]);
  return [slope, (v) => multiply([v])];
};

/** Trains by Newton's method, from `start`: weights that minimize the objective for the given counts of the examples, `[N]`. */
export function train(
  data: Data,
  penalty: number,
  start: tf.Tensor,
  counts: tf.Tensor,
  steps: number,
): tf.Tensor {
  const f = objective(data, penalty);
  let w = start;
  for (let step = 0; step < steps; step++) {
    const [slope, multiply] = derivatives(f, w, counts);
    w = tf.sub(w, solve(multiply, slope));
  }
  return w;
}

/**
 * By how much the loss at a test example would grow if each training example were left out: `∇L(test)ᵀ H⁻¹ ∇L(example)` (Koh and Liang
 * 2017, arXiv:1703.04730). The Hessian is only multiplied with.
 *
 * @returns  a number for each training example, `[N]`: positive for those that help
 */
export function influences(
  data: Data,
  penalty: number,
  w: tf.Tensor,
  testX: tf.Tensor,
  testY: tf.Tensor,
): tf.Tensor {
  const counts = tf.ones([data.x.shape[0]!]);
  const [, multiply] = derivatives(objective(data, penalty), w, counts);
  const direction = solve(multiply, grad(exampleLoss)(w, testX, testY));
  const gradients = vmap(grad(exampleLoss), {inDims: [null, 0, 0]})(w, data.x, data.y);
  return tf.dot(gradients, direction);
}

/** The Hessian of the objective, `[features, features]`. */
export const hessianOf = (data: Data, penalty: number, w: tf.Tensor): tf.Tensor =>
  hessian(objective(data, penalty))(w, tf.ones([data.x.shape[0]!]));

/**
 * What influences approximate: the model is trained again without each of some examples, all of these at once.
 * @returns  by how much the loss at the test example grew, `[rows]`
 */
export function leaveOneOut(
  data: Data,
  penalty: number,
  w: tf.Tensor,
  testX: tf.Tensor,
  testY: tf.Tensor,
  rows: readonly number[],
): tf.Tensor {
  const count = data.x.shape[0]!;
  const without = tf.sub(1, tf.oneHot(tf.tensor1d([...rows], 'int32'), count));
  const retrain = (counts: tf.Tensor): tf.Tensor =>
    exampleLoss(train(data, penalty, w, counts, 2), testX, testY);
  return tf.sub(vmap(retrain)(without), exampleLoss(w, testX, testY));
}

/** Pearson's correlation. */
export function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  const covariance = (p: readonly number[], q: readonly number[], mp: number, mq: number): number =>
    p.reduce((sum, value, i) => sum + (value - mp) * (q[i]! - mq), 0);
  return (
    covariance(a, b, meanA, meanB) /
    Math.sqrt(covariance(a, a, meanA, meanA) * covariance(b, b, meanB, meanB))
  );
}
