import * as tf from '@tensorflow/tfjs';
import seedrandom from 'seedrandom';
import {makeFunctional, optimizers} from '../../src/index.js';
import {batchOf, loadDigits, randomRows, type Digits} from '../common/digits.js';
import {accuracyOf} from '../common/layers.js';
import {integer} from '../common/options.js';
import type {Parameters} from '../common/parameters.js';
import {drawSvg} from '../common/plot.js';
import type {Demo} from '../common/program.js';
import {compareWithLoop, median, showComparison} from '../common/timing.js';
import {minimize} from '../common/training.js';
import {peakBytes} from './memory.js';
import {
  gradientNorms,
  loopOfGradients,
  lossOf,
  makeCnn,
  perSampleGradients,
  type Network,
} from './model.js';

const options = {
  width: integer(32, 'filters of the first convolution; the layers after it grow with it'),
  steps: integer(60, 'training steps of 32 digits'),
  examples: integer(512, 'test digits whose gradients are measured', 1000),
  batch: integer(16, 'gradients that exist at a time, and that are timed'),
  memory: integer(128, 'test digits for which the peak of memory is measured', 1000),
};

/** Sizes of chunks for which the peak of memory is measured, beside all digits at once. */
const CHUNKS = [4, 16, 64];

const TRAINING_BATCH = 32;

export const demo: Demo<typeof options> = {
  name: 'per-sample-gradients',
  about:
    "Takes the gradient of each digit by itself through a tf.layers CNN, and shows how the gradients' norms are spread.",
  options,
  async run({width, steps, examples, batch, memory, seed, backend}, progress) {
    const random = seedrandom(seed);
    const {train: training, test} = loadDigits(random);
    const model = makeCnn(width, random);
    const [network, start] = makeFunctional(model);
    const rows = firstRows(examples);
    try {
      const before = normsOf(network, start, test, rows, batch);
      progress.start(steps, `Training ${model.countParams()} parameters on ${backend}.`);
      const trained = await minimize(lossOf(network), start, {
        optimizer: optimizers.adam({learningRate: 1e-3}),
        steps,
        batch: (): [tf.Tensor, tf.Tensor] => {
          const {images, labels} = batchOf(training, randomRows(training, TRAINING_BATCH, random));
          return [images, labels];
        },
        onStep: (loss) => progress.step(`loss ${loss.toFixed(3)}`),
      });
      try {
        const after = normsOf(network, trained, test, rows, batch);
        model.setWeights(Object.values(trained));
        const comparison = tf.tidy(() => {
          const {images, labels} = batchOf(training, firstRows(batch));
          return compareWithLoop(
            () => Object.values(perSampleGradients(network)(trained, images, labels)),
            () => loopOfGradients(model, images, labels),
            3,
          );
        });
        const peaks = await peaksByChunk(network, trained, test, firstRows(memory));
        return {
          summary: [
            `Test accuracy: ${(100 * after.accuracy).toFixed(1)} % of ${examples} digits.`,
            `Median norm of a digit's gradient: ${median(before.norms).toFixed(2)} before training, ${median(after.norms).toFixed(3)} after it; ` +
              `the tenth of the digits with the largest norms makes up ${(100 * shareOfLargest(after.norms)).toFixed(0)} % of their sum.`,
            showComparison(
              `Gradients of ${batch} examples on ${backend}`,
              'vmap(grad(loss))',
              'a loop of tf.variableGrads',
              comparison,
            ),
            `Peak of memory for the norms of ${memory} gradients on ${backend}: ${peaks.join(', ')}.`,
          ],
          files: {'per-sample-gradients.svg': await histogram(before.norms, after.norms)},
        };
      } finally {
        tf.dispose(trained);
      }
    } finally {
      tf.dispose(start);
      model.dispose();
    }
  },
};

const firstRows = (count: number): number[] => Array.from({length: count}, (_, row) => row);

function normsOf(
  network: Network,
  parameters: Parameters,
  digits: Digits,
  rows: readonly number[],
  chunkSize: number,
): {norms: number[]; accuracy: number} {
  return tf.tidy(() => {
    const {images, labels} = batchOf(digits, rows);
    const norms = gradientNorms(network, chunkSize)(parameters, images, labels);
    return {
      norms: [...norms.dataSync()],
      accuracy: accuracyOf(network(parameters, images), labels),
    };
  });
}

/** How much memory the norms take, for chunks of each size and without. */
async function peaksByChunk(
  network: Network,
  parameters: Parameters,
  digits: Digits,
  rows: readonly number[],
): Promise<string[]> {
  const {images, labels} = batchOf(digits, rows);
  const peaks: string[] = [];
  for (const chunkSize of [...CHUNKS.filter((size) => size < rows.length), undefined]) {
    const bytes = await peakBytes(() =>
      gradientNorms(network, chunkSize)(parameters, images, labels),
    );
    const how = chunkSize === undefined ? 'without chunks' : `with chunkSize ${chunkSize}`;
    peaks.push(`${(bytes / 1e6).toFixed(1)} MB ${how}`);
  }
  tf.dispose([images, labels]);
  return peaks;
}

/** What part of the sum the largest tenth has. */
function shareOfLargest(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => b - a);
  const sum = (some: readonly number[]): number => some.reduce((a, b) => a + b, 0);
  return sum(sorted.slice(0, Math.ceil(sorted.length / 10))) / sum(sorted);
}

const BINS_PER_DECADE = 4;

/** A histogram over logarithms: the norms range over many orders of magnitude. */
function histogram(before: readonly number[], after: readonly number[]): Promise<string> {
  const bars = Object.entries({before, after}).flatMap(([when, norms]) => {
    const counts = new Map<number, number>();
    for (const norm of norms) {
      const bin = Math.floor(Math.log10(Math.max(norm, 1e-6)) * BINS_PER_DECADE);
      counts.set(bin, (counts.get(bin) ?? 0) + 1);
    }
    return [...counts].map(([bin, digits]) => ({
      when: `${when} training`,
      from: 10 ** (bin / BINS_PER_DECADE),
      to: 10 ** ((bin + 1) / BINS_PER_DECADE),
      digits,
    }));
  });
  return drawSvg({
    data: {values: bars},
    mark: {type: 'rect', opacity: 0.6},
    encoding: {
      x: {
        field: 'from',
        type: 'quantitative',
        scale: {type: 'log'},
        title: "norm of a digit's gradient",
      },
      x2: {field: 'to'},
      y: {field: 'digits', type: 'quantitative', title: 'test digits'},
      y2: {datum: 0},
      color: {field: 'when', type: 'nominal', title: null, sort: 'descending'},
    },
  });
}
