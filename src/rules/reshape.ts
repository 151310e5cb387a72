import type {Tensor} from '@tensorflow/tfjs-core';
import {run} from './rule.js';
import {strategy} from './strategy.js';

/**
 * NOTE [reshapes]
 * Rules fold batch dimensions into others and back again, user code adds dimensions that an op wants and removes them. Where a reshape is a kernel,
 * as long as a small product, the tensor that was reshaped is remembered, and a reshape back to its shape hands that out.
 */
const reshaped = new WeakMap<Tensor, Tensor>();

export function reshape(x: Tensor, shape: readonly number[]): Tensor {
  if (sameShape(x.shape, shape)) return x;
  if (!strategy().remembersReshapes) return run('Reshape', {x}, {shape: [...shape]});
  const before = reshaped.get(x);
  if (before !== undefined && !before.isDisposed && sameShape(before.shape, shape)) return before;
  const result = run('Reshape', {x}, {shape: [...shape]});
  reshaped.set(result, x);
  return result;
}

export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((size, axis) => size === b[axis]);
