import {transposeResize, type ResizeName} from '../../rules/image.js';
import {zeros} from '../../rules/ops.js';
import type {Repair, Repairs} from '../composition.js';

type Gradient = Repair<'ResizeBilinearGrad'> & Repair<'ResizeNearestNeighborGrad'>;

const gradient = (name: ResizeName, wrong: string, isWrong: Gradient['isWrong']): Gradient => ({
  wrong,
  instead: 'the transposes of the resizing along each dimension, as products of matrices',
  isWrong,
  composition: ({images, dy}, {alignCorners, halfPixelCenters}) => {
    const [, height = 0, width = 0] = dy.shape;
    const attrs = {alignCorners, halfPixelCenters, size: [height, width] as [number, number]};
    return dy.size === 0 ? zeros(images.shape) : transposeResize(name, dy, images.shape, attrs);
  },
});

const isSquare = ({shape}: {readonly shape: readonly number[]}): boolean => shape[1] === shape[2];

export const resizesOfCpu: Repairs = {
  ResizeBilinearGrad: [
    gradient(
      'ResizeBilinear',
      'takes the height for the width, and ignores halfPixelCenters',
      ({images, dy}, {halfPixelCenters}) => halfPixelCenters || !isSquare(images) || !isSquare(dy),
    ),
  ],
  ResizeNearestNeighborGrad: [
    gradient(
      'ResizeNearestNeighbor',
      'reads the gradient of other images than the first in the wrong place, and ignores halfPixelCenters',
      ({images}, {halfPixelCenters}) => halfPixelCenters || images.shape[0]! > 1,
    ),
  ],
};

const ignoresHalfPixelCenters = (name: ResizeName): Gradient =>
  gradient(name, 'ignores halfPixelCenters', (_inputs, {halfPixelCenters}) => halfPixelCenters);

export const resizesOfOthers: Repairs = {
  ResizeBilinearGrad: [ignoresHalfPixelCenters('ResizeBilinear')],
  ResizeNearestNeighborGrad: [ignoresHalfPixelCenters('ResizeNearestNeighbor')],
};
