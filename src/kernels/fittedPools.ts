import * as tf from '@tensorflow/tfjs-core';
import type {Tensor} from '@tensorflow/tfjs-core';
import {mul} from '../rules/ops.js';
import {averageGradient, poolAxesOf, type PoolAttrs} from '../rules/pooling.js';
import {coveredShape, extentOf, fit, unfit, type SlidingAxis} from '../rules/windows.js';

/** Pools by kernels that get no padding: the input as it is with the padding in it, and averages corrected for what they counted of that. */

/** Whether no window meets padding. */
export const isInside = (axes: readonly SlidingAxis[]): boolean =>
  axes.every((axis) => axis.before === 0 && extentOf(axis) <= axis.size);

/** Per window, its size by the number of its positions that are inside (0 where none is): `[1, ...counts, 1]`. */
function sharesInside(axes: readonly SlidingAxis[]): Tensor {
  const shares = axes.reduce<number[]>(
    (sofar, axis) => {
      const along = Array.from({length: axis.count}, (_, index) => {
        const start = index * axis.stride - axis.before;
        const inside = Math.min(start + axis.window, axis.size) - Math.max(start, 0);
        return inside > 0 ? axis.window / inside : 0;
      });
      return sofar.flatMap((outer) => along.map((share) => outer * share));
    },
    [1],
  );
  return tf.tensor(shares, [1, ...axes.map(({count}) => count), 1], 'float32');
}

export function poolFitted(
  pool: 'Max' | 'Avg',
  x: Tensor,
  attrs: PoolAttrs,
  kernel: (x: Tensor, attrs: PoolAttrs) => Tensor,
): Tensor {
  const axes = poolAxesOf(x.shape, attrs);
  const {filterSize, strides} = attrs;
  const valid = {...attrs, filterSize, strides, pad: 'valid' as const};
  const y = kernel(fit(x, axes, pool === 'Max' ? -Infinity : 0), valid);
  return pool === 'Max' || isInside(axes) ? y : mul(y, sharesInside(axes));
}

/** The transpose of averaging: windows that meet padding divide by the number of their cells inside, as on the way forward. */
export function averageGradientFitted(
  dy: Tensor,
  shape: readonly number[],
  attrs: PoolAttrs,
): Tensor {
  const axes = poolAxesOf(shape, attrs);
  const {filterSize, strides} = attrs;
  const scaled = isInside(axes) ? dy : mul(dy, sharesInside(axes));
  const covered = coveredShape(shape, axes);
  return unfit(averageGradient(scaled, covered, {filterSize, strides, pad: 'valid'}), axes);
}
