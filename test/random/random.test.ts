import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {cond, foriLoop, grad, jvp, random, scan, vmap} from '../../src/index.js';
import {backends, describeBackends, useBackend} from '../backends.js';
import {expectRefusal, expectTensor, tidied} from '../control/support.js';
import {expectSame} from '../transforms/values.js';

const EXACT = {relative: 0, absolute: 0};

/** Every function that draws, on one example. */
const draws: Readonly<Record<string, (key: tf.Tensor) => tf.Tensor>> = {
  split: (key) => random.split(key, 3),
  foldIn: (key) => random.foldIn(key, 3),
  bits: (key) => random.bits(key, [2, 3]),
  uniform: (key) => random.uniform(key, [2, 3]),
  'uniform between tensors': (key) =>
    random.uniform(key, [2, 3], {minval: tf.scalar(-1), maxval: tf.tensor1d([1, 2, 3])}),
  normal: (key) => random.normal(key, [2, 3]),
  truncatedNormal: (key) => random.truncatedNormal(key, -1, 1, [2, 3]),
  gumbel: (key) => random.gumbel(key, [2, 3]),
  exponential: (key) => random.exponential(key, [2, 3]),
  randint: (key) => random.randint(key, [2, 3], 0, 1000),
  bernoulli: (key) => random.bernoulli(key, 0.5, [2, 3]),
  categorical: (key) => random.categorical(key, tf.zeros([2, 7])),
  permutation: (key) => random.permutation(key, 7),
  'permutation of a tensor': (key) => random.permutation(key, tf.range(0, 7)),
};

describeBackends('keyed random numbers', () => {
  for (const [name, draw] of Object.entries(draws)) {
    it(
      `${name}: vmap over keys draws as a loop does, whatever its randomness, and two of them as two loops`,
      tidied(() => {
        const keys = random.split(random.key(7), 6);
        const looped = tf.stack(tf.unstack(keys).map(draw));
        expectSame(vmap(draw)(keys), tf.clone(looped), EXACT);
        expectSame(vmap(draw, {randomness: 'same'})(keys), tf.clone(looped), EXACT);
        const nested = vmap(vmap(draw))(tf.reshape(keys, [2, 3, 2]));
        expectSame(nested, tf.reshape(looped, [2, 3, ...looped.shape.slice(1)]), EXACT);
        const second = vmap((key: tf.Tensor) => draw(key), {inDims: 1})(tf.transpose(keys));
        expectSame(second, looped, EXACT);
      }),
    );

    it(`${name} leaves nothing behind beside its result`, () => {
      const key = random.key(1);
      const arguments_ = tf.memory().numTensors;
      const result = tf.tidy(() => draw(key));
      expect(tf.memory().numTensors).to.equal(arguments_ + 1);
      tf.dispose([key, result]);
    });
  }

  it(
    'are the same for the same key, and others for others',
    tidied(() => {
      const [a, b] = tf.unstack(random.split(random.key(3)));
      const first = random.normal(a!, [100]);
      expectSame(random.normal(a!, [100]), tf.clone(first), EXACT);
      const other = random.normal(b!, [100]);
      const equal = tf.sum(tf.cast(tf.equal(first, other), 'int32')).dataSync()[0];
      expect(equal).to.equal(0);
      // The first elements of a longer draw are those of a shorter one.
      expectSame(tf.slice(random.normal(a!, [200]), 0, 100), first, EXACT);
    }),
  );

  it(
    'with one key for all examples are the same for all',
    tidied(() => {
      const key = random.key(1);
      const drawn = vmap((x: tf.Tensor) => tf.add(tf.mul(x, 0), random.uniform(key, [2])))(
        tf.ones([3]),
      );
      const one = random.uniform(key, [2]);
      expectSame(drawn, tf.stack([one, one, one]));
    }),
  );

  it(
    'have the moments and the frequencies of their distributions',
    tidied(() => {
      const key = random.key(0);
      const n = 100_000;
      const momentsOf = (x: tf.Tensor): [number, number] => {
        const {mean, variance} = tf.moments(x);
        return [mean.dataSync()[0]!, variance.dataSync()[0]!];
      };
      // Five standard errors of the mean, and of the variance for kurtosis up to 9.
      const check = (x: tf.Tensor, mean: number, variance: number): void => {
        const [m, v] = momentsOf(x);
        expect(m).to.be.closeTo(mean, 5 * Math.sqrt(variance / n));
        expect(v).to.be.closeTo(variance, 5 * variance * Math.sqrt(8 / n));
      };
      check(random.uniform(key, [n], {minval: -1, maxval: 3}), 1, 16 / 12);
      check(random.normal(key, [n]), 0, 1);
      check(random.exponential(key, [n]), 1, 1);
      check(random.gumbel(key, [n]), 0.5772, Math.PI ** 2 / 6);
      check(random.truncatedNormal(key, -2, 2, [n]), 0, 0.7737);
      check(tf.cast(random.randint(key, [n], -3, 5), 'float32'), 0.5, 63 / 12);
      check(tf.cast(random.bernoulli(key, 0.2, [n]), 'float32'), 0.2, 0.16);
      const logits = tf.log(tf.tensor1d([0.1, 0.2, 0.7]));
      const drawn = random.categorical(key, logits, {shape: [n]});
      const counts = tf.bincount(drawn as tf.Tensor1D, [], 3).dataSync();
      [0.1, 0.2, 0.7].forEach((p, i) =>
        expect(counts[i]! / n).to.be.closeTo(p, 5 * Math.sqrt((p * (1 - p)) / n)),
      );
    }),
  );

  it(
    'stay in their ranges',
    tidied(() => {
      const key = random.key(5);
      const within = (x: tf.Tensor, low: number, high: number): void => {
        for (const value of x.dataSync()) expect(value).to.be.within(low, high);
      };
      within(random.uniform(key, [10_000]), 0, 1 - 2 ** -23);
      within(random.truncatedNormal(key, 2, 2.125, [1000]), 2, 2.125);
      within(random.randint(key, [1000], -2, 1), -2, 0);
      expectTensor(random.randint(key, [3], 4, 5), [4, 4, 4], 'int32');
      const order = Array.from(random.permutation(key, 100).dataSync()).sort((a, b) => a - b);
      expect(order).to.deep.equal(Array.from(order.keys()));
    }),
  );

  it(
    'flow through loops as carries and rows',
    tidied(() => {
      const keys = random.split(random.key(2), 4);
      const [, rows] = scan((c, key) => [c, random.normal(key, [2])], tf.scalar(0), keys);
      expectSame(rows, vmap((key: tf.Tensor) => random.normal(key, [2]))(keys), EXACT);
      const [, walked] = scan(
        (key) => {
          const [next, now] = tf.unstack(random.split(key));
          return [next!, random.uniform(now!)];
        },
        random.key(2) as tf.Tensor,
        null,
        {length: 3},
      );
      let key: tf.Tensor = random.key(2);
      const plain = [0, 1, 2].map(() => {
        const [next, now] = tf.unstack(random.split(key));
        key = next!;
        return random.uniform(now!);
      });
      expectSame(walked, tf.stack(plain), EXACT);
      const total = (start: tf.Tensor): tf.Tensor =>
        foriLoop(
          0,
          3,
          (step, x) => tf.add(x, random.uniform(random.foldIn(start, step))),
          tf.scalar(0),
        );
      expectSame(vmap(total)(keys), tf.stack(tf.unstack(keys).map(total)));
    }),
  );

  it(
    'fold in numbers that are mapped, and keys that are not',
    tidied(() => {
      const key = random.key(9);
      const numbers = tf.tensor1d([0, 5, -1], 'int32');
      const folded = vmap(random.foldIn, {inDims: [null, 0]})(key, numbers);
      expectSame(
        folded,
        tf.stack([0, 5, 2 ** 32 - 1].map((data) => random.foldIn(key, data))),
        EXACT,
      );
      const keys = random.split(key, 3);
      expectSame(
        vmap(random.foldIn, {inDims: [0, null]})(keys, tf.scalar(4, 'int32')),
        tf.stack(tf.unstack(keys).map((each) => random.foldIn(each, 4))),
        EXACT,
      );
      expectSame(
        vmap(random.foldIn)(keys, numbers),
        tf.stack(tf.unstack(keys).map((each, i) => random.foldIn(each, [0, 5, -1][i]!))),
        EXACT,
      );
    }),
  );

  it(
    'are constants for derivatives, and pass them to what they are computed with',
    tidied(() => {
      const key = random.key(4);
      const noise = random.normal(key, [3]);
      const sample = (mean: tf.Tensor, sigma: tf.Tensor): tf.Tensor =>
        tf.sum(tf.add(mean, tf.mul(sigma, random.normal(key, [3]))));
      const [mean, sigma] = [tf.scalar(1), tf.scalar(2)];
      expectTensor(grad(sample)(mean, sigma), 3);
      expectSame(grad(sample, {argnums: 1})(mean, sigma), tf.sum(noise));
      expectSame(tf.grad((s) => sample(mean, s))(sigma), tf.sum(noise));
      const unit = random.uniform(key, [3]);
      const bounded = (maxval: tf.Tensor): tf.Tensor => tf.sum(random.uniform(key, [3], {maxval}));
      expectSame(grad(bounded)(tf.scalar(2)), tf.sum(unit));
      expectSame(jvp(bounded, [tf.scalar(2)], [tf.scalar(1)])[1], tf.sum(unit));
      const shuffled = (x: tf.Tensor): tf.Tensor =>
        tf.sum(tf.mul(random.permutation(key, x), tf.tensor1d([1, 2, 3])));
      const order = random.permutation(key, 3).dataSync();
      const expected = [0, 0, 0];
      order.forEach((from, to) => (expected[from] = to + 1));
      expectTensor(grad(shuffled)(tf.tensor1d([5, 6, 7])), expected);
    }),
  );

  it(
    'draw a mask for each example, and choose for each',
    tidied(() => {
      const keys = random.split(random.key(11), 64);
      const dropped = vmap((key: tf.Tensor, x: tf.Tensor) =>
        tf.where(random.bernoulli(key, 0.5, x.shape), tf.div(x, 0.5), tf.zerosLike(x)),
      )(keys, tf.ones([64, 8]));
      expect(new Set((dropped.arraySync() as number[][]).map(String)).size).to.be.greaterThan(40);
      const p = tf.tensor1d([0, 1, 0.5]);
      const ofExamples = vmap(random.bernoulli, {inDims: [0, 0]})(tf.slice(keys, 0, 3), p);
      expectTensor(tf.slice(ofExamples, 0, 2), [0, 1], 'bool');
      const coin = vmap((key: tf.Tensor) =>
        cond(
          random.bernoulli(key),
          () => tf.scalar(1),
          () => tf.scalar(-1),
        ),
      )(keys);
      expectSame(
        coin,
        tf.where(
          vmap((key: tf.Tensor) => random.bernoulli(key))(keys),
          tf.ones([64]),
          tf.fill([64], -1),
        ),
      );
    }),
  );

  it('refuses what is no key', () => {
    expectRefusal(
      'invalid-argument',
      /^random\.normal: the key is the number 3\. Make a key of a number first: random\.normal\(random\.key\(seed\), …\)/,
      () => random.normal(3 as never),
    );
    expectRefusal(
      'invalid-argument',
      /^random\.uniform: the key is int32 \[10, 2\], which is many keys\. Map over them: vmap\(\(key\) => random\.uniform\(key, …\)\)\(keys\)/,
      () => random.uniform(random.split(random.key(0), 10)),
    );
    expectRefusal(
      'invalid-argument',
      /^random\.split: the key is float32 \[2\], but a key is int32 \[2\], as random\.key\(seed\)/,
      () => random.split(tf.tensor1d([1, 2])),
    );
    expectRefusal('disposed-tensor', /^random\.bits: the key \(int32 \[2\]\) is disposed/, () => {
      const key = random.key(0);
      key.dispose();
      random.bits(key);
    });
    for (const seed of [1.5, NaN, 2 ** 60, '1']) {
      expectRefusal(
        'invalid-argument',
        /^random\.key: the seed is .*, but must be an integer/,
        () => random.key(seed as number),
      );
    }
  });

  it('refuses shapes and bounds that fit nothing', () => {
    const withKey = (draw: (key: tf.Tensor) => unknown) => (): unknown => draw(random.key(0));
    const refused: [RegExp, (key: tf.Tensor) => unknown][] = [
      [
        /^random\.normal: the shape is \[2, -1\], but must be an array of integers/,
        (k) => random.normal(k, [2, -1]),
      ],
      [
        /^random\.normal: the shape is the number 3, but must be/,
        (k) => random.normal(k, 3 as never),
      ],
      [/^random\.split: the shape is \[1\.5\], but must be/, (k) => random.split(k, 1.5)],
      [
        /^random\.foldIn: the data is the number 4294967296, but must be an integer of 32 bits/,
        (k) => random.foldIn(k, 2 ** 32),
      ],
      [
        /^random\.foldIn: the data is int32 \[2\], but must be an int32 scalar\. Map over many/,
        (k) => random.foldIn(k, tf.tensor1d([1, 2], 'int32')),
      ],
      [
        /^random\.uniform: minval is a string, but must be a number/,
        (k) => random.uniform(k, [], {minval: '0' as never}),
      ],
      [
        /^random\.uniform: maxval is float32 \[3\], which does not broadcast to \[2\], the shape of the result\. Pass the whole shape/,
        (k) => random.uniform(k, [2], {maxval: tf.ones([3])}),
      ],
      [
        /^random\.truncatedNormal: lower is 1 and upper is 1: nothing lies between/,
        (k) => random.truncatedNormal(k, 1, 1),
      ],
      [
        /^random\.randint: maxval is the number 4294967296, but must be an integer of 32 bits/,
        (k) => random.randint(k, [], 0, 2 ** 32),
      ],
      [
        /^random\.randint: minval is 3 and maxval is 3: no integer lies between/,
        (k) => random.randint(k, [], 3, 3),
      ],
      [
        /^random\.bernoulli: p is the number 1\.5, but must be a probability/,
        (k) => random.bernoulli(k, 1.5),
      ],
      [
        /^random\.bernoulli: p is float32 \[3\], which does not broadcast to \[2\]/,
        (k) => random.bernoulli(k, tf.ones([3]), [2]),
      ],
      [
        /^random\.categorical: the logits are float32 \[\], but must be a tensor of rank 1 or more/,
        (k) => random.categorical(k, tf.scalar(1)),
      ],
      [
        /^random\.categorical: axis is the number 2, but the logits are float32 \[2, 3\]: valid axes are -2 to 1/,
        (k) => random.categorical(k, tf.ones([2, 3]), {axis: 2}),
      ],
      [
        /^random\.categorical: the shape is \[3\], but must end in \[2\]/,
        (k) => random.categorical(k, tf.ones([2, 3]), {shape: [3]}),
      ],
      [
        /^random\.permutation: x is the number -1, but must be a tensor, or an integer/,
        (k) => random.permutation(k, -1),
      ],
      [
        /^random\.permutation: axis is the number 1, which float32 \[3\] does not have/,
        (k) => random.permutation(k, tf.ones([3]), {axis: 1}),
      ],
    ];
    for (const [message, draw] of refused)
      expectRefusal('invalid-argument', message, withKey(draw));
  });
});

describe('keyed random numbers on different backends', () => {
  it('are the same bit by bit', async () => {
    const drawn: number[][] = [];
    for (const backend of backends.filter((name) => name !== 'webgpu')) {
      await useBackend(backend);
      const key = random.key(123);
      const values = tf.tidy(() => [
        ...random.normal(key, [50]).dataSync(),
        ...random.gumbel(key, [50]).dataSync(),
        ...random.bits(key, [50]).dataSync(),
      ]);
      key.dispose();
      drawn.push(values);
    }
    for (const values of drawn) expect(values).to.deep.equal(drawn[0]);
  });
});
