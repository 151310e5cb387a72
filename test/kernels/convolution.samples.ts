import type * as tf from '@tensorflow/tfjs-core';
import type {Tensor, Tensor4D} from '@tensorflow/tfjs-core';
import type {Tfjs} from '../support/reference64.js';
import {sample, type Sample} from './sample.js';
import {f32} from './spec.js';

type Shape4D = [number, number, number, number];
type Explicit = [[number, number], [number, number], [number, number], [number, number]];

/** One convolution, from which the samples of its gradient kernels follow. */
interface Geometry {
  readonly x: Shape4D;
  readonly filter: Shape4D;
  readonly y: Shape4D;
  readonly strides: [number, number];
  readonly pad: 'valid' | 'same' | number | Explicit;
  readonly dilations: [number, number];
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
  readonly dataFormat?: 'NHWC' | 'NCHW';
}

const geometries: readonly Geometry[] = [
  {
    x: [2, 5, 7, 3],
    filter: [3, 2, 3, 4],
    y: [2, 3, 6, 4],
    strides: [1, 1],
    pad: 'valid',
    dilations: [1, 1],
  },
  {
    x: [2, 5, 7, 3],
    filter: [3, 2, 3, 4],
    y: [2, 3, 4, 4],
    strides: [2, 2],
    pad: 'same',
    dilations: [1, 1],
  },
  {
    x: [1, 4, 5, 2],
    filter: [2, 3, 2, 3],
    y: [1, 3, 3, 3],
    strides: [2, 1],
    pad: [
      [0, 0],
      [1, 2],
      [0, 0],
      [0, 0],
    ],
    dilations: [1, 1],
  },
  {
    x: [2, 3, 5, 4],
    filter: [1, 1, 4, 3],
    y: [2, 3, 5, 3],
    strides: [1, 1],
    pad: 'valid',
    dilations: [1, 1],
  },
  {
    x: [2, 4, 5, 3],
    filter: [2, 2, 3, 1],
    y: [2, 3, 3, 1],
    strides: [2, 2],
    pad: 1,
    dilations: [1, 1],
    dimRoundingMode: 'floor',
  },
];

const dilated: Geometry = {
  x: [2, 5, 7, 3],
  filter: [2, 3, 3, 4],
  y: [2, 3, 5, 4],
  strides: [1, 1],
  pad: 'valid',
  dilations: [2, 1],
};

const channelsFirst: Geometry = {
  x: [2, 3, 5, 7],
  filter: [3, 2, 3, 4],
  y: [2, 4, 3, 6],
  strides: [1, 1],
  pad: 'valid',
  dilations: [1, 1],
  dataFormat: 'NCHW',
};

function attrsOf({strides, pad, dilations, dimRoundingMode, dataFormat = 'NHWC'}: Geometry) {
  return {strides, pad, dataFormat, dilations, dimRoundingMode};
}

const conv2d: Sample[] = [
  ...[...geometries, dilated].map((geometry) =>
    sample('Conv2D', {x: f32(...geometry.x), filter: f32(...geometry.filter)}, attrsOf(geometry)),
  ),
  sample(
    'Conv2D',
    {x: f32(...channelsFirst.x), filter: f32(...channelsFirst.filter)},
    attrsOf(channelsFirst),
  ),
  ...geometries.flatMap((geometry) => [
    sample(
      'Conv2DBackpropInput',
      {dy: f32(...geometry.y), filter: f32(...geometry.filter)},
      {...withoutDilations(geometry), inputShape: geometry.x},
    ),
    sample(
      'Conv2DBackpropFilter',
      {x: f32(...geometry.x), dy: f32(...geometry.y)},
      {...withoutDilations(geometry), filterShape: geometry.filter},
    ),
  ]),
  sample(
    'Conv2DBackpropInput',
    {dy: f32(...channelsFirst.y), filter: f32(...channelsFirst.filter)},
    {...withoutDilations(channelsFirst), inputShape: channelsFirst.x},
  ),
  sample(
    'Conv2DBackpropFilter',
    {x: f32(...channelsFirst.x), dy: f32(...channelsFirst.y)},
    {...withoutDilations(channelsFirst), filterShape: channelsFirst.filter},
  ),
];

function withoutDilations(geometry: Geometry) {
  const {strides, pad, dataFormat, dimRoundingMode} = attrsOf(geometry);
  return {strides, pad, dataFormat, dimRoundingMode};
}

const depthwiseGeometries: readonly Geometry[] = [
  {
    x: [2, 5, 7, 3],
    filter: [3, 2, 3, 2],
    y: [2, 3, 6, 6],
    strides: [1, 1],
    pad: 'valid',
    dilations: [1, 1],
  },
  {
    x: [2, 5, 7, 3],
    filter: [2, 3, 3, 1],
    y: [2, 5, 7, 3],
    strides: [1, 1],
    pad: 'same',
    dilations: [1, 1],
  },
  {
    x: [1, 5, 4, 2],
    filter: [2, 3, 2, 3],
    y: [1, 3, 2, 6],
    strides: [2, 2],
    pad: 'same',
    dilations: [1, 1],
  },
];

const depthwiseDilated: Geometry = {
  x: [2, 5, 7, 3],
  filter: [2, 3, 3, 2],
  y: [2, 3, 5, 6],
  strides: [1, 1],
  pad: 'valid',
  dilations: [2, 1],
};

const depthwiseExplicit: Geometry = {
  x: [2, 4, 5, 3],
  filter: [2, 2, 3, 2],
  y: [2, 5, 6, 6],
  strides: [1, 1],
  pad: 1,
  dilations: [1, 1],
};

const depthwise: Sample[] = [
  ...[...depthwiseGeometries, depthwiseDilated, depthwiseExplicit].map((geometry) =>
    sample(
      'DepthwiseConv2dNative',
      {x: f32(...geometry.x), filter: f32(...geometry.filter)},
      attrsOf(geometry),
    ),
  ),
  sample(
    'DepthwiseConv2dNative',
    {x: f32(2, 3, 5, 4), filter: f32(2, 3, 3, 2)},
    {strides: [1, 1], pad: 'valid', dataFormat: 'NCHW', dilations: [1, 1]},
    {
      reference: (tf, [x, filter]) => {
        const images = tf.transpose(x as Tensor4D, [0, 2, 3, 1]);
        const y = tf.depthwiseConv2d(images, filter as Tensor4D, [1, 1], 'valid');
        return tf.transpose(y, [0, 3, 1, 2]);
      },
    },
  ),
  ...depthwiseGeometries.flatMap((geometry) => {
    const {strides, pad, dilations, dimRoundingMode} = attrsOf(geometry);
    return [
      sample(
        'DepthwiseConv2dNativeBackpropInput',
        {dy: f32(...geometry.y), filter: f32(...geometry.filter)},
        {strides, pad, dimRoundingMode, dilations, inputShape: geometry.x},
      ),
      sample(
        'DepthwiseConv2dNativeBackpropFilter',
        {x: f32(...geometry.x), dy: f32(...geometry.y)},
        {strides, pad, dimRoundingMode, dilations, filterShape: geometry.filter},
      ),
    ];
  }),
];

const undilated = {strides: depthwiseDilated.strides, pad: depthwiseDilated.pad, dilations: 1};

/** As if the filter had zeros between its rows: the kernels of cpu ignore dilations. */
const depthwiseDilatedGradients: Sample[] = [
  sample(
    'DepthwiseConv2dNativeBackpropInput',
    {dy: f32(...depthwiseDilated.y), filter: f32(...depthwiseDilated.filter)},
    {...undilated, dilations: depthwiseDilated.dilations, inputShape: depthwiseDilated.x},
    {
      reference: (tf, [dy, filter]) =>
        tf
          .engine()
          .runKernel(
            'DepthwiseConv2dNativeBackpropInput',
            {dy: dy as Tensor, filter: spreadRows(tf, filter as Tensor)},
            {...undilated, inputShape: depthwiseDilated.x},
          ),
    },
  ),
  sample(
    'DepthwiseConv2dNativeBackpropFilter',
    {x: f32(...depthwiseDilated.x), dy: f32(...depthwiseDilated.y)},
    {...undilated, dilations: depthwiseDilated.dilations, filterShape: depthwiseDilated.filter},
    {
      reference: (tf, [x, dy]) => {
        const spread = tf
          .engine()
          .runKernel<Tensor>(
            'DepthwiseConv2dNativeBackpropFilter',
            {x: x as Tensor, dy: dy as Tensor},
            {...undilated, filterShape: [3, 3, 3, 2]},
          );
        return tf.gather(spread, [0, 2]);
      },
    },
  ),
];

/** A filter of two rows with a row of zeros between them. */
function spreadRows(tfjs: Tfjs, filter: Tensor): Tensor {
  const [first, second] = tfjs.split(filter, 2) as [Tensor, Tensor];
  return tfjs.concat([first, tfjs.zerosLike(first), second]);
}

type Activation = tf.FusedConv2DAttrs['activation'];

const activations: readonly Activation[] = [
  'linear',
  'relu',
  'relu6',
  'elu',
  'sigmoid',
  'leakyrelu',
  'prelu',
];

const [valid, same] = geometries as [Geometry, Geometry];
const [depthwiseValid, depthwiseSame] = depthwiseGeometries as [Geometry, Geometry];

/** The type asks for a rounding mode, tfjs's own ops pass it undefined. */
function fusedAttrs(geometry: Geometry, activation: Activation, leakyreluAlpha?: number) {
  return {...attrsOf(geometry), activation, leakyreluAlpha} as tf.FusedConv2DAttrs;
}

const fused: Sample[] = [
  ...activations.flatMap((activation) => {
    const alpha = activation === 'leakyrelu' ? 0.3 : undefined;
    const isPrelu = activation === 'prelu';
    return [
      sample(
        'FusedConv2D',
        {
          x: f32(...same.x),
          filter: f32(...same.filter),
          bias: f32(4),
          preluActivationWeights: isPrelu ? f32(4) : undefined,
        },
        fusedAttrs(same, activation, alpha),
      ),
      sample(
        'FusedDepthwiseConv2D',
        {
          x: f32(...depthwiseSame.x),
          filter: f32(...depthwiseSame.filter),
          bias: f32(3),
          preluActivationWeights: isPrelu ? f32(3) : undefined,
        },
        fusedAttrs(depthwiseSame, activation, alpha),
      ),
    ];
  }),
  sample(
    'FusedConv2D',
    {
      x: f32(...valid.x),
      filter: f32(...valid.filter),
      bias: undefined,
      preluActivationWeights: f32(1, 1, 4),
    },
    fusedAttrs(valid, 'prelu'),
  ),
  // One bias and one slope per channel, where these are not the last dimension.
  sample(
    'FusedConv2D',
    {
      x: f32(...channelsFirst.x),
      filter: f32(...channelsFirst.filter),
      bias: f32(4),
      preluActivationWeights: f32(4),
    },
    fusedAttrs(channelsFirst, 'prelu'),
  ),
  sample(
    'FusedConv2D',
    {x: f32(...dilated.x), filter: f32(...dilated.filter), bias: f32(4)},
    fusedAttrs(dilated, 'relu'),
  ),
  sample(
    'FusedConv2D',
    {x: f32(...valid.x), filter: f32(...valid.filter), bias: undefined},
    fusedAttrs(valid, 'sigmoid'),
  ),
  sample(
    'FusedDepthwiseConv2D',
    {x: f32(...depthwiseValid.x), filter: f32(...depthwiseValid.filter), bias: f32(6)},
    fusedAttrs(depthwiseValid, 'elu'),
  ),
  sample(
    'FusedDepthwiseConv2D',
    {x: f32(...depthwiseValid.x), filter: f32(...depthwiseValid.filter), bias: f32(1, 1, 6)},
    fusedAttrs(depthwiseValid, 'relu'),
  ),
  sample(
    'FusedDepthwiseConv2D',
    {x: f32(...depthwiseDilated.x), filter: f32(...depthwiseDilated.filter), bias: undefined},
    fusedAttrs(depthwiseDilated, 'relu6'),
  ),
];

const dilation2d: Sample[] = (
  [
    {strides: [1, 1], pad: 'valid', dilations: [1, 1]},
    {strides: [2, 1], pad: 'same', dilations: [1, 1]},
    {strides: [1, 1], pad: 'same', dilations: [2, 2]},
  ] satisfies tf.Dilation2DAttrs[]
).flatMap((attrs) => {
  const y: Shape4D =
    attrs.pad === 'valid' ? [2, 3, 6, 3] : attrs.strides[0] === 2 ? [2, 3, 7, 3] : [2, 5, 7, 3];
  return [
    sample('Dilation2D', {x: f32(2, 5, 7, 3), filter: f32(3, 2, 3)}, attrs),
    sample('Dilation2D', {x: f32(2, 5, 7, 3).in(2, 5), filter: f32(3, 2, 3)}, attrs, {
      note: 'positive',
    }),
    sample(
      'Dilation2DBackpropInput',
      {x: f32(2, 5, 7, 3).in(2, 5), filter: f32(3, 2, 3), dy: f32(...y)},
      attrs,
    ),
    sample(
      'Dilation2DBackpropFilter',
      {x: f32(2, 5, 7, 3).in(2, 5), filter: f32(3, 2, 3), dy: f32(...y)},
      attrs,
    ),
  ];
});

export const convolution: readonly Sample[] = [
  ...conv2d,
  ...depthwise,
  ...depthwiseDilatedGradients,
  ...fused,
  ...dilation2d,
];
