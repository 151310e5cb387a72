import {util, type Tensor} from '@tensorflow/tfjs-core';
import {reshape, sameShape, slice, sum, tile, transpose} from './ops.js';
import type {BatchedInput} from './rule.js';

const product = (shape: readonly number[]): number => shape.reduce((size, n) => size * n, 1);

/** Axes as tfjs's attributes give them (one or a list, negative or not, missing for all; `[]` is none), ascending and not negative. */
export function resolveAxes(
  axis: number | readonly number[] | null | undefined,
  rank: number,
): number[] {
  const axes = util.parseAxisParam(axis as number | number[], new Array<number>(rank).fill(1));
  return axes.sort((a, b) => a - b);
}

/** The same axes counted with the batch dimension in front. */
export const shiftAxes = (axes: readonly number[]): number[] => axes.map((axis) => axis + 1);

/** The logical, per-example shape. */
export const logicalShape = ({value, mapped}: BatchedInput): number[] =>
  mapped ? value.shape.slice(1) : value.shape;

export const logicalRank = ({value, mapped}: BatchedInput): number => value.rank - (mapped ? 1 : 0);

/** Repeats a tensor along a new dimension in front: `[...]` to `[B, ...]`. */
export const repeat = (x: Tensor, size: number): Tensor =>
  tile(reshape(x, [1, ...x.shape]), [size, ...x.shape.map(() => 1)]);

/** The value with a batch dimension in front, whether it was mapped or not. Costs a copy per example where it was not. */
export const materialize = ({value, mapped}: BatchedInput, size: number): Tensor =>
  mapped ? value : repeat(value, size);

/**
 * Makes values of different logical ranks broadcast against each other: ones are put between the batch dimension and the rest where
 * another value has a higher logical rank. Unmapped values stay as they are: tfjs aligns shapes at their ends.
 */
export function alignRanks(inputs: readonly BatchedInput[]): Tensor[] {
  const rank = Math.max(...inputs.map(logicalRank));
  return inputs.map((input) => (input.mapped ? padRank(input.value, rank + 1) : input.value));
}

/** `[B, ...rest]` to `[B, 1, …, 1, ...rest]` of the given rank. */
export function padRank(x: Tensor, rank: number): Tensor {
  if (x.rank === rank) return x;
  const [size = 1, ...rest] = x.shape;
  return reshape(x, [size, ...new Array<number>(rank - x.rank).fill(1), ...rest]);
}

/** Folds the batch dimension into the first logical one: `[B, N, ...]` to `[B·N, ...]`. */
export function fold(x: Tensor): Tensor {
  const [size = 1, n = 1, ...rest] = x.shape;
  return reshape(x, [size * n, ...rest]);
}

/** Undoes `fold`: `[B·N, ...]` to `[B, N, ...]`. */
export function unfold(x: Tensor, size: number): Tensor {
  const [n = 1, ...rest] = x.shape;
  return reshape(x, [size, size === 0 ? n : n / size, ...rest]);
}

/** Moves the batch dimension to logical axis `axis` and folds it into that one, as the slower index: `[…, B·n, …]`. */
export function foldInto(x: Tensor, axis: number): Tensor {
  const [size = 1, ...shape] = x.shape;
  const moved = moveDim(x, 0, axis);
  return reshape(
    moved,
    shape.map((n, index) => (index === axis ? size * n : n)),
  );
}

/** Undoes `foldInto`: `[…, B·n, …]` to `[B, …, n, …]`. */
export function unfoldFrom(x: Tensor, axis: number, size: number): Tensor {
  const shape = x.shape.flatMap((n, index) =>
    index === axis ? [size, size === 0 ? n : n / size] : [n],
  );
  return moveDim(reshape(x, shape), axis, 0);
}

/** Around one dimension all before it and all after it become one each: `[before, n, after]`. */
export const splitAt = (x: Tensor, axis: number): Tensor =>
  reshape(x, [
    product(x.shape.slice(0, axis)),
    x.shape[axis] ?? 1,
    product(x.shape.slice(axis + 1)),
  ]);

/** Moves one dimension to another place. The others keep their order. */
export function moveDim(x: Tensor, from: number, to: number): Tensor {
  if (from === to) return x;
  const perm = x.shape.map((_, axis) => axis).filter((axis) => axis !== from);
  perm.splice(to, 0, from);
  return transpose(x, perm);
}

/** Exchanges the first two of three dimensions. */
export const swap = (x: Tensor): Tensor => transpose(x, [1, 0, 2]);

/** The part of `x` from `begin` on along one axis. */
export function sliceAlong(x: Tensor, axis: number, begin: number, size: number): Tensor {
  const sizes = [...x.shape];
  sizes[axis] = size;
  return slice(
    x,
    sizes.map((_, other) => (other === axis ? begin : 0)),
    sizes,
  );
}

/** Sums a cotangent over the dimensions along which its input was broadcast, back to the input's shape. */
export function unbroadcast(dy: Tensor, shape: readonly number[]): Tensor {
  if (sameShape(dy.shape, shape)) return dy;
  const extra = dy.rank - shape.length;
  const axes = dy.shape
    .map((_, axis) => axis)
    .filter((axis) => dy.shape[axis] !== 1 && (axis < extra || shape[axis - extra] === 1));
  return reshape(sum(dy, axes), shape);
}

/** Repeats a tensor along dimensions of size 1 and new ones in front until it has the given shape. */
export function broadcastTo(x: Tensor, shape: readonly number[]): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const aligned = reshape(x, [...new Array<number>(shape.length - x.rank).fill(1), ...x.shape]);
  return tile(
    aligned,
    shape.map((size, axis) => (aligned.shape[axis] === 1 ? size : 1)),
  );
}

/**
 * NOTE [rank limits]
 * Nested vmaps raise ranks, and kernels that do something along some of the axes stop at a rank of their own: MirrorPad at 5 on
 * tensorflow, PadV2 at 6 there and (with wrong numbers) on wasm, Reverse and Slice at 8, and at 4 to 6 on GPUs. Above this rank
 * neighbouring dimensions with nothing to do become one, and where that is not enough the axes take turns.
 */
const SAFE_RANK = 4;

/**
 * Runs something that works along some axes, each by itself. See NOTE [rank limits].
 * @param apply  gets `x` in another shape, and for each dimension of that shape the axis of `x` that it is, or null where it has
 *   nothing to do. It gives a tensor of the same rank.
 */
export function alongAxes(
  x: Tensor,
  axes: readonly number[],
  apply: (x: Tensor, axisOf: readonly (number | null)[]) => Tensor,
): Tensor {
  if (axes.length === 0) return x;
  const works = (axis: number): boolean => axes.includes(axis);
  if (x.rank <= SAFE_RANK)
    return apply(
      x,
      x.shape.map((_, axis) => (works(axis) ? axis : null)),
    );
  const merged: number[] = [];
  const axisOf: (number | null)[] = [];
  x.shape.forEach((size, axis) => {
    if (works(axis) || axisOf.at(-1) !== null) {
      merged.push(size);
      axisOf.push(works(axis) ? axis : null);
    } else {
      merged[merged.length - 1]! *= size;
    }
  });
  if (merged.length > SAFE_RANK && axes.length > 1) {
    return axes.reduce((result, axis) => alongAxes(result, [axis], apply), x);
  }
  const result = apply(reshape(x, merged), axisOf);
  const sizes = new Map(axisOf.map((axis, dim) => [axis, result.shape[dim]!]));
  return reshape(
    result,
    x.shape.map((size, axis) => (works(axis) ? sizes.get(axis)! : size)),
  );
}

/** The shape of a reduction's result with the reduced axes as ones. */
export const keptShape = (shape: readonly number[], axes: readonly number[]): number[] =>
  shape.map((size, axis) => (axes.includes(axis) ? 1 : size));

export {product};
