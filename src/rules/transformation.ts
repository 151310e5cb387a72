import * as tf from '@tensorflow/tfjs-core';
import type {RotateWithOffsetAttrs, Tensor, TransformAttrs} from '@tensorflow/tfjs-core';
import {fold, logicalShape, materialize, product, unbroadcast, unfold} from './dims.js';
import {masked} from './mask.js';
import {
  add,
  cast,
  concat,
  div,
  greater,
  less,
  mul,
  neg,
  reshape,
  slice,
  sub,
  sum,
  where,
  zeros,
} from './ops.js';
import {family, run, saving, savingFor, type BatchedInput, type ShapeOnly} from './rule.js';
import {
  bilinearCorners,
  coordinates,
  everyImage,
  matrixProduct,
  nearestCorner,
  positionsIn,
  samples,
  sampleSlopes,
  spreadSamples,
  type Corner,
} from './sampling.js';

const float = (value: number): Tensor => tf.scalar(value, 'float32');

type Size = readonly [height: number, width: number];

const outputSize = (image: ShapeOnly, {outputShape}: TransformAttrs): Size =>
  outputShape ?? [image.shape[1]!, image.shape[2]!];

/** Column, row and 1 of every pixel of the output: `[3, P]`. */
function homogeneous([height, width]: Size): Tensor {
  const points = height * width;
  const values = Float32Array.from({length: 3 * points}, (_, i) => {
    const point = i % points;
    if (i < points) return point % width;
    return i < 2 * points ? Math.floor(point / width) : 1;
  });
  return tf.tensor2d(values, [3, points]);
}

/** Where the pixels of the output come from, before the image ends: all `[M, P]`. */
interface Projection {
  readonly x: Tensor;
  readonly y: Tensor;
  /** 1 / (t₆·column + t₇·row + 1), or 1 where that divides by zero. */
  readonly inverse: Tensor;
  readonly isFinite: Tensor;
}

function project(transforms: Tensor, points: Tensor): Projection {
  const [count = 0] = transforms.shape;
  const linear = (first: number, size: number): Tensor =>
    matrixProduct(
      slice(transforms, [0, first], [count, size]),
      slice(points, [0, 0], [size, points.shape[1]!]),
    );
  const divisor = add(linear(6, 2), float(1));
  const isFinite = run('NotEqual', {a: divisor, b: float(0)});
  const inverse = div(float(1), where(isFinite, divisor, run('OnesLike', {x: divisor})));
  return {x: mul(linear(0, 3), inverse), y: mul(linear(3, 3), inverse), inverse, isFinite};
}

/** A position along one dimension inside the image, and how it changes with the one outside. */
interface Mapped {
  readonly at: Tensor;
  readonly slope: Tensor;
}

/** What the fill mode makes of positions along a dimension of `length` pixels: as TensorFlow's MapCoordinate. */
function mapPositions(position: Tensor, length: number, mode: TransformAttrs['fillMode']): Mapped {
  const one = run('OnesLike', {x: position});
  if (mode === 'constant') return {at: position, slope: one};
  if (mode === 'nearest') return clamp(position, one, length);
  if (length <= 1) return {at: zeros(position.shape), slope: zeros(position.shape)};
  const isBefore = less(position, float(0));
  const size = run('Abs', {x: position});
  const turns = (period: number): Tensor => run('Floor', {x: div(size, float(period))});
  if (mode === 'wrap') {
    const count = turns(length - 1);
    const back = mul(add(count, float(1)), float(length));
    const forth = mul(count, float(-length));
    const isAfter = greater(position, float(length - 1));
    const shift = where(isBefore, back, where(isAfter, forth, zeros(position.shape)));
    return clamp(add(position, shift), one, length);
  }
  const period = 2 * length;
  const whole = mul(turns(period), float(period));
  const rest = add(position, where(isBefore, whole, neg(whole)));
  const mirrored = sub(where(isBefore, filled(rest, -1), filled(rest, period - 1)), rest);
  const straight = add(rest, where(isBefore, filled(rest, period), filled(rest, 0)));
  const isMirrored = where(
    isBefore,
    run('GreaterEqual', {a: rest, b: float(-length)}),
    run('GreaterEqual', {a: rest, b: float(length)}),
  );
  return clamp(where(isMirrored, mirrored, straight), where(isMirrored, neg(one), one), length);
}

/** A constant of the shape of `x`. */
const filled = (x: Tensor, value: number): Tensor =>
  run('Fill', {}, {shape: x.shape, value, dtype: 'float32'});

function clamp(position: Tensor, slope: Tensor, length: number): Mapped {
  const at = run('ClipByValue', {x: position}, {clipValueMin: 0, clipValueMax: length - 1});
  return {at, slope: masked(run('Equal', {a: at, b: position}), slope)};
}

interface Positions {
  readonly projection: Projection;
  readonly x: Mapped;
  readonly y: Mapped;
}

function positionsOf(image: ShapeOnly, transforms: Tensor, attrs: TransformAttrs): Positions {
  const [, height = 0, width = 0] = image.shape;
  const projection = project(transforms, homogeneous(outputSize(image, attrs)));
  return {
    projection,
    x: mapPositions(projection.x, width, attrs.fillMode),
    y: mapPositions(projection.y, height, attrs.fillMode),
  };
}

/** Positions `[M, P]` for each of N images; those that project to infinity are outside. */
function forEveryImage(x: Tensor, {isFinite}: Projection, n: number): Tensor {
  const inside = where(isFinite, x, filled(x, -2));
  return x.shape[0] === n ? inside : run('Tile', {x: inside}, {reps: [n, 1]});
}

const next = (_position: Tensor, floor: Tensor): Tensor => add(floor, float(1));

function bilinearCornersOf(positions: Positions, n: number): Corner[] {
  const {projection, y, x} = positions;
  return bilinearCorners(
    forEveryImage(y.at, projection, n),
    forEveryImage(x.at, projection, n),
    next,
  );
}

/** The kernel by gathering pixels, for backends that lack it or have it wrong. */
export function transformBySamples(
  image: Tensor,
  transforms: Tensor,
  attrs: TransformAttrs,
): Tensor {
  const [n = 0, , , channels = 0] = image.shape;
  const shape = [n, ...outputSize(image, attrs), channels];
  if (product(shape) === 0) return zeros(shape, image.dtype);
  const positions = positionsOf(image, transforms, attrs);
  const round = (x: Tensor): Tensor => run('Floor', {x: add(x, float(0.5))});
  const {projection, y, x} = positions;
  const corners =
    attrs.interpolation === 'nearest'
      ? nearestCorner(
          forEveryImage(round(y.at), projection, n),
          forEveryImage(round(x.at), projection, n),
        )
      : bilinearCornersOf(positions, n);
  const sampled = samples(
    cast(image, 'float32'),
    corners,
    everyImage(image.shape),
    attrs.fillValue,
  );
  return cast(reshape(sampled, shape), image.dtype);
}

const transformImages = (image: Tensor, transforms: Tensor, attrs: TransformAttrs): Tensor =>
  run('Transform', {image, transforms}, attrs);

/** The pixels that each sample is made of. The nearest pixel is the one that the kernel takes from an image of coordinates. */
function cornersOf(image: ShapeOnly, transforms: Tensor, attrs: TransformAttrs): Corner[] {
  const [n = 0, height = 0, width = 0] = image.shape;
  if (attrs.interpolation !== 'nearest') {
    return bilinearCornersOf(positionsOf(image, transforms, attrs), n);
  }
  const grid = run('Tile', {x: coordinates(height, width)}, {reps: [n, 1, 1, 1]});
  const {y, x} = positionsIn(transformImages(grid, transforms, {...attrs, fillValue: -1}));
  return nearestCorner(y, x);
}

/** The slopes in the projected positions, `[N, P, C]`: through the fill mode, and zero at infinity. */
function slopesOf(image: Tensor, positions: Positions, attrs: TransformAttrs) {
  const [n = 0] = image.shape;
  const corners = bilinearCornersOf(positions, n);
  const slopes = sampleSlopes(image, corners, everyImage(image.shape), attrs.fillValue);
  const through = (slope: Tensor, {slope: outer}: Mapped): Tensor => {
    const finite = masked(positions.projection.isFinite, outer);
    return mul(slope, reshape(finite, [...finite.shape, 1]));
  };
  return {x: through(slopes.x, positions.x), y: through(slopes.y, positions.y)};
}

/** The tangents of the projected positions, `[M, P]`. */
function pushProjection(t: Tensor, {x, y, inverse}: Projection, points: Tensor) {
  const [count = 0] = t.shape;
  const linear = (first: number, size: number): Tensor =>
    matrixProduct(
      slice(t, [0, first], [count, size]),
      slice(points, [0, 0], [size, points.shape[1]!]),
    );
  const divisor = linear(6, 2);
  const push = (numerator: Tensor, position: Tensor): Tensor =>
    mul(sub(numerator, mul(position, divisor)), inverse);
  return {x: push(linear(0, 3), x), y: push(linear(3, 3), y)};
}

/** The transpose of it: cotangents `[M, P]` of the positions to those of the transforms, `[M, 8]`. */
function pullProjection(
  dx: Tensor,
  dy: Tensor,
  {x, y, inverse}: Projection,
  points: Tensor,
): Tensor {
  const two = slice(points, [0, 0], [2, points.shape[1]!]);
  const [ofX, ofY] = [mul(dx, inverse), mul(dy, inverse)];
  const divisor = neg(add(mul(ofX, x), mul(ofY, y)));
  return concat(
    [
      matrixProduct(ofX, points, true),
      matrixProduct(ofY, points, true),
      matrixProduct(divisor, two, true),
    ],
    1,
  );
}

/** Transforms `[B, M, 8]` as one for every image of the batch, `[B·N, 8]`, or the one for all. */
function foldTransforms(transforms: BatchedInput, n: number, size: number): Tensor {
  const [count = 0] = logicalShape(transforms);
  if (!transforms.mapped && count === 1) return transforms.value;
  const all = materialize(transforms, size);
  return fold(count === n ? all : run('Tile', {x: all}, {reps: [1, n, 1]}));
}

const assertImages = (image: BatchedInput): void => {
  const rank = logicalShape(image).length;
  if (rank !== 4) throw new Error(`images must have rank 4, not ${rank}`);
};

/** What a rotation takes: the pixel at each place of one image, from the kernel itself. */
function rotatedCorners(image: ShapeOnly, attrs: RotateWithOffsetAttrs): Corner[] {
  const [n = 0, height = 0, width = 0] = image.shape;
  const {y, x} = positionsIn(
    run('RotateWithOffset', {image: coordinates(height, width)}, {...attrs, fillValue: -1}),
  );
  const everywhere = (position: Tensor): Tensor => run('Tile', {x: position}, {reps: [n, 1]});
  return nearestCorner(everywhere(y), everywhere(x));
}

export const transformation = family({
  Transform: {
    batch: ({image, transforms}, attrs, size) => {
      assertImages(image);
      const [n = 0] = logicalShape(image);
      const [count = 0, parameters = 0] = logicalShape(transforms);
      if (logicalShape(transforms).length !== 2 || parameters !== 8) {
        throw new Error('transforms must have the shape [1, 8] or [images, 8]');
      }
      if (count !== 1 && count !== n) throw new Error(`${count} transforms for ${n} images`);
      const images = fold(materialize(image, size));
      return unfold(transformImages(images, foldTransforms(transforms, n, size), attrs), size);
    },
    jvp: ({image, transforms}, tangents, attrs, output) => {
      const terms: Tensor[] = [];
      if (tangents.image) {
        terms.push(transformImages(tangents.image, transforms, {...attrs, fillValue: 0}));
      }
      if (tangents.transforms && attrs.interpolation !== 'nearest') {
        const positions = positionsOf(image, transforms, attrs);
        const slopes = slopesOf(image, positions, attrs);
        const points = homogeneous(outputSize(image, attrs));
        const pushed = pushProjection(tangents.transforms, positions.projection, points);
        const along = (t: Tensor): Tensor => reshape(t, [...t.shape, 1]);
        const term = add(mul(slopes.x, along(pushed.x)), mul(slopes.y, along(pushed.y)));
        terms.push(reshape(term, output.shape));
      }
      return terms.length === 0 ? null : terms.reduce(add);
    },
    vjp: savingFor(
      {image: ['transforms'], transforms: ['image', 'transforms']},
      (dy, {image, transforms}, attrs) => {
        const [n = 0, height = 0, width = 0, channels = 0] = dy.shape;
        const sampled = reshape(dy, [n, height * width, channels]);
        return {
          image: () =>
            spreadSamples(sampled, cornersOf(image, transforms, attrs), everyImage(image.shape)),
          transforms: () => {
            if (attrs.interpolation === 'nearest' || dy.size === 0) return zeros(transforms.shape);
            const positions = positionsOf(image, transforms, attrs);
            const slopes = slopesOf(image, positions, attrs);
            const ofPosition = (slope: Tensor): Tensor =>
              unbroadcast(sum(mul(sampled, slope), [2]), positions.projection.x.shape);
            return pullProjection(
              ofPosition(slopes.x),
              ofPosition(slopes.y),
              positions.projection,
              homogeneous(outputSize(image, attrs)),
            );
          },
        };
      },
    ),
  },

  RotateWithOffset: {
    batch: ({image}, attrs, size) => {
      assertImages(image);
      return unfold(run('RotateWithOffset', {image: fold(image.value)}, attrs), size);
    },
    jvp: (_primals, tangents, attrs) =>
      run('RotateWithOffset', {image: tangents.image!}, {...attrs, fillValue: 0}),
    vjp: saving([], (dy, {image}, attrs) => ({
      image: () => {
        const [n = 0, height = 0, width = 0, channels = 0] = dy.shape;
        return spreadSamples(
          reshape(dy, [n, height * width, channels]),
          rotatedCorners(image, attrs),
          everyImage(image.shape),
        );
      },
    })),
  },
});
