import type {Tensor} from '@tensorflow/tfjs-core';
import {showShape} from '../errors.js';
import {alignRanks, broadcastTo, logicalRank, logicalShape, product, unbroadcast} from './dims.js';
import {mul, reshape, transpose, zeros} from './ops.js';
import {
  batchedEpilogue,
  beforeActivation,
  epilogueCotangents,
  epilogueTangent,
  once,
} from './fused.js';
import {conjugating, isComplex, matching} from './parts.js';
import {family, run, savingFor, savingOutput, type BatchedInput} from './rule.js';
import {isTraced, strategy} from './strategy.js';

/**
 * NOTE [products]
 * A product of stacks of matrices is brought to few batch dimensions: neighbouring ones along which both operands have examples, or
 * the same one of them, are joined. An operand without batch dimensions is shared by all examples. Nothing is reshaped before
 * a kernel is called: TensorFlow takes as long for a reshape as for a small product.
 */
class Operand {
  private constructor(
    /** The matrices one after the other, in a tensor of any shape. */
    private readonly data: Tensor,
    readonly batch: readonly number[],
    readonly rows: number,
    readonly columns: number,
    /** Whether the matrices are stored transposed. */
    readonly transposed: boolean,
  ) {}

  /** The matrices in the last two dimensions. */
  static of(data: Tensor, batch: readonly number[], transposed: boolean): Operand {
    const [m, n] = data.shape.slice(-2) as [number, number];
    return transposed
      ? new Operand(data, batch, n, m, transposed)
      : new Operand(data, batch, m, n, transposed);
  }

  get dtype(): string {
    return this.data.dtype;
  }

  get isTraced(): boolean {
    return isTraced(this.data);
  }

  /** The matrices in the last two dimensions, as stored, with the batch dimensions in front. */
  stored(): Tensor {
    const {batch, rows, columns} = this;
    return reshape(
      this.data,
      this.transposed ? [...batch, columns, rows] : [...batch, rows, columns],
    );
  }

  withBatch(batch: readonly number[]): Operand {
    return new Operand(this.data, batch, this.rows, this.columns, this.transposed);
  }

  /** All rows of the matrices along the last batch dimension as one matrix; for matrices that are not stored transposed. */
  joined(): Operand {
    const rows = this.rows * this.batch.at(-1)!;
    return new Operand(this.data, this.batch.slice(0, -1), rows, this.columns, false);
  }

  /** The transposed matrices. */
  swapped(): Operand {
    return new Operand(this.data, this.batch, this.columns, this.rows, !this.transposed);
  }

  /** The same matrices, not stored transposed; costs a copy if they were. */
  plain(): Operand {
    if (!this.transposed) return this;
    const [batch, rows, columns] = [product(this.batch), this.rows, this.columns];
    const data =
      rows === 1 || columns === 1
        ? this.data
        : transpose(reshape(this.data, [batch, columns, rows]), [0, 2, 1]);
    return new Operand(data, this.batch, rows, columns, false);
  }

  /** One example's matrix for each combination of the batch dimensions `batch`; costs a copy per example. */
  spread(batch: readonly number[]): Operand {
    const stored = this.stored();
    const data = broadcastTo(stored, [...batch, ...stored.shape.slice(-2)]);
    return new Operand(data, [product(batch)], this.rows, this.columns, this.transposed);
  }
}

/** `a·b`, or with either of them transposed. Batch dimensions broadcast; any rank, from 2 on. */
export function matMul(a: Tensor, b: Tensor, transposeA = false, transposeB = false): Tensor {
  const {batchA, batchB, batch} = joinBatches(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const left = Operand.of(a, batchA, transposeA);
  const right = Operand.of(b, batchB, transposeB);
  const shape = [...batch, left.rows, right.columns];
  // The wasm kernels divide by zero for some empty shapes.
  if (product(shape) === 0 || a.size === 0) return zeros(shape, (isComplex(b) ? b : a).dtype);
  return reshape(multiply(left, right), shape);
}

/** See NOTE [products]. */
function joinBatches(
  a: readonly number[],
  b: readonly number[],
): {batchA: number[]; batchB: number[]; batch: number[]} {
  const rank = Math.max(a.length, b.length);
  const sizeAt = (shape: readonly number[], axis: number): number =>
    shape[axis - rank + shape.length] ?? 1;
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

/** Operands with joined batch dimensions, as many in one as in the other. The result's may be folded in any way. */
function multiply(a: Operand, b: Operand): Tensor {
  if (b.batch.at(-1) === 1 && (!a.transposed || a.rows === 1)) {
    const rows = a.plain();
    if (isSmallShared(rows, b)) return byKernel(rows, b.withBatch([]));
    // Examples that share the right-hand matrix are rows of one matrix.
    return multiply(rows.joined(), b.withBatch(b.batch.slice(0, -1)));
  }
  if (!isSupported(a.batch, b.batch)) {
    const batch = batchOfProduct(a, b);
    return multiply(a.spread(batch), b.spread(batch));
  }
  const isData = !a.isTraced && !b.isTraced;
  return isData && a.dtype === 'float32' && b.dtype === 'float32'
    ? multiplyData(a, b)
    : byKernel(a, b);
}

/** Whether many small products with one matrix are faster than the reshapes around a large one. */
function isSmallShared(a: Operand, b: Operand): boolean {
  const {examples, multiplications} = strategy().sharedProducts;
  const [size = 0, ...rest] = a.batch;
  return (
    rest.length === 0 &&
    size <= examples &&
    size * a.rows * a.columns * b.columns <= multiplications &&
    !a.isTraced &&
    !b.isTraced
  );
}

const batchOfProduct = (a: Operand, b: Operand): number[] =>
  a.batch.map((size, axis) => Math.max(size, b.batch[axis]!));

/** Whether BatchMatMul broadcasts these batch dimensions rightly. */
function isSupported(batchA: readonly number[], batchB: readonly number[]): boolean {
  if (strategy().broadcastsProducts) return batchA.length <= 2;
  const repeatsOnlyFirst = batchA.every((size, axis) => axis === 0 || size === batchB[axis]);
  return batchA.length <= 1 || repeatsOnlyFirst;
}

const byKernel = (a: Operand, b: Operand): Tensor =>
  run(
    'BatchMatMul',
    {a: a.stored(), b: b.stored()},
    {transposeA: a.transposed, transposeB: b.transposed},
  );

/** The product of float32 data, in the way that the backend computes fastest. See NOTE [strategy]. */
function multiplyData(a: Operand, b: Operand): Tensor {
  const choice = strategy();
  if (a.columns === 1 && a.rows * b.columns <= choice.outerProductsMultiplied) {
    return mul(a.plain().stored(), b.plain().stored());
  }
  const [sharesA, sharesB] = [a, b].map(({batch}) => product(batch) === 1);
  if (sharesA && sharesB) return byKernel(a.withBatch([]), b.withBatch([]));
  if (sharesA && b.columns === 1) {
    // (a·b)ᵀ = bᵀ·aᵀ, in which the many vectors are rows of one matrix: that takes no copy.
    const vectors = b
      .swapped()
      .plain()
      .withBatch([product(b.batch)]);
    return byKernel(vectors.joined(), a.swapped().withBatch([]));
  }
  return byKernel(a, b);
}

export interface ProductAttrs {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** The cotangents of both operands of a product. Only the one that is asked for reads the other operand. */
function cotangentsOfProduct(
  dy: Tensor,
  a: Tensor,
  b: Tensor,
  attrs: ProductAttrs,
): {a: () => Tensor; b: () => Tensor} {
  // See NOTE [complex].
  const conjugated = (name: 'a' | 'b'): Tensor =>
    conjugating((t) => formulasOfCotangents(t, a, b, attrs)[name](), dy);
  return {
    a: () => matching(conjugated('a'), a),
    b: () => matching(conjugated('b'), b),
  };
}

function formulasOfCotangents(
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
      if (product(b.shape.slice(0, -2)) > 1 || transposeA)
        return unbroadcast(right(dy, a), b.shape);
      // All examples share b: summing over them is part of one product over all their rows.
      return reshape(right(asRows(dy), asRows(a)), b.shape);
    },
  };
}

const asRows = (x: Tensor): Tensor => reshape(x, [product(x.shape.slice(0, -1)), x.shape.at(-1)!]);

function assertMatrices(...operands: readonly BatchedInput[]): void {
  for (const operand of operands) {
    if (logicalRank(operand) >= 2) continue;
    throw new Error(
      `matMul needs matrices, but got a tensor of shape ${showShape(logicalShape(operand))}`,
    );
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
        !transposeA &&
        !b.mapped &&
        b.value.shape[0] === 1 &&
        epilogue.every(isSameForAllRows);
      if (folds) {
        const inputs = {
          b: b.value,
          bias: bias?.value,
          preluActivationWeights: preluActivationWeights?.value,
        };
        const [, n = 1, rows = 1, inner = 1] = a.value.shape;
        const folded = reshape(a.value, [1, size * n * rows, inner]);
        const result = run('_FusedMatMul', {a: folded, ...inputs}, attrs);
        return reshape(result, [size, n, rows, result.shape.at(-1)!]);
      }
      const [left, right] = alignRanks([a, b]) as [Tensor, Tensor];
      const product = {
        value: matMul(left, right, transposeA, transposeB),
        mapped: a.mapped || b.mapped,
      };
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
      return {
        a: () => cotangentsOfProduct(epilogue.product(), a, b, attrs).a(),
        b: () => cotangentsOfProduct(epilogue.product(), a, b, attrs).b(),
        bias: epilogue.bias,
        preluActivationWeights: epilogue.weights,
      };
    }),
  },
});

/** Whether a bias or the weights of an activation have no rows of their own. */
const isSameForAllRows = ({value, mapped}: BatchedInput): boolean =>
  !mapped && product(value.shape.slice(0, -1)) === 1;
