import * as tf from '@tensorflow/tfjs-core';
import {glorot} from '../inputs.js';
import type {JaxArray} from '../jaxJs.js';
import type {Call, Row} from './row.js';

const batch = 64;
const size = 16;
const loopedExamples = 1;

/** Stock tfjs can't differentiate its own tanh twice (its tape loses saved outputs): this one saves its input. */
const tanhOfAnyOrder: (x: tf.Tensor) => tf.Tensor = tf.customGrad((x, save) => {
  if (!(x instanceof tf.Tensor) || typeof save !== 'function') throw new TypeError('Unreachable.');
  save([x]);
  const gradFunc = (dy: tf.Tensor, [x]: tf.Tensor[]) =>
    tf.mul(dy, tf.sub(1, tf.square(tanhOfAnyOrder(x))));
  return {value: tf.tanh(x), gradFunc};
});

export const hessians: Row = {
  id: 'hessian',
  title: 'Hessians',
  detail: `dense layer with tanh, ${size} → ${size}, batch ${batch}`,
  prepare({hessian, vmap}) {
    const weight = glorot<tf.Rank.R2>([size, size]);
    const bias = glorot<tf.Rank.R1>([size]);
    const x = tf.randomNormal([batch, size], 0, 1, 'float32', 3) as tf.Tensor2D;
    const preactivation = (x: tf.Tensor) => tf.add(tf.dot(weight, x), bias);
    const perExample = vmap(hessian((x: tf.Tensor) => tf.tanh(preactivation(x))));
    const directions = tf.unstack(tf.eye(size));
    const rowOfJacobian = tf.grad((x: tf.Tensor) => tanhOfAnyOrder(preactivation(x)));
    const blocks = directions.map((output) => tf.grad((x: tf.Tensor) => rowOfJacobian(x, output)));
    return {
      call: {f: perExample as Call['f'], args: [x]},
      ours: {label: 'vmap(hessian(f))', run: () => perExample(x)},
      loop: {
        label: `loop of ${batch * size * size} tf.grads`,
        run: () =>
          tf.stack(
            tf
              .unstack(tf.slice(x, 0, loopedExamples))
              .map((example) =>
                tf.stack(
                  blocks.map((block) =>
                    tf.stack(directions.map((direction) => block(example, direction))),
                  ),
                ),
              ),
          ),
        part: {done: loopedExamples, of: batch},
      },
      byHand: {label: 'the formula', run: () => byHand(weight, bias, x)},
      jaxJs({jacfwd, jacrev, numpy: np, vmap}, copy) {
        const perExample = (weight: JaxArray, bias: JaxArray, x: JaxArray): JaxArray => {
          const f = (x: JaxArray): JaxArray => np.tanh(np.dot(weight.ref, x).add(bias.ref));
          // jax-js puts the dimension of its jacfwd first.
          return np.moveaxis(jacfwd(jacrev(f))(x), 0, 2);
        };
        return {
          f: vmap(perExample, [null, null, 0]) as never,
          args: [copy(weight), copy(bias), copy(x)],
        };
      },
    };
  },
};

/** `∂²yᵢ/∂xⱼ∂xₖ = -2 yᵢ (1 - yᵢ²) Wᵢⱼ Wᵢₖ` where `y = tanh(W x + b)`. */
function byHand(weight: tf.Tensor2D, bias: tf.Tensor1D, x: tf.Tensor2D): tf.Tensor {
  const y = tf.tanh(tf.add(tf.matMul(x, weight, false, true), bias));
  const curvature = tf.mul(tf.mul(y, -2), tf.sub(1, tf.square(y)));
  const products = tf.mul(tf.expandDims(weight, 2), tf.expandDims(weight, 1));
  return tf.mul(tf.reshape(curvature, [batch, size, 1, 1]), products);
}
