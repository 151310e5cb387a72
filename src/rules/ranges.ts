import * as tf from '@tensorflow/tfjs-core';
import type {Tensor} from '@tensorflow/tfjs-core';
import {run} from './rule.js';
import {isTraced, strategy} from './strategy.js';

/** The positions `begin + k·step` along one axis, for k from 0 to count - 1. */
export interface Range {
  readonly begin: number;
  readonly step: number;
  readonly count: number;
}

const product = (shape: readonly number[]): number => shape.reduce((size, n) => size * n, 1);

const isAll = ({begin, step, count}: Range, n: number): boolean =>
  begin === 0 && step === 1 && count === n;

const greatestDivisor = (a: number, b: number): number => (b === 0 ? a : greatestDivisor(b, a % b));

/**
 * Takes the given positions along each axis, as rows of a matrix: the tensor is cut into blocks that stay together, and GatherNd takes
 * blocks by number. So a slice, a strided slice or a reversal is computed where that is faster than the kernels meant for it.
 * @returns  null where it is not
 */
export function takeRanges(x: Tensor, ranges: readonly Range[]): Tensor | null {
  if (strategy().slices === 'kernel' || isTraced(x) || x.dtype === 'string') return null;
  const shape = ranges.map(({count}) => count);
  if (product(shape) === 0) return null;
  let last = x.rank - 1;
  while (last >= 0 && isAll(ranges[last]!, x.shape[last]!)) last--;
  if (last < 0) return x;

  const {begin, step, count} = ranges[last]!;
  const together = step === 1 ? greatestDivisor(greatestDivisor(x.shape[last]!, begin), count) : 1;
  const block = together * product(x.shape.slice(last + 1));
  // The kernel of slices copies whole rows, which is better than element by element.
  const hasLongRows = block * 10 < shape.at(-1)! && x.rank <= 4;
  if (hasLongRows && ranges.every((range) => range.step === 1)) return null;

  let numbers = Int32Array.of(0);
  for (let axis = 0; axis <= last; axis++) {
    const unit = axis === last ? together : 1;
    numbers = spread(numbers, ranges[axis]!, x.shape[axis]!, unit);
  }
  const blocks = run('GatherNd', {
    params: run('Reshape', {x}, {shape: [x.size / block, block]}),
    indices: tf.tensor2d(numbers, [numbers.length, 1], 'int32'),
  });
  return run('Reshape', {x: blocks}, {shape});
}

/** The numbers of blocks with one more axis, whose n positions come in blocks of `unit`. */
function spread(
  numbers: Int32Array,
  {begin, step, count}: Range,
  n: number,
  unit: number,
): Int32Array<ArrayBuffer> {
  const taken = count / unit;
  const result = new Int32Array(numbers.length * taken);
  let place = 0;
  for (const number of numbers) {
    const first = (number * n + begin) / unit;
    for (let k = 0; k < taken; k++) result[place++] = first + k * step;
  }
  return result;
}
