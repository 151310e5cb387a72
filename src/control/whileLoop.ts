import {assertAlive, assertFunction} from '../transforms/arguments.js';
import type {AnyRank} from '../types.js';
import {iterate} from './iterate.js';
import type {Predicate} from './predicate.js';
import type {Body} from './trees.js';

/**
 * Runs a function on its own result as long as a condition holds: `while (condFn(x)) x = bodyFn(x)`.
 *
 * It is a plain loop whose condition is read in each iteration, and what runs is differentiated in both modes, to any order (reverse mode keeps
 * the intermediate values of all iterations). Under `vmap` it runs until the condition holds for no example; one for which it
 * does not hold any more keeps its values. Of an iteration that nobody differentiates only the carry stays in memory.
 *
 * @param condFn  gets the carry; gives a boolean or a scalar tensor
 * @param bodyFn  gets the carry; gives the next one, of the same structure, shapes and dtypes
 * @param init  the first carry: a tensor or a tree of them
 * @returns  the last carry, new tensors
 * @throws TransformError `tree-mismatch` (the carry changes), `invalid-argument` (the condition is no scalar), `non-tensor-output`,
 *   `not-a-function`, `async-function`, `disposed-tensor`
 * @see https://docs.jax.dev/en/latest/_autosummary/jax.lax.while_loop.html whose semantics these are, beside reverse mode
 * @example
 * const halve = (x: tf.Tensor) => whileLoop((y) => tf.greater(y, 1), (y) => tf.div(y, 2), x);
 * vmap(halve)(tf.tensor1d([20, 3, 0.5]))  // => [0.625, 0.75, 0.5]
 * vmap(grad(halve))(tf.tensor1d([20, 3, 0.5]))  // => [0.03125, 0.25, 1]
 */
export function whileLoop<Carry>(
  condFn: Body<[carry: AnyRank<Carry>], Predicate>,
  bodyFn: Body<[carry: AnyRank<Carry>], AnyRank<Carry>>,
  init: Carry,
): AnyRank<Carry> {
  assertFunction(condFn, 'whileLoop');
  assertFunction(bodyFn, 'whileLoop');
  assertAlive([init], 'whileLoop');
  return iterate<AnyRank<Carry>>(
    {
      transform: 'whileLoop',
      condition: (carry) => condFn(carry),
      body: (carry) => bodyFn(carry),
    },
    init as AnyRank<Carry>,
  );
}
