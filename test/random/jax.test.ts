import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {random, vmap} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {readGoldens} from '../golden/golden.js';
import {expectClose} from '../support/compare.js';
import {fromTensor} from '../support/host.js';

type Draw = (key: tf.Tensor) => tf.Tensor;

const logits = (): tf.Tensor =>
  tf.tensor2d([
    [0.5, -1, 2, 0],
    [1, 1, 1, -2],
    [-3, 0, 0, 3],
  ]);

/** The same draws as in golden/keyed_and_looped.py, with key 42. */
const draws: Readonly<Record<string, Draw>> = {
  ...Object.fromEntries(
    [0, 42, 2 ** 31 + 7, 2 ** 40 + 5, -1, -(2 ** 35)].map((seed) => [
      `key ${seed}`,
      () => random.key(seed),
    ]),
  ),
  split: (key) => random.split(key),
  'split 5': (key) => random.split(key, 5),
  'split [2, 3]': (key) => random.split(key, [2, 3]),
  foldIn: (key) =>
    tf.stack([0, 1, 7, 123456789, 2 ** 32 - 1].map((data) => random.foldIn(key, data))),
  bits: (key) => random.bits(key, [3, 4]),
  'bits scalar': (key) => random.bits(key),
  uniform: (key) => random.uniform(key, [257]),
  'uniform range': (key) => random.uniform(key, [33], {minval: -2.5, maxval: 7.25}),
  normal: (key) => random.normal(key, [513]),
  'normal of other keys': (key) =>
    vmap((each: tf.Tensor) => random.normal(each, [3, 2]))(random.split(key, 4)),
  truncatedNormal: (key) => random.truncatedNormal(key, -2, 2, [65]),
  'truncatedNormal one side': (key) => random.truncatedNormal(key, 1, Infinity, [65]),
  gumbel: (key) => random.gumbel(key, [65]),
  exponential: (key) => random.exponential(key, [65]),
  bernoulli: (key) => random.bernoulli(key, 0.3, [65]),
  'bernoulli of probabilities': (key) => random.bernoulli(key, tf.linspace(0, 1, 12)),
  categorical: (key) => random.categorical(key, logits()),
  'categorical axis 0': (key) => random.categorical(key, logits(), {axis: 0}),
  'categorical [20, 3]': (key) => random.categorical(key, logits(), {shape: [20, 3]}),
  randint: (key) => random.randint(key, [65], 0, 10),
  'randint wide': (key) => random.randint(key, [65], -2_000_000_000, 2_000_000_000),
  'randint all but one': (key) => random.randint(key, [65], -(2 ** 31), 2 ** 31 - 1),
  permutation: (key) => random.permutation(key, 50),
  'permutation of one': (key) => random.permutation(key, 1),
  'permutation axis 1': (key) =>
    random.permutation(key, tf.reshape(tf.range(0, 12), [2, 6]), {axis: 1}),
  'permutation of many': (key) => tf.slice(random.permutation(key, 3000), 0, 40),
  'normal tail': (key) =>
    tf.gather(
      random.normal(key, [1_000_000]),
      tf.tensor1d(expectedOf('normal tail places'), 'int32'),
    ),
};

const goldens = readGoldens('keys');

interface Expected {
  readonly shape: number[];
  readonly dtype: 'float32' | 'int32' | 'bool';
  readonly data: number[];
}

const expectedOf = (name: string): number[] =>
  (goldens.find((golden) => golden.name === name)!.expected as unknown as Expected).data;

describe('draws of jax.random', () => {
  it('are all compared', () => {
    const names = goldens.map(({name}) => name).filter((name) => name !== 'normal tail places');
    expect(Object.keys(draws)).to.have.members(names);
  });
});

/** Bits, integers, booleans and uniform numbers are JAX's; functions of these differ by a few roundings of float32. */
const EXACT = {relative: 0, absolute: 0};
const ROUNDED = {relative: 2e-6, absolute: 1e-7};

describeBackends('keyed random numbers are those of jax.random', () => {
  for (const golden of goldens.filter(({name}) => name in draws)) {
    it(golden.name, () => {
      const {shape, dtype, data} = golden.expected as unknown as Expected;
      const isExact = dtype !== 'float32' || golden.name.startsWith('uniform');
      tf.tidy(() => {
        const drawn = draws[golden.name]!(random.key(42));
        expectClose(
          fromTensor(drawn),
          {
            shape,
            dtype,
            values: Float64Array.from(data, dtype === 'float32' ? Math.fround : Number),
          },
          isExact ? EXACT : ROUNDED,
          golden.name,
        );
      });
    });
  }
});
