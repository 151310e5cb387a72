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
  convolvePerExample,
  filterGradient,
  filterGradientPerExample,
  flipped,
  inputGradient,
  spreadForInput,
  toChannelsLast,
  transposedAxes,
} from './convolve.js';
import {fold, foldInto, unfold, unfoldFrom} from './dims.js';
import {
  batchedEpilogue,
  beforeActivation,
  epilogueCotangents,
  epilogueTangent,
  once,
} from './fused.js';
import {transpose} from './ops.js';
import {family, run, savingFor, savingOutput, type BatchedInput} from './rule.js';
import {fit, fitted} from './windows.js';

const imagesToChannelsLast = ({value, mapped}: BatchedInput): BatchedInput => ({
  value: mapped ? transpose(value, [0, 1, 3, 4, 2]) : toChannelsLast(value),
  mapped,
});

const imagesToChannelsFirst = (value: Tensor): Tensor => transpose(value, [0, 1, 4, 2, 3]);

/** Conv2D of a batch. See NOTE [convolutions]. */
function convolveBatch(
  x: BatchedInput,
  filter: BatchedInput,
  attrs: Conv2DAttrs,
  size: number,
): Tensor {
  if (!filter.mapped) {
    return unfold(run('Conv2D', {x: fold(x.value), filter: filter.value}, attrs), size);
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
  const covered = unfold(fit(fold(x.value), axes), size);
  return convolvePerExample(covered, filter.value, fitted(axes));
}

/** Conv2DBackpropInput of a batch. */
function inputGradientBatch(
  dy: BatchedInput,
  filter: BatchedInput,
  attrs: Conv2DBackpropInputAttrs,
  size: number,
): Tensor {
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
    return unfoldFrom(inputGradient(dy.value, foldInto(filter.value, 2), inputShape, attrs), 3, size);
  }
  const axes = axesOf(attrs.inputShape, filter.value.shape.slice(1), attrs);
  const spread = unfold(spreadForInput(fold(dy.value), axes), size);
  return convolvePerExample(spread, flippedPerExample(filter.value), transposedAxes(axes));
}

function flippedPerExample(filters: Tensor): Tensor {
  const turned = run('Reverse', {x: filters}, {dims: [1, 2]});
  return transpose(turned, [0, 1, 2, 4, 3]);
}

/** Conv2DBackpropFilter of a batch. */
function filterGradientBatch(
  x: BatchedInput,
  dy: BatchedInput,
  attrs: Conv2DBackpropFilterAttrs,
  size: number,
): Tensor {
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
  const covered = unfold(fit(fold(x.value), axes), size);
  return filterGradientPerExample(covered, dy.value, fitted(axes));
}

export const convolution = family({
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
      dy: () => run('Conv2D', {x: ct, filter}, undilated(attrs)),
      filter: () => filterGradient(ct, dy, filter.shape, attrs),
    })),
  },

  Conv2DBackpropFilter: {
    batch: ({x, dy}, attrs, size) => filterGradientBatch(x, dy, attrs, size),
    linearIn: ['x', 'dy'],
    vjp: savingFor({x: ['dy'], dy: ['x']}, (ct, {x, dy}, attrs) => ({
      x: () => inputGradient(dy, ct, x.shape, attrs),
      dy: () => run('Conv2D', {x, filter: ct}, undilated(attrs)),
    })),
  },

  FusedConv2D: {
    batch: ({x, filter, bias, preluActivationWeights: weights}, attrs, size) => {
      // Examples are more images where all else is the same for all images.
      const isShared = (input: BatchedInput | undefined): boolean =>
        input === undefined || (!input.mapped && (input.value.rank < 4 || input.value.shape[0] === 1));
      if (!filter.mapped && isShared(bias) && isShared(weights)) {
        const inputs = {
          x: fold(x.value),
          filter: filter.value,
          bias: bias?.value,
          preluActivationWeights: weights?.value,
        };
        return unfold(run('FusedConv2D', inputs, attrs), size);
      }
      const isMapped = x.mapped || filter.mapped;
      const product = isMapped
        ? convolveBatch(x, filter, attrs, size)
        : run('Conv2D', {x: x.value, filter: filter.value}, attrs);
      return batchedEpilogue({value: product, mapped: isMapped}, bias, weights, attrs, size);
    },
    jvp: ({x, filter, bias, preluActivationWeights: weights}, tangents, attrs, output) => {
      const terms: Tensor[] = [];
      if (tangents.x) terms.push(run('Conv2D', {x: tangents.x, filter}, attrs));
      if (tangents.filter) terms.push(run('Conv2D', {x, filter: tangents.filter}, attrs));
      if (tangents.bias) terms.push(tangents.bias);
      const before = (): Tensor => beforeActivation(run('Conv2D', {x, filter}, attrs), bias);
      const epilogue = {before, output, weights, attrs};
      return epilogueTangent(terms, tangents.preluActivationWeights, epilogue);
    },
    vjp: savingOutput(['x', 'filter', 'bias', 'preluActivationWeights'], (dy, residuals, attrs) => {
      const {x, filter, bias, preluActivationWeights: weights, output} = residuals;
      const before = once(() => beforeActivation(run('Conv2D', {x, filter}, attrs), bias));
      const epilogue = epilogueCotangents(dy, {before, output, weights, bias, attrs});
      return {
        x: () => inputGradient(epilogue.product(), filter, x.shape, attrs),
        filter: () => filterGradient(x, epilogue.product(), filter.shape, attrs),
        bias: epilogue.bias,
        preluActivationWeights: epilogue.weights,
      };
    }),
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
