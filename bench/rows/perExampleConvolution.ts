import * as tf from '@tensorflow/tfjs-core';
import {glorot} from '../inputs.js';
import type {Row} from './row.js';

const batch = 32;
const [size, channels, outputs] = [12, 16, 16];

/** Each example convolved with a filter of its own, and the filters' gradients: what no tfjs kernel does. */
export const perExampleConvolution: Row = {
  id: 'convolutions',
  title: 'a filter per example, and its gradient',
  detail: `${batch} × [${size}, ${size}, ${channels}] by 3×3 to ${outputs} channels`,
  goals: {wasm: {loopOverOurs: 5}, tensorflow: {loopOverOurs: 5}},
  prepare({grad, vmap}, backend) {
    const lacksKernel = backend === 'wasm';
    const images = tf.randomUniform([batch, 1, size, size, channels], -1, 1, 'float32', 1);
    const filters = glorot([batch, 3, 3, channels, outputs]);
    const loss = (filter: tf.Tensor, image: tf.Tensor): tf.Tensor =>
      tf.sum(tf.square(tf.conv2d(image as tf.Tensor4D, filter as tf.Tensor4D, 1, 'valid')));
    const perExample = vmap(grad(loss));
    return {
      ours: {label: 'vmap(grad(loss))', run: () => perExample(filters, images)},
      loop: {
        label: `loop of ${batch} tf.grads${lacksKernel ? ", with the library's Conv2DBackpropFilter" : ''}`,
        usesLibrary: lacksKernel,
        run: () => {
          const examples = tf.unstack(images);
          const gradients = tf
            .unstack(filters)
            .map((filter, i) => tf.grad((f) => loss(f, examples[i]!))(filter));
          return tf.stack(gradients);
        },
      },
      byHand: {label: 'patches and matrix products', run: () => byHand(filters, images)},
    };
  },
};

function byHand(filters: tf.Tensor, images: tf.Tensor): tf.Tensor {
  const out = size - 2;
  const taps = [0, 1, 2].flatMap((row) => [0, 1, 2].map((column) => [row, column] as const));
  const x = tf.reshape(images, [batch, size, size, channels]) as tf.Tensor4D;
  const patches = tf.reshape(
    tf.concat(
      taps.map(([row, column]) => tf.slice(x, [0, row, column, 0], [batch, out, out, channels])),
      3,
    ),
    [batch, out * out, 9 * channels],
  );
  const y = tf.matMul(patches, tf.reshape(filters, [batch, 9 * channels, outputs]));
  const gradient = tf.matMul(patches, tf.mul(y, 2), true, false);
  return tf.reshape(gradient, filters.shape);
}
