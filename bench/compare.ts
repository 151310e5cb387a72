import * as tf from '@tensorflow/tfjs-core';

/**
 * How far apart two trees of tensors are: the largest difference, relative to the largest magnitude of the expected tensor.
 * @throws if trees, shapes or NaNs differ
 */
export async function distance(
  actual: tf.TensorContainer,
  expected: tf.TensorContainer,
  path = 'result',
): Promise<number> {
  if (expected instanceof tf.Tensor) {
    if (!(actual instanceof tf.Tensor)) throw new Error(`${path} should be a tensor.`);
    return tensorDistance(actual, expected, path);
  }
  if (typeof expected !== 'object' || expected === null)
    throw new Error(`${path}: a ${typeof expected} can't be compared.`);
  const children = Object.entries(expected as Record<string, tf.TensorContainer>);
  const distances = children.map(([key, child]) =>
    distance((actual as Record<string, tf.TensorContainer>)[key], child, `${path}.${key}`),
  );
  return Math.max(0, ...(await Promise.all(distances)));
}

async function tensorDistance(
  actual: tf.Tensor,
  expected: tf.Tensor,
  path: string,
): Promise<number> {
  if (!tf.util.arraysEqual(actual.shape, expected.shape)) {
    throw new Error(`${path} has shape [${actual.shape}], should have [${expected.shape}].`);
  }
  const [a, e] = await Promise.all([actual.data(), expected.data()]);
  let difference = 0;
  let magnitude = 0;
  for (let i = 0; i < e.length; i++) {
    if (Number.isNaN(a[i]) || Number.isNaN(e[i])) throw new Error(`${path} holds NaN.`);
    difference = Math.max(difference, Math.abs(a[i] - e[i]));
    magnitude = Math.max(magnitude, Math.abs(e[i]));
  }
  return difference === 0 ? 0 : difference / magnitude;
}
