import type {Tensor, TensorInfo} from '@tensorflow/tfjs-core';
import {broadcast_util} from '@tensorflow/tfjs-core';
import {spansLast} from '../../rules/broadcast.js';
import {einsumByProducts} from '../../rules/einsum.js';
import {activate, beforeActivation} from '../../rules/fused.js';
import {matMul, type ProductAttrs} from '../../rules/matmul.js';
import {mul, reshape, scale, sum, transpose} from '../../rules/ops.js';
import type {Repair, Repairs} from '../composition.js';
import type {KernelName} from '../../rules/signatures.js';
import {batchOf, countOf, generatedProduct, hasProducts} from '../wasm/products.js';

/**
 * The kernels of all backends but tensorflow take the number of a matrix in the result modulo how many there are on each side: right where the smaller
 * side's batch dimensions are the last of the result's.
 */
function broadcastsBothSides(a: TensorInfo, b: TensorInfo): boolean {
  if (a.shape.length <= 3 && b.shape.length <= 3) return false;
  const [batchA, batchB] = [batchOf(a), batchOf(b)];
  const batch = broadcast_util.assertAndGetBroadcastShape(batchA, batchB);
  return !spansLast(batchA, batch) || !spansLast(batchB, batch);
}

/** The rules have a way for what kernels get wrong. */
const inAnotherWay: Repair<'BatchMatMul'>['composition'] = ({a, b}, {transposeA, transposeB}) =>
  matMul(a, b, transposeA, transposeB);

const unevenBatches: Repair<'BatchMatMul'> = {
  wrong: 'pairs up the wrong matrices where batch dimensions of both sides broadcast',
  instead: 'the matrices are written out, or joined',
  isWrong: ({a, b}) => broadcastsBothSides(a, b),
  composition: inAnotherWay,
};

/** Of backends that have no other repair for products. */
export const unevenProducts: Repairs = {BatchMatMul: [unevenBatches]};

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

/**
 * Whether wasm computes a product by plain loops, and generated code can: for matrices stored transposed, and for several. XNNPACK's kernel
 * does the rest.
 */
function isSlowOnWasm(a: TensorInfo, b: TensorInfo, attrs: ProductAttrs): boolean {
  const {transposeA, transposeB} = attrs;
  const isPlain = !transposeA && !transposeB && countOf(a) === 1 && countOf(b) === 1;
  return !isPlain && a.dtype === 'float32' && b.dtype === 'float32' && hasProducts();
}

const SLOW =
  'takes 10 to 30 times as long for transposed matrices, or for several, as for plain ones';

const fusedInParts: Repair<'_FusedMatMul'>['composition'] = (
  {a, b, bias, preluActivationWeights},
  attrs,
) => {
  const product = matMul(a, b, attrs.transposeA, attrs.transposeB);
  return activate(beforeActivation(product, bias), preluActivationWeights, attrs);
};

type Product = Repair<'BatchMatMul'> & Repair<'_FusedMatMul'>;

/**
 * XNNPACK packs the right-hand matrix of a product when it first meets its data, and finds it again by the data alone: a matrix that is a reshaped one
 * is multiplied as if it had the shape of the first.
 */
function packedInAnotherShape(kernel: KernelName): Pick<Product, 'wrong' | 'instead' | 'isWrong'> {
  // Noted with the data, and the same for each copy of the library: the first product counts, whoever saw it.
  const columnsOf = Symbol.for(`tfjs-functorch: columns of a matrix packed by ${kernel}`);
  return {
    wrong: 'takes a reshaped matrix on the right for what it was in its first product',
    instead: 'the kernel on a copy',
    isWrong: ({b}, _attrs, backend) => {
      const data = dataOf(b, backend);
      const columns = b.shape.at(-1)!;
      data[columnsOf] ??= columns;
      return data[columnsOf] !== columns;
    },
  };
}

const copyOf = (x: Tensor): Tensor => scale(x, 1);

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
      composition: inAnotherWay,
    },
    unevenBatches,
    {
      wrong: SLOW,
      instead: 'generated WebAssembly',
      isWrong: ({a, b}, attrs) => isSlowOnWasm(a, b, attrs),
      composition: ({a, b}, {transposeA, transposeB}) =>
        generatedProduct(a, b, transposeA, transposeB),
    },
    {
      ...packedInAnotherShape('BatchMatMul'),
      composition: ({a, b}, attrs, kernel) => kernel({a, b: copyOf(b)}, attrs),
    },
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
      composition: fusedInParts,
    },
    {
      wrong: SLOW,
      instead: 'BatchMatMul, Add and the activation',
      isWrong: ({a, b}, attrs) => isSlowOnWasm(a, b, attrs),
      composition: fusedInParts,
    },
    {
      ...packedInAnotherShape('_FusedMatMul'),
      composition: ({a, b, ...rest}, attrs, kernel) => kernel({a, b: copyOf(b), ...rest}, attrs),
    },
  ],
};

/** What the wasm backend knows of a tensor's data, and we beside it. */
interface WasmData {
  readonly shape: readonly number[];
  [note: symbol]: number | undefined;
}

function dataOf({dataId}: TensorInfo, backend: object): WasmData {
  const {dataIdMap} = backend as {dataIdMap: WeakMap<object, WasmData>};
  return dataIdMap.get(dataId)!;
}

/** The rank that it has noted for the data: reshaping does not change it. */
export const storedRank = (x: TensorInfo, backend: object): number =>
  dataOf(x, backend).shape.length;

export const productsOfTensorflow: Repairs = {
  BatchMatMul: [
    {
      wrong:
        'on processors with AVX-512, gives wrong numbers for many columns, transposed, by one matrix',
      instead: 'the columns as rows',
      isWrong: ({a, b}, {transposeA}) =>
        transposeA && a.shape.at(-1) === 1 && countOf(b) === 1 && countOf(a) > 1,
      composition: inAnotherWay,
    },
  ],
};

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
