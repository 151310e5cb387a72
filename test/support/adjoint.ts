import type {Tensor, Tensor4D} from '@tensorflow/tfjs-core';
import type {Tfjs} from './reference64.js';

/**
 * The adjoint of a linear map of images that treats each example and each channel by itself: its matrix is what it makes of a basis
 * of images, and the transpose of that is applied to `dy`.
 */
export function imageAdjoint(
  tf: Tfjs,
  [batch, height, width, channels]: readonly number[],
  dy: Tensor,
  f: (images: Tensor4D) => Tensor,
): Tensor {
  if (
    batch === undefined ||
    height === undefined ||
    width === undefined ||
    channels === undefined
  ) {
    throw new Error('expected the shape of a batch of images');
  }
  const pixels = height * width;
  const images = f(tf.reshape(tf.eye(pixels), [pixels, height, width, 1]));
  const matrix = tf.tile(tf.reshape(images, [1, pixels, -1]), [batch, 1, 1]);
  const gradient = tf.matMul(matrix, tf.reshape(dy, [batch, -1, channels]));
  return tf.reshape(gradient, [batch, height, width, channels]);
}
