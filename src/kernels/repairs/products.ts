import type {Tensor, TensorInfo} from '@tensorflow/tfjs-core';
import {broadcast_util} from '@tensorflow/tfjs-core';
import {spansLast} from '../../rules/broadcast.js';
import {einsumByProducts} from '../../rules/einsum.js';
import {activate, beforeActivation} from '../../rules/fused.js';
import {matMul, type ProductAttrs} from '../../rules/matmul.js';
import {mul, reshape, sum, transpose} from '../../rules/ops.js';
import type {Repair, Repairs} from '../composition.js';

const batchOf = ({shape}: TensorInfo): number[] => shape.slice(0, -2);

/**
 * The kernels of cpu and wasm take the number of a matrix in the result modulo how many there are on each side: right where the smaller
 * side's batch dimensions are the last of the result's.
 */
function broadcastsBothSides(a: TensorInfo, b: TensorInfo): boolean {
  if (a.shape.length <= 3 && b.shape.length <= 3) return false;
  const [batchA, batchB] = [batchOf(a), batchOf(b)];
  const batch = broadcast_util.assertAndGetBroadcastShape(batchA, batchB);
  return !spansLast(batchA, batch) || !spansLast(batchB, batch);
}

const unevenBatches: Repair<'BatchMatMul'> = {
  wrong: 'pairs up the wrong matrices where batch dimensions of both sides broadcast',
  instead: 'the matrices are written out, or joined',
  isWrong: ({a, b}) => broadcastsBothSides(a, b),
  composition: ({a, b}, {transposeA, transposeB}) => matMul(a, b, transposeA, transposeB),
};

export const batchesOfCpu: Repairs = {BatchMatMul: [unevenBatches]};

const isEmpty = ({shape}: TensorInfo): boolean => shape.includes(0);

const lastTwoSwapped = (x: Tensor): Tensor =>
  transpose(
    x,
    [...x.shape.keys()].map((axis) => (axis < x.rank - 2 ? axis : 2 * x.rank - 3 - axis)),
  );

/** By all products of numbers, `[…, m, k, 1]` and `[…, 1, k, n]`, summed over k. */
function integerProduct(a: Tensor, b: Tensor, {transposeA, transposeB}: ProductAttrs): Tensor {
  const left = transposeA ? lastTwoSwapped(a) : a;
  const right = transposeB ? lastTwoSwapped(b) : b;
  const rows = reshape(left, [...left.shape, 1]);
  const columns = reshape(right, [...batchOf(right), 1, ...right.shape.slice(-2)]);
  const products = mul(rows, columns);
  return sum(products, [products.rank - 2]);
}

export const productsOfWasm: Repairs = {
  BatchMatMul: [
    {
      wrong: 'throws for int32',
      instead: 'Multiply and Sum',
      isWrong: ({a}) => a.dtype === 'int32',
      composition: ({a, b}, attrs) => integerProduct(a, b, attrs),
    },
    {
      wrong: 'leaves the result uninitialised where the inner dimension is empty',
      instead: 'zeros',
      isWrong: ({a, b}) => isEmpty(a) || isEmpty(b),
      composition: ({a, b}, {transposeA, transposeB}) => matMul(a, b, transposeA, transposeB),
    },
    unevenBatches,
  ],
  _FusedMatMul: [
    {
      wrong:
        'adds a bias to the first matrix of a batch only, takes a bias of rank 1 only, and of a reshaped bias looks at the rank before',
      instead: 'BatchMatMul, Add and the activation',
      isWrong: ({a, b, bias}, _attrs, backend) =>
        isEmpty(a) ||
        isEmpty(b) ||
        broadcastsBothSides(a, b) ||
        (bias != null && (a.shape[0] !== 1 || b.shape[0] !== 1 || storedRank(bias, backend) !== 1)),
      composition: ({a, b, bias, preluActivationWeights}, attrs) => {
        const product = matMul(a, b, attrs.transposeA, attrs.transposeB);
        return activate(beforeActivation(product, bias), preluActivationWeights, attrs);
      },
    },
  ],
};

/** The rank that the wasm backend has noted for a tensor's data: reshaping does not change it. */
export function storedRank({dataId}: TensorInfo, backend: object): number {
  const {dataIdMap} = backend as {dataIdMap: WeakMap<object, {shape: number[]}>};
  return dataIdMap.get(dataId)!.shape.length;
}

export const einsumOfTensorflow: Repairs = {
  Einsum: [
    {
      wrong: 'counts spaces in the equation as dimensions',
      instead: 'the equation without them',
      isWrong: (_operands, {equation}) => /\s/.test(equation),
      composition: (operands, {equation}, kernel) =>
        kernel(operands, {equation: equation.replace(/\s/g, '')}),
    },
    {
      wrong: 'takes a label of the result that no operand has for a dimension of size 1',
      instead: 'an error, as elsewhere',
      isWrong: (_operands, {equation}) => {
        const [operands = '', result = ''] = equation.split('->');
        return [...result].some((label) => !operands.includes(label));
      },
      composition: (operands, {equation}) => einsumByProducts(operands, equation),
    },
  ],
};
