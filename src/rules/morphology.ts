import * as tf from '@tensorflow/tfjs-core';
import type {Tensor} from '@tensorflow/tfjs-core';
import {fold, foldInto, logicalRank, product, unfoldFrom} from './dims.js';
import {add, cast, equal, mul, reshape, sum, tile} from './ops.js';
import {scatterAlong} from './rows.js';
import {family, run, saving, savingFor, type BatchedInput} from './rule.js';
import type {Signatures} from './signatures.js';
import {
  extentOf,
  fit,
  fitted,
  slidingAxes,
  tapOffsets,
  unfit,
  windowsOf,
  windowSizeOf,
  windowStarts,
  type SlidingAxis,
} from './windows.js';

type DilationAttrs = Signatures['Dilation2D']['attrs'];

/**
 * NOTE [dilation]
 * Morphological dilation is the maximum of `x + filter` over windows, so an output depends on one position of its window: the first where
 * the maximum is. Every derivative is linear in a mask of these positions, `[N, P, K, C]` for P windows of K positions. The gradient
 * kernels are not used: those of wasm are wrong for negative values.
 */
function axesOf(
  xShape: readonly number[],
  filterShape: readonly number[],
  {strides, pad, dilations}: DilationAttrs,
): SlidingAxis[] {
  return slidingAxes(
    tf.backend_util.computeDilation2DInfo(
      xShape as [number, number, number, number],
      filterShape as [number, number, number],
      strides,
      pad,
      'NHWC',
      dilations,
    ),
  );
}

function maskOfMaxima(x: Tensor, filter: Tensor, axes: readonly SlidingAxis[]): Tensor {
  const windows = windowsOf(fit(x, axes, -Infinity), fitted(axes));
  const taps = windowSizeOf(axes);
  const [images = 0, positions = 0, , channels = 0] = windows.shape;
  const sums = add(windows, reshape(filter, [1, 1, taps, channels]));
  const best = run('ArgMax', {x: sums}, {axis: 2});
  const isBest = equal(
    reshape(best, [images, positions, 1, channels]),
    reshape(tf.range(0, taps, 1, 'int32'), [1, 1, taps, 1]),
  );
  return cast(isBest, 'float32');
}

/** `dy` at the positions that it came from: `[N, P, K, C]`. */
function spread(dy: Tensor, mask: Tensor): Tensor {
  const [images = 0, positions = 0, , channels = 0] = mask.shape;
  return mul(mask, reshape(dy, [images, positions, 1, channels]));
}

/** The transpose of `windowsOf` and `fit`. */
function joinWindows(
  windows: Tensor,
  axes: readonly SlidingAxis[],
  xShape: readonly number[],
): Tensor {
  const [images = 0, positions = 0, taps = 0, channels = 0] = windows.shape;
  const covering = fitted(axes);
  const offsets = tapOffsets(covering);
  const indices = [...windowStarts(covering)].flatMap((start) =>
    Array.from(offsets, (offset) => start + offset),
  );
  const extents = axes.map(extentOf);
  const joined = scatterAlong(
    reshape(windows, [1, images, positions * taps, channels]),
    tf.tensor2d(indices, [1, indices.length], 'int32'),
    product(extents),
  );
  return reshape(unfit(reshape(joined, [images, ...extents, channels]), axes), xShape);
}

const sumOfImages = (windows: Tensor, filterShape: readonly number[]): Tensor =>
  reshape(sum(windows, [0, 1]), filterShape);

/** What tangents of the input or the filter do to the output: they are seen at the positions of the maxima. */
const seen = (tangent: Tensor, mask: Tensor, yShape: readonly number[]): Tensor =>
  reshape(sum(mul(mask, tangent), [2]), yShape);

const windowsOfTangent = (tx: Tensor, axes: readonly SlidingAxis[]): Tensor =>
  windowsOf(fit(tx, axes), fitted(axes));

const asTaps = (filter: Tensor): Tensor => {
  const [height = 0, width = 0, channels = 0] = filter.shape;
  return reshape(filter, [1, 1, height * width, channels]);
};

/** Examples as groups of channels, each of which has filters of its own. */
const asChannels = ({value, mapped}: BatchedInput, axis: number, size: number): Tensor =>
  mapped
    ? foldInto(value, axis)
    : tile(
        value,
        value.shape.map((_, other) => (other === axis ? size : 1)),
      );

function assertRanks(x: BatchedInput, filter: BatchedInput): void {
  if (logicalRank(x) === 4 && logicalRank(filter) === 3) return;
  throw new Error(
    `images of rank ${logicalRank(x)} and filters of rank ${logicalRank(filter)}, not 4 and 3`,
  );
}

/** What both gradient kernels take. */
function gradientInputs(
  {x, filter, dy}: Readonly<Record<'x' | 'filter' | 'dy', BatchedInput>>,
  size: number,
): Record<'x' | 'filter' | 'dy', Tensor> {
  assertRanks(x, filter);
  return {
    x: asChannels(x, 3, size),
    filter: asChannels(filter, 2, size),
    dy: asChannels(dy, 3, size),
  };
}

/** Dilation2D without its kernel. */
export function dilation2D(x: Tensor, filter: Tensor, attrs: DilationAttrs): Tensor {
  const axes = axesOf(x.shape, filter.shape, attrs);
  const windows = windowsOf(fit(x, axes, -Infinity), fitted(axes));
  const sums = add(windows, asTaps(filter));
  const maxima = run('Max', {x: sums}, {reductionIndices: [2], keepDims: false});
  return reshape(maxima, [x.shape[0]!, ...axes.map(({count}) => count), x.shape.at(-1)!]);
}

/** Its gradient in the input. */
export function dilation2DInputGradient(
  {x, filter, dy}: Readonly<Record<'x' | 'filter' | 'dy', Tensor>>,
  attrs: DilationAttrs,
): Tensor {
  const axes = axesOf(x.shape, filter.shape, attrs);
  return joinWindows(spread(dy, maskOfMaxima(x, filter, axes)), axes, x.shape);
}

/** Its gradient in the filter. */
export function dilation2DFilterGradient(
  {x, filter, dy}: Readonly<Record<'x' | 'filter' | 'dy', Tensor>>,
  attrs: DilationAttrs,
): Tensor {
  const mask = maskOfMaxima(x, filter, axesOf(x.shape, filter.shape, attrs));
  return sumOfImages(spread(dy, mask), filter.shape);
}

export const morphology = family({
  Dilation2D: {
    batch: ({x, filter}, attrs, size) => {
      assertRanks(x, filter);
      if (!filter.mapped) {
        const y = run('Dilation2D', {x: fold(x.value), filter: filter.value}, attrs);
        return reshape(y, [size, x.value.shape[1]!, ...y.shape.slice(1)]);
      }
      const y = run(
        'Dilation2D',
        {x: asChannels(x, 3, size), filter: asChannels(filter, 2, size)},
        attrs,
      );
      return unfoldFrom(y, 3, size);
    },
    jvp: ({x, filter}, tangents, attrs, y) => {
      const axes = axesOf(x.shape, filter.shape, attrs);
      const mask = maskOfMaxima(x, filter, axes);
      const terms: Tensor[] = [];
      if (tangents.x) terms.push(windowsOfTangent(tangents.x, axes));
      if (tangents.filter) terms.push(asTaps(tangents.filter));
      return seen(terms.reduce(add), mask, y.shape);
    },
    vjp: saving(['x', 'filter'], (dy, {x, filter}, attrs) => {
      const axes = axesOf(x.shape, filter.shape, attrs);
      const mask = maskOfMaxima(x, filter, axes);
      return {
        x: () => joinWindows(spread(dy, mask), axes, x.shape),
        filter: () => sumOfImages(spread(dy, mask), filter.shape),
      };
    }),
  },

  Dilation2DBackpropInput: {
    batch: (inputs, attrs, size) =>
      unfoldFrom(run('Dilation2DBackpropInput', gradientInputs(inputs, size), attrs), 3, size),
    linearIn: ['dy'],
    vjp: savingFor({dy: ['x', 'filter']}, (ct, {x, filter, dy}, attrs) => ({
      dy: () => {
        const axes = axesOf(x.shape, filter.shape, attrs);
        return seen(windowsOfTangent(ct, axes), maskOfMaxima(x, filter, axes), dy.shape);
      },
    })),
  },

  Dilation2DBackpropFilter: {
    batch: (inputs, attrs, size) =>
      unfoldFrom(run('Dilation2DBackpropFilter', gradientInputs(inputs, size), attrs), 2, size),
    linearIn: ['dy'],
    vjp: savingFor({dy: ['x', 'filter']}, (ct, {x, filter, dy}, attrs) => ({
      dy: () =>
        seen(asTaps(ct), maskOfMaxima(x, filter, axesOf(x.shape, filter.shape, attrs)), dy.shape),
    })),
  },
});
