import * as tf from '@tensorflow/tfjs';
import type {PRNG} from 'seedrandom';

/** A seed for an initializer of tf.layers. */
export const seedFrom = (random: PRNG): number => Math.floor(random() * 2 ** 31);

/** The gradients of a loss with respect to the trainable weights of a model, in their order, by tfjs itself. */
export function stockGradients(model: tf.LayersModel, loss: () => tf.Scalar): tf.Tensor[] {
  const variables = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  const {grads} = tf.variableGrads(loss, variables);
  return variables.map(({name}) => grads[name]!);
}

/** What share of the labels `[B]` have the largest logit `[B, classes]`. */
export function accuracyOf(logits: tf.Tensor, labels: tf.Tensor): number {
  return tf.tidy(() =>
    tf.mean(tf.cast(tf.equal(tf.argMax(logits, -1), labels), 'float32')).dataSync(),
  )[0]!;
}
