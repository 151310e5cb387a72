import * as tf from '@tensorflow/tfjs';
import seedrandom from 'seedrandom';
import {makeFunctional, optimizers} from '../../src/index.js';
import {batchOf, loadDigits, TRAINING_SIZE} from '../common/digits.js';
import {accuracyOf} from '../common/layers.js';
import {integer, number} from '../common/options.js';
import {mapParameters, sizeOf} from '../common/parameters.js';
import {drawSvg} from '../common/plot.js';
import type {Demo} from '../common/program.js';
import {compareWithLoop, showComparison} from '../common/timing.js';
import {iterate} from '../common/training.js';
import {dpSgdPrivacy} from '../dp-mnist/privacy.js';
import {poissonSample, privateGradient} from '../dp-mnist/train.js';
import {loopOfGradients, makeCnn, makePrivate, perExampleGradients} from './model.js';

const options = {
  steps: integer(100, 'training steps'),
  batch: integer(256, 'digits of a step, on average', TRAINING_SIZE),
  noise: number(1, 'noise multiplier: noise relative to --clip', '0 or more'),
  clip: number(1, "largest norm of one digit's gradient"),
  lr: number(0.5, 'learning rate'),
  filters: integer(8, 'filters of the first convolution'),
};

const MOMENTUM = 0.9;
const DELTA = 1e-4;
const EVALUATE_EVERY = 10;
const TIMED = 64;

export const demo: Demo<typeof options> = {
  name: 'dp-layers',
  about: 'Trains a tf.layers CNN with differential privacy, without a change to the model code.',
  options,
  async run({steps, batch, noise, clip, lr, filters, seed, backend}, progress) {
    const random = seedrandom(seed);
    const {train, test} = loadDigits(random);
    const original = makeCnn(filters, random);
    const model = makePrivate(original);
    const [network, start] = makeFunctional(model);
    const gradients = perExampleGradients(network);
    const optimizer = optimizers.momentum({learningRate: lr, momentum: MOMENTUM});
    const samplingRate = batch / TRAINING_SIZE;
    const spent = dpSgdPrivacy({samplingRate, noiseMultiplier: noise}, DELTA);
    const testBatch = batchOf(test, [...test.labels.keys()]);
    const evaluate = (parameters: typeof start): number =>
      tf.tidy(() => accuracyOf(network(parameters, testBatch.images), testBatch.labels));
    const history = [{step: 0, accuracy: evaluate(start), epsilon: 0}];
    progress.start(steps, `Training ${sizeOf(start)} parameters with privacy on ${backend}.`);
    let taken = 0;
    const [trained, state] = await iterate(
      [mapParameters(start, (value) => tf.clone(value)), optimizer.init(start)] as const,
      steps,
      ([parameters, state]) => {
        const rows = poissonSample(TRAINING_SIZE, samplingRate, random);
        const settings = {steps, samplingRate, learningRate: lr, clip, noise};
        const mean = privateGradient(gradients, parameters, train, rows, settings, random);
        return [optimizer.update(mean, state, parameters), tf.scalar(rows.length)];
      },
      (_size, step, [parameters]) => {
        taken = step + 1;
        if (taken % EVALUATE_EVERY === 0) {
          history.push({
            step: taken,
            accuracy: evaluate(parameters),
            epsilon: spent(taken).epsilon,
          });
        }
        const {accuracy, epsilon} = history.at(-1)!;
        return progress.step(`accuracy ${percent(accuracy)} | ε ${epsilon.toFixed(2)}`);
      },
    );
    const accuracy = evaluate(trained);
    const comparison = tf.tidy(() => {
      const {images, labels} = batchOf(
        train,
        Array.from({length: Math.min(TIMED, batch)}, (_, row) => row),
      );
      // The model's own variables still have the values from which training started.
      return compareWithLoop(
        () => Object.values(gradients(start, images, labels)),
        () => loopOfGradients(model, images, labels),
        3,
      );
    });
    tf.dispose([start, trained, state, testBatch.images, testBatch.labels] as tf.TensorContainer);
    model.dispose();
    original.dispose();
    return {
      summary: [
        `Test accuracy: ${percent(accuracy)}. Privacy spent in ${taken} steps: ε = ${spent(taken).epsilon.toFixed(2)} at δ = ${DELTA}.`,
        showComparison(
          `Gradients of ${Math.min(TIMED, batch)} examples on ${backend}`,
          'vmap(grad(loss))',
          'a loop of tf.variableGrads',
          comparison,
        ),
      ],
      files: {'dp-layers.svg': await draw(history)},
    };
  },
};

const percent = (fraction: number): string => `${(100 * fraction).toFixed(1)} %`;

function draw(
  history: readonly {step: number; accuracy: number; epsilon: number}[],
): Promise<string> {
  const line = (field: string, title: string, color: string) => ({
    mark: {type: 'line', point: {color}, color},
    encoding: {y: {field, type: 'quantitative', title, axis: {titleColor: color}}},
  });
  return drawSvg({
    data: {values: history},
    encoding: {x: {field: 'step', type: 'quantitative', title: 'training step'}},
    layer: [
      line('accuracy', 'test accuracy', '#4c78a8'),
      line('epsilon', 'privacy spent (ε)', '#e45756'),
    ],
    resolve: {scale: {y: 'independent'}},
  });
}
