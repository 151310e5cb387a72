import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import seedrandom from 'seedrandom';
import {batchOf, loadDigits} from '../../demos/common/digits.js';
import {demo} from '../../demos/dp-layers/demo.js';
import {
  loopOfGradients,
  makeCnn,
  makePrivate,
  perExampleGradients,
} from '../../demos/dp-layers/model.js';
import {dpSgdPrivacy} from '../../demos/dp-mnist/privacy.js';
import {privateGradient} from '../../demos/dp-mnist/train.js';
import {makeFunctional} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {distance, expectConstantMemory, expectSvg, LONG, rehearse} from './support.js';

const {train: digits} = loadDigits(seedrandom('digits'));

describeBackends('demos › DP training of a tf.layers CNN', (backend) => {
  const withModel = (body: (model: tf.Sequential) => void): void => {
    const original = makeCnn(8, seedrandom('weights'));
    const model = makePrivate(original);
    tf.tidy(() => body(model));
    model.dispose();
    original.dispose();
  };

  it('has group normalization in place of batch normalization, and so gradients per example', () => {
    withModel((model) => {
      expect(model.layers.map((layer) => layer.getClassName())).to.include('GroupNormalization');
      const [network, parameters] = makeFunctional(model);
      const {images, labels} = batchOf(digits, [0, 1, 2]);
      const ours = Object.values(perExampleGradients(network)(parameters, images, labels));
      loopOfGradients(model, images, labels).forEach((expected, leaf) =>
        expect(distance(ours[leaf]!, expected)).to.be.below(1e-4),
      );
    });
  });

  it('lets no digit pull the mean by more than the clipping norm', () => {
    withModel((model) => {
      const [network, parameters] = makeFunctional(model);
      const settings = {steps: 1, samplingRate: 10 / 9000, learningRate: 1, clip: 0.5, noise: 0};
      const mean = (rows: number[]) =>
        privateGradient(
          perExampleGradients(network),
          parameters,
          digits,
          rows,
          settings,
          seedrandom('unused'),
        );
      const [without, withIt] = [mean([0, 1]), mean([0, 1, 2])];
      const squares = Object.keys(parameters).map((name) =>
        tf.sum(tf.square(tf.sub(withIt[name]!, without[name]!))),
      );
      const pull = tf.sqrt(tf.addN(squares)).dataSync()[0]!;
      expect(pull).to.be.closeTo(0.5 / 10, 1e-5); // the norm of its gradient is above 0.5
    });
  });

  if (backend !== 'wasm') return;
  it('trains, tells the privacy spent, and keeps no tensor', async () => {
    const options = {steps: 20, batch: 32, filters: 8};
    const {summary, files, tensors} = await rehearse(demo, options);
    expectConstantMemory(tensors);
    const {epsilon} = dpSgdPrivacy({samplingRate: 32 / 9000, noiseMultiplier: 1}, 1e-4)(20);
    expect(summary[0]).to.contain(`in 20 steps: ε = ${epsilon.toFixed(2)} at δ = 0.0001`);
    expect(Number(/accuracy: ([\d.]+) %/.exec(summary[0]!)![1])).to.be.within(5, 100);
    expect(Number(/difference (\S+)\.$/.exec(summary[1]!)![1])).to.be.below(1e-4);
    expectSvg(files['dp-layers.svg']);
  }).timeout(LONG);
});
