import type * as tf from '@tensorflow/tfjs-core';
import type {Tfjs} from '../support/reference64.js';
import {opSample, sample, type Sample, type SampleOptions} from './sample.js';
import {bool, c64, f32, i32} from './spec.js';

/** Of each part by itself: what a kernel that is linear with real coefficients makes of complex numbers. No kernel of cpu does. */
const ofEachPart = (row: Sample): Sample => ({
  ...row,
  reference: (tfjs, tensors) => {
    const part = (f: (z: tf.Tensor) => tf.Tensor) =>
      row.call(
        tfjs,
        tensors.map((tensor) => (tensor.dtype === 'complex64' ? f(tensor) : tensor)),
      );
    const [re, im] = [part(tfjs.real), part(tfjs.imag)];
    return re.map((x, i) => tfjs.complex(x, im[i] as tf.Tensor));
  },
});

type Multiply = (tfjs: Tfjs, a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

/** A product of complex numbers, by one of real numbers. */
const byProducts = (times: Multiply): SampleOptions => ({
  reference: (tfjs, tensors) => {
    const [a, b] = tensors as [tf.Tensor, tf.Tensor];
    const [x, y, u, v] = [tfjs.real(a), tfjs.imag(a), tfjs.real(b), tfjs.imag(b)];
    return tfjs.complex(
      tfjs.sub(times(tfjs, x, u), times(tfjs, y, v)),
      tfjs.add(times(tfjs, x, v), times(tfjs, y, u)),
    );
  },
});

const elementwise = byProducts((tfjs, a, b) => tfjs.mul(a, b));

const quotient: SampleOptions = {
  reference: (tfjs, tensors) => {
    const [a, b] = tensors as [tf.Tensor, tf.Tensor];
    const [x, y, u, v] = [tfjs.real(a), tfjs.imag(a), tfjs.real(b), tfjs.imag(b)];
    const norm = tfjs.add(tfjs.square(u), tfjs.square(v));
    return tfjs.complex(
      tfjs.div(tfjs.add(tfjs.mul(x, u), tfjs.mul(y, v)), norm),
      tfjs.div(tfjs.sub(tfjs.mul(y, u), tfjs.mul(x, v)), norm),
    );
  },
};

const comparison =
  (
    compare: (tfjs: Tfjs, a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
    join: (tfjs: Tfjs, a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
  ): SampleOptions['reference'] =>
  (tfjs, tensors) => {
    const [a, b] = tensors as [tf.Tensor, tf.Tensor];
    return join(
      tfjs,
      compare(tfjs, tfjs.real(a), tfjs.real(b)),
      compare(tfjs, tfjs.imag(a), tfjs.imag(b)),
    );
  };

const reduction = {axis: [1], keepDims: false};

const strided = {
  begin: [3, 0],
  end: [0, 5],
  strides: [-2, 3],
  beginMask: 0,
  endMask: 0,
  ellipsisMask: 0,
  newAxisMask: 0,
  shrinkAxisMask: 0,
};

const kernels: readonly Sample[] = [
  sample('Complex', {real: f32(3, 5), imag: f32(3, 5)}),
  sample('Complex', {real: f32(), imag: f32()}),
  sample('Real', {input: c64(3, 5)}),
  sample('Imag', {input: c64(3, 5)}),
  sample('ComplexAbs', {x: c64(3, 5)}),
  sample('ComplexAbs', {x: c64()}),
  sample('FFT', {input: c64(3, 8)}),
  sample('FFT', {input: c64(3, 5)}),
  sample('IFFT', {input: c64(3, 8)}),
  sample('IFFT', {input: c64(3, 5)}),

  sample('Cast', {x: c64(3, 5)}, {dtype: 'float32'}, {reference: (tfjs, [z]) => tfjs.real(z!)}),
  sample('Cast', {x: f32(3, 5)}, {dtype: 'complex64'}),
];

const arithmetic: readonly Sample[] = [
  ofEachPart(sample('Add', {a: c64(3, 5), b: c64(5)})),
  ofEachPart(sample('Sub', {a: c64(5), b: c64(3, 1)})),
  ofEachPart(sample('AddN', [c64(3, 5), c64(3, 5), c64(3, 5)])),
  ofEachPart(sample('Neg', {x: c64(3, 5)})),
  sample('Multiply', {a: c64(3, 5), b: c64(5)}, {}, elementwise),
  sample('Multiply', {a: c64(), b: c64(3)}, {}, elementwise),
  sample('RealDiv', {a: c64(5), b: c64(3, 1)}, {}, quotient),
  sample(
    'BatchMatMul',
    {a: c64(1, 3, 4), b: c64(2, 5, 4)},
    {transposeA: false, transposeB: true},
    {
      ...byProducts((tfjs, a, b) => tfjs.matMul(tfjs.tile(a, [2, 1, 1]), b, false, true)),
    },
  ),
  sample(
    'BatchMatMul',
    {a: c64(2, 4, 3), b: c64(2, 4, 5)},
    {transposeA: true, transposeB: false},
    {
      ...byProducts((tfjs, a, b) => tfjs.matMul(a, b, true)),
    },
  ),
  sample(
    'Einsum',
    [c64(3, 4), c64(4, 5)],
    {equation: 'ij,jk->ki'},
    {
      ...byProducts((tfjs, a, b) => tfjs.transpose(tfjs.matMul(a, b))),
    },
  ),
  sample(
    'Equal',
    {a: c64(3, 5), b: c64(5)},
    {},
    {
      reference: comparison(
        (tfjs, a, b) => tfjs.equal(a, b),
        (tfjs, a, b) => tfjs.logicalAnd(a, b),
      ),
    },
  ),
  sample(
    'NotEqual',
    {a: c64(3, 5), b: c64(5)},
    {},
    {
      reference: comparison(
        (tfjs, a, b) => tfjs.notEqual(a, b),
        (tfjs, a, b) => tfjs.logicalOr(a, b),
      ),
    },
  ),
  ofEachPart(sample('Sum', {x: c64(3, 5)}, reduction)),
  ofEachPart(sample('Mean', {x: c64(3, 5)}, reduction)),
  ofEachPart(sample('Cumsum', {x: c64(3, 5)}, {axis: 1, exclusive: true, reverse: false})),
];

const arrangement: readonly Sample[] = [
  ofEachPart(sample('ZerosLike', {x: c64(3, 5)})),
  sample('OnesLike', {x: c64(3, 5)}),
  sample('Identity', {x: c64(3, 5)}),
  ofEachPart(sample('Reshape', {x: c64(3, 5)}, {shape: [5, 3]})),
  ofEachPart(sample('ExpandDims', {input: c64(3, 5)}, {dim: 1})),
  ofEachPart(sample('Transpose', {x: c64(3, 4, 5)}, {perm: [2, 0, 1]})),
  ofEachPart(sample('Concat', [c64(3, 5), c64(3, 4)], {axis: 1})),
  ofEachPart(sample('Pack', [c64(3, 5), c64(3, 5)], {axis: 1})),
  ofEachPart(sample('Unpack', {value: c64(3, 2)}, {axis: 1})),
  ofEachPart(sample('SplitV', {x: c64(3, 5)}, {numOrSizeSplits: [1, 4], axis: 1})),
  ofEachPart(sample('Tile', {x: c64(3, 5)}, {reps: [2, 1]})),
  ofEachPart(sample('Diag', {x: c64(3)})),
  ofEachPart(sample('Slice', {x: c64(3, 5)}, {begin: [1, 2], size: [2, 3]})),
  ofEachPart(sample('StridedSlice', {x: c64(4, 5)}, strided)),
  ofEachPart(sample('Reverse', {x: c64(3, 5)}, {dims: [1]})),
  ofEachPart(
    sample(
      'PadV2',
      {x: c64(3, 5)},
      {
        paddings: [
          [0, 1],
          [2, 0],
        ],
        constantValue: 0,
      },
    ),
  ),
  ofEachPart(
    sample(
      'MirrorPad',
      {x: c64(3, 5)},
      {
        paddings: [
          [0, 1],
          [2, 0],
        ],
        mode: 'reflect',
      },
    ),
  ),
  ofEachPart(sample('Select', {condition: bool(3, 5), t: c64(3, 5), e: c64(3, 5)})),
  ofEachPart(sample('GatherV2', {x: c64(3, 5), indices: i32(4).in(0, 5)}, {axis: 1, batchDims: 0})),
  ofEachPart(sample('GatherNd', {params: c64(4, 5), indices: i32(3, 1).in(0, 4)})),
  ofEachPart(
    sample('ScatterNd', {indices: i32(3, 1).in(0, 4), updates: c64(3, 5)}, {shape: [4, 5]}),
  ),
  ofEachPart(
    sample('UnsortedSegmentSum', {x: c64(3, 5), segmentIds: i32(3).in(0, 4)}, {numSegments: 4}),
  ),
];

const ops: readonly Sample[] = [
  opSample('spectral.rfft', {x: f32(3, 8)}, (tfjs, {x}) => tfjs.spectral.rfft(x)),
  opSample('spectral.rfft', {x: f32(3, 5)}, (tfjs, {x}) => tfjs.spectral.rfft(x, 8), {
    note: 'padded',
  }),
  opSample('spectral.irfft', {z: c64(3, 5)}, (tfjs, {z}) => tfjs.spectral.irfft(z)),
  opSample('signal.stft', {x: f32(20)}, (tfjs, {x}) => tfjs.signal.stft(x as tf.Tensor1D, 8, 4)),
];

export const complexNumbers: readonly Sample[] = [
  ...kernels,
  ...arithmetic,
  ...arrangement,
  ...ops,
];
