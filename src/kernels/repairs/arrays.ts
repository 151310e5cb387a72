import {scalar, type Tensor} from '@tensorflow/tfjs-core';
import {resolveAxes} from '../../rules/dims.js';
import {gather, oneHot} from '../../rules/indexing.js';
import {cast, mul, reshape, transpose} from '../../rules/ops.js';
import {run} from '../../rules/rule.js';
import {axisOf} from '../../rules/scan.js';
import {mirror, padAll, parseStrided, reverseAxes, takeStrided} from '../../rules/slicing.js';
import type {Repair, Repairs} from '../composition.js';

const scan = (wrong: string): Repair<'Cumsum'> & Repair<'Cumprod'> => ({
  wrong,
  instead: 'the axis counted from the front',
  isWrong: (_inputs, {axis}) => axis < 0,
  composition: ({x}, attrs, kernel) => kernel({x}, {...attrs, axis: axisOf(x.rank, attrs)}),
});

const scanOfCpu = scan('permutes dimensions wrongly for a negative axis');

const scanOfWasm = scan(
  'permutes dimensions wrongly for a negative axis, and writes where it must not',
);

const booleanScan: Repair<'Cumsum'> & Repair<'Cumprod'> = {
  wrong: 'throws for bool',
  instead: 'computed in int32',
  isWrong: ({x}) => x.dtype === 'bool',
  composition: ({x}, attrs, kernel) => kernel({x: cast(x, 'int32')}, attrs),
};

export const scansOfCpu: Repairs = {Cumsum: [scanOfCpu], Cumprod: [scanOfCpu]};

export const scansOfWasm: Repairs = {
  Cumsum: [booleanScan, scanOfWasm],
  Cumprod: [booleanScan, scanOfWasm],
};

export const scansOfTensorflow: Repairs = {Cumsum: [booleanScan], Cumprod: [booleanScan]};

export const gatherOfWasm: Repairs = {
  GatherV2: [
    {
      wrong: 'with batch dimensions, reads past the end of the indices',
      instead: 'GatherNd of rows by number',
      isWrong: (_inputs, {batchDims}) => batchDims !== 0,
      composition: ({x, indices}, attrs) => gather(x, indices, attrs),
    },
  ],
};

export const gatherOfTensorflow: Repairs = {
  GatherV2: [
    {
      wrong: 'throws for a negative axis',
      instead: 'the axis counted from the front',
      isWrong: (_inputs, {axis}) => axis < 0,
      composition: ({x, indices}, attrs, kernel) =>
        kernel({x, indices}, {...attrs, axis: resolveAxes(attrs.axis, x.rank)[0]!}),
    },
  ],
};

export const oneHotOfWasm: Repairs = {
  OneHot: [
    {
      wrong: 'writes integers whatever the dtype',
      instead: 'Select, by a OneHot of integers',
      isWrong: (_inputs, {dtype}) => dtype !== 'int32',
      composition: ({indices}, attrs) => oneHot(indices, attrs),
    },
  ],
};

export const scattersOfCpu: Repairs = {
  TensorScatterUpdate: [
    {
      wrong: 'writes into its input',
      instead: 'a copy is written into',
      isWrong: () => true,
      composition: ({tensor, indices, updates}, attrs, kernel) =>
        kernel({tensor: copyOf(tensor), indices, updates}, attrs),
    },
  ],
};

const copyOf = (x: Tensor): Tensor =>
  x.dtype === 'string'
    ? run('Tile', {x}, {reps: x.shape.map(() => 1)})
    : mul(x, scalar(1, x.dtype as 'float32'));

export const scattersOfTensorflow: Repairs = {
  ScatterNd: [
    {
      wrong: 'throws for indices of rank 1, which number rows',
      instead: 'the indices as a matrix of one column',
      isWrong: ({indices}) => indices.shape.length === 1,
      composition: ({indices, updates}, attrs, kernel) =>
        kernel({indices: reshape(indices, [indices.size, 1]), updates}, attrs),
    },
  ],
  TensorScatterUpdate: [
    {
      wrong: 'throws for indices of rank 1, which number rows',
      instead: 'the indices as a matrix of one column',
      isWrong: ({indices}) => indices.shape.length === 1,
      composition: ({tensor, indices, updates}, attrs, kernel) =>
        kernel({tensor, indices: reshape(indices, [indices.size, 1]), updates}, attrs),
    },
  ],
};

export const stridedSliceOfWasm: Repairs = {
  StridedSlice: [
    {
      wrong: 'takes the bits of int32 and bool values for those of floats',
      instead: 'GatherNd of rows by number',
      isWrong: ({x}) => x.dtype !== 'float32',
      composition: ({x}, attrs) => {
        const strided = parseStrided(x.shape, attrs);
        return reshape(takeStrided(x, strided), strided.finalShape);
      },
    },
  ],
};

export const reverseOfWasm: Repairs = {
  Reverse: [
    {
      wrong: 'reads bool values as if they were four bytes wide',
      instead: 'reversed as int32',
      isWrong: ({x}) => x.dtype === 'bool',
      composition: ({x}, {dims}) =>
        cast(reverseAxes(cast(x, 'int32'), resolveAxes(dims, x.rank)), 'bool'),
    },
  ],
};

const MOST_PADDED = 6;

/** See NOTE [rank limits]. */
export const padOfWasm: Repairs = {
  PadV2: [
    {
      wrong: 'leaves the result uninitialised above rank 6',
      instead: 'neighbouring dimensions without padding become one, and the others take turns',
      isWrong: ({x}) => x.shape.length > MOST_PADDED,
      composition: ({x}, {paddings, constantValue}) => padAll(x, paddings, constantValue),
    },
  ],
};

export const mirrorOfTensorflow: Repairs = {
  MirrorPad: [
    {
      wrong: 'throws above rank 5',
      instead: 'neighbouring dimensions without padding become one, and the others take turns',
      isWrong: ({x}) => x.shape.length > 5,
      composition: ({x}, {paddings, mode}) => mirror(x, paddings, mode),
    },
  ],
};

/** `[N, C, H, W]` by way of `[N, H, W, C]`. */
export const channelsFirstDepthToSpace: Repairs = {
  DepthToSpace: [
    {
      wrong: "throws for 'NCHW'",
      instead: "transposed to 'NHWC' and back",
      isWrong: (_inputs, {dataFormat}) => dataFormat === 'NCHW',
      composition: ({x}, attrs, kernel) => {
        const channelsLast = transpose(x, [0, 2, 3, 1]);
        return transpose(kernel({x: channelsLast}, {...attrs, dataFormat: 'NHWC'}), [0, 3, 1, 2]);
      },
    },
  ],
};

export const diagonalOfTensorflow: Repairs = {
  Diag: [
    {
      wrong: 'throws for bool',
      instead: 'computed in int32',
      isWrong: ({x}) => x.dtype === 'bool',
      composition: ({x}, attrs, kernel) => cast(kernel({x: cast(x, 'int32')}, attrs), 'bool'),
    },
  ],
};

export const countsOfWasm: Repairs = {
  Bincount: [
    {
      wrong: 'gives a tensor of higher rank another shape, and leaves most of it 0',
      instead: 'the tensor as a list',
      isWrong: ({x}) => x.shape.length !== 1,
      composition: ({x, weights}, attrs, kernel) =>
        kernel({x: reshape(x, [x.size]), weights: reshape(weights, [weights.size])}, attrs),
    },
  ],
};
