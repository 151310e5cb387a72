import {add, less, scalar, Tensor} from '@tensorflow/tfjs-core';
import {TransformError, describe} from '../errors.js';
import {assertAlive, assertFunction} from '../transforms/arguments.js';
import type {AnyRank} from '../types.js';
import {iterate} from './iterate.js';
import type {Body} from './trees.js';

/**
 * A loop over integers: `for (let i = lower; i < upper; i++) x = bodyFn(i, x)`.
 *
 * It is differentiated in both modes, to any order, and mapped by `vmap`. Bounds that are tensors may differ from example to example: an
 * example that has reached its upper bound keeps its values.
 *
 * @param lower  an integer, or a scalar int32 tensor
 * @param upper  the same: the first number that the body does not get
 * @param bodyFn  gets the number (where a bound is a tensor, a scalar int32 tensor) and the carry; gives the next carry, of the same
 *   structure, shapes and dtypes
 * @param init  the first carry: a tensor or a tree of them
 * @returns  the last carry, new tensors; `init` where there is no number
 * @throws TransformError `tree-mismatch` (the carry changes), `invalid-argument` (a bound is no integer), `non-tensor-output`, `not-a-function`,
 *   `async-function`, `disposed-tensor`
 * @see https://docs.jax.dev/en/latest/_autosummary/jax.lax.fori_loop.html whose semantics these are
 * @example
 * foriLoop(1, 4, (i, x) => tf.add(tf.mul(x, 10), i), tf.scalar(0))  // => 123
 * vmap((n: tf.Tensor) => foriLoop(0, n, (_i, x) => tf.mul(x, 2), tf.scalar(1)))(tf.tensor1d([0, 3, 5], 'int32'))  // => [1, 8, 32]
 */
export function foriLoop<Carry>(
  lower: number,
  upper: number,
  bodyFn: Body<[i: number, carry: AnyRank<Carry>], AnyRank<Carry>>,
  init: Carry,
): AnyRank<Carry>;
export function foriLoop<Carry>(
  lower: number | Tensor,
  upper: number | Tensor,
  bodyFn: Body<[i: Tensor, carry: AnyRank<Carry>], AnyRank<Carry>>,
  init: Carry,
): AnyRank<Carry>;
export function foriLoop<Carry>(
  lower: number | Tensor,
  upper: number | Tensor,
  bodyFn: (i: never, carry: AnyRank<Carry>) => AnyRank<Carry>,
  init: Carry,
): AnyRank<Carry> {
  assertFunction(bodyFn, 'foriLoop');
  assertBound(lower, 'lower');
  assertBound(upper, 'upper');
  assertAlive([lower, upper, init], 'foriLoop');
  const body = bodyFn as (i: unknown, carry: AnyRank<Carry>) => AnyRank<Carry>;
  const start = init as AnyRank<Carry>;
  if (typeof lower === 'number' && typeof upper === 'number') {
    return iterate(
      {
        transform: 'foriLoop',
        condition: (_carry, k) => lower + k < upper,
        body: (carry, k) => body(lower + k, carry),
      },
      start,
    );
  }
  const from = (): Tensor => toInt(lower, 'lower');
  const to = (): Tensor => toInt(upper, 'upper');
  const numberAt = (k: number): Tensor => add(from(), scalar(k, 'int32'));
  return iterate(
    {
      transform: 'foriLoop',
      // The difference of the bounds may be no int32.
      condition: (_carry, k) => less(numberAt(k), to()),
      body: (carry, k) => body(numberAt(k), carry),
    },
    start,
  );
}

/** A bound beside one that is a tensor. */
function toInt(bound: number | Tensor, name: string): Tensor {
  if (bound instanceof Tensor) return bound;
  if (bound === (bound | 0)) return scalar(bound, 'int32');
  throw new TransformError(
    `${name} is ${describe(bound)}, but must be an integer of 32 bits where the other bound is a tensor.`,
    {code: 'invalid-argument', transform: 'foriLoop'},
  );
}

function assertBound(bound: unknown, name: string): void {
  if (Number.isInteger(bound)) return;
  if (bound instanceof Tensor && bound.rank === 0 && bound.dtype === 'int32') return;
  throw new TransformError(
    `${name} is ${describe(bound)}, but must be an integer or an int32 scalar (tf.scalar(n, 'int32')).`,
    {code: 'invalid-argument', transform: 'foriLoop'},
  );
}
