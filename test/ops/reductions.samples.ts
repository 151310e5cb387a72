import type {Tensor} from '@tensorflow/tfjs-core';
import {opSample, type Sample} from '../kernels/sample.js';
import {bool, f32, i32} from '../kernels/spec.js';

const statistics: Sample[] = [
  opSample('moments', {x: f32(2, 3, 5)}, (tf, {x}) => {
    const {mean, variance} = tf.moments(x, [0, 2], true);
    return [mean, variance];
  }),
  opSample('mean', {x: f32(2, 3, 5)}, (tf, {x}) => tf.mean(x, -1)),
  opSample('mean', {x: i32(3, 5)}, (tf, {x}) => tf.mean(x)),
  opSample('logSumExp', {x: f32(2, 3, 5)}, (tf, {x}) => tf.logSumExp(x, [0, 2])),
  opSample('softmax', {x: f32(2, 3, 5)}, (tf, {x}) => tf.softmax(x)),
  opSample('norm', {x: f32(3, 5)}, (tf, {x}) => tf.norm(x)),
  opSample('norm', {x: f32(3, 5)}, (tf, {x}) => tf.norm(x, 1), {note: 'of order 1'}),
  opSample('norm', {x: f32(3, 5)}, (tf, {x}) => tf.norm(x, Infinity, 1), {note: 'the largest'}),
  opSample('norm', {x: f32(3, 5)}, (tf, {x}) => tf.norm(x, -Infinity, 0), {note: 'the smallest'}),
  opSample('norm', {x: f32(2, 3, 5)}, (tf, {x}) => tf.norm(x, 'fro', [0, 2]), {note: 'Frobenius'}),
  opSample('norm', {x: f32(3, 5)}, (tf, {x}) => tf.norm(x, 'euclidean', 0, true), {note: 'kept'}),
  opSample('euclideanNorm', {x: f32(2, 3, 5)}, (tf, {x}) => tf.euclideanNorm(x, 1)),
  opSample('prod', {x: f32(3, 5)}, (tf, {x}) => tf.prod(x, -1)),
  opSample('cumsum', {x: f32(2, 3, 5)}, (tf, {x}) => tf.cumsum(x, 1, true, true)),
  opSample('cumprod', {x: f32(3, 5)}, (tf, {x}) => tf.cumprod(x, 0)),
  opSample('any', {x: bool(3, 5)}, (tf, {x}) => tf.any(x, 0)),
  opSample('argMax', {x: f32(3, 5)}, (tf, {x}) => tf.argMax(x, 0)),
  opSample('max and argMax', {x: f32(3, 5)}, (tf, {x}) =>
    tf.mul(tf.max(x, 1), tf.cast(tf.argMax(x, 1), 'float32')),
  ),
  opSample('topk', {x: f32(3, 5)}, (tf, {x}) => {
    const {values, indices} = tf.topk(x, 2);
    return [values, indices];
  }),
  opSample(
    'math.confusionMatrix',
    {labels: i32(5).in(0, 3), predictions: i32(5).in(0, 3)},
    (tf, xs) => tf.math.confusionMatrix(xs.labels as never, xs.predictions as never, 3),
  ),
  opSample('bincount', {x: i32(7).in(0, 5)}, (tf, {x}) => tf.bincount(x as never, [] as never, 5)),
];

const running = {mean: f32(3), variance: f32(3).in(0.4, 2), offset: f32(3), scale: f32(3)};

const normalization: Sample[] = [
  opSample('batchNorm2d', {x: f32(4, 3), ...running}, (tf, {x, mean, variance, offset, scale}) =>
    tf.batchNorm2d(x as never, mean as never, variance as never, offset as never, scale as never),
  ),
  opSample('batchNorm4d', {x: f32(2, 4, 5, 3), ...running}, (tf, {x, mean, variance}) =>
    tf.batchNorm4d(x as never, mean as never, variance as never),
  ),
  opSample('batchNorm with moments', {x: f32(4, 3)}, (tf, {x}) => {
    const {mean, variance} = tf.moments(x, 0);
    return tf.batchNorm(x, mean as never, variance as never, undefined, undefined, 0.01);
  }),
  opSample('localResponseNormalization', {x: f32(2, 3, 4, 7)}, (tf, {x}) =>
    tf.localResponseNormalization(x as never, 2, 1, 0.5, 0.75),
  ),
  opSample('layer normalization', {x: f32(3, 5), gain: f32(5)}, (tf, {x, gain}) => {
    const {mean, variance} = tf.moments(x, -1, true);
    return tf.mul(tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-3))), gain);
  }),
];

const pair = {labels: f32(3, 5), predictions: f32(3, 5)};
const probabilities = {labels: f32(3, 5).in(0, 1), predictions: f32(3, 5).in(0.1, 0.9)};

const losses: Sample[] = [
  opSample('losses.absoluteDifference', pair, (tf, {labels, predictions}) =>
    tf.losses.absoluteDifference(labels, predictions),
  ),
  opSample(
    'losses.computeWeightedLoss',
    {losses: f32(3, 5), weights: f32(3, 5).in(0.5, 2)},
    (tf, {losses, weights}) => tf.losses.computeWeightedLoss(losses, weights),
  ),
  opSample(
    'losses.computeWeightedLoss',
    {losses: f32(3, 5), weights: f32(5).in(0.5, 2)},
    (tf, {losses, weights}) => tf.losses.computeWeightedLoss(losses, weights, tf.Reduction.MEAN),
    {note: 'mean'},
  ),
  opSample('losses.cosineDistance', pair, (tf, {labels, predictions}) =>
    tf.losses.cosineDistance(labels, predictions, 1),
  ),
  opSample('losses.hingeLoss', {labels: bool(3, 5), predictions: f32(3, 5)}, (tf, xs) =>
    tf.losses.hingeLoss(tf.cast(xs.labels, 'float32'), xs.predictions),
  ),
  opSample('losses.huberLoss', pair, (tf, {labels, predictions}) =>
    tf.losses.huberLoss(labels, predictions, undefined, 0.8),
  ),
  opSample('losses.logLoss', probabilities, (tf, {labels, predictions}) =>
    tf.losses.logLoss(labels, predictions),
  ),
  opSample('losses.meanSquaredError', pair, (tf, {labels, predictions}) =>
    tf.losses.meanSquaredError(labels, predictions),
  ),
  opSample('losses.sigmoidCrossEntropy', {labels: f32(5).in(0, 1), logits: f32(5)}, (tf, xs) =>
    tf.losses.sigmoidCrossEntropy(xs.labels, xs.logits, undefined, 0.1),
  ),
  opSample('losses.softmaxCrossEntropy', {labels: i32(3).in(0, 5), logits: f32(3, 5)}, (tf, xs) =>
    tf.losses.softmaxCrossEntropy(tf.oneHot(xs.labels, 5), xs.logits),
  ),
  opSample(
    'losses.softmaxCrossEntropy',
    {labels: i32(3).in(0, 5), logits: f32(3, 5), weights: f32(3).in(0.5, 2)},
    (tf, {labels, logits, weights}) =>
      tf.losses.softmaxCrossEntropy(tf.oneHot(labels, 5), logits, weights, 0.1),
    {note: 'smoothed, weighted'},
  ),
  opSample('metrics.binaryCrossentropy by hand', probabilities, (tf, {labels, predictions}) => {
    const clipped = tf.clipByValue(predictions, 1e-7, 1 - 1e-7);
    const terms = tf.add(
      tf.mul(labels, tf.log(clipped)),
      tf.mul(tf.sub(1, labels), tf.log(tf.sub(1, clipped))),
    );
    return tf.neg(tf.mean(terms)) as Tensor;
  }),
];

export const reductions: readonly Sample[] = [...statistics, ...normalization, ...losses];
