import type {Tensor} from '@tensorflow/tfjs-core';
import {imageAdjoint} from '../support/adjoint.js';
import {opSample, sample, type Sample} from './sample.js';
import {f32} from './spec.js';

type Size = readonly [height: number, width: number];

interface Mode {
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
}

const modes: readonly Mode[] = [
  {alignCorners: false, halfPixelCenters: false},
  {alignCorners: true, halfPixelCenters: false},
  {alignCorners: false, halfPixelCenters: true},
];

const sizes: readonly Size[] = [
  [5, 7],
  [2, 3],
  [3, 8],
];

function resizes(mode: Mode, from: Size, to: Size): Sample[] {
  const shape = [2, ...from, 3];
  const attrs = {...mode, size: [...to] as [number, number]};
  const images = f32(...shape);
  const rows = [
    sample('ResizeBilinear', {images}, attrs),
    sample('ResizeNearestNeighbor', {images}, attrs),
  ];
  return [...rows, ...(['ResizeBilinear', 'ResizeNearestNeighbor'] as const).map(gradient)];

  function gradient(kernel: 'ResizeBilinear' | 'ResizeNearestNeighbor'): Sample {
    return sample(`${kernel}Grad`, {images, dy: f32(2, ...to, 3)}, attrs, {
      constant: ['images'],
      reference: (tf, [, dy]) =>
        imageAdjoint(tf, shape, dy as Tensor, (basis) =>
          tf.engine().runKernel(kernel, {images: basis}, attrs),
        ),
    });
  }
}

export const image: readonly Sample[] = [
  ...modes.flatMap((mode) => [
    ...sizes.flatMap((size) => resizes(mode, [3, 4], size)),
    ...resizes(mode, [3, 3], [5, 5]),
  ]),
  sample('FlipLeftRight', {image: f32(2, 3, 5, 3)}),
  ...[3, 4].map((numChannels) =>
    opSample(
      'browser.fromPixels',
      {},
      (tfjs) => {
        const data = Uint8Array.from({length: 24}, (_, i) => 10 * i);
        return tfjs.browser.fromPixels({data, width: 3, height: 2}, numChannels);
      },
      {note: `${numChannels} channels`},
    ),
  ),
];
