import * as tf from '@tensorflow/tfjs-core';
import {glorot} from '../inputs.js';
import type {Library, Row} from './row.js';

const inputs = 32;
const outputs = 2048;
const loopedOutputs = 128;

/** One dense layer: its Jacobian is `(1 - tanh²(W x + b)) W`. */
const row = (id: string, jacobianOf: (library: Library) => Library['jacrev']): Row => ({
  id,
  title: `Jacobian, ${id}`,
  detail: `dense layer with tanh, ${inputs} → ${outputs}`,
  prepare(library) {
    const weight = glorot<tf.Rank.R2>([outputs, inputs]);
    const bias = glorot<tf.Rank.R1>([outputs]);
    const x = tf.randomNormal([inputs], 0, 1, 'float32', 3) as tf.Tensor1D;
    const predict = (x: tf.Tensor): tf.Tensor => tf.tanh(tf.add(tf.dot(weight, x), bias));
    const jacobian = jacobianOf(library)(predict);
    const directions = tf.unstack(tf.slice(tf.eye(outputs), 0, loopedOutputs));
    const stockGrad = tf.grad(predict);
    return {
      ours: {label: `${id}(f)`, run: () => jacobian(x)},
      loop: {
        label: `loop of ${outputs} tf.grads`,
        run: () => tf.stack(directions.map((direction) => stockGrad(x, direction))),
        part: {done: loopedOutputs, of: outputs},
      },
      byHand: {
        label: 'the formula',
        run: () => tf.mul(tf.expandDims(tf.sub(1, tf.square(predict(x))), 1), weight),
      },
    };
  },
});

export const jacobians: readonly Row[] = [
  row('jacrev', (library) => library.jacrev),
  row('jacfwd', (library) => library.jacfwd as Library['jacrev']),
];
