import * as tf from '@tensorflow/tfjs-core';

/** Weights of the usual scale: the same numbers in each run, since results are compared. */
export function glorot<R extends tf.Rank>(shape: tf.ShapeMap[R]): tf.Tensor<R> {
  const fans = tf.util.sizeFromShape(shape.slice(0, -1)) + shape[shape.length - 1];
  return tf.randomNormal<R>(shape, 0, Math.sqrt(2 / fans), 'float32', 7);
}

/** Labels of `count` examples in `classes` classes, taken in turn. */
export function onesHot(count: number, classes: number): tf.Tensor2D {
  const labels = tf.tensor1d(
    Array.from({length: count}, (_, i) => i % classes),
    'int32',
  );
  return tf.cast(tf.oneHot(labels, classes), 'float32') as tf.Tensor2D; // a float32 oneHot is wrong on wasm
}
