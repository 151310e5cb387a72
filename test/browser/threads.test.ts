// Pages that are isolated from others run tfjs's wasm backend in several threads, on shared memory: generated code works in it, too.
import '../kernels/stock.js';
import * as tf from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {grad, jit} from '../../src/index.js';
import {describeBackends} from '../backends.js';

describeBackends('wasm in several threads', (backend) => {
  if (backend !== 'wasm') return;

  it('is what these tests run on', () => {
    expect(crossOriginIsolated).to.equal(true);
    const {wasm} = tf.backend() as unknown as {readonly wasm: {readonly HEAPU8: Uint8Array}};
    expect(wasm.HEAPU8.buffer).to.be.instanceOf(SharedArrayBuffer);
  });

  it('runs generated kernels', () => {
    const [a, b] = [tf.randomNormal([3, 37, 19]), tf.randomNormal([3, 37, 23])];
    const [product, choice] = tf.tidy(() => {
      const plain = tf.matMul(tf.transpose(a, [0, 2, 1]), b);
      const chosen = tf.where(tf.greater(a, 0), a, tf.neg(a));
      const differences = [tf.sub(tf.matMul(a, b, true), plain), tf.sub(chosen, tf.abs(a))];
      return differences.map((x) => tf.max(tf.abs(x)));
    }) as [tf.Tensor, tf.Tensor];
    expect(product.dataSync()[0]).to.be.lessThan(1e-4);
    expect(choice.dataSync()[0]).to.equal(0);
    tf.dispose([a, b, product, choice]);
  });

  it('runs what jit generates', () => {
    const slope = grad((x: tf.Tensor) => tf.sum(tf.tanh(tf.mul(x, x))));
    const compiled = jit(slope);
    const x = tf.linspace(-1, 1, 1001);
    const [actual, expected] = [compiled(x), slope(x)];
    expect(compiled.lower(x).generator).to.equal('wasm SIMD');
    const values = expected.dataSync();
    actual.dataSync().forEach((value, i) => expect(value).to.be.closeTo(values[i]!, 1e-5));
    compiled.dispose();
    tf.dispose([x, actual, expected]);
  });
});
