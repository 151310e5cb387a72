import * as tf from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import '../../src/index.js';
import {hasTake} from '../../src/kernels/wasm/gather.js';
import {describeBackends} from '../backends.js';
import {hasSimd} from '../environment.js';

/**
 * Rows of all lengths: wasm takes them by code generated for each of the short ones, and for the others by loops. All backends are to
 * give the same.
 */
const lengths = [1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 47, 64, 81];

const dtypes = ['float32', 'int32', 'bool'] as const;

const attributes = {
  shared: {parts: 1, axis: 1, batchDims: 0},
  batched: {parts: 3, axis: 2, batchDims: 1},
} as const;

const [outer, n] = [2, 5];

const rowNumbers = [4, 0, 0, 3, 1, 2, 4];

const countUp = (size: number, dtype: tf.DataType): number[] =>
  Array.from({length: size}, (_, i) => (dtype === 'bool' ? Number(i % 3 === 0) : i));

const gather = (
  x: tf.Tensor,
  indices: tf.Tensor,
  attrs: {readonly axis: number; readonly batchDims: number},
): tf.Tensor => tf.engine().runKernel('GatherV2', {x, indices}, {...attrs});

describeBackends('rows of all lengths', (backend) => {
  if (backend === 'wasm' && hasSimd) {
    it('are taken by generated code', () => {
      expect(hasTake()).to.equal(true);
    });
  }

  for (const [name, {parts, axis, batchDims}] of Object.entries(attributes)) {
    for (const dtype of dtypes) {
      it(`${name} rows of ${dtype}, by GatherV2`, () => {
        for (const length of lengths) {
          const shape = [outer, n, length];
          const values = countUp(parts * outer * n * length, dtype);
          const numbers = Array.from({length: parts}, (_, part) =>
            rowNumbers.map((number) => (number + part) % n),
          );
          const taken = tf.tidy(() =>
            gather(
              tf.tensor(values, parts === 1 ? shape : [parts, ...shape], dtype),
              parts === 1
                ? tf.tensor1d(numbers[0]!, 'int32')
                : tf.tensor2d(numbers, undefined, 'int32'),
              {axis, batchDims},
            ),
          );
          const matrices = Array.from({length: parts * outer}, (_, i) => i);
          const expected = matrices.flatMap((matrix) =>
            numbers[Math.floor(matrix / outer)]!.flatMap((number) => {
              const start = (matrix * n + number) * length;
              return values.slice(start, start + length);
            }),
          );
          expect(Array.from(taken.dataSync()), `of ${length}`).to.deep.equal(expected);
          taken.dispose();
        }
      });
    }
  }

  it('by GatherNd, of a vector and of a tensor', () => {
    for (const length of lengths) {
      const values = countUp(n * length, 'float32');
      const taken = tf.tidy(() => {
        const numbers = tf.tensor3d(rowNumbers, [rowNumbers.length, 1, 1], 'int32');
        return tf.gatherND(tf.tensor(values, [n, length, 1]), numbers);
      });
      expect(taken.shape).to.deep.equal([rowNumbers.length, 1, length, 1]);
      const expected = rowNumbers.flatMap((number) =>
        values.slice(number * length, (number + 1) * length),
      );
      expect(Array.from(taken.dataSync()), `of ${length}`).to.deep.equal(expected);
      taken.dispose();
    }
    const element = tf.tidy(() => tf.gatherND(tf.tensor1d([3, 1, 4]), tf.tensor1d([2], 'int32')));
    expect(element.shape).to.deep.equal([]);
    expect(Array.from(element.dataSync())).to.deep.equal([4]);
    element.dispose();
  });

  it('of nothing, and no rows', () => {
    const shapes = tf.tidy(() => {
      const none = tf.tensor1d([], 'int32');
      return [
        gather(tf.ones([0, 3]), none, {axis: 0, batchDims: 0}),
        gather(tf.ones([4, 3]), none, {axis: 0, batchDims: 0}),
        gather(tf.ones([4, 0]), tf.tensor1d([1, 2], 'int32'), {axis: 0, batchDims: 0}),
      ].map(({shape}) => shape);
    });
    expect(shapes).to.deep.equal([
      [0, 3],
      [0, 3],
      [2, 0],
    ]);
  });

  if (backend === 'wasm' && hasSimd) {
    it('a number that is not of a row is refused, with nothing left behind', () => {
      const x = tf.ones([3, 2]);
      for (const wrong of [3, -1]) {
        const numbers = tf.tensor2d([[0], [wrong]], undefined, 'int32');
        const before = tf.memory().numTensors;
        const message = `: the index value ${wrong} is not in [0, 2]`;
        const flat = (): tf.Tensor => tf.reshape(numbers, [2]);
        expect(() => tf.tidy(() => tf.gather(x, flat()))).to.throw(`GatherV2${message}`);
        expect(() => tf.gatherND(x, numbers)).to.throw(`GatherNd${message}`);
        expect(tf.memory().numTensors).to.equal(before);
        numbers.dispose();
      }
      x.dispose();
    });
  }
});
