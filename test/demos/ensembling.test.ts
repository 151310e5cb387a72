import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import seedrandom from 'seedrandom';
import {batchOf, loadDigits, randomRows, SIDE} from '../../demos/common/digits.js';
import {demo} from '../../demos/ensembling/demo.js';
import {crossEntropy, ensembleOf, makeMlps} from '../../demos/ensembling/model.js';
import {describeBackends} from '../backends.js';
import {distance, expectConstantMemory, expectSvg, LONG, rehearse} from './support.js';

const {train: digits} = loadDigits(seedrandom('digits'));

const [MODELS, BATCH, STEPS] = [3, 4, 5];

describeBackends('demos › ensembling', (backend) => {
  for (const sameBatch of [true, false]) {
    it(`trains to the weights of separate runs of tf.train.adam, on ${sameBatch ? 'the same' : 'different'} digits`, () => {
      const models = makeMlps(MODELS, 8, seedrandom('weights'));
      tf.tidy(() => {
        const random = seedrandom('batches');
        const ensemble = ensembleOf(models, sameBatch);
        const adams = models.map(() => tf.train.adam(1e-3));
        let members = ensemble.start;
        for (let step = 0; step < STEPS; step++) {
          const count = sameBatch ? BATCH : MODELS * BATCH;
          const {images, labels} = batchOf(digits, randomRows(digits, count, random));
          const [ownImages, ownLabels] = [
            sameBatch ? images : tf.reshape(images, [MODELS, BATCH, SIDE, SIDE, 1]),
            sameBatch ? labels : tf.reshape(labels, [MODELS, BATCH]),
          ];
          [members] = ensemble.step(members, ownImages, ownLabels);
          models.forEach((model, index) => {
            const [x, y] = [ownImages, ownLabels].map((batch) =>
              sameBatch ? batch : tf.squeeze(tf.slice(batch, index, 1), [0]),
            );
            const variables = model.trainableWeights.map((w) => w.read() as tf.Variable);
            adams[index]!.minimize(
              () => crossEntropy(model.apply(x!) as tf.Tensor, y!),
              false,
              variables,
            );
          });
        }
        Object.values(members.parameters).forEach((together, place) => {
          const apart = tf.stack(models.map((model) => model.trainableWeights[place]!.read()));
          // Adam's steps of 1e-3 are worth comparing, not the weights that they begin with.
          const start = Object.values(ensemble.start.parameters)[place]!;
          const moved = tf.sub(apart, start);
          expect(distance(tf.sub(together, start), moved)).to.be.below(2e-3);
        });
        adams.forEach((adam) => adam.dispose());
      });
      models.forEach((model) => model.dispose());
    });
  }

  if (backend !== 'wasm') return;
  it('votes better than the average network, and keeps no tensor', async () => {
    const options = {models: 4, hidden: 16, steps: 30, batch: 16};
    const {summary, files, tensors} = await rehearse(demo, options);
    expectConstantMemory(tensors);
    const [, mean, together] = /: ([\d.]+) % on average.*together: ([\d.]+) %/.exec(summary[0]!)!;
    expect(Number(together)).to.be.above(Number(mean)).and.above(40);
    for (const line of summary.slice(1)) {
      expect(Number(/difference (\S+)\.$/.exec(line)![1])).to.be.below(1e-4);
    }
    expectSvg(files['ensembling.svg']);
  }).timeout(LONG);
});
