import * as tf from '@tensorflow/tfjs-core';
import type {PRNG} from 'seedrandom';
import {jvp, vmap} from '../../src/index.js';
import type {Parameters} from '../common/parameters.js';

/** Burgers' equation: `u_t + u·u_x = ν·u_xx` for `0 ≤ x ≤ 1`, with `u = 0` at both ends. */
export interface Problem {
  /** The viscosity ν. */
  readonly viscosity: number;
  /** How far the solution is from a shock at the start: above 1; near 1 it is steep. */
  readonly smoothness: number;
}

/**
 * An exact solution (Cole and Hopf: `u = -2ν φ_x / φ` for a solution φ of the heat equation, here `φ = a + exp(-π²νt) cos(πx)`).
 * Elementwise.
 */
export function exactSolution(
  {viscosity: nu, smoothness: a}: Problem,
  x: tf.Tensor,
  t: tf.Tensor,
): tf.Tensor {
  const decay = tf.exp(tf.mul(t, -Math.PI * Math.PI * nu));
  const angle = tf.mul(x, Math.PI);
  const numerator = tf.mul(decay, tf.mul(tf.sin(angle), 2 * Math.PI * nu));
  return tf.div(numerator, tf.add(tf.mul(decay, tf.cos(angle)), a));
}

/** A solution to be tried: maps scalars x and t to a scalar. */
export type Solution = (x: tf.Tensor, t: tf.Tensor) => tf.Tensor;

export function initialize(hidden: number, random: PRNG): Parameters {
  const weight = (from: number, to: number): tf.Tensor =>
    tf.randomNormal([from, to], 0, Math.sqrt(2 / (from + to)), 'float32', random.int32());
  return {
    w1: weight(2, hidden),
    b1: tf.zeros([hidden]),
    w2: weight(hidden, hidden),
    b2: tf.zeros([hidden]),
    w3: weight(hidden, 1),
    b3: tf.zeros([1]),
  };
}

/** A network that starts as the solution starts and is zero at the ends, whatever its parameters: `u(x, 0) + t·x·(1 - x)·N(x, t)`. */
export const networkSolution =
  (problem: Problem) =>
  (p: Parameters): Solution =>
  (x, t) => {
    const layer = (input: tf.Tensor, number: number): tf.Tensor =>
      tf.add(tf.dot(input, p[`w${number}`]!), p[`b${number}`]!);
    const input = tf.stack([tf.sub(tf.mul(x, 2), 1), tf.sub(tf.mul(t, 2), 1)]);
    const output = layer(tf.tanh(layer(tf.tanh(layer(input, 1)), 2)), 3);
    const start = exactSolution(problem, x, tf.zerosLike(t));
    return tf.add(start, tf.mul(tf.mul(t, tf.mul(x, tf.sub(1, x))), tf.reshape(output, [])));
  };

/** By how much a solution fails the equation at a point: `u_t + u·u_x - ν·u_xx`, all derivatives by forward mode. */
export function residual({viscosity}: Problem, u: Solution, x: tf.Tensor, t: tf.Tensor): tf.Tensor {
  const one = tf.onesLike(x);
  const slope = (at: tf.Tensor): [tf.Tensor, tf.Tensor] =>
    jvp((place: tf.Tensor) => u(place, t), [at], [one]);
  const [[value, ux], [, uxx]] = jvp(slope, [x], [one]);
  const [, ut] = jvp((time: tf.Tensor) => u(x, time), [t], [one]);
  return tf.sub(tf.add(ut, tf.mul(value, ux)), tf.mul(uxx, viscosity));
}

/** The residuals at points `[N]`. */
export const residuals = (
  problem: Problem,
): ((p: Parameters, x: tf.Tensor, t: tf.Tensor) => tf.Tensor) => {
  const solution = networkSolution(problem);
  return vmap((p: Parameters, x: tf.Tensor, t: tf.Tensor) => residual(problem, solution(p), x, t), {
    inDims: [null, 0, 0],
  });
};

/** The mean square of the residuals: nothing of the solution is known to it but the equation. */
export const equationLoss =
  (problem: Problem) =>
  (p: Parameters, x: tf.Tensor, t: tf.Tensor): tf.Scalar =>
    tf.mean(tf.square(residuals(problem)(p, x, t)));

/** What a network says and what is right, on a grid: row by row in time. */
export function onGrid(
  problem: Problem,
  p: Parameters,
  xs: readonly number[],
  ts: readonly number[],
): {network: number[]; exact: number[]} {
  return tf.tidy(() => {
    const x = tf.tensor1d(ts.flatMap(() => [...xs]));
    const t = tf.tensor1d(ts.flatMap((time) => xs.map(() => time)));
    const network = vmap(networkSolution(problem)(p))(x, t);
    return {
      network: [...network.dataSync()],
      exact: [...exactSolution(problem, x, t).dataSync()],
    };
  });
}

/** The difference, relative to the exact solution, as root mean squares. */
export function relativeError({network, exact}: ReturnType<typeof onGrid>): number {
  const norm = (values: readonly number[]): number => Math.hypot(...values);
  return norm(network.map((value, i) => value - exact[i]!)) / norm(exact);
}
