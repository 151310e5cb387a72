import {tensor, Tensor} from '@tensorflow/tfjs-core';
import {TransformError, describe} from '../errors.js';
import {scoped} from '../interpreter/scope.js';
import {sliceAlong} from '../rules/dims.js';
import {cast, concat, reshape} from '../rules/ops.js';
import {mapLeaves, tensorsOf, withTensors} from '../tree.js';
import type {Argnums, Jacobian, Selected} from '../types.js';
import {assertAlive, assertFunction, differentiableTensors, resolveArgnums} from './arguments.js';
import {withArguments} from './grad.js';
import {pushForward} from './jvp.js';
import {assertFloatOutputs, linearizeAt, type AuxOption} from './vjp.js';
import type {Randomness} from './batching.js';
import {assertChunkSize, assertRandomness, vmap} from './vmap.js';

export interface JacobianOptions<
  N extends Argnums,
  HasAux extends boolean,
> extends AuxOption<HasAux> {
  /** The argument to differentiate with respect to, by position, or a list of them; negative ones count from the end. Default 0. */
  readonly argnums?: N;
  /** Computes at most so many rows (jacrev) or columns (jacfwd) at once, which bounds memory. Default: all. */
  readonly chunkSize?: number;
  /**
   * What random ops do where the function runs under vmap: all of it in jacfwd, in jacrev only what `checkpoint` computes again. As for
   * `vmap`; 'same' gives the Jacobian for one draw. Default 'error'.
   */
  readonly randomness?: Randomness;
}

/**
 * Jacobian by reverse mode, one row per output element: `J[i, j] = ∂f(x)[i] / ∂x[j]`. The outputs are real; the row of a complex argument is
 * the gradient, as of `grad`.
 *
 * @param f  maps a tensor of shape `Y`'s argument `X` to one of shape `Y`, or trees of tensors to trees (one Jacobian per pair of leaves, nested
 *   as the output, then as the argument, then, where `argnums` is a list, by argument)
 * @returns  a function of the same arguments, whose result has shape `[...Y, ...X]` (with `hasAux`: `[jacobian, aux]`). Cheaper than `jacfwd` where
 *   Y is smaller than X.
 * @throws TransformError as `vjp` and `vmap`
 * @example jacrev((x: tf.Tensor) => tf.sin(x))(tf.tensor1d([0, Math.PI]))  // => [[1, 0], [0, -1]]
 */
export function jacrev<A extends unknown[], R, const N extends Argnums = 0>(
  f: (...args: A) => R,
  options?: JacobianOptions<N, false>,
): (...args: A) => Jacobian<R, Selected<A, N>>;
export function jacrev<A extends unknown[], R, Aux, const N extends Argnums = 0>(
  f: (...args: A) => readonly [R, Aux],
  options: JacobianOptions<N, true> & {readonly hasAux: true},
): (...args: A) => [jacobian: Jacobian<R, Selected<A, N>>, aux: Aux];
export function jacrev(
  f: (...args: never[]) => unknown,
  {
    argnums = 0,
    hasAux = false,
    chunkSize,
    randomness = 'error',
  }: JacobianOptions<Argnums, boolean> = {},
): (...args: unknown[]) => unknown {
  assertFunction(f, 'jacrev');
  assertChunkSize(chunkSize, 'jacrev');
  assertRandomness(randomness, 'jacrev');
  return (...args) =>
    scoped('jacrev', (results) => {
      const {positions, differentiated} = chooseArguments(args, argnums, 'jacrev');
      const {output, aux, linear} = linearizeAt(
        'jacrev',
        (...chosen) => f(...(withArguments(args, positions, chosen) as never[])),
        differentiated,
        hasAux,
        assertRealOutputs,
        positions,
      );
      try {
        const outputs = tensorsOf(output);
        const pullBack = (...seeds: Tensor[]): Tensor[] => linear.pullBack(seeds, false);
        const [first, ...more] = forUnitVectors(outputs, chunkSize, (basis) =>
          vmap(pullBack, {randomness})(...basis),
        );
        const rows = first!.map((row, input) => concat([row, ...more.map((r) => r[input]!)], 0));
        const blocks = outputs.map((y, index) =>
          rows.map((row) =>
            reshape(segment(row, 0, outputs, index), [...y.shape, ...row.shape.slice(1)]),
          ),
        );
        results.push(...blocks.flat(), ...tensorsOf(aux));
        const jacobian = nest(output, blocks, differentiated, argnums);
        return hasAux ? [jacobian, aux] : jacobian;
      } finally {
        linear.free();
      }
    });
}

/**
 * Jacobian by forward mode, one column per input element: `J[i, j] = ∂f(x)[i] / ∂x[j]`. The arguments are real; the outputs may be complex.
 *
 * @param f  maps a tensor of shape `X` to one of shape `Y` (trees of tensors: one Jacobian per pair of leaves, nested as in `jacrev`)
 * @returns  a function of the same arguments, whose result has shape `[...Y, ...X]` (with `hasAux`: `[jacobian, aux]`). Cheaper than `jacrev` where
 *   X is smaller than Y.
 * @throws TransformError as `jvp` and `vmap`
 * @example jacfwd((x: tf.Tensor) => tf.sin(x))(tf.tensor1d([0, Math.PI]))  // => [[1, 0], [0, -1]]
 */
export function jacfwd<A extends unknown[], R, const N extends Argnums = 0>(
  f: (...args: A) => R,
  options?: JacobianOptions<N, false>,
): (...args: A) => Jacobian<R, Selected<A, N>>;
export function jacfwd<A extends unknown[], R, Aux, const N extends Argnums = 0>(
  f: (...args: A) => readonly [R, Aux],
  options: JacobianOptions<N, true> & {readonly hasAux: true},
): (...args: A) => [jacobian: Jacobian<R, Selected<A, N>>, aux: Aux];
export function jacfwd(
  f: (...args: never[]) => unknown,
  {
    argnums = 0,
    hasAux = false,
    chunkSize,
    randomness = 'error',
  }: JacobianOptions<Argnums, boolean> = {},
): (...args: unknown[]) => unknown {
  assertFunction(f, 'jacfwd');
  assertChunkSize(chunkSize, 'jacfwd');
  assertRandomness(randomness, 'jacfwd');
  return (...args) =>
    scoped('jacfwd', (results) => {
      const {positions, differentiated, inputs} = chooseArguments(args, argnums, 'jacfwd');
      assertReal(inputs, 'argument', 'jacfwd');
      const call = (...chosen: unknown[]): unknown =>
        f(...(withArguments(args, positions, chosen) as never[]));
      let output: unknown;
      let aux: unknown;
      const push = (...directions: Tensor[]): {tangents: Tensor[]; extras: Tensor[]} => {
        const pushed = pushForward('jacfwd', call, differentiated, inputs, directions, hasAux);
        ({output, aux} = pushed);
        return {tangents: tensorsOf(pushed.tangent), extras: tensorsOf(aux)};
      };
      // The primals don't depend on the direction: they are computed once, whatever the number of columns.
      const outDims = {tangents: -1, extras: null} as never;
      const [first, ...more] = forUnitVectors(inputs, chunkSize, (basis) =>
        vmap(push, {outDims, randomness})(...basis),
      );
      const columns = first!.tangents.map((part, index) =>
        concat([part, ...more.map(({tangents}) => tangents[index]!)], part.rank - 1),
      );
      const blocks = columns.map((column) =>
        inputs.map((x, index) =>
          reshape(segment(column, column.rank - 1, inputs, index), [
            ...column.shape.slice(0, -1),
            ...x.shape,
          ]),
        ),
      );
      results.push(...blocks.flat(), ...first!.extras);
      const jacobian = nest(output, blocks, differentiated, argnums);
      return hasAux ? [jacobian, withTensors(aux, first!.extras)] : jacobian;
    });
}

interface ChosenArguments {
  readonly positions: number[];
  /** The arguments at these positions, whole. */
  readonly differentiated: unknown[];
  /** Their tensors. */
  readonly inputs: Tensor[];
}

function chooseArguments(
  args: readonly unknown[],
  argnums: Argnums,
  transform: string,
): ChosenArguments {
  assertAlive(args, transform);
  const positions = resolveArgnums(argnums, args.length, transform);
  const differentiated = positions.map((position) => args[position]);
  return {
    positions,
    differentiated,
    inputs: differentiableTensors(differentiated, transform, positions),
  };
}

/** Unit vectors are real: of what is complex they would give half of the derivatives. */
function assertReal(
  tensors: readonly Tensor[],
  noun: 'argument' | 'output',
  transform: string,
): void {
  const found = tensors.find(({dtype}) => dtype === 'complex64');
  if (found === undefined) return;
  throw new TransformError(
    `a differentiated ${noun} is ${describe(found)}, but ${transform} takes real ${noun}s: their unit vectors don't span complex ones. ` +
      (noun === 'argument'
        ? `Pass the parts, ${transform}((x, y) => f(tf.complex(x, y)), {argnums: [0, 1]}), or use jacrev, grad, or jvp along a direction.`
        : `Return the parts (tf.real(z), tf.imag(z)), or use vjp with a cotangent.`),
    {code: 'non-float-input', transform},
  );
}

const assertRealOutputs = (outputs: readonly Tensor[], output: unknown): void => {
  assertReal(outputs, 'output', 'jacrev');
  assertFloatOutputs('jacrev')([...outputs], output);
};

/**
 * The unit vectors of the space that all the given tensors span together, in chunks of at most `chunkSize`: each chunk as one tensor
 * `[count, ...shape]` for each tensor.
 */
function forUnitVectors<T>(
  tensors: readonly Tensor[],
  chunkSize: number | undefined,
  use: (basis: Tensor[]) => T,
): T[] {
  const total = tensors.reduce((size, tensor) => size + tensor.size, 0);
  const chunks: T[] = [];
  const step = chunkSize ?? Math.max(total, 1);
  for (let start = 0; start < total || start === 0; start += step) {
    const count = Math.min(step, total - start);
    let offset = 0;
    const basis = tensors.map(({shape, size, dtype}) => {
      const values = new Float32Array(count * size);
      for (let row = 0; row < count; row++) {
        const column = start + row - offset;
        if (column >= 0 && column < size) values[row * size + column] = 1;
      }
      offset += size;
      return cast(tensor(values, [count, ...shape], 'float32'), dtype);
    });
    chunks.push(use(basis));
  }
  return chunks;
}

/** The part of dimension `axis` that belongs to tensor number `index`, where all of them stand there one after the other. */
function segment(x: Tensor, axis: number, tensors: readonly Tensor[], index: number): Tensor {
  const from = tensors.slice(0, index).reduce((size, tensor) => size + tensor.size, 0);
  return sliceAlong(x, axis, from, tensors[index]!.size);
}

/** Puts the blocks of a Jacobian into the structure of the output, and each row of them into that of the arguments. */
function nest(
  output: unknown,
  blocks: readonly (readonly Tensor[])[],
  differentiated: readonly unknown[],
  argnums: Argnums,
): unknown {
  let next = 0;
  return mapLeaves(output, (leaf) => {
    if (!(leaf instanceof Tensor)) return leaf;
    const row = withTensors(differentiated, blocks[next++]!);
    return typeof argnums === 'number' ? row[0] : row;
  });
}
