import type {Tensor} from '@tensorflow/tfjs-core';
import {broadcastTo} from './dims.js';
import {equal, greater, less, scale, where} from './ops.js';
import {run} from './rule.js';

export const zerosLike = (x: Tensor): Tensor => run('ZerosLike', {x});

/**
 * `t`, repeated to the shape of the condition, where that holds, and zero elsewhere. Unlike the product with a mask it is zero even
 * where `t` is infinite, as in the derivative of √relu(x) at -1.
 */
export function masked(condition: Tensor, t: Tensor): Tensor {
  const spread = broadcastTo(t, condition.shape);
  return where(condition, spread, zerosLike(spread));
}

/** What is left of `t` for `x` where the larger of `x` and `other` is taken: all, nothing, or half of it where they are equal. */
export function sharedByLarger(t: Tensor, x: Tensor, other: Tensor): Tensor {
  const tie = masked(equal(x, other), scale(t, 0.5));
  return where(greater(x, other), broadcastTo(t, tie.shape), tie);
}

/** As `sharedByLarger` where the smaller is taken. */
export function sharedBySmaller(t: Tensor, x: Tensor, other: Tensor): Tensor {
  const tie = masked(equal(x, other), scale(t, 0.5));
  return where(less(x, other), broadcastTo(t, tie.shape), tie);
}
