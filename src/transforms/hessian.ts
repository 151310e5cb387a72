import type {Tensor} from '@tensorflow/tfjs-core';
import {scoped} from '../interpreter/scope.js';
import {tensorsOf} from '../tree.js';
import type {Argnums, Gradient, Jacobian, Selected} from '../types.js';
import {assertFunction} from './arguments.js';
import {grad} from './grad.js';
import {jacfwd, jacrev, type JacobianOptions} from './jacobian.js';
import {jvp, type TangentsOf} from './jvp.js';
import {assertPrimals, vjp} from './vjp.js';

/**
 * Hessian by forward over reverse mode, `jacfwd(jacrev(f))`: `H[i, j] = ∂²f(x) / ∂x[i]∂x[j]`.
 *
 * @param f  a function of float tensors or trees of them; usually a scalar, but an output of shape `Y` gives `[...Y, ...X, ...X]`
 * @returns  a function of the same arguments, whose result has shape `[...X, ...X]`; for trees and lists of arguments one block per pair, nested
 *   twice as the argument
 * @throws TransformError as `jacrev`
 * @example hessian((x: tf.Tensor) => tf.prod(x))(tf.tensor1d([2, 3]))  // => [[0, 1], [1, 0]]
 */
export function hessian<A extends unknown[], R, const N extends Argnums = 0>(
  f: (...args: A) => R,
  options: Omit<JacobianOptions<N, false>, 'hasAux'> = {},
): (...args: A) => Jacobian<Jacobian<R, Selected<A, N>>, Selected<A, N>> {
  assertFunction(f, 'hessian');
  const {argnums, chunkSize, randomness} = options;
  const inner = jacrev(f, {argnums, randomness});
  const outer = jacfwd(inner as (...args: A) => unknown, {argnums, chunkSize, randomness});
  return outer as never;
}

/**
 * Product of the Hessian of a scalar function with a vector, by forward over reverse mode: the Hessian is never formed.
 *
 * @param f  returns a float scalar
 * @param primals  the arguments of `f`, as an array: all of them are differentiated
 * @param tangents  a tensor for each tensor of `primals`, of its shape and dtype, in the same structure
 * @returns  one entry per primal, in the primal's structure
 * @throws TransformError as `grad` and `jvp`
 * @example hvp((x: tf.Tensor) => tf.prod(x), [tf.tensor1d([2, 3])], [tf.tensor1d([1, 0])])  // => [[0, 1]]
 */
export function hvp<A extends unknown[]>(
  f: (...args: A) => Tensor,
  primals: readonly [...A],
  tangents: NoInfer<TangentsOf<A>>,
): {[K in keyof A]: Gradient<A[K]>} {
  assertFunction(f, 'hvp');
  assertPrimals(primals, 'hvp');
  return scoped('hvp', (results) => {
    const argnums = primals.map((_, index) => index);
    const [, product] = jvp(grad(f, {argnums}) as (...args: A) => unknown, primals, tangents);
    results.push(...tensorsOf(product));
    return product as never;
  });
}

/**
 * Product of a vector with the Hessian of a scalar function, by reverse over reverse mode. The Hessian is symmetric, so this is `hvp` in
 * another way: it needs no forward rules, and takes more memory.
 *
 * @param f  returns a float scalar
 * @param primals  the arguments of `f`, as an array: all of them are differentiated
 * @param vectors  a tensor for each tensor of `primals`, of its shape and dtype, in the same structure
 * @returns  one entry per primal, in the primal's structure
 * @throws TransformError as `grad` and `vjp`
 * @see https://pytorch.org/docs/stable/generated/torch.autograd.functional.vhp.html
 * @example vhp((x: tf.Tensor) => tf.prod(x), [tf.tensor1d([2, 3])], [tf.tensor1d([1, 0])])  // => [[0, 1]]
 */
export function vhp<A extends unknown[]>(
  f: (...args: A) => Tensor,
  primals: readonly [...A],
  vectors: NoInfer<TangentsOf<A>>,
): {[K in keyof A]: Gradient<A[K]>} {
  assertFunction(f, 'vhp');
  assertPrimals(primals, 'vhp');
  return scoped('vhp', (results) => {
    const argnums = primals.map((_, index) => index);
    const [, pullback] = vjp(grad(f, {argnums}) as (...args: A) => unknown, primals);
    const product = pullback(vectors as never);
    results.push(...tensorsOf(product));
    return product as never;
  });
}
