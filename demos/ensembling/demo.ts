import * as tf from '@tensorflow/tfjs';
import seedrandom, {type PRNG} from 'seedrandom';
import {batchOf, loadDigits, randomRows, SIDE, type Digits} from '../common/digits.js';
import {accuracyOf} from '../common/layers.js';
import {choice, integer} from '../common/options.js';
import {drawSvg} from '../common/plot.js';
import type {Demo} from '../common/program.js';
import {iterate} from '../common/training.js';
import {ensembleOf, makeMlps} from './model.js';
import {measureSpeedups} from './speedup.js';

const options = {
  models: integer(10, 'networks in the ensemble'),
  hidden: integer(128, 'units of the two hidden layers'),
  steps: integer(100, 'training steps'),
  batch: integer(32, 'digits of a step'),
  digits: choice('different', 'same or different digits for the models in a step', [
    'same',
    'different',
  ]),
};

const EVALUATE_EVERY = 10;

export const demo: Demo<typeof options> = {
  name: 'ensembling',
  about: 'Trains several tf.layers networks at once, and lets them vote.',
  options,
  async run({models: count, hidden, steps, batch, digits, seed, backend}, progress) {
    const random = seedrandom(seed);
    const {train, test} = loadDigits(random);
    const models = makeMlps(count, hidden, random);
    const sameBatch = digits === 'same';
    const ensemble = ensembleOf(models, sameBatch);
    const testBatch = batchOf(test, [...test.labels.keys()]);
    const evaluate = (step: number, parameters: typeof ensemble.start.parameters): Accuracies =>
      tf.tidy(() => ({
        step,
        ...accuracies(ensemble.predict(parameters, testBatch.images), testBatch.labels),
      }));
    const batchFor = () =>
      sameBatch
        ? batchOf(train, randomRows(train, batch, random))
        : batchPerModel(train, count, batch, random);
    try {
      const history = [evaluate(0, ensemble.start.parameters)];
      progress.start(steps, `Training ${count} networks on ${backend}, on ${digits} digits.`);
      const {parameters, state} = await iterate(
        ensemble.start,
        steps,
        (members) => {
          const {images, labels} = batchFor();
          return ensemble.step(members, images, labels);
        },
        (loss, step, members) => {
          if ((step + 1) % EVALUATE_EVERY === 0)
            history.push(evaluate(step + 1, members.parameters));
          return progress.step(`loss ${loss.toFixed(3)}`);
        },
      );
      const last = evaluate(steps, parameters);
      tf.dispose([parameters, state as tf.TensorContainer]);
      const speedups = tf.tidy(() => {
        const {images, labels} = batchFor();
        return measureSpeedups(models, sameBatch, images, labels, backend);
      }) as string[];
      const mean = last.members.reduce((sum, accuracy) => sum + accuracy / count, 0);
      return {
        summary: [
          `Test accuracy of the networks: ${percent(mean)} on average, ${percent(Math.max(...last.members))} for the best; together: ${percent(last.together)}.`,
          ...speedups,
        ],
        files: {'ensembling.svg': await draw(history)},
      };
    } finally {
      tf.dispose(testBatch as unknown as tf.TensorContainer);
      models.forEach((model) => model.dispose());
    }
  },
};

/** Digits of its own for each model: images `[models, B, 28, 28, 1]`, labels `[models, B]`. */
function batchPerModel(
  digits: Digits,
  models: number,
  batch: number,
  random: PRNG,
): {images: tf.Tensor; labels: tf.Tensor} {
  const {images, labels} = batchOf(digits, randomRows(digits, models * batch, random));
  return {
    images: tf.reshape(images, [models, batch, SIDE, SIDE, 1]),
    labels: tf.reshape(labels, [models, batch]),
  };
}

interface Accuracies {
  readonly step: number;
  /** Of each network. */
  readonly members: number[];
  /** Of the mean of their probabilities. */
  readonly together: number;
}

function accuracies(logits: tf.Tensor, labels: tf.Tensor): Omit<Accuracies, 'step'> {
  const vote = tf.mean(tf.softmax(logits), 0);
  return {
    members: tf.unstack(logits).map((own) => accuracyOf(own, labels)),
    together: accuracyOf(vote, labels),
  };
}

const percent = (fraction: number): string => `${(100 * fraction).toFixed(1)} %`;

function draw(history: readonly Accuracies[]): Promise<string> {
  const lines = history.flatMap(({step, members, together}) => [
    ...members.map((accuracy, index) => ({step, accuracy, line: `${index}`, kind: 'one network'})),
    {step, accuracy: together, line: 'together', kind: 'all together'},
  ]);
  return drawSvg({
    data: {values: lines},
    mark: 'line',
    encoding: {
      x: {field: 'step', type: 'quantitative', title: 'training step'},
      y: {field: 'accuracy', type: 'quantitative', title: 'test accuracy', scale: {zero: false}},
      detail: {field: 'line', type: 'nominal'},
      color: {
        field: 'kind',
        type: 'nominal',
        title: null,
        scale: {domain: ['one network', 'all together'], range: ['#bbb', '#c33']},
      },
      strokeWidth: {
        condition: {test: "datum.line === 'together'", value: 3},
        value: 1,
      },
    },
  });
}
