import * as tf from '@tensorflow/tfjs-core';
import seedrandom from 'seedrandom';
import {optimizers} from '../../src/index.js';
import {integer, number} from '../common/options.js';
import {drawSvg} from '../common/plot.js';
import type {Demo} from '../common/program.js';
import {compareWithLoop, showComparison} from '../common/timing.js';
import {minimize} from '../common/training.js';
import {
  equationLoss,
  initialize,
  networkSolution,
  onGrid,
  relativeError,
  residual,
  residuals,
  type Problem,
} from './model.js';

const options = {
  steps: integer(2000, 'training steps'),
  points: integer(128, 'points of space and time in a step'),
  hidden: integer(32, 'units of the two hidden layers'),
  lr: number(0.005, 'learning rate at the beginning; it falls to zero'),
  viscosity: number(0.05, 'how thick the fluid is'),
  smoothness: number(1.1, 'above 1: how gently the wave leans at the start'),
};

const GRID = Array.from({length: 41}, (_, i) => i / 40);
const TIMES = [0, 0.25, 0.5, 1];

export const demo: Demo<typeof options> = {
  name: 'burgers',
  about: "Solves Burgers' equation with a network that knows nothing but the equation.",
  options,
  async run({steps, points, hidden, lr, viscosity, smoothness, seed, backend}, progress) {
    const random = seedrandom(seed);
    const problem: Problem = {viscosity, smoothness};
    const start = initialize(hidden, random);
    const draw = (): tf.Tensor => tf.randomUniform([points], 0, 1, 'float32', random.int32());
    const rate = tf.tidy(() => tf.variable(tf.scalar(lr)));
    progress.start(steps, `Training on ${backend}.`);
    const learned = await minimize(equationLoss(problem), start, {
      optimizer: optimizers.adam({learningRate: rate}),
      steps,
      batch: (step): [tf.Tensor, tf.Tensor] => {
        rate.assign(tf.scalar(lr * (1 - step / steps)));
        return [draw(), draw()];
      },
      onStep: (loss) => progress.step(`residual ${Math.sqrt(loss).toExponential(1)}`),
    });
    const [before, after] = [start, learned].map((p) => onGrid(problem, p, GRID, TIMES));
    const comparison = tf.tidy(() => {
      const [x, t] = [draw(), draw()];
      const pairs = tf.unstack(tf.stack([x, t], 1)).map((pair) => tf.unstack(pair));
      const solution = networkSolution(problem)(learned);
      return compareWithLoop(
        () => [residuals(problem)(learned, x, t)],
        () => [tf.stack(pairs.map(([px, pt]) => residual(problem, solution, px!, pt!)))],
        3,
      );
    });
    tf.dispose([start, learned, rate]);
    return {
      summary: [
        `Error of the solution, relative to the exact one: ${relativeError(before!).toExponential(1)} before training, ${relativeError(after!).toExponential(1)} after it.`,
        showComparison(
          `Residuals at ${points} points on ${backend}`,
          'vmap(jvp of jvp)',
          'a loop over points',
          comparison,
        ),
      ],
      files: {'burgers.svg': await drawSolution(after!)},
    };
  },
};

function drawSolution({network, exact}: ReturnType<typeof onGrid>): Promise<string> {
  const values = TIMES.flatMap((t, row) =>
    GRID.flatMap((x, column) => {
      const at = row * GRID.length + column;
      const point = {x, time: `t = ${t}`};
      return [
        {...point, u: round(network[at]!), which: 'network'},
        ...(column % 2 === 0 ? [{...point, u: round(exact[at]!), which: 'exact'}] : []),
      ];
    }),
  );
  const encoding = {
    x: {field: 'x', type: 'quantitative'},
    y: {field: 'u', type: 'quantitative'},
    color: {field: 'time', type: 'nominal', title: null, sort: null},
  };
  return drawSvg({
    title: 'lines: network; circles: exact',
    data: {values},
    layer: [
      {transform: [{filter: "datum.which === 'network'"}], mark: 'line', encoding},
      {transform: [{filter: "datum.which === 'exact'"}], mark: {type: 'point', size: 16}, encoding},
    ],
  });
}

const round = (value: number): number => Number(value.toFixed(4));
