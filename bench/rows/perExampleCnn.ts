import * as tf from '@tensorflow/tfjs-core';
import {idiomsFor} from '../byHand.js';
import {convolutionIdioms, type ConvolutionIdioms} from '../byHandConvolution.js';
import {glorot, onesHot} from '../inputs.js';
import {gradsLoop} from '../loop.js';
import type {JaxArray, JaxJob} from '../jaxJs.js';
import type {Call, Row} from './row.js';

const batch = 16;

type Params = Record<'conv1' | 'conv2', tf.Tensor4D> &
  Record<'dense3' | 'dense4', tf.Tensor2D> &
  Record<'bias1' | 'bias2' | 'bias3' | 'bias4', tf.Tensor>;

function loss(params: Params, x: tf.Tensor, y: tf.Tensor): tf.Tensor {
  const image = tf.expandDims(x, 0) as tf.Tensor4D;
  const hidden1 = tf.relu(
    tf.add(tf.conv2d(image, params.conv1, 1, 'valid'), params.bias1),
  ) as tf.Tensor4D;
  const hidden2 = tf.relu(
    tf.add(tf.conv2d(hidden1, params.conv2, 1, 'valid'), params.bias2),
  ) as tf.Tensor4D;
  const features = tf.reshape(tf.maxPool(hidden2, 2, 2, 'valid'), [1, -1]);
  const hidden3 = tf.relu(tf.add(tf.matMul(features, params.dense3), params.bias3));
  const logits = tf.add(tf.matMul(hidden3, params.dense4), params.bias4);
  return tf.neg(tf.sum(tf.mul(y, tf.logSoftmax(tf.squeeze(logits, [0])))));
}

export const perExampleCnn: Row = {
  id: 'cnn',
  title: 'per-example gradients, CNN',
  detail: `conv 32, conv 64, pool, 9216-128-10, batch ${batch}`,
  goals: {tensorflow: {oursOverHand: 1.2}},
  prepare({grad, vmap}, backend) {
    const params: Params = {
      conv1: glorot([3, 3, 1, 32]),
      bias1: tf.zeros([32]),
      conv2: glorot([3, 3, 32, 64]),
      bias2: tf.zeros([64]),
      dense3: glorot([9216, 128]),
      bias3: tf.zeros([128]),
      dense4: glorot([128, 10]),
      bias4: tf.zeros([10]),
    };
    // No two largest pixels of a window are equal by this seed: that jax-js shares the gradient among them would look like a fault.
    const x = tf.randomUniform([batch, 28, 28, 1], 0, 1, 'float32', 2) as tf.Tensor4D;
    const y = onesHot(batch, 10);
    const perExample = vmap(grad(loss), {inDims: [null, 0, 0]});
    const convolutions = convolutionIdioms(backend, [28, 26]);
    return {
      call: {f: perExample as Call['f'], args: [params, x, y]},
      ours: {label: 'vmap(grad(loss))', run: () => perExample(params, x, y)},
      loop: gradsLoop(loss, params, x, y),
      byHand: {
        label: 'backpropagation by hand',
        run: () => byHand(params, x, y, backend, convolutions),
      },
      jaxJs: inJax(params, x, y),
    };
  },
};

/** jax-js has its channels first. */
const inJax =
  (params: Params, x: tf.Tensor4D, y: tf.Tensor): JaxJob =>
  ({grad, lax, nn, numpy: np, vmap}, copy) => {
    const convolved = (x: JaxArray, filter: JaxArray, bias: JaxArray): JaxArray => {
      const filters = np.transpose(filter, [3, 2, 0, 1]);
      return nn.relu(lax.conv(x, filters, [1, 1], 'VALID').add(bias.reshape([-1, 1, 1])));
    };
    const loss = (params: Record<keyof Params, JaxArray>, x: JaxArray, y: JaxArray): JaxArray => {
      const image = x.reshape([1, 1, 28, 28]);
      const hidden1 = convolved(image, params.conv1, params.bias1);
      const hidden2 = convolved(hidden1, params.conv2, params.bias2);
      const pooled = np.max(hidden2.reshape([64, 12, 2, 12, 2]), [2, 4]);
      const features = np.transpose(pooled, [1, 2, 0]).reshape([9216]);
      const hidden3 = nn.relu(np.matmul(features, params.dense3).add(params.bias3));
      const logits = np.matmul(hidden3, params.dense4).add(params.bias4);
      return y.mul(nn.logSoftmax(logits)).sum().neg();
    };
    return {f: vmap(grad(loss), [null, 0, 0]) as never, args: [copy(params), copy(x), copy(y)]};
  };

function byHand(
  params: Params,
  x: tf.Tensor4D,
  y: tf.Tensor,
  backend: string,
  {filterGrad, inputGrad}: ConvolutionIdioms,
): Record<keyof Params, tf.Tensor> {
  const {outer, timesTransposed, positive, reaches} = idiomsFor(backend);
  const hidden1 = tf.fused.conv2d({
    x,
    filter: params.conv1,
    strides: 1,
    pad: 'valid',
    bias: params.bias1,
    activation: 'relu',
  });
  const hidden2 = tf.fused.conv2d({
    x: hidden1,
    filter: params.conv2,
    strides: 1,
    pad: 'valid',
    bias: params.bias2,
    activation: 'relu',
  });
  const pooled = tf.maxPool(hidden2, 2, 2, 'valid');
  const features = tf.reshape(pooled, [batch, -1]) as tf.Tensor2D;
  const hidden3 = tf.fused.matMul({
    a: features,
    b: params.dense3,
    bias: params.bias3,
    activation: 'relu',
  }) as tf.Tensor2D;
  const logits = tf.fused.matMul({a: hidden3, b: params.dense4, bias: params.bias4});

  const dLogits = tf.sub(tf.softmax(logits), y) as tf.Tensor2D;
  const dHidden3 = tf.mul(
    timesTransposed(dLogits, params.dense4),
    positive(hidden3),
  ) as tf.Tensor2D;
  const dFeatures = tf.mul(timesTransposed(dHidden3, params.dense3), positive(features));
  const dHidden2 = unpool(dFeatures, pooled, hidden2, reaches);
  const dHidden1 = tf.mul(
    inputGrad(dHidden2, params.conv2, hidden1.shape),
    positive(hidden1),
  ) as tf.Tensor4D;
  return {
    conv1: filterGrad(x, dHidden1),
    bias1: tf.sum(dHidden1, [1, 2]),
    conv2: filterGrad(hidden1, dHidden2),
    bias2: tf.sum(dHidden2, [1, 2]),
    dense3: outer(features, dHidden3),
    bias3: dHidden3,
    dense4: outer(hidden3, dLogits),
    bias4: dLogits,
  };
}

/**
 * The gradient of 2x2 pooling and of the relu before it in one: windows do not overlap, so that a reshape and a comparison find the
 * largest of each. Where a window is all zeros they tie, but there relu's gradient, already in `dPooled`, is zero.
 */
function unpool(
  dPooled: tf.Tensor,
  pooled: tf.Tensor4D,
  input: tf.Tensor4D,
  reaches: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
): tf.Tensor4D {
  const [size, height, width, channels] = pooled.shape;
  const windows = [size * height, 1, width, 1, channels];
  const largest = reaches(
    tf.reshape(input, [size * height, 2, width, 2, channels]),
    tf.reshape(pooled, windows),
  );
  return tf.reshape(tf.mul(largest, tf.reshape(dPooled, windows)), input.shape);
}
