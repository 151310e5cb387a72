import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import '../../src/index.js';
import {backends, describeBackends, useBackend, type BackendName} from '../backends.js';
import {expectAllClose} from '../support/compare.js';
import {fromTensor, host, toTensor, type HostTensor} from '../support/host.js';
import {Random} from '../support/random.js';

const random = new Random('missing kernels');

const floats = (...shape: number[]): HostTensor =>
  host(
    shape,
    'float32',
    Array.from({length: shape.reduce((size, n) => size * n, 1)}, () => random.uniform(-1, 1)),
  );

const ints = (values: readonly number[]): HostTensor => host([values.length], 'int32', values);

type Inputs = HostTensor[] | Readonly<Record<string, HostTensor>>;

/** Calls of kernels that wasm lacks. */
const calls: readonly (readonly [kernel: string, inputs: Inputs, attrs: object])[] = [
  [
    'Conv2DBackpropFilter',
    {x: floats(3, 6, 7, 2), dy: floats(3, 3, 3, 4)},
    {strides: [2, 2], pad: 'valid', dataFormat: 'NHWC', filterShape: [2, 2, 2, 4]},
  ],
  [
    'Conv2DBackpropFilter',
    {x: floats(2, 3, 5, 7), dy: floats(2, 4, 5, 7)},
    {strides: 1, pad: 'same', dataFormat: 'NCHW', filterShape: [3, 2, 3, 4]},
  ],
  [
    'Conv2DBackpropFilter',
    {x: floats(1, 4, 4, 1), dy: floats(1, 5, 6, 3)},
    {
      strides: 1,
      pad: [
        [0, 0],
        [2, 1],
        [1, 2],
        [0, 0],
      ],
      dataFormat: 'NHWC',
      filterShape: [3, 2, 1, 3],
    },
  ],
  [
    'DepthwiseConv2dNativeBackpropInput',
    {dy: floats(2, 3, 4, 6), filter: floats(3, 2, 3, 2)},
    {strides: [2, 2], pad: 'same', dilations: [1, 1], inputShape: [2, 5, 7, 3]},
  ],
  [
    'DepthwiseConv2dNativeBackpropFilter',
    {x: floats(2, 5, 7, 3), dy: floats(2, 3, 4, 6)},
    {strides: [2, 2], pad: 'same', dilations: [1, 1], filterShape: [3, 2, 3, 2]},
  ],
  ['Einsum', [floats(2, 3, 4), floats(4, 2, 5)], {equation: 'bij,jbk->kib'}],
  ['Einsum', [floats(2, 3, 4)], {equation: 'abc->ca'}],
  ['UnsortedSegmentSum', {x: floats(5, 2, 3), segmentIds: ints([2, 0, 2, 1, 2])}, {numSegments: 4}],
  // An id that names no segment leaves its row out.
  ['UnsortedSegmentSum', {x: floats(4, 2), segmentIds: ints([0, -1, 7, 1])}, {numSegments: 3}],
];

function call([kernel, inputs, attrs]: (typeof calls)[number]): HostTensor {
  const tensors = Array.isArray(inputs)
    ? inputs.map(toTensor)
    : Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, toTensor(value)]));
  const result = tf
    .engine()
    .runKernel<tf.Tensor>(
      kernel,
      tensors as unknown as tf.NamedTensorMap,
      attrs as tf.NamedAttrMap,
    );
  const values = fromTensor(result);
  tf.dispose([tensors, result]);
  return values;
}

/** What a function gives on the cpu backend. */
async function onCpu<T>(backend: BackendName, f: () => T): Promise<T> {
  await useBackend('cpu');
  try {
    return f();
  } finally {
    await useBackend(backend);
  }
}

const tolerance = {relative: 1e-5, absolute: 1e-5};

/** A convolutional network with every layer that wasm could not train, and its loss. */
function gradients(images: HostTensor, params: readonly HostTensor[]): HostTensor[] {
  const x = toTensor(images) as tf.Tensor4D;
  const loss = (conv: tf.Tensor, depthwise: tf.Tensor, dense: tf.Tensor): tf.Scalar => {
    const first = tf.relu(tf.conv2d(x, conv as tf.Tensor4D, 2, 'same'));
    const second = tf.depthwiseConv2d(first, depthwise as tf.Tensor4D, 1, 'valid');
    const pooled = tf.avgPool(tf.maxPool(second, 2, 1, 'same'), 2, 1, 'same');
    const scores = tf.matMul(
      tf.reshape(pooled, [x.shape[0], -1]) as tf.Tensor2D,
      dense as tf.Tensor2D,
    );
    return tf.mean(tf.square(scores));
  };
  const tensors = params.map(toTensor);
  const grads = tf.grads(loss as (...xs: tf.Tensor[]) => tf.Scalar)(tensors);
  const values = grads.map(fromTensor);
  tf.dispose([x, tensors, grads]);
  return values;
}

describeBackends(
  'kernels that a backend lacks',
  (backend) => {
    calls.forEach((row, index) => {
      it(`${row[0]} gives what it gives on cpu (${index})`, async () => {
        const expected = await onCpu(backend, () => call(row));
        expectAllClose([call(row)], [expected], tolerance, row[0]);
      });
    });

    it('let stock tf.grads train convolutional networks', async () => {
      const images = floats(3, 9, 9, 2);
      const params = [floats(3, 3, 2, 4), floats(2, 2, 4, 2), floats(128, 3)];
      const expected = await onCpu(backend, () => gradients(images, params));
      expectAllClose(gradients(images, params), expected, tolerance, 'gradients');
    });
  },
  {only: backends.includes('cpu') ? ['wasm'] : []},
);
