import * as tf from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {TransformError, vmap} from '../src/index.js';
import {describeBackends} from './backends.js';
import {checks} from './kernels/checks/index.js';
import {inContext} from './kernels/checks/context.js';
import {refusalChecks, refused} from './kernels/checks/refusal.js';
import type {Sample} from './kernels/sample.js';
import {algebra} from './ops/algebra.samples.js';
import {arithmetic} from './ops/arithmetic.samples.js';
import {arrays} from './ops/arrays.samples.js';
import {layers} from './ops/layers.samples.js';
import {reductions} from './ops/reductions.samples.js';

/**
 * tfjs's ops as users call them, composed, with options, with gradients of their own: the same checks as for kernels.
 *
 * `OP=tf.moments` restricts to one op, `BACKENDS=cpu,wasm` to some backends.
 */
const {OP} = process.env;

const rows: readonly Sample[] = [
  ...arithmetic,
  ...reductions,
  ...algebra,
  ...layers,
  ...arrays,
].filter(({kernel}) => OP === undefined || kernel === OP);

/** Where a kernel throws half-way, tfjs itself leaves data behind: what is refused is tested kernel by kernel. */
const opChecks = checks.filter((check) => !refusalChecks.includes(check));

describeBackends('ops', (backend) => {
  for (const row of rows) {
    if (row.faulty?.[backend] !== undefined) continue;
    const applying =
      row.refused?.[backend] === undefined
        ? opChecks.filter(
            ({appliesTo, only}) => appliesTo(row, backend) && (only?.includes(backend) ?? true),
          )
        : [refused];
    describe(`${row.kernel} [${row.label}]`, () => {
      for (const {title, run} of applying) {
        it(title, () => inContext(row, backend, () => run(row)));
      }
    });
  }
});

/** Ops whose result has a shape that depends on values, or that read values, and what vmap says. */
const refusals: readonly {
  readonly op: string;
  readonly message: RegExp;
  readonly f: (x: tf.Tensor) => unknown;
}[] = [
  {
    op: 'unique',
    message: /^vmap: no batching rule for kernel 'Unique'.*outside vmap, one example at a time/,
    f: (x) => tf.unique(x).values,
  },
  {
    op: 'image.nonMaxSuppression',
    message: /^vmap: no batching rule for kernel 'NonMaxSuppressionV3'/,
    f: (x) => tf.image.nonMaxSuppression(tf.reshape(x, [1, 4]) as tf.Tensor2D, tf.tensor1d([1]), 1),
  },
  {
    op: 'booleanMaskAsync',
    message: /^vmap: the function returned a promise/,
    f: (x) => tf.booleanMaskAsync(x, tf.greater(x, 0)),
  },
  {
    op: 'whereAsync',
    message: /^vmap: the function returned a promise/,
    f: (x) => tf.whereAsync(tf.greater(x, 0)),
  },
  {
    op: 'setdiff1dAsync',
    message: /^vmap: the function returned a promise/,
    f: (x) => tf.setdiff1dAsync(x, tf.tensor1d([1])),
  },
  {
    op: 'tensor of values',
    message: /^vmap: the value of a mapped tensor was read.*tf\.where/,
    f: (x) => tf.tensor1d(Array.from(x.dataSync(), (value) => value + 1)),
  },
];

describeBackends(
  'vmap refuses',
  () => {
    for (const {op, f, message} of refusals) {
      it(op, () => {
        const x = tf.ones([3, 4]);
        const call = vmap(f as (row: tf.Tensor) => tf.Tensor);
        expect(() => call(x)).to.throw(TransformError, message);
        x.dispose();
      });
    }
  },
  {only: ['cpu']},
);

/** Index 4 of an example with 4 rows would be row 0 of the next one. */
const outOfBounds: readonly {
  readonly op: string;
  readonly f: (x: tf.Tensor, index: tf.Tensor) => tf.Tensor;
}[] = [
  {op: 'gather', f: (x, index) => tf.gather(x, index as tf.Tensor1D)},
  {op: 'gatherND', f: (x, index) => tf.gatherND(x, tf.expandDims(index, 1))},
  {
    op: 'scatterND',
    f: (x, index) => tf.scatterND(tf.expandDims(index, 1), tf.slice(x, 0, 2), [4, 2]),
  },
];

describeBackends('an index out of bounds does not reach another example', () => {
  for (const {op, f} of outOfBounds) {
    for (const wrong of [4, -1]) {
      it(`${op} at ${wrong}`, () => {
        const x = tf.randomNormal([3, 4, 2]);
        const index = tf.tensor2d(
          [
            [0, 1],
            [2, wrong],
            [3, 0],
          ],
          [3, 2],
          'int32',
        );
        expect(() => vmap(f)(x, index)).to.throw(TransformError, `${wrong} is not in [0, 3]`);
        const [xs, indices] = [tf.stack([x, x], 1), tf.stack([index, index], 1)];
        expect(() => vmap(vmap(f))(xs, indices)).to.throw(TransformError, 'is not in [0');
        tf.dispose([x, index, xs, indices]);
      });
    }
  }
});
