import * as tf from '@tensorflow/tfjs';
import type {PRNG} from 'seedrandom';
import {grad, replaceBatchNorm, vmap} from '../../src/index.js';
import {CLASSES, SIDE} from '../common/digits.js';
import {seedFrom, stockGradients} from '../common/layers.js';
import type {Parameters} from '../common/parameters.js';

/** A CNN with batch normalization, as one would write it without a thought for privacy. */
export function makeCnn(filters: number, random: PRNG): tf.Sequential {
  const initializer = () => tf.initializers.glorotNormal({seed: seedFrom(random)});
  return tf.sequential({
    layers: [
      tf.layers.conv2d({
        filters,
        kernelSize: 7,
        strides: 2,
        inputShape: [SIDE, SIDE, 1],
        kernelInitializer: initializer(),
      }),
      tf.layers.batchNormalization(),
      tf.layers.activation({activation: 'tanh'}),
      tf.layers.maxPooling2d({poolSize: 3, strides: 2}),
      tf.layers.conv2d({
        filters: 2 * filters,
        kernelSize: 3,
        activation: 'tanh',
        kernelInitializer: initializer(),
      }),
      tf.layers.flatten(),
      tf.layers.dense({units: CLASSES, kernelInitializer: initializer()}),
    ],
  });
}

/**
 * The same model without batch normalization, which mixes the examples of a batch: what one of them changes, all others see, and clipping
 * its gradient would bound nothing.
 */
export function makePrivate(model: tf.Sequential): tf.Sequential {
  return replaceBatchNorm(model, {groups: 4});
}

export type Network = (parameters: Parameters, images: tf.Tensor) => tf.Tensor;

/** The cross-entropy of one image and its label. */
const crossEntropy =
  (network: Network) =>
  (parameters: Parameters, image: tf.Tensor, label: tf.Tensor): tf.Scalar =>
    tf.losses.softmaxCrossEntropy(
      tf.oneHot(tf.expandDims(label), CLASSES),
      network(parameters, tf.expandDims(image)),
    );

/** Maps images `[B, 28, 28, 1]` and labels `[B]` to the gradient of each: `[B, ...shape]` for every parameter. */
export const perExampleGradients = (
  network: Network,
): ((parameters: Parameters, images: tf.Tensor, labels: tf.Tensor) => Parameters) =>
  vmap(grad(crossEntropy(network)), {inDims: [null, 0, 0]});

/** The same by stock tfjs, from the model's own weights. */
export function loopOfGradients(
  model: tf.LayersModel,
  images: tf.Tensor,
  labels: tf.Tensor,
): tf.Tensor[] {
  const network: Network = (_parameters, batch) => model.apply(batch) as tf.Tensor;
  const rows = tf.unstack(labels);
  const each = tf
    .unstack(images)
    .map((image, row) => stockGradients(model, () => crossEntropy(network)({}, image, rows[row]!)));
  return each[0]!.map((_, leaf) => tf.stack(each.map((gradient) => gradient[leaf]!)));
}
