import {host} from '../support/host.js';
import {run} from '../support/reference64.js';
import {opSample, sample, type Sample} from './sample.js';
import {f32, i32} from './spec.js';

const softmax: Sample[] = [
  // tfjs's op allows the last dimension only.
  sample('Softmax', {logits: f32(5)}, {dim: 0}),
  sample('Softmax', {logits: f32(3, 5)}, {dim: 1}),
  sample('Softmax', {logits: f32(2, 3, 4)}, {dim: 2}),
  sample('Softmax', {logits: f32(2, 3, 4, 5)}, {dim: 3}),
  opSample('softmax', {logits: f32(3, 5)}, (tf, {logits}) => tf.softmax(logits)),
  opSample('logSoftmax', {logits: f32(5)}, (tf, {logits}) => tf.logSoftmax(logits)),
  opSample('logSoftmax', {logits: f32(2, 3, 4)}, (tf, {logits}) => tf.logSoftmax(logits, -1)),
  opSample(
    'losses.softmaxCrossEntropy',
    {labels: f32(2, 3).of([0.2, 0.5, 0.3, 1, 0, 0], [0, 1, 0, 0.6, 0.1, 0.3]), logits: f32(2, 3)},
    (tf, {labels, logits}) => tf.losses.softmaxCrossEntropy(labels, logits),
    // The gradient that tfjs gives it holds for probabilities, which sum to one.
    {constant: ['labels']},
  ),
  opSample(
    'losses.sigmoidCrossEntropy',
    {labels: f32(3, 5).in(0, 1), logits: f32(3, 5)},
    (tf, {labels, logits}) => tf.losses.sigmoidCrossEntropy(labels, logits),
    {slack: {derivative: 2, second: 10}, reason: 'log1p(exp(−|x|)) is composed in float32'},
  ),
  opSample('softplus', {x: f32(3, 5)}, (tf, {x}) => tf.softplus(x)),
  opSample('logSigmoid', {x: f32(3, 5)}, (tf, {x}) => tf.logSigmoid(x)),
];

const statistics = {mean: f32(3), variance: f32(3).in(0.4, 2)};

const batchNorm: Sample[] = [
  sample(
    'FusedBatchNorm',
    {x: f32(2, 4, 5, 3), scale: f32(3), offset: f32(3), ...statistics},
    {varianceEpsilon: 0.01},
  ),
  sample(
    'FusedBatchNorm',
    {x: f32(2, 4, 5, 3), scale: undefined, offset: f32(3), ...statistics},
    {varianceEpsilon: 0.01},
  ),
  sample(
    'FusedBatchNorm',
    {x: f32(2, 4, 5, 3), scale: f32(3), offset: undefined, ...statistics},
    {varianceEpsilon: 0.01},
  ),
  sample(
    'FusedBatchNorm',
    {x: f32(2, 4, 5, 3), scale: undefined, offset: undefined, ...statistics},
    {varianceEpsilon: 0.01},
  ),
  opSample(
    'batchNorm',
    {x: f32(4, 3), offset: f32(3), scale: f32(3), ...statistics},
    (tf, {x, mean, variance, offset, scale}) =>
      tf.batchNorm(x, mean as never, variance as never, offset as never, scale as never, 0.01),
  ),
  opSample(
    'batchNorm',
    {x: f32(2, 4, 3), mean: f32(2, 4, 3), variance: f32(2, 4, 3).in(0.4, 2)},
    (tf, {x, mean, variance}) => tf.batchNorm(x, mean as never, variance as never),
    {note: 'statistics per element'},
  ),
];

const response = [
  {depthRadius: 1, bias: 1, alpha: 0.7, beta: 0.5},
  {depthRadius: 2, bias: 1.5, alpha: 0.3, beta: 0.75},
];

const responseNormalization: Sample[] = response.flatMap((attrs) => [
  sample('LRN', {x: f32(2, 3, 4, 5)}, attrs),
  sample(
    'LRNGrad',
    {
      x: f32(2, 3, 4, 5),
      y: f32(2, 3, 4, 5).from(['x'], ({x}) =>
        host(x.shape, 'float32', run('LRN', {x}, attrs)[0]?.values ?? []),
      ),
      dy: f32(2, 3, 4, 5),
    },
    attrs,
  ),
]);

const counting: Sample[] = [
  sample('Bincount', {x: i32(7).in(0, 5), weights: f32(7)}, {size: 5}),
  sample('Bincount', {x: i32(7).in(0, 5), weights: f32(0)}, {size: 5}, {constant: 'all'}),
  sample('DenseBincount', {x: i32(7).in(0, 5), weights: f32(7)}, {size: 5, binaryOutput: false}),
  sample(
    'DenseBincount',
    {x: i32(3, 7).in(0, 5), weights: f32(3, 7)},
    {size: 5, binaryOutput: false},
  ),
  sample(
    'DenseBincount',
    {x: i32(3, 7).in(0, 5), weights: f32(0)},
    {size: 5, binaryOutput: true},
    {constant: 'all'},
  ),
];

export const normalization: readonly Sample[] = [
  ...softmax,
  ...batchNorm,
  ...responseNormalization,
  ...counting,
];
