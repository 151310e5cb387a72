import {concat, ones, Tensor} from '@tensorflow/tfjs-core';
import {TransformError, describe} from '../errors.js';
import {scoped} from '../interpreter/scope.js';
import {alias} from '../interpreter/tracer.js';
import {moveDim, sliceAlong} from '../rules/dims.js';
import {zeros} from '../rules/ops.js';
import {leavesOf, mapLeaves, pathOf, showPath, tensorsOf, withTensors} from '../tree.js';
import type {AnyRank, DimTree} from '../types.js';
import {assertAlive, assertFunction, callSync, outputTensors} from './arguments.js';
import {BatchingLevel, type Randomness} from './batching.js';
import {
  mappedOutput,
  resolveBatchSize,
  resolveInDims,
  resolveOutDim,
  resolveOutDims,
  type Dim,
} from './dims.js';
import {enter} from './reverse.js';

export interface VmapOptions<A extends unknown[], R> {
  /**
   * The batch dimension of each argument: one number for all, or a list with one entry per argument, each a number (negative: from
   * the end), `null` (shared by all examples), or a tree of them. Default 0.
   */
  readonly inDims?: number | null | {readonly [K in keyof A]: DimTree<A[K]>};
  /** Where each output gets its batch dimension; `null` for an output that is the same for all examples. Default 0. */
  readonly outDims?: DimTree<R>;
  /** Runs at most so many examples at once, which bounds memory. Default: all. */
  readonly chunkSize?: number;
  /**
   * What random ops (`tf.randomNormal`, dropout, noise layers, `tf.multinomial`, …) in the function do: throw ('error'), draw once for
   * all examples of a chunk ('same'), or draw for each example ('different'). Default 'error'.
   */
  readonly randomness?: Randomness;
}

/**
 * Maps a function over a batch dimension: `vmap(f)(x)[b] = f(x[b])`, at the speed of batched kernels, without a loop.
 *
 * Inside `f` tensors have their per-example shapes, and every tfjs op works on them as it is.
 *
 * @param f  a function of tensors, of trees of them (arrays, plain objects), and of anything else (with `null` in `inDims`); its outputs
 *   are tensors or trees of tensors
 * @returns  a function of the same arguments with a batch dimension of size B more (`[B, ...shape]`), whose outputs have one more too;
 *   an output that does not depend on a mapped argument is repeated
 * @throws TransformError `batch-size-mismatch`, `in-dims-mismatch`, `out-dims-mismatch`, `no-mapped-input`, `no-tensors`, `non-tensor-output`,
 *   `value-read` (the function read a value), `no-batching-rule`, `randomness`, `async-function`, `disposed-tensor`, `escaped-tracer`
 * @see https://pytorch.org/docs/stable/generated/torch.func.vmap.html whose semantics these are
 * @example
 * const dot = (a: tf.Tensor, b: tf.Tensor) => tf.sum(tf.mul(a, b));
 * vmap(dot)(tf.tensor2d([[1, 2], [3, 4]]), tf.tensor2d([[5, 6], [7, 8]]))  // => [17, 53]
 * vmap(dot, {inDims: [0, null]})(tf.tensor2d([[1, 2], [3, 4]]), tf.tensor1d([1, 10]))  // => [21, 43]
 */
export function vmap<A extends unknown[], R>(
  f: (...args: A) => R,
  options: VmapOptions<NoInfer<A>, NoInfer<R>> = {},
): (...args: AnyRank<A>) => AnyRank<R> {
  assertFunction(f, 'vmap');
  const {inDims = 0, outDims = 0, chunkSize, randomness = 'error'} = options;
  assertChunkSize(chunkSize, 'vmap');
  assertRandomness(randomness, 'vmap');
  const mapped = (...args: AnyRank<A>): AnyRank<R> => {
    assertAlive(args, 'vmap');
    const dims = resolveInDims(inDims, args);
    const size = resolveBatchSize(args, dims);
    return chunkSize !== undefined && chunkSize < size
      ? mapInChunks({f: f as never, outDims, randomness}, args, dims, size, chunkSize)
      : mapAtOnce({f: f as never, outDims, randomness}, args, dims, size);
  };
  return mapped;
}

export function assertChunkSize(chunkSize: unknown, transform: string): void {
  if (chunkSize === undefined || (Number.isInteger(chunkSize) && (chunkSize as number) > 0)) return;
  throw new TransformError(`chunkSize must be a positive integer, but is ${describe(chunkSize)}.`, {
    code: 'invalid-argument',
    transform,
  });
}

export function assertRandomness(randomness: unknown, transform: string): void {
  if (['error', 'same', 'different'].includes(randomness as string)) return;
  throw new TransformError(
    `randomness must be 'error', 'same' or 'different', but is ${describe(randomness)}.`,
    {code: 'invalid-argument', transform},
  );
}

interface Mapped {
  readonly f: (...args: unknown[]) => unknown;
  readonly outDims: unknown;
  readonly randomness: Randomness;
}

function mapAtOnce<R>(
  {f, outDims, randomness}: Mapped,
  args: readonly unknown[],
  dims: readonly Dim[],
  size: number,
): R {
  let output: unknown;
  // Kernels of several backends fail on empty tensors: one example of ones tells the shapes of an empty batch's outputs.
  const results = enter(new BatchingLevel(size || 1, randomness), (level) => {
    const tracers = mapLeaves(args, (leaf, index) => {
      const dim = dims[index];
      if (dim == null) return leaf;
      const moved = moveDim(leaf as Tensor, dim, 0);
      return level.adopt(size === 0 ? ones([1, ...moved.shape.slice(1)], moved.dtype) : moved);
    }) as unknown[];
    output = callSync(f, tracers, 'vmap');
    outputTensors(output, 'vmap');
    const places = resolveOutDims(outDims, output);
    return leavesOf(output).flatMap((leaf, index) =>
      leaf instanceof Tensor
        ? [unwrapOutput(level, leaf, places[index]!, size, () => showOutput(output, index))]
        : [],
    );
  });
  return withTensors(output, results) as R;
}

const showOutput = (output: unknown, index: number): string =>
  `output${showPath(pathOf(output, index))}`;

function unwrapOutput(
  level: BatchingLevel,
  output: Tensor,
  dim: Dim,
  size: number,
  place: () => string,
): Tensor {
  if (dim === null) {
    const {value, mapped} = level.unwrap(output);
    if (mapped) throw mappedOutput(place());
    return alias(value);
  }
  const to = resolveOutDim(dim, output.shape, place());
  if (size === 0) {
    return zeros([...output.shape.slice(0, to), 0, ...output.shape.slice(to)], output.dtype);
  }
  return alias(moveDim(level.materialize(output), 0, to));
}

/** Runs the examples in slices and joins the outputs. What a slice takes beyond its outputs is freed before the next. */
function mapInChunks<R>(
  mapped: Mapped,
  args: readonly unknown[],
  dims: readonly Dim[],
  size: number,
  chunkSize: number,
): R {
  return scoped('vmap', (results) => {
    const chunks: unknown[] = [];
    for (let start = 0; start < size; start += chunkSize) {
      chunks.push(mapChunk(mapped, args, dims, start, Math.min(chunkSize, size - start)));
    }
    const leaves = chunks.map(leavesOf);
    const [first] = chunks;
    const places = resolveOutDims(mapped.outDims, first);
    leaves[0]!.forEach((leaf, index) => {
      if (!(leaf instanceof Tensor)) return;
      const parts = leaves.map((chunk) => chunk[index] as Tensor);
      const dim = places[index]!;
      results.push(dim === null ? parts[0]! : concat(parts, dim < 0 ? dim + leaf.rank : dim));
    });
    return withTensors(first, results) as R;
  });
}

function mapChunk(
  mapped: Mapped,
  args: readonly unknown[],
  dims: readonly Dim[],
  start: number,
  count: number,
): unknown {
  return scoped('chunk', (results) => {
    const parts = mapLeaves(args, (leaf, index) => {
      const dim = dims[index];
      return dim == null ? leaf : sliceAlong(leaf as Tensor, dim, start, count);
    }) as unknown[];
    const output = mapAtOnce<unknown>(mapped, parts, dims, count);
    results.push(...tensorsOf(output));
    return output;
  });
}
