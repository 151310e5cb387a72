import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {checkpoint, grad, hessian, jacfwd, TransformError, vmap} from '../../src/index.js';
import {describeBackends} from '../backends.js';

const rowsOf = (x: tf.Tensor): string[] =>
  (tf.reshape(x, [x.shape[0]!, -1]).arraySync() as number[][]).map((row) => row.join());

/** How many different examples there are. */
const distinct = (x: tf.Tensor): number => new Set(rowsOf(x)).size;

const tidied =
  (body: () => void): (() => void) =>
  () =>
    void tf.tidy(() => {
      body();
    });

/** Every random op, on one example. */
const ops: Record<string, (x: tf.Tensor) => tf.Tensor> = {
  randomNormal: (x) => tf.add(x, tf.randomNormal([3])),
  'randomNormal with a seed': (x) => tf.add(x, tf.randomNormal([3], 1, 2, 'float32', 7)),
  randomStandardNormal: (x) => tf.add(x, tf.randomStandardNormal([3])),
  randomUniform: (x) => tf.add(x, tf.randomUniform([3], -1, 1)),
  randomUniformInt: (x) => tf.add(x, tf.cast(tf.randomUniformInt([3], 0, 1e6), 'float32')),
  truncatedNormal: (x) => tf.add(x, tf.truncatedNormal([3])),
  randomGamma: (x) => tf.add(x, tf.randomGamma([3], 2, 2)),
  multinomial: (x) =>
    tf.add(tf.sum(x), tf.cast(tf.multinomial(tf.tensor2d([[0, 0, 0, 0]]), 40, 1), 'float32')),
  dropout: (x) => tf.dropout(tf.tile(tf.reshape(x, [1, 3]), [20, 1]), 0.5),
  'the dropout layer': (x) =>
    tf.layers
      .dropout({rate: 0.5})
      .apply(tf.ones([1, 40]).mul(tf.sum(x)), {training: true}) as tf.Tensor,
  'the gaussian noise layer': (x) =>
    tf.layers
      .gaussianNoise({stddev: 1})
      .apply(tf.reshape(x, [1, 3]), {training: true}) as tf.Tensor,
  'the alpha dropout layer': (x) =>
    tf.layers
      .alphaDropout({rate: 0.5})
      .apply(tf.ones([1, 40]).mul(tf.sum(x)), {training: true}) as tf.Tensor,
};

describeBackends('randomness under vmap', () => {
  const batch = (): tf.Tensor => tf.ones([5, 3]);

  for (const [name, op] of Object.entries(ops)) {
    it(
      `${name} is refused by default, drawn once with 'same', and for each example with 'different'`,
      tidied(() => {
        const x = batch();
        expect(() => vmap(op)(x))
          .to.throw(
            TransformError,
            /^vmap: tf\.\w+ was called, and it is not said whether all examples shall get the same .*Pass \{randomness: 'different'\}/,
          )
          .with.property('code', 'randomness');
        expect(distinct(vmap(op, {randomness: 'same'})(x))).to.equal(1);
        const different = vmap(op, {randomness: 'different'})(x);
        expect(distinct(different)).to.equal(5);
        expect(different.shape).to.deep.equal([5, ...op(tf.ones([3])).shape]);
      }),
    );
  }

  it(
    'draws that depend on no argument are per example as well',
    tidied(() => {
      const draw = () => tf.randomNormal([2]);
      expect(distinct(vmap((_: tf.Tensor) => draw(), {randomness: 'different'})(batch()))).to.equal(
        5,
      );
      expect(distinct(vmap((_: tf.Tensor) => draw(), {randomness: 'same'})(batch()))).to.equal(1);
    }),
  );

  it(
    "draws from the same distribution with 'different'",
    tidied(() => {
      const x = tf.zeros([4000]) as tf.Tensor;
      const drawn = vmap((y: tf.Tensor) => tf.add(y, tf.randomNormal([], 3, 0.5)), {
        randomness: 'different',
      })(x);
      const {mean, variance} = tf.moments(drawn);
      expect(mean.dataSync()[0]).to.be.closeTo(3, 0.05);
      expect(variance.dataSync()[0]).to.be.closeTo(0.25, 0.03);
    }),
  );

  it(
    'a seed gives the same draws again, example by example',
    tidied(() => {
      const f = (y: tf.Tensor) => tf.add(y, tf.randomUniform([2], 0, 1, 'float32', 3));
      const mapped = vmap(f, {randomness: 'different'});
      const x = tf.zeros([4, 2]) as tf.Tensor;
      expect(rowsOf(mapped(x))).to.deep.equal(rowsOf(mapped(x)));
      // The first example is what the function itself draws.
      expect(rowsOf(mapped(x))[0]).to.equal(rowsOf(tf.expandDims(f(tf.zeros([2]))))[0]);
    }),
  );

  it(
    'each of nested vmaps has its own say',
    tidied(() => {
      const x = tf.zeros([2, 3, 4]) as tf.Tensor;
      const noisy = (y: tf.Tensor) => tf.add(y, tf.randomNormal([4]));
      const count = (outer: 'same' | 'different', inner: 'same' | 'different') => {
        const y = vmap(vmap(noisy, {randomness: inner}), {randomness: outer})(x);
        expect(y.shape).to.deep.equal([2, 3, 4]);
        return distinct(tf.reshape(y, [6, 4]));
      };
      expect(count('same', 'same')).to.equal(1);
      expect(count('different', 'same')).to.equal(2);
      expect(count('same', 'different')).to.equal(3);
      expect(count('different', 'different')).to.equal(6);
      expect(() => vmap(vmap(noisy, {randomness: 'same'}))(x)).to.throw(
        TransformError,
        /in vmap → vmap/,
      );
    }),
  );

  it(
    'per-example gradients use the mask of their example',
    tidied(() => {
      const f = (w: tf.Tensor, x: tf.Tensor): tf.Scalar => tf.sum(tf.mul(w, tf.dropout(x, 0.5)));
      const w = tf.ones([50]) as tf.Tensor;
      const x = tf.ones([4, 50]) as tf.Tensor;
      const gradients = vmap(grad(f), {inDims: [null, 0], randomness: 'different'})(w, x);
      expect(distinct(gradients)).to.equal(4);
      gradients.dataSync().forEach((value) => expect([0, 2]).to.include(value));
    }),
  );

  it(
    'jacfwd and hessian need to be told',
    tidied(() => {
      const x = tf.ones([3]) as tf.Tensor;
      const f = (y: tf.Tensor): tf.Tensor => tf.mul(tf.square(y), tf.randomNormal([3]));
      expect(() => jacfwd(f)(x)).to.throw(TransformError, /it is not said/);
      expect(jacfwd(f, {randomness: 'same'})(x).shape).to.deep.equal([3, 3]);
      expect(hessian((y: tf.Tensor) => tf.sum(f(y)), {randomness: 'same'})(x).shape).to.deep.equal([
        3, 3,
      ]);
    }),
  );

  it(
    'tf.rand can only be shared',
    tidied(() => {
      const f = (y: tf.Tensor) => tf.add(y, tf.rand([3], Math.random));
      expect(distinct(vmap(f, {randomness: 'same'})(batch()))).to.equal(1);
      expect(() => vmap(f, {randomness: 'different'})(batch())).to.throw(
        TransformError,
        /tf.rand can't draw for each example/,
      );
    }),
  );

  it('refuses another word', () => {
    expect(() => vmap((x: tf.Tensor) => x, {randomness: 'never' as never})).to.throw(
      TransformError,
      "vmap: randomness must be 'error', 'same' or 'different', but is a string.",
    );
  });

  it(
    'buffers are as ever, meanwhile and afterwards',
    tidied(() => {
      const y = vmap(
        (x: tf.Tensor) => {
          const buffer = tf.buffer([2]);
          buffer.set(7, 1);
          return tf.add(tf.sum(x), buffer.toTensor());
        },
        {randomness: 'different'},
      )(batch());
      expect(rowsOf(y)).to.deep.equal(new Array(5).fill('3,10'));
      expect(Object.hasOwn(tf.TensorBuffer.prototype, 'values')).to.equal(false);
    }),
  );

  it(
    'checkpoint draws the same numbers again',
    tidied(() => {
      const f = (x: tf.Tensor): tf.Scalar =>
        tf.sum(checkpoint((y: tf.Tensor) => tf.mul(y, tf.randomNormal([4])))(x));
      const x = tf.ones([4]) as tf.Tensor;
      // f is linear: its value at ones is the sum of its gradient.
      const value: tf.Scalar[] = [];
      const gradient = grad((y: tf.Tensor) => {
        const z = f(y);
        value.push(tf.keep(tf.scalar(z.dataSync()[0]!)));
        return z;
      })(x);
      expect(tf.sum(gradient).dataSync()[0]).to.be.closeTo(value[0]!.dataSync()[0]!, 1e-5);
      tf.dispose(value);
    }),
  );
});
