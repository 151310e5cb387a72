import * as tf from '@tensorflow/tfjs-core';
import {batchOf, type Digits} from './data.js';
import {crossEntropy, type Model, type Parameters} from './model.js';
import {perExampleGradients} from './train.js';

/** How often each way is timed; the fastest counts, as the one least disturbed. */
const REPEATS = 5;

export interface Speedup {
  examples: number;
  vmapMs: number;
  loopMs: number;
  /** Largest difference between the two results, relative to the largest gradient. */
  difference: number;
}

/** Per-example gradients both ways, on the same parameters and first digits: `vmap(grad(loss))`, and stock `tf.grads` in a loop. */
export function measureSpeedup(
  model: Model,
  parameters: Parameters,
  digits: Digits,
  examples: number,
): Speedup {
  const gradients = perExampleGradients(model);
  const loss = crossEntropy(model);
  const names = Object.keys(parameters);
  const stockGradient = (image: tf.Tensor, label: tf.Tensor, values: tf.Tensor[]): tf.Tensor[] =>
    tf.grads((...weights) =>
      loss(Object.fromEntries(names.map((name, i) => [name, weights[i]!])), image, label),
    )(values);
  return tf.tidy(() => {
    const batch = batchOf(
      digits,
      Array.from({length: examples}, (_, row) => row),
    );
    const images = tf.unstack(batch.images);
    const labels = tf.unstack(batch.labels);
    const values = Object.values(parameters);
    const vmapped = fastest(() => Object.values(gradients(parameters, batch.images, batch.labels)));
    const looped = fastest(() => {
      const perExample = images.map((image, i) => stockGradient(image, labels[i]!, values));
      return values.map((_, leaf) => tf.stack(perExample.map((gradient) => gradient[leaf]!)));
    });
    return {
      examples,
      vmapMs: vmapped.ms,
      loopMs: looped.ms,
      difference: relativeDifference(vmapped.result, looped.result),
    };
  });
}

function fastest(compute: () => tf.Tensor[]): {ms: number; result: tf.Tensor[]} {
  const run = (): tf.Tensor[] => {
    const result = tf.tidy(compute);
    result.forEach((tensor) => tensor.dataSync()); // kernels may still be running when their op returns
    return result;
  };
  let result = run(); // a first run, not timed, fills caches
  let ms = Infinity;
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    tf.dispose(result);
    const start = performance.now();
    result = run();
    ms = Math.min(ms, performance.now() - start);
  }
  return {ms, result};
}

function relativeDifference(a: readonly tf.Tensor[], b: readonly tf.Tensor[]): number {
  const largest = (tensors: readonly tf.Tensor[]): number =>
    Math.max(...tensors.map((tensor) => tf.max(tf.abs(tensor)).dataSync()[0]!));
  return largest(a.map((tensor, i) => tf.sub(tensor, b[i]!))) / largest(a);
}
