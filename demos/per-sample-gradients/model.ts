import * as tf from '@tensorflow/tfjs';
import type {PRNG} from 'seedrandom';
import {grad, vmap} from '../../src/index.js';
import {CLASSES, SIDE} from '../common/digits.js';
import {seedFrom, stockGradients} from '../common/layers.js';
import type {Parameters} from '../common/parameters.js';

/** The network of functorch's tutorial: two convolutions, two dense layers. It is an ordinary model, built for batches. */
export function makeCnn(width: number, random: PRNG): tf.Sequential {
  const kernelInitializer = () => tf.initializers.glorotNormal({seed: seedFrom(random)});
  return tf.sequential({
    layers: [
      tf.layers.conv2d({
        filters: width,
        kernelSize: 3,
        activation: 'relu',
        inputShape: [SIDE, SIDE, 1],
        kernelInitializer: kernelInitializer(),
        name: 'conv1',
      }),
      tf.layers.conv2d({
        filters: 2 * width,
        kernelSize: 3,
        activation: 'relu',
        kernelInitializer: kernelInitializer(),
        name: 'conv2',
      }),
      tf.layers.maxPooling2d({poolSize: 2}),
      tf.layers.flatten(),
      tf.layers.dense({
        units: 4 * width,
        activation: 'relu',
        kernelInitializer: kernelInitializer(),
        name: 'dense1',
      }),
      tf.layers.dense({
        units: CLASSES,
        kernelInitializer: kernelInitializer(),
        name: 'dense2',
      }),
    ],
  });
}

/** A model as a function of its parameters and a batch. */
export type Network = (parameters: Parameters, images: tf.Tensor) => tf.Tensor;

/** The mean cross-entropy of a batch: `images` `[B, 28, 28, 1]`, `labels` `[B]`. */
export const lossOf =
  (network: Network) =>
  (parameters: Parameters, images: tf.Tensor, labels: tf.Tensor): tf.Scalar =>
    tf.losses.softmaxCrossEntropy(tf.oneHot(labels, CLASSES), network(parameters, images));

/** The loss of one example: a batch of one. */
const exampleLossOf =
  (network: Network) =>
  (parameters: Parameters, image: tf.Tensor, label: tf.Tensor): tf.Scalar =>
    lossOf(network)(parameters, tf.expandDims(image), tf.expandDims(label));

/** The gradient of each example: `[B, ...shape]` for every parameter. */
export const perSampleGradients = (
  network: Network,
): ((parameters: Parameters, images: tf.Tensor, labels: tf.Tensor) => Parameters) =>
  vmap(grad(exampleLossOf(network)), {inDims: [null, 0, 0]});

/** The norm of each example's gradient over all parameters, `[B]`. No more than `chunkSize` gradients exist at a time. */
export const gradientNorms = (
  network: Network,
  chunkSize?: number,
): ((parameters: Parameters, images: tf.Tensor, labels: tf.Tensor) => tf.Tensor) =>
  vmap(
    (parameters: Parameters, image: tf.Tensor, label: tf.Tensor) => {
      const gradient = grad(exampleLossOf(network))(parameters, image, label);
      return tf.sqrt(tf.addN(Object.values(gradient).map((g) => tf.sum(tf.square(g)))));
    },
    {inDims: [null, 0, 0], chunkSize},
  );

/** The same by stock tfjs: one backward pass of the model for each example. */
export function loopOfGradients(
  model: tf.LayersModel,
  images: tf.Tensor,
  labels: tf.Tensor,
): tf.Tensor[] {
  const ownLabels = tf.split(labels, labels.size);
  const each = tf
    .split(images, labels.size)
    .map((image, row) =>
      stockGradients(model, () =>
        tf.losses.softmaxCrossEntropy(
          tf.oneHot(ownLabels[row]!, CLASSES),
          model.apply(image) as tf.Tensor,
        ),
      ),
    );
  return each[0]!.map((_, leaf) => tf.stack(each.map((gradient) => gradient[leaf]!)));
}
