import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import seedrandom from 'seedrandom';
import {loadDigits, SIDE} from '../../demos/common/digits.js';
import {demo} from '../../demos/maml-digits/demo.js';
import {learner, makeMlp, metaGradientByLoop} from '../../demos/maml-digits/model.js';
import {
  drawTasks,
  halve,
  rotate,
  testClasses,
  trainingClasses,
} from '../../demos/maml-digits/tasks.js';
import {grad, makeFunctional} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {distance, expectConstantMemory, expectSvg, numbersOf, LONG, rehearse} from './support.js';

const {train: digits} = loadDigits(seedrandom('digits'));

describe('demos › tasks of rotated digits', () => {
  it('turn an image by quarters, anticlockwise', () => {
    const image = Float32Array.of(1, 2, 3, 4);
    expect([...rotate(image, 1)]).to.deep.equal([2, 4, 1, 3]);
    expect([...rotate(image, 2)]).to.deep.equal([4, 3, 2, 1]);
    expect([...rotate(image, 4)]).to.deep.equal([...image]);
  });

  it('halve an image to the means of its pixels', () => {
    const image = Float32Array.from({length: SIDE * SIDE}, (_, pixel) => pixel % SIDE);
    expect([...halve(image).slice(0, 3)]).to.deep.equal([0.5, 2.5, 4.5]);
  });

  it('test with digits that training never shows', () => {
    const seen = new Set(trainingClasses.map(({digit}) => digit));
    expect(testClasses.filter(({digit}) => seen.has(digit))).to.deep.equal([]);
    expect(new Set(testClasses.map((one) => JSON.stringify(one))).size).to.equal(12);
  });
});

describeBackends('demos › MAML on rotated digits', (backend) => {
  it('draws tasks of all classes, with other images to judge by', () => {
    tf.tidy(() => {
      const shape = {ways: 3, shots: 2, queries: 1};
      const [images, labels, testImages, testLabels] = drawTasks(
        digits,
        testClasses,
        2,
        shape,
        seedrandom('t'),
      );
      expect(images.shape).to.deep.equal([2, 6, 14, 14, 1]);
      expect(numbersOf(labels)).to.deep.equal([0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2]);
      expect(testImages.shape).to.deep.equal([2, 3, 14, 14, 1]);
      expect(numbersOf(testLabels)).to.deep.equal([0, 1, 2, 0, 1, 2]);
      const all = tf.concat([images, testImages], 1).reshape([18, -1]).arraySync() as number[][];
      expect(new Set(all.map(String)).size).to.equal(18);
    });
  });

  it('takes the meta-gradient of all tasks at once, as a loop over tasks does', () => {
    const model = makeMlp(3, 8, seedrandom('weights'));
    tf.tidy(() => {
      const [network, parameters] = makeFunctional(model);
      const {metaLoss, taskLoss} = learner(network, 3);
      const adaptation = {steps: 2, learningRate: 0.4};
      const tasks = drawTasks(
        digits,
        trainingClasses,
        3,
        {ways: 3, shots: 1, queries: 2},
        seedrandom('t'),
      );
      const together = Object.values(grad(metaLoss(adaptation))(parameters, ...tasks));
      metaGradientByLoop(taskLoss(adaptation), parameters, tasks).forEach((expected, leaf) =>
        expect(distance(together[leaf]!, expected)).to.be.below(1e-4),
      );
    });
    model.dispose();
  });

  if (backend !== 'wasm') return;
  it('adapts to new digits better than from random weights, and keeps no tensor', async () => {
    const options = {steps: 40, tasks: 4, ways: 3, shots: 2, hidden: 32, inner: 1, lr: 0.01};
    const {summary, files, tensors} = await rehearse(demo, options);
    expectConstantMemory(tensors);
    const [, learned, random] = /: ([\d.]+) %; from random weights: ([\d.]+) %/.exec(summary[0]!)!;
    expect(Number(learned)).to.be.above(Number(random)).and.above(50); // by chance: 33
    expectSvg(files['maml-digits.svg']);
  }).timeout(LONG);
});
