import {
  type backend_util,
  type DepthwiseConv2dNativeAttrs,
  type Tensor,
} from '@tensorflow/tfjs-core';
import {
  channelsLastAttrs,
  channelsLastShape,
  imagesToChannelsFirst,
  imagesToChannelsLast,
  infoOf as convolutionInfo,
  padsInKernel,
  pairOf,
  shape4D,
  toChannelsFirst,
  toChannelsLast,
  usesKernel,
} from './convolve.js';
import {assertCotangent, assertOperands, linearInBoth} from './convolveBatch.js';
import {fold, foldInto, logicalShape, materialize, moveDim, unfold, unfoldFrom} from './dims.js';
import {reshape, sum, transpose, zeros} from './ops.js';
import {family, run, savingFor, type BatchedInput} from './rule.js';
import {reverseAxes} from './slicing.js';
import {
  coveredShape,
  fit,
  slidingAxes,
  spreadForInput,
  unfit,
  type SlidingAxis,
} from './windows.js';

/**
 * NOTE [depthwise]
 * Each channel has filters of its own, `multiplier` many, whose results are neighbouring output channels. So a batch of filters is
 * more channels, and this kernel and its two gradients batch without a copy of the computation.
 */
interface DepthwiseAttrs extends Omit<DepthwiseConv2dNativeAttrs, 'dataFormat' | 'dilations'> {
  readonly dilations?: [number, number] | number;
}

/** The kernels take every image for NHWC, whatever `dataFormat` says. */
const infoOf = (
  xShape: readonly number[],
  filterShape: readonly number[],
  attrs: DepthwiseAttrs,
): backend_util.Conv2DInfo =>
  convolutionInfo(xShape, filterShape, {...attrs, dataFormat: 'NHWC'}, true);

export const depthwiseAxesOf = (
  xShape: readonly number[],
  filterShape: readonly number[],
  attrs: DepthwiseAttrs,
): SlidingAxis[] => slidingAxes(infoOf(xShape, filterShape, attrs));

const depthwise = (
  x: Tensor,
  filter: Tensor,
  strides: [number, number],
  dilations: [number, number],
): Tensor =>
  run('DepthwiseConv2dNative', {x, filter}, {strides, pad: 'valid', dataFormat: 'NHWC', dilations});

/** The attributes of a gradient kernel, which pads by itself or gets what the windows cover. */
function kernelAttrs({strides, pad, dimRoundingMode}: DepthwiseAttrs, padded: boolean) {
  const dilations: [number, number] = [1, 1];
  return padded
    ? {strides, pad, dimRoundingMode, dilations}
    : {strides, pad: 'valid' as const, dilations};
}

/** The transpose of a depthwise convolution in its input. */
export function depthwiseInputGradient(
  dy: Tensor,
  filter: Tensor,
  inputShape: readonly number[],
  attrs: DepthwiseAttrs,
): Tensor {
  const axes = depthwiseAxesOf(inputShape, filter.shape, attrs);
  if (usesKernel(axes, dy, filter)) {
    const padded = padsInKernel(attrs);
    const shape = padded ? inputShape : coveredShape(inputShape, axes);
    const dx = run(
      'DepthwiseConv2dNativeBackpropInput',
      {dy, filter},
      {...kernelAttrs(attrs, padded), inputShape: shape4D(shape)},
    );
    return padded ? dx : unfit(dx, axes);
  }
  return depthwiseInputGradientByConvolution(dy, filter, axes);
}

/** The transpose in the input as a depthwise convolution of `dy`. */
export function depthwiseInputGradientByConvolution(
  dy: Tensor,
  filter: Tensor,
  axes: readonly SlidingAxis[],
): Tensor {
  const [height = 1, width = 1, channels = 1, multiplier = 1] = filter.shape;
  const turned = reverseAxes(filter, [0, 1]);
  const single = reshape(turned, [height, width, channels * multiplier, 1]);
  const dx = depthwise(spreadForInput(dy, axes), single, [1, 1], pairOf(axes, 'dilation'));
  if (multiplier === 1) return dx;
  const total = sum(reshape(dx, [dx.size / multiplier, multiplier]), [1]);
  return reshape(total, [...dx.shape.slice(0, -1), channels]);
}

/** The transpose of a depthwise convolution in its filter. */
export function depthwiseFilterGradient(
  x: Tensor,
  dy: Tensor,
  filterShape: readonly number[],
  attrs: DepthwiseAttrs,
): Tensor {
  const axes = depthwiseAxesOf(x.shape, filterShape, attrs);
  if (usesKernel(axes, x, dy)) {
    const padded = padsInKernel(attrs);
    return run(
      'DepthwiseConv2dNativeBackpropFilter',
      {x: padded ? x : fit(x, axes), dy},
      {...kernelAttrs(attrs, padded), filterShape: shape4D(filterShape)},
    );
  }
  return depthwiseFilterGradientByConvolution(x, dy, filterShape, axes);
}

/** The transpose in the filter as a depthwise convolution of x with dy as the filter, strides and dilations exchanged. */
export function depthwiseFilterGradientByConvolution(
  x: Tensor,
  dy: Tensor,
  filterShape: readonly number[],
  axes: readonly SlidingAxis[],
): Tensor {
  const [height = 1, width = 1, channels = 1, multiplier = 1] = filterShape;
  const covered = fit(x, axes);
  const [n = 1, rows = 1, columns = 1] = covered.shape;
  const [, rowsOut = 1, columnsOut = 1] = dy.shape;
  const image = reshape(transpose(covered, [1, 2, 0, 3]), [1, rows, columns, n * channels]);
  const filter = reshape(transpose(dy, [1, 2, 0, 3]), [
    rowsOut,
    columnsOut,
    n * channels,
    multiplier,
  ]);
  const perImage = depthwise(image, filter, pairOf(axes, 'dilation'), pairOf(axes, 'stride'));
  const separate = reshape(perImage, [height * width, n, channels * multiplier]);
  return reshape(sum(separate, [1]), filterShape);
}

/** `[B, N, H, W, C]` to `[N, H, W, B·C]`, a copy per example where it was not mapped. */
const joinChannels = (image: BatchedInput, size: number): Tensor =>
  foldInto(materialize(image, size), 3);

/** DepthwiseConv2dNative of a batch. See NOTE [depthwise]. */
export function depthwiseBatch(
  x: BatchedInput,
  filter: BatchedInput,
  attrs: DepthwiseConv2dNativeAttrs,
  size: number,
): Tensor {
  assertOperands(4, x, filter);
  if (attrs.dataFormat === 'NCHW') {
    const y = depthwiseBatch(imagesToChannelsLast(x), filter, channelsLastAttrs(attrs), size);
    return imagesToChannelsFirst(y);
  }
  if (size === 0) {
    // TensorFlow's kernel gives an empty batch a wrong shape.
    return zeros([0, ...infoOf(logicalShape(x), logicalShape(filter), attrs).outShape]);
  }
  if (!filter.mapped) {
    return unfold(
      run('DepthwiseConv2dNative', {x: fold(x.value), filter: filter.value}, attrs),
      size,
    );
  }
  if (x.mapped) {
    const inputs = {x: foldInto(x.value, 3), filter: foldInto(filter.value, 2)};
    return unfoldFrom(run('DepthwiseConv2dNative', inputs, attrs), 3, size);
  }
  const multiplier = filter.value.shape.at(-1)!;
  const inputs = {x: x.value, filter: foldInto(filter.value, 3)};
  return separateMultiples(run('DepthwiseConv2dNative', inputs, attrs), multiplier, size);
}

/** `[N, H, W, C·B·multiplier]` to `[B, N, H, W, C·multiplier]`. */
function separateMultiples(y: Tensor, multiplier: number, size: number): Tensor {
  const [n = 1, height = 1, width = 1, outputs = 1] = y.shape;
  const pixels = n * height * width;
  const channels = outputs / (size * multiplier);
  const separate = reshape(y, [pixels * channels, size, multiplier]);
  return reshape(moveDim(separate, 1, 0), [size, n, height, width, channels * multiplier]);
}

/** Undoes `separateMultiples`. */
function joinMultiples(dy: Tensor, channels: number): Tensor {
  const [size = 1, n = 1, height = 1, width = 1, outputs = 1] = dy.shape;
  const multiplier = outputs / channels;
  const separate = reshape(dy, [size, n * height * width * channels, multiplier]);
  return reshape(moveDim(separate, 0, 1), [n, height, width, channels * size * multiplier]);
}

export const depthwiseConvolutions = family({
  DepthwiseConv2dNative: {
    batch: ({x, filter}, attrs, size) => depthwiseBatch(x, filter, attrs, size),
    linearIn: ['x', 'filter'],
    vjp: savingFor({x: ['filter'], filter: ['x']}, (dy, {x, filter}, attrs) => {
      if (attrs.dataFormat !== 'NCHW') {
        return {
          x: () => depthwiseInputGradient(dy, filter, x.shape, attrs),
          filter: () => depthwiseFilterGradient(x, dy, filter.shape, attrs),
        };
      }
      const last = channelsLastAttrs(attrs);
      const shape = channelsLastShape(shape4D(x.shape));
      const ct = (): Tensor => toChannelsLast(dy);
      return {
        x: () => toChannelsFirst(depthwiseInputGradient(ct(), filter, shape, last)),
        filter: () => depthwiseFilterGradient(toChannelsLast(x), ct(), filter.shape, last),
      };
    }),
  },

  DepthwiseConv2dNativeBackpropInput: {
    batch: ({dy, filter}, attrs, size) => {
      assertOperands(4, dy, filter);
      assertCotangent(dy, infoOf(attrs.inputShape, logicalShape(filter), attrs).outShape);
      if (size === 0) return zeros([0, ...attrs.inputShape]);
      const [n, height, width, channels] = attrs.inputShape;
      if (!filter.mapped) {
        const inputShape = [size * n, height, width, channels];
        return unfold(
          depthwiseInputGradient(fold(dy.value), filter.value, inputShape, attrs),
          size,
        );
      }
      const dx = depthwiseInputGradient(
        joinChannels(dy, size),
        foldInto(filter.value, 2),
        [n, height, width, size * channels],
        attrs,
      );
      return unfoldFrom(dx, 3, size);
    },
    jvp: linearInBoth(['dy', 'filter'], ({dy, filter}, attrs) =>
      depthwiseInputGradient(dy, filter, attrs.inputShape, attrs),
    ),
    vjp: savingFor({dy: ['filter'], filter: ['dy']}, (ct, {dy, filter}, attrs) => ({
      dy: () => run('DepthwiseConv2dNative', {x: ct, filter}, channelsLast(attrs)),
      filter: () => depthwiseFilterGradient(ct, dy, filter.shape, attrs),
    })),
  },

  DepthwiseConv2dNativeBackpropFilter: {
    batch: ({x, dy}, attrs, size) => {
      assertOperands(4, x, dy);
      assertCotangent(dy, infoOf(logicalShape(x), attrs.filterShape, attrs).outShape);
      const {filterShape} = attrs;
      if (size === 0) return zeros([0, ...filterShape]);
      const [height, width, channels, multiplier] = filterShape;
      if (!x.mapped) {
        const shape = [height, width, channels, size * multiplier];
        const joined = joinMultiples(dy.value, channels);
        return unfoldFrom(depthwiseFilterGradient(x.value, joined, shape, attrs), 3, size);
      }
      const shape = [height, width, size * channels, multiplier];
      const gradient = depthwiseFilterGradient(
        foldInto(x.value, 3),
        joinChannels(dy, size),
        shape,
        attrs,
      );
      return unfoldFrom(gradient, 2, size);
    },
    jvp: linearInBoth(['x', 'dy'], ({x, dy}, attrs) =>
      depthwiseFilterGradient(x, dy, attrs.filterShape, attrs),
    ),
    vjp: savingFor({x: ['dy'], dy: ['x']}, (ct, {x, dy}, attrs) => ({
      x: () => depthwiseInputGradient(dy, ct, x.shape, attrs),
      dy: () => run('DepthwiseConv2dNative', {x, filter: ct}, channelsLast(attrs)),
    })),
  },
});

const channelsLast = ({
  strides,
  pad,
  dilations = 1,
  dimRoundingMode,
}: DepthwiseAttrs): DepthwiseConv2dNativeAttrs => ({
  strides,
  pad,
  dilations,
  dimRoundingMode,
  dataFormat: 'NHWC',
});
