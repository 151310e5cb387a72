import * as tf from '@tensorflow/tfjs-core';
import seedrandom from 'seedrandom';
import {grad, optimizers} from '../../src/index.js';
import {integer, number} from '../common/options.js';
import type {Parameters} from '../common/parameters.js';
import type {Demo} from '../common/program.js';
import {compareWithLoop, showComparison} from '../common/timing.js';
import {minimize} from '../common/training.js';
import {
  drawBatch,
  drawSine,
  errorsBySteps,
  initialize,
  jointLoss,
  metaGradientByLoop,
  metaLoss,
} from './model.js';
import {drawCurves} from './picture.js';

const options = {
  steps: integer(2000, 'meta-training steps'),
  tasks: integer(25, 'sine curves in a step'),
  points: integer(10, 'points of a curve to adapt to'),
  hidden: integer(40, 'units of the two hidden layers'),
  adapt: number(0.01, 'learning rate of the adaptation'),
  lr: number(0.003, 'learning rate of the meta-training'),
};

/** Curves on which both ways are judged, and the steps of adaptation there. */
const TEST_TASKS = 200;
const TEST_STEPS = 10;

export const demo: Demo<typeof options> = {
  name: 'maml-sine',
  about: 'Learns to learn sine curves from a few points each, by MAML.',
  options,
  async run({steps, tasks, points, hidden, adapt: rate, lr, seed, backend}, progress) {
    const random = seedrandom(seed);
    const start = initialize(hidden, random);
    const draw = (count: number) =>
      drawBatch(
        Array.from({length: count}, () => drawSine(random)),
        points,
        random,
      );
    const test = draw(TEST_TASKS);
    const train = (loss: typeof jointLoss): Promise<Parameters> =>
      minimize(loss, start, {
        optimizer: optimizers.adam({learningRate: lr}),
        steps,
        batch: () => draw(tasks),
        onStep: (value) => progress.step(`error ${value.toFixed(2)}`),
      });

    progress.start(steps, `Meta-training on ${backend}.`);
    const learned = await train(metaLoss(rate));
    progress.start(steps, `Training without adaptation, for comparison.`);
    const joint = await train(jointLoss);

    const errors = [learned, joint].map((p) => errorsBySteps(p, test, TEST_STEPS, rate));
    const comparison = tf.tidy(() => {
      const batch = draw(tasks);
      return compareWithLoop(
        () => Object.values(grad(metaLoss(rate))(learned, ...batch)),
        () => metaGradientByLoop(rate, learned, batch),
      );
    });
    const svg = await drawCurves({learned, joint}, errors, {amplitude: 3, phase: 1}, points, rate);
    tf.dispose([start, learned, joint, test]);
    const show = ([before, one, ...more]: number[]): string =>
      `${before!.toFixed(2)} before adaptation, ${one!.toFixed(2)} after 1 step, ${more.at(-1)!.toFixed(2)} after ${TEST_STEPS}`;
    return {
      summary: [
        `Mean squared error of ${TEST_TASKS} new curves from ${points} points each, by MAML: ${show(errors[0]!)}.`,
        `Trained on all curves without adaptation: ${show(errors[1]!)}.`,
        showComparison(
          `Meta-gradient of ${tasks} tasks on ${backend}`,
          'grad(mean(vmap(…)))',
          'a loop of grad over tasks',
          comparison,
        ),
      ],
      files: {'maml-sine.svg': svg},
    };
  },
};
