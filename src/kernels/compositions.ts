import {
  tensor1d,
  type Conv2DBackpropFilterAttrs,
  type DenseBincountAttrs,
  type DepthwiseConv2dNativeBackpropFilterAttrs,
  type DepthwiseConv2dNativeBackpropInputAttrs,
  type EinsumAttrs,
  type UnsortedSegmentSumAttrs,
} from '@tensorflow/tfjs-core';
import {
  axesOf,
  channelsLastAttrs,
  filterGradientByConvolution,
  toChannelsLast,
} from '../rules/convolve.js';
import {
  depthwiseAxesOf,
  depthwiseFilterGradientByConvolution,
  depthwiseInputGradientByConvolution,
} from '../rules/depthwise.js';
import {product} from '../rules/dims.js';
import {einsumByProducts} from '../rules/einsum.js';
import {mul, reshape, slice, sum, where} from '../rules/ops.js';
import {run} from '../rules/rule.js';
import {transformBySamples} from '../rules/transformation.js';
import type {Composition} from './composition.js';

export const conv2DBackpropFilter: Composition<'Conv2DBackpropFilter'> = ({x, dy}, attrs) => {
  if (attrs.dataFormat === 'NCHW') {
    const inputs = {x: toChannelsLast(x), dy: toChannelsLast(dy)};
    return conv2DBackpropFilter(inputs, channelsLastAttrs<Conv2DBackpropFilterAttrs>(attrs));
  }
  return filterGradientByConvolution(x, dy, axesOf(x.shape, attrs.filterShape, attrs));
};

export const depthwiseConv2dNativeBackpropInput: Composition<
  'DepthwiseConv2dNativeBackpropInput'
> = ({dy, filter}, attrs: DepthwiseConv2dNativeBackpropInputAttrs) =>
  depthwiseInputGradientByConvolution(
    dy,
    filter,
    depthwiseAxesOf(attrs.inputShape, filter.shape, attrs),
  );

export const depthwiseConv2dNativeBackpropFilter: Composition<
  'DepthwiseConv2dNativeBackpropFilter'
> = ({x, dy}, attrs: DepthwiseConv2dNativeBackpropFilterAttrs) =>
  depthwiseFilterGradientByConvolution(
    x,
    dy,
    attrs.filterShape,
    depthwiseAxesOf(x.shape, attrs.filterShape, attrs),
  );

export const einsum: Composition<'Einsum'> = (operands, {equation}: EinsumAttrs) =>
  einsumByProducts(operands, equation);

/** Rows with an id that is negative or too large are left out, as the kernels of other backends do: they go to a row of their own. */
export const unsortedSegmentSum: Composition<'UnsortedSegmentSum'> = (
  {x, segmentIds},
  {numSegments}: UnsortedSegmentSumAttrs,
) => {
  const [rows = 1, ...rest] = x.shape;
  const isKnown = run('LogicalAnd', {
    a: run('GreaterEqual', {a: segmentIds, b: tensor1d([0], 'int32')}),
    b: run('Less', {a: segmentIds, b: tensor1d([numSegments], 'int32')}),
  });
  const nowhere = run('Fill', {}, {shape: [rows], value: numSegments, dtype: 'int32'});
  const indices = reshape(where(isKnown, segmentIds, nowhere), [rows, 1]);
  const columns = product(rest);
  const sums = run(
    'ScatterNd',
    {indices, updates: reshape(x, [rows, columns])},
    {shape: [numSegments + 1, columns]},
  );
  return reshape(slice(sums, [0, 0], [numSegments, columns]), [numSegments, ...rest]);
};

export const transform: Composition<'Transform'> = ({image, transforms}, attrs) =>
  transformBySamples(image, transforms, attrs);

/** How often each number from 0 to `size - 1` occurs in each row, weighted or not. */
export const denseBincount: Composition<'DenseBincount'> = (
  {x, weights},
  {size, binaryOutput}: DenseBincountAttrs,
) => {
  const hot = run('OneHot', {indices: x}, {depth: size, onValue: 1, offValue: 0, dtype: 'float32'});
  const axis = [x.rank - 1];
  if (binaryOutput) return run('Max', {x: hot}, {reductionIndices: axis, keepDims: false});
  if (weights.size === 0) return sum(hot, axis);
  return sum(mul(hot, reshape(weights, [...x.shape, 1])), axis);
};

/** As tfjs composes the op. */
export const logicalXor: Composition<'LogicalXor'> = ({a, b}) =>
  run('LogicalAnd', {
    a: run('LogicalOr', {a, b}),
    b: run('LogicalNot', {x: run('LogicalAnd', {a, b})}),
  });
