import type {
  AvgPool3DAttrs,
  AvgPool3DGradAttrs,
  AvgPoolGradAttrs,
  MaxPoolAttrs,
  MaxPoolWithArgmaxAttrs,
  Tensor,
} from '@tensorflow/tfjs-core';
import {imageAdjoint} from '../support/adjoint.js';
import {host} from '../support/host.js';
import {run} from '../support/reference64.js';
import {sample, type Sample} from './sample.js';
import {f32} from './spec.js';

type Shape4D = [number, number, number, number];

interface Geometry {
  readonly x: Shape4D;
  readonly y: Shape4D;
  readonly attrs: MaxPoolAttrs;
}

const geometries: readonly Geometry[] = [
  {
    x: [2, 5, 7, 3],
    y: [2, 4, 5, 3],
    attrs: {filterSize: [2, 3], strides: [1, 1], pad: 'valid'},
  },
  {
    x: [2, 4, 6, 3],
    y: [2, 2, 3, 3],
    attrs: {filterSize: [2, 2], strides: [2, 2], pad: 'valid'},
  },
  {
    x: [2, 5, 7, 3],
    y: [2, 3, 4, 3],
    attrs: {filterSize: [3, 2], strides: [2, 2], pad: 'same'},
  },
  {
    x: [1, 5, 4, 2],
    y: [1, 5, 4, 2],
    attrs: {filterSize: [3, 2], strides: [1, 1], pad: 'same'},
  },
  {
    x: [2, 3, 5, 4],
    y: [2, 3, 5, 4],
    attrs: {filterSize: 1, strides: 1, pad: 'valid'},
  },
  {
    x: [2, 5, 7, 3],
    y: [2, 2, 2, 3],
    attrs: {filterSize: 2, strides: 3, pad: 'valid'},
  },
];

/** Windows that lie apart, and padding whose result is rounded up. */
const unusual: readonly MaxPoolAttrs[] = [
  {filterSize: [1, 2], strides: [2, 3], pad: 'same'},
  {filterSize: [3, 2], strides: [2, 2], pad: 1, dimRoundingMode: 'ceil'},
];

const numericPadding: Geometry = {
  x: [2, 4, 5, 3],
  y: [2, 2, 3, 3],
  attrs: {filterSize: [3, 3], strides: [2, 2], pad: 1, dimRoundingMode: 'floor'},
};

/** Where windows meet padding, the gradient kernel of cpu is not the transpose of the average. */
function averageGradient(
  kernel: 'AvgPoolGrad' | 'AvgPool3DGrad',
  x: number[],
  y: number[],
  {filterSize, strides, pad, dimRoundingMode}: MaxPoolAttrs | AvgPool3DAttrs,
): Sample {
  const attrs = {filterSize, strides, pad, dimRoundingMode} as AvgPoolGradAttrs &
    AvgPool3DGradAttrs;
  const pool = kernel === 'AvgPoolGrad' ? 'AvgPool' : 'AvgPool3D';
  return sample(kernel, {dy: f32(...y), input: f32(...x)}, attrs, {
    reference: (tf, [dy]) =>
      imageAdjoint(tf, x, dy as Tensor, (images) =>
        tf.engine().runKernel(pool, {x: images}, {...attrs, dataFormat: 'NDHWC'}),
      ),
  });
}

function pools(geometry: Geometry): Sample[] {
  const {x, y, attrs} = geometry;
  const output = f32(...y).from(['input'], ({input}) => {
    const pooled = run('MaxPool', {x: input}, {...attrs})[0];
    return host(y, 'float32', pooled?.values ?? []);
  });
  return [
    sample('MaxPool', {x: f32(...x)}, attrs),
    sample('AvgPool', {x: f32(...x)}, attrs),
    averageGradient('AvgPoolGrad', x, y, attrs),
    sample('MaxPoolGrad', {dy: f32(...y), input: f32(...x), output}, attrs, {
      constant: ['output'],
    }),
    sample('MaxPoolGrad', {dy: f32(...y), input: f32(...x).in(0.1, 2), output}, attrs, {
      constant: ['output'],
      note: 'positive',
    }),
  ];
}

/** Pools of volumes. Windows are as high as wide: with others the cpu kernel of the maximum's gradient confuses positions. */
const volumes: readonly {x: number[]; y: number[]; attrs: AvgPool3DAttrs}[] = [
  {
    x: [1, 4, 5, 6, 2],
    y: [1, 2, 3, 2, 2],
    attrs: {filterSize: [2, 3, 3], strides: [2, 1, 2], pad: 'valid', dataFormat: 'NDHWC'},
  },
  {
    x: [2, 3, 4, 5, 2],
    y: [2, 2, 2, 3, 2],
    attrs: {filterSize: 2, strides: 2, pad: 'same', dataFormat: 'NDHWC'},
  },
  {
    x: [1, 3, 4, 5, 2],
    y: [1, 2, 2, 2, 2],
    attrs: {filterSize: [1, 2, 2], strides: [2, 3, 3], pad: 'same', dataFormat: 'NDHWC'},
  },
  {
    x: [1, 3, 4, 4, 2],
    y: [1, 2, 3, 3, 2],
    attrs: {
      filterSize: [3, 2, 2],
      strides: 2,
      pad: 1,
      dimRoundingMode: 'floor',
      dataFormat: 'NDHWC',
    },
  },
];

const volumePools: Sample[] = volumes.flatMap(({x, y, attrs}) => {
  const {filterSize, strides, pad} = attrs;
  const gradAttrs = {filterSize, strides, pad};
  const output = f32(...y).from(['input'], ({input}) => {
    const pooled = run('MaxPool3D', {x: input}, {...attrs})[0];
    return host(y, 'float32', pooled?.values ?? []);
  });
  const positive = f32(...x).in(0.1, 2);
  return [
    sample('AvgPool3D', {x: f32(...x)}, attrs),
    averageGradient('AvgPool3DGrad', x, y, attrs),
    sample('MaxPool3D', {x: f32(...x)}, attrs),
    sample('MaxPool3D', {x: positive}, attrs, {note: 'positive'}),
    sample('MaxPool3DGrad', {dy: f32(...y), input: f32(...x), output}, gradAttrs, {
      constant: ['output'],
    }),
    sample('MaxPool3DGrad', {dy: f32(...y), input: positive, output}, gradAttrs, {
      constant: ['output'],
      note: 'positive',
    }),
  ];
});

const argmaxPools: Sample[] = (
  [
    {filterSize: [2, 3], strides: [1, 2], pad: 'valid', includeBatchInIndex: false},
    {filterSize: 2, strides: 2, pad: 'same', includeBatchInIndex: true},
    {filterSize: 3, strides: 2, pad: 1, includeBatchInIndex: true},
  ] satisfies MaxPoolWithArgmaxAttrs[]
).flatMap((attrs) => [
  sample('MaxPoolWithArgmax', {x: f32(2, 5, 4, 3)}, attrs),
  sample('MaxPoolWithArgmax', {x: f32(2, 5, 4, 3).in(0.1, 2)}, attrs, {note: 'positive'}),
]);

export const pooling: readonly Sample[] = [
  ...geometries.flatMap((geometry) => pools(geometry)),
  ...pools(numericPadding),
  ...unusual.flatMap((attrs) => [
    sample('MaxPool', {x: f32(1, 5, 7, 2)}, attrs),
    sample('AvgPool', {x: f32(1, 5, 7, 2)}, attrs),
  ]),
  averageGradient('AvgPoolGrad', [1, 5, 7, 2], [1, 3, 3, 2], unusual[0]!),
  averageGradient('AvgPoolGrad', [1, 6, 7, 2], [1, 4, 4, 2], unusual[1]!),
  averageGradient('AvgPoolGrad', [1, 6, 7, 2], [1, 3, 3, 2], {
    filterSize: [3, 2],
    strides: [2, 2],
    pad: 0,
    dimRoundingMode: 'ceil',
  }),
  sample(
    'AvgPool',
    {x: f32(1, 6, 7, 2)},
    {filterSize: [3, 2], strides: [2, 2], pad: 0, dimRoundingMode: 'ceil'},
  ),
  ...volumePools,
  ...argmaxPools,
];
