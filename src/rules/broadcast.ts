import {broadcast_util, type Tensor} from '@tensorflow/tfjs-core';
import {reshape} from './reshape.js';
import {run} from './rule.js';
import type {KernelName, Signatures} from './signatures.js';
import {isTraced, strategy} from './strategy.js';

/** Kernels of two tensors `a` and `b` that broadcast against each other. */
export type BinaryName = {
  [Name in KernelName]: Signatures[Name] extends {required: 'a' | 'b'; optional: never}
    ? 'a' extends Signatures[Name]['required']
      ? Name
      : never
    : never;
}[KernelName];

/**
 * NOTE [broadcasting]
 * Nested vmaps raise ranks, and kernels of two tensors have limits: those that wasm takes from XNNPACK (Add, Sub, Multiply, RealDiv,
 * SquaredDifference) give wrong numbers above rank 6, without a word, and TensorFlow broadcasts at most 5 groups of dimensions.
 * Up to this rank nothing can go wrong; above it neighbouring dimensions that broadcast alike become one.
 */
const SAFE_RANK = 5;

/** Those that every backend broadcasts at full speed. */
const arithmetic: ReadonlySet<BinaryName> = new Set<BinaryName>([
  'Add',
  'Sub',
  'Multiply',
  'RealDiv',
  'SquaredDifference',
]);

/** Runs a kernel of two tensors of any ranks. See NOTE [broadcasting]. */
export function runBroadcasting(name: BinaryName, a: Tensor, b: Tensor): Tensor {
  if (!arithmetic.has(name) && strategy().broadcasts === 'arithmetic' && !isTraced(a, b)) {
    const shape = broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape);
    return runAtAnyRank(name, writtenOut(a, shape), writtenOut(b, shape));
  }
  return runAtAnyRank(name, a, b);
}

/** The tensor as it is where it spans the last dimensions of the output, or is no number; else a copy that spans them all. */
function writtenOut(x: Tensor, shape: readonly number[]): Tensor {
  if (x.dtype !== 'float32' || x.size === 0 || spansLast(x.shape, shape)) return x;
  const aligned = alignedShape(x.shape, shape.length);
  return tileByProduct(
    reshape(x, aligned),
    shape.map((size, axis) => (aligned[axis] === size ? 1 : size)),
  );
}

/** Whether a tensor of the first shape, repeated as a whole, fills one of the second. */
export function spansLast(part: readonly number[], shape: readonly number[]): boolean {
  const start = part.findIndex((size) => size !== 1);
  if (start < 0) return true;
  const spanned = part.slice(start);
  return spanned.every((size, axis) => size === shape[shape.length - spanned.length + axis]);
}

/**
 * Repeats a tensor along dimensions as Tile does, by a product with ones. A dimension that has elements of its own gets one before it
 * that is repeated.
 */
export function tileByProduct(x: Tensor, reps: readonly number[]): Tensor {
  const own: number[] = [];
  const repeated: number[] = [];
  x.shape.forEach((size, axis) => {
    const rep = reps[axis]!;
    const fitsOne = size === 1 || rep === 1;
    own.push(...(fitsOne ? [size] : [1, size]));
    repeated.push(...(fitsOne ? [rep] : [rep, 1]));
  });
  const ones = run('Fill', {}, {shape: repeated, value: 1, dtype: 'float32'});
  const shape = x.shape.map((size, axis) => size * reps[axis]!);
  return reshape(runAtAnyRank('Multiply', reshape(x, own), ones), shape);
}

function runAtAnyRank(name: BinaryName, a: Tensor, b: Tensor): Tensor {
  if (a.rank <= SAFE_RANK && b.rank <= SAFE_RANK) return runBinary(name, a, b);
  const output = broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape);
  const groups = groupDimensions(a.shape, b.shape);
  if (groups.a.length > SAFE_RANK) {
    const [left, right] = [a, b].map((x) => reshape(spread(x, output), [groups.size]));
    return reshape(runBinary(name, left!, right!), output);
  }
  return reshape(runBinary(name, reshape(a, groups.a), reshape(b, groups.b)), output);
}

const runBinary = (name: BinaryName, a: Tensor, b: Tensor): Tensor =>
  run(name, {a, b} as never) as Tensor;

function spread(x: Tensor, shape: readonly number[]): Tensor {
  const aligned = alignedShape(x.shape, shape.length);
  const reps = shape.map((size, axis) => (aligned[axis] === size ? 1 : size));
  return run('Tile', {x: reshape(x, aligned)}, {reps});
}

const alignedShape = (shape: readonly number[], rank: number): number[] => [
  ...new Array<number>(rank - shape.length).fill(1),
  ...shape,
];

/** Merges neighbouring dimensions in which the same of the two tensors is repeated, or neither. */
function groupDimensions(
  a: readonly number[],
  b: readonly number[],
): {a: number[]; b: number[]; size: number} {
  const rank = Math.max(a.length, b.length);
  const left = alignedShape(a, rank);
  const right = alignedShape(b, rank);
  const groups = {a: [] as number[], b: [] as number[], size: 1};
  let repeated: 'a' | 'b' | 'neither' | null = null;
  for (let axis = 0; axis < rank; axis++) {
    const [m, n] = [left[axis]!, right[axis]!];
    if (m === 1 && n === 1) continue;
    const now = m === n ? 'neither' : m === 1 ? 'a' : 'b';
    if (now !== repeated) {
      groups.a.push(1);
      groups.b.push(1);
      repeated = now;
    }
    const last = groups.a.length - 1;
    groups.a[last]! *= m;
    groups.b[last]! *= n;
    groups.size *= m === 1 ? n : m;
  }
  return groups;
}
