import * as tf from '@tensorflow/tfjs-core';
import {checkCotangents, hasDerivative} from './derivatives.js';
import {evaluate, floatFunction, type Check, type TensorFunction} from './check.js';
import {isComplex} from '../sample.js';
import {expectedOf} from './expected.js';

/** ⟨f(x), cotangents⟩, for `tf.grads`. */
const weighted =
  (f: TensorFunction, cotangents: readonly tf.Tensor[]): ((...xs: tf.Tensor[]) => tf.Tensor) =>
  (...xs) => {
    const terms = f(...xs).map((output, i) => tf.sum(tf.mul(output, cotangents[i] as tf.Tensor)));
    return tf.addN(terms);
  };

const stockGradients: Check = {
  title: "tfjs's own tf.grads equals finite differences",
  // tfjs's own tape refuses complex gradients, of inputs and on the way.
  appliesTo: (row) => hasDerivative(row) && row.stockGradient === undefined && !isComplex(row),
  async run(row) {
    const {inputs, active, cotangents} = expectedOf(row);
    const grads = await evaluate(
      (...xs) => {
        const f = weighted(floatFunction(row, xs.slice(0, inputs.length)), xs.slice(inputs.length));
        const primals = active.map((i) => xs[i] as tf.Tensor);
        // As tf.grads, which refuses inputs that the row does not use.
        const {grads} = tf.engine().gradients(() => f(...primals), primals, undefined, true);
        return grads.map(
          (grad: tf.Tensor | null, i) => grad ?? tf.zerosLike(primals[i] as tf.Tensor),
        );
      },
      [...inputs, ...cotangents],
    );
    checkCotangents(row, active, grads, 'tf.grads');
  },
};

export const stockChecks: readonly Check[] = [stockGradients];
