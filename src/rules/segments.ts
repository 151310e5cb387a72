import * as tf from '@tensorflow/tfjs-core';
import type {Tensor} from '@tensorflow/tfjs-core';
import {logicalShape, materialize, product} from './dims.js';
import {add, pad, reshape, sameShape, slice, zeros} from './ops.js';
import {gatherAlong, scatterAlong} from './rows.js';
import {family, run, saving} from './rule.js';

interface Shaped {
  readonly shape: readonly number[];
}

/**
 * Segments that are dropped, below 0 and from n on, have a row each before the first and after the last.
 * @returns  int32 in [0, n + 2)
 */
const withDropped = (ids: Tensor, n: number): Tensor =>
  add(
    run('Maximum', {
      a: run('Minimum', {a: ids, b: tf.scalar(n, 'int32')}),
      b: tf.scalar(-1, 'int32'),
    }),
    tf.scalar(1, 'int32'),
  );

/** Sums of `[P, outer, K, inner]` by segment: `[P, outer, n, inner]`. */
function segmentSum(x: Tensor, ids: Tensor, n: number): Tensor {
  const [parts = 0, outer = 0, , inner = 0] = x.shape;
  const sums = scatterAlong(x, withDropped(ids, n), n + 2);
  return slice(sums, [0, 0, 1, 0], [parts, outer, n, inner]);
}

/** The transpose of `segmentSum` for `[1, 1, K, inner]`. */
function spreadSegments(dy: Tensor, ids: Tensor): Tensor {
  const [n = 0, inner = 1] = dy.shape;
  const padded = pad(dy, [
    [1, 1],
    [0, 0],
  ]);
  return gatherAlong(
    reshape(padded, [1, 1, n + 2, inner]),
    withDropped(reshape(ids, [1, product(ids.shape)]), n),
  );
}

/** Counts, or sums of weights, of the values 0 to n - 1 in each row: `[P, K]` to `[P, n]`. Values from n on are not counted. */
function countRows(x: Tensor, weights: Tensor, n: number): Tensor {
  const [parts = 0, count = 0] = x.shape;
  const values = run('Minimum', {a: x, b: tf.scalar(n, 'int32')});
  const counts = scatterAlong(reshape(weights, [parts, 1, count, 1]), values, n + 1);
  return slice(reshape(counts, [parts, n + 1]), [0, 0], [parts, n]);
}

const ones = (shape: readonly number[], dtype: tf.DataType): Tensor =>
  run('Fill', {}, {shape: [...shape], value: 1, dtype: dtype as 'float32'});

/** What is counted has weights, or counts as 1 where the weights are an empty tensor. */
const isWeighted = (weights: Shaped): boolean => product(weights.shape) > 0;

export const segments = family({
  UnsortedSegmentSum: {
    batch: ({x, segmentIds}, {numSegments}, size) => {
      const [count = 0, ...rest] = logicalShape(x);
      if (logicalShape(segmentIds).length !== 1 || logicalShape(segmentIds)[0] !== count) {
        throw new Error(
          `segment ids of shape [${logicalShape(segmentIds).join(', ')}] don't fit ${count} rows`,
        );
      }
      const parts = segmentIds.mapped ? [size, 1] : [1, size];
      const sums = segmentSum(
        reshape(materialize(x, size), [...parts, count, product(rest)]),
        reshape(segmentIds.value, [parts[0]!, count]),
        numSegments,
      );
      return reshape(sums, [size, numSegments, ...rest]);
    },
    linearIn: ['x'],
    vjp: saving(['segmentIds'], (dy, {x, segmentIds}, {numSegments}) => ({
      x: () => {
        const inner = product(x.shape.slice(1));
        return reshape(spreadSegments(reshape(dy, [numSegments, inner]), segmentIds), x.shape);
      },
    })),
  },

  Bincount: {
    batch: ({x, weights}, attrs, size) => {
      const count = product(logicalShape(x));
      const perExample = isWeighted({shape: logicalShape(weights)})
        ? reshape(materialize(weights, size), [size, count])
        : ones([size, count], weights.value.dtype);
      return countRows(reshape(materialize(x, size), [size, count]), perExample, attrs.size);
    },
    jvp: ({x, weights}, tangents, attrs) =>
      isWeighted(weights) ? run('Bincount', {x, weights: tangents.weights!}, attrs) : null,
    vjp: saving(['x'], (dy, {x, weights}, attrs) => ({
      weights: () =>
        isWeighted(weights)
          ? reshape(spreadSegments(reshape(dy, [attrs.size, 1]), x), weights.shape)
          : zeros(weights.shape),
    })),
  },

  DenseBincount: {
    batch: ({x, weights}, attrs, size) => {
      const shape = logicalShape(x);
      if (shape.length > 2) throw new Error(`x must have rank 1 or 2, not ${shape.length}`);
      const count = shape.at(-1) ?? 1;
      const rows = size * product(shape.slice(0, -1));
      const isWeightedHere = isWeighted({shape: logicalShape(weights)});
      if (isWeightedHere && !sameShape(logicalShape(weights), shape)) {
        throw new Error('x and weights must have the same shape, or weights must be empty');
      }
      const folded = isWeightedHere
        ? reshape(materialize(weights, size), [rows, count])
        : zeros([0], weights.value.dtype);
      const counts = run(
        'DenseBincount',
        {x: reshape(materialize(x, size), [rows, count]), weights: folded},
        attrs,
      );
      return reshape(counts, [size, ...shape.slice(0, -1), attrs.size]);
    },
    jvp: ({x, weights}, tangents, attrs) =>
      isWeighted(weights) && !attrs.binaryOutput
        ? run('DenseBincount', {x, weights: tangents.weights!}, attrs)
        : null,
    vjp: saving(['x'], (dy, {x, weights}, attrs) => ({
      weights: () => {
        if (!isWeighted(weights) || attrs.binaryOutput) return zeros(weights.shape);
        const count = x.shape.at(-1) ?? 1;
        const rows = x.size / count;
        const padded = pad(reshape(dy, [rows, attrs.size]), [
          [0, 0],
          [0, 1],
        ]);
        const values = run('Minimum', {
          a: reshape(x, [rows, count]),
          b: tf.scalar(attrs.size, 'int32'),
        });
        return reshape(gatherAlong(reshape(padded, [rows, 1, attrs.size + 1, 1]), values), x.shape);
      },
    })),
  },
});
