import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {TransformError, type ErrorCode} from '../../src/index.js';
import {expectValues} from '../transforms/values.js';

/** Runs a test's body and disposes of all that it made. */
export const tidied =
  (body: () => void): (() => void) =>
  () =>
    void tf.tidy(() => {
      body();
    });

type Nested = number | readonly Nested[];

/** Fails unless a tensor has these values, their shape and this dtype. */
export function expectTensor(actual: tf.Tensor, expected: Nested, dtype = 'float32'): void {
  expect(actual.dtype).to.equal(dtype);
  expectValues(actual, expected);
}

/** Fails unless a call is refused with this code and message, and leaves nothing behind beside its arguments. */
export function expectRefusal(code: ErrorCode, message: RegExp, call: () => unknown): void {
  tf.tidy(() => {
    expect(call).to.throw(TransformError, message).with.property('code', code);
  });
}
