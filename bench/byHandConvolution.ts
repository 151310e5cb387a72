import * as tf from '@tensorflow/tfjs-core';

/**
 * Backward passes of a 3x3 convolution (stride 1, no padding) as hand-written code would do them on each backend. Figures are medians in
 * milliseconds for 16 images of 26x26x32 and 64 output channels.
 */
export interface ConvolutionIdioms {
  /** The filter gradient of each example: `[B, H, W, C]`, `[B, H-2, W-2, D]` → `[B, 3, 3, C, D]`. */
  filterGrad(x: tf.Tensor4D, dy: tf.Tensor4D): tf.Tensor;
  inputGrad(dy: tf.Tensor4D, filter: tf.Tensor4D, inputShape: tf.Tensor4D['shape']): tf.Tensor4D;
}

const taps = [0, 1, 2];

/** Each pixel's 3x3 neighbourhood as nine channels: the identity matrix as a filter. */
const neighbourhoods = (x: tf.Tensor4D) =>
  tf.conv2d(x, tf.reshape(tf.eye(9), [3, 3, 1, 9]) as tf.Tensor4D, 1, 'valid');

/** Positions, in the flattened image, of the nine pixels under the filter at each place. */
function patchIndices(height: number, width: number): tf.Tensor1D {
  const indices: number[] = [];
  for (let row = 0; row < height - 2; row++) {
    for (let column = 0; column < width - 2; column++) {
      for (const i of taps) for (const j of taps) indices.push((row + i) * width + column + j);
    }
  }
  return tf.tensor1d(indices, 'int32');
}

/** Patches by one gather of rows and one batched matmul: 2.5. By nine slices 4.7, by a loop of filter-gradient kernels 10.9. */
function filterGradByPatches(indices: Map<string, tf.Tensor1D>) {
  return (x: tf.Tensor4D, dy: tf.Tensor4D): tf.Tensor => {
    const [batch, height, width, channels] = x.shape;
    const [, outHeight, outWidth, outChannels] = dy.shape;
    const patches =
      channels === 1
        ? neighbourhoods(x)
        : tf.gather(
            tf.reshape(x, [batch, height * width, channels]),
            indices.get(`${height}x${width}`)!,
            1,
          );
    const products = tf.matMul(
      tf.reshape(patches, [batch, outHeight * outWidth, 9 * channels]),
      tf.reshape(dy, [batch, outHeight * outWidth, outChannels]),
      true,
      false,
    );
    return tf.reshape(products, [batch, 3, 3, channels, outChannels]);
  };
}

/**
 * On wasm only convolutions are fast. Those of each example are one depthwise convolution, with the examples as channels, the channels as
 * images, and the output's gradient as the filter: 54. By patches and a batched matmul 183.
 */
function filterGradByConvolution(x: tf.Tensor4D, dy: tf.Tensor4D): tf.Tensor {
  const [batch, , , channels] = x.shape;
  const outChannels = dy.shape[3];
  const images = tf.transpose(x, [3, 1, 2, 0]);
  const byTap = tf.depthwiseConv2d(images, tf.transpose(dy, [1, 2, 0, 3]), 1, 'valid');
  const grouped = tf.reshape(byTap, [channels, 9, batch, outChannels]);
  const byExample = tf.transpose(grouped, [2, 1, 0, 3]);
  return tf.reshape(byExample, [batch, 3, 3, channels, outChannels]);
}

/** 16.5; by the kernel, a naive loop on wasm, 141. */
function inputGradByConvolution(dy: tf.Tensor4D, filter: tf.Tensor4D): tf.Tensor4D {
  const flipped = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]);
  return tf.conv2d(dy, flipped, 1, [
    [0, 0],
    [2, 2],
    [2, 2],
    [0, 0],
  ]);
}

/** For a backend and the image sizes that will come. */
export function convolutionIdioms(backend: string, sizes: readonly number[]): ConvolutionIdioms {
  if (backend === 'wasm')
    return {filterGrad: filterGradByConvolution, inputGrad: inputGradByConvolution};
  const indices = new Map(
    sizes.map((size) => [`${size}x${size}`, patchIndices(size, size)] as const),
  );
  return {
    filterGrad: filterGradByPatches(indices),
    inputGrad: (dy, filter, inputShape) => tf.conv2dTranspose(dy, filter, inputShape, 1, 'valid'),
  };
}
