import * as tf from '@tensorflow/tfjs-core';
import {
  backend_util,
  type AvgPool3DAttrs,
  type MaxPoolAttrs,
  type MaxPoolGradAttrs,
  type MaxPoolWithArgmaxAttrs,
  type Tensor,
} from '@tensorflow/tfjs-core';
import {showShape} from '../errors.js';
import {assertCotangent} from './convolveBatch.js';
import {fold, logicalRank, logicalShape, materialize, product, unfold} from './dims.js';
import {add, greater, reshape, scalar, where, zeros} from './ops.js';
import {
  family,
  run,
  saving,
  savingOutput,
  type BatchedInput,
  type RuleOf,
  type ShapeOnly,
} from './rule.js';
import {putInRows, takeInRows} from './rows.js';
import {strategy} from './strategy.js';
import {
  countOf,
  coveredShape,
  extentOf,
  fit,
  fitted,
  isFitted,
  slidingAxes,
  slidingAxes3D,
  tapOffsets,
  unfit,
  windowSizeOf,
  windowStarts,
  windowsOf,
  type SlidingAxis,
} from './windows.js';

/**
 * NOTE [pools]
 * Pooling windows slide over each channel of each image by itself, so a batch is more images. An average is linear; a maximum is where it
 * is, so its tangent is the input's tangent there, and its cotangent goes there: to the first of equal maxima, row by row.
 */
export interface PoolAttrs {
  readonly filterSize: number | readonly number[];
  readonly strides: number | readonly number[];
  readonly pad: MaxPoolGradAttrs['pad'];
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** Of a pool in two spatial dimensions, or in three. */
export function poolAxesOf(shape: readonly number[], attrs: PoolAttrs): SlidingAxis[] {
  const {filterSize, strides, pad, dimRoundingMode} = attrs;
  return shape.length === 4
    ? slidingAxes(
        backend_util.computePool2DInfo(
          shape as [number, number, number, number],
          filterSize as [number, number],
          strides as [number, number],
          1,
          pad,
          dimRoundingMode,
        ),
      )
    : slidingAxes3D(
        backend_util.computePool3DInfo(
          shape as [number, number, number, number, number],
          filterSize as [number, number, number],
          strides as [number, number, number],
          1,
          pad as 'valid',
          dimRoundingMode,
        ),
      );
}

/** Whether the pool is an identity, or the backend takes it for one. */
export const isIdentity = (axes: readonly SlidingAxis[]): boolean =>
  axes.every(({window, size, count}) => window === 1 && size === count) &&
  (isFitted(axes) || (axes.length === 2 && strategy().poolsOfOneAreIdentities));

const outputShape = (shape: readonly number[], axes: readonly SlidingAxis[]): number[] => [
  shape[0]!,
  ...axes.map(({count}) => count),
  shape.at(-1)!,
];

/** What is under each window, minus infinity in the padding: `[windows, taps, channels]`. */
const valuesOf = (x: Tensor, axes: readonly SlidingAxis[]): Tensor =>
  windowsOf(fit(x, axes, -Infinity), fitted(axes), [
    x.shape[0]! * countOf(axes),
    windowSizeOf(axes),
    x.shape.at(-1)!,
  ]);

/**
 * Where the maxima are: for each output element the index of an element of the input, int32 `[number of outputs]`.
 * @param counted  in the input fitted to the windows and flattened, or in each image as it is
 */
function indicesOfMaxima(
  values: Tensor,
  images: number,
  axes: readonly SlidingAxis[],
  counted: 'fitted' | 'image',
): Tensor {
  const channels = values.shape.at(-1)!;
  const tap = run('ArgMax', {x: values}, {axis: 1});
  const offsets = tf.tensor1d(
    tapOffsets(axes, counted === 'image' ? 'input' : 'fitted').map((offset) => offset * channels),
    'int32',
  );
  const offset = run('GatherNd', {params: offsets, indices: reshape(tap, [tap.size, 1])});
  const starts = startsOfWindows(images, channels, axes, counted);
  return add(tf.tensor1d(starts, 'int32'), offset);
}

/** For each output element the index of the first element of its window. */
function startsOfWindows(
  images: number,
  channels: number,
  axes: readonly SlidingAxis[],
  counted: 'fitted' | 'image',
): Int32Array {
  const area = counted === 'image' ? 0 : product(axes.map(extentOf));
  const starts = windowStarts(axes, counted === 'image' ? 'input' : 'fitted');
  const indices = new Int32Array(images * starts.length * channels);
  let next = 0;
  for (let image = 0; image < images; image++) {
    for (const start of starts) {
      const first = (image * area + start) * channels;
      for (let channel = 0; channel < channels; channel++) indices[next++] = first + channel;
    }
  }
  return indices;
}

/** As GatherNd and ScatterNd take them, of the fitted input. */
const fittedIndices = (x: Tensor, axes: readonly SlidingAxis[]): Tensor => {
  const covering = fitted(axes);
  const indices = indicesOfMaxima(valuesOf(x, axes), x.shape[0]!, covering, 'fitted');
  return reshape(indices, [indices.size, 1]);
};

/** What `t` is where x has its maxima. */
function atMaxima(t: Tensor, x: Tensor, attrs: PoolAttrs): Tensor {
  const axes = poolAxesOf(x.shape, attrs);
  const covered = fit(t, axes);
  const params = reshape(covered, [covered.size]);
  const taken = run('GatherNd', {params, indices: fittedIndices(x, axes)});
  return reshape(taken, outputShape(x.shape, axes));
}

/** The transpose of `atMaxima`: `dy` where x has its maxima, summed where windows meet, and zero elsewhere. */
function toMaxima(dy: Tensor, x: Tensor, output: Tensor, attrs: PoolAttrs): Tensor {
  // Of equal maxima in three dimensions, the kernel of cpu takes the last, that of tensorflow all of them.
  return x.rank === 4
    ? run('MaxPoolGrad', {dy, input: x, output}, attrs as MaxPoolGradAttrs)
    : scatterToMaxima(dy, x, attrs);
}

/** The gradient of a maximum pool without its kernels. */
export function scatterToMaxima(dy: Tensor, x: Tensor, attrs: PoolAttrs): Tensor {
  const axes = poolAxesOf(x.shape, attrs);
  const covered = coveredShape(x.shape, axes);
  const scattered = run(
    'ScatterNd',
    {indices: fittedIndices(x, axes), updates: reshape(dy, [dy.size])},
    {shape: [product(covered)]},
  );
  return unfit(reshape(scattered, covered), axes);
}

/** The transpose of averaging. */
function fromAverages(dy: Tensor, shape: readonly number[], attrs: PoolAttrs): Tensor {
  return isIdentity(poolAxesOf(shape, attrs)) ? dy : averageGradient(dy, shape, attrs);
}

/** The gradient kernel, which reads nothing of its second input but the shape. */
export function averageGradient(dy: Tensor, shape: readonly number[], attrs: PoolAttrs): Tensor {
  const kernel = shape.length === 4 ? 'AvgPoolGrad' : 'AvgPool3DGrad';
  return run(kernel, {dy, input: blank(shape)}, attrs as AvgPool3DAttrs);
}

const blank = (shape: readonly number[]): Tensor =>
  run('Fill', {}, {shape: [...shape], value: 0, dtype: 'float32'});

/** The transpose of the gradient kernel is the average. */
const toAverages = (ct: Tensor, attrs: PoolAttrs): Tensor =>
  run(ct.rank === 4 ? 'AvgPool' : 'AvgPool3D', {x: ct}, {
    ...attrs,
    dataFormat: 'NDHWC',
  } as AvgPool3DAttrs);

/** tfjs's pools take the largest number of a window, whatever else is there. */
function withoutNaN(x: Tensor): Tensor {
  if (x.dtype !== 'float32') return x;
  const smallest = run('Fill', {}, {shape: x.shape, value: -Infinity, dtype: x.dtype});
  return where(run('IsNan', {x}), smallest, x);
}

/** A maximum pool without its kernel. */
export function maxOfWindows(x: Tensor, attrs: PoolAttrs): Tensor {
  const axes = poolAxesOf(x.shape, attrs);
  const maxima = run(
    'Max',
    {x: valuesOf(withoutNaN(x), axes)},
    {reductionIndices: [1], keepDims: false},
  );
  return reshape(maxima, outputShape(x.shape, axes));
}

/** MaxPoolWithArgmax without its kernel, indices counted within each image. A window that has nothing in it gets -1, as on cpu. */
export function maximaWithIndices(x: Tensor, attrs: PoolAttrs): [values: Tensor, indices: Tensor] {
  const axes = poolAxesOf(x.shape, attrs);
  const values = valuesOf(withoutNaN(x), axes);
  const maxima = run('Max', {x: values}, {reductionIndices: [1], keepDims: false});
  const found = indicesOfMaxima(values, x.shape[0]!, axes, 'image');
  const nothing = run('Fill', {}, {shape: [found.size], value: -1, dtype: 'int32'});
  const isFound = greater(reshape(maxima, [found.size]), scalar(-Infinity));
  const shape = outputShape(x.shape, axes);
  return [reshape(maxima, shape), reshape(where(isFound, found, nothing), shape)];
}

/** Of images in two spatial dimensions, or in three. */
type Rank = 4 | 5;

function assertRank(rank: Rank, ...operands: readonly BatchedInput[]): void {
  for (const operand of operands) {
    if (logicalRank(operand) === rank) continue;
    throw new Error(
      `this pool takes tensors of rank ${rank}, but got one of shape ${showShape(logicalShape(operand))}`,
    );
  }
}

function poolBatch(
  pool: 'Max' | 'Avg',
  rank: Rank,
  x: BatchedInput,
  attrs: MaxPoolAttrs,
  size: number,
): Tensor {
  assertRank(rank, x);
  const kernel = `${pool}Pool${rank === 5 ? '3D' : ''}` as 'MaxPool';
  if (size > 0) return unfold(run(kernel, {x: fold(x.value)}, attrs), size);
  const shape = logicalShape(x);
  return zeros([0, ...outputShape(shape, poolAxesOf(shape, attrs))]);
}

const maxPool = (rank: Rank): RuleOf<'MaxPool'> => ({
  batch: ({x}, attrs, size) => poolBatch('Max', rank, x, attrs, size),
  jvp: ({x}, tangents, attrs) =>
    isIdentity(poolAxesOf(x.shape, attrs)) ? tangents.x! : atMaxima(tangents.x!, x, attrs),
  vjp: savingOutput(['x'], (dy, {x, output}, attrs) => ({
    x: () => (isIdentity(poolAxesOf(x.shape, attrs)) ? dy : toMaxima(dy, x, output, attrs)),
  })),
});

const maxPoolGrad = (rank: Rank): RuleOf<'MaxPoolGrad'> => ({
  batch: ({dy, input, output}, attrs, size) => {
    assertRank(rank, input, dy);
    assertCotangent(dy, outputShape(logicalShape(input), poolAxesOf(logicalShape(input), attrs)));
    if (size === 0) return zeros([0, ...logicalShape(input)]);
    const [ct, x, y] = [dy, input, output].map((operand) => fold(materialize(operand, size)));
    return unfold(toMaxima(ct!, x!, y!, attrs), size);
  },
  // Which element is the largest does not change: linear in dy, constant in the rest.
  jvp: ({input, output}, {dy}, attrs) => (dy ? toMaxima(dy, input, output, attrs) : null),
  vjp: saving(['input'], (ct, {input}, attrs) => ({
    dy: () => atMaxima(ct, input, attrs),
  })),
});

const averagePool = (rank: Rank): RuleOf<'AvgPool'> => ({
  batch: ({x}, attrs, size) => poolBatch('Avg', rank, x, attrs, size),
  linearIn: ['x'],
  vjp: saving([], (dy, {x}, attrs) => ({x: () => fromAverages(dy, x.shape, attrs)})),
});

const averagePoolGrad = (rank: Rank): RuleOf<'AvgPoolGrad'> => ({
  batch: ({dy, input}, attrs, size) => {
    assertRank(rank, input, dy);
    if (size === 0) return zeros([0, ...logicalShape(input)]);
    const [n = 1, ...image] = logicalShape(input);
    return unfold(averageGradient(fold(materialize(dy, size)), [size * n, ...image], attrs), size);
  },
  linearIn: ['dy'],
  vjp: saving([], (ct, _residuals, attrs) => ({dy: () => toAverages(ct, attrs)})),
});

/** `x` and indices into it as rows: one for each image, or, where the image is part of the index, a single one. */
function asRows(x: ShapeOnly, {includeBatchInIndex}: MaxPoolWithArgmaxAttrs): [number, number] {
  const rows = includeBatchInIndex ? 1 : x.shape[0]!;
  return [rows, product(x.shape) / rows];
}

const maxPoolWithArgmax: RuleOf<'MaxPoolWithArgmax'> = {
  batch: ({x}, attrs, size) => {
    assertRank(4, x);
    const shape = logicalShape(x);
    const outShape = [size, ...outputShape(shape, poolAxesOf(shape, attrs))];
    if (product(outShape) === 0) return [zeros(outShape), zeros(outShape, 'int32')];
    // Indices within an image are the same in any batch.
    const within = {...attrs, includeBatchInIndex: false};
    const [values, indices] = run('MaxPoolWithArgmax', {x: fold(x.value)}, within);
    const perExample = reshape(indices!, outShape);
    const [n = 1, ...image] = shape;
    const firsts = Int32Array.from({length: n}, (_, index) => index * product(image));
    return [
      reshape(values!, outShape),
      attrs.includeBatchInIndex
        ? add(perExample, tf.tensor(firsts, [1, n, 1, 1, 1], 'int32'))
        : perExample,
    ];
  },
  jvp: ({x}, {x: t}, attrs, [, indices]) => {
    const [rows, length] = asRows(x, attrs);
    const taken = takeInRows(
      reshape(t!, [rows, length]),
      reshape(indices!, [rows, indices!.size / rows]),
    );
    return [reshape(taken, indices!.shape), null];
  },
  vjp: savingOutput([], ([dy], {x, output: [, indices]}, attrs) => ({
    x: () => {
      const [rows, length] = asRows(x, attrs);
      const shape = [rows, indices!.size / rows];
      return reshape(
        putInRows(reshape(dy!, shape), reshape(indices!, shape), [rows, length]),
        x.shape,
      );
    },
  })),
};

export const pooling = family({
  MaxPoolWithArgmax: maxPoolWithArgmax,
  MaxPool: maxPool(4),
  MaxPoolGrad: maxPoolGrad(4),
  AvgPool: averagePool(4),
  AvgPoolGrad: averagePoolGrad(4),
  MaxPool3D: maxPool(5) as unknown as RuleOf<'MaxPool3D'>,
  MaxPool3DGrad: maxPoolGrad(5) as unknown as RuleOf<'MaxPool3DGrad'>,
  AvgPool3D: averagePool(5) as unknown as RuleOf<'AvgPool3D'>,
  AvgPool3DGrad: averagePoolGrad(5) as unknown as RuleOf<'AvgPool3DGrad'>,
});
