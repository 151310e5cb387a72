import * as tf from '@tensorflow/tfjs';

/** How many bytes of tensors there are at most during a computation, beyond those that were there before it. */
export async function peakBytes(compute: () => tf.Tensor): Promise<number> {
  const before = tf.memory().numBytes;
  const {peakBytes: peak, result} = await tf.profile(() => tf.tidy(compute));
  tf.dispose(result);
  return peak - before;
}
