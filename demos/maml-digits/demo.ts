import * as tf from '@tensorflow/tfjs';
import seedrandom from 'seedrandom';
import {grad, makeFunctional, optimizers} from '../../src/index.js';
import {loadDigits} from '../common/digits.js';
import {integer, number} from '../common/options.js';
import type {Parameters} from '../common/parameters.js';
import {drawSvg} from '../common/plot.js';
import type {Demo} from '../common/program.js';
import {compareWithLoop, showComparison} from '../common/timing.js';
import {minimize} from '../common/training.js';
import {learner, makeMlp, metaGradientByLoop} from './model.js';
import {drawTasks, testClasses, trainingClasses} from './tasks.js';

const options = {
  steps: integer(600, 'meta-training steps'),
  tasks: integer(8, 'tasks in a step'),
  ways: integer(5, 'classes in a task', testClasses.length),
  shots: integer(1, 'images of each class to learn from', 20),
  hidden: integer(64, 'units of the two hidden layers'),
  inner: integer(2, 'steps of adaptation in meta-training'),
  adapt: number(0.1, 'learning rate of the adaptation'),
  lr: number(0.003, 'learning rate of the meta-training'),
};

const QUERIES = 5;
const TEST_TASKS = 100;
const TEST_STEPS = [0, 1, 2, 3, 5, 10];

export const demo: Demo<typeof options> = {
  name: 'maml-digits',
  about: 'Learns to tell new rotated digits apart from one image of each, by MAML.',
  options,
  async run(
    {steps, tasks, ways, shots, hidden, inner, adapt: learningRate, lr, seed, backend},
    progress,
  ) {
    const random = seedrandom(seed);
    const {train} = loadDigits(random);
    const model = makeMlp(ways, hidden, random);
    const [network, start] = makeFunctional(model);
    const {metaLoss, taskLoss, accuracies} = learner(network, ways);
    const shape = {ways, shots, queries: QUERIES};
    const adaptation = {steps: inner, learningRate};
    const draw = (count: number, classes = trainingClasses) =>
      drawTasks(train, classes, count, shape, random);

    progress.start(
      steps,
      `Meta-training on ${backend}: tasks of ${ways} classes, ${shots} image${shots === 1 ? '' : 's'} of each.`,
    );
    const learned = await minimize(metaLoss(adaptation), start, {
      optimizer: optimizers.adam({learningRate: lr}),
      steps,
      batch: () => draw(tasks),
      onStep: (loss) => progress.step(`loss ${loss.toFixed(2)}`),
    });

    const test = draw(TEST_TASKS, testClasses);
    const curve = (p: Parameters): number[] =>
      TEST_STEPS.map((count) =>
        tf.tidy(() => tf.mean(accuracies(p, test, {steps: count, learningRate})).dataSync()[0]!),
      );
    const [before, after] = [curve(start), curve(learned)];
    const comparison = tf.tidy(() => {
      const batch = draw(tasks);
      return compareWithLoop(
        () => Object.values(grad(metaLoss(adaptation))(learned, ...batch)),
        () => metaGradientByLoop(taskLoss(adaptation), learned, batch),
        3,
      );
    });
    tf.dispose([start, learned, test]);
    model.dispose();
    const percent = (accuracy: number): string => `${(100 * accuracy).toFixed(1)} %`;
    return {
      summary: [
        `Accuracy in ${TEST_TASKS} tasks of new digits after ${TEST_STEPS.at(-1)} steps of adaptation: ${percent(after.at(-1)!)}; ` +
          `from random weights: ${percent(before.at(-1)!)}; by chance: ${percent(1 / ways)}.`,
        showComparison(
          `Meta-gradient of ${tasks} tasks on ${backend}`,
          'grad(mean(vmap(…)))',
          'a loop of grad over tasks',
          comparison,
        ),
      ],
      files: {'maml-digits.svg': await drawAccuracies({MAML: after, 'random weights': before})},
    };
  },
};

function drawAccuracies(curves: Record<string, number[]>): Promise<string> {
  const values = Object.entries(curves).flatMap(([start, accuracies]) =>
    accuracies.map((accuracy, i) => ({start, steps: TEST_STEPS[i], accuracy})),
  );
  return drawSvg({
    data: {values},
    mark: {type: 'line', point: true},
    encoding: {
      x: {field: 'steps', type: 'quantitative', title: 'steps of adaptation'},
      y: {field: 'accuracy', type: 'quantitative', title: 'accuracy in tasks of new digits'},
      color: {field: 'start', type: 'nominal', title: 'from', sort: null},
    },
  });
}
