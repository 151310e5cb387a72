import type {Tensor} from '@tensorflow/tfjs-core';
import {scoped} from '../interpreter/scope.js';
import {zeros} from '../rules/ops.js';
import {tensorsOf, withTensors} from '../tree.js';
import type {Gradient} from '../types.js';
import {assertAlive, assertFunction, differentiableTensors} from './arguments.js';
import type {TangentsOf} from './jvp.js';
import {reverse, type Linearized} from './reverse.js';
import {
  assertPrimals,
  heldByScope,
  linearizeAt,
  matchTree,
  vjp,
  type AuxOption,
  type Pullback,
} from './vjp.js';

/** The derivative of a function at a point, as a linear function: gives `J·tangents`. May be called many times. */
export interface Pushforward<A extends unknown[], R> {
  /**
   * @param tangents  one entry per primal: a tensor for each tensor of the primal, of its shape and dtype, in its structure
   * @returns  a tensor for each output tensor, in the structure of the output
   * @throws TransformError `tree-mismatch`
   */
  (tangents: NoInfer<TangentsOf<A>>): Gradient<R>;
  /** Frees what the pushforward keeps. tfjs does so by itself at the end of the tidy scope in which `linearize` was called. */
  dispose(): void;
}

/**
 * The value of a function and its derivative at a point as a function that can be applied again and again, without evaluating `f` again:
 * for many directions at one point. For one direction use `jvp`.
 *
 * The derivative is taken apart by reverse mode twice: the pullback is linear in the cotangent, and its transpose is the pushforward.
 *
 * @param f  a function of float tensors or trees of them; all its outputs are float tensors or trees of them
 * @param primals  the arguments of `f`, as an array
 * @returns  `[output, pushforward]`, with `hasAux` `[output, pushforward, aux]`
 * @throws TransformError as `vjp`
 * @see https://pytorch.org/docs/stable/generated/torch.func.linearize.html
 * @example
 * const [y, pushforward] = linearize((x: tf.Tensor) => tf.square(x), [tf.scalar(3)]);
 * y  // => 9
 * pushforward([tf.scalar(1)])  // => 6
 * pushforward([tf.scalar(10)])  // => 60
 */
export function linearize<A extends unknown[], R>(
  f: (...args: A) => R,
  primals: readonly [...A],
  options?: AuxOption<false>,
): [output: R, pushforward: Pushforward<A, R>];
export function linearize<A extends unknown[], R, Aux>(
  f: (...args: A) => readonly [R, Aux],
  primals: readonly [...A],
  options: AuxOption<true>,
): [output: R, pushforward: Pushforward<A, R>, aux: Aux];
export function linearize(
  f: (...args: never[]) => unknown,
  primals: readonly unknown[],
  {hasAux = false}: AuxOption<boolean> = {},
): unknown[] {
  assertFunction(f, 'linearize');
  assertPrimals(primals, 'linearize');
  const inputs = tensorsOf(primals).map(({shape, dtype}) => ({shape, dtype}));
  const {output, aux, linear} = linearizeAt('linearize', f as never, primals, hasAux);
  const outputs = tensorsOf(output);
  let transposed: Linearized;
  try {
    transposed = scoped('linearize', () =>
      reverse(
        'linearize',
        outputs.map(({shape, dtype}) => zeros(shape, dtype)),
        (cotangents) => ({outputs: linear.pullBack(cotangents, false), extras: []}),
      ),
    );
  } catch (error) {
    for (const tensor of [...outputs, ...tensorsOf(aux)]) tensor.dispose();
    throw error;
  } finally {
    linear.free();
  }
  const held = heldByScope('linearize', 'pushforward', transposed);
  const structure = primals.slice();
  const like = withTensors(output, outputs);
  const pushforward = (tangents: unknown): unknown => {
    held.assertAlive();
    const directions = matchTree(tangents, inputs, structure, 'linearize', 'tangent', 'primal');
    return withTensors(like, transposed.pullBack(directions, false));
  };
  const disposable = Object.assign(pushforward, {dispose: held.dispose});
  return hasAux ? [output, disposable, aux] : [output, disposable];
}

/**
 * The transpose of a linear function: `⟨f(x), y⟩ = ⟨x, fᵀ(y)⟩`. That `f` is linear is taken on trust; of an affine one the linear part counts.
 *
 * @param f  a linear function of float tensors or trees of them
 * @param primals  arguments of the shapes and dtypes that `f` takes, as an array; their values do not matter
 * @returns  the transposed function: a cotangent for each output tensor in, one entry per primal out. `dispose()` frees what it keeps
 * @throws TransformError as `vjp`
 * @see https://docs.jax.dev/en/latest/_autosummary/jax.linear_transpose.html
 * @example
 * const differences = (x: tf.Tensor) => tf.sub(tf.slice(x, [1], [2]), tf.slice(x, [0], [2]));
 * linearTranspose(differences, [tf.zeros([3])])(tf.tensor1d([1, 10]))  // => [[-1, -9, 10]]
 */
export function linearTranspose<A extends unknown[], R>(
  f: (...args: A) => R,
  primals: readonly [...A],
): Pullback<A, R> {
  assertFunction(f, 'linearTranspose');
  assertPrimals(primals, 'linearTranspose');
  assertAlive(primals, 'linearTranspose');
  const origin = differentiableTensors(primals, 'linearTranspose').map(({shape, dtype}) =>
    zeros(shape, dtype),
  );
  const [output, pullback] = vjp(f, withTensors(primals, origin));
  for (const tensor of [...origin, ...(tensorsOf(output) as Tensor[])]) tensor.dispose();
  return pullback;
}
