import type {Tensor} from '@tensorflow/tfjs-core';
import {masked} from './mask.js';
import {greater, less, mul, scalar, scale, sub, where} from './ops.js';
import {run} from './rule.js';

/** Derivatives of activation functions times `t`, from the output y where that is enough: for the kernels, and the fused ones. */
export const isPositive = (x: Tensor): Tensor => greater(x, scalar(0));

export const throughRelu = (t: Tensor, y: Tensor): Tensor => masked(isPositive(y), t);

export const throughRelu6 = (t: Tensor, y: Tensor): Tensor =>
  masked(run('LogicalAnd', {a: isPositive(y), b: less(y, scalar(6))}), t);

export const throughLeakyRelu = (t: Tensor, x: Tensor, alpha: number): Tensor =>
  where(isPositive(x), t, scale(t, alpha));

export const throughSigmoid = (t: Tensor, y: Tensor): Tensor => mul(t, mul(y, sub(scalar(1), y)));

export const preluInX = (t: Tensor, x: Tensor, alpha: Tensor): Tensor =>
  where(isPositive(x), t, mul(t, alpha));

export const preluInAlpha = (t: Tensor, x: Tensor): Tensor =>
  mul(t, run('Minimum', {a: x, b: scalar(0)}));
