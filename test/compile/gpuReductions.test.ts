import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {grad} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {Random} from '../support/random.js';
import {both, compiledOn, expectClose, generated, type F} from './gpuSupport.js';
import {randomProgram} from './randomProgram.js';

type Reduce = (x: tf.Tensor, axis?: number[], keepDims?: boolean) => tf.Tensor;

const reduces: Readonly<Record<string, Reduce>> = {
  sum: tf.sum,
  mean: tf.mean,
  max: tf.max,
  min: tf.min,
  prod: tf.prod,
};

/** The largest relative error. */
const errorOf = (given: readonly number[], exact: readonly number[]): number =>
  Math.max(...exact.map((value, i) => Math.abs(given[i]! - value) / Math.abs(value)));

const softmax: F = (x) => {
  const shifted = tf.exp(tf.sub(x!, tf.max(x!, -1, true)));
  return tf.div(shifted, tf.sum(shifted, -1, true));
};

const crossEntropy = (x: tf.Tensor, y: tf.Tensor): tf.Tensor => tf.losses.softmaxCrossEntropy(y, x);

/** Bias, dropout, residual, layer norm. */
const normBlock: F = (x, bias, mask, residual, gamma) => {
  const y = tf.add(tf.mul(tf.add(x!, bias!), mask!), residual!);
  const centred = tf.sub(y, tf.mean(y, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true);
  return tf.mul(tf.mul(centred, tf.rsqrt(tf.add(variance, 1e-5))), gamma!);
};

const normal = (shape: number[], seed: number): tf.Tensor =>
  tf.randomNormal(shape, 0, 1, 'float32', seed);

const normInputs = (): tf.Tensor[] => [
  normal([6, 80], 1),
  normal([80], 2),
  tf.ones([6, 80]),
  normal([6, 80], 3),
  normal([80], 4),
];

describeBackends(
  'reductions in programs for GPUs',
  (backend) => {
    const axes: readonly (number[] | undefined)[] = [undefined, [0], [1], [2], [0, 2], [1, 2]];
    for (const [name, reduce] of Object.entries(reduces)) {
      it(`give the ${name} over any dimensions, of what is computed on the way`, async () => {
        for (const shape of [
          [3, 5, 7],
          [2, 70, 3],
          [4, 3, 80],
        ]) {
          const x = tf.randomUniform(shape, 0.9, 1.1, 'float32', 1);
          const f: F = (x) =>
            axes.flatMap((axis) => {
              const y = tf.mul(x!, tf.cos(x!));
              return [reduce(tf.add(y, 0.4), axis), tf.sqrt(reduce(tf.abs(y), axis, true))];
            });
          const {given, wanted, compiled} = await both(f, [x]);
          expectClose(given, wanted, 2e-5);
          expect(compiled.lowered.steps.filter(({code}) => code === null)).to.deep.equal([]);
        }
      });
    }

    it('of booleans tell whether all and any are true', async () => {
      const x = tf.tensor2d([
        [1, 2, 3],
        [-1, -2, -3],
        [-1, 0, 1],
      ]);
      const f: F = (x) =>
        [undefined, 0, 1].flatMap((axis) => [
          tf.all(tf.greater(x!, 0), axis),
          tf.any(tf.greater(x!, 2), axis, true),
          tf.logicalNot(tf.any(tf.less(x!, 0), axis)),
        ]);
      const {given, wanted, compiled} = await both(f, [x]);
      expect(given).to.deep.equal(wanted);
      expect(compiled.lowered.steps.filter(({code}) => code === null)).to.deep.equal([]);
    });

    const wide = backend === 'webgl' ? 1024 : 16000;
    for (const [place, shape, axis] of [
      ['rows', [3, wide], 1],
      ['columns', [wide, 3], 0],
      ['short columns', [150, 4200], 0],
    ] as const) {
      it(`are as exact over long ${place} as tfjs's own`, async () => {
        const x = tf.randomUniform([...shape], 0, 1, 'float32', 7);
        const data = await x.data();
        const columns = shape[1];
        const count = shape[1 - axis]!;
        const exact = new Array<number>(count).fill(0);
        data.forEach((value, i) => {
          exact[axis === 1 ? Math.floor(i / columns) : i % columns]! += value * value;
        });
        const f: F = (x) => [tf.sum(tf.mul(x!, x!), axis), tf.mean(tf.mul(x!, x!), axis)];
        const {given, wanted, compiled} = await both(f, [x]);
        expect(generated(compiled)).to.have.length(1);
        const means = exact.map((value) => value / shape[axis]!);
        [exact, means].forEach((reference, i) => {
          const error = errorOf(given[i]!, reference);
          // Some units in the last place; sums one element after the other would be off by ten and more.
          expect(error).to.be.at.most(Math.max(errorOf(wanted[i]!, reference), 2 ** -21));
        });
      });
    }

    it('give NaN and infinite extrema', async () => {
      const x = tf.tensor2d([
        [1, NaN, 3],
        [-Infinity, 2, Infinity],
        [-Infinity, -Infinity, -Infinity],
        [Infinity, Infinity, Infinity],
        [-1e30, -3e38, 3e38],
      ]);
      const f: F = (x) => [tf.max(tf.neg(x!), 1), tf.min(tf.neg(x!), 1)];
      const {given} = await both(f, [x]);
      const high = [NaN, Infinity, Infinity, -Infinity, 3e38];
      const low = [NaN, -Infinity, Infinity, -Infinity, -3e38];
      expect(given).to.deep.equal([high, low].map((list) => list.map(Math.fround)));
    });

    it('leave long sums for few results to tfjs', async () => {
      const x = tf.randomUniform([backend === 'webgl' ? 1025 : 16385], 0, 1, 'float32', 1);
      const {given, wanted, compiled} = await both((x) => tf.sum(tf.square(x!)), [x]);
      expectClose(given, wanted, 1e-5);
      expect(compiled.lowered.steps.map(({kernels}) => kernels.join())).to.deep.equal([
        'Square',
        'Sum',
      ]);
    });

    const cases: readonly (readonly [
      name: string,
      f: F,
      make: () => tf.Tensor[],
      count: number,
    ])[] = [
      ['a sum of a chain', (x) => tf.sum(tf.tanh(x!), 0), () => [normal([9, 70], 1)], 1],
      // The largest of each row, the sum of each row, and the quotients.
      ['a softmax', softmax, () => [normal([9, 70], 1)], 3],
      [
        'a softmax cross-entropy',
        (x, y) => crossEntropy(x!, y!),
        () => [normal([6, 5], 1), tf.randomUniform([6, 5], 0, 1, 'float32', 2)],
        2,
      ],
      [
        'the gradient of a softmax cross-entropy',
        grad(crossEntropy) as F,
        () => [normal([6, 5], 1), tf.randomUniform([6, 5], 0, 1, 'float32', 2)],
        3,
      ],
      ['a norm block', normBlock, normInputs, 3],
      [
        'the gradient of a norm block',
        grad((...inputs: tf.Tensor[]) => tf.sum(normBlock(...inputs) as tf.Tensor)) as F,
        normInputs,
        backend === 'webgl' ? 5 : 6,
      ],
    ];
    for (const [name, f, make, most] of cases) {
      it(`compute ${name} in ${most} dispatches`, async () => {
        tf.engine().startScope('test');
        const wanted = [f(...make())].flat();
        const [count, results] = compiledOn(f, make);
        const given = [results].flat() as tf.Tensor[];
        expect(count).to.equal(most);
        const numbersOf = (tensors: readonly tf.Tensor[]): Promise<number[][]> =>
          Promise.all(tensors.map(async (x) => Array.from(await x.data())));
        expectClose(await numbersOf(given), await numbersOf(wanted), 1e-4);
        tf.engine().endScope();
      });
    }

    it('give what tfjs gives in random programs', async () => {
      for (let seed = 0; seed < 12; seed++) {
        tf.engine().startScope('test');
        const {f, inputs} = randomProgram(new Random(`gpu ${seed}`), 15);
        const {given, wanted} = await both((...inputs) => f(inputs), inputs);
        expectClose(given, wanted, 2e-4);
        tf.engine().endScope();
      }
    });
  },
  {only: ['webgl', 'webgpu'], ignoreBuffers: true},
);
