import * as tf from '@tensorflow/tfjs-core';
import type {Tensor} from '@tensorflow/tfjs-core';
import {logicalShape, materialize, moveDim, product, repeat} from './dims.js';
import {add, div, mul, reshape, sub, sum, zeros} from './ops.js';
import {int, numbered, placeValues} from './places.js';
import {refuseBatching} from './refusal.js';
import {gatherAlong, scatterAlong} from './rows.js';
import {family, run, saving, savingOutput, type RuleOf, type ShapeOnly} from './rule.js';

type SegmentKernel = 'SparseSegmentSum' | 'SparseSegmentMean';

/** Entries `[K, …]` of `[n, …]`, or one list of them for each example. */
function takeEntries(data: Tensor, indices: Tensor): Tensor {
  const [parts = 0, n = 0, ...rest] = data.shape;
  const taken = gatherAlong(reshape(data, [parts, 1, n, product(rest)]), indices);
  return reshape(taken, [parts, indices.shape[1]!, ...rest]);
}

/** What each index's row of the result passes back to it, `[K, inner]`. */
function perIndex(dy: Tensor, segmentIds: Tensor): Tensor {
  const [rows = 0, inner = 0] = dy.shape;
  const taken = gatherAlong(
    reshape(dy, [1, 1, rows, inner]),
    reshape(segmentIds, [1, segmentIds.size]),
  );
  return reshape(taken, [segmentIds.size, inner]);
}

/** Divides the rows by how many indices each has; those without any stay as they are. */
function byCounts(dy: Tensor, segmentIds: Tensor): Tensor {
  const [rows = 0] = dy.shape;
  const count = segmentIds.size;
  const ones = run('Fill', {}, {shape: [1, 1, count, 1], value: 1, dtype: 'float32'});
  const counts = scatterAlong(ones, reshape(segmentIds, [1, count]), rows);
  return div(dy, run('Maximum', {a: reshape(counts, [rows, 1]), b: tf.scalar(1)}));
}

/**
 * Sums or means of rows of `data` by segment. The last segment id says how many rows the result has: so a batch shares its segment ids,
 * and then examples are more columns.
 */
const segmentReduction = (kernel: SegmentKernel): RuleOf<SegmentKernel> => ({
  batch: ({data, indices, segmentIds}, _attrs, size) => {
    if (segmentIds.mapped) {
      return refuseBatching(
        kernel,
        'The number of its rows is the last segment id, which may differ between examples. Gather the rows and sum them with ' +
          'tf.unsortedSegmentSum, which is told their number; or pass one tensor of segment ids for all examples (inDims: null).',
      );
    }
    const [n = 0, ...rest] = logicalShape(data);
    const [count = 0] = logicalShape(indices);
    if (logicalShape(data).length === 0 || logicalShape(indices).length !== 1) {
      throw new Error('data must have rank 1 at least, and indices rank 1');
    }
    if (!indices.mapped) {
      const columns = reshape(moveDim(data.value, 0, 1), [n, size * product(rest)]);
      const inputs = {data: columns, indices: indices.value, segmentIds: segmentIds.value};
      return unfoldColumns(run(kernel, inputs), size, rest);
    }
    const taken = takeEntries(materialize(data, size), indices.value);
    const columns = reshape(moveDim(taken, 0, 1), [count, size * product(rest)]);
    const inOrder = tf.range(0, count, 1, 'int32');
    return unfoldColumns(
      run(kernel, {data: columns, indices: inOrder, segmentIds: segmentIds.value}),
      size,
      rest,
    );
  },
  linearIn: ['data'],
  vjp: saving(['indices', 'segmentIds'], (dy, {data, indices, segmentIds}) => ({
    data: () => {
      if (dy.size === 0 || product(data.shape) === 0) return zeros(data.shape);
      const [rows = 0] = dy.shape;
      const [n = 0, ...rest] = data.shape;
      const flat = reshape(dy, [rows, product(rest)]);
      const weighted = kernel === 'SparseSegmentMean' ? byCounts(flat, segmentIds) : flat;
      const updates = reshape(perIndex(weighted, segmentIds), [1, 1, indices.size, product(rest)]);
      return reshape(scatterAlong(updates, reshape(indices, [1, indices.size]), n), data.shape);
    },
  })),
});

/** `[rows, B·inner]` to `[B, rows, …]`. */
function unfoldColumns(x: Tensor, size: number, rest: readonly number[]): Tensor {
  const [rows = 0] = x.shape;
  return moveDim(reshape(x, [rows, size, ...rest]), 1, 0);
}

/** Values `[K]` at their places among so many entries, zero elsewhere. */
const placeEntries = (values: Tensor, places: Tensor, count: number): Tensor =>
  values.size === 0
    ? zeros([count])
    : reshape(
        scatterAlong(
          reshape(values, [1, 1, values.size, 1]),
          reshape(places, [1, values.size]),
          count,
        ),
        [count],
      );

export const sparse = family({
  SparseSegmentSum: segmentReduction('SparseSegmentSum'),
  SparseSegmentMean: segmentReduction('SparseSegmentMean'),

  SparseFillEmptyRows: {
    batch: ({indices, values, denseShape, defaultValue}, _attrs, size) => {
      if (indices.mapped || denseShape.mapped) {
        return refuseBatching(
          'SparseFillEmptyRows',
          'The number of its entries depends on the indices. Call it outside vmap, keep the rows dense (tf.sparseToDense has a default value for ' +
            'what is not there), or pass one tensor of indices and one shape for all examples (inDims: null): values and default can be mapped.',
        );
      }
      if (logicalShape(defaultValue).length > 0) throw new Error('the default must be a scalar');
      const [found, numbers, isEmpty, reverseIndexMap] = run('SparseFillEmptyRows', {
        indices: indices.value,
        values: numbered(logicalShape(values)),
        denseShape: denseShape.value,
        defaultValue: int(-1),
      }) as [Tensor, Tensor, Tensor, Tensor];
      const filled = placeValues(
        materialize(values, size),
        materialize(defaultValue, size),
        numbers,
      );
      return [repeat(found, size), filled, repeat(isEmpty, size), repeat(reverseIndexMap, size)];
    },
    jvp: (_primals, tangents, _attrs, [, entries, , reverseIndexMap]) => {
      const count = entries!.size;
      const terms: Tensor[] = [];
      if (tangents.values) terms.push(placeEntries(tangents.values, reverseIndexMap!, count));
      if (tangents.defaultValue) {
        const ones = run('OnesLike', {x: run('Cast', {x: reverseIndexMap!}, {dtype: 'float32'})});
        const isGiven = placeEntries(ones, reverseIndexMap!, count);
        terms.push(mul(sub(tf.scalar(1), isGiven), tangents.defaultValue));
      }
      return [null, terms.reduce(add), null, null];
    },
    // The fourth output says where each value went.
    vjp: savingOutput([], ([, dy], {values, output: [, , , reverseIndexMap]}) => {
      const [count = 0] = values.shape;
      const entries = dy!.size;
      const ofValues = (): Tensor =>
        count === 0
          ? zeros([0])
          : reshape(
              gatherAlong(reshape(dy!, [1, 1, entries, 1]), reshape(reverseIndexMap!, [1, count])),
              [count],
            );
      return {
        values: ofValues,
        defaultValue: () => sub(sum(dy!, [0]), sum(ofValues(), [0])),
      };
    }),
  },

  SparseReshape: {
    batch: ({inputIndices, inputShape, newShape}, _attrs, size) => {
      if (inputShape.mapped || newShape.mapped) {
        return refuseBatching(
          'SparseReshape',
          'The shapes are values of its inputs, so the results can differ in shape between examples. Call it outside vmap, pass one of each for ' +
            'all examples (inDims: null), or compute the new indices from the old ones: the place in the flattened tensor, then tf.floorDiv and ' +
            'tf.mod by the new sizes.',
        );
      }
      const [count = 0, rank = 0, ...more] = logicalShape(inputIndices);
      const [indices, shape] = run('SparseReshape', {
        inputIndices: reshape(inputIndices.value, [size * count, rank, ...more]),
        inputShape: inputShape.value,
        newShape: newShape.value,
      }) as [Tensor, Tensor];
      return [reshape(indices, [size, count, indices.shape[1]!]), repeat(shape, size)];
    },
    derivative: 'zero',
  },

  Unique: {
    batch: {
      refuse:
        'How many values differ depends on the values. Call it outside vmap, one example at a time; or, of a fixed size, mark the first: ' +
        'tf.equal of x as a column and as a row is true in a row for the first time at the first equal value (tf.argMax).',
    },
    jvp: ({x}, {x: t}, {axis}, [values, indices]) => {
      const first = firstPlaces(indices!, values!.shape[at(axis, x)]!);
      return [takeAlong(t!, first, at(axis, x)), null];
    },
    vjp: savingOutput([], ([dy], {x, output: [, indices]}, {axis}) => ({
      x: () => {
        const along = at(axis, x);
        const n = dy!.shape[along]!;
        const before = product(x.shape.slice(0, along));
        const after = product(x.shape.slice(along + 1));
        const updates = reshape(dy!, [1, before, n, after]);
        return reshape(scatterAlong(updates, firstPlaces(indices!, n), x.shape[along]!), x.shape);
      },
    })),
  },
});

const at = (axis: number, {shape}: ShapeOnly): number => (axis < 0 ? axis + shape.length : axis);

/** Where each of n values is for the first time, int32 `[1, n]`, by the number of the value at each place. */
function firstPlaces(indices: Tensor, n: number): Tensor {
  const numbers = tf.range(0, n, 1, 'int32');
  const isThere = run('Equal', {
    a: reshape(numbers, [n, 1]),
    b: reshape(indices, [1, indices.size]),
  });
  const first = run('ArgMax', {x: run('Cast', {x: isThere}, {dtype: 'int32'})}, {axis: 1});
  return reshape(first, [1, n]);
}

function takeAlong(x: Tensor, places: Tensor, axis: number): Tensor {
  const before = x.shape.slice(0, axis);
  const after = x.shape.slice(axis + 1);
  const taken = gatherAlong(
    reshape(x, [1, product(before), x.shape[axis]!, product(after)]),
    places,
  );
  return reshape(taken, [...before, places.size, ...after]);
}
