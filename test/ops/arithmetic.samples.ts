import {opSample, type Sample} from '../kernels/sample.js';
import {bool, f32, i32} from '../kernels/spec.js';

/** Ops of numbers that are made of several kernels, or choose among them. */
export const arithmetic: readonly Sample[] = [
  opSample('addN', {a: f32(3, 5), b: f32(3, 5), c: f32(3, 5)}, (tf, {a, b, c}) =>
    tf.addN([a, b, c]),
  ),
  opSample('divNoNan', {a: f32(3, 5), b: f32(5)}, (tf, {a, b}) => tf.divNoNan(a, b)),
  opSample('divNoNan', {a: f32(3, 5), b: f32(5).including(0)}, (tf, {a, b}) => tf.divNoNan(a, b), {
    note: 'by zero, where 0/0 comes up in the derivative, as in any framework',
    constant: 'all',
  }),
  opSample('div', {a: i32(3, 5)}, (tf, {a}) => tf.div(a, tf.scalar(3, 'int32')), {
    anyDtype: 'whole numbers divided',
  }),
  opSample('mul', {a: f32(3, 5), b: i32(5)}, (tf, {a, b}) => tf.mul(a, b), {note: 'mixed dtypes'}),
  opSample('pow', {x: f32(3, 5).in(0.3, 2)}, (tf, {x}) => tf.pow(x, 3)),
  opSample('squaredDifference', {a: f32(3, 1), b: f32(5)}, (tf, {a, b}) =>
    tf.squaredDifference(a, b),
  ),
  opSample('maximum', {a: f32(3, 1), b: f32(5)}, (tf, {a, b}) => tf.maximum(a, b)),
  opSample('clipByValue', {x: f32(3, 5)}, (tf, {x}) => tf.clipByValue(x, -0.7, 1)),
  opSample('prelu', {x: f32(2, 3, 5), alpha: f32(5)}, (tf, {x, alpha}) => tf.prelu(x, alpha)),
  opSample('leakyRelu', {x: f32(3, 5)}, (tf, {x}) => tf.leakyRelu(x, 0.3)),
  opSample('relu6', {x: f32(3, 5).in(-3, 9)}, (tf, {x}) => tf.relu6(x)),
  opSample('logSigmoid', {x: f32(5)}, (tf, {x}) => tf.logSigmoid(x)),
  opSample('logicalXor', {a: bool(3, 5), b: bool(5)}, (tf, {a, b}) => tf.logicalXor(a, b)),
  opSample('where', {condition: bool(3, 5), a: f32(3, 5), b: f32(5)}, (tf, {condition, a, b}) =>
    tf.where(condition, a, b),
  ),
  opSample('where', {x: f32(3, 5)}, (tf, {x}) => tf.where(tf.greater(x, 0), tf.log(tf.abs(x)), 0), {
    note: 'with a number',
  }),
  opSample('clone', {x: f32(3, 5)}, (tf, {x}) => tf.clone(x)),
  opSample('cast', {x: f32(3, 5)}, (tf, {x}) => tf.add(tf.cast(tf.cast(x, 'int32'), 'float32'), x)),
  opSample('tidy', {x: f32(3, 5)}, (tf, {x}) =>
    tf.tidy(() =>
      tf.mul(
        x,
        tf.tidy(() => tf.sin(x)),
      ),
    ),
  ),
  opSample('stack of unstack', {x: f32(3, 5)}, (tf, {x}) =>
    tf.stack(
      tf.unstack(x).map((row, i) => tf.mul(row, i + 1)),
      1,
    ),
  ),
  opSample('movingAverage', {v: f32(3, 5), x: f32(3, 5)}, (tf, {v, x}) =>
    tf.movingAverage(v, x, 0.9, 3),
  ),
  opSample('customGrad', {x: f32(3, 5)}, (tf, {x}) =>
    tf.customGrad((input, save) => {
      const value = tf.square(input as never);
      (save as (tensors: unknown[]) => void)([input]);
      return {
        value,
        gradFunc: (dy, [saved]) => tf.mul(tf.mul(dy, 2), saved as never),
      };
    })(x),
  ),
];
