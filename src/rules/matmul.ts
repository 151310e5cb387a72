import type {Tensor} from '@tensorflow/tfjs-core';
import {showShape} from '../errors.js';
import {
  alignRanks,
  broadcastTo,
  logicalRank,
  logicalShape,
  product,
  unbroadcast,
} from './dims.js';
import {mul, reshape, transpose, zeros} from './ops.js';
import {
  batchedEpilogue,
  beforeActivation,
  epilogueCotangents,
  epilogueTangent,
  once,
} from './fused.js';
import {family, run, savingFor, savingOutput, type BatchedInput} from './rule.js';
import {isTraced, strategy} from './strategy.js';

/**
 * NOTE [products]
 * A product of stacks of matrices is brought to at most a few batch dimensions: neighbouring ones along which both operands, or the same
 * one of them, have examples are joined. An operand without batch dimensions is shared by all examples.
 */
interface Operand {
  /** `[...batch, rows, columns]`, as stored. */
  readonly value: Tensor;
  /** Whether the matrices are stored transposed. */
  readonly transposed: boolean;
}

/** `a·b`, or with either of them transposed. Batch dimensions broadcast; any rank, from 2 on. */
export function matMul(a: Tensor, b: Tensor, transposeA = false, transposeB = false): Tensor {
  const left: Operand = {value: a, transposed: transposeA};
  const right: Operand = {value: b, transposed: transposeB};
  const {batchA, batchB, batch} = joinBatches(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const shape = [...batch, rowsOf(left), columnsOf(right)];
  // The wasm kernels divide by zero for some empty shapes.
  if (product(shape) === 0 || a.size === 0) return zeros(shape, a.dtype);
  return reshape(multiply(withBatch(left, batchA), withBatch(right, batchB)), shape);
}

const rowsOf = ({value, transposed}: Operand): number => value.shape.at(transposed ? -1 : -2)!;
const columnsOf = ({value, transposed}: Operand): number => value.shape.at(transposed ? -2 : -1)!;
const batchOf = ({value}: Operand): number[] => value.shape.slice(0, -2);
const isShared = (operand: Operand): boolean => product(batchOf(operand)) === 1;

const withBatch = ({value, transposed}: Operand, batch: readonly number[]): Operand => ({
  value: reshape(value, [...batch, ...value.shape.slice(-2)]),
  transposed,
});

const swapped = ({value, transposed}: Operand): Operand => ({value, transposed: !transposed});

/** The operand stored the other way round; costs a copy. */
function restored({value, transposed}: Operand): Operand {
  return {value: transposeLast(value), transposed: !transposed};
}

const plain = (operand: Operand): Tensor =>
  operand.transposed ? transposeLast(operand.value) : operand.value;

function transposeLast(x: Tensor): Tensor {
  const {rank} = x;
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  if (rows === 1 || columns === 1) return reshape(x, [...x.shape.slice(0, -2), columns, rows]);
  const batch = product(x.shape.slice(0, -2));
  const flat = transpose(reshape(x, [batch, rows, columns]), [0, 2, 1]);
  return rank === 3 ? flat : reshape(flat, [...x.shape.slice(0, -2), columns, rows]);
}

/** See NOTE [products]. */
function joinBatches(
  a: readonly number[],
  b: readonly number[],
): {batchA: number[]; batchB: number[]; batch: number[]} {
  const rank = Math.max(a.length, b.length);
  const sizeAt = (shape: readonly number[], axis: number): number => shape[axis - rank + shape.length] ?? 1;
  const batchA: number[] = [];
  const batchB: number[] = [];
  const batch: number[] = [];
  let joined: string | null = null;
  for (let axis = 0; axis < rank; axis++) {
    const [m, n] = [sizeAt(a, axis), sizeAt(b, axis)];
    batch.push(m === 1 ? n : m);
    if (m === 1 && n === 1) continue;
    const kind = `${m === 1}${n === 1}`;
    if (kind === joined) {
      batchA[batchA.length - 1]! *= m;
      batchB[batchB.length - 1]! *= n;
    } else {
      batchA.push(m);
      batchB.push(n);
      joined = kind;
    }
  }
  return {batchA, batchB, batch};
}

/** Operands with joined batch dimensions, as many in one as in the other. The result's batch dimensions may be folded in any way. */
function multiply(a: Operand, b: Operand): Tensor {
  const sizesA = batchOf(a);
  const sizesB = batchOf(b);
  // Examples that share the right-hand matrix are rows of one matrix.
  if (sizesB.at(-1) === 1 && !a.transposed) {
    const rows = sizesA.at(-1)! * rowsOf(a);
    return multiply(
      {value: reshape(a.value, [...sizesA.slice(0, -1), rows, columnsOf(a)]), transposed: false},
      withBatch(b, sizesB.slice(0, -1)),
    );
  }
  if (!isSupported(sizesA, sizesB)) return multiplySpread(a, b, sizesA, sizesB);
  return isTraced(a.value, b.value) || a.value.dtype !== 'float32'
    ? byKernel(a, b)
    : multiplyData(a, b);
}

/** Whether BatchMatMul broadcasts these batch dimensions rightly. */
function isSupported(sizesA: readonly number[], sizesB: readonly number[]): boolean {
  if (strategy().broadcastsProducts) return sizesA.length <= 2;
  const repeatsOnlyFirst = sizesA.every((size, axis) => axis === 0 || size === sizesB[axis]);
  return sizesA.length <= 1 || repeatsOnlyFirst;
}

function multiplySpread(
  a: Operand,
  b: Operand,
  sizesA: readonly number[],
  sizesB: readonly number[],
): Tensor {
  const batch = sizesA.map((size, axis) => Math.max(size, sizesB[axis]!));
  const spread = ({value, transposed}: Operand): Operand => ({
    value: reshape(broadcastTo(value, [...batch, ...value.shape.slice(-2)]), [
      product(batch),
      ...value.shape.slice(-2),
    ]),
    transposed,
  });
  return multiply(spread(a), spread(b));
}

function byKernel(a: Operand, b: Operand): Tensor {
  const attrs = {transposeA: a.transposed, transposeB: b.transposed};
  // The kernels and ops of tfjs take a batch dimension more readily than none: wasm's needs it for its fast path.
  const [x, y] = [a, b].map(({value}) =>
    value.rank === 2 ? reshape(value, [1, ...value.shape]) : value,
  ) as [Tensor, Tensor];
  return run('BatchMatMul', {a: x, b: y}, attrs);
}

/** The product of float32 data, in the way that the backend computes fastest. See NOTE [strategy]. */
function multiplyData(a: Operand, b: Operand): Tensor {
  const choice = strategy();
  if (columnsOf(a) === 1 && choice.outerProduct === 'multiply') {
    return mul(columnVector(a), rowVector(b));
  }
  const [sharesA, sharesB] = [isShared(a), isShared(b)];
  if (sharesA && sharesB) return multiplyTwo(a, b);
  if (sharesB && choice.transposedProduct === 'transpose') {
    return multiply(restored(a), b);
  }
  if (sharesA && choice.sharedLeft === 'join') {
    // (a·b)ᵀ = bᵀ·aᵀ, in which the many are rows of one matrix.
    const rows = plain(swapped(b));
    const joined = reshape(rows, [1, product(rows.shape.slice(0, -1)), rows.shape.at(-1)!]);
    const result = multiplyTwo({value: joined, transposed: false}, withBatch(swapped(a), [1]));
    return transposeLast(reshape(result, [...batchOf(b), columnsOf(b), rowsOf(a)]));
  }
  const evenly = batchOf(a).length === 1 && batchOf(a)[0] === batchOf(b)[0];
  if (choice.batchedProduct === 'depthwise' && evenly && isWorthConvolving(a, b)) {
    return multiplyAsConvolution(a, b);
  }
  return byKernel(a, b);
}

const columnVector = ({value}: Operand): Tensor =>
  reshape(value, [...value.shape.slice(0, -2), product(value.shape.slice(-2)), 1]);

const rowVector = ({value}: Operand): Tensor =>
  reshape(value, [...value.shape.slice(0, -2), 1, product(value.shape.slice(-2))]);

/** Below this, transposing costs more than it saves (4·5 by 5·6 on wasm: 0.018 by the attribute, 0.025 by a transpose). */
const SMALL_PRODUCT = 4096;

/** The product of two single matrices. */
function multiplyTwo(a: Operand, b: Operand): Tensor {
  const [rows, inner, columns] = [rowsOf(a), columnsOf(a), columnsOf(b)];
  if (strategy().transposedProduct === 'attribute' || rows * inner * columns < SMALL_PRODUCT) {
    return byKernel(a, b);
  }
  if (b.transposed && !a.transposed) {
    // Either bᵀ is stored, or the result is the transpose of b·aᵀ, whichever copies (and packs, for XNNPACK) less.
    const viaResult = 2 * rows * inner + rows * columns;
    if (viaResult < 2 * inner * columns) {
      return transposeLast(byKernel(swapped(b), {value: plain(swapped(a)), transposed: false}));
    }
  }
  if (a.transposed && b.transposed) return transposeLast(byKernel(swapped(b), swapped(a)));
  return byKernel(
    a.transposed ? restored(a) : a,
    b.transposed ? restored(b) : b,
  );
}

/** The convolution's inner loop makes four rows at a time, of several columns each. */
const isWorthConvolving = (a: Operand, b: Operand): boolean => rowsOf(a) >= 4 && columnsOf(b) >= 4;

/**
 * A product per example as a depthwise convolution: `[1, M, K, B]` by `[1, K, B, N]` gives `[1, M, 1, B·N]`. Every position of
 * the image's height is a row of the left-hand matrix, its width is summed over.
 */
function multiplyAsConvolution(a: Operand, b: Operand): Tensor {
  const [size] = batchOf(a) as [number];
  const [rows, inner, columns] = [rowsOf(a), columnsOf(a), columnsOf(b)];
  const image = transpose(a.value, a.transposed ? [2, 1, 0] : [1, 2, 0]);
  const filter = transpose(b.value, b.transposed ? [2, 0, 1] : [1, 0, 2]);
  const result = run(
    'DepthwiseConv2dNative',
    {
      x: reshape(image, [1, rows, inner, size]),
      filter: reshape(filter, [1, inner, size, columns]),
    },
    {strides: [1, 1], pad: 'valid', dataFormat: 'NHWC', dilations: [1, 1]},
  );
  return transpose(reshape(result, [rows, size, columns]), [1, 0, 2]);
}

interface ProductAttrs {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** The cotangents of both operands of a product. Only the one that is asked for reads the other operand. */
export function cotangentsOfProduct(
  dy: Tensor,
  a: Tensor,
  b: Tensor,
  {transposeA, transposeB}: ProductAttrs,
): {a: () => Tensor; b: () => Tensor} {
  const right = (ct: Tensor, left: Tensor): Tensor =>
    transposeB ? matMul(ct, left, true, transposeA) : matMul(left, ct, !transposeA, false);
  return {
    a: () => {
      const ct = transposeA ? matMul(b, dy, transposeB, true) : matMul(dy, b, false, !transposeB);
      return unbroadcast(ct, a.shape);
    },
    b: () => {
      if (product(b.shape.slice(0, -2)) > 1 || transposeA) return unbroadcast(right(dy, a), b.shape);
      // All examples share b: summing over them is part of one product over all their rows.
      return reshape(right(asRows(dy), asRows(a)), b.shape);
    },
  };
}

const asRows = (x: Tensor): Tensor =>
  reshape(x, [product(x.shape.slice(0, -1)), x.shape.at(-1)!]);

function assertMatrices(...operands: readonly BatchedInput[]): void {
  for (const operand of operands) {
    if (logicalRank(operand) >= 2) continue;
    throw new Error(`matMul needs matrices, but got a tensor of shape ${showShape(logicalShape(operand))}`);
  }
}

export const products = family({
  BatchMatMul: {
    batch: ({a, b}, {transposeA, transposeB}) => {
      assertMatrices(a, b);
      const [left, right] = alignRanks([a, b]) as [Tensor, Tensor];
      return matMul(left, right, transposeA, transposeB);
    },
    linearIn: ['a', 'b'],
    vjp: savingFor({a: ['b'], b: ['a']}, (dy, {a, b}, attrs) =>
      cotangentsOfProduct(dy, a, b, attrs),
    ),
  },

  _FusedMatMul: {
    batch: ({a, b, bias, preluActivationWeights}, attrs, size) => {
      const {transposeA, transposeB} = attrs;
      const epilogue = [bias, preluActivationWeights].filter((input) => input !== undefined);
      // Examples are more rows of one product where all else is the same for all rows.
      const folds =
        size > 0 &&
        !transposeA && !b.mapped && b.value.shape[0] === 1 && epilogue.every(isSameForAllRows);
      if (folds && !(transposeB && strategy().transposedProduct === 'transpose')) {
        const inputs = {b: b.value, bias: bias?.value, preluActivationWeights: preluActivationWeights?.value};
        const [, n = 1, rows = 1, inner = 1] = a.value.shape;
        const folded = reshape(a.value, [1, size * n * rows, inner]);
        const result = run('_FusedMatMul', {a: folded, ...inputs}, attrs);
        return reshape(result, [size, n, rows, result.shape.at(-1)!]);
      }
      const [left, right] = alignRanks([a, b]) as [Tensor, Tensor];
      const product = {value: matMul(left, right, transposeA, transposeB), mapped: a.mapped || b.mapped};
      return batchedEpilogue(product, bias, preluActivationWeights, attrs, size);
    },
    jvp: ({a, b, bias, preluActivationWeights}, tangents, attrs, output) => {
      const {transposeA, transposeB} = attrs;
      const terms: Tensor[] = [];
      if (tangents.a) terms.push(matMul(tangents.a, b, transposeA, transposeB));
      if (tangents.b) terms.push(matMul(a, tangents.b, transposeA, transposeB));
      if (tangents.bias) terms.push(tangents.bias);
      const before = () => beforeActivation(matMul(a, b, transposeA, transposeB), bias);
      return epilogueTangent(terms, tangents.preluActivationWeights, {
        before,
        output,
        weights: preluActivationWeights,
        attrs,
      });
    },
    vjp: savingOutput(['a', 'b', 'bias', 'preluActivationWeights'], (dy, residuals, attrs) => {
      const {a, b, bias, preluActivationWeights: weights, output} = residuals;
      const {transposeA, transposeB} = attrs;
      const before = once(() => beforeActivation(matMul(a, b, transposeA, transposeB), bias));
      const epilogue = epilogueCotangents(dy, {before, output, weights, bias, attrs});
      const factors = once(() => cotangentsOfProduct(epilogue.product(), a, b, attrs));
      return {
        a: () => factors().a(),
        b: () => factors().b(),
        bias: epilogue.bias,
        preluActivationWeights: epilogue.weights,
      };
    }),
  },
});

/** Whether a bias or the weights of an activation have no rows of their own. */
const isSameForAllRows = ({value, mapped}: BatchedInput): boolean =>
  !mapped && product(value.shape.slice(0, -1)) === 1;
