import * as tf from '@tensorflow/tfjs-core';
import {
  channelsFirstDepthwise,
  convolutionsOfTensorflow,
} from '../../src/kernels/repairs/convolutions.js';
import {
  maxPoolWithArgmax,
  morphologyThatWebglLacks,
  poolsOfCpu,
  poolsOfTensorflow,
  poolsOfWasm,
} from '../../src/kernels/repairs/pools.js';
import {
  volumesApart,
  volumesOfTensorflow,
  volumesOfWasm,
} from '../../src/kernels/repairs/volumes.js';
import {describeBackends} from '../backends.js';
import {expectAllClose} from '../support/compare.js';
import {fromTensor, host, toTensor, type HostTensor} from '../support/host.js';
import {Random} from '../support/random.js';
import {evaluate} from '../support/reference64.js';

const random = new Random('repairs');

/** Of both signs: zero is no maximum of a window. */
const floats = (...shape: number[]): HostTensor =>
  host(
    shape,
    'float32',
    Array.from({length: shape.reduce((size, n) => size * n, 1)}, () => random.uniform(-3, 1)),
  );

const positive = (...shape: number[]): HostTensor => {
  const drawn = floats(...shape);
  return host(
    shape,
    'float32',
    [...drawn.values].map((value) => Math.abs(value)),
  );
};

type Inputs = Readonly<Record<string, HostTensor>>;
type Tensors = Readonly<Record<string, tf.Tensor>>;
type AnyComposition = (
  inputs: Tensors,
  attrs: object,
  kernel: (inputs: object, attrs: object) => tf.Tensor | tf.Tensor[],
) => tf.Tensor | tf.Tensor[];
type Call = (tfjs: typeof tf, inputs: Tensors) => tf.Tensor | tf.Tensor[];

interface Case {
  readonly repair: {readonly composition: unknown};
  readonly inputs: Inputs;
  readonly attrs: object;
  /** The same in other words, where the kernel of cpu is wrong itself. */
  readonly expected?: Call;
}

const run = (tfjs: typeof tf, kernel: string, inputs: object, attrs: object) =>
  tfjs
    .engine()
    .runKernel<tf.Tensor | tf.Tensor[]>(
      kernel,
      inputs as tf.NamedTensorMap,
      attrs as tf.NamedAttrMap,
    );

const volume = {strides: [1, 1, 1], pad: 1, dataFormat: 'NDHWC', dilations: 1};
const image = {strides: [2, 2], pad: 1, dataFormat: 'NHWC', dimRoundingMode: 'floor'};
const pool = {filterSize: [3, 3], strides: [2, 2], pad: 1, dimRoundingMode: 'floor'};
const pool3D = {filterSize: [2, 3, 2], strides: [1, 2, 1], pad: 'same', dataFormat: 'NDHWC'};
const far = {filterSize: [1, 2, 1], strides: [2, 3, 3], pad: 'same', dataFormat: 'NDHWC'};
const dilation = {strides: [1, 2], pad: 'same', dilations: [2, 1]};

const cases: Readonly<Record<string, Case>> = {
  Conv3D: {
    repair: volumesOfTensorflow.Conv3D![0]!,
    inputs: {x: floats(2, 2, 3, 4, 2), filter: floats(2, 3, 2, 2, 3)},
    attrs: volume,
  },
  'Conv3D, dilated': {
    repair: volumesOfTensorflow.Conv3D![0]!,
    inputs: {x: floats(1, 4, 5, 4, 2), filter: floats(2, 3, 2, 2, 3)},
    attrs: {...volume, pad: 'same', dilations: [2, 1, 2]},
  },
  'Conv3D, apart': {
    repair: volumesApart.Conv3D![0]!,
    inputs: {x: floats(1, 3, 5, 4, 2), filter: floats(1, 2, 1, 2, 3)},
    attrs: {strides: [2, 3, 3], pad: 'same', dataFormat: 'NDHWC', dilations: 1},
    expected: (tfjs, {x, filter}) =>
      run(
        tfjs,
        'Conv3D',
        {x, filter},
        {strides: [2, 3, 3], pad: 'valid', dataFormat: 'NDHWC', dilations: 1},
      ),
  },
  Conv3DBackpropInputV2: {
    repair: volumesOfWasm.Conv3DBackpropInputV2![0]!,
    inputs: {dy: floats(1, 3, 2, 3, 2), filter: floats(2, 2, 3, 2, 2)},
    attrs: {strides: [1, 2, 2], pad: 'same', inputShape: [1, 3, 4, 5, 2]},
  },
  Conv3DBackpropFilterV2: {
    repair: volumesOfWasm.Conv3DBackpropFilterV2![0]!,
    inputs: {x: floats(1, 3, 4, 5, 2), dy: floats(1, 3, 2, 3, 2)},
    attrs: {strides: [1, 2, 2], pad: 'same', filterShape: [2, 2, 3, 2, 2]},
  },
  Conv2DBackpropInput: {
    repair: convolutionsOfTensorflow.Conv2DBackpropInput![0]!,
    inputs: {dy: floats(2, 3, 3, 3), filter: floats(2, 2, 2, 3)},
    attrs: {...image, inputShape: [2, 4, 5, 2]},
  },
  'Conv2DBackpropInput, NCHW': {
    repair: convolutionsOfTensorflow.Conv2DBackpropInput![0]!,
    inputs: {dy: floats(2, 3, 3, 3), filter: floats(2, 2, 2, 3)},
    attrs: {...image, dataFormat: 'NCHW', inputShape: [2, 2, 4, 5]},
  },
  Conv2DBackpropFilter: {
    repair: convolutionsOfTensorflow.Conv2DBackpropFilter![0]!,
    inputs: {x: floats(2, 4, 5, 2), dy: floats(2, 3, 3, 3)},
    attrs: {...image, filterShape: [2, 2, 2, 3]},
  },
  'DepthwiseConv2dNative, NCHW': {
    repair: channelsFirstDepthwise.DepthwiseConv2dNative![0]!,
    inputs: {x: floats(2, 3, 4, 5), filter: floats(2, 3, 3, 2)},
    attrs: {strides: [2, 2], pad: 'same', dataFormat: 'NCHW', dilations: 1},
    expected: (tfjs, {x, filter}) =>
      tfjs.transpose(
        run(
          tfjs,
          'DepthwiseConv2dNative',
          {x: tfjs.transpose(x!, [0, 2, 3, 1]), filter},
          {strides: [2, 2], pad: 'same', dataFormat: 'NHWC', dilations: 1},
        ) as tf.Tensor,
        [0, 3, 1, 2],
      ),
  },
  MaxPool: {repair: poolsOfTensorflow.MaxPool![0]!, inputs: {x: floats(2, 5, 4, 3)}, attrs: pool},
  'MaxPool, rounded up': {
    repair: poolsOfWasm.MaxPool![0]!,
    inputs: {x: floats(2, 6, 4, 3)},
    attrs: {...pool, dimRoundingMode: 'ceil'},
  },
  AvgPool: {repair: poolsOfTensorflow.AvgPool![0]!, inputs: {x: floats(2, 5, 4, 3)}, attrs: pool},
  'AvgPool, rounded up': {
    repair: poolsOfWasm.AvgPool![0]!,
    inputs: {x: floats(2, 6, 4, 3)},
    attrs: {...pool, dimRoundingMode: 'ceil'},
  },
  MaxPool3D: {
    repair: poolsOfWasm.MaxPool3D![0]!,
    inputs: {x: floats(2, 3, 5, 4, 2)},
    attrs: pool3D,
  },
  'MaxPool3D, apart': {
    repair: poolsOfCpu.MaxPool3D![0]!,
    inputs: {x: positive(1, 3, 5, 4, 2)},
    attrs: far,
    expected: (tfjs, {x}) => run(tfjs, 'MaxPool3D', {x}, {...far, pad: 'valid'}),
  },
  'AvgPool3D, apart': {
    repair: poolsOfCpu.AvgPool3D![0]!,
    inputs: {x: floats(1, 3, 5, 4, 2)},
    attrs: far,
    expected: (tfjs, {x}) => run(tfjs, 'AvgPool3D', {x}, {...far, pad: 'valid'}),
  },
  MaxPoolGrad: {
    repair: poolsOfTensorflow.MaxPoolGrad![0]!,
    inputs: {dy: floats(2, 3, 2, 3), input: floats(2, 5, 4, 3), output: floats(2, 3, 2, 3)},
    attrs: pool,
  },
  MaxPool3DGrad: {
    repair: poolsOfCpu.MaxPool3DGrad![0]!,
    inputs: {
      dy: floats(1, 2, 2, 2, 2),
      input: floats(1, 4, 4, 6, 2),
      output: floats(1, 2, 2, 2, 2),
    },
    attrs: {filterSize: [2, 2, 3], strides: [2, 2, 3], pad: 'valid'},
    expected: (tfjs, {dy, input}) => {
      const tiles = tfjs.reshape(input!, [2, 2, 2, 2, 2, 3, 2]);
      const isMax = tfjs.equal(tiles, tfjs.max(tiles, [1, 3, 5], true));
      const spread = tfjs.mul(
        tfjs.cast(isMax, 'float32'),
        tfjs.reshape(dy!, [2, 1, 2, 1, 2, 1, 2]),
      );
      return tfjs.reshape(spread, [1, 4, 4, 6, 2]);
    },
  },
  AvgPoolGrad: {
    repair: poolsOfTensorflow.AvgPoolGrad![0]!,
    inputs: {dy: floats(1, 3, 2, 1), input: floats(1, 5, 4, 1)},
    attrs: pool,
    expected: (tfjs, {dy}) => {
      const basis = tfjs.reshape(tfjs.eye(20), [20, 5, 4, 1]);
      const matrix = tfjs.reshape(run(tfjs, 'AvgPool', {x: basis}, pool) as tf.Tensor, [20, 6]);
      return tfjs.reshape(tfjs.matMul(matrix, tfjs.reshape(dy!, [6, 1])), [1, 5, 4, 1]);
    },
  },
  MaxPoolWithArgmax: {
    repair: {composition: maxPoolWithArgmax},
    inputs: {x: floats(2, 5, 4, 3)},
    attrs: {filterSize: 2, strides: [2, 1], pad: 'same', includeBatchInIndex: false},
  },
  'MaxPoolWithArgmax, of all images': {
    repair: {composition: maxPoolWithArgmax},
    inputs: {x: floats(2, 5, 4, 3)},
    attrs: {filterSize: 3, strides: [2, 1], pad: 1, includeBatchInIndex: true},
  },
  Dilation2D: {
    repair: poolsOfWasm.Dilation2D![0]!,
    inputs: {x: floats(2, 4, 5, 2), filter: floats(2, 3, 2)},
    attrs: dilation,
  },
  Dilation2DBackpropInput: {
    repair: {
      composition: morphologyThatWebglLacks.Dilation2DBackpropInput,
    },
    inputs: {x: floats(2, 4, 5, 2), filter: floats(2, 3, 2), dy: floats(2, 4, 3, 2)},
    attrs: dilation,
  },
  Dilation2DBackpropFilter: {
    repair: {
      composition: morphologyThatWebglLacks.Dilation2DBackpropFilter,
    },
    inputs: {x: floats(2, 4, 5, 2), filter: floats(2, 3, 2), dy: floats(2, 4, 3, 2)},
    attrs: dilation,
  },
};

describeBackends('compositions instead of kernels', () => {
  for (const [title, {repair, inputs, attrs, expected}] of Object.entries(cases)) {
    const [kernel] = title.split(',') as [string];
    it(`${title} agrees with double precision`, () => {
      const names = Object.keys(inputs);
      const reference = evaluate(Object.values(inputs), (tf64, tensors) => {
        const named = Object.fromEntries(names.map((name, i) => [name, tensors[i]!]));
        return expected ? expected(tf64, named) : run(tf64, kernel, named, attrs);
      });
      const actual: HostTensor[] = [];
      tf.tidy(() => {
        const named = Object.fromEntries(
          Object.entries(inputs).map(([name, value]) => [name, toTensor(value)]),
        );
        const compose = repair.composition as AnyComposition;
        const results = compose(named, attrs, (args: object, options: object) =>
          run(tf, kernel, args as never, options),
        );
        actual.push(...(Array.isArray(results) ? results : [results]).map(fromTensor));
      });
      expectAllClose(actual, reference, {relative: 1e-5, absolute: 1e-5}, title);
    });
  }
});
