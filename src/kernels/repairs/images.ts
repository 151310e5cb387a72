import type {RotateWithOffsetAttrs, TensorInfo} from '@tensorflow/tfjs-core';
import {transposeResize, type ResizeName} from '../../rules/image.js';
import {zeros} from '../../rules/ops.js';
import {transformBySamples} from '../../rules/transformation.js';
import type {Repair, Repairs} from '../composition.js';
import {rotateWithOffset} from '../rotation.js';

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

const transform = (
  wrong: string,
  isWrong: Repair<'Transform'>['isWrong'],
): Repair<'Transform'> => ({
  wrong,
  instead: 'the pixels gathered, and blended',
  isWrong,
  composition: ({image, transforms}, attrs) => transformBySamples(image, transforms, attrs),
});

export const transformsOfCpu: Repairs = {
  Transform: [transform('transforms the first image only', ({image}) => image.shape[0]! > 1)],
};

export const transformsOfWasm: Repairs = {
  Transform: [
    transform(
      'clamps to the border what it should reflect',
      (_inputs, {fillMode}) => fillMode === 'reflect',
    ),
  ],
};

const rotation = (
  wrong: string,
  isWrong: (image: TensorInfo, attrs: RotateWithOffsetAttrs) => boolean,
): Repairs => ({
  RotateWithOffset: [
    {
      wrong,
      instead: 'the pixels gathered',
      isWrong: ({image}, attrs) => isWrong(image, attrs),
      composition: (inputs, attrs) => rotateWithOffset(inputs, attrs),
    },
  ],
});

const channelsOf = ({shape}: TensorInfo): number => shape[3] ?? 0;

export const rotationsOfWasm = rotation(
  'takes whole numbers only to fill with, of up to four channels; and fills a fourth with 255 where one number is given for all',
  (image, {fillValue}) =>
    [fillValue].flat().some((value) => !Number.isInteger(value)) ||
    channelsOf(image) > (fillValue === 0 || Array.isArray(fillValue) ? 4 : 3),
);

export const rotationsOfGpus = rotation(
  'fills a fourth channel with what is in memory',
  (image, {fillValue}) => Array.isArray(fillValue) && channelsOf(image) > 3,
);
