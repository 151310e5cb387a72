import * as tf from '@tensorflow/tfjs';
import type {PRNG} from 'seedrandom';
import {grad, vmap} from '../../src/index.js';
import {seedFrom} from '../common/layers.js';
import {mapParameters, type Parameters} from '../common/parameters.js';
import {SMALL, type TaskBatch} from './tasks.js';

/** A network that tells `ways` classes apart. */
export function makeMlp(ways: number, hidden: number, random: PRNG): tf.Sequential {
  const dense = (units: number, rest: object) =>
    tf.layers.dense({
      units,
      kernelInitializer: tf.initializers.glorotNormal({seed: seedFrom(random)}),
      ...rest,
    });
  return tf.sequential({
    layers: [
      tf.layers.flatten({inputShape: [SMALL, SMALL, 1]}),
      dense(hidden, {activation: 'relu'}),
      dense(hidden, {activation: 'relu'}),
      dense(ways, {}),
    ],
  });
}

export type Network = (parameters: Parameters, images: tf.Tensor) => tf.Tensor;

export interface Adaptation {
  readonly steps: number;
  readonly learningRate: number;
}

/** Few-shot learning with a network of so many classes. */
export function learner(network: Network, ways: number) {
  const loss = (p: Parameters, images: tf.Tensor, labels: tf.Tensor): tf.Scalar =>
    tf.losses.softmaxCrossEntropy(tf.oneHot(labels, ways), network(p, images));

  /** Parameters after some steps of gradient descent on one task. */
  const adapt = (
    parameters: Parameters,
    images: tf.Tensor,
    labels: tf.Tensor,
    {steps, learningRate}: Adaptation,
  ): Parameters => {
    let adapted = parameters;
    for (let step = 0; step < steps; step++) {
      const gradient = grad(loss)(adapted, images, labels);
      adapted = mapParameters(adapted, (value, name) =>
        tf.sub(value, tf.mul(gradient[name]!, learningRate)),
      );
    }
    return adapted;
  };

  /** The loss of one task after adaptation. */
  const taskLoss =
    (adaptation: Adaptation) =>
    (p: Parameters, ...[images, labels, testImages, testLabels]: TaskBatch): tf.Scalar =>
      loss(adapt(p, images, labels, adaptation), testImages, testLabels);

  return {
    adapt,
    taskLoss,
    /** The mean loss of several tasks, each after its own adaptation. */
    metaLoss:
      (adaptation: Adaptation) =>
      (p: Parameters, ...tasks: TaskBatch): tf.Scalar =>
        tf.mean(vmap(taskLoss(adaptation), {inDims: [null, 0, 0, 0, 0]})(p, ...tasks)),
    /** The share of right answers in each of several tasks after adaptation, `[tasks]`. */
    accuracies: (p: Parameters, tasks: TaskBatch, adaptation: Adaptation): tf.Tensor =>
      vmap(
        (own: Parameters, ...[images, labels, testImages, testLabels]: TaskBatch) => {
          const adapted = adapt(own, images, labels, adaptation);
          const answers = tf.argMax(network(adapted, testImages), -1);
          return tf.mean(tf.cast(tf.equal(answers, testLabels), 'float32'));
        },
        {inDims: [null, 0, 0, 0, 0]},
      )(p, ...tasks),
  };
}

/** The meta-gradient of tasks, one after the other. */
export function metaGradientByLoop(
  taskLoss: (p: Parameters, ...task: TaskBatch) => tf.Scalar,
  parameters: Parameters,
  tasks: TaskBatch,
): tf.Tensor[] {
  const parts = tasks.map((tensor) => tf.unstack(tensor));
  const each = parts[0]!.map((_, task) => {
    const own = parts.map((tensors) => tensors[task]!) as TaskBatch;
    return Object.values(grad(taskLoss)(parameters, ...own));
  });
  return each[0]!.map((_, leaf) => tf.mean(tf.stack(each.map((gradient) => gradient[leaf]!)), 0));
}
