import {backend_util, type Conv2DAttrs, type Tensor} from '@tensorflow/tfjs-core';
import {flippedFilter} from './convolveBatch.js';
import {matMul} from './matmul.js';
import {reshape, transpose} from './ops.js';
import {run, type BatchedInput} from './rule.js';
import {isTraced, strategy} from './strategy.js';
import {
  countOf,
  coveredShape,
  exchangedAxes,
  fit,
  slidingAxes,
  spreadForInput,
  transposedAxes,
  unfit,
  windowSizeOf,
  windowsOf,
  type SlidingAxis,
} from './windows.js';

/**
 * NOTE [convolutions]
 * Conv2D is linear in x and in the filter; its gradient kernels are its transposes in one and in the other, so the three are each
 * other's derivatives. Each folds a mapped input into a dimension that it has already: x and dy into N, the filter into its output
 * or input channels. Only where both inputs are mapped does every example need a convolution of its own.
 *
 * Both transposes are convolutions of rearranged operands, too: with respect to x, of dy with the flipped filter, its channels
 * exchanged; with respect to the filter, of x with dy as the filter, where N takes the place of the input channels, and strides and
 * dilations are exchanged.
 */
export type Shape4D = [number, number, number, number];
type Padding = Conv2DAttrs['pad'];

/** Attributes of a convolution; its gradient kernels have no dilations. */
export interface ConvolutionAttrs extends Omit<Conv2DAttrs, 'dilations'> {
  readonly dilations?: [number, number] | number;
}

export const shape4D = (shape: readonly number[]): Shape4D => [...shape] as Shape4D;

export function infoOf(
  xShape: readonly number[],
  filterShape: readonly number[],
  {strides, dilations, pad, dimRoundingMode, dataFormat}: ConvolutionAttrs,
  isDepthwise = false,
): backend_util.Conv2DInfo {
  return backend_util.computeConv2DInfo(
    shape4D(xShape),
    shape4D(filterShape),
    strides,
    // tf.layers.depthwiseConv2d passes null where it has none.
    dilations ?? 1,
    pad,
    dimRoundingMode,
    isDepthwise,
    backend_util.convertConv2DDataFormat(dataFormat),
  );
}

export const axesOf = (
  xShape: readonly number[],
  filterShape: readonly number[],
  attrs: ConvolutionAttrs,
): SlidingAxis[] => slidingAxes(infoOf(xShape, filterShape, attrs));

/** Conv2D in any format: by way of NHWC where the backend takes no other. */
export function convolution(x: Tensor, filter: Tensor, attrs: Conv2DAttrs): Tensor {
  if (attrs.dataFormat === 'NHWC' || strategy().convolvesChannelsFirst) {
    return run('Conv2D', {x, filter}, attrs);
  }
  return toChannelsFirst(run('Conv2D', {x: toChannelsLast(x), filter}, channelsLastAttrs(attrs)));
}

export const pairOf = (
  axes: readonly SlidingAxis[],
  what: 'stride' | 'dilation',
): [number, number] => [axes[0]![what], axes[1]![what]];

export const isDilated = (axes: readonly SlidingAxis[]): boolean =>
  axes.some(({dilation, window}) => dilation > 1 && window > 1);

/** A convolution whose windows cover the input exactly. */
export const convolve = (x: Tensor, filter: Tensor, axes: readonly SlidingAxis[]): Tensor =>
  run(
    'Conv2D',
    {x, filter},
    {
      strides: pairOf(axes, 'stride'),
      pad: 'valid',
      dataFormat: 'NHWC',
      dilations: pairOf(axes, 'dilation'),
    },
  );

export const toChannelsLast = (x: Tensor): Tensor => transpose(x, [0, 2, 3, 1]);
export const toChannelsFirst = (x: Tensor): Tensor => transpose(x, [0, 3, 1, 2]);

/** The same for images with a batch dimension in front. */
export const imagesToChannelsLast = ({value, mapped}: BatchedInput): BatchedInput => ({
  value: mapped ? transpose(value, [0, 1, 3, 4, 2]) : toChannelsLast(value),
  mapped,
});

export const imagesToChannelsFirst = (value: Tensor): Tensor => transpose(value, [0, 1, 4, 2, 3]);

function channelsLastPadding(pad: Padding): Padding {
  return typeof pad === 'object' ? [pad[0], pad[2], pad[3], pad[1]] : pad;
}

export const channelsLastShape = ([n, channels, height, width]: Shape4D): Shape4D => [
  n,
  height,
  width,
  channels,
];

export const channelsLastAttrs = <Attrs extends ConvolutionAttrs>(attrs: Attrs): Attrs => ({
  ...attrs,
  dataFormat: 'NHWC',
  pad: channelsLastPadding(attrs.pad),
});

/** Whether the gradient kernels pad by themselves, or are to get what the windows cover. */
export const padsInKernel = ({pad}: {readonly pad: Padding}): boolean =>
  typeof pad === 'string' || strategy().padsGradients;

/** Whether a gradient is to be computed by its kernel: they all ignore dilations, or throw. */
export const usesKernel = (axes: readonly SlidingAxis[], ...inputs: Tensor[]): boolean =>
  !isDilated(axes) && (isTraced(...inputs) || strategy().convolutionGradients === 'kernel');

/** The transpose of a convolution in its input: a cotangent of shape `inputShape`. */
export function inputGradient(
  dy: Tensor,
  filter: Tensor,
  inputShape: readonly number[],
  attrs: ConvolutionAttrs,
): Tensor {
  const axes = axesOf(inputShape, filter.shape, attrs);
  const byKernel = usesKernel(axes, dy, filter);
  if (attrs.dataFormat === 'NCHW' && !(byKernel && strategy().convolvesChannelsFirst)) {
    const shape = channelsLastShape(shape4D(inputShape));
    const dx = inputGradient(toChannelsLast(dy), filter, shape, channelsLastAttrs(attrs));
    return toChannelsFirst(dx);
  }
  if (!byKernel) return inputGradientByConvolution(dy, filter, axes);
  const {strides, pad, dataFormat, dimRoundingMode} = attrs;
  if (padsInKernel(attrs)) {
    const kernelAttrs = {
      strides,
      pad,
      dataFormat,
      dimRoundingMode,
      inputShape: shape4D(inputShape),
    };
    return run('Conv2DBackpropInput', {dy, filter}, kernelAttrs);
  }
  const covered = shape4D(coveredShape(inputShape, axes));
  const kernelAttrs = {strides, pad: 'valid' as const, dataFormat, inputShape: covered};
  return unfit(run('Conv2DBackpropInput', {dy, filter}, kernelAttrs), axes);
}

/** The transpose in the input as a convolution of `dy`, all in NHWC. */
const inputGradientByConvolution = (
  dy: Tensor,
  filter: Tensor,
  axes: readonly SlidingAxis[],
): Tensor => convolve(spreadForInput(dy, axes), flippedFilter(filter), transposedAxes(axes));

/** The transpose of a convolution in its filter: a cotangent of shape `filterShape`. */
export function filterGradient(
  x: Tensor,
  dy: Tensor,
  filterShape: readonly number[],
  attrs: ConvolutionAttrs,
): Tensor {
  const axes = axesOf(x.shape, filterShape, attrs);
  const byKernel = usesKernel(axes, x, dy);
  if (attrs.dataFormat === 'NCHW' && !(byKernel && strategy().convolvesChannelsFirst)) {
    return filterGradient(
      toChannelsLast(x),
      toChannelsLast(dy),
      filterShape,
      channelsLastAttrs(attrs),
    );
  }
  if (!byKernel) return filterGradientByConvolution(x, dy, axes);
  const {strides, pad, dataFormat, dimRoundingMode} = attrs;
  const shape = shape4D(filterShape);
  if (padsInKernel(attrs)) {
    const kernelAttrs = {strides, pad, dataFormat, dimRoundingMode, filterShape: shape};
    return run('Conv2DBackpropFilter', {x, dy}, kernelAttrs);
  }
  const kernelAttrs = {strides, pad: 'valid' as const, dataFormat, filterShape: shape};
  return run('Conv2DBackpropFilter', {x: fit(x, axes), dy}, kernelAttrs);
}

/** The transpose in the filter as a convolution of `x`, all in NHWC. */
export function filterGradientByConvolution(
  x: Tensor,
  dy: Tensor,
  axes: readonly SlidingAxis[],
): Tensor {
  const images = transpose(fit(x, axes), [3, 1, 2, 0]);
  const gradient = convolve(images, transpose(dy, [1, 2, 0, 3]), exchangedAxes(axes));
  return transpose(gradient, [1, 2, 0, 3]);
}

/**
 * A convolution per example: `[B, N, H, W, C]` or `[B·N, H, W, C]`, fitted to the windows, by `[B, kh, kw, C, F]` gives
 * `[B, N, H', W', F]`.
 */
export function convolvePerExample(
  x: Tensor,
  filter: Tensor,
  axes: readonly SlidingAxis[],
): Tensor {
  const [size = 1, ...filterShape] = filter.shape;
  const [rows, columns, channels] = x.shape.slice(-3) as [number, number, number];
  const n = x.size / (size * rows * columns * channels);
  const outputs = filterShape.at(-1)!;
  const taps = filter.size / (size * outputs);
  const windows = windowsOf(x, axes, [size, n * countOf(axes), taps]);
  const y = matMul(windows, reshape(filter, [size, taps, outputs]));
  return reshape(y, [size, n, ...axes.map(({count}) => count), outputs]);
}

/**
 * The gradient of each example's filter: `[B, N, H, W, C]` or `[B·N, H, W, C]`, fitted to the windows, and `[B, N, H', W', F]` give
 * `[B, kh, kw, C, F]`.
 */
export function filterGradientPerExample(
  x: Tensor,
  dy: Tensor,
  axes: readonly SlidingAxis[],
): Tensor {
  const [size = 1, n = 1] = dy.shape;
  const channels = x.shape.at(-1)!;
  const outputs = dy.shape.at(-1)!;
  const positions = n * countOf(axes);
  const windows = windowsOf(x, axes, [size, positions, windowSizeOf(axes) * channels]);
  const gradient = matMul(windows, reshape(dy, [size, positions, outputs]), true);
  return reshape(gradient, [size, ...axes.map(({window}) => window), channels, outputs]);
}
