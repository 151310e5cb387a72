import * as tf from '@tensorflow/tfjs-core';
import type {GatherV2Attrs, OneHotAttrs, Tensor} from '@tensorflow/tfjs-core';
import {
  fold,
  foldInto,
  logicalRank,
  logicalShape,
  materialize,
  moveDim,
  product,
  resolveAxes,
  swap,
} from './dims.js';
import {cast, equal, greater, mul, reshape, sum, tile, where, zeros} from './ops.js';
import {addRows, gatherAlong, rowNumbers, scatterAlong, takeRows} from './rows.js';
import {family, run, saving, type BatchedInput} from './rule.js';
import {strategy} from './strategy.js';

interface Shaped {
  readonly shape: readonly number[];
}

/** What a GatherV2 does: `[parts, outer, n, inner]` and `[parts, count]` to `[parts, outer, count, inner]`. */
export function gatherSizes(x: Shaped, indices: Shaped, attrs: GatherV2Attrs) {
  const {shape} = indices;
  const [axis] = resolveAxes(attrs.axis, x.shape.length) as [number];
  const batchDims = attrs.batchDims < 0 ? attrs.batchDims + shape.length : attrs.batchDims;
  const {batchSize, outerSize, dimSize, sliceSize, outputShape} =
    tf.backend_util.segment_util.collectGatherOpShapeInfo(
      x as Tensor,
      indices as Tensor,
      axis,
      batchDims,
    );
  return {
    parts: batchSize,
    outer: outerSize,
    n: dimSize,
    inner: sliceSize,
    count: product(shape.slice(batchDims)),
    outputShape,
  };
}

function batchedGather(
  {x, indices}: {readonly x: BatchedInput; readonly indices: BatchedInput},
  attrs: GatherV2Attrs,
  size: number,
): Tensor {
  const {parts, outer, n, inner, count, outputShape} = gatherSizes(
    {shape: logicalShape(x)},
    {shape: logicalShape(indices)},
    attrs,
  );
  const result = [size, ...outputShape];
  if (!x.mapped) {
    // All examples take from the same: their indices are more indices.
    const joined = swap(reshape(indices.value, [size, parts, count]));
    const taken = gatherAlong(
      reshape(x.value, [parts, outer, n, inner]),
      reshape(joined, [parts, size * count]),
    );
    return reshape(swap(reshape(taken, [parts * outer, size, count * inner])), result);
  }
  if (!indices.mapped && parts === 1) {
    const taken = gatherAlong(
      reshape(x.value, [1, size * outer, n, inner]),
      reshape(indices.value, [1, count]),
    );
    return reshape(taken, result);
  }
  const taken = gatherAlong(
    reshape(x.value, [size * parts, outer, n, inner]),
    reshape(materialize(indices, size), [size * parts, count]),
  );
  return reshape(taken, result);
}

interface IndexSizes {
  /** How many indices there are. */
  readonly count: number;
  /** How many dimensions each of them has. */
  readonly depth: number;
}

/** Indices `[…, depth]`, as GatherNd has them. */
function gatherIndexSizes({shape}: Shaped): IndexSizes {
  if (shape.length === 0) throw new Error('indices must have a dimension at least');
  return {count: product(shape.slice(0, -1)), depth: shape.at(-1)!};
}

/** As ScatterNd and TensorScatterUpdate have them: where there is no other dimension, the only one counts indices. */
export const scatterIndexSizes = ({shape}: Shaped): IndexSizes =>
  shape.length > 1 ? gatherIndexSizes({shape}) : {count: product(shape), depth: 1};

const asMatrix = (indices: Tensor, {count, depth}: IndexSizes): Tensor =>
  reshape(indices, [count, depth]);

/** The row numbers of a batch of indices, in rows that are all those of the first example, then all those of the second, and so on. */
function batchedRowNumbers(
  indices: BatchedInput,
  {count, depth}: IndexSizes,
  dims: readonly number[],
  size: number,
): Tensor {
  if (dims.length < depth) {
    throw new Error(`indices of ${depth} dimensions don't fit the shape [${dims.join(', ')}]`);
  }
  return indices.mapped
    ? rowNumbers(reshape(indices.value, [size, count, depth]), dims, 1)
    : rowNumbers(reshape(indices.value, [1, count, depth]), dims, size);
}

/** The cpu kernel writes into its input, which others may read. */
const updateRows = (tensor: Tensor, indices: Tensor, updates: Tensor): Tensor =>
  run('TensorScatterUpdate', {
    tensor: strategy().updatesInPlace ? mul(tensor, tf.scalar(1, tensor.dtype)) : tensor,
    indices,
    updates,
  });

/**
 * Which updates are there to be seen in the result of TensorScatterUpdate, as ones and zeros: of several in the same place only one is,
 * and which is up to the backend. Each update writes its number, and those that can read their own have won.
 * @param indices  `[K, depth]`
 * @returns  float32 `[K]`
 */
function winners(dims: readonly number[], indices: Tensor): Tensor {
  const numbers = tf.range(1, indices.shape[0]! + 1, 1, 'int32');
  const written = run('TensorScatterUpdate', {
    tensor: zeros(dims, 'int32'),
    indices,
    updates: numbers,
  });
  return cast(equal(run('GatherNd', {params: written, indices}), numbers), 'float32');
}

/** Indices of SparseToDense, which may be a scalar, or a list of numbers, as `[K, depth]`. */
const sparseShape = (shape: readonly number[]): number[] =>
  shape.length === 2 ? [...shape] : [product(shape), 1];

/** OneHot of any dtype: the kernel of wasm writes integers whatever that is. */
export function oneHot(indices: Tensor, attrs: OneHotAttrs): Tensor {
  const {depth, onValue, offValue, dtype} = attrs;
  if (dtype === 'int32') return run('OneHot', {indices}, attrs);
  const choose = (onInt: number, offInt: number): Tensor =>
    greater(
      run('OneHot', {indices}, {depth, onValue: onInt, offValue: offInt, dtype: 'int32'}),
      tf.scalar(0, 'int32'),
    );
  if (dtype === 'bool') return choose(onValue, offValue);
  const isOn = choose(1, 0);
  const filled = (value: number): Tensor =>
    run('Fill', {}, {shape: isOn.shape, value, dtype: 'float32'});
  return where(isOn, filled(onValue), filled(offValue));
}

export const indexing = family({
  GatherV2: {
    batch: batchedGather,
    linearIn: ['x'],
    vjp: saving(['indices'], (dy, {x, indices}, attrs) => ({
      x: () => {
        const {parts, outer, n, inner, count} = gatherSizes(x, indices, attrs);
        const dx = scatterAlong(
          reshape(dy, [parts, outer, count, inner]),
          reshape(indices, [parts, count]),
          n,
        );
        return reshape(dx, x.shape);
      },
    })),
  },

  GatherNd: {
    batch: ({params, indices}, _attrs, size) => {
      const indexShape = logicalShape(indices);
      const sizes = gatherIndexSizes({shape: indexShape});
      if (!params.mapped) {
        return run('GatherNd', {params: params.value, indices: indices.value});
      }
      const shape = logicalShape(params);
      const dims = shape.slice(0, sizes.depth);
      const rest = shape.slice(sizes.depth);
      const numbers = batchedRowNumbers(indices, sizes, dims, size);
      const matrix = reshape(params.value, [size * product(dims), product(rest)]);
      return reshape(takeRows(matrix, numbers), [size, ...indexShape.slice(0, -1), ...rest]);
    },
    linearIn: ['params'],
    vjp: saving(['indices'], (dy, {params, indices}) => ({
      params: () => {
        const sizes = gatherIndexSizes(indices);
        const updates = reshape(dy, [sizes.count, ...params.shape.slice(sizes.depth)]);
        return run(
          'ScatterNd',
          {indices: asMatrix(indices, sizes), updates},
          {shape: [...params.shape]},
        );
      },
    })),
  },

  ScatterNd: {
    batch: ({indices, updates}, {shape}, size) => {
      const sizes = scatterIndexSizes({shape: logicalShape(indices)});
      const dims = shape.slice(0, sizes.depth);
      const inner = product(shape.slice(sizes.depth));
      const numbers = batchedRowNumbers(indices, sizes, dims, size);
      const rows = reshape(materialize(updates, size), [size * sizes.count, inner]);
      return reshape(addRows(rows, numbers, size * product(dims)), [size, ...shape]);
    },
    linearIn: ['updates'],
    vjp: saving(['indices'], (dy, {indices, updates}) => ({
      updates: () => {
        const taken = run('GatherNd', {
          params: dy,
          indices: asMatrix(indices, scatterIndexSizes(indices)),
        });
        return reshape(taken, updates.shape);
      },
    })),
  },

  TensorScatterUpdate: {
    batch: ({tensor, indices, updates}, _attrs, size) => {
      const shape = logicalShape(tensor);
      const sizes = scatterIndexSizes({shape: logicalShape(indices)});
      const dims = shape.slice(0, sizes.depth);
      const inner = product(shape.slice(sizes.depth));
      const updated = updateRows(
        reshape(materialize(tensor, size), [size * product(dims), inner]),
        batchedRowNumbers(indices, sizes, dims, size),
        reshape(materialize(updates, size), [size * sizes.count, inner]),
      );
      return reshape(updated, [size, ...shape]);
    },
    jvp: ({tensor, indices, updates}, tangents) =>
      updateRows(
        tangents.tensor ?? zeros(tensor.shape),
        indices,
        tangents.updates ?? zeros(updates.shape),
      ),
    vjp: saving(['indices'], (dy, {tensor, indices, updates}) => ({
      tensor: () => updateRows(dy, indices, zeros(updates.shape)),
      updates: () => {
        const sizes = scatterIndexSizes(indices);
        const matrix = asMatrix(indices, sizes);
        const kept = winners(tensor.shape.slice(0, sizes.depth), matrix);
        const taken = reshape(run('GatherNd', {params: dy, indices: matrix}), [
          sizes.count,
          product(tensor.shape.slice(sizes.depth)),
        ]);
        return reshape(mul(taken, reshape(kept, [sizes.count, 1])), updates.shape);
      },
    })),
  },

  SparseToDense: {
    batch: ({sparseIndices, sparseValues, defaultValue}, {outputShape}, size) => {
      const [count = 0, depth = 0] = sparseShape(logicalShape(sparseIndices));
      if (depth !== outputShape.length) {
        throw new Error(
          `indices of ${depth} dimensions don't fit the output shape [${outputShape.join(', ')}]`,
        );
      }
      const numbers = batchedRowNumbers(sparseIndices, {count, depth}, outputShape, size);
      const isScalar = logicalShape(sparseValues).length === 0;
      const values = isScalar
        ? tile(reshape(materialize(sparseValues, size), [size, 1]), [1, count])
        : materialize(sparseValues, size);
      const defaults = tile(reshape(materialize(defaultValue, size), [size, 1]), [
        1,
        product(outputShape),
      ]);
      const dense = updateRows(
        reshape(defaults, [size * product(outputShape)]),
        numbers,
        reshape(values, [size * count]),
      );
      return reshape(dense, [size, ...outputShape]);
    },
    jvp: ({sparseIndices, sparseValues, defaultValue}, tangents, attrs) =>
      run(
        'SparseToDense',
        {
          sparseIndices,
          sparseValues: tangents.sparseValues ?? zeros(sparseValues.shape),
          defaultValue: tangents.defaultValue ?? zeros(defaultValue.shape),
        },
        attrs,
      ),
    vjp: saving(['sparseIndices'], (dy, {sparseIndices, sparseValues}, attrs) => ({
      sparseValues: () => {
        const indices = reshape(sparseIndices, sparseShape(sparseIndices.shape));
        const taken = run('GatherNd', {params: dy, indices});
        return sparseValues.shape.length === 0 ? sum(taken, [0]) : taken;
      },
      defaultValue: () => {
        const isDefault = run(
          'SparseToDense',
          {sparseIndices, sparseValues: zeros([]), defaultValue: tf.scalar(1)},
          attrs,
        );
        return sum(mul(dy, isDefault), resolveAxes(null, dy.rank));
      },
    })),
  },

  OneHot: {
    batch: ({indices}, attrs) => oneHot(indices.value, attrs),
    derivative: 'zero',
  },

  SearchSorted: {
    batch: ({sortedSequence, values}, attrs, size) => {
      const [rows = 0, count = 0] = logicalShape(values);
      if (logicalRank(sortedSequence) !== 2 || logicalRank(values) !== 2) {
        throw new Error('the sorted sequences and the values must be matrices');
      }
      const search = (sequences: Tensor, x: Tensor): Tensor =>
        run('SearchSorted', {sortedSequence: sequences, values: x}, attrs);
      if (sortedSequence.mapped) {
        const found = search(fold(sortedSequence.value), fold(materialize(values, size)));
        return reshape(found, [size, rows, count]);
      }
      const found = search(sortedSequence.value, foldInto(values.value, 1));
      return moveDim(reshape(found, [rows, size, count]), 1, 0);
    },
    derivative: 'zero',
  },
});
