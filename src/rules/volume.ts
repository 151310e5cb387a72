import {
  backend_util,
  type Conv3DAttrs,
  type Conv3DBackpropFilterV2Attrs,
  type Conv3DBackpropInputV2Attrs,
  type Tensor,
} from '@tensorflow/tfjs-core';
import {convolve, convolvePerExample, filterGradientPerExample, isDilated} from './convolve.js';
import {flippedFilter, type Convolution} from './convolveBatch.js';
import {product} from './dims.js';
import {reshape, transpose} from './ops.js';
import {run} from './rule.js';
import {isTraced, strategy} from './strategy.js';
import {
  coveredShape,
  exchangedAxes,
  fit,
  fitted,
  slidingAxes3D,
  spreadForInput,
  transposedAxes,
  unfit,
  windowsOf,
  type SlidingAxis,
} from './windows.js';

/**
 * NOTE [volumes]
 * A convolution of volumes is one of images: a window's planes, one on the other, are channels of one image for each position of the
 * window along the depth. So all ways to convolve images serve for volumes, where the kernel of volumes is wrong, slow, or missing.
 */
export interface VolumeAttrs {
  readonly strides: Conv3DAttrs['strides'];
  /** The ops take no number, but all kernels that have no 'same' of their own do. */
  readonly pad: Conv3DAttrs['pad'] | number;
  /** Gradient kernels have none. */
  readonly dilations?: Conv3DAttrs['dilations'];
}

type Shape5D = [number, number, number, number, number];
type Triple = [number, number, number];

const shape5D = (shape: readonly number[]): Shape5D => [...shape] as Shape5D;

/** The kernels take every volume for NDHWC, whatever `dataFormat` says. */
const infoOf = (
  xShape: readonly number[],
  filterShape: readonly number[],
  {strides, pad, dilations = 1}: VolumeAttrs,
): backend_util.Conv3DInfo =>
  backend_util.computeConv3DInfo(
    shape5D(xShape),
    shape5D(filterShape),
    strides,
    dilations,
    pad as 'valid',
  );

export const volumeAxesOf = (
  xShape: readonly number[],
  filterShape: readonly number[],
  attrs: VolumeAttrs,
): SlidingAxis[] => slidingAxes3D(infoOf(xShape, filterShape, attrs));

const tripleOf = (axes: readonly SlidingAxis[], what: 'stride' | 'dilation'): Triple =>
  axes.map((axis) => axis[what]) as Triple;

/** Whether a backend other than TensorFlow's shifts the windows by a negative padding. */
const liesApart = (axes: readonly SlidingAxis[], {pad}: VolumeAttrs): boolean =>
  pad === 'same' && axes.some(({stride, window, dilation}) => stride > (window - 1) * dilation + 1);

/**
 * The planes under the windows along the depth: `[…, D, H, W, C]`, fitted, to `[M·P, H, W, K·C]` for P windows of K planes.
 */
function stackPlanes(x: Tensor, depth: SlidingAxis): Tensor {
  const [planes, height, width, channels] = x.shape.slice(-4) as [number, number, number, number];
  const plane = height * width * channels;
  const volumes = planes * plane === 0 ? 0 : x.size / (planes * plane);
  const stacks = volumes * depth.count;
  const separate = windowsOf(
    reshape(x, [volumes, planes, plane]),
    [depth],
    [stacks, depth.window, height * width, channels],
  );
  return reshape(transpose(separate, [0, 2, 1, 3]), [
    stacks,
    height,
    width,
    depth.window * channels,
  ]);
}

/** `[...leading, kd, kh, kw, C, F]` to `[...leading, kh, kw, kd·C, F]`. */
function planeFilter(filter: Tensor): Tensor {
  const leading = filter.shape.slice(0, -5);
  const [kd, kh, kw, channels, outputs] = filter.shape.slice(-5) as Shape5D;
  const n = product(leading);
  const moved = transpose(reshape(filter, [n, kd, kh * kw, channels, outputs]), [0, 2, 1, 3, 4]);
  return reshape(moved, [...leading, kh, kw, kd * channels, outputs]);
}

/** A convolution of volumes that the windows cover exactly, as one of images. */
export function convolveByPlanes(x: Tensor, filter: Tensor, axes: readonly SlidingAxis[]): Tensor {
  const [depth, ...plane] = axes as [SlidingAxis, ...SlidingAxis[]];
  const y = convolve(stackPlanes(x, depth), planeFilter(filter), plane);
  const counts = axes.map(({count}) => count);
  return reshape(y, [x.shape[0]!, ...counts, filter.shape.at(-1)!]);
}

/** A convolution of volumes that the windows cover exactly. */
const convolveVolumes = (x: Tensor, filter: Tensor, axes: readonly SlidingAxis[]): Tensor =>
  isTraced(x, filter) || strategy().volumes === 'kernel'
    ? run('Conv3D', {x, filter}, {...fittedAttrs(axes), dilations: tripleOf(axes, 'dilation')})
    : convolveByPlanes(x, filter, axes);

const fittedAttrs = (axes: readonly SlidingAxis[]) => ({
  strides: tripleOf(axes, 'stride'),
  pad: 'valid' as const,
  dataFormat: 'NDHWC' as const,
});

function forward(x: Tensor, filter: Tensor, attrs: Conv3DAttrs): Tensor {
  const axes = volumeAxesOf(x.shape, filter.shape, attrs);
  const byKernel = isTraced(x, filter) || strategy().volumes === 'kernel';
  return byKernel && !liesApart(axes, attrs)
    ? run('Conv3D', {x, filter}, attrs)
    : convolveVolumes(fit(x, axes), filter, fitted(axes));
}

/** Whether a gradient is to be computed by its kernel: they ignore dilations. */
const usesKernel = (axes: readonly SlidingAxis[], ...inputs: Tensor[]): boolean =>
  !isDilated(axes) && (isTraced(...inputs) || strategy().volumes === 'kernel');

function inputGradient(
  dy: Tensor,
  filter: Tensor,
  inputShape: readonly number[],
  attrs: VolumeAttrs,
): Tensor {
  const axes = volumeAxesOf(inputShape, filter.shape, attrs);
  if (!usesKernel(axes, dy, filter)) {
    return volumeInputGradient(dy, filter, axes, convolveVolumes);
  }
  const apart = liesApart(axes, attrs);
  const {strides, pad} = apart ? fittedAttrs(axes) : attrs;
  const shape = apart ? coveredShape(inputShape, axes) : inputShape;
  const kernelAttrs = {strides, pad: pad as 'valid', inputShape: shape5D(shape)};
  const dx = run('Conv3DBackpropInputV2', {dy, filter}, kernelAttrs);
  return apart ? unfit(dx, axes) : dx;
}

function filterGradient(
  x: Tensor,
  dy: Tensor,
  filterShape: readonly number[],
  attrs: VolumeAttrs,
): Tensor {
  const axes = volumeAxesOf(x.shape, filterShape, attrs);
  if (!usesKernel(axes, x, dy)) return volumeFilterGradient(x, dy, axes, convolveVolumes);
  const apart = liesApart(axes, attrs);
  const {strides, pad} = apart ? fittedAttrs(axes) : attrs;
  const kernelAttrs = {strides, pad: pad as 'valid', filterShape: shape5D(filterShape)};
  return run('Conv3DBackpropFilterV2', {x: apart ? fit(x, axes) : x, dy}, kernelAttrs);
}

type Convolve = typeof convolveVolumes;

/** The transpose in the input as a convolution of `dy`. */
export const volumeInputGradient = (
  dy: Tensor,
  filter: Tensor,
  axes: readonly SlidingAxis[],
  convolveBy: Convolve = convolveByPlanes,
): Tensor => convolveBy(spreadForInput(dy, axes), flippedFilter(filter), transposedAxes(axes));

/** The transpose in the filter as a convolution of `x` by `dy`. */
export function volumeFilterGradient(
  x: Tensor,
  dy: Tensor,
  axes: readonly SlidingAxis[],
  convolveBy: Convolve = convolveByPlanes,
): Tensor {
  const volumes = transpose(fit(x, axes), [4, 1, 2, 3, 0]);
  const gradient = convolveBy(volumes, transpose(dy, [1, 2, 3, 0, 4]), exchangedAxes(axes));
  return transpose(gradient, [1, 2, 3, 0, 4]);
}

/** See NOTE [volumes]. */
export const ofVolumes: Convolution<VolumeAttrs> = {
  rank: 5,
  outShape: (xShape, filterShape, attrs) => infoOf(xShape, filterShape, attrs).outShape,
  axesOf: volumeAxesOf,
  forward: (x, filter, attrs) => forward(x, filter, {dataFormat: 'NDHWC', ...attrs} as Conv3DAttrs),
  inputGradient,
  filterGradient,
  forwardPerExample(x, filter, axes) {
    const [depth, ...plane] = axes as [SlidingAxis, ...SlidingAxis[]];
    const [size = 1] = filter.shape;
    const y = convolvePerExample(stackPlanes(x, depth), planeFilter(filter), plane);
    const counts = axes.map(({count}) => count);
    const n = product(x.shape.slice(0, -4)) / size;
    return reshape(y, [size, n, ...counts, filter.shape.at(-1)!]);
  },
  filterGradientPerExample(x, dy, axes) {
    const [depth, ...plane] = axes as [SlidingAxis, ...SlidingAxis[]];
    const [size, n, count, ...rest] = dy.shape as [number, number, number, ...number[]];
    const cotangents = reshape(dy, [size, n * count, ...rest]);
    const gradient = filterGradientPerExample(stackPlanes(x, depth), cotangents, plane);
    const [, kh = 1, kw = 1, stacked = 1, outputs = 1] = gradient.shape;
    const channels = stacked / depth.window;
    const separate = reshape(gradient, [size, kh * kw, depth.window, channels, outputs]);
    return reshape(transpose(separate, [0, 2, 1, 3, 4]), [
      size,
      depth.window,
      kh,
      kw,
      channels,
      outputs,
    ]);
  },
};

export const undilatedVolume = ({
  strides,
  pad,
}: Conv3DBackpropInputV2Attrs | Conv3DBackpropFilterV2Attrs): Conv3DAttrs => ({
  strides,
  pad,
  dataFormat: 'NDHWC',
  dilations: 1,
});
