import * as tf from '@tensorflow/tfjs';
import seedrandom, {type PRNG} from 'seedrandom';
import {makeFunctional} from '../../src/index.js';
import {batchOf, CLASSES, loadDigits, SIDE, type Digits} from '../common/digits.js';
import {seedFrom} from '../common/layers.js';
import {integer} from '../common/options.js';
import {drawSvg} from '../common/plot.js';
import type {Demo} from '../common/program.js';
import {compareWithLoop, showComparison} from '../common/timing.js';
import {averageOver, byContraction, byLoop, byProducts, type Network} from './kernels.js';

const options = {
  digits: integer(4, 'digits of each label'),
  timed: integer(6, 'digits of the kernel that is timed'),
  filters: integer(8, 'filters of the first convolution'),
};

export const demo: Demo<typeof options> = {
  name: 'neural-tangent-kernels',
  about: 'Computes the neural tangent kernel of a CNN on digits in two ways.',
  options,
  async run({digits: perLabel, timed, filters, seed, backend}, progress) {
    const random = seedrandom(seed);
    const {train} = loadDigits(random);
    const rows = rowsByLabel(train, perLabel);
    const model = makeCnn(filters, random);
    tf.engine().startScope(this.name);
    try {
      const [batched, parameters] = makeFunctional(model);
      const network: Network = (p, x) => tf.squeeze(batched(p, tf.expandDims(x)), [0]);
      const {images} = batchOf(train, rows);
      progress.start(
        3,
        `Kernels of ${rows.length} digits and ${model.countParams()} parameters on ${backend}.`,
      );
      const values = tf.tidy(() => [
        ...averageOver(byContraction(network)(parameters, images, images)).dataSync(),
      ]) as number[];
      const few = tf.slice(images, 0, Math.min(timed, rows.length));
      await progress.step('kernel');
      const [contraction, products] = [byContraction, byProducts].map((way) =>
        compareWithLoop(
          () => [way(network)(parameters, few, few)],
          () => [byLoop(model, few, few)],
          3,
        ),
      );
      await progress.step('timing');
      const svg = await draw(values, rows, train);
      await progress.step('picture');
      const count = `Kernel of ${few.shape[0]} digits on ${backend}`;
      return {
        summary: [
          `Two different digits of one label have a correlation of ${likeness(values, rows, train, true).toFixed(3)} on average, of different ` +
            `labels ${likeness(values, rows, train, false).toFixed(3)}.`,
          showComparison(count, 'Jacobian contraction', 'a loop of tf.variableGrads', contraction!),
          showComparison(count, 'vjp, then jvp', 'a loop of tf.variableGrads', products!),
        ],
        files: {'neural-tangent-kernels.svg': svg},
      };
    } finally {
      tf.engine().endScope();
      model.dispose();
    }
  },
};

export function makeCnn(filters: number, random: PRNG): tf.Sequential {
  const initializer = () => tf.initializers.glorotNormal({seed: seedFrom(random)});
  const convolution = (width: number, rest: object) =>
    tf.layers.conv2d({
      filters: width,
      kernelSize: 3,
      strides: 2,
      activation: 'relu',
      kernelInitializer: initializer(),
      ...rest,
    });
  return tf.sequential({
    layers: [
      convolution(filters, {inputShape: [SIDE, SIDE, 1]}),
      convolution(2 * filters, {}),
      tf.layers.flatten(),
      tf.layers.dense({units: CLASSES, kernelInitializer: initializer()}),
    ],
  });
}

/** The first rows of each label, label by label. */
function rowsByLabel(digits: Digits, perLabel: number): number[] {
  return Array.from({length: CLASSES}, (_, label) =>
    [...digits.labels.keys()].filter((row) => digits.labels[row] === label).slice(0, perLabel),
  ).flat();
}

/** `K(x, x') / √(K(x, x) K(x', x'))`. */
const correlation = (kernel: readonly number[], count: number, i: number, j: number): number =>
  kernel[i * count + j]! / Math.sqrt(kernel[i * count + i]! * kernel[j * count + j]!);

function likeness(
  kernel: readonly number[],
  rows: readonly number[],
  {labels}: Digits,
  sameLabel: boolean,
): number {
  let [sum, pairs] = [0, 0];
  rows.forEach((row, i) =>
    rows.forEach((other, j) => {
      if (i === j || (labels[row] === labels[other]) !== sameLabel) return;
      sum += correlation(kernel, rows.length, i, j);
      pairs++;
    }),
  );
  return sum / pairs;
}

function draw(
  kernel: readonly number[],
  rows: readonly number[],
  {labels}: Digits,
): Promise<string> {
  const count = rows.length;
  const cells = rows.flatMap((_, i) =>
    rows.map((__, j) => ({i, j, correlation: Number(correlation(kernel, count, i, j).toFixed(3))})),
  );
  const first = rows.flatMap((row, i) =>
    i > 0 && labels[row] === labels[rows[i - 1]!] ? [] : [i],
  );
  const labelOf = first.map((i) => `datum.value === ${i} ? '${labels[rows[i]!]}'`).join(' : ');
  const axis = {values: first, labelExpr: `${labelOf} : ''`, title: 'digit', domain: false};
  const scale = {paddingInner: 0, paddingOuter: 0};
  return drawSvg({
    data: {values: cells},
    width: 320,
    height: 320,
    mark: {type: 'rect', aria: false}, // a label for each cell would make up most of the file
    encoding: {
      x: {field: 'j', type: 'ordinal', axis: {...axis, labelAngle: 0}, scale},
      y: {field: 'i', type: 'ordinal', axis, scale},
      color: {field: 'correlation', type: 'quantitative', scale: {scheme: 'viridis'}},
    },
  });
}
