import type {Tensor} from '@tensorflow/tfjs-core';
import type {Tfjs} from './reference64.js';

/**
 * The adjoint of a linear map of images, or of volumes, that treats each example and each channel by itself: its matrix is what it makes of a
 * basis of them, and the transpose of that is applied to `dy`.
 */
export function imageAdjoint(
  tf: Tfjs,
  shape: readonly number[],
  dy: Tensor,
  f: (images: Tensor) => Tensor,
): Tensor {
  const batch = shape[0]!;
  const channels = shape.at(-1)!;
  const space = shape.slice(1, -1);
  const pixels = space.reduce((product, size) => product * size, 1);
  const images = f(tf.reshape(tf.eye(pixels), [pixels, ...space, 1]));
  const matrix = tf.tile(tf.reshape(images, [1, pixels, -1]), [batch, 1, 1]);
  const gradient = tf.matMul(matrix, tf.reshape(dy, [batch, -1, channels]));
  return tf.reshape(gradient, [...shape]);
}
