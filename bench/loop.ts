import * as tf from '@tensorflow/tfjs-core';
import type {Program} from './rows/row.js';

/** Per-example gradients as stock tfjs gives them: a call of `tf.grads` for each example, and the results stacked. */
export function gradsLoop<P extends Record<string, tf.Tensor>>(
  loss: (params: P, x: tf.Tensor, y: tf.Tensor) => tf.Tensor,
  params: P,
  x: tf.Tensor,
  y: tf.Tensor,
): Program {
  const names = Object.keys(params);
  const values = Object.values(params);
  return {
    label: `loop of ${x.shape[0]} tf.grads`,
    run: () => {
      const labels = tf.unstack(y);
      const perExample = tf
        .unstack(x)
        .map((example, i) =>
          tf.grads((...tensors) => loss(named(names, tensors) as P, example, labels[i]))(values),
        );
      return named(
        names,
        values.map((_, p) => tf.stack(perExample.map((gradients) => gradients[p]))),
      );
    },
  };
}

/** The tensors as an object: tf.grads takes and gives lists. */
export function named(
  names: readonly string[],
  tensors: readonly tf.Tensor[],
): Record<string, tf.Tensor> {
  return Object.fromEntries(names.map((name, i) => [name, tensors[i]]));
}
