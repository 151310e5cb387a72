import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {checkGrads, customJvp, customVjp, stopGradient, TransformError} from '../../src/index.js';
import {describeBackends} from '../backends.js';

/** The error that a promise is rejected with. */
async function rejection(promise: Promise<unknown>): Promise<TransformError> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(outcome).to.be.instanceOf(TransformError);
  return outcome as TransformError;
}

describeBackends('checkGrads', () => {
  const disposed = async (xs: tf.Tensor[], body: (...xs: tf.Tensor[]) => Promise<void>) => {
    try {
      await body(...xs);
    } finally {
      tf.dispose(xs);
    }
  };

  it('passes right derivatives, of trees of tensors', () =>
    disposed([tf.tensor2d([[0.3, -1.2]]), tf.tensor1d([0.7, 2])], async (a, b) => {
      await checkGrads(
        ({x}: {x: tf.Tensor}, y: tf.Tensor) => ({
          p: tf.mul(tf.sin(x), y),
          q: [tf.sum(tf.exp(tf.mul(x, y)))],
          n: tf.argMax(y),
        }),
        [{x: a}, b],
        {order: 3},
      );
    }));

  it('sees a wrong reverse rule, and says where', () =>
    disposed([tf.tensor1d([0.5, 1])], async (x) => {
      const wrong = customVjp(
        (a: tf.Tensor) => tf.sin(a),
        (a: tf.Tensor) => [tf.sin(a), tf.clone(a)] as const,
        (a, dy: tf.Tensor) => [tf.mul(dy, tf.sin(a))],
      );
      const error = await rejection(checkGrads(wrong, [x], {modes: ['reverse']}));
      expect(error.code).to.equal('gradient-mismatch');
      expect(error.message).to.match(
        /^checkGrads: in reverse mode the product of the cotangents with a direction is .*that of the difference quotients/,
      );
    }));

  it('sees a rule that is wrong only at second order', () =>
    disposed([tf.tensor1d([0.5, 1])], async (x) => {
      // The derivative of the derivative is cut off.
      const wrong = customJvp(
        (a: tf.Tensor) => tf.square(a),
        ([a], [t]) => [tf.square(a), tf.mul(t, tf.mul(2, stopGradient(a)))],
      );
      await checkGrads(wrong, [x], {order: 1});
      const error = await rejection(checkGrads(wrong, [x]));
      expect(error.message).to.match(
        /in forward over forward mode element 0 of output 0 \(\[2\]\) has derivative 0, its difference quotient is/,
      );
    }));

  it('refuses options and arguments that make no sense', () =>
    disposed([tf.tensor1d([1, 2], 'int32')], async (x) => {
      expect((await rejection(checkGrads(tf.sin, [x]))).code).to.equal('non-float-input');
      const error = await rejection(checkGrads(tf.sin, [x], {epsilon: 0}));
      expect(error.message).to.equal('checkGrads: epsilon must be positive, but is 0.');
    }));
});
