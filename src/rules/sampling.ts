import * as tf from '@tensorflow/tfjs-core';
import type {Tensor} from '@tensorflow/tfjs-core';
import {broadcastTo, product} from './dims.js';
import {masked} from './mask.js';
import {add, cast, concat, mul, neg, reshape, slice, sub, where, zeros} from './ops.js';
import {addRows, takeRows} from './rows.js';
import {run} from './rule.js';

/**
 * NOTE [sampling]
 * Kernels that take pixels at positions computed from other inputs: crops, projective transforms, rotations. In G groups (a box, an
 * image) there are P positions each. A sample is one pixel, or a blend of the four around its position; what lies outside the image
 * is the fill value, which is a constant: so a tangent is sampled with zero in its place.
 */

/** One of the pixels that a sample is made of. `y`, `x` float32 `[G, P]`: whole numbers, possibly outside the image. */
export interface Corner {
  readonly y: Tensor;
  readonly x: Tensor;
  /** Its shares along both dimensions, `[G, P]`. The sample is the sum of `shareY·shareX·pixel` over its corners. */
  readonly shareY: Tensor;
  readonly shareX: Tensor;
  /** How the shares change with the position: 1 or -1. */
  readonly slopeY: number;
  readonly slopeX: number;
}

/** Images `[N, height, width, C]`, and the image that each group is taken from: int32 `[G, 1]`. */
export interface Source {
  readonly shape: readonly number[];
  readonly imageOf: Tensor;
}

const float = (value: number): Tensor => tf.scalar(value, 'float32');
const int = (value: number): Tensor => tf.scalar(value, 'int32');
const both = (a: Tensor, b: Tensor): Tensor => run('LogicalAnd', {a, b});

/** Whether `low ≤ x ≤ high`. NaN is outside. */
export const isWithin = (x: Tensor, low: Tensor, high: Tensor): Tensor =>
  both(run('GreaterEqual', {a: x, b: low}), run('LessEqual', {a: x, b: high}));

/** `[rows, inner] · [inner, columns]`, the second transposed or not. */
export function matrixProduct(a: Tensor, b: Tensor, transposeB = false): Tensor {
  const [rows = 0, inner = 0] = a.shape;
  const [first = 0, second = 0] = b.shape;
  const result = run(
    'BatchMatMul',
    {a: reshape(a, [1, rows, inner]), b: reshape(b, [1, first, second])},
    {transposeA: false, transposeB},
  );
  return reshape(result, [rows, transposeB ? first : second]);
}

/** Each image is a group of its own. */
export const everyImage = (shape: readonly number[]): Source => ({
  shape,
  imageOf: tf.tensor2d([...Array(shape[0]).keys()], [shape[0]!, 1], 'int32'),
});

/** Images `[1, height, width, 2]` whose pixels say where they are: row and column. */
export function coordinates(height: number, width: number): Tensor {
  const values = Float32Array.from({length: height * width * 2}, (_, i) => {
    const pixel = i >> 1;
    return i % 2 === 0 ? Math.floor(pixel / width) : pixel % width;
  });
  return tf.tensor4d(values, [1, height, width, 2]);
}

/** What a kernel made of `coordinates`: `[G, P]` rows and columns of `[G, …, 2]`. */
export function positionsIn(sampled: Tensor): {y: Tensor; x: Tensor} {
  const [groups = 0, ...rest] = sampled.shape;
  const points = product(rest) / 2;
  const pairs = reshape(sampled, [groups, points, 2]);
  const channel = (index: number): Tensor =>
    reshape(slice(pairs, [0, 0, index], [groups, points, 1]), [groups, points]);
  return {y: channel(0), x: channel(1)};
}

/** The one pixel that each sample is. */
export function nearestCorner(y: Tensor, x: Tensor): Corner[] {
  const one = run('OnesLike', {x: y});
  return [{y, x, shareY: one, shareX: one, slopeY: 0, slopeX: 0}];
}

/** The four pixels around each position; `upper` gives the second one along a dimension. */
export function bilinearCorners(
  y: Tensor,
  x: Tensor,
  upper: (position: Tensor, floor: Tensor) => Tensor,
): Corner[] {
  const along = (position: Tensor): {at: Tensor; share: Tensor; slope: number}[] => {
    const floor = run('Floor', {x: position});
    const rest = sub(position, floor);
    return [
      {at: floor, share: sub(float(1), rest), slope: -1},
      {at: upper(position, floor), share: rest, slope: 1},
    ];
  };
  const columns = along(x);
  return along(y).flatMap((row) =>
    columns.map((column) => ({
      y: row.at,
      x: column.at,
      shareY: row.share,
      shareX: column.share,
      slopeY: row.slope,
      slopeX: column.slope,
    })),
  );
}

interface Rows {
  /** Whether the pixel exists, bool `[G, P]`. */
  readonly isInside: Tensor;
  /** Its row in the matrix of all pixels `[N·height·width, C]`, or 0 where it does not exist: int32 `[G·P, 1]`. */
  readonly numbers: Tensor;
}

function rowsOf({y, x}: Corner, {shape, imageOf}: Source): Rows {
  const [n = 0, height = 0, width = 0] = shape;
  const isImage = isWithin(imageOf, int(0), int(n - 1));
  const isPixel = both(
    isWithin(y, float(0), float(height - 1)),
    isWithin(x, float(0), float(width - 1)),
  );
  const isInside = both(isPixel, broadcastTo(isImage, y.shape));
  const nowhere = run('ZerosLike', {x: y});
  const whole = (position: Tensor): Tensor => cast(where(isInside, position, nowhere), 'int32');
  const first = mul(imageOf, int(height * width));
  const number = add(add(broadcastTo(first, y.shape), mul(whole(y), int(width))), whole(x));
  const numbers = where(isInside, number, run('ZerosLike', {x: number}));
  return {isInside, numbers: reshape(numbers, [y.size, 1])};
}

/** `[G, P]` as a column for every channel: `[G, P, C]`. */
const perChannel = (x: Tensor, channels: number): Tensor =>
  broadcastTo(reshape(x, [...x.shape, 1]), [...x.shape, channels]);

const column = (x: Tensor): Tensor => reshape(x, [...x.shape, 1]);

/** The pixels of a corner, `[G, P, C]`, with the fill value where there is none. */
function pixels(images: Tensor, corner: Corner, source: Source, fill: number): Tensor {
  const [, , , channels = 0] = images.shape;
  const {isInside, numbers} = rowsOf(corner, source);
  const matrix = reshape(images, [images.size / channels, channels]);
  const taken = reshape(takeRows(matrix, numbers), [...corner.y.shape, channels]);
  const filled = run('Fill', {}, {shape: taken.shape, value: fill, dtype: 'float32'});
  return where(perChannel(isInside, channels), taken, filled);
}

const total = (terms: readonly Tensor[]): Tensor => terms.reduce(add);

/** The samples, `[G, P, C]`. */
export function samples(
  images: Tensor,
  corners: readonly Corner[],
  source: Source,
  fill: number,
): Tensor {
  return total(
    corners.map((corner) =>
      mul(pixels(images, corner, source, fill), column(mul(corner.shareY, corner.shareX))),
    ),
  );
}

/** How the samples change with their positions, `[G, P, C]` each. */
export function sampleSlopes(
  images: Tensor,
  corners: readonly Corner[],
  source: Source,
  fill: number,
): {y: Tensor; x: Tensor} {
  const taken = corners.map((corner) => pixels(images, corner, source, fill));
  const signed = (x: Tensor, sign: number): Tensor => (sign < 0 ? neg(x) : x);
  return {
    y: total(corners.map((c, i) => signed(mul(taken[i]!, column(c.shareX)), c.slopeY))),
    x: total(corners.map((c, i) => signed(mul(taken[i]!, column(c.shareY)), c.slopeX))),
  };
}

/** The transpose of `samples` in the images: `dy` `[G, P, C]` added to where it was taken from. */
export function spreadSamples(dy: Tensor, corners: readonly Corner[], source: Source): Tensor {
  const {shape} = source;
  const [, , , channels = 0] = shape;
  if (dy.size === 0) return zeros(shape);
  const parts = corners.map((corner) => {
    const {isInside, numbers} = rowsOf(corner, source);
    const share = mul(dy, column(mul(corner.shareY, corner.shareX)));
    const updates = masked(perChannel(isInside, channels), share);
    return {numbers, updates: reshape(updates, [dy.size / channels, channels])};
  });
  const added = addRows(
    concat(
      parts.map(({updates}) => updates),
      0,
    ),
    concat(
      parts.map(({numbers}) => numbers),
      0,
    ),
    product(shape) / channels,
  );
  return reshape(added, shape);
}
