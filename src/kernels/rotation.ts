import {backend_util, tensor1d, tensor2d, type Tensor} from '@tensorflow/tfjs-core';
import {cast, concat, reshape, tile} from '../rules/ops.js';
import {gatherAlong} from '../rules/rows.js';
import type {Composition} from './composition.js';

const OPAQUE = 255;

/** The value of each channel outside of the image: as given, or red, green and blue, and of a fourth channel opaque. */
const fillOf = (fillValue: number | readonly number[], channels: number): Tensor => {
  const values = Float32Array.from({length: channels}, (_, channel) => {
    if (typeof fillValue === 'number') return fillValue;
    return channel === 3 ? OPAQUE : fillValue[channel]!;
  });
  return tensor1d(values);
};

/** The pixel that each pixel of the result takes, or `height·width` where that is outside of the image. */
function sourcesOf(
  [height, width]: readonly [number, number],
  radians: number,
  center: number | [number, number],
): Int32Array {
  const [centerX, centerY] = backend_util.getImageCenter(center, height, width);
  const [sin, cos] = [Math.sin(radians), Math.cos(radians)];
  return Int32Array.from({length: height * width}, (_, pixel) => {
    const x = (pixel % width) - centerX;
    const y = Math.floor(pixel / width) - centerY;
    const column = Math.round(x * cos - y * sin + centerX);
    const row = Math.round(x * sin + y * cos + centerY);
    const isInside = column >= 0 && column < width && row >= 0 && row < height;
    return isInside ? row * width + column : height * width;
  });
}

/** Rotates images by gathering their pixels: where these come from follows from the attributes alone. */
export const rotateWithOffset: Composition<'RotateWithOffset'> = (
  {image},
  {radians, fillValue, center},
) => {
  const [n = 0, height = 0, width = 0, channels = 0] = image.shape;
  if (image.size === 0) return image;
  const pixels = height * width;
  const fill = cast(reshape(fillOf(fillValue, channels), [1, 1, 1, channels]), image.dtype);
  const withFill = concat([reshape(image, [1, n, pixels, channels]), tile(fill, [1, n, 1, 1])], 2);
  const sources = tensor2d(sourcesOf([height, width], radians, center), [1, pixels], 'int32');
  return reshape(gatherAlong(withFill, sources), image.shape);
};
