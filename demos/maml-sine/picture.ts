import * as tf from '@tensorflow/tfjs-core';
import type {Parameters} from '../common/parameters.js';
import {drawSvg} from '../common/plot.js';
import {adapt, network, RANGE, sineAt, type Sine} from './model.js';

const GRID = 81;
const STEPS = [0, 1, 10];

/** A curve and what is made of it before and after adaptation; and how errors fall with the steps. */
export function drawCurves(
  models: {learned: Parameters; joint: Parameters},
  errors: readonly (readonly number[])[],
  sine: Sine,
  points: number,
  learningRate: number,
): Promise<string> {
  const names = {learned: 'MAML', joint: 'trained without adaptation'};
  // Points of the right half only, as in the paper: what lies left must come from what was learned before.
  const xs = Array.from({length: points}, (_, i) => (RANGE * (i + 0.5)) / points);
  const given = xs.map((x) => ({x, y: sineAt(sine, x), curve: 'given points'}));
  const charts = Object.entries(models).map(([key, parameters]) => ({
    title: names[key as keyof typeof names],
    width: 220,
    height: 180,
    layer: [
      {
        data: {values: curvesOf(parameters, sine, xs, learningRate)},
        mark: 'line',
        encoding: {
          x: {field: 'x', type: 'quantitative'},
          y: {field: 'y', type: 'quantitative'},
          color: {field: 'curve', type: 'nominal', title: null, sort: null},
          strokeDash: {
            condition: {test: "datum.curve === 'the curve'", value: [4, 3]},
            value: [1, 0],
          },
        },
      },
      {
        data: {values: given},
        mark: {type: 'point', filled: true, color: 'black'},
        encoding: {
          x: {field: 'x', type: 'quantitative'},
          y: {field: 'y', type: 'quantitative'},
        },
      },
    ],
  }));
  const falls = errors.flatMap((row, model) =>
    row.map((error, step) => ({step, error, model: Object.values(names)[model]})),
  );
  return drawSvg({
    hconcat: [
      ...charts,
      {
        title: 'error of new curves',
        width: 220,
        height: 180,
        data: {values: falls},
        mark: {type: 'line', point: true},
        encoding: {
          x: {field: 'step', type: 'quantitative', title: 'gradient steps'},
          y: {field: 'error', type: 'quantitative', title: 'mean squared error'},
          color: {field: 'model', type: 'nominal', title: null, sort: null},
        },
      },
    ],
    resolve: {scale: {color: 'independent'}},
  });
}

function curvesOf(
  parameters: Parameters,
  sine: Sine,
  givenX: readonly number[],
  learningRate: number,
): {x: number; y: number; curve: string}[] {
  const grid = Array.from({length: GRID}, (_, i) => RANGE * ((2 * i) / (GRID - 1) - 1));
  const column = (values: readonly number[]): tf.Tensor =>
    tf.tensor2d([...values], [values.length, 1]);
  const truth = grid.map((x) => ({x, y: sineAt(sine, x), curve: 'the curve'}));
  const fits = STEPS.flatMap((steps) => {
    const ys = tf.tidy(() => {
      const givenY = column(givenX.map((x) => sineAt(sine, x)));
      const adapted = adapt(parameters, column(givenX), givenY, steps, learningRate);
      return [...network(adapted, column(grid)).dataSync()];
    }) as number[];
    const curve = steps === 0 ? 'before' : `${steps} step${steps === 1 ? '' : 's'}`;
    return grid.map((x, i) => ({x, y: Number(ys[i]!.toFixed(3)), curve}));
  });
  return [...truth, ...fits];
}
