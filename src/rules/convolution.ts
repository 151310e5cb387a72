import type {
  Conv2DAttrs,
  Conv2DBackpropFilterAttrs,
  Conv2DBackpropInputAttrs,
  Tensor,
} from '@tensorflow/tfjs-core';
import {
  assertCotangent,
  assertImages,
  axesOf,
  channelsLastAttrs,
  channelsLastShape,
  convolution,
  convolvePerExample,
  filterGradient,
  filterGradientPerExample,
  infoOf,
  inputGradient,
  spreadForInput,
  toChannelsLast,
  transposedAxes,
} from './convolve.js';
import {fold, foldInto, logicalShape, unfold, unfoldFrom} from './dims.js';
import {transpose, zeros} from './ops.js';
import {family, run, savingFor, type BatchedInput} from './rule.js';
import {reverseAxes} from './slicing.js';
import {fit, fitted, isFitted, type SlidingAxis} from './windows.js';

const imagesToChannelsLast = ({value, mapped}: BatchedInput): BatchedInput => ({
  value: mapped ? transpose(value, [0, 1, 3, 4, 2]) : toChannelsLast(value),
  mapped,
});

const imagesToChannelsFirst = (value: Tensor): Tensor => transpose(value, [0, 1, 4, 2, 3]);

/** What the windows cover of `[B, N, H, W, C]`. */
const fitBatch = (x: Tensor, axes: readonly SlidingAxis[]): Tensor =>
  isFitted(axes) ? x : fit(fold(x), axes);

/** Conv2D of a batch. See NOTE [convolutions]. */
export function convolveBatch(
  x: BatchedInput,
  filter: BatchedInput,
  attrs: Conv2DAttrs,
  size: number,
): Tensor {
  assertImages(x, filter);
  if (size === 0) {
    // TensorFlow's kernel gives an empty batch a wrong shape.
    return zeros([0, ...infoOf(logicalShape(x), logicalShape(filter), attrs).outShape]);
  }
  if (!filter.mapped) {
    return unfold(convolution(fold(x.value), filter.value, attrs), size);
  }
  if (attrs.dataFormat === 'NCHW') {
    const y = convolveBatch(imagesToChannelsLast(x), filter, channelsLastAttrs(attrs), size);
    return imagesToChannelsFirst(y);
  }
  if (!x.mapped) {
    const y = run('Conv2D', {x: x.value, filter: foldInto(filter.value, 3)}, attrs);
    return unfoldFrom(y, 3, size);
  }
  const axes = axesOf(x.value.shape.slice(1), filter.value.shape.slice(1), attrs);
  return convolvePerExample(fitBatch(x.value, axes), filter.value, fitted(axes));
}

/** Conv2DBackpropInput of a batch. */
function inputGradientBatch(
  dy: BatchedInput,
  filter: BatchedInput,
  attrs: Conv2DBackpropInputAttrs,
  size: number,
): Tensor {
  assertImages(dy, filter);
  assertCotangent(dy, infoOf(attrs.inputShape, logicalShape(filter), attrs).outShape);
  if (size === 0) return zeros([0, ...attrs.inputShape]);
  const [n, ...image] = attrs.inputShape;
  if (!filter.mapped) {
    const dx = inputGradient(fold(dy.value), filter.value, [size * n, ...image], attrs);
    return unfold(dx, size);
  }
  if (attrs.dataFormat === 'NCHW') {
    const inputShape = channelsLastShape(attrs.inputShape);
    const last = {...channelsLastAttrs(attrs), inputShape};
    return imagesToChannelsFirst(inputGradientBatch(imagesToChannelsLast(dy), filter, last, size));
  }
  if (!dy.mapped) {
    const [height, width, channels] = image;
    const inputShape = [n, height, width, channels * size];
    return unfoldFrom(
      inputGradient(dy.value, foldInto(filter.value, 2), inputShape, attrs),
      3,
      size,
    );
  }
  const axes = axesOf(attrs.inputShape, filter.value.shape.slice(1), attrs);
  const spread = spreadForInput(fold(dy.value), axes);
  return convolvePerExample(spread, flippedPerExample(filter.value), transposedAxes(axes));
}

const flippedPerExample = (filters: Tensor): Tensor =>
  transpose(reverseAxes(filters, [1, 2]), [0, 1, 2, 4, 3]);

/** Conv2DBackpropFilter of a batch. */
function filterGradientBatch(
  x: BatchedInput,
  dy: BatchedInput,
  attrs: Conv2DBackpropFilterAttrs,
  size: number,
): Tensor {
  assertImages(x, dy);
  assertCotangent(dy, infoOf(logicalShape(x), attrs.filterShape, attrs).outShape);
  if (size === 0) return zeros([0, ...attrs.filterShape]);
  if (attrs.dataFormat === 'NCHW') {
    const [images, cotangents] = [x, dy].map(imagesToChannelsLast) as [BatchedInput, BatchedInput];
    return filterGradientBatch(images, cotangents, channelsLastAttrs(attrs), size);
  }
  const {filterShape} = attrs;
  const [kh, kw, channels, outputs] = filterShape;
  if (!dy.mapped) {
    const shape = [kh, kw, channels * size, outputs];
    return unfoldFrom(filterGradient(foldInto(x.value, 3), dy.value, shape, attrs), 2, size);
  }
  if (!x.mapped) {
    const shape = [kh, kw, channels, outputs * size];
    return unfoldFrom(filterGradient(x.value, foldInto(dy.value, 3), shape, attrs), 3, size);
  }
  const axes = axesOf(x.value.shape.slice(1), filterShape, attrs);
  return filterGradientPerExample(fitBatch(x.value, axes), dy.value, fitted(axes));
}

export const convolutions = family({
  Conv2D: {
    batch: ({x, filter}, attrs, size) => convolveBatch(x, filter, attrs, size),
    linearIn: ['x', 'filter'],
    vjp: savingFor({x: ['filter'], filter: ['x']}, (dy, {x, filter}, attrs) => ({
      x: () => inputGradient(dy, filter, x.shape, attrs),
      filter: () => filterGradient(x, dy, filter.shape, attrs),
    })),
  },

  Conv2DBackpropInput: {
    batch: ({dy, filter}, attrs, size) => inputGradientBatch(dy, filter, attrs, size),
    linearIn: ['dy', 'filter'],
    vjp: savingFor({dy: ['filter'], filter: ['dy']}, (ct, {dy, filter}, attrs) => ({
      dy: () => convolution(ct, filter, undilated(attrs)),
      filter: () => filterGradient(ct, dy, filter.shape, attrs),
    })),
  },

  Conv2DBackpropFilter: {
    batch: ({x, dy}, attrs, size) => filterGradientBatch(x, dy, attrs, size),
    linearIn: ['x', 'dy'],
    vjp: savingFor({x: ['dy'], dy: ['x']}, (ct, {x, dy}, attrs) => ({
      x: () => inputGradient(dy, ct, x.shape, attrs),
      dy: () => convolution(x, ct, undilated(attrs)),
    })),
  },
});

function undilated({
  strides,
  pad,
  dataFormat,
  dimRoundingMode,
}: Conv2DBackpropInputAttrs | Conv2DBackpropFilterAttrs): Conv2DAttrs {
  return {strides, pad, dataFormat, dimRoundingMode, dilations: 1};
}
