import * as tf from '@tensorflow/tfjs-core';
import type {Tensor} from '@tensorflow/tfjs-core';
import {broadcastTo, product} from './dims.js';
import {reshape, where} from './ops.js';
import {gatherAlong} from './rows.js';
import {run} from './rule.js';

/**
 * Kernels that put values at places, and a default at the others, say where with numbers in place of the values: of each place the number of
 * its value, or -1.
 */

/** The numbers 0, 1, … in the given shape. */
export const numbered = (shape: readonly number[]): Tensor =>
  tf.tensor(
    Int32Array.from({length: product(shape)}, (_, i) => i),
    [...shape],
    'int32',
  );

export const int = (value: number): Tensor => tf.scalar(value, 'int32');

export const isGiven = (numbers: Tensor): Tensor => run('GreaterEqual', {a: numbers, b: int(0)});

/** `[…outer]` to `[…outer, …inner]`, all of the same shape there. */
export const spreadOver = (condition: Tensor, inner: readonly number[]): Tensor =>
  broadcastTo(reshape(condition, [...condition.shape, ...inner.map(() => 1)]), [
    ...condition.shape,
    ...inner,
  ]);

/**
 * Values at their places, and defaults between them.
 * @param values  `[B, n, …inner]`
 * @param defaultValue  `[B, …]`, what comes after the batch dimension broadcasts to `inner`
 * @param numbers  of the values at each place, int32 `[…outer]`
 * @returns  `[B, …outer, …inner]`
 */
export function placeValues(values: Tensor, defaultValue: Tensor, numbers: Tensor): Tensor {
  const [size = 0, n = 0, ...inner] = values.shape;
  const shape = [size, ...numbers.shape, ...inner];
  const [, ...own] = defaultValue.shape;
  const ones = new Array<number>(shape.length - 1 - own.length).fill(1);
  const fallback = broadcastTo(reshape(defaultValue, [size, ...ones, ...own]), shape);
  if (values.size === 0 || numbers.size === 0) return fallback;
  const places = run('Maximum', {a: numbers, b: int(0)});
  const taken = gatherAlong(
    reshape(values, [1, size, n, product(inner)]),
    reshape(places, [1, numbers.size]),
  );
  const given = reshape(spreadOver(isGiven(numbers), inner), [1, ...shape.slice(1)]);
  return where(broadcastTo(given, shape), reshape(taken, shape), fallback);
}
