import * as tf from '@tensorflow/tfjs';
import {findDifference} from '../support/compare.js';

type Nested = number | readonly Nested[];

const flatten = (nested: Nested): number[] =>
  typeof nested === 'number' ? [nested] : nested.flatMap(flatten);

/** Float32 results against numbers worked out by hand or in double precision. */
const TOLERANCE = {relative: 1e-5, absolute: 1e-6};

/** Fails unless a tensor has the values (and so the shape) of nested arrays. Disposes it. */
export function expectValues(actual: tf.Tensor, expected: Nested, tolerance = TOLERANCE): void {
  const shape: number[] = [];
  for (let level: Nested = expected; typeof level !== 'number'; level = level[0]!) {
    shape.push(level.length);
    if (level.length === 0) break;
  }
  const values = flatten(expected);
  const [dtype, got] = [actual.dtype, Float64Array.from(actual.dataSync())];
  const difference = findDifference(
    {shape: actual.shape, dtype, values: got},
    {shape, dtype, values: Float64Array.from(values)},
    tolerance,
  );
  actual.dispose();
  if (difference !== null) throw new Error(difference);
}

/** Fails unless two tensors agree in shape, dtype and values. Disposes both. */
export function expectSame(actual: tf.Tensor, expected: tf.Tensor, tolerance = TOLERANCE): void {
  const difference = findDifference(
    {shape: actual.shape, dtype: actual.dtype, values: Float64Array.from(actual.dataSync())},
    {shape: expected.shape, dtype: expected.dtype, values: Float64Array.from(expected.dataSync())},
    tolerance,
  );
  tf.dispose([actual, expected]);
  if (difference !== null) throw new Error(difference);
}
