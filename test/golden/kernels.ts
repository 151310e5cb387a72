import * as tf from '@tensorflow/tfjs-core';
import type {Tensor} from '@tensorflow/tfjs-core';
import {jvp, vjp} from '../../src/index.js';
import {program, type Program, type Programs} from './golden.js';

interface Point {
  readonly x: Tensor[];
  readonly t: Tensor[];
  readonly ct: Tensor;
}

/** Value, directional derivative, pullback of a cotangent, and the directional derivative of that. */
const kernel = (f: (...x: Tensor[]) => Tensor): Program =>
  program<Point>(({x, t, ct}) => {
    const back = (...primals: Tensor[]): Tensor[] => vjp(f, primals)[1](ct as never) as Tensor[];
    const [value, tangent] = jvp(f, x, t as never);
    return {value, jvp: tangent, vjp: back(...x), second: jvp(back, x, t as never)[1]};
  });

const images = (x: Tensor | undefined): tf.Tensor4D => x as tf.Tensor4D;
const volumes = (x: Tensor | undefined): tf.Tensor5D => x as tf.Tensor5D;
const at = (): tf.Tensor2D =>
  tf.tensor2d(
    [
      [0, 1],
      [1, 0],
      [0, 1],
    ],
    [3, 2],
    'int32',
  );
const apart = (): tf.Tensor2D =>
  tf.tensor2d(
    [
      [0, 1],
      [1, 0],
    ],
    [2, 2],
    'int32',
  );

const elementwise: Programs = {
  Abs: kernel((x) => tf.abs(x!)),
  Acos: kernel((x) => tf.acos(x!)),
  Acosh: kernel((x) => tf.acosh(x!)),
  Asin: kernel((x) => tf.asin(x!)),
  Asinh: kernel((x) => tf.asinh(x!)),
  Atan: kernel((x) => tf.atan(x!)),
  Atanh: kernel((x) => tf.atanh(x!)),
  ClipByValue: kernel((x) => tf.clipByValue(x!, -0.75, 0.5)),
  Cos: kernel((x) => tf.cos(x!)),
  Cosh: kernel((x) => tf.cosh(x!)),
  Elu: kernel((x) => tf.elu(x!)),
  Erf: kernel((x) => tf.erf(x!)),
  Exp: kernel((x) => tf.exp(x!)),
  Expm1: kernel((x) => tf.expm1(x!)),
  Floor: kernel((x) => tf.add(tf.floor(x!), tf.mul(0, x!))),
  LeakyRelu: kernel((x) => tf.leakyRelu(x!, 0.25)),
  Log: kernel((x) => tf.log(x!)),
  Log1p: kernel((x) => tf.log1p(x!)),
  Neg: kernel((x) => tf.neg(x!)),
  Reciprocal: kernel((x) => tf.reciprocal(x!)),
  Relu: kernel((x) => tf.relu(x!)),
  Relu6: kernel((x) => tf.relu6(x!)),
  Rsqrt: kernel((x) => tf.rsqrt(x!)),
  Selu: kernel((x) => tf.selu(x!)),
  Sigmoid: kernel((x) => tf.sigmoid(x!)),
  Sin: kernel((x) => tf.sin(x!)),
  Sinh: kernel((x) => tf.sinh(x!)),
  Softplus: kernel((x) => tf.softplus(x!)),
  Sqrt: kernel((x) => tf.sqrt(x!)),
  Square: kernel((x) => tf.square(x!)),
  Tan: kernel((x) => tf.tan(x!)),
  Tanh: kernel((x) => tf.tanh(x!)),
  Add: kernel((a, b) => tf.add(a!, b!)),
  Atan2: kernel((a, b) => tf.atan2(a!, b!)),
  Maximum: kernel((a, b) => tf.maximum(a!, b!)),
  Minimum: kernel((a, b) => tf.minimum(a!, b!)),
  Mod: kernel((a, b) => tf.mod(a!, b!)),
  Multiply: kernel((a, b) => tf.mul(a!, b!)),
  Pow: kernel((a, b) => tf.pow(a!, b!)),
  RealDiv: kernel((a, b) => tf.div(a!, b!)),
  SquaredDifference: kernel((a, b) => tf.squaredDifference(a!, b!)),
  Sub: kernel((a, b) => tf.sub(a!, b!)),
  Prelu: kernel((x, alpha) => tf.prelu(x!, alpha!)),
  Select: kernel((a, b) => tf.where(tf.tensor2d([1, 0, 0, 1, 1, 0], [2, 3], 'bool'), a!, b!)),
};

const reductions: Programs = {
  Sum: kernel((x) => tf.sum(x!, 1)),
  Mean: kernel((x) => tf.mean(x!, [0, 2])),
  Prod: kernel((x) => tf.prod(x!, 1)),
  Max: kernel((x) => tf.max(x!, 1)),
  Min: kernel((x) => tf.min(x!, 0)),
  Cumsum: kernel((x) => tf.cumsum(x!, 1)),
  'Cumsum, exclusive and reversed': kernel((x) => tf.cumsum(x!, 1, true, true)),
  Cumprod: kernel((x) => tf.cumprod(x!, 0)),
  Softmax: kernel((x) => tf.softmax(x!)),
  'tf.logSoftmax': kernel((x) => tf.logSoftmax(x!)),
  'tf.logSumExp': kernel((x) => tf.logSumExp(x!, 1)),
};

const products: Programs = {
  BatchMatMul: kernel((a, b) => tf.matMul(a!, b!)),
  'BatchMatMul, transposed': kernel((a, b) => tf.matMul(a!, b!, true, true)),
  _FusedMatMul: kernel((a, b, bias) => tf.tanh(tf.fused.matMul({a: a!, b: b!, bias: bias!}))),
  Einsum: kernel((a, b) => tf.einsum('bij,ik->bkj', a!, b!)),
};

const convolutions: Programs = {
  'Conv2D, strides': kernel((x, w) => tf.conv2d(images(x), images(w), 2, 'same')),
  'Conv2D, dilations': kernel((x, w) => tf.conv2d(images(x), images(w), 1, 'valid', 'NHWC', 2)),
  // A filter of [h, w, 1, c] for c groups is one of [h, w, c, 1] for c channels.
  DepthwiseConv2dNative: kernel((x, w) =>
    tf.depthwiseConv2d(images(x), images(tf.transpose(w!, [0, 1, 3, 2])), 1, 'valid'),
  ),
  'DepthwiseConv2dNative, dilations': kernel((x, w) =>
    tf.depthwiseConv2d(images(x), images(tf.transpose(w!, [0, 1, 3, 2])), 1, 'same', 'NHWC', 2),
  ),
  FusedConv2D: kernel((x, filter, bias) =>
    tf.fused.conv2d({
      x: images(x),
      filter: images(filter),
      bias: bias!,
      strides: 1,
      pad: 'valid',
      activation: 'sigmoid',
    }),
  ),
  Conv2DBackpropInput: kernel((dy, w) =>
    tf.conv2dTranspose(images(dy), images(w), [1, 5, 5, 2], 2, 'valid'),
  ),
  Conv3D: kernel((x, w) => tf.conv3d(volumes(x), volumes(w), 1, 'valid')),
  'Conv3D, strides': kernel((x, w) => tf.conv3d(volumes(x), volumes(w), 2, 'same')),
};

const pools: Programs = {
  MaxPool: kernel((x) => tf.maxPool(images(x), 2, 2, 'valid')),
  'MaxPool, overlapping': kernel((x) => tf.maxPool(images(x), 3, 1, 'same')),
  AvgPool: kernel((x) => tf.avgPool(images(x), 2, 2, 'valid')),
  'AvgPool, overlapping': kernel((x) => tf.avgPool(images(x), 3, 2, 'same')),
  MaxPool3D: kernel((x) => tf.maxPool3d(volumes(x), 2, 2, 'valid')),
  AvgPool3D: kernel((x) => tf.avgPool3d(volumes(x), 2, 2, 'valid')),
};

const normalizations: Programs = {
  FusedBatchNorm: kernel((x, mean, variance, offset, scale) =>
    tf.batchNorm(
      x!,
      mean as tf.Tensor1D,
      variance as tf.Tensor1D,
      offset as tf.Tensor1D,
      scale as tf.Tensor1D,
      0.125,
    ),
  ),
  LRN: kernel((x) => tf.localResponseNormalization(images(x), 1, 1.5, 0.5, 0.75)),
  ResizeNearestNeighbor: kernel((x) =>
    tf.image.resizeNearestNeighbor(images(x), [4, 5], false, true),
  ),
  ResizeBilinear: kernel((x) => tf.image.resizeBilinear(images(x), [4, 5], false, true)),
};

const layout: Programs = {
  PadV2: kernel((x) =>
    tf.pad(
      x!,
      [
        [1, 0],
        [0, 2],
      ],
      0.5,
    ),
  ),
  'MirrorPad, reflect': kernel((x) =>
    tf.mirrorPad(
      x!,
      [
        [1, 2],
        [0, 1],
      ],
      'reflect',
    ),
  ),
  'MirrorPad, symmetric': kernel((x) =>
    tf.mirrorPad(
      x!,
      [
        [1, 2],
        [0, 1],
      ],
      'symmetric',
    ),
  ),
  Concat: kernel((a, b) => tf.concat([a!, b!], 1)),
  Pack: kernel((a, b) => tf.stack([a!, b!], 1)),
  Reverse: kernel((x) => tf.reverse(x!, 1)),
  Tile: kernel((x) => tf.tile(x!, [2, 3])),
  Transpose: kernel((x) => tf.transpose(x!, [2, 0, 1])),
  Slice: kernel((x) => tf.slice(x!, [1, 1], [2, 2])),
  StridedSlice: kernel((x) => tf.stridedSlice(x!, [0, 1], [3, 6], [2, 2])),
  DepthToSpace: kernel((x) => tf.depthToSpace(images(x), 2)),
  SpaceToBatchND: kernel((x) =>
    tf.spaceToBatchND(
      x!,
      [2, 2],
      [
        [0, 0],
        [0, 0],
      ],
    ),
  ),
};

const indexing: Programs = {
  GatherV2: kernel((x) => tf.gather(x!, tf.tensor1d([2, 0, 2], 'int32'))),
  GatherNd: kernel((x) => tf.gatherND(x!, at())),
  ScatterNd: kernel((x) => tf.scatterND(at(), x!, [2, 3])),
  TensorScatterUpdate: kernel((x, updates) => tf.tensorScatterUpdate(x!, apart(), updates!)),
  UnsortedSegmentSum: kernel((x) =>
    tf.unsortedSegmentSum(x!, tf.tensor1d([1, 0, 2, 1], 'int32'), 3),
  ),
  TopK: kernel((x) => tf.topk(x!, 3).values),
};

export const kernels: Programs = {
  ...elementwise,
  ...reductions,
  ...products,
  ...convolutions,
  ...pools,
  ...normalizations,
  ...layout,
  ...indexing,
};
