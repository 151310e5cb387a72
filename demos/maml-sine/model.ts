import * as tf from '@tensorflow/tfjs-core';
import type {PRNG} from 'seedrandom';
import {grad, vmap} from '../../src/index.js';
import {mapParameters, type Parameters} from '../common/parameters.js';

/** A sine curve to learn from a few of its points. */
export interface Sine {
  readonly amplitude: number;
  readonly phase: number;
}

export const sineAt = ({amplitude, phase}: Sine, x: number): number =>
  amplitude * Math.sin(x - phase);

/** Tasks of Finn et al. 2017 (arXiv:1703.03400), section 5.1. */
export const drawSine = (random: PRNG): Sine => ({
  amplitude: 0.1 + 4.9 * random(),
  phase: Math.PI * random(),
});

/** Where curves are sampled: `-5 ≤ x ≤ 5`. */
export const RANGE = 5;

/** Points of several curves, `[tasks, points, 1]`: those to adapt to, and others to judge by. */
export type SineBatch = [x: tf.Tensor, y: tf.Tensor, testX: tf.Tensor, testY: tf.Tensor];

export function drawBatch(sines: readonly Sine[], points: number, random: PRNG): SineBatch {
  const sample = (): tf.Tensor[] => {
    const xs = sines.map(() => Array.from({length: points}, () => RANGE * (2 * random() - 1)));
    const ys = xs.map((row, task) => row.map((x) => sineAt(sines[task]!, x)));
    return [xs, ys].map((rows) => tf.tensor3d(rows.map((row) => row.map((value) => [value]))));
  };
  return [...sample(), ...sample()] as SineBatch;
}

/** The paper's network: two hidden layers with relu. The kinks of the first are spread over the range from the start. */
export function initialize(hidden: number, random: PRNG): Parameters {
  const draw = (shape: number[], deviation: number): tf.Tensor =>
    tf.randomNormal(shape, 0, deviation, 'float32', random.int32());
  return {
    w1: draw([1, hidden], 0.7),
    b1: draw([hidden], 1.5),
    w2: draw([hidden, hidden], Math.sqrt(2 / hidden)),
    b2: tf.zeros([hidden]),
    w3: draw([hidden, 1], Math.sqrt(2 / hidden)),
    b3: tf.zeros([1]),
  };
}

/** Maps points `[N, 1]` to values `[N, 1]`. */
export function network(p: Parameters, x: tf.Tensor): tf.Tensor {
  const first = tf.relu(tf.add(tf.matMul(x as tf.Tensor2D, p['w1'] as tf.Tensor2D), p['b1']!));
  const second = tf.relu(tf.add(tf.matMul(first as tf.Tensor2D, p['w2'] as tf.Tensor2D), p['b2']!));
  return tf.add(tf.matMul(second as tf.Tensor2D, p['w3'] as tf.Tensor2D), p['b3']!);
}

export const squaredError = (p: Parameters, x: tf.Tensor, y: tf.Tensor): tf.Scalar =>
  tf.mean(tf.squaredDifference(network(p, x), y));

/** Parameters after some steps of gradient descent on one task: a function that can be differentiated. */
export function adapt(
  parameters: Parameters,
  x: tf.Tensor,
  y: tf.Tensor,
  steps: number,
  learningRate: number,
): Parameters {
  let adapted = parameters;
  for (let step = 0; step < steps; step++) {
    const gradient = grad(squaredError)(adapted, x, y);
    adapted = mapParameters(adapted, (value, name) =>
      tf.sub(value, tf.mul(gradient[name]!, learningRate)),
    );
  }
  return adapted;
}

/** What MAML minimizes: the mean error of several tasks after one step of adaptation to each. */
export const metaLoss =
  (learningRate: number) =>
  (parameters: Parameters, ...batch: SineBatch): tf.Scalar =>
    tf.mean(
      vmap(afterAdaptation(learningRate), {inDims: [null, 0, 0, 0, 0]})(parameters, ...batch),
    );

/** The error of one task after one step of adaptation. */
const afterAdaptation =
  (learningRate: number) =>
  (parameters: Parameters, ...[x, y, testX, testY]: SineBatch): tf.Tensor =>
    squaredError(adapt(parameters, x, y, 1, learningRate), testX, testY);

/** What MAML is compared with: the mean error of all tasks without adaptation. */
export const jointLoss = (parameters: Parameters, ...[x, y]: SineBatch): tf.Scalar =>
  tf.mean(vmap(squaredError, {inDims: [null, 0, 0]})(parameters, x, y));

/** The mean error over tasks after 0, 1, … steps of adaptation. */
export function errorsBySteps(
  parameters: Parameters,
  [x, y, testX, testY]: SineBatch,
  steps: number,
  learningRate: number,
): number[] {
  return tf.tidy(() => {
    const errors = vmap(
      (p: Parameters, ...[ownX, ownY, ownTestX, ownTestY]: SineBatch) => {
        let adapted = p;
        const results = [squaredError(adapted, ownTestX, ownTestY)];
        for (let step = 0; step < steps; step++) {
          adapted = adapt(adapted, ownX, ownY, 1, learningRate);
          results.push(squaredError(adapted, ownTestX, ownTestY));
        }
        return tf.stack(results);
      },
      {inDims: [null, 0, 0, 0, 0]},
    )(parameters, x, y, testX, testY);
    return [...tf.mean(errors, 0).dataSync()];
  });
}

/** The gradient of `metaLoss`, task after task. The library takes it here too: stock tfjs can't differentiate through a gradient. */
export function metaGradientByLoop(
  learningRate: number,
  parameters: Parameters,
  batch: SineBatch,
): tf.Tensor[] {
  const tasks = batch.map((tensor) => tf.unstack(tensor));
  const each = tasks[0]!.map((_, task) => {
    const own = tasks.map((tensors) => tensors[task]!) as SineBatch;
    return Object.values(grad(afterAdaptation(learningRate))(parameters, ...own));
  });
  return each[0]!.map((_, leaf) => tf.mean(tf.stack(each.map((gradient) => gradient[leaf]!)), 0));
}
