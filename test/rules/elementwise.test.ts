import * as tf from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import '../../src/index.js';
import {canComputeOfTwo, canSelect, ofTwo, type OfTwo} from '../../src/kernels/wasm/elementwise.js';
import {describeBackends} from '../backends.js';
import {hasSimd} from '../environment.js';

/**
 * Kernels that wasm computes by generated code, at sizes about those of its rounds; the rows of the spec table are small. All backends
 * are to give the same.
 */
const computations: Readonly<Record<OfTwo, (a: number, b: number) => number | boolean>> = {
  Equal: (a, b) => a === b,
  NotEqual: (a, b) => a !== b,
  Greater: (a, b) => a > b,
  GreaterEqual: (a, b) => a >= b,
  Less: (a, b) => a < b,
  LessEqual: (a, b) => a <= b,
  Maximum: Math.max,
  Minimum: Math.min,
  LogicalAnd: (a, b) => a !== 0 && b !== 0,
  LogicalOr: (a, b) => a !== 0 || b !== 0,
  LogicalXor: (a, b) => (a !== 0) !== (b !== 0),
};

const isLogical = (name: OfTwo): boolean => name.startsWith('Logical');

const counts = [1, 2, 15, 16, 17, 35, 100];

/** Some of which are equal to those with another `step`, and one is infinite. */
const values = (count: number, step: number, dtype: tf.DataType): number[] =>
  Array.from({length: count}, (_, i) => {
    const value = ((i * step) % 7) - 3;
    if (dtype === 'bool') return value > 0 ? 1 : 0;
    return dtype === 'float32' && i === 9 ? Infinity : value;
  });

const run = (kernel: string, inputs: Readonly<Record<string, tf.Tensor>>): tf.Tensor =>
  tf.engine().runKernel<tf.Tensor>(kernel, inputs, {});

const asNumbers = (tensor: tf.Tensor): number[] => Array.from(tensor.dataSync());

describeBackends('comparisons, extremes, logic and choices of all sizes', (backend) => {
  if (backend === 'wasm' && hasSimd) {
    it('are generated code', () => {
      tf.tidy(() => {
        for (const name of ofTwo) {
          const a = tf.zeros([3, 4], isLogical(name) ? 'bool' : 'float32');
          expect(canComputeOfTwo(name, a, a), name).to.equal(true);
        }
        expect(canSelect('float32')).to.equal(true);
        const [column, row] = [tf.zeros([3, 1]), tf.zeros([3])];
        expect(canComputeOfTwo('Less', column, row), 'what broadcasts').to.equal(false);
      });
    });
  }

  for (const name of ofTwo) {
    const dtypes = isLogical(name) ? (['bool'] as const) : (['float32', 'int32'] as const);
    for (const dtype of dtypes) {
      it(`${name} of ${dtype}`, () => {
        for (const count of counts) {
          // Of one shape but for ones in front, and with a single number on either side.
          const sides = isLogical(name)
            ? [[count, count]]
            : [
                [count, count],
                [count, 1],
                [1, count],
              ];
          for (const [left, right] of sides as [number, number][]) {
            const [a, b] = [values(left, 1, dtype), values(right, 3, dtype)];
            const actual = tf.tidy(() =>
              run(name, {a: tf.tensor(a, [1, left], dtype), b: tf.tensor(b, [right], dtype)}),
            );
            const expected = Array.from({length: count}, (_, i) =>
              Number(computations[name](a[left === 1 ? 0 : i]!, b[right === 1 ? 0 : i]!)),
            );
            expect(actual.shape).to.deep.equal([1, count]);
            expect(asNumbers(actual), `${left} and ${right}`).to.deep.equal(expected);
            actual.dispose();
          }
        }
      });
    }
  }

  it('of a NaN nothing holds', () => {
    const [a, b] = [tf.fill([20], NaN), tf.zeros([20])];
    for (const name of ['Equal', 'Greater', 'GreaterEqual', 'Less', 'LessEqual']) {
      const holds = run(name, {a, b});
      expect(asNumbers(holds), name).to.deep.equal(new Array(20).fill(0));
      holds.dispose();
    }
    tf.dispose([a, b]);
  });

  for (const dtype of ['float32', 'int32'] as const) {
    it(`Select of ${dtype}`, () => {
      for (const count of counts) {
        const [c, t, e] = [
          values(count, 2, 'bool'),
          values(count, 1, dtype),
          values(count, 5, dtype),
        ];
        const chosen = tf.tidy(() =>
          run('Select', {
            condition: tf.tensor1d(c, 'bool'),
            t: tf.tensor1d(t, dtype),
            e: tf.tensor1d(e, dtype),
          }),
        );
        expect(asNumbers(chosen)).to.deep.equal(c.map((holds, i) => (holds ? t[i] : e[i])));
        expect(chosen.dtype).to.equal(dtype);
        chosen.dispose();
      }
    });
  }
});
