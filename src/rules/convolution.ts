import type {
  Conv2DAttrs,
  Conv2DBackpropFilterAttrs,
  Conv2DBackpropInputAttrs,
  Tensor,
} from '@tensorflow/tfjs-core';
import {
  axesOf,
  channelsLastAttrs,
  channelsLastShape,
  convolution,
  convolvePerExample,
  filterGradient,
  filterGradientPerExample,
  imagesToChannelsFirst,
  imagesToChannelsLast,
  infoOf,
  inputGradient,
  type ConvolutionAttrs,
} from './convolve.js';
import {
  assertOperands,
  filterGradientBatch,
  forwardBatch,
  inputGradientBatch,
  linearInBoth,
  type Convolution,
} from './convolveBatch.js';
import {family, savingFor, type BatchedInput} from './rule.js';
import {ofVolumes, undilatedVolume} from './volume.js';

const ofImages: Convolution<ConvolutionAttrs> = {
  rank: 4,
  outShape: (xShape, filterShape, attrs) => infoOf(xShape, filterShape, attrs).outShape,
  axesOf,
  forward: (x, filter, attrs) => convolution(x, filter, {dilations: 1, ...attrs}),
  inputGradient,
  filterGradient,
  forwardPerExample: convolvePerExample,
  filterGradientPerExample,
};

/** Conv2D of a batch. See NOTE [convolutions]. */
export function convolveBatch(
  x: BatchedInput,
  filter: BatchedInput,
  attrs: Conv2DAttrs,
  size: number,
): Tensor {
  if (attrs.dataFormat === 'NCHW' && filter.mapped && size > 0) {
    assertOperands(4, x);
    const y = convolveBatch(imagesToChannelsLast(x), filter, channelsLastAttrs(attrs), size);
    return imagesToChannelsFirst(y);
  }
  return forwardBatch(ofImages, x, filter, attrs, size);
}

/** Conv2DBackpropInput of a batch. */
function imageGradientBatch(
  dy: BatchedInput,
  filter: BatchedInput,
  attrs: Conv2DBackpropInputAttrs,
  size: number,
): Tensor {
  if (attrs.dataFormat === 'NCHW' && filter.mapped && size > 0) {
    assertOperands(4, dy);
    const inputShape = channelsLastShape(attrs.inputShape);
    const last = {...channelsLastAttrs(attrs), inputShape};
    return imagesToChannelsFirst(imageGradientBatch(imagesToChannelsLast(dy), filter, last, size));
  }
  return inputGradientBatch(ofImages, dy, filter, attrs.inputShape, attrs, size);
}

/** Conv2DBackpropFilter of a batch. */
function imageFilterGradientBatch(
  x: BatchedInput,
  dy: BatchedInput,
  attrs: Conv2DBackpropFilterAttrs,
  size: number,
): Tensor {
  if (attrs.dataFormat === 'NCHW') {
    assertOperands(4, x, dy);
    const [images, cotangents] = [x, dy].map(imagesToChannelsLast) as [BatchedInput, BatchedInput];
    return imageFilterGradientBatch(images, cotangents, channelsLastAttrs(attrs), size);
  }
  return filterGradientBatch(ofImages, x, dy, attrs.filterShape, attrs, size);
}

export const convolutions = family({
  Conv2D: {
    batch: ({x, filter}, attrs, size) => convolveBatch(x, filter, attrs, size),
    jvp: linearInBoth(['x', 'filter'], ({x, filter}, attrs) => convolution(x, filter, attrs)),
    vjp: savingFor({x: ['filter'], filter: ['x']}, (dy, {x, filter}, attrs) => ({
      x: () => inputGradient(dy, filter, x.shape, attrs),
      filter: () => filterGradient(x, dy, filter.shape, attrs),
    })),
  },

  Conv2DBackpropInput: {
    batch: ({dy, filter}, attrs, size) => imageGradientBatch(dy, filter, attrs, size),
    jvp: linearInBoth(['dy', 'filter'], ({dy, filter}, attrs) =>
      inputGradient(dy, filter, attrs.inputShape, attrs),
    ),
    vjp: savingFor({dy: ['filter'], filter: ['dy']}, (ct, {dy, filter}, attrs) => ({
      dy: () => convolution(ct, filter, undilated(attrs)),
      filter: () => filterGradient(ct, dy, filter.shape, attrs),
    })),
  },

  Conv2DBackpropFilter: {
    batch: ({x, dy}, attrs, size) => imageFilterGradientBatch(x, dy, attrs, size),
    jvp: linearInBoth(['x', 'dy'], ({x, dy}, attrs) =>
      filterGradient(x, dy, attrs.filterShape, attrs),
    ),
    vjp: savingFor({x: ['dy'], dy: ['x']}, (ct, {x, dy}, attrs) => ({
      x: () => inputGradient(dy, ct, x.shape, attrs),
      dy: () => convolution(x, ct, undilated(attrs)),
    })),
  },

  Conv3D: {
    batch: ({x, filter}, attrs, size) => forwardBatch(ofVolumes, x, filter, attrs, size),
    jvp: linearInBoth(['x', 'filter'], ({x, filter}, attrs) => ofVolumes.forward(x, filter, attrs)),
    vjp: savingFor({x: ['filter'], filter: ['x']}, (dy, {x, filter}, attrs) => ({
      x: () => ofVolumes.inputGradient(dy, filter, x.shape, attrs),
      filter: () => ofVolumes.filterGradient(x, dy, filter.shape, attrs),
    })),
  },

  Conv3DBackpropInputV2: {
    batch: ({dy, filter}, attrs, size) =>
      inputGradientBatch(ofVolumes, dy, filter, attrs.inputShape, attrs, size),
    jvp: linearInBoth(['dy', 'filter'], ({dy, filter}, attrs) =>
      ofVolumes.inputGradient(dy, filter, attrs.inputShape, attrs),
    ),
    vjp: savingFor({dy: ['filter'], filter: ['dy']}, (ct, {dy, filter}, attrs) => ({
      dy: () => ofVolumes.forward(ct, filter, undilatedVolume(attrs)),
      filter: () => ofVolumes.filterGradient(ct, dy, filter.shape, attrs),
    })),
  },

  Conv3DBackpropFilterV2: {
    batch: ({x, dy}, attrs, size) =>
      filterGradientBatch(ofVolumes, x, dy, attrs.filterShape, attrs, size),
    jvp: linearInBoth(['x', 'dy'], ({x, dy}, attrs) =>
      ofVolumes.filterGradient(x, dy, attrs.filterShape, attrs),
    ),
    vjp: savingFor({x: ['dy'], dy: ['x']}, (ct, {x, dy}, attrs) => ({
      x: () => ofVolumes.inputGradient(dy, ct, x.shape, attrs),
      dy: () => ofVolumes.forward(x, ct, undilatedVolume(attrs)),
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
