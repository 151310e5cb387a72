import * as tf from '@tensorflow/tfjs-core';
import {timesFaster} from './goals.js';
import type {Jax, JaxArray} from '../jaxJs.js';
import type {Row} from './row.js';

/** What follows a product in a transformer, forward and backward: the examples of functorch's compiler. */
const [tokens, features] = [512, 1024];

const normal = (shape: number[], seed: number): tf.Tensor =>
  tf.randomNormal(shape, 0, 1, 'float32', seed);

type F = (...inputs: tf.Tensor[]) => tf.Tensor;
type JaxF = (...inputs: JaxArray[]) => JaxArray;

interface Block {
  readonly f: F;
  /** What is differentiated with respect to, and what isn't. */
  readonly inputs: readonly tf.Tensor[];
  readonly constants: readonly tf.Tensor[];
  readonly inJax: (jax: Jax) => JaxF;
}

/** The gradient in all inputs, of a random combination of the results. */
const row = (id: string, title: string, make: () => Block): Row => ({
  id: `compiled-${id}`,
  title: `jit, gradient of ${title}`,
  detail: `${tokens}×${features}`,
  goals: timesFaster({wasm: 5}),
  prepare({jit, grad}) {
    const {f, inputs, constants, inJax} = make();
    const weights = normal([tokens, features], 9);
    const argnums = inputs.map((_, index) => index);
    const loss: F = (...inputs) => tf.sum(tf.mul(f(...inputs, ...constants), weights));
    const compiled = jit(grad(loss, {argnums}));
    const stock = tf.grads(loss);
    return {
      ours: {label: 'jit(grad(f))', run: () => compiled(...inputs)},
      byHand: {label: 'tf.grads', run: () => stock([...inputs])},
      jaxJs(jax, copy) {
        const jaxF = inJax(jax);
        const jaxLoss = (weights: JaxArray, ...rest: JaxArray[]): JaxArray =>
          jaxF(...rest)
            .mul(weights)
            .sum();
        const f = jax.grad(jaxLoss, {argnums: argnums.map((index) => index + 1)});
        return {f: f as never, args: [weights, ...inputs, ...constants].map((x) => copy(x))};
      },
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
  constants: [],
  inJax:
    ({numpy: np}) =>
    (x, bias) => {
      const y = x!.add(bias!);
      const cubic = np.square(y.ref).mul(0.044715).add(1);
      return y.ref.mul(0.5).mul(np.tanh(y.mul(Math.sqrt(2 / Math.PI)).mul(cubic)).add(1));
    },
}));

/** The layer norm of `dropout(x + bias) + residual`. What dropout keeps is drawn before. */
export const normBlock: Row = row('norm-block', 'bias, dropout, residual, layer norm', () => {
  const drawn = tf.randomUniform([tokens, features], 0, 1, 'float32', 4);
  const kept = tf.mul(tf.cast(tf.greater(drawn, 0.2), 'float32'), 1 / 0.8);
  return {
    f(x, bias, residual, kept) {
      const y = tf.add(tf.mul(tf.add(x, bias), kept), residual);
      const centred = tf.sub(y, tf.mean(y, 1, true));
      const variance = tf.mean(tf.square(centred), 1, true);
      return tf.mul(centred, tf.rsqrt(tf.add(variance, 1e-5)));
    },
    inputs: [normal([tokens, features], 1), normal([features], 2), normal([tokens, features], 3)],
    constants: [kept],
    inJax:
      ({numpy: np}) =>
      (x, bias, residual, kept) => {
        const y = x!.add(bias!).mul(kept!).add(residual!);
        const centred = y.ref.sub(np.mean(y, 1, {keepdims: true}));
        const variance = np.mean(np.square(centred.ref), 1, {keepdims: true});
        return centred.mul(np.reciprocal(np.sqrt(variance.add(1e-5))));
      },
  };
});
