import * as tf from '@tensorflow/tfjs-core';
import type {ResizeBilinearAttrs, Tensor} from '@tensorflow/tfjs-core';
import {fold, logicalRank, materialize} from './dims.js';
import {reshape, zeros} from './ops.js';
import {family, run, saving, type BatchedInput, type RuleOf} from './rule.js';

export type ResizeName = 'ResizeBilinear' | 'ResizeNearestNeighbor';
type ResizeAttrs = ResizeBilinearAttrs;
type ResizeGradAttrs = Omit<ResizeAttrs, 'size'>;

const resize = (name: ResizeName, images: Tensor, attrs: ResizeAttrs): Tensor =>
  run(name, {images}, attrs);

/**
 * The matrix `[n, size]` of a resizing along one dimension, from the kernel itself: what it makes of unit vectors as columns of pixels.
 * So the gradient is the transpose of what the backend computes, with its own rounding of positions.
 */
function resizingMatrix(name: ResizeName, n: number, size: number, attrs: ResizeAttrs): Tensor {
  const columns = reshape(tf.eye(n), [n, n, 1, 1]);
  return reshape(resize(name, columns, {...attrs, size: [size, 1]}), [n, size]);
}

const product = (a: Tensor, b: Tensor): Tensor =>
  run('BatchMatMul', {a, b}, {transposeA: false, transposeB: false});

/**
 * The transpose of a resizing, which is linear and separable: `R dy Cᵀ` for the rows and columns of each channel. The gradient kernels
 * of all backends ignore `halfPixelCenters`, and that of cpu takes the height for the width.
 */
export function transposeResize(
  name: ResizeName,
  dy: Tensor,
  imagesShape: readonly number[],
  attrs: ResizeAttrs,
): Tensor {
  const [n = 0, height = 0, width = 0, channels = 0] = imagesShape;
  const [, newHeight = 0, newWidth = 0] = dy.shape;
  if (dy.size === 0) return zeros(imagesShape);
  const rows = resizingMatrix(name, height, newHeight, attrs);
  const columns = resizingMatrix(name, width, newWidth, attrs);
  const tall = product(
    reshape(rows, [1, height, newHeight]),
    reshape(dy, [n, newHeight, newWidth * channels]),
  );
  const wide = product(
    reshape(columns, [1, width, newWidth]),
    reshape(tall, [n * height, newWidth, channels]),
  );
  return reshape(wide, imagesShape);
}

/** Runs a kernel of images `[N, height, width, channels]` on a batch of them. */
function onImages(image: BatchedInput, size: number, kernel: (images: Tensor) => Tensor): Tensor {
  if (logicalRank(image) !== 4)
    throw new Error(`images must have rank 4, not ${logicalRank(image)}`);
  return unfoldImages(kernel(fold(image.value)), size, image);
}

const unfoldImages = (folded: Tensor, size: number, {value}: BatchedInput): Tensor =>
  reshape(folded, [size, value.shape[value.rank - 4]!, ...folded.shape.slice(1)]);

const resizing = <Name extends ResizeName>(name: Name): RuleOf<ResizeName> => ({
  batch: ({images}, attrs, size) => onImages(images, size, (folded) => resize(name, folded, attrs)),
  linearIn: ['images'],
  vjp: saving([], (dy, {images}, attrs) => ({
    images: () => transposeResize(name, dy, images.shape, attrs),
  })),
});

/** The kernels that tfjs's own gradients run. */
const resizingGradient = (
  name: ResizeName,
): RuleOf<'ResizeBilinearGrad' | 'ResizeNearestNeighborGrad'> => ({
  batch: ({images, dy}, attrs, size) => {
    if (logicalRank(images) !== 4 || logicalRank(dy) !== 4)
      throw new Error('images must have rank 4');
    const [folded, foldedDy] = [images, dy].map((input) => fold(materialize(input, size))) as [
      Tensor,
      Tensor,
    ];
    return unfoldImages(run(`${name}Grad`, {images: folded, dy: foldedDy}, attrs), size, images);
  },
  linearIn: ['dy'],
  vjp: saving([], (ct, {dy}, {alignCorners, halfPixelCenters}: ResizeGradAttrs) => ({
    dy: () => {
      const [, height = 0, width = 0] = dy.shape;
      return resize(name, ct, {alignCorners, halfPixelCenters, size: [height, width]});
    },
  })),
});

export const image = family({
  ResizeBilinear: resizing('ResizeBilinear'),
  ResizeNearestNeighbor: resizing('ResizeNearestNeighbor'),
  ResizeBilinearGrad: resizingGradient('ResizeBilinear'),
  ResizeNearestNeighborGrad: resizingGradient('ResizeNearestNeighbor'),

  FlipLeftRight: {
    batch: ({image}, _attrs, size) =>
      onImages(image, size, (folded) => run('FlipLeftRight', {image: folded})),
    linearIn: ['image'],
    vjp: saving([], (dy) => ({image: () => run('FlipLeftRight', {image: dy})})),
  },

  Draw: {
    batch: {refuse: 'There is one canvas to draw on. Draw outside vmap, one example at a time.'},
    derivative: 'zero',
  },
});
