import {
  slice_util,
  util,
  type MirrorPadAttrs,
  type StridedSliceAttrs,
  type Tensor,
} from '@tensorflow/tfjs-core';
import {alongAxes, logicalRank, logicalShape, resolveAxes, shiftAxes, splitAt} from './dims.js';
import {add, pad, reshape, sameShape, slice, zeros} from './ops.js';
import {takeRanges, type Range} from './ranges.js';
import {family, run, saving} from './rule.js';

type Padding = readonly [before: number, after: number];

/** Where a slice lies in the tensor that it is taken from. */
interface Region {
  readonly begin: readonly number[];
  readonly size: readonly number[];
}

function parseSlice(
  shape: readonly number[],
  {begin, size}: {readonly begin: number | number[]; readonly size: number | number[]},
): Region {
  // Only the shape is read, which is all that is known of an input that was not saved.
  const input = {shape} as Tensor;
  const [begins, sizes] = slice_util.parseSliceParams(input, begin, size) as [number[], number[]];
  slice_util.assertParamsValid(input, begins, sizes);
  return {begin: begins, size: sizes};
}

/** Undoes a slice: zeros all around. */
const embed = (dy: Tensor, {begin, size}: Region, shape: readonly number[]): Tensor =>
  padAll(
    dy,
    shape.map((n, axis): Padding => [begin[axis]!, n - begin[axis]! - size[axis]!]),
  );

function sliceAtAnyRank(x: Tensor, {begin, size}: Region): Tensor {
  const axes = x.shape.flatMap((n, axis) => (size[axis] === n ? [] : [axis]));
  const taken = takeRanges(
    x,
    size.map((count, axis) => ({begin: begin[axis]!, step: 1, count})),
  );
  return (
    taken ??
    alongAxes(x, axes, (part, axisOf) =>
      slice(
        part,
        axisOf.map((axis) => (axis === null ? 0 : begin[axis]!)),
        axisOf.map((axis, dim) => (axis === null ? part.shape[dim]! : size[axis]!)),
      ),
    )
  );
}

export const padAll = (x: Tensor, paddings: readonly Padding[], constantValue = 0): Tensor =>
  alongAxes(x, paddedAxes(paddings), (part, axisOf) =>
    run('PadV2', {x: part}, {paddings: pick(paddings, axisOf), constantValue}),
  );

const paddedAxes = (paddings: readonly Padding[]): number[] =>
  paddings.flatMap(([before, after], axis) => (before === 0 && after === 0 ? [] : [axis]));

const pick = (
  paddings: readonly Padding[],
  axisOf: readonly (number | null)[],
): [number, number][] => axisOf.map((axis) => (axis === null ? [0, 0] : [...paddings[axis]!]));

/** All of a tensor along every axis. */
const everything = (x: Tensor): Range[] => x.shape.map((count) => ({begin: 0, step: 1, count}));

/** Turns axes round, as Reverse. */
export function reverseAxes(x: Tensor, axes: readonly number[]): Tensor {
  if (axes.length === 0) return x;
  const reversed = everything(x).map((range, axis) =>
    axes.includes(axis) ? {begin: range.count - 1, step: -1, count: range.count} : range,
  );
  return (
    takeRanges(x, reversed) ??
    alongAxes(x, axes, (part, axisOf) =>
      run(
        'Reverse',
        {x: part},
        {dims: axisOf.flatMap((axis, dim) => (axis === null ? [] : [dim]))},
      ),
    )
  );
}

const checkPaddings = (paddings: readonly Padding[], rank: number): void =>
  util.assert(
    paddings.length === rank,
    () => `${paddings.length} paddings don't fit a tensor of rank ${rank}`,
  );

/** A strided slice without masks: along each dimension of the input `count` elements from `begin` on, `stride` apart. */
interface Strided {
  readonly begin: readonly number[];
  readonly stride: readonly number[];
  readonly count: readonly number[];
  /** With the dimensions taken out and put in that the masks name. */
  readonly finalShape: readonly number[];
}

export function parseStrided(shape: readonly number[], attrs: StridedSliceAttrs): Strided {
  const {begin, end, strides, finalShape} = slice_util.sliceInfo(
    [...shape],
    attrs.begin,
    attrs.end,
    attrs.strides,
    attrs.beginMask,
    attrs.endMask,
    attrs.ellipsisMask,
    attrs.newAxisMask,
    attrs.shrinkAxisMask,
  );
  const count = shape.map((_, axis) =>
    Math.max(0, Math.ceil((end[axis]! - begin[axis]!) / strides[axis]!)),
  );
  return {begin, stride: strides, count, finalShape};
}

/** Strides that are negative are positive ones of the reversed tensor: in the kernel's own terms an end before index 0 has no number. */
export function takeStrided(x: Tensor, {begin, stride, count}: Strided): Tensor {
  const {shape} = x;
  const ranges = count.map((n, axis) => ({begin: begin[axis]!, step: stride[axis]!, count: n}));
  const taken = takeRanges(x, ranges);
  if (taken !== null) return taken;
  const axes = shape.flatMap((n, axis) => (count[axis] === n && stride[axis] === 1 ? [] : [axis]));
  const backwards = axes.filter((axis) => stride[axis]! < 0);
  return alongAxes(reverseAxes(x, backwards), axes, (part, axisOf) => {
    const first = axisOf.map((axis) =>
      axis === null ? 0 : stride[axis]! < 0 ? shape[axis]! - 1 - begin[axis]! : begin[axis]!,
    );
    const step = axisOf.map((axis) => (axis === null ? 1 : Math.abs(stride[axis]!)));
    const counts = axisOf.map((axis, dim) => (axis === null ? part.shape[dim]! : count[axis]!));
    if (step.every((n) => n === 1)) return slice(part, first, counts);
    const end = counts.map((n, dim) =>
      n === 0 ? first[dim]! : first[dim]! + (n - 1) * step[dim]! + 1,
    );
    return run(
      'StridedSlice',
      {x: part},
      {
        begin: first,
        end,
        strides: step,
        beginMask: 0,
        endMask: 0,
        ellipsisMask: 0,
        newAxisMask: 0,
        shrinkAxisMask: 0,
      },
    );
  });
}

/** Undoes `takeStrided`. */
function spreadStrided(
  dy: Tensor,
  {begin, stride, count}: Strided,
  shape: readonly number[],
): Tensor {
  if (count.includes(0)) return zeros(shape, dy.dtype);
  const axes = shape.map((_, axis) => axis);
  let spread = reverseAxes(
    reshape(dy, count),
    axes.filter((axis) => stride[axis]! < 0),
  );
  for (const axis of axes) spread = spreadAlong(spread, axis, Math.abs(stride[axis]!));
  const size = spread.shape;
  return embed(
    spread,
    {
      begin: axes.map((axis) =>
        stride[axis]! < 0 ? begin[axis]! - size[axis]! + 1 : begin[axis]!,
      ),
      size,
    },
    shape,
  );
}

/** Puts zeros between the elements along one axis: `[…, n, …]` to `[…, (n - 1)·step + 1, …]`. */
function spreadAlong(x: Tensor, axis: number, step: number): Tensor {
  const n = x.shape[axis]!;
  if (step === 1 || n === 1) return x;
  const parts = splitAt(x, axis);
  const [before = 1, , after = 1] = parts.shape;
  const spread = pad(reshape(parts, [before, n, after]), [
    [0, 0],
    [0, 0],
    [0, (step - 1) * after],
  ]);
  const size = (n - 1) * step + 1;
  const cut = slice(reshape(spread, [before, n * step, after]), [0, 0, 0], [before, size, after]);
  return reshape(cut, [...x.shape.slice(0, axis), size, ...x.shape.slice(axis + 1)]);
}

export function mirror(
  x: Tensor,
  paddings: readonly Padding[],
  mode: MirrorPadAttrs['mode'],
): Tensor {
  if (x.size === 0) {
    const shape = x.shape.map((n, axis) => n + paddings[axis]![0] + paddings[axis]![1]);
    return zeros(shape, x.dtype);
  }
  return alongAxes(x, paddedAxes(paddings), (part, axisOf) =>
    run('MirrorPad', {x: part}, {paddings: pick(paddings, axisOf), mode}),
  );
}

/** The transpose of mirroring along one axis: what lies in the mirrors is turned back and added to what it is an image of. */
function foldMirrors(
  dy: Tensor,
  axis: number,
  [before, after]: Padding,
  mode: MirrorPadAttrs['mode'],
): Tensor {
  const parts = splitAt(dy, axis);
  const [outer = 1, total = 0, inner = 1] = parts.shape;
  const n = total - before - after;
  const edge = mode === 'reflect' ? 1 : 0;
  const part = (begin: number, size: number): Tensor =>
    slice(parts, [0, begin, 0], [outer, size, inner]);
  const image = (begin: number, size: number, to: number): Tensor =>
    pad(run('Reverse', {x: part(begin, size)}, {dims: [1]}), [
      [0, 0],
      [to, n - to - size],
      [0, 0],
    ]);
  let folded = part(before, n);
  if (before > 0) folded = add(folded, image(0, before, edge));
  if (after > 0) folded = add(folded, image(before + n, after, n - edge - after));
  return reshape(folded, [...dy.shape.slice(0, axis), n, ...dy.shape.slice(axis + 1)]);
}

export const slicing = family({
  Slice: {
    batch: ({x}, attrs, size) => {
      const shape = logicalShape(x);
      const region = parseSlice(shape, attrs);
      return sliceAtAnyRank(x.value, {
        begin: [0, ...region.begin],
        size: [size, ...region.size],
      });
    },
    linearIn: ['x'],
    vjp: saving([], (dy, {x}, attrs) => ({
      x: () => embed(dy, parseSlice(x.shape, attrs), x.shape),
    })),
  },

  StridedSlice: {
    batch: ({x}, attrs, size) => {
      const {begin, stride, count, finalShape} = parseStrided(logicalShape(x), attrs);
      const taken = takeStrided(x.value, {
        begin: [0, ...begin],
        stride: [1, ...stride],
        count: [size, ...count],
        finalShape,
      });
      return reshape(taken, [size, ...finalShape]);
    },
    linearIn: ['x'],
    vjp: saving([], (dy, {x}, attrs) => ({
      x: () => spreadStrided(dy, parseStrided(x.shape, attrs), x.shape),
    })),
  },

  Reverse: {
    batch: ({x}, {dims}) => reverseAxes(x.value, shiftAxes(resolveAxes(dims, logicalRank(x)))),
    linearIn: ['x'],
    vjp: saving([], (dy, _residuals, {dims}) => ({x: () => run('Reverse', {x: dy}, {dims})})),
  },

  PadV2: {
    batch: ({x}, {paddings, constantValue}) => {
      checkPaddings(paddings, logicalRank(x));
      return padAll(x.value, [[0, 0], ...paddings], constantValue);
    },
    jvp: (_primals, {x}, {paddings}) => pad(x!, paddings),
    vjp: saving([], (dy, {x}, {paddings}) => ({
      x: () =>
        sameShape(dy.shape, x.shape)
          ? dy
          : slice(
              dy,
              paddings.map(([before]) => before),
              x.shape,
            ),
    })),
  },

  MirrorPad: {
    batch: ({x}, {paddings, mode}) => {
      checkPaddings(paddings, logicalRank(x));
      return mirror(x.value, [[0, 0], ...paddings], mode);
    },
    linearIn: ['x'],
    vjp: saving([], (dy, _residuals, {paddings, mode}) => ({
      x: () =>
        paddings.reduce(
          (folded, padding, axis) =>
            padding[0] + padding[1] === 0 ? folded : foldMirrors(folded, axis, padding, mode),
          dy,
        ),
    })),
  },
});
