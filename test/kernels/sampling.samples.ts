import type {Tensor} from '@tensorflow/tfjs-core';
import {sample, type Sample} from './sample.js';
import {f32, i32} from './spec.js';

/** Positions of pixels stay away from whole numbers, where the derivatives of a blend jump. */
const boxes = f32(3, 4).of(
  [0.11, 0.07, 0.77, 0.85, 0.9, 0.58, 0.25, 0.21, -0.3, 0.4, 0.55, 1.2],
  [0.9, 0.58, 0.25, 0.21, -0.3, 0.4, 0.55, 1.2, 0.11, 0.07, 0.77, 0.85],
  [0.25, 0.21, 0.77, 0.85, 0.11, 0.07, 0.55, 0.85, 0.9, 0.07, 0.25, 0.4],
);

const crops: Sample[] = (['bilinear', 'nearest'] as const).flatMap((method) =>
  (
    [
      [2, 3],
      [1, 1],
      [4, 1],
    ] as [number, number][]
  ).map((cropSize) =>
    sample(
      'CropAndResize',
      {image: f32(2, 4, 5, 2), boxes, boxInd: i32(3).in(0, 2)},
      {cropSize, method, extrapolationValue: cropSize[0] === 2 ? 0 : -0.5},
    ),
  ),
);

/** Positions are far from whole numbers and from halves, inside and outside of the image. */
const one = [
  [0.94, -0.2, -0.7, -0.03, 0.9, -0.16, -0.02, -0.03],
  [0.84, 0.25, 0.04, 0.01, 1.1, -0.35, 0.03, 0.01],
  [0.78, -0.01, 1.17, -0.14, 0.81, 0.92, 0.03, 0],
] as const;

const projections: Sample[] = (['bilinear', 'nearest'] as const).flatMap((interpolation) =>
  (['constant', 'reflect', 'wrap', 'nearest'] as const).flatMap((fillMode) => {
    const attrs = {interpolation, fillMode, fillValue: -0.5};
    return [
      sample(
        'Transform',
        {image: f32(1, 3, 4, 2), transforms: f32(1, 8).of(...one)},
        {...attrs, outputShape: [4, 3]},
        {
          slack: {batching: 4},
          reason:
            'a batch is transformed with positions in single precision, where the kernel of cpu has double',
        },
      ),
      sample(
        'Transform',
        {
          image: f32(2, 3, 4, 1),
          transforms: f32(2, 8).of([...one[0], ...one[1]], [...one[1], ...one[2]]),
        },
        {...attrs, outputShape: undefined as unknown as [number, number]},
        {
          reference: (tfjs, [image, transforms]) =>
            tfjs.concat(
              [0, 1].map((n) =>
                tfjs.engine().runKernel<Tensor>(
                  'Transform',
                  {
                    image: tfjs.slice(image as Tensor, [n, 0, 0, 0], [1, 3, 4, 1]),
                    transforms: tfjs.slice(transforms as Tensor, [n, 0], [1, 8]),
                  },
                  attrs,
                ),
              ),
            ),
        },
      ),
    ];
  }),
);

const rotations: Sample[] = [
  sample('RotateWithOffset', {image: f32(2, 3, 5, 3)}, {radians: 0.8, fillValue: 0, center: 0.5}),
  sample(
    'RotateWithOffset',
    {image: f32(1, 4, 3, 4)},
    {radians: -2.1, fillValue: [7, 5, 2], center: [0.25, 0.7]},
  ),
  sample(
    'RotateWithOffset',
    {image: f32(2, 3, 3, 1)},
    {radians: 0.4, fillValue: 0.5, center: [0.2, 0.6]},
  ),
  sample('RotateWithOffset', {image: f32(1, 3, 4, 4)}, {radians: 1.1, fillValue: 3, center: 0.4}),
];

export const sampling: readonly Sample[] = [...crops, ...projections, ...rotations];
