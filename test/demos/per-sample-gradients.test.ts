import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import seedrandom from 'seedrandom';
import {batchOf, loadDigits} from '../../demos/common/digits.js';
import {demo} from '../../demos/per-sample-gradients/demo.js';
import {peakBytes} from '../../demos/per-sample-gradients/memory.js';
import {
  gradientNorms,
  loopOfGradients,
  makeCnn,
  perSampleGradients,
} from '../../demos/per-sample-gradients/model.js';
import {makeFunctional} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {distance, expectConstantMemory, expectSvg, numbersOf, LONG, rehearse} from './support.js';

const {train: digits} = loadDigits(seedrandom('digits'));

describeBackends('demos › per-sample gradients', (backend) => {
  it('are those of a loop of tf.variableGrads over a tf.layers model', () => {
    const model = makeCnn(2, seedrandom('weights'));
    tf.tidy(() => {
      const [network, parameters] = makeFunctional(model);
      const {images, labels} = batchOf(digits, [0, 1, 2]);
      const ours = Object.values(perSampleGradients(network)(parameters, images, labels));
      const looped = loopOfGradients(model, images, labels);
      looped.forEach((expected, leaf) => expect(distance(ours[leaf]!, expected)).to.be.below(1e-5));
    });
    model.dispose();
  });

  it('have the norms that are drawn, whatever the size of the chunks', () => {
    const model = makeCnn(2, seedrandom('weights'));
    tf.tidy(() => {
      const [network, parameters] = makeFunctional(model);
      const {images, labels} = batchOf(digits, [0, 1, 2, 3, 4]);
      const gradients = perSampleGradients(network)(parameters, images, labels);
      const rows = Object.values(gradients).map((g) => tf.reshape(g, [5, -1]));
      const expected = tf.norm(tf.concat(rows, 1), 2, 1);
      const norms = gradientNorms(network, 2)(parameters, images, labels);
      expect(distance(norms, expected)).to.be.below(1e-5);
      expect(Math.min(...numbersOf(norms))).to.be.above(0);
    });
    model.dispose();
  });

  it('take memory for as many examples as a chunk has, not for the whole batch', async () => {
    const model = makeCnn(2, seedrandom('weights'));
    const [network, parameters] = makeFunctional(model);
    const peakOf = (count: number, chunkSize?: number): Promise<number> => {
      const {images, labels} = tf.tidy(() => batchOf(digits, [...Array(count).keys()]) as never);
      return peakBytes(() => gradientNorms(network, chunkSize)(parameters, images, labels)).finally(
        () => tf.dispose([images, labels]),
      );
    };
    const [atOnce, byEights, byTwos] = [await peakOf(24), await peakOf(24, 8), await peakOf(24, 2)];
    expect(byEights).to.be.below(atOnce / 2);
    expect(byTwos).to.be.below(byEights / 2);
    const twice = await peakOf(48, 8);
    expect(twice).to.be.below(byEights * 1.1); // more images and norms, but no more gradients
    tf.dispose(parameters);
    model.dispose();
  });

  if (backend !== 'wasm') return;
  it('are measured before and after a training that keeps no tensor', async () => {
    const options = {width: 4, steps: 20, examples: 40, batch: 4, memory: 32};
    const {summary, files, tensors} = await rehearse(demo, options);
    expectConstantMemory(tensors);
    expect(tensors).to.have.lengthOf(1).and.to.have.nested.property('[0].length', 20);
    expect(Number(/accuracy: ([\d.]+) %/.exec(summary[0]!)![1])).to.be.above(20); // by chance: 10
    expect(Number(/difference (\S+)\.$/.exec(summary[2]!)![1])).to.be.below(1e-4);
    const peaks = [...summary[3]!.matchAll(/([\d.]+) MB with/g)].map(([, peak]) => Number(peak));
    expect(peaks).to.have.lengthOf(3); // 4 and 16 at a time, and all 32 at once
    expect(peaks[0]).to.be.below(peaks[1]!);
    expect(peaks[1]).to.be.below(peaks[2]!);
    expectSvg(files['per-sample-gradients.svg']);
  }).timeout(LONG);
});
