import type {Tensor} from '@tensorflow/tfjs-core';
import {run} from './rule.js';
import type {KernelName, Signatures} from './signatures.js';

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

/** Runs a kernel of two tensors of any ranks. See NOTE [broadcasting]. */
export function runBroadcasting(name: BinaryName, a: Tensor, b: Tensor): Tensor {
  if (a.rank <= SAFE_RANK && b.rank <= SAFE_RANK) return runBinary(name, a, b);
  const groups = groupDimensions(a.shape, b.shape);
  const output = outputShape(a.shape, b.shape);
  if (groups.a.length > SAFE_RANK) {
    const flat = [groups.size];
    return reshape(runBinary(name, reshape(spread(a, output), flat), reshape(spread(b, output), flat)), output);
  }
  return reshape(runBinary(name, reshape(a, groups.a), reshape(b, groups.b)), output);
}

const runBinary = (name: BinaryName, a: Tensor, b: Tensor): Tensor =>
  run(name, {a, b} as never) as Tensor;

const reshape = (x: Tensor, shape: number[]): Tensor => run('Reshape', {x}, {shape});

function spread(x: Tensor, shape: readonly number[]): Tensor {
  const aligned = alignedShape(x.shape, shape.length);
  const reps = shape.map((size, axis) => (aligned[axis] === size ? 1 : size));
  return run('Tile', {x: reshape(x, aligned)}, {reps});
}

const alignedShape = (shape: readonly number[], rank: number): number[] => [
  ...new Array<number>(rank - shape.length).fill(1),
  ...shape,
];

/** The shape of what two tensors give that broadcast against each other. */
export function outputShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  const other = alignedShape(b, rank);
  return alignedShape(a, rank).map((size, axis) => (size === 1 ? other[axis]! : size));
}

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
