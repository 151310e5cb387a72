import * as tf from '@tensorflow/tfjs-core';
import {batchOf, type Digits} from '../common/digits.js';
import type {Parameters} from '../common/parameters.js';
import {compareWithLoop, type Comparison} from '../common/timing.js';
import {crossEntropy, type Model} from './model.js';
import {perExampleGradients} from './train.js';

export type Speedup = Comparison & {readonly examples: number};

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
    const comparison = compareWithLoop(
      () => Object.values(gradients(parameters, batch.images, batch.labels)),
      () => {
        const perExample = images.map((image, i) => stockGradient(image, labels[i]!, values));
        return values.map((_, leaf) => tf.stack(perExample.map((gradient) => gradient[leaf]!)));
      },
    );
    return {examples, ...comparison};
  });
}
