import type {Tensor} from '@tensorflow/tfjs-core';
import {
  broadcastTo,
  keptShape,
  logicalRank,
  product,
  resolveAxes,
  shiftAxes,
  splitAt,
} from './dims.js';
import {cast, div, equal, mul, reshape, scale, sum, transpose} from './ops.js';
import {family, run, saving, savingOutput, type BatchedInput} from './rule.js';

/** Axes as the attributes of reductions give them. */
type Axes = number | readonly number[] | null | undefined;

/** The axes of a per-example reduction in the batched value. A list always: `[]` is no axis, where `null` would be all. */
const batchedAxes = (x: BatchedInput, axis: Axes): number[] =>
  shiftAxes(resolveAxes(axis, logicalRank(x)));

/** A reduction's result as it broadcasts against what was reduced. */
const expand = (y: Tensor, shape: readonly number[], axis: Axes): Tensor =>
  reshape(y, keptShape(shape, resolveAxes(axis, shape.length)));

const reducedSize = (shape: readonly number[], axis: Axes): number =>
  product(resolveAxes(axis, shape.length).map((index) => shape[index]!));

type AxisReduction = 'Sum' | 'Mean' | 'Prod' | 'Min' | 'All' | 'Any';

const batchOverAxis =
  (name: AxisReduction) =>
  ({x}: {readonly x: BatchedInput}, {axis, keepDims}: {axis: Axes; keepDims: boolean}): Tensor =>
    run(name, {x: x.value}, {axis: batchedAxes(x, axis), keepDims});

export const reduction = family({
  Sum: {
    batch: batchOverAxis('Sum'),
    linearIn: ['x'],
    vjp: saving([], (dy, {x}, {axis}) => ({
      x: () => broadcastTo(expand(dy, x.shape, axis), x.shape),
    })),
  },
  Mean: {
    batch: batchOverAxis('Mean'),
    linearIn: ['x'],
    vjp: saving([], (dy, {x}, {axis}) => ({
      x: () => {
        const share = scale(dy, 1 / reducedSize(x.shape, axis));
        return broadcastTo(expand(share, x.shape, axis), x.shape);
      },
    })),
  },
  Prod: {
    batch: batchOverAxis('Prod'),
    jvp: ({x}, {x: t}, {axis}, output) => {
      const axes = resolveAxes(axis, x.rank);
      return reshape(sum(mul(t!, productsOfOthers(x, axes)), axes), output.shape);
    },
    vjp: saving(['x'], (dy, {x}, {axis}) => ({
      x: () => mul(expand(dy, x.shape, axis), productsOfOthers(x, resolveAxes(axis, x.rank))),
    })),
  },
  Max: {
    batch: ({x}, {reductionIndices, keepDims}) =>
      run('Max', {x: x.value}, {reductionIndices: batchedAxes(x, reductionIndices), keepDims}),
    jvp: ({x}, {x: t}, {reductionIndices}, y) => pushExtreme(x, y, t!, reductionIndices),
    vjp: savingOutput(['x'], (dy, {x, output}, {reductionIndices}) => ({
      x: () => pullExtreme(x, output, dy, reductionIndices),
    })),
  },
  Min: {
    batch: batchOverAxis('Min'),
    jvp: ({x}, {x: t}, {axis}, y) => pushExtreme(x, y, t!, axis),
    vjp: savingOutput(['x'], (dy, {x, output}, {axis}) => ({
      x: () => pullExtreme(x, output, dy, axis),
    })),
  },
  All: {batch: batchOverAxis('All'), derivative: 'zero'},
  Any: {batch: batchOverAxis('Any'), derivative: 'zero'},
  ArgMax: {batch: batchArg('ArgMax'), derivative: 'zero'},
  ArgMin: {batch: batchArg('ArgMin'), derivative: 'zero'},
});

/** Where the elements have the extreme value y, and in how many places: they get equal shares, as in JAX and in PyTorch's amax. */
function findTies(x: Tensor, y: Tensor, axis: Axes): {ties: Tensor; count: Tensor} {
  const ties = cast(equal(x, expand(y, x.shape, axis)), 'float32');
  return {ties, count: sum(ties, resolveAxes(axis, x.rank), true)};
}

function pushExtreme(x: Tensor, y: Tensor, t: Tensor, axis: Axes): Tensor {
  const {ties, count} = findTies(x, y, axis);
  return reshape(div(sum(mul(t, ties), resolveAxes(axis, x.rank), true), count), y.shape);
}

function pullExtreme(x: Tensor, y: Tensor, dy: Tensor, axis: Axes): Tensor {
  const {ties, count} = findTies(x, y, axis);
  return mul(ties, div(expand(dy, x.shape, axis), count));
}

/**
 * For each element the product of the others that are reduced with it. From both ends, without a division: right whatever zeros
 * there are, to any order.
 */
function productsOfOthers(x: Tensor, axes: readonly number[]): Tensor {
  const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const perm = [...kept, ...axes];
  const permuted = transpose(x, perm);
  const size = product(axes.map((axis) => x.shape[axis]!));
  const rows = reshape(permuted, [product(kept.map((axis) => x.shape[axis]!)), size]);
  const before = run('Cumprod', {x: rows}, {axis: 1, exclusive: true, reverse: false});
  const after = run('Cumprod', {x: rows}, {axis: 1, exclusive: true, reverse: true});
  const inverse = perm.map((_, axis) => perm.indexOf(axis));
  return transpose(reshape(mul(before, after), permuted.shape), inverse);
}

/** Around the axis as one dimension before and one after it: TensorFlow's kernels take rank 7 at most. */
function batchArg(name: 'ArgMax' | 'ArgMin') {
  return ({x}: {readonly x: BatchedInput}, {axis}: {axis: number}): Tensor => {
    const [index = 0] = batchedAxes(x, axis);
    const flat = run(name, {x: splitAt(x.value, index)}, {axis: 1});
    return reshape(
      flat,
      x.value.shape.filter((_, dim) => dim !== index),
    );
  };
}
