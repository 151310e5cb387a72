import type {Tensor} from '@tensorflow/tfjs-core';
import {showShape} from '../errors.js';
import {fold, foldInto, logicalRank, logicalShape, unfold, unfoldFrom} from './dims.js';
import {reverseAxes} from './slicing.js';
import {add, sameShape, transpose, zeros} from './ops.js';
import type {BatchedInput} from './rule.js';
import {
  fit,
  fitted,
  isFitted,
  spreadForInput,
  transposedAxes,
  type SlidingAxis,
} from './windows.js';

/**
 * A convolution of images `[N, H, W, C]`, or of volumes `[N, D, H, W, C]`, and its transposes: what its kernels' batching rules are made
 * of. See NOTE [convolutions].
 */
export interface Convolution<Attrs> {
  /** Of x and of the filter. */
  readonly rank: number;
  outShape(xShape: readonly number[], filterShape: readonly number[], attrs: Attrs): number[];
  axesOf(xShape: readonly number[], filterShape: readonly number[], attrs: Attrs): SlidingAxis[];
  forward(x: Tensor, filter: Tensor, attrs: Attrs): Tensor;
  inputGradient(dy: Tensor, filter: Tensor, inputShape: readonly number[], attrs: Attrs): Tensor;
  filterGradient(x: Tensor, dy: Tensor, filterShape: readonly number[], attrs: Attrs): Tensor;
  /** `[B, N, ...extents, C]`, or with B·N in front, by `[B, ...window, C, F]` to `[B, N, ...counts, F]`. */
  forwardPerExample(x: Tensor, filter: Tensor, axes: readonly SlidingAxis[]): Tensor;
  /** `[B, N, ...extents, C]`, or with B·N in front, and `[B, N, ...counts, F]` to `[B, ...window, C, F]`. */
  filterGradientPerExample(x: Tensor, dy: Tensor, axes: readonly SlidingAxis[]): Tensor;
}

export function assertOperands(rank: number, ...operands: readonly BatchedInput[]): void {
  for (const operand of operands) {
    if (logicalRank(operand) === rank) continue;
    throw new Error(
      `a convolution takes tensors of rank ${rank}, but got one of shape ${showShape(logicalShape(operand))}`,
    );
  }
}

/** Refuses a cotangent of another shape than the output has. */
export function assertCotangent(dy: BatchedInput, outShape: readonly number[]): void {
  if (sameShape(logicalShape(dy), outShape)) return;
  throw new Error(
    `the output has shape ${showShape(outShape)}, but dy has shape ${showShape(logicalShape(dy))}`,
  );
}

/** What the windows cover of `[B, N, ...spatial, C]`, with B·N in front if that is less than all. */
const fitBatch = (x: Tensor, axes: readonly SlidingAxis[]): Tensor =>
  isFitted(axes) ? x : fit(fold(x), axes);

/** The convolution of a batch. */
export function forwardBatch<Attrs>(
  convolution: Convolution<Attrs>,
  x: BatchedInput,
  filter: BatchedInput,
  attrs: Attrs,
  size: number,
): Tensor {
  const {rank, outShape, axesOf, forward} = convolution;
  assertOperands(rank, x, filter);
  // TensorFlow's kernel gives an empty batch a wrong shape.
  if (size === 0) return zeros([0, ...outShape(logicalShape(x), logicalShape(filter), attrs)]);
  if (!filter.mapped) return unfold(forward(fold(x.value), filter.value, attrs), size);
  if (!x.mapped) {
    const y = forward(x.value, foldInto(filter.value, rank - 1), attrs);
    return unfoldFrom(y, rank - 1, size);
  }
  const axes = axesOf(x.value.shape.slice(1), filter.value.shape.slice(1), attrs);
  return convolution.forwardPerExample(fitBatch(x.value, axes), filter.value, fitted(axes));
}

/** The transpose in the input, of a batch. */
export function inputGradientBatch<Attrs>(
  convolution: Convolution<Attrs>,
  dy: BatchedInput,
  filter: BatchedInput,
  inputShape: readonly number[],
  attrs: Attrs,
  size: number,
): Tensor {
  const {rank, outShape, axesOf, inputGradient} = convolution;
  assertOperands(rank, dy, filter);
  assertCotangent(dy, outShape(inputShape, logicalShape(filter), attrs));
  if (size === 0) return zeros([0, ...inputShape]);
  if (!filter.mapped) {
    const [n = 1, ...image] = inputShape;
    return unfold(inputGradient(fold(dy.value), filter.value, [size * n, ...image], attrs), size);
  }
  if (!dy.mapped) {
    const shape = multiplied(inputShape, rank - 1, size);
    const dx = inputGradient(dy.value, foldInto(filter.value, rank - 2), shape, attrs);
    return unfoldFrom(dx, rank - 1, size);
  }
  const axes = axesOf(inputShape, logicalShape(filter), attrs);
  const flipped = flippedFilter(filter.value, 1);
  return convolution.forwardPerExample(
    spreadForInput(fold(dy.value), axes),
    flipped,
    transposedAxes(axes),
  );
}

/** The transpose in the filter, of a batch. */
export function filterGradientBatch<Attrs>(
  convolution: Convolution<Attrs>,
  x: BatchedInput,
  dy: BatchedInput,
  filterShape: readonly number[],
  attrs: Attrs,
  size: number,
): Tensor {
  const {rank, outShape, axesOf, filterGradient} = convolution;
  assertOperands(rank, x, dy);
  assertCotangent(dy, outShape(logicalShape(x), filterShape, attrs));
  if (size === 0) return zeros([0, ...filterShape]);
  if (!dy.mapped) {
    const shape = multiplied(filterShape, rank - 2, size);
    const gradient = filterGradient(foldInto(x.value, rank - 1), dy.value, shape, attrs);
    return unfoldFrom(gradient, rank - 2, size);
  }
  if (!x.mapped) {
    const shape = multiplied(filterShape, rank - 1, size);
    const gradient = filterGradient(x.value, foldInto(dy.value, rank - 1), shape, attrs);
    return unfoldFrom(gradient, rank - 1, size);
  }
  const axes = axesOf(x.value.shape.slice(1), filterShape, attrs);
  return convolution.filterGradientPerExample(fitBatch(x.value, axes), dy.value, fitted(axes));
}

const multiplied = (shape: readonly number[], axis: number, factor: number): number[] =>
  shape.map((size, other) => (other === axis ? size * factor : size));

/** `[...leading, ...window, C, F]` to `[...leading, ...window, F, C]`, the windows turned round along all of their axes. */
export function flippedFilter(filter: Tensor, leading = 0): Tensor {
  const last = filter.rank - 1;
  const before = [...filter.shape.keys()].slice(0, -2);
  return transpose(reverseAxes(filter, before.slice(leading)), [...before, last, last - 1]);
}

/**
 * The forward rule of what is linear in each of two inputs. `linearIn` would run the kernel on the tangents; this is for kernels that a
 * backend has slow or wrong.
 */
export const linearInBoth =
  <const Name extends string, Attrs>(
    names: readonly [Name, Name],
    apply: (inputs: Readonly<Record<Name, Tensor>>, attrs: Attrs) => Tensor,
  ) =>
  (
    primals: Readonly<Record<Name, Tensor>>,
    tangents: {readonly [N in Name]?: Tensor},
    attrs: Attrs,
  ): Tensor =>
    names
      .filter((name) => tangents[name] !== undefined)
      .map((name) => apply({...primals, [name]: tangents[name]}, attrs))
      .reduce(add);
