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

/** What is left of `t` for `x` where one of `x` and `other` is taken: all, nothing, or half of it where they are equal. */
const sharedWith =
  (wins: (x: Tensor, other: Tensor) => Tensor) =>
  (t: Tensor, x: Tensor, other: Tensor): Tensor => {
    const atTies = masked(equal(x, other), scale(t, 0.5));
    return where(wins(x, other), broadcastTo(t, atTies.shape), atTies);
  };

export const sharedByLarger = sharedWith(greater);
export const sharedBySmaller = sharedWith(less);
