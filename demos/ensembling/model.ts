import * as tf from '@tensorflow/tfjs';
import type {PRNG} from 'seedrandom';
import {combineStateForEnsemble, grad, gradAndValue, optimizers, vmap} from '../../src/index.js';
import {CLASSES, SIDE} from '../common/digits.js';
import {seedFrom} from '../common/layers.js';
import type {Parameters} from '../common/parameters.js';

/** Networks of one structure that start from different weights. */
export function makeMlps(count: number, hidden: number, random: PRNG): tf.Sequential[] {
  const dense = (units: number, rest: object): tf.layers.Layer =>
    tf.layers.dense({
      units,
      kernelInitializer: tf.initializers.glorotNormal({seed: seedFrom(random)}),
      ...rest,
    });
  return Array.from({length: count}, () =>
    tf.sequential({
      layers: [
        tf.layers.flatten({inputShape: [SIDE, SIDE, 1]}),
        dense(hidden, {activation: 'relu'}),
        dense(hidden, {activation: 'relu'}),
        dense(CLASSES, {}),
      ],
    }),
  );
}

/** The mean cross-entropy of logits `[B, 10]` and labels `[B]`. */
export const crossEntropy = (logits: tf.Tensor, labels: tf.Tensor): tf.Scalar =>
  tf.losses.softmaxCrossEntropy(tf.oneHot(labels, CLASSES), logits);

const adam = optimizers.adam({learningRate: 1e-3});

export type AdamState = ReturnType<typeof adam.init<Parameters>>;

/** Parameters of all models, with a first dimension for the models, and an optimizer's state for each of them. */
export interface Members {
  readonly parameters: Parameters;
  readonly state: AdamState;
}

/**
 * Models as one function.
 *
 * @param sameBatch  whether all models learn from the same digits, or each from its own (`[models, B, …]`)
 */
export function ensembleOf(
  models: readonly tf.Sequential[],
  sameBatch: boolean,
): {
  start: Members;
  /** The logits of every model, `[models, B, 10]`. */
  predict(parameters: Parameters, images: tf.Tensor): tf.Tensor;
  /** The gradients of every model. */
  gradients(parameters: Parameters, images: tf.Tensor, labels: tf.Tensor): Parameters;
  /** One step of Adam for every model, with its mean loss. */
  step(members: Members, images: tf.Tensor, labels: tf.Tensor): [Members, loss: tf.Tensor];
} {
  const [network, parameters, buffers] = combineStateForEnsemble(models);
  const loss = (own: Parameters, images: tf.Tensor, labels: tf.Tensor): tf.Scalar =>
    crossEntropy(network(own, buffers, images), labels);
  const stepOne = (own: Parameters, state: AdamState, images: tf.Tensor, labels: tf.Tensor) => {
    const [gradient, value] = gradAndValue(loss)(own, images, labels);
    return [...adam.update(gradient, state, own), value] as const;
  };
  const batchDim = sameBatch ? null : 0;
  const stepAll = vmap(stepOne, {inDims: [0, 0, batchDim, batchDim]});
  return {
    start: {parameters, state: vmap((own: Parameters) => adam.init(own))(parameters)},
    predict: (own, images) =>
      vmap((p: Parameters, x: tf.Tensor) => network(p, buffers, x), {inDims: [0, null]})(
        own,
        images,
      ),
    gradients: vmap(grad(loss), {inDims: [0, batchDim, batchDim]}),
    step(members, images, labels) {
      const [next, state, value] = stepAll(members.parameters, members.state, images, labels);
      return [{parameters: next, state}, tf.mean(value)];
    },
  };
}
