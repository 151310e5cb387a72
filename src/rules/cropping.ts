import * as tf from '@tensorflow/tfjs-core';
import type {CropAndResizeAttrs, Tensor} from '@tensorflow/tfjs-core';
import {fold, logicalShape, materialize, product} from './dims.js';
import {masked} from './mask.js';
import {add, concat, less, mul, reshape, slice, sum, where, zeros} from './ops.js';
import {family, run, savingFor, type ShapeOnly} from './rule.js';
import {
  bilinearCorners,
  coordinates,
  isWithin,
  matrixProduct,
  nearestCorner,
  positionsIn,
  sampleSlopes,
  spreadSamples,
  type Corner,
} from './sampling.js';

const int = (value: number): Tensor => tf.scalar(value, 'int32');

/**
 * The pixels that each crop is made of. The kernel itself says where they are, from an image of coordinates: so derivatives round
 * positions, and leave out what is outside, as the backend does.
 */
function cornersOf(images: ShapeOnly, boxes: Tensor, attrs: CropAndResizeAttrs): Corner[] {
  const [, height = 0, width = 0] = images.shape;
  const {y, x} = positionsIn(
    run(
      'CropAndResize',
      {
        image: coordinates(height, width),
        boxes,
        boxInd: zeros([boxes.shape[0]!], 'int32'),
      },
      {...attrs, extrapolationValue: -1},
    ),
  );
  // A position on a pixel is a blend of this one alone, on whose other side may be nothing: its slope is zero there, as in TensorFlow.
  return attrs.method === 'nearest'
    ? nearestCorner(y, x)
    : bilinearCorners(y, x, (position) => run('Ceil', {x: position}));
}

/** How far along its box each row of a crop is, from 0 to 1: the middle if there is only one. */
const fractions = (count: number): number[] =>
  Array.from({length: count}, (_, i) => (count > 1 ? i / (count - 1) : 0.5));

/**
 * The matrix `[4, 2·P]` that makes positions, first all rows and then all columns, of boxes `[y1, x1, y2, x2]`.
 */
function positionsOfBoxes(images: ShapeOnly, [cropHeight, cropWidth]: [number, number]): Tensor {
  const [, height = 0, width = 0] = images.shape;
  const rows = fractions(cropHeight).flatMap((f) => new Array<number>(cropWidth).fill(f));
  const columns = new Array(cropHeight).fill(fractions(cropWidth)).flat() as number[];
  const none = new Array<number>(rows.length).fill(0);
  return tf.tensor2d(
    [
      [...rows.map((f) => (1 - f) * (height - 1)), ...none],
      [...none, ...columns.map((f) => (1 - f) * (width - 1))],
      [...rows.map((f) => f * (height - 1)), ...none],
      [...none, ...columns.map((f) => f * (width - 1))],
    ],
    [4, 2 * rows.length],
  );
}

/** The slopes of the crops in the rows and in the columns, `[G, P, C]`: zero where the position or the image does not exist. */
function slopesOf(
  image: Tensor,
  boxes: Tensor,
  boxInd: Tensor,
  attrs: CropAndResizeAttrs,
): {y: Tensor; x: Tensor} {
  const [n = 0] = image.shape;
  const corners = cornersOf(image, boxes, attrs);
  const source = sourceOf(image, boxInd);
  const slopes = sampleSlopes(image, corners, source, 0);
  const [groups = 0, points = 0, channels = 0] = slopes.y.shape;
  const isInside = run('LogicalAnd', {
    a: run('GreaterEqual', {a: corners[0]!.y, b: tf.scalar(0)}),
    b: isWithin(source.imageOf, int(0), int(n - 1)),
  });
  const condition = run(
    'Tile',
    {x: reshape(isInside, [groups, points, 1])},
    {reps: [1, 1, channels]},
  );
  return {y: masked(condition, slopes.y), x: masked(condition, slopes.x)};
}

const sourceOf = (image: ShapeOnly, boxInd: Tensor) => ({
  shape: image.shape,
  imageOf: reshape(boxInd, [boxInd.size, 1]),
});

/** The numbers of the images of a batch. What is no image of its example must not become one of another. */
function shiftedImages(boxInd: Tensor, n: number): Tensor {
  const [size = 0, groups = 0] = boxInd.shape;
  const first = tf.tensor2d(
    Array.from({length: size * groups}, (_, i) => Math.floor(i / groups) * n),
    [size, groups],
    'int32',
  );
  const tooHigh = run('Fill', {}, {shape: [size, groups], value: size * n, dtype: 'int32'});
  const outside = where(less(boxInd, int(0)), boxInd, tooHigh);
  return where(isWithin(boxInd, int(0), int(n - 1)), add(boxInd, first), outside);
}

export const cropping = family({
  CropAndResize: {
    batch: ({image, boxes, boxInd}, attrs, size) => {
      const [n = 0, , , channels = 0] = logicalShape(image);
      const [groups = 0] = logicalShape(boxes);
      if (logicalShape(image).length !== 4) throw new Error('images must have rank 4');
      if (logicalShape(boxes).length !== 2 || logicalShape(boxInd).length !== 1) {
        throw new Error('boxes must have the shape [count, 4], and boxInd the shape [count]');
      }
      if (logicalShape(boxes)[1] !== 4 || logicalShape(boxInd)[0] !== groups) {
        throw new Error(
          `boxes [${logicalShape(boxes).join(', ')}] don't fit boxInd [${logicalShape(boxInd).join(', ')}]`,
        );
      }
      const images = materialize(boxInd, size);
      const crops = run(
        'CropAndResize',
        {
          image: image.mapped ? fold(image.value) : image.value,
          boxes: fold(materialize(boxes, size)),
          boxInd: fold(image.mapped ? shiftedImages(images, n) : images),
        },
        attrs,
      );
      return reshape(crops, [size, groups, ...attrs.cropSize, channels]);
    },
    jvp: ({image, boxes, boxInd}, tangents, attrs, output) => {
      const terms: Tensor[] = [];
      if (tangents.image) {
        const inputs = {image: tangents.image, boxes, boxInd};
        terms.push(run('CropAndResize', inputs, {...attrs, extrapolationValue: 0}));
      }
      if (tangents.boxes && attrs.method !== 'nearest') {
        const slopes = slopesOf(image, boxes, boxInd, attrs);
        const [groups = 0, points = 0] = slopes.y.shape;
        const moved = matrixProduct(tangents.boxes, positionsOfBoxes(image, attrs.cropSize));
        const along = (part: number): Tensor =>
          reshape(slice(moved, [0, part * points], [groups, points]), [groups, points, 1]);
        const term = add(mul(slopes.y, along(0)), mul(slopes.x, along(1)));
        terms.push(reshape(term, output.shape));
      }
      return terms.length === 0 ? null : terms.reduce(add);
    },
    vjp: savingFor(
      {image: ['boxes', 'boxInd'], boxes: ['image', 'boxes', 'boxInd']},
      (dy, {image, boxes, boxInd}, attrs) => {
        const [groups = 0, , , channels = 0] = dy.shape;
        const points = product(attrs.cropSize);
        const samples = reshape(dy, [groups, points, channels]);
        return {
          image: () =>
            spreadSamples(samples, cornersOf(image, boxes, attrs), sourceOf(image, boxInd)),
          boxes: () => {
            if (attrs.method === 'nearest' || dy.size === 0) return zeros(boxes.shape);
            const slopes = slopesOf(image, boxes, boxInd, attrs);
            const moved = concat(
              [sum(mul(samples, slopes.y), [2]), sum(mul(samples, slopes.x), [2])],
              1,
            );
            return matrixProduct(moved, positionsOfBoxes(image, attrs.cropSize), true);
          },
        };
      },
    ),
  },
});
