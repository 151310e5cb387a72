import * as tf from '@tensorflow/tfjs-core';
import {vmap} from '../../src/index.js';
import {batchOf, CLASSES, type Digits} from '../common/digits.js';
import type {Parameters} from '../common/parameters.js';
import {crossEntropy, type Model} from './model.js';

/** Bounds the memory of an evaluation. */
const CHUNK = 250;

export interface Evaluation {
  accuracy: number;
  loss: number;
  /** The predicted label of each digit. */
  predictions: Int32Array;
}

/** Prepares a function that evaluates parameters on some digits, which become tensors once; `dispose` frees them. */
export function evaluator(
  model: Model,
  digits: Digits,
): {evaluate(parameters: Parameters): Evaluation; dispose(): void} {
  const {images, labels} = batchOf(digits, [...digits.labels.keys()]);
  const examine = vmap(
    (parameters: Parameters, image: tf.Tensor, label: tf.Tensor) => ({
      loss: crossEntropy(model)(parameters, image, label),
      prediction: tf.argMax(model.logits(parameters, image)),
    }),
    {inDims: [null, 0, 0], chunkSize: CHUNK},
  );
  return {
    evaluate: (parameters) =>
      tf.tidy(() => {
        const {loss, prediction} = examine(parameters, images, labels);
        const predictions = Int32Array.from(prediction.dataSync());
        const right = predictions.filter((label, row) => label === digits.labels[row]).length;
        return {
          accuracy: right / predictions.length,
          loss: tf.mean(loss).dataSync()[0]!,
          predictions,
        };
      }),
    dispose: () => tf.dispose([images, labels]),
  };
}

/** `matrix[actual][predicted]`: how many digits of one label were taken for which. */
export function confusionMatrix(actual: Int32Array, predicted: Int32Array): number[][] {
  const matrix = Array.from({length: CLASSES}, () => new Array<number>(CLASSES).fill(0));
  actual.forEach((label, row) => matrix[label]![predicted[row]!]!++);
  return matrix;
}
