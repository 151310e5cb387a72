import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {foriLoop, grad, jacfwd, jvp, vmap, whileLoop} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {expectRefusal, expectTensor, tidied} from './support.js';

type F = (x: tf.Tensor) => tf.Tensor;

/** Halves as long as that leaves more than 1. */
const halve: F = (x) =>
  whileLoop(
    (y) => tf.greater(y, 1),
    (y) => tf.div(y, 2),
    x,
  );

describeBackends('whileLoop', () => {
  it(
    'runs as long as the condition holds, on tensors of any dtype in a tree',
    tidied(() => {
      const {n, x, flag} = whileLoop(
        (c) => tf.less(c.n, 5),
        (c) => ({x: tf.mul(c.x, 2), n: tf.add(c.n, tf.scalar(1, 'int32')), flag: c.flag}),
        {n: tf.scalar(0, 'int32'), x: tf.tensor1d([1, 3]), flag: tf.scalar(true)},
      );
      expectTensor(n, 5, 'int32');
      expectTensor(x, [32, 96]);
      expectTensor(flag, 1, 'bool');
    }),
  );

  it(
    'gives copies of what it begins with when the condition does not hold',
    tidied(() => {
      const x = tf.scalar(1);
      const [a, b] = whileLoop(
        () => false,
        (c) => c,
        [x, x],
      );
      expect(new Set([x, a, b]).size).to.equal(3);
      expectTensor(a!, 1);
      expectTensor(b!, 1);
      expectTensor(x, 1);
    }),
  );

  it(
    'is differentiated in both modes and to any order, with as many iterations as the values take',
    tidied(() => {
      expectTensor(grad(halve)(tf.scalar(20)), 1 / 32);
      expectTensor(jvp(halve, [tf.scalar(3)], [tf.scalar(2)])[1], 0.5);
      // x^(2^k) as long as it is below 100.
      const powers: F = (x) =>
        whileLoop(
          (y) => tf.less(y, 100),
          (y) => tf.mul(y, y),
          x,
        );
      expectTensor(powers(tf.scalar(3)), 6561);
      expectTensor(grad(powers)(tf.scalar(3)), 8 * 3 ** 7);
      expectTensor(grad(grad(powers))(tf.scalar(3)), 56 * 3 ** 6);
      expectTensor(jacfwd(grad(powers))(tf.scalar(3)), 56 * 3 ** 6);
      expectTensor(tf.grad((x) => powers(x))(tf.scalar(3)), 8 * 3 ** 7);
    }),
  );

  it(
    'runs under vmap until no example goes on, and leaves those that have stopped as they are',
    tidied(() => {
      const x = tf.tensor1d([20, 3, 0.5, 1]);
      const slopes = [1 / 32, 1 / 4, 1, 1];
      expectTensor(vmap(halve)(x), [0.625, 0.75, 0.5, 1]);
      expectTensor(vmap(grad(halve))(x), slopes);
      expectTensor(grad((xs: tf.Tensor) => tf.sum(vmap(halve)(xs)))(x), slopes);
      expectTensor(jvp(vmap(halve), [x], [tf.onesLike(x)])[1], slopes);
      expectTensor(vmap(jacfwd(halve))(x), slopes);
      expectTensor(vmap(grad((y: tf.Tensor) => tf.square(grad(halve)(y))))(x), [0, 0, 0, 0]);
      const nested = vmap(vmap(halve))(tf.reshape(x, [2, 2]));
      expectTensor(nested, [
        [0.625, 0.75],
        [0.5, 1],
      ]);
    }),
  );

  it(
    'takes a condition that is mapped only after some iterations',
    tidied(() => {
      const f = (x: tf.Tensor): tf.Tensor =>
        whileLoop(
          (c) => tf.less(c, 10),
          (c) => tf.add(tf.mul(c, 2), x),
          tf.scalar(1),
        );
      expectTensor(vmap(f)(tf.tensor1d([1, 3, 20])), [15, 13, 22]);
      expectTensor(vmap(grad(f))(tf.tensor1d([1, 3, 20])), [7, 3, 1]);
    }),
  );

  it(
    'spoils no gradient by what it computes for examples that have stopped',
    tidied(() => {
      // At 1 the derivative of the step is infinite, below 1 there is no value.
      const f = (x: tf.Tensor, w: tf.Tensor): tf.Tensor =>
        whileLoop(
          (y) => tf.greater(y, 1),
          (y) => tf.mul(w, tf.sqrt(tf.sub(y, 1))),
          x,
        );
      const starts = [1, 5, 10];
      const x = tf.tensor1d(starts);
      const w = tf.scalar(1);
      expectTensor(vmap(f, {inDims: [0, null]})(x, w), [1, 1, Math.sqrt(Math.SQRT2 - 1)]);
      const total = (xs: tf.Tensor, v: tf.Tensor): tf.Tensor =>
        tf.sum(vmap(f, {inDims: [0, null]})(xs, v));
      const [ofStarts, ofShared] = [0, 1].map((argnums) =>
        starts.map((start) => grad(f, {argnums})(tf.scalar(start), w).dataSync()[0]!),
      );
      expect([...ofStarts!, ...ofShared!].every(Number.isFinite)).to.equal(true);
      expectTensor(grad(total)(x, w), ofStarts!);
      expectTensor(
        grad(total, {argnums: 1})(x, w),
        ofShared!.reduce((a, b) => a + b),
      );
    }),
  );

  it('keeps only the carry of an iteration in memory', () => {
    const x = tf.ones([64]);
    const tensors: number[] = [];
    const y = whileLoop(
      () => tensors.length < 30,
      (c) => {
        tensors.push(tf.memory().numTensors);
        return tf.add(tf.mul(c, 0.5), tf.sin(c));
      },
      x,
    );
    expect(tensors.slice(1)).to.deep.equal(new Array(29).fill(tensors[1]));
    tf.dispose([x, y]);
  });

  it('leaves nothing behind when the body throws', () => {
    const [x, xs] = [tf.scalar(0), tf.ones([2])];
    const before = tf.memory();
    expect(() =>
      foriLoop(
        0,
        5,
        (i, c) => {
          const next = tf.add(c, 1);
          if (i === 3) throw new Error('stop');
          return next;
        },
        x,
      ),
    ).to.throw('stop');
    expect(tf.memory().numTensors).to.equal(before.numTensors);
    expect(() =>
      vmap(
        grad((y: tf.Tensor) =>
          foriLoop(0, 5, (i, c) => (i === 3 ? tf.zeros([2]) : tf.mul(c, y)), y),
        ),
      )(xs),
    ).to.throw(/^foriLoop: carry is float32 \[\], but in iteration 3 the body gave float32 \[2\]/);
    expect(tf.memory().numTensors).to.equal(before.numTensors);
    tf.dispose([x, xs]);
  });

  it('refuses a carry that changes, and a condition that is no scalar', () => {
    const run = (body: (c: {a: tf.Tensor}) => unknown) => (): unknown =>
      whileLoop(() => true, body as never, {a: tf.tensor1d([1, 2])});
    expectRefusal(
      'tree-mismatch',
      /^whileLoop: carry\.a is float32 \[2\], but in iteration 0 the body gave float32 \[1, 2\]\. A carry keeps its structure, shapes and dtypes: cast or reshape/,
      run(({a}) => ({a: tf.expandDims(a)})),
    );
    expectRefusal(
      'tree-mismatch',
      /^whileLoop: carry\.a is float32 \[2\], but in iteration 0 the body gave int32 \[2\]/,
      run(({a}) => ({a: tf.cast(a, 'int32')})),
    );
    expectRefusal(
      'tree-mismatch',
      /^whileLoop: carry of another structure: expected an object with keys \{a\}, but got an object with keys \{b\}/,
      run(({a}) => ({b: a})),
    );
    expectRefusal(
      'non-tensor-output',
      /^whileLoop: the carry that the body gave\.a is the number 1/,
      run(() => ({a: 1})),
    );
    expectRefusal('non-tensor-output', /^whileLoop: init\.a is the number 1, but must be/, () =>
      whileLoop(
        () => true,
        (c) => c,
        {a: 1},
      ),
    );
    expectRefusal(
      'invalid-argument',
      /^whileLoop: the condition is bool \[2\], but must be a boolean or a scalar tensor\. Reduce it/,
      () =>
        whileLoop(
          (c) => tf.greater(c, 0),
          (c) => c,
          tf.tensor1d([1, 2]),
        ),
    );
    expectRefusal('async-function', /^whileLoop: the function returned a promise/, () =>
      whileLoop(() => true, (async (c: tf.Tensor) => Promise.resolve(c)) as never, tf.scalar(1)),
    );
  });
});

describeBackends('foriLoop', () => {
  it(
    'counts from the lower bound to the upper one, in numbers or in tensors',
    tidied(() => {
      const digits = (i: number | tf.Tensor, x: tf.Tensor): tf.Tensor => tf.add(tf.mul(x, 10), i);
      expectTensor(foriLoop(2, 5, digits, tf.scalar(0)), 234);
      expectTensor(foriLoop(5, 2, digits, tf.scalar(7)), 7);
      expectTensor(foriLoop(-1, 2, digits, tf.scalar(0)), -99);
      expectTensor(foriLoop(tf.scalar(2, 'int32'), 5, digits, tf.scalar(0)), 234);
      expectTensor(foriLoop(2, tf.scalar(1, 'int32'), digits, tf.scalar(7)), 7);
      // Their difference is no int32.
      const [least, most] = [tf.scalar(-2_000_000_000, 'int32'), tf.scalar(2 ** 31 - 1, 'int32')];
      expectTensor(foriLoop(most, least, digits, tf.scalar(7)), 7);
      const count = (_i: tf.Tensor, n: tf.Tensor): tf.Tensor => tf.add(n, 1);
      expectTensor(foriLoop(2 ** 31 - 4, most, count, tf.scalar(0)), 3);
    }),
  );

  it(
    'takes bounds that differ from example to example',
    tidied(() => {
      const power = (x: tf.Tensor, n: tf.Tensor): tf.Tensor =>
        foriLoop(0, n, (_i, y) => tf.mul(y, x), tf.scalar(1));
      const [x, n] = [tf.tensor1d([2, 3, -1]), tf.tensor1d([3, 0, 5], 'int32')];
      expectTensor(vmap(power)(x, n), [8, 1, -1]);
      expectTensor(vmap(grad(power))(x, n), [12, 0, 5]);
      expectTensor(vmap(grad(grad(power)))(x, n), [12, 0, -20]);
      const sums = (from: tf.Tensor, to: tf.Tensor): tf.Tensor =>
        foriLoop(from, to, (i, s) => tf.add(s, tf.cast(i, 'float32')), tf.scalar(0));
      const bounds = tf.tensor1d([1, 5, 2], 'int32');
      expectTensor(vmap(sums)(bounds, tf.tensor1d([4, 5, 4], 'int32')), [6, 0, 5]);
    }),
  );

  it('refuses bounds that are no integers', () => {
    for (const bound of [1.5, '3', tf.tidy(() => 2.5)]) {
      expectRefusal(
        'invalid-argument',
        /^foriLoop: upper is (the number|a string).*, but must be an integer or an int32 scalar \(tf\.scalar\(n, 'int32'\)\)/,
        () => foriLoop(0, bound as number, (_i, c) => c, 1 as never),
      );
    }
    expectRefusal('invalid-argument', /^foriLoop: lower is float32 \[\], but must be/, () =>
      foriLoop(tf.scalar(1), 2, (_i, c) => c, tf.scalar(1)),
    );
    expectRefusal(
      'invalid-argument',
      /^foriLoop: upper is the number 1000000000000, but must be an integer of 32 bits where the other bound is a tensor/,
      () => foriLoop(tf.scalar(0, 'int32'), 1e12, (_i, c) => c, tf.scalar(1)),
    );
  });
});
