import * as tf from '@tensorflow/tfjs-core';

/**
 * What code batched by hand is made of, each in the fastest way that stock tfjs has for it on a backend. Figures are medians in
 * milliseconds on two cores of a Xeon server (wasm: one thread, SIMD).
 */
export interface Idioms {
  /** Outer product per example: `[B, m]`, `[B, n]` → `[B, m, n]`. */
  outer(a: tf.Tensor, b: tf.Tensor): tf.Tensor;
  /** `a · bᵀ` of matrices. */
  timesTransposed(a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor2D;
  /** `aᵀ · b` of matrices. */
  transposedTimes(a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor2D;
  /** A product per example, of `[B, m, k]` and `[B, k, n]`; transposed: of `[B, k, m]`, `[B, n, k]`. */
  products(a: tf.Tensor, b: tf.Tensor, transposeA?: boolean, transposeB?: boolean): tf.Tensor;
  /** Ones where the elements are positive, zeros elsewhere: relu's derivative. */
  positive(x: tf.Tensor): tf.Tensor;
  /** Which elements of `a` equal those of `b`, which are never smaller, as ones and zeros. */
  reaches(a: tf.Tensor, b: tf.Tensor): tf.Tensor;
}

const onWasm: Idioms = {
  // [64, 784] ⊗ [64, 128]: 3.6; as batched matMul 46, since only unbatched products run in XNNPACK.
  outer: (a, b) => tf.mul(tf.expandDims(a, 2), tf.expandDims(b, 1)),
  // 16 × 128 × 9216: 2.8; transposing b and packing it 14; with the attribute 20.
  timesTransposed: (a, b) =>
    2 * b.size < 2 * a.size + a.shape[0] * b.shape[0]
      ? tf.matMul<tf.Tensor2D>(a, tf.transpose(b))
      : tf.transpose(tf.matMul<tf.Tensor2D>(b, tf.transpose(a))),
  // 784 × 64 × 128: 0.6; with the attribute 6.7.
  transposedTimes: (a, b) => tf.matMul(tf.transpose(a), b),
  // 25 × 10 × 40 × 40: 0.2 as a depthwise convolution with the examples as channels; as batched matMul, a naive loop, 0.4.
  products: (a, b, transposeA = false, transposeB = false) => {
    const image = tf.transpose(a as tf.Tensor3D, transposeA ? [2, 1, 0] : [1, 2, 0]);
    const filter = tf.transpose(b as tf.Tensor3D, transposeB ? [2, 0, 1] : [1, 0, 2]);
    const [rows, inner, batch] = image.shape;
    const columns = filter.shape[2];
    const result = tf.depthwiseConv2d<tf.Tensor4D>(
      tf.reshape(image, [1, rows, inner, batch]),
      tf.reshape(filter, [1, inner, batch, columns]),
      1,
      'valid',
    );
    return tf.transpose(tf.reshape(result, [rows, batch, columns]), [1, 0, 2]);
  },
  // [16, 24, 24, 64]: 0.2; with greater and cast 2.6.
  positive: (x) => tf.step(x),
  // Broadcasting [16, 12, 12, 64] to [16, 24, 24, 64]: 0.9; with equal 57.
  reaches: (a, b) => tf.sub(1, tf.step(tf.sub(b, a))),
};

const onTensorFlow: Idioms = {
  // 1.6; as a broadcast multiply 3.3.
  outer: (a, b) => tf.matMul(tf.expandDims(a, 1), tf.expandDims(b, 1), true, false),
  timesTransposed: (a, b) => tf.matMul(a, b, false, true),
  transposedTimes: (a, b) => tf.matMul(a, b, true, false),
  products: (a, b, transposeA = false, transposeB = false) =>
    tf.matMul(a, b, transposeA, transposeB),
  // 0.5; with step, which tfjs-node composes, 2.6.
  positive: (x) => tf.cast(tf.greater(x, 0), 'float32'),
  reaches: (a, b) => tf.cast(tf.equal(a, b), 'float32'),
};

/** The cpu backend runs plain loops: what avoids copies is best there, as on tensorflow. */
export const idiomsFor = (backend: string): Idioms => (backend === 'wasm' ? onWasm : onTensorFlow);
