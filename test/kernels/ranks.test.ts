import type * as tf from '@tensorflow/tfjs-core';
import {describeBackends, everyBackend} from '../backends.js';
import type {Check} from './checks/check.js';
import {checks} from './checks/index.js';
import {inContext} from './checks/context.js';
import {opSample, type Sample} from './sample.js';
import {bool, f32, i32, type Spec} from './spec.js';

/** Two vmaps over tensors of rank 4 and 5 make ranks 6 and 7: no backend's limit shows, neither in a kernel nor in its gradient. */
type Op = (tfjs: typeof tf, x: never) => tf.Tensor;

const rank4 = f32(2, 3, 4, 2);
const rank5 = f32(2, 1, 3, 2, 2);

const withGradient: readonly (readonly [name: string, x: Spec, f: Op])[] = [
  ['tanh', rank5, (tfjs, x) => tfjs.tanh(x)],
  ['relu', rank5, (tfjs, x) => tfjs.relu(x)],
  ['clipByValue', rank5, (tfjs, x) => tfjs.clipByValue(x, -0.5, 0.7)],
  ['add', rank5, (tfjs, x) => tfjs.add(x, tfjs.tensor([1, 2, 3], [3, 1, 1]))],
  ['mul by a vector', rank5, (tfjs, x) => tfjs.mul(x, tfjs.tensor1d([1, 2]))],
  ['maximum', rank5, (tfjs, x) => tfjs.maximum(x, tfjs.tensor([0.1, 0.2], [2, 1]))],
  ['prelu', rank4, (tfjs, x) => tfjs.prelu(x, tfjs.tensor1d([0.1, 0.2]))],
  ['where', rank5, (tfjs, x) => tfjs.where(tfjs.greater(x, 0), x, tfjs.square(x))],
  ['sum', rank5, (tfjs, x) => tfjs.sum(x, [0, 2, 4])],
  ['mean', rank5, (tfjs, x) => tfjs.mean(x, [1, 3], true)],
  ['max', rank5, (tfjs, x) => tfjs.max(x, [0, 3])],
  ['prod', rank5, (tfjs, x) => tfjs.prod(x, 2)],
  ['cumsum', rank5, (tfjs, x) => tfjs.cumsum(x, 2)],
  ['softmax', rank5, (tfjs, x) => tfjs.softmax(x)],
  ['matMul', f32(2, 1, 3, 2), (tfjs, x) => tfjs.matMul(x, x, false, true)],
  ['transpose', rank5, (tfjs, x) => tfjs.transpose(x, [3, 0, 4, 1, 2])],
  ['concat', rank5, (tfjs, x) => tfjs.concat([x, x], 3)],
  ['stack', rank5, (tfjs, x) => tfjs.stack([x, x], 2)],
  ['unstack', rank5, (tfjs, x) => tfjs.unstack(x, 3)[1] as tf.Tensor],
  ['slice', rank5, (tfjs, x) => tfjs.slice(x, [1, 0, 0, 1, 0], [1, 1, 2, 1, 2])],
  [
    'stridedSlice',
    rank4,
    (tfjs, x) => tfjs.stridedSlice(x, [0, 2, 3, 0], [2, 0, 0, 1], [1, -1, -2, 1]),
  ],
  ['reverse', rank4, (tfjs, x) => tfjs.reverse(x, [0, 2])],
  [
    'pad',
    rank4,
    (tfjs, x) =>
      tfjs.pad(x, [
        [1, 0],
        [0, 0],
        [0, 2],
        [1, 1],
      ]),
  ],
  [
    'mirrorPad',
    rank4,
    (tfjs, x) =>
      tfjs.mirrorPad(
        x,
        [
          [0, 0],
          [1, 1],
          [1, 0],
          [0, 0],
        ],
        'reflect',
      ),
  ],
  ['tile', rank5, (tfjs, x) => tfjs.tile(x, [1, 3, 1, 2, 1])],
  ['gather', rank5, (tfjs, x) => tfjs.gather(x, tfjs.tensor1d([2, 0], 'int32'), 2)],
  ['conv2d', f32(1, 4, 3, 2), (tfjs, x) => tfjs.conv2d(x, tfjs.ones([2, 2, 2, 3]), 1, 'same')],
  [
    'depthwiseConv2d',
    f32(1, 4, 3, 2),
    (tfjs, x) => tfjs.depthwiseConv2d(x, tfjs.ones([2, 2, 2, 2]), 1, 'valid'),
  ],
  ['avgPool', f32(1, 4, 3, 2), (tfjs, x) => tfjs.avgPool(x, 2, 1, 'same')],
  ['maxPool', f32(1, 4, 3, 2), (tfjs, x) => tfjs.maxPool(x, 2, 1, 'valid')],
  ['avgPool3d', f32(1, 2, 3, 2, 2), (tfjs, x) => tfjs.avgPool3d(x, 2, 1, 'valid')],
  ['resizeBilinear', f32(1, 2, 3, 2), (tfjs, x) => tfjs.image.resizeBilinear(x, [3, 4])],
  [
    'localResponseNormalization',
    f32(1, 2, 2, 3),
    (tfjs, x) => tfjs.localResponseNormalization(x, 1),
  ],
  [
    'batchNorm',
    rank4,
    (tfjs, x) =>
      tfjs.batchNorm(
        x,
        tfjs.tensor1d([0.1, 0.2]),
        tfjs.tensor1d([1, 2]),
        tfjs.tensor1d([0, 1]),
        tfjs.tensor1d([2, 3]),
      ),
  ],
];

const withoutGradient: readonly (readonly [name: string, x: Spec, f: Op])[] = [
  ['argMax', rank5, (tfjs, x) => tfjs.argMax(x, 2)],
  ['less', rank5, (tfjs, x) => tfjs.less(x, tfjs.tensor1d([0, 1]))],
  ['any', bool(2, 1, 3, 2, 2), (tfjs, x) => tfjs.any(x, [0, 2])],
  ['transpose of int32', i32(2, 1, 3, 2, 2), (tfjs, x) => tfjs.transpose(x, [3, 0, 4, 1, 2])],
  ['cast', i32(2, 1, 3, 2, 2), (tfjs, x) => tfjs.cast(x, 'float32')],
  [
    'oneHot',
    i32(2, 1, 3, 2),
    (tfjs, x) => tfjs.oneHot(tfjs.maximum(x, tfjs.scalar(0, 'int32')), 5),
  ],
];

function rowOf([name, x, f]: (typeof withGradient)[number]): Sample {
  return opSample(`${name} (rank ${x.shape.length})`, {x}, (tfjs, inputs) =>
    f(tfjs, inputs.x as never),
  );
}

/** The gradient of Σ y². */
function gradientRowOf([name, x, f]: (typeof withGradient)[number]): Sample {
  return opSample(`the gradient of ${name} (rank ${x.shape.length})`, {x}, (tfjs, inputs) =>
    tfjs.grad((y) => tfjs.sum(tfjs.square(f(tfjs, y as never))))(inputs.x),
  );
}

const rows = [
  ...[...withGradient, ...withoutGradient].map(rowOf),
  ...withGradient.map(gradientRowOf),
];

const twoLevels = checks.find(({title}) => title === 'vmap in vmap equals two loops') as Check;

describeBackends(
  'nested vmaps over tensors of rank 4 and 5',
  (backend) => {
    for (const row of rows) {
      it(row.kernel, () =>
        inContext(row, backend, async () => {
          await twoLevels.run({...row, slack: {batching: 8}, reason: 'sums in another order'});
        }),
      );
    }
  },
  {only: everyBackend, ignoreBuffers: true},
);
