import {Tensor} from '@tensorflow/tfjs-core';
import {detach} from '../interpreter/hook.js';
import {mapLeaves} from '../tree.js';
import {assertAlive} from './arguments.js';

/**
 * The same values, as constants: no derivative passes, in either mode, at any order, inside transforms and on tfjs's own tape. `vmap` maps it.
 *
 * @param x  a tensor, or a tree of them; other values stay
 * @returns  new tensors of the same shapes, in the same structure
 * @throws TransformError `disposed-tensor`, `escaped-tracer`
 * @see https://docs.jax.dev/en/latest/_autosummary/jax.lax.stop_gradient.html whose semantics these are
 * @example grad((x: tf.Tensor) => tf.mul(x, stopGradient(x)))(tf.scalar(3))  // => 3
 */
export function stopGradient<T>(x: T): T {
  assertAlive([x], 'stopGradient');
  return mapLeaves(x, (leaf) => (leaf instanceof Tensor ? detach(leaf) : leaf)) as T;
}
