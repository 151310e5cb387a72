import type {DataType, Tensor} from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import {runBroadcasting, tileByProduct} from './broadcast.js';
import {takeRanges} from './ranges.js';
import {reshape, sameShape} from './reshape.js';
import {run} from './rule.js';
import {isTraced, strategy} from './strategy.js';

/**
 * Kernels as functions, for use in rules. Unlike the ops of tfjs they open no scope, convert no arguments and match no types: what
 * they leave behind is disposed with the scope of the op or the pullback that the rule runs in.
 */
export const add = (a: Tensor, b: Tensor): Tensor => runBroadcasting('Add', a, b);
export const sub = (a: Tensor, b: Tensor): Tensor => runBroadcasting('Sub', a, b);
export const mul = (a: Tensor, b: Tensor): Tensor => runBroadcasting('Multiply', a, b);
export const div = (a: Tensor, b: Tensor): Tensor => runBroadcasting('RealDiv', a, b);
export const neg = (x: Tensor): Tensor => run('Neg', {x});
export const square = (x: Tensor): Tensor => run('Square', {x});
export const cast = (x: Tensor, dtype: DataType): Tensor =>
  x.dtype === dtype ? x : run('Cast', {x}, {dtype});
export const where = (condition: Tensor, t: Tensor, e: Tensor): Tensor =>
  run('Select', {condition, t, e});
export const equal = (a: Tensor, b: Tensor): Tensor => runBroadcasting('Equal', a, b);
export const greater = (a: Tensor, b: Tensor): Tensor => runBroadcasting('Greater', a, b);
export const less = (a: Tensor, b: Tensor): Tensor => runBroadcasting('Less', a, b);

export {reshape, sameShape};

/** A float32 scalar, which broadcasts. */
export const scalar = (value: number): Tensor => tf.scalar(value, 'float32');
export const scale = (x: Tensor, factor: number): Tensor => mul(x, scalar(factor));
/** Of complex numbers tfjs makes the parts first. */
export const zeros = (shape: readonly number[], dtype: DataType = 'float32'): Tensor =>
  dtype === 'complex64' ? tf.tidy(() => tf.zeros([...shape], dtype)) : tf.zeros([...shape], dtype);

/**
 * Permutes dimensions: dimension `i` of the result is dimension `perm[i]` of `x`. Nothing moves where only dimensions of size 1 do, and
 * those that stay neighbours move as one: wasm is slow above rank 4 ([32, 3, 3, 16, 64] by [3, 1, 2, 0, 4]: 34 ms, joined 1).
 */
export function transpose(x: Tensor, perm: readonly number[]): Tensor {
  if (perm.every((from, to) => from === to)) return x;
  const shape = perm.map((axis) => x.shape[axis]!);
  const groups = neighboursIn(perm, x.shape);
  // The kernel of wasm divides by zero where there is nothing.
  if (groups.length <= 1 || x.size === 0) return reshape(x, shape);
  if (perm.length <= 4) return run('Transpose', {x}, {perm: [...perm]});
  const inOrder = [...groups].sort((a, b) => a.first - b.first);
  const joined = reshape(
    x,
    inOrder.map(({size}) => size),
  );
  const moved = run(
    'Transpose',
    {x: joined},
    {perm: groups.map((group) => inOrder.indexOf(group))},
  );
  return reshape(moved, shape);
}

/** The dimensions in their new order, those of size 1 left out, with runs of neighbours as one. */
function neighboursIn(
  perm: readonly number[],
  shape: readonly number[],
): {first: number; size: number}[] {
  const groups: {first: number; next: number; size: number}[] = [];
  for (const axis of perm) {
    const size = shape[axis]!;
    if (size === 1) continue;
    let next = axis + 1;
    while (shape[next] === 1) next++;
    const last = groups.at(-1);
    if (last?.next === axis) {
      last.size *= size;
      last.next = next;
    } else {
      groups.push({first: axis, next, size});
    }
  }
  return groups;
}

export function sum(x: Tensor, axis: readonly number[], keepDims = false): Tensor {
  if (axis.length === 0) return x;
  if (x.size > 0) return run('Sum', {x}, {axis: [...axis], keepDims});
  // The wasm kernel leaves the sum of nothing uninitialized.
  const kept = x.shape.map((size, dim) => (axis.includes(dim) ? 1 : size));
  return zeros(keepDims ? kept : kept.filter((_, dim) => !axis.includes(dim)), x.dtype);
}

export function tile(x: Tensor, reps: readonly number[]): Tensor {
  if (reps.every((rep) => rep === 1)) return x;
  const size = x.size * reps.reduce((total, rep) => total * rep, 1);
  return strategy().repetition === 'product' && x.dtype === 'float32' && size > 0 && !isTraced(x)
    ? tileByProduct(x, reps)
    : run('Tile', {x}, {reps: [...reps]});
}

export function slice(x: Tensor, begin: readonly number[], size: readonly number[]): Tensor {
  if (sameShape(x.shape, size)) return x;
  const ranges = size.map((count, axis) => ({begin: begin[axis]!, step: 1, count}));
  return takeRanges(x, ranges) ?? run('Slice', {x}, {begin: [...begin], size: [...size]});
}

export const concat = (tensors: readonly Tensor[], axis: number): Tensor =>
  tensors.length === 1 ? tensors[0]! : run('Concat', tensors, {axis});

export const pad = (x: Tensor, paddings: readonly (readonly [number, number])[]): Tensor =>
  paddings.every(([before, after]) => before === 0 && after === 0)
    ? x
    : run(
        'PadV2',
        {x},
        {
          paddings: paddings.map(([before, after]): [number, number] => [before, after]),
          constantValue: 0,
        },
      );
