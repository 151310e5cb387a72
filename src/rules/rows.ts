import * as tf from '@tensorflow/tfjs-core';
import type {Tensor} from '@tensorflow/tfjs-core';
import {product} from './dims.js';
import {add, mul, reshape, sum, transpose, where, zeros} from './ops.js';
import {run} from './rule.js';
import {isTraced, strategy} from './strategy.js';

/**
 * NOTE [rows]
 * All kernels that index come down to taking rows of a matrix `[rows, n]`, or adding to them, by number. A batch is more rows: those of
 * example b come after those of the examples before it, so its indices grow by b times the number of rows in one. An index out of
 * bounds must not reach the rows of a neighbour: it is found out before it is moved.
 */

const int = (value: number): Tensor => tf.scalar(value, 'int32');

/**
 * The numbers of rows that indices mean.
 * @param indices  `[P, K, d]`: K indices of d dimensions, each for P parts of the rows
 * @param dims  the sizes of those dimensions: a part has ∏dims rows, `outer` times over
 * @returns  int32 `[P·outer·K, 1]`: the row numbers, as GatherNd and ScatterNd take them
 */
export function rowNumbers(indices: Tensor, dims: readonly number[], outer: number): Tensor {
  const [parts = 0, count = 0, depth = 0] = indices.shape;
  if (!isTraced(indices)) {
    return strategy().indexArithmetic === 'host'
      ? rowNumbersOnHost(indices, dims, outer)
      : rowNumbersByKernels(indices, dims, outer);
  }
  // Nothing to compute: they are checked where they arrive.
  if (parts === 1 && outer === 1 && depth === 1) return reshape(indices, [count, 1]);
  return rowNumbersByKernels(indices, dims, outer);
}

function rowNumbersOnHost(indices: Tensor, dims: readonly number[], outer: number): Tensor {
  const [parts = 0, count = 0, depth = 0] = indices.shape;
  const values = indices.dataSync();
  const rows = product(dims);
  const numbers = new Int32Array(parts * outer * count);
  for (let part = 0; part < parts; part++) {
    const first = part * outer * count;
    for (let k = 0; k < count; k++) {
      let row = 0;
      for (let d = 0; d < depth; d++) {
        const index = values[(part * count + k) * depth + d]!;
        if (index < 0 || index >= dims[d]!) throw outOfBounds(index, dims, d);
        row = row * dims[d]! + index;
      }
      for (let o = 0; o < outer; o++)
        numbers[first + o * count + k] = (part * outer + o) * rows + row;
    }
  }
  return tf.tensor2d(numbers, [numbers.length, 1], 'int32');
}

const outOfBounds = (index: number, dims: readonly number[], dim: number): Error =>
  new Error(
    `the index ${index} is not in [0, ${dims[dim]! - 1}], along dimension ${dim} of [${dims.join(', ')}]`,
  );

/** Indices out of bounds become numbers below zero, which kernels that check refuse. */
function rowNumbersByKernels(indices: Tensor, dims: readonly number[], outer: number): Tensor {
  const [parts = 0, count = 0] = indices.shape;
  const rows = product(dims);
  const isInside = run('LogicalAnd', {
    a: run('GreaterEqual', {a: indices, b: int(0)}),
    b: run('Less', {a: indices, b: tf.tensor1d([...dims], 'int32')}),
  });
  const strides = dims.map((_, d) => product(dims.slice(d + 1)));
  const inside = run('All', {x: isInside}, {axis: 2, keepDims: false});
  const within = sum(mul(indices, tf.tensor1d(strides, 'int32')), [2]);
  const outside = run(
    'Fill',
    {},
    {
      shape: [parts, count],
      value: -parts * outer * rows - 1,
      dtype: 'int32',
    },
  );
  const first = Int32Array.from({length: parts * outer}, (_, part) => part * rows);
  const numbers = add(
    reshape(where(inside, within, outside), [parts, 1, count]),
    tf.tensor3d(first, [parts, outer, 1], 'int32'),
  );
  return reshape(numbers, [parts * outer * count, 1]);
}

/** The rows `[M, n]` of a matrix that are numbered in `[M, 1]`. */
export function takeRows(matrix: Tensor, numbers: Tensor): Tensor {
  const [, n = 0] = matrix.shape;
  const shape = [numbers.shape[0]!, n];
  // GatherNd refuses to take nothing out of nothing.
  return product(shape) === 0
    ? zeros(shape, matrix.dtype)
    : run('GatherNd', {params: matrix, indices: numbers});
}

/** A matrix of so many rows into which `[M, n]` are added at the numbers in `[M, 1]`. */
export function addRows(updates: Tensor, numbers: Tensor, rows: number): Tensor {
  const shape = [rows, updates.shape[1]!];
  return updates.size === 0
    ? zeros(shape, updates.dtype)
    : run('ScatterNd', {indices: numbers, updates}, {shape});
}

/**
 * Takes entries along one dimension, other ones in each of P parts.
 * @param x  `[P, outer, n, inner]`
 * @param indices  `[P, K]`
 * @returns  `[P, outer, K, inner]`
 */
export function gatherAlong(x: Tensor, indices: Tensor): Tensor {
  const [parts = 0, outer = 0, n = 0, inner = 0] = x.shape;
  const count = indices.shape[1]!;
  const shape = [parts, outer, count, inner];
  if (product(shape) === 0) return zeros(shape, x.dtype);
  if (parts > 1) return run('GatherV2', {x, indices}, {axis: 2, batchDims: 1});
  const inputs = {x: reshape(x, [outer, n, inner]), indices: reshape(indices, [count])};
  return reshape(run('GatherV2', inputs, {axis: 1, batchDims: 0}), shape);
}

/** Rows shorter than this are cheaper to transpose than to scatter one by one (tensorflow: 1.7 ns an element, 26 ns a row). */
const SHORT_ROW = 8;

/**
 * The transpose of `gatherAlong`: adds up what goes to the same place.
 * @param updates  `[P, outer, K, inner]`
 * @param indices  `[P, K]`
 * @returns  `[P, outer, n, inner]`
 */
export function scatterAlong(updates: Tensor, indices: Tensor, n: number): Tensor {
  const [parts = 0, outer = 0, count = 0, inner = 0] = updates.shape;
  if (outer > 1 && inner < SHORT_ROW) {
    const moved = reshape(transpose(updates, [0, 2, 1, 3]), [parts, 1, count, outer * inner]);
    const added = reshape(scatterAlong(moved, indices, n), [parts, n, outer, inner]);
    return transpose(added, [0, 2, 1, 3]);
  }
  const numbers = rowNumbers(reshape(indices, [parts, count, 1]), [n], outer);
  const rows = parts * outer * n;
  const added = addRows(reshape(updates, [parts * outer * count, inner]), numbers, rows);
  return reshape(added, [parts, outer, n, inner]);
}

/** Takes elements of the rows of `x` by their indices within the rows. */
export function takeInRows(x: Tensor, indices: Tensor): Tensor {
  const [length, k] = [x.shape.at(-1)!, indices.shape.at(-1)!];
  const rows = product(x.shape.slice(0, -1));
  const taken = gatherAlong(reshape(x, [rows, 1, length, 1]), reshape(indices, [rows, k]));
  return reshape(taken, indices.shape);
}

/** Its transpose: puts elements at their indices within the rows, among zeros. */
export function putInRows(elements: Tensor, indices: Tensor, shape: readonly number[]): Tensor {
  const [length, k] = [shape.at(-1)!, indices.shape.at(-1)!];
  const rows = product(shape.slice(0, -1));
  const put = scatterAlong(reshape(elements, [rows, 1, k, 1]), reshape(indices, [rows, k]), length);
  return reshape(put, shape);
}
