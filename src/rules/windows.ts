import * as tf from '@tensorflow/tfjs-core';
import type {backend_util, Tensor} from '@tensorflow/tfjs-core';
import {product} from './dims.js';
import {reshape, slice, transpose} from './ops.js';
import {run} from './rule.js';

/** How windows slide along one spatial dimension. */
export interface SlidingAxis {
  /** Of the input. */
  readonly size: number;
  /** How many positions of the input a window takes, `dilation` apart. */
  readonly window: number;
  readonly stride: number;
  readonly dilation: number;
  /** Where the first window starts: that many positions before the input's first. */
  readonly before: number;
  /** How many windows there are. */
  readonly count: number;
}

/** What tfjs works out of the attributes of a convolution or a pool, as far as it is the same in two and three dimensions. */
type PlaneInfo = Pick<
  backend_util.Conv2DInfo | backend_util.Conv3DInfo,
  | 'inHeight'
  | 'inWidth'
  | 'filterHeight'
  | 'filterWidth'
  | 'strideHeight'
  | 'strideWidth'
  | 'dilationHeight'
  | 'dilationWidth'
  | 'padInfo'
  | 'outHeight'
  | 'outWidth'
>;

/** Height and width. */
export function slidingAxes(info: PlaneInfo): SlidingAxis[] {
  return [
    {
      size: info.inHeight,
      window: info.filterHeight,
      stride: info.strideHeight,
      dilation: info.dilationHeight,
      before: info.padInfo.top,
      count: info.outHeight,
    },
    {
      size: info.inWidth,
      window: info.filterWidth,
      stride: info.strideWidth,
      dilation: info.dilationWidth,
      before: info.padInfo.left,
      count: info.outWidth,
    },
  ];
}

/** Depth, height and width. */
export function slidingAxes3D(info: backend_util.Conv3DInfo): SlidingAxis[] {
  const depth: SlidingAxis = {
    size: info.inDepth,
    window: info.filterDepth,
    stride: info.strideDepth,
    dilation: info.dilationDepth,
    before: info.padInfo.front,
    count: info.outDepth,
  };
  // Where windows lie apart, tfjs works out a negative padding for 'same': all its kernels but TensorFlow's shift the windows by that.
  return [depth, ...slidingAxes(info)].map((axis) => ({...axis, before: Math.max(0, axis.before)}));
}

/** From the first position of the first window to the last of the last. */
export const extentOf = ({window, stride, dilation, count}: SlidingAxis): number =>
  Math.max(0, (count - 1) * stride + (window - 1) * dilation + 1);

/** The shape of `[N, ...spatial, C]` fitted to the windows. */
export const coveredShape = (shape: readonly number[], axes: readonly SlidingAxis[]): number[] => [
  shape[0]!,
  ...axes.map(extentOf),
  shape.at(-1)!,
];

/** The same windows over an input that they cover exactly. */
export const fitted = (axes: readonly SlidingAxis[]): SlidingAxis[] =>
  axes.map((axis) => ({...axis, size: extentOf(axis), before: 0}));

export const countOf = (axes: readonly SlidingAxis[]): number =>
  product(axes.map(({count}) => count));

export const windowSizeOf = (axes: readonly SlidingAxis[]): number =>
  product(axes.map(({window}) => window));

/** Pads dimensions 1, 2… by the given numbers in front and behind; cuts off where a number is negative. */
function padOrCut(
  x: Tensor,
  amounts: readonly (readonly [before: number, after: number])[],
  constantValue = 0,
): Tensor {
  const all = x.shape.map((_, axis) => amounts[axis - 1] ?? [0, 0]);
  const begin = all.map(([before]) => Math.max(0, -before));
  const size = x.shape.map((n, axis) => n - begin[axis]! - Math.max(0, -all[axis]![1]));
  const cut = size.every((n, axis) => n === x.shape[axis]) ? x : slice(x, begin, size);
  const paddings = all.map(([before, after]): [number, number] => [
    Math.max(0, before),
    Math.max(0, after),
  ]);
  return paddings.every(([before, after]) => before === 0 && after === 0)
    ? cut
    : run('PadV2', {x: cut}, {paddings, constantValue});
}

/** Whether the windows cover the input exactly. */
export const isFitted = (axes: readonly SlidingAxis[]): boolean =>
  axes.every((axis) => axis.before === 0 && axis.size === extentOf(axis));

/** Pads or cuts `[N, ...spatial, C]` to what the windows cover. */
export const fit = (x: Tensor, axes: readonly SlidingAxis[], padding = 0): Tensor =>
  padOrCut(
    x,
    axes.map((axis) => [axis.before, extentOf(axis) - axis.size - axis.before]),
    padding,
  );

/** The transpose of `fit`: `[N, ...extents, C]` to `[N, ...spatial, C]`. */
export const unfit = (dx: Tensor, axes: readonly SlidingAxis[]): Tensor =>
  padOrCut(
    dx,
    axes.map((axis) => [-axis.before, axis.size + axis.before - extentOf(axis)]),
  );

/** Puts `factors[i] - 1` zeros between neighbours of spatial dimension `i` of `[N, ...spatial, C]`. */
export function spreadOut(x: Tensor, factors: readonly number[]): Tensor {
  return factors.reduce((sofar, factor, index) => {
    const {shape} = sofar;
    const axis = index + 1;
    const n = shape[axis]!;
    if (factor === 1 || n <= 1) return sofar;
    const outer = shape.slice(0, axis);
    const inner = shape.slice(axis + 1);
    const separate = reshape(sofar, [product(outer) * n, 1, product(inner)]);
    const spaced = reshape(padOrCut(separate, [[0, factor - 1]]), [
      product(outer),
      n * factor,
      product(inner),
    ]);
    const spread = padOrCut(spaced, [[0, 1 - factor]]);
    return reshape(spread, [...outer, (n - 1) * factor + 1, ...inner]);
  }, x);
}

/** `dy` `[N, ...counts, C]` with zeros between and around, such that the flipped filter of a convolution meets it once for each position of the input. */
export function spreadForInput(dy: Tensor, axes: readonly SlidingAxis[]): Tensor {
  const spread = spreadOut(
    dy,
    axes.map(({stride}) => stride),
  );
  return padOrCut(
    spread,
    axes.map((axis, index) => {
      const reach = (axis.window - 1) * axis.dilation;
      const before = reach - axis.before;
      return [before, axis.size + reach - spread.shape[index + 1]! - before];
    }),
  );
}

/** The windows of the convolution that is a convolution's transpose in its input. */
export const transposedAxes = (axes: readonly SlidingAxis[]): SlidingAxis[] =>
  axes.map(({window, dilation, size}) => ({
    window,
    dilation,
    stride: 1,
    before: 0,
    count: size,
    size: size + (window - 1) * dilation,
  }));

/** The windows of the convolution that is a convolution's transpose in its filter: strides and dilations are exchanged. */
export const exchangedAxes = (axes: readonly SlidingAxis[]): SlidingAxis[] =>
  axes.map((axis) => ({
    window: axis.count,
    count: axis.window,
    stride: axis.dilation,
    dilation: axis.stride,
    before: 0,
    size: extentOf(axis),
  }));

/**
 * What is under each window: images `[N, ...extents, C]`, fitted to the windows, to `[N, P, K, C]` for P windows of K positions, or to
 * another shape of as many elements. N may be several dimensions.
 */
export function windowsOf(
  x: Tensor,
  axes: readonly SlidingAxis[],
  shape: readonly number[] = [x.shape[0]!, countOf(axes), windowSizeOf(axes), x.shape.at(-1)!],
): Tensor {
  if (axes.every(({window, stride}) => window === 1 && stride === 1)) return reshape(x, shape);
  const channels = x.shape.at(-1)!;
  const area = product(axes.map(extentOf));
  const n = area * channels === 0 ? 0 : x.size / (area * channels);
  const [height, width] = axes as [SlidingAxis, SlidingAxis];
  if (axes.length === 2 && axes.every(isTiling)) {
    const strips = [n * height.count, height.window, width.count, width.window * channels];
    return reshape(transpose(reshape(x, strips), [0, 2, 1, 3]), shape);
  }
  const positions = positionsUnderWindows(axes);
  const inputs = {x: reshape(x, [n, area, channels]), indices: tf.tensor1d(positions, 'int32')};
  return reshape(run('GatherV2', inputs, {axis: 1, batchDims: 0}), shape);
}

/** Windows that lie side by side and cover everything once. */
const isTiling = ({window, stride, dilation}: SlidingAxis): boolean =>
  window === stride && dilation === 1;

/** For each window, for each of its positions, where that is in the fitted input, counted row by row. */
function positionsUnderWindows(axes: readonly SlidingAxis[]): Int32Array {
  const starts = windowStarts(axes);
  const taps = tapOffsets(axes);
  const positions = new Int32Array(starts.length * taps.length);
  let next = 0;
  for (const start of starts) for (const tap of taps) positions[next++] = start + tap;
  return positions;
}

/** What positions are counted in, row by row: the input as it is, or fitted to the windows. */
type Counted = 'input' | 'fitted';

const lengthIn = (axis: SlidingAxis, counted: Counted): number =>
  counted === 'input' ? axis.size : extentOf(axis);

/** Where each window starts. */
export const windowStarts = (
  axes: readonly SlidingAxis[],
  counted: Counted = 'fitted',
): Int32Array =>
  gridOf(
    axes,
    (axis, index) => index * axis.stride - (counted === 'input' ? axis.before : 0),
    ({count}) => count,
    counted,
  );

/** How far each position of a window is from its start. */
export const tapOffsets = (axes: readonly SlidingAxis[], counted: Counted = 'fitted'): Int32Array =>
  gridOf(
    axes,
    (axis, index) => index * axis.dilation,
    ({window}) => window,
    counted,
  );

/** All combinations of coordinates along the axes, as positions. */
function gridOf(
  axes: readonly SlidingAxis[],
  coordinate: (axis: SlidingAxis, index: number) => number,
  length: (axis: SlidingAxis) => number,
  counted: Counted,
): Int32Array {
  let grid = Int32Array.of(0);
  for (const axis of axes) {
    const n = length(axis);
    const next = new Int32Array(grid.length * n);
    grid.forEach((position, outer) => {
      for (let index = 0; index < n; index++) {
        next[outer * n + index] = position * lengthIn(axis, counted) + coordinate(axis, index);
      }
    });
    grid = next;
  }
  return grid;
}
