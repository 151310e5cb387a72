import * as tf from '@tensorflow/tfjs-core';
import type {PRNG} from 'seedrandom';
import {grad, vmap} from '../../src/index.js';
import {batchOf, type Digits} from '../common/digits.js';
import {mapParameters, type Parameters} from '../common/parameters.js';
import {crossEntropy, type Model} from './model.js';

/** Digits that are differentiated at once: bounds memory, and has no say in the result. */
const CHUNK = 256;

export interface TrainingOptions {
  readonly steps: number;
  /** The probability with which each digit joins a step. */
  readonly samplingRate: number;
  readonly learningRate: number;
  /** The largest norm of one digit's gradient, `C`. */
  readonly clip: number;
  /** The noise multiplier `σ`: noise of standard deviation `σ·C` is added to the sum of clipped gradients. */
  readonly noise: number;
}

/** Starts from Glorot's normal distribution; biases from zero. */
export function initialize(model: Model, random: PRNG): Record<string, tf.Variable> {
  const variables = Object.entries(model.shapes).map(([name, shape]) => {
    const fans = shape.slice(-2).reduce((a, b) => a + b, 0);
    const receptiveField = shape.slice(0, -2).reduce((a, b) => a * b, 1);
    const deviation = name.endsWith('Bias') ? 0 : Math.sqrt(2 / (fans * receptiveField));
    const start = tf.randomNormal(shape, 0, deviation, 'float32', random.double());
    const variable = tf.variable(start, true, name);
    start.dispose();
    return [name, variable] as const;
  });
  return Object.fromEntries(variables);
}

/**
 * Differentially private SGD (Abadi et al. 2016, arXiv:1607.00133). Each step draws digits at random, clips the gradient of each,
 * adds noise to the sum, and hands the mean to an ordinary optimizer, which sees nothing else of the data.
 *
 * @param onStep  called after each step; a return value of false ends the training
 * @returns  the number of steps taken
 */
export async function train(
  model: Model,
  parameters: Record<string, tf.Variable>,
  digits: Digits,
  options: TrainingOptions,
  random: PRNG,
  onStep: (step: number) => boolean | Promise<boolean>,
): Promise<number> {
  const optimizer = tf.train.sgd(options.learningRate);
  const gradients = perExampleGradients(model);
  try {
    for (let step = 1; step <= options.steps; step++) {
      tf.tidy(() => {
        const rows = poissonSample(digits.labels.length, options.samplingRate, random);
        const mean = privateGradient(gradients, parameters, digits, rows, options, random);
        optimizer.applyGradients(Object.entries(mean).map(([name, tensor]) => ({name, tensor})));
      });
      if (!(await onStep(step))) return step;
    }
    return options.steps;
  } finally {
    optimizer.dispose();
  }
}

/** Maps images `[B, 28, 28, 1]` and labels `[B]` to the gradient of each: `[B, ...shape]` for every parameter. */
export function perExampleGradients(
  model: Model,
): (parameters: Parameters, images: tf.Tensor, labels: tf.Tensor) => Parameters {
  return vmap(grad(crossEntropy(model)), {inDims: [null, 0, 0]});
}

/**
 * Every row joins by itself with the same probability, as the accountant assumes. The number of rows varies from draw to draw, and
 * may be 0: to cut it at a maximum, or to shuffle and cut the data into batches of one size, would be another mechanism with other
 * guarantees.
 */
export function poissonSample(count: number, probability: number, random: PRNG): number[] {
  return Array.from({length: count}, (_, row) => row).filter(() => random() < probability);
}

/** The noisy mean of the clipped gradients of some rows. */
export function privateGradient(
  gradients: ReturnType<typeof perExampleGradients>,
  parameters: Parameters,
  digits: Digits,
  rows: readonly number[],
  {samplingRate, clip, noise}: TrainingOptions,
  random: PRNG,
): Parameters {
  // The divisor is the expected number of rows: the actual one tells whether a digit was there.
  const divisor = samplingRate * digits.labels.length;
  let sum = mapParameters(parameters, ({shape}) =>
    tf.randomNormal(shape, 0, noise * clip, 'float32', random.double()),
  );
  for (let start = 0; start < rows.length; start += CHUNK) {
    const previous = sum;
    sum = tf.tidy(() => {
      const {images, labels} = batchOf(digits, rows.slice(start, start + CHUNK));
      const clipped = clippedSum(gradients(parameters, images, labels), clip);
      return mapParameters(previous, (total, name) => tf.add(total, clipped[name]!));
    });
    tf.dispose(previous);
  }
  return mapParameters(sum, (total) => tf.div(total, divisor));
}

/** Scales each example's gradient, over all parameters, to a norm of at most `clip`, and sums over the examples. */
export function clippedSum(gradients: Parameters, clip: number): Parameters {
  return tf.tidy(() => {
    const rows = mapParameters(gradients, (g) => tf.reshape(g, [g.shape[0]!, -1]));
    const squaredNorms = tf.addN(Object.values(rows).map((row) => tf.sum(tf.square(row), 1)));
    const scales = tf.minimum(1, tf.div(clip, tf.sqrt(squaredNorms))); // clip / 0 = Infinity: left as it is
    // To scale and to sum is one product, of [1, B] with [B, size]: no scaled copy of the gradients is made.
    return mapParameters(rows, (row, name) =>
      tf.reshape(
        tf.matMul(tf.expandDims(scales), row as tf.Tensor2D),
        gradients[name]!.shape.slice(1),
      ),
    );
  });
}
