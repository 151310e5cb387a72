import {Tensor} from '@tensorflow/tfjs-core';
import {TransformError, describe, showShape} from '../errors.js';
import {leavesOf, pathOf, showArgument, showPath, spreadPrefix, type Path} from '../tree.js';

/** Which dimension of a tensor is the batch dimension (negative: from the end); null for none. */
export type Dim = number | null;

const isDim = (value: unknown): value is Dim => value === null || typeof value === 'number';

function inDimsMismatch(message: string): never {
  throw new TransformError(message, {code: 'in-dims-mismatch', transform: 'vmap'});
}

/** One dimension, not negative, or null, for each leaf of the arguments. See `vmap`. */
export function resolveInDims(inDims: unknown, args: readonly unknown[]): Dim[] {
  if (!isDim(inDims) && !Array.isArray(inDims)) {
    inDimsMismatch(
      `inDims must be a number, null, or an array with one entry per argument, but is ${describe(inDims)}.`,
    );
  }
  if (Array.isArray(inDims) && inDims.length !== args.length) {
    inDimsMismatch(
      `inDims has ${inDims.length} entries, but the function was called with ${args.length} ` +
        `argument${args.length === 1 ? '' : 's'}. Give one entry per argument (null: not batched).`,
    );
  }
  const dims = spreadPrefix(inDims, args, isDim, (path, part, node) =>
    inDimsMismatch(
      `inDims doesn't fit ${showArgument(path)}: it has ${describe(part)} where the argument is ${describe(node)}. ` +
        `Entries are a number or null, or arrays and objects of them in the structure of the argument.`,
    ),
  );
  const leaves = leavesOf(args);
  return dims.map((dim, index) => resolveInDim(dim, leaves[index], args, index));
}

function resolveInDim(dim: Dim, leaf: unknown, args: readonly unknown[], index: number): Dim {
  if (dim === null || leaf == null) return null;
  const path = pathOf(args, index);
  const where = showArgument(path);
  if (!(leaf instanceof Tensor)) {
    inDimsMismatch(
      `${where} is ${describe(leaf)}, which has no batch dimension. ${passNull(path, args.length)} to share it with every example, or pass a tensor.`,
    );
  }
  if (!Number.isInteger(dim)) inDimsMismatch(`inDims has ${dim} for ${where}: not an integer.`);
  if (dim >= -leaf.rank && dim < leaf.rank) return dim < 0 ? dim + leaf.rank : dim;
  const range =
    leaf.rank === 0
      ? `a scalar has no dimension to map over. ${passNull(path, args.length)} to share it`
      : `valid dimensions are ${-leaf.rank} to ${leaf.rank - 1}`;
  return inDimsMismatch(`inDims has ${dim} for ${where} (${describe(leaf)}): ${range}.`);
}

function passNull([argument]: Path, count: number): string {
  const entries = Array.from({length: count}, (_, index) => (index === argument ? 'null' : '0'));
  return `Pass inDims: [${entries.join(', ')}]`;
}

/** The size that all mapped leaves have along their batch dimensions. */
export function resolveBatchSize(args: readonly unknown[], dims: readonly Dim[]): number {
  const mapped = leavesOf(args).flatMap((leaf, index) => {
    const dim = dims[index];
    return dim == null ? [] : [{index, dim, size: (leaf as Tensor).shape[dim]!, leaf}];
  });
  const [first] = mapped;
  if (first === undefined) {
    const hasTensors = leavesOf(args).some((leaf) => leaf instanceof Tensor);
    throw new TransformError(
      hasTensors
        ? `no argument is mapped: inDims is null for every tensor. At least one must have a batch dimension; without one, call the function itself.`
        : `there are no tensors among the arguments (${args.map(describe).join(', ') || 'none were given'}), so there is nothing to map over.`,
      {code: hasTensors ? 'no-mapped-input' : 'no-tensors', transform: 'vmap'},
    );
  }
  if (mapped.every(({size}) => size === first.size)) return first.size;
  const sizes = mapped.map(
    ({index, dim, size, leaf}) =>
      `${showArgument(pathOf(args, index))} (${describe(leaf)}) has size ${size} along its batch dimension ${dim}`,
  );
  throw new TransformError(
    `batch sizes differ: ${sizes.join('; ')}. All batched arguments must agree; pass null in inDims for an argument that all examples share.`,
    {code: 'batch-size-mismatch', transform: 'vmap'},
  );
}

/** One dimension, as the user gave it, or null, for each leaf of the output. */
export function resolveOutDims(outDims: unknown, output: unknown): Dim[] {
  return spreadPrefix(outDims, output, isDim, (path, part, node) => {
    throw new TransformError(
      `outDims doesn't fit output${showPath(path)}: it has ${describe(part)} where the function returned ${describe(node)}. ` +
        `Entries are a number or null, or arrays and objects of them in the structure of the output.`,
      {code: 'out-dims-mismatch', transform: 'vmap'},
    );
  });
}

/** Where the batch dimension of an output of the given per-example shape goes, not negative. */
export function resolveOutDim(dim: number, shape: readonly number[], place: string): number {
  const rank = shape.length + 1;
  if (Number.isInteger(dim) && dim >= -rank && dim < rank) return dim < 0 ? dim + rank : dim;
  throw new TransformError(
    `outDims has ${dim} for ${place}, whose shape per example is ${showShape(shape)}: valid dimensions are ${-rank} to ${rank - 1}.`,
    {code: 'out-dims-mismatch', transform: 'vmap'},
  );
}

/** Why an output can't have null in outDims. */
export function mappedOutput(place: string): TransformError {
  return new TransformError(
    `outDims is null for ${place}, but it differs between examples. Give it a dimension (0), or reduce it to one value for all outside vmap.`,
    {code: 'out-dims-mismatch', transform: 'vmap'},
  );
}
