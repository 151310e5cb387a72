import * as tf from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {grad, hessian, jvp, TransformError, vmap} from '../../src/index.js';
import {describeBackends} from '../backends.js';

/** Kernels whose result's shape depends on values: no vmap, but derivatives where floats come of floats. */
interface Case {
  readonly op: string;
  readonly kernel: string;
  readonly x: readonly number[];
  /** What it takes of `x`, with weights: linear in it near the point. */
  readonly f: (x: tf.Tensor) => tf.Tensor;
  readonly gradient: readonly number[];
}

const weighted = (values: tf.Tensor, ...weights: number[]): tf.Tensor =>
  tf.sum(tf.mul(tf.square(values), weights));

const cases: readonly Case[] = [
  {
    op: 'unique',
    kernel: 'Unique',
    x: [3, 1, 3, 2, 1],
    f: (x) => weighted(tf.unique(x).values, 5, 7, 11),
    gradient: [30, 14, 0, 44, 0],
  },
  {
    op: 'unique along an axis',
    kernel: 'Unique',
    x: [3, 1, 3, 2, 4, 2],
    f: (x) => weighted(tf.reshape(tf.unique(tf.reshape(x, [2, 3]), -1).values, [-1]), 5, 7, 11, 13),
    gradient: [30, 14, 0, 44, 104, 0],
  },
  {
    op: 'sparse.sparseFillEmptyRows',
    kernel: 'SparseFillEmptyRows',
    x: [3, 1, 2],
    f: (x) => {
      const indices = [
        [2, 0],
        [0, 1],
        [0, 0],
      ];
      const filled = tf.sparse.sparseFillEmptyRows(
        tf.tensor2d(indices, [3, 2], 'int32'),
        x as tf.Tensor1D,
        tf.tensor1d([5, 2], 'int32'),
        tf.slice(x, [0], [1]).reshape([]) as tf.Scalar,
      );
      return weighted(filled['outputValues'] as tf.Tensor, 2, 3, 5, 7, 11, 13);
    },
    // The rows are 1, 2 | 3 by default | 3 | 3, 3 by default; the default is the first of x.
    gradient: [6 * (5 + 7 + 11 + 13), 4, 12],
  },
  {
    op: 'image.nonMaxSuppressionWithScore',
    kernel: 'NonMaxSuppressionV5',
    x: [3, 1, 2],
    f: (x) => {
      const boxes = [
        [0, 0, 1, 1],
        [2, 2, 3, 3],
        [0, 0, 1, 1.1],
      ];
      const {selectedScores} = tf.image.nonMaxSuppressionWithScore(boxes, x as tf.Tensor1D, 3) as {
        selectedScores: tf.Tensor;
      };
      return weighted(selectedScores, 5, 7);
    },
    gradient: [30, 14, 0],
  },
];

const asGradient = (x: readonly number[], f: Case['f']): number[] =>
  tf.tidy(() => Array.from(grad(f)(tf.tensor1d([...x])).dataSync()));

describeBackends('derivatives through kernels whose shapes depend on values', (backend) => {
  for (const {op, kernel, x, f, gradient} of cases) {
    it(op, function () {
      if (tf.getKernel(kernel, backend) === undefined) this.skip();
      expect(asGradient(x, f)).to.deep.equal(gradient);
      tf.tidy(() => {
        const point: tf.Tensor = tf.tensor1d([...x]);
        x.forEach((_, i) => {
          const direction = tf.cast(tf.oneHot(tf.scalar(i, 'int32'), x.length), 'float32');
          const [, tangent] = jvp(f, [point], [direction]);
          expect((tangent as tf.Tensor).dataSync()[0]).to.equal(gradient[i]);
        });
        // Quadratic: each gradient is its second derivative times x.
        const second = hessian(f)(point) as tf.Tensor2D;
        const product = tf.matMul(second, tf.expandDims(point, 1));
        expect(Array.from(product.dataSync())).to.deep.equal(gradient);
      });
    });
  }
});

const refusals: readonly {
  readonly op: string;
  readonly f: (x: tf.Tensor) => unknown;
  readonly message: RegExp;
}[] = [
  {
    op: 'image.nonMaxSuppressionPadded',
    f: (x) => {
      const boxes = tf.reshape(x, [1, 4]) as tf.Tensor2D;
      return tf.image.nonMaxSuppressionPadded(boxes, tf.tensor1d([1]), 1)['selectedIndices'];
    },
    message: /'NonMaxSuppressionV4'.*padded to maxOutputSize.*tf\.where/,
  },
  {
    op: 'unique',
    f: (x) => tf.unique(x).values,
    message: /'Unique'.*outside vmap/,
  },
  {
    op: 'sparse.sparseSegmentSum',
    f: (x) => {
      const ids = tf.cast(tf.greater(x, 0), 'int32') as tf.Tensor1D;
      return tf.sparse.sparseSegmentSum(x as tf.Tensor1D, tf.tensor1d([0, 1, 2, 3], 'int32'), ids);
    },
    message: /'SparseSegmentSum'.*tf\.unsortedSegmentSum.*inDims: null/,
  },
  {
    op: 'sparse.sparseReshape',
    f: (x) => {
      const indices = tf.tensor2d([[0, 0, 0, 0]], [1, 4], 'int32');
      const sizes = tf.cast(x, 'int32') as tf.Tensor1D;
      return tf.sparse.sparseReshape(indices, sizes, tf.tensor1d([1], 'int32'))['outputIndices'];
    },
    message: /'SparseReshape'.*tf\.mod/,
  },
  {
    op: 'sparse.sparseFillEmptyRows of mapped indices',
    f: (x) =>
      tf.sparse.sparseFillEmptyRows(
        tf.cast(tf.reshape(x, [2, 2]), 'int32') as tf.Tensor2D,
        tf.tensor1d([1, 2]),
        tf.tensor1d([3, 3], 'int32'),
        tf.scalar(0),
      )['outputValues'],
    message: /'SparseFillEmptyRows'.*outside vmap.*can be mapped/,
  },
  {
    op: 'raggedTensorToTensor of mapped rows',
    f: (x) =>
      tf.raggedTensorToTensor(
        tf.tensor1d([3, 1], 'int32'),
        tf.ones([1]),
        tf.scalar(0),
        [tf.cast(x, 'int32')],
        ['ROW_SPLITS'],
      ),
    message: /'RaggedTensorToTensor'.*padded.*can be mapped.*inDims: null/,
  },
  {
    op: 'raggedGather of mapped splits',
    f: (x) =>
      tf.raggedGather([tf.cast(x, 'int32')], tf.ones([2]), tf.tensor1d([0], 'int32'), 1)
        .outputDenseValues,
    message: /'RaggedGather'.*can be mapped.*inDims: null/,
  },
  {
    op: 'raggedGather of mapped indices',
    f: (x) =>
      tf.raggedGather([tf.tensor1d([0, 1, 2], 'int32')], tf.ones([2]), tf.cast(x, 'int32'), 1)
        .outputDenseValues,
    message: /'RaggedGather'.*can be mapped.*inDims: null/,
  },
  {
    op: 'raggedRange',
    f: (x) => tf.raggedRange(x as tf.Tensor1D, tf.scalar(4), tf.scalar(1)).rtDenseValues,
    message: /'RaggedRange'.*padded/,
  },
];

describeBackends(
  'vmap refuses what depends on values, with what to do',
  () => {
    for (const {op, f, message} of refusals) {
      it(op, () => {
        const x = tf.ones([3, 4]);
        expect(() => vmap(f as (row: tf.Tensor) => tf.Tensor)(x)).to.throw(TransformError, message);
        x.dispose();
      });
    }
  },
  {only: ['cpu']},
);
