import * as tf from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {vmap} from '../../src/index.js';
import {hasProducts} from '../../src/kernels/wasm/products.js';
import {describeBackends} from '../backends.js';
import {hasSimd} from '../environment.js';
import {expectClose} from '../support/compare.js';
import {fromTensor, host, toTensor, type HostTensor} from '../support/host.js';
import {Random} from '../support/random.js';

/**
 * Products large enough for what rules/strategy.ts chooses instead of the kernel; the rows of the spec table are too small for that.
 */
type Shape = readonly number[];

const SIZE = 6;

/** Leading dimensions of both operands, per example; `null` where an operand is shared. */
const operands: readonly (readonly [a: Shape | null, b: Shape | null, shared: Shape])[] = [
  [[], [], []],
  [[], null, []],
  [null, [], []],
  [[3], null, [3]],
  [[43], null, []],
  [[3], [1], []],
  [[1], [3], []],
  [[2, 3], [3], []],
];

const dimensions: readonly (readonly [rows: number, inner: number, columns: number])[] = [
  [20, 30, 24],
  [40, 1, 30],
  [1, 50, 64],
  [64, 50, 1],
];

/** Where one of them is 1: many examples of these don't take long. */
const thin = dimensions.filter((sizes) => sizes.includes(1));

const draw = (random: Random, shape: Shape): HostTensor =>
  host(
    shape,
    'float32',
    Array.from({length: shape.reduce((size, n) => size * n, 1)}, () => random.uniform(-1, 1)),
  );

/** Element (i, j) of example `index` of a stack of matrices of which there may be fewer than examples. */
function elementAt(
  {shape, values}: HostTensor,
  batch: readonly number[],
  coordinates: readonly number[],
  transposed: boolean,
  i: number,
  j: number,
): number {
  const extra = coordinates.length - batch.length;
  let offset = 0;
  batch.forEach((n, axis) => {
    offset = offset * n + (n === 1 ? 0 : (coordinates[axis + extra] as number));
  });
  const [m, n] = shape.slice(-2) as [number, number];
  return values[offset * m * n + (transposed ? j * n + i : i * n + j)] as number;
}

/** The product in double precision. */
function expectedProduct(
  a: HostTensor,
  b: HostTensor,
  {transposeA, transposeB}: {transposeA: boolean; transposeB: boolean},
): HostTensor {
  const [batchA, batchB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const batch = tf.broadcast_util.assertAndGetBroadcastShape(batchA, batchB);
  const [rows, inner] = transposeA
    ? [a.shape.at(-1)!, a.shape.at(-2)!]
    : [a.shape.at(-2)!, a.shape.at(-1)!];
  const columns = b.shape.at(transposeB ? -2 : -1)!;
  const values: number[] = [];
  const examples = batch.reduce((size, n) => size * n, 1);
  for (let example = 0; example < examples; example++) {
    const coordinates: number[] = [];
    let rest = example;
    for (const n of [...batch].reverse()) {
      coordinates.unshift(rest % n);
      rest = Math.floor(rest / n);
    }
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let total = 0;
        for (let k = 0; k < inner; k++) {
          total +=
            elementAt(a, batchA, coordinates, transposeA, i, k) *
            elementAt(b, batchB, coordinates, transposeB, k, j);
        }
        values.push(total);
      }
    }
  }
  return host([...batch, rows, columns], 'float32', values);
}

/** Batch dimensions of both operands of a plain product: the same, one side's alone, or those of one side again and again. */
const batches: readonly (readonly [a: Shape, b: Shape])[] = [
  [[], []],
  [[2], [2]],
  [[3], [1]],
  [[1], [3]],
  [[2, 3], [3]],
  [[1], [2, 3]],
];

/** Sizes around those of the tiles in which products are computed. */
const sizes = {
  rows: [1, 2, 3, 4, 5, 8, 9],
  inner: [1, 2, 4, 5, 9],
  columns: [1, 3, 4, 8, 9, 15, 16],
};

describeBackends('products of all sizes about those of a tile', (backend) => {
  if (backend === 'wasm' && hasSimd) {
    it('are generated code where the kernel is slow', () => {
      expect(hasProducts()).to.equal(true);
    });
  }

  for (const [batchA, batchB] of batches) {
    for (const transposeA of [false, true]) {
      for (const transposeB of [false, true]) {
        const transposes = [transposeA, transposeB].map((is) => (is ? 'transposed' : 'plain'));
        it(`[${batchA.join()}] ${transposes[0]} by [${batchB.join()}] ${transposes[1]}`, () => {
          const random = new Random('tiles', String(batchA), String(batchB));
          for (const rows of sizes.rows) {
            for (const inner of sizes.inner) {
              for (const columns of sizes.columns) {
                const a = draw(random, [
                  ...batchA,
                  ...(transposeA ? [inner, rows] : [rows, inner]),
                ]);
                const b = draw(random, [
                  ...batchB,
                  ...(transposeB ? [columns, inner] : [inner, columns]),
                ]);
                const product = tf.tidy(() => {
                  const inputs = {a: toTensor(a), b: toTensor(b)};
                  const attrs = {transposeA, transposeB};
                  return tf.engine().runKernel<tf.Tensor>('BatchMatMul', inputs, attrs);
                });
                const expected = expectedProduct(a, b, {transposeA, transposeB});
                const what = `${rows}·${inner} by ${inner}·${columns}`;
                expectClose(fromTensor(product), expected, {relative: 1e-5, absolute: 1e-5}, what);
                product.dispose();
              }
            }
          }
        });
      }
    }
  }
});

describeBackends(
  'products that are large enough to be computed otherwise than by the kernel',
  () => {
    for (const [batchA, batchB, shared] of operands) {
      for (const transposeA of [false, true]) {
        for (const transposeB of [false, true]) {
          const show = (batch: Shape | null): string =>
            batch === null ? `shared [${shared.join()}]` : `mapped [${batch.join()}]`;
          const transposes = [transposeA, transposeB].map((is) => (is ? 'transposed' : 'plain'));
          it(`${show(batchA)} ${transposes[0]} by ${show(batchB)} ${transposes[1]}`, () => {
            const isLarge = [...(batchA ?? []), ...(batchB ?? [])].some((size) => size > 3);
            for (const [rows, inner, columns] of isLarge ? thin : dimensions) {
              const random = new Random('products', String(batchA), String(batchB), rows);
              const matrixA = transposeA ? [inner, rows] : [rows, inner];
              const matrixB = transposeB ? [columns, inner] : [inner, columns];
              const shapeOf = (batch: Shape | null, matrix: Shape): Shape =>
                batch === null ? [...shared, ...matrix] : [SIZE, ...batch, ...matrix];
              const a = draw(random, shapeOf(batchA, matrixA));
              const b = draw(random, shapeOf(batchB, matrixB));
              const multiply = vmap(
                (x: tf.Tensor, y: tf.Tensor) => tf.matMul(x, y, transposeA, transposeB),
                {inDims: [batchA && 0, batchB && 0] as [0, 0]},
              );
              const inputs = [a, b].map(toTensor) as [tf.Tensor, tf.Tensor];
              const product = multiply(...inputs);
              const rank = Math.max(
                batchA?.length ?? shared.length,
                batchB?.length ?? shared.length,
              );
              const aligned = (operand: HostTensor, batch: Shape | null): HostTensor =>
                batch === null
                  ? operand
                  : {
                      ...operand,
                      shape: [
                        SIZE,
                        ...new Array<number>(rank - batch.length).fill(1),
                        ...operand.shape.slice(1),
                      ],
                    };
              const expected = expectedProduct(aligned(a, batchA), aligned(b, batchB), {
                transposeA,
                transposeB,
              });
              expectClose(
                fromTensor(product),
                expected,
                {relative: 1e-5, absolute: 1e-5},
                `${rows}·${inner}·${columns}`,
              );
              tf.dispose([inputs, product]);
            }
          });
        }
      }
    }
  },
);
