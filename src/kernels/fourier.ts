import * as tf from '@tensorflow/tfjs-core';
import type {Tensor} from '@tensorflow/tfjs-core';
import {add, concat, mul, reshape, scale, slice, sub, transpose} from '../rules/ops.js';
import {complex, imag, real} from '../rules/parts.js';
import {run} from '../rules/rule.js';

/** Complex numbers as two tensors of equal shape. */
interface Parts {
  readonly re: Tensor;
  readonly im: Tensor;
}

/** Up to this length a transform is one product with a matrix. */
const LARGEST_MATRIX = 64;

/**
 * The discrete Fourier transform of the rows of `[rows, n]`, by products with matrices. Long rows are transformed in two steps where n is a
 * product n₁·n₂ (Cooley and Tukey): as columns and rows of an n₁×n₂ matrix, with a rotation in between.
 * @param sign  -1 forwards, 1 backwards (not divided by n)
 */
function transform({re, im}: Parts, sign: 1 | -1): Parts {
  const [rows = 0, n = 0] = re.shape;
  const columns = n <= LARGEST_MATRIX ? 1 : largestDivisor(n);
  if (columns === 1) return byMatrix({re, im}, sign);
  const length = n / columns;
  const turn = (x: Tensor, m: number): Tensor => transpose(reshape(x, [rows, m, n / m]), [0, 2, 1]);
  const along = ({re: x, im: y}: Parts, m: number): Parts => {
    const short = [(rows * n) / m, m];
    const result = transform({re: reshape(x, short), im: reshape(y, short)}, sign);
    return {re: reshape(result.re, [rows, n / m, m]), im: reshape(result.im, [rows, n / m, m])};
  };
  const first = along({re: turn(re, columns), im: turn(im, columns)}, columns);
  const rotated = rotate(first, roots([length, columns], n, sign));
  const second = along({re: turn(rotated.re, length), im: turn(rotated.im, length)}, length);
  return {
    re: reshape(turn(second.re, columns), [rows, n]),
    im: reshape(turn(second.im, columns), [rows, n]),
  };
}

function rotate({re, im}: Parts, by: Parts): Parts {
  return {
    re: sub(mul(re, by.re), mul(im, by.im)),
    im: add(mul(re, by.im), mul(im, by.re)),
  };
}

function byMatrix({re, im}: Parts, sign: 1 | -1): Parts {
  const [rows = 0, n = 0] = re.shape;
  const matrix = roots([n, n], n, sign);
  const both = concat([re, im], 0);
  const times = (x: Tensor): [Tensor, Tensor] => {
    const product = reshape(
      run(
        'BatchMatMul',
        {a: reshape(both, [1, 2 * rows, n]), b: reshape(x, [1, n, n])},
        {transposeA: false, transposeB: false},
      ),
      [2 * rows, n],
    );
    return [slice(product, [0, 0], [rows, n]), slice(product, [rows, 0], [rows, n])];
  };
  const [reRe, imRe] = times(matrix.re);
  const [reIm, imIm] = times(matrix.im);
  return {re: sub(reRe, imIm), im: add(reIm, imRe)};
}

/** `exp(±2πi·jk / n)` for all j and k of a matrix. */
function roots([height, width]: [number, number], n: number, sign: 1 | -1): Parts {
  const angles = Float64Array.from({length: n}, (_, k) => (sign * 2 * Math.PI * k) / n);
  const table = (f: (angle: number) => number): Tensor => {
    const values = Float64Array.from(angles, f);
    const matrix = new Float32Array(height * width);
    for (let j = 0; j < height; j++) {
      for (let k = 0; k < width; k++) matrix[j * width + k] = values[(j * k) % n]!;
    }
    return tf.tensor2d(matrix, [height, width]);
  };
  return {re: table(Math.cos), im: table(Math.sin)};
}

/** The largest divisor of n that is no larger than its square root. */
function largestDivisor(n: number): number {
  let divisor = Math.floor(Math.sqrt(n));
  while (n % divisor !== 0) divisor--;
  return divisor;
}

function alongLast(z: Tensor, sign: 1 | -1): Tensor {
  const n = z.shape.at(-1) ?? 1;
  if (z.size === 0) return z.clone();
  const rows = [z.size / n, n];
  const {re, im} = transform({re: reshape(real(z), rows), im: reshape(imag(z), rows)}, sign);
  const factor = sign === 1 ? 1 / n : 1;
  return complex(reshape(scale(re, factor), z.shape), reshape(scale(im, factor), z.shape));
}

/** FFT and IFFT along the last dimension, for backends that have no kernel. */
export const fft = ({input}: {readonly input: Tensor}): Tensor => alongLast(input, -1);
export const ifft = ({input}: {readonly input: Tensor}): Tensor => alongLast(input, 1);
