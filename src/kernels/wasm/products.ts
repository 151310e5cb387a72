import {broadcast_util, type Tensor, type TensorInfo} from '@tensorflow/tfjs-core';
import {
  addressOf,
  generated,
  newTensor,
  wasmBackend,
  withScratch,
  type Generated,
} from './backend.js';
import {generateOuter} from './outer.js';
import {generateProduct} from './product.js';
import {FLOAT, PANEL} from './sizes.js';

const outerProduct = (): Generated | null => generated('outer', generateOuter);

const productOf = (name: 'product' | 'productOfTransposed'): Generated | null =>
  generated(name, (name) => generateProduct(name, name === 'productOfTransposed'));

/** Whether products can be computed by generated code, on the wasm backend that is in use. */
export const hasProducts = (): boolean =>
  outerProduct() !== null &&
  productOf('product') !== null &&
  productOf('productOfTransposed') !== null;

/**
 * `a·b` of float32 tensors `[…, m, k]` and `[…, k, n]`, or with either stored transposed, none of them empty. Batch dimensions that differ are the
 * last of the other side's, so that the matrices go round. See NOTE [product kernel].
 */
export function generatedProduct(
  a: TensorInfo,
  b: TensorInfo,
  transposeA: boolean,
  transposeB: boolean,
): Tensor {
  const [rows, inner] = sizesOf(a, transposeA);
  const [innerB, columns] = sizesOf(b, transposeB);
  if (inner !== innerB || a.shape.length < 2 || b.shape.length < 2) {
    throw new Error(
      `BatchMatMul: the inner dimensions of [${a.shape.join(', ')}] and [${b.shape.join(', ')}] differ, with ` +
        `transposeA: ${transposeA} and transposeB: ${transposeB}.`,
    );
  }
  const [countA, countB] = [countOf(a), countOf(b)];
  const batch = broadcast_util.assertAndGetBroadcastShape(batchOf(a), batchOf(b));
  const backend = wasmBackend();
  const result = newTensor(backend, {shape: [...batch, rows, columns], dtype: 'float32'});
  const [left, right, into] = [a, b, result].map((tensor) => addressOf(backend, tensor)) as [
    number,
    number,
    number,
  ];
  const bytes = {a: rows * inner * FLOAT, b: inner * columns * FLOAT, c: rows * columns * FLOAT};
  const jumpA = countA === 1 ? 0 : bytes.a;
  const jumpB = countB === 1 ? 0 : bytes.b;
  const multiply = chooseFunction({rows, inner, columns, jumpA, jumpB, transposeA, transposeB});
  const count = Math.max(countA, countB);
  // As many at once as there are before the matrices of one side begin again.
  const period = Math.min(countA, countB) === 1 ? count : Math.min(countA, countB);
  withScratch(backend, inner * PANEL * FLOAT, (panel) => {
    for (let start = 0; start < count; start += period) {
      multiply(
        left + (start % countA) * bytes.a,
        right + (start % countB) * bytes.b,
        into + start * bytes.c,
        period,
        panel,
      );
    }
  });
  return result;
}

interface Choice {
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly jumpA: number;
  readonly jumpB: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** Computes so many products from addresses of the operands and the result, with a place for a panel. */
type Multiply = (a: number, b: number, c: number, count: number, panel: number) => void;

function chooseFunction(choice: Choice): Multiply {
  const {rows, inner, columns, jumpA, jumpB, transposeA, transposeB} = choice;
  if (inner === 1) {
    const outer = outerProduct()!;
    return (a, b, c, count) => outer(a, b, c, count, rows, columns, jumpA, jumpB);
  }
  // A matrix by a vector is a row by the transposed matrix: columns are computed eight at a time.
  if (columns === 1) {
    const product = productOf('product')!;
    return (a, b, c, count, panel) =>
      product(b, a, c, count, 1, inner, rows, jumpB, jumpA, transposeA ? 0 : 1, panel);
  }
  const multiply = productOf(transposeA ? 'productOfTransposed' : 'product')!;
  const stored = transposeB ? 1 : 0;
  return (a, b, c, count, panel) =>
    multiply(a, b, c, count, rows, inner, columns, jumpA, jumpB, stored, panel);
}

/** The batch dimensions of a stack of matrices. */
export const batchOf = ({shape}: TensorInfo): number[] => shape.slice(0, -2);

/** How many matrices there are. */
export const countOf = (x: TensorInfo): number =>
  batchOf(x).reduce((count, size) => count * size, 1);

const sizesOf = ({shape}: TensorInfo, transposed: boolean): [number, number] => {
  const [rows, columns] = shape.slice(-2) as [number, number];
  return transposed ? [columns, rows] : [rows, columns];
};
