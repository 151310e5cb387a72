import * as tf from '@tensorflow/tfjs-core';
import {timesFaster} from './goals.js';
import type {Row} from './row.js';

/** What follows a product in a transformer, forward and backward: the examples of functorch's compiler. */
const [tokens, features] = [512, 1024];

const normal = (shape: number[], seed: number): tf.Tensor =>
  tf.randomNormal(shape, 0, 1, 'float32', seed);

type F = (...inputs: tf.Tensor[]) => tf.Tensor;

/** The gradient in all inputs, of a random combination of the results. */
const row = (id: string, title: string, make: () => {f: F; inputs: tf.Tensor[]}): Row => ({
  id: `compiled-${id}`,
  title: `jit, gradient of ${title}`,
  detail: `${tokens}×${features}`,
  goals: timesFaster({wasm: 5}),
  prepare({jit, grad}) {
    const {f, inputs} = make();
    const weights = normal([tokens, features], 9);
    const loss: F = (...inputs) => tf.sum(tf.mul(f(...inputs), weights));
    const compiled = jit(grad(loss, {argnums: inputs.map((_, index) => index)}));
    const stock = tf.grads(loss);
    return {
      ours: {label: 'jit(grad(f))', run: () => compiled(...inputs)},
      byHand: {label: 'tf.grads', run: () => stock(inputs)},
    };
  },
});

/** `gelu(x + bias)` by the formula with tanh. */
export const biasGelu: Row = row('bias-gelu', 'bias and GELU', () => ({
  f(x, bias) {
    const y = tf.add(x, bias);
    const cubic = tf.add(tf.mul(tf.square(y), 0.044715), 1);
    return tf.mul(
      tf.mul(y, 0.5),
      tf.add(tf.tanh(tf.mul(tf.mul(y, Math.sqrt(2 / Math.PI)), cubic)), 1),
    );
  },
  inputs: [normal([tokens, features], 1), normal([features], 2)],
}));

/** The layer norm of `dropout(x + bias) + residual`. What dropout keeps is drawn before. */
export const normBlock: Row = row('norm-block', 'bias, dropout, residual, layer norm', () => {
  const drawn = tf.randomUniform([tokens, features], 0, 1, 'float32', 4);
  const kept = tf.mul(tf.cast(tf.greater(drawn, 0.2), 'float32'), 1 / 0.8);
  return {
    f(x, bias, residual) {
      const y = tf.add(tf.mul(tf.add(x, bias), kept), residual);
      const centred = tf.sub(y, tf.mean(y, 1, true));
      const variance = tf.mean(tf.square(centred), 1, true);
      return tf.mul(centred, tf.rsqrt(tf.add(variance, 1e-5)));
    },
    inputs: [normal([tokens, features], 1), normal([features], 2), normal([tokens, features], 3)],
  };
});
