import * as tf from '@tensorflow/tfjs-core';
import {CLASSES, SIDE} from '../common/digits.js';
import type {Parameters} from '../common/parameters.js';

/** A classifier of one image: nothing in it knows of batches. */
export interface Model {
  /** The shapes of its weights by name; names that end in `Bias` start at zero. */
  readonly shapes: Readonly<Record<string, number[]>>;
  /** Maps one image `[28, 28, 1]` to its logits `[10]`. */
  logits(parameters: Parameters, image: tf.Tensor): tf.Tensor1D;
}

/**
 * Few parameters, as noise grows with their number, and tanh, which bounds activations and so keeps gradients below the clipping
 * norm (Papernot et al. 2020, arXiv:2007.14191).
 */
const cnn: Model = {
  shapes: {
    conv1: [7, 7, 1, 16],
    conv1Bias: [16],
    conv2: [3, 3, 16, 32],
    conv2Bias: [32],
    dense: [3 * 3 * 32, CLASSES],
    denseBias: [CLASSES],
  },
  logits(p, image) {
    const edges = tf.tanh(convolve(image as tf.Tensor3D, p, 'conv1', 2));
    const pooled = tf.maxPool(edges, 3, 2, 'valid');
    const shapes = tf.tanh(convolve(pooled, p, 'conv2', 1));
    return dense(tf.reshape<tf.Rank.R1>(shapes, [-1]), p, 'dense');
  },
};

const mlp: Model = {
  shapes: {
    dense1: [SIDE * SIDE, 32],
    dense1Bias: [32],
    dense2: [32, CLASSES],
    dense2Bias: [CLASSES],
  },
  logits: (p, image) => dense(tf.tanh(dense(tf.reshape(image, [-1]), p, 'dense1')), p, 'dense2'),
};

function convolve(x: tf.Tensor3D, p: Parameters, name: string, stride: number): tf.Tensor3D {
  return tf.add(tf.conv2d(x, p[name] as tf.Tensor4D, stride, 'valid'), p[`${name}Bias`]!);
}

export const models = {cnn, mlp};

function dense(x: tf.Tensor1D, p: Parameters, name: string): tf.Tensor1D {
  return tf.add(tf.dot(x, p[name]!), p[`${name}Bias`]!);
}

/** The cross-entropy of one image and its label, an integer scalar. */
export function crossEntropy(
  model: Model,
): (parameters: Parameters, image: tf.Tensor, label: tf.Tensor) => tf.Scalar {
  return (parameters, image, label) =>
    tf.losses.softmaxCrossEntropy(tf.oneHot(label, CLASSES), model.logits(parameters, image));
}
