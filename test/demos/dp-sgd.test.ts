import * as tf from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import seedrandom from 'seedrandom';
import {batchOf, imageOf, loadDigits, type Digits} from '../../demos/common/digits.js';
import type {Parameters} from '../../demos/common/parameters.js';
import {crossEntropy, models} from '../../demos/dp-mnist/model.js';
import {
  clippedSum,
  initialize,
  perExampleGradients,
  poissonSample,
  privateGradient,
  train,
  type TrainingOptions,
} from '../../demos/dp-mnist/train.js';
import {describeBackends} from '../backends.js';

const options: TrainingOptions = {
  steps: 4,
  samplingRate: 16 / 9000,
  learningRate: 1,
  clip: 0.5,
  noise: 1,
};

let digits: Digits;

before('load the digits', function () {
  this.timeout(60_000);
  digits = loadDigits(seedrandom('digits')).train;
});

describe('dp-mnist › Poisson sampling', () => {
  const random = seedrandom('sampling');

  it('draws none or all at the extremes', () => {
    expect(poissonSample(100, 0, random)).to.deep.equal([]);
    expect(poissonSample(3, 1, random)).to.deep.equal([0, 1, 2]);
  });

  it('draws every row equally often, and batches whose sizes vary as a binomial does', () => {
    const [count, rate, draws] = [20, 0.3, 4000];
    const samples = Array.from({length: draws}, () => poissonSample(count, rate, random));
    for (let row = 0; row < count; row++) {
      const share = samples.filter((rows) => rows.includes(row)).length / draws;
      expect(share).to.be.closeTo(rate, 5 * Math.sqrt((rate * (1 - rate)) / draws));
    }
    const sizes = samples.map(({length}) => length);
    const variance = sizes.reduce((sum, size) => sum + (size - count * rate) ** 2, 0) / draws;
    expect(variance / (count * rate * (1 - rate))).to.be.closeTo(1, 0.12);
  });
});

describe('dp-mnist › data', () => {
  it('holds real digits of every label, each seen once', () => {
    expect(digits.labels).to.have.lengthOf(9000);
    expect(digits.images).to.have.lengthOf(9000 * 784);
    expect(new Set(digits.labels).size).to.equal(10);
    const images = Array.from(digits.labels, (_, row) => imageOf(digits, row).join());
    expect(new Set(images).size).to.equal(9000);
  });

  it('is split alike by the same seed, and otherwise by another', () => {
    const labels = (seed: string): number[] => [...loadDigits(seedrandom(seed)).test.labels];
    expect(labels('digits')).to.deep.equal(labels('digits'));
    expect(labels('digits')).to.not.deep.equal(labels('other'));
  }).timeout(60_000);
});

const flat = (parameters: Parameters): number[] =>
  Object.values(parameters).flatMap((tensor) => [...tensor.dataSync()]);

const norm = (values: readonly number[]): number => Math.hypot(...values);

describeBackends('dp-mnist › DP-SGD', () => {
  /** Runs a test with fresh parameters of the small model. */
  function withParameters(body: (parameters: Record<string, tf.Variable>) => void): void {
    const parameters = initialize(models.mlp, seedrandom('weights'));
    try {
      tf.tidy(() => body(parameters));
    } finally {
      tf.dispose(parameters);
    }
  }

  it('clips the norm of each example over all parameters', () => {
    tf.tidy(() => {
      // Norms 5, 0.5 and 0.
      const gradients = {
        a: tf.tensor3d([
          [[3], [0]],
          [[0.3], [0]],
          [[0], [0]],
        ]),
        b: tf.tensor2d([[4], [0.4], [0]]),
      };
      const sum = clippedSum(gradients, 1);
      expect(sum['a']!.shape).to.deep.equal([2, 1]);
      expect(sum['b']!.shape).to.deep.equal([1]);
      [0.6 + 0.3, 0, 0.8 + 0.4].forEach((value, i) =>
        expect(flat(sum)[i]).to.be.closeTo(value, 1e-6),
      );
    });
  });

  it('averages clipped gradients of single digits, in chunks or not', () => {
    withParameters((parameters) => {
      const rows = Array.from({length: 258}, (_, i) => 3 * i);
      const gradients = perExampleGradients(models.mlp);
      const noiseless = {...options, noise: 0};
      const random = seedrandom('unused');
      const mean = flat(privateGradient(gradients, parameters, digits, rows, noiseless, random));
      const expected = new Float64Array(mean.length);
      const loss = crossEntropy(models.mlp);
      const names = Object.keys(parameters);
      for (const row of rows) {
        tf.tidy(() => {
          const {images, labels} = batchOf(digits, [row]);
          const [image, label] = [tf.squeeze(images, [0]), tf.squeeze(labels)];
          const single = tf.grads((...weights) =>
            loss(Object.fromEntries(names.map((name, i) => [name, weights[i]!])), image, label),
          )(Object.values(parameters));
          const values = single.flatMap((gradient) => [...gradient.dataSync()]);
          const scale = Math.min(1, options.clip / norm(values)) / 16;
          values.forEach((value, i) => (expected[i]! += scale * value));
        });
      }
      const error = norm(mean.map((value, i) => value - expected[i]!));
      expect(error / norm([...expected])).to.be.below(1e-5);
    });
  }).timeout(60_000);

  it('adds noise of the promised size, to no digits too', () => {
    withParameters((parameters) => {
      const gradients = perExampleGradients(models.mlp);
      const random = seedrandom('noise');
      const noise = flat(privateGradient(gradients, parameters, digits, [], options, random));
      const deviation = norm(noise) / Math.sqrt(noise.length);
      expect(deviation / ((options.noise * options.clip) / 16)).to.be.closeTo(1, 0.03);
      const again = flat(privateGradient(gradients, parameters, digits, [], options, random));
      expect(again).to.not.deep.equal(noise);
    });
  });

  for (const name of ['cnn', 'mlp'] as const) {
    const trained = async (seed: string): Promise<{weights: number[]; tensors: number[]}> => {
      const random = seedrandom(seed);
      const parameters = initialize(models[name], random);
      const tensors: number[] = [];
      await train(models[name], parameters, digits, options, random, () => {
        tensors.push(tf.memory().numTensors);
        return true;
      });
      const weights = flat(parameters);
      tf.dispose(parameters);
      return {weights, tensors};
    };

    it(`trains the ${name} without keeping a tensor from step to step`, async () => {
      const {tensors} = await trained('a');
      expect(tensors).to.have.lengthOf(options.steps);
      expect(new Set(tensors).size).to.equal(1);
    }).timeout(60_000);

    it(`trains the ${name} alike from the same seed, and otherwise from another`, async () => {
      const [first, second, other] = [await trained('a'), await trained('a'), await trained('b')];
      expect(first.weights).to.deep.equal(second.weights);
      expect(first.weights).to.not.deep.equal(other.weights);
    }).timeout(60_000);
  }

  it('stops after the step at which it is told to', async () => {
    const random = seedrandom('stop');
    const parameters = initialize(models.mlp, random);
    const taken = await train(models.mlp, parameters, digits, options, random, (step) => step < 2);
    tf.dispose(parameters);
    expect(taken).to.equal(2);
  });
});
