import type {Conv3DAttrs, Tensor} from '@tensorflow/tfjs-core';
import type {Tfjs} from '../support/reference64.js';
import {sample, type Sample} from './sample.js';
import {f32} from './spec.js';

type Shape5D = [number, number, number, number, number];

/** One convolution of volumes, from which the samples of its gradient kernels follow. */
interface Geometry {
  readonly x: Shape5D;
  readonly filter: Shape5D;
  readonly y: Shape5D;
  readonly strides: [number, number, number];
  readonly pad: Conv3DAttrs['pad'];
  readonly dilations: number | [number, number, number];
}

const [valid, same, single, padded, apart, dilated]: readonly Geometry[] = [
  {
    x: [2, 3, 4, 5, 2],
    filter: [2, 3, 2, 2, 3],
    y: [2, 2, 2, 4, 3],
    strides: [1, 1, 1],
    pad: 'valid',
    dilations: 1,
  },
  {
    x: [1, 3, 4, 5, 2],
    filter: [2, 2, 3, 2, 1],
    y: [1, 3, 2, 3, 1],
    strides: [1, 2, 2],
    pad: 'same',
    dilations: [1, 1, 1],
  },
  {
    x: [2, 2, 3, 1, 4],
    filter: [1, 1, 1, 4, 2],
    y: [2, 2, 3, 1, 2],
    strides: [1, 1, 1],
    pad: 'valid',
    dilations: 1,
  },
  {
    x: [1, 2, 3, 4, 2],
    filter: [2, 3, 3, 2, 2],
    y: [1, 3, 3, 4, 2],
    strides: [1, 1, 1],
    pad: 1 as unknown as 'valid',
    dilations: 1,
  },
  {
    x: [2, 3, 6, 5, 1],
    filter: [1, 2, 1, 1, 2],
    y: [2, 3, 2, 2, 2],
    strides: [1, 3, 3],
    pad: 'same',
    dilations: 1,
  },
  {
    x: [2, 4, 3, 5, 2],
    filter: [2, 2, 3, 2, 3],
    y: [2, 2, 2, 1, 3],
    strides: [1, 1, 1],
    pad: 'valid',
    dilations: [2, 1, 2],
  },
] as const;

const geometries = [valid, same, single, padded, apart, dilated] as Geometry[];

/** What the first windows begin at, of windows that lie apart: 'same' pads nothing there, whatever tfjs's kernel for the cpu does. */
const cut = (tf: Tfjs, x: Tensor): Tensor => tf.slice(x, [0, 0, 0, 0, 0], [2, 3, 5, 4, 1]);

const cutAttrs = {strides: apart!.strides, pad: 'valid'};

const forward = geometries.map((geometry) => {
  const {strides, pad, dilations} = geometry;
  return sample(
    'Conv3D',
    {x: f32(...geometry.x), filter: f32(...geometry.filter)},
    {strides, pad, dataFormat: 'NDHWC', dilations},
    {
      ...(geometry === apart
        ? {
            reference: (tf, [x, filter]) =>
              tf
                .engine()
                .runKernel(
                  'Conv3D',
                  {x: cut(tf, x!), filter: filter!},
                  {...cutAttrs, dilations: 1},
                ),
          }
        : {}),
    },
  );
});

const gradients = geometries
  .filter((geometry) => geometry !== dilated)
  .flatMap((geometry): Sample[] => {
    const {strides, pad} = geometry;
    return [
      sample(
        'Conv3DBackpropInputV2',
        {dy: f32(...geometry.y), filter: f32(...geometry.filter)},
        {strides, pad, inputShape: geometry.x},
        {
          ...(geometry === apart
            ? {
                reference: (tf, [dy, filter]) =>
                  tf.pad(
                    tf
                      .engine()
                      .runKernel<Tensor>(
                        'Conv3DBackpropInputV2',
                        {dy: dy!, filter: filter!},
                        {...cutAttrs, inputShape: [2, 3, 5, 4, 1]},
                      ),
                    [
                      [0, 0],
                      [0, 0],
                      [0, 1],
                      [0, 1],
                      [0, 0],
                    ],
                  ),
              }
            : {}),
        },
      ),
      sample(
        'Conv3DBackpropFilterV2',
        {x: f32(...geometry.x), dy: f32(...geometry.y)},
        {strides, pad, filterShape: geometry.filter},
        {
          ...(geometry === apart
            ? {
                reference: (tf, [x, dy]) =>
                  tf
                    .engine()
                    .runKernel(
                      'Conv3DBackpropFilterV2',
                      {x: cut(tf, x!), dy: dy!},
                      {...cutAttrs, filterShape: apart.filter},
                    ),
              }
            : {}),
        },
      ),
    ];
  });

export const volume: readonly Sample[] = [...forward, ...gradients];
