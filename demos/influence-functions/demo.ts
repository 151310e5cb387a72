import * as tf from '@tensorflow/tfjs-core';
import seedrandom, {type PRNG} from 'seedrandom';
import {vmap} from '../../src/index.js';
import {digitGrid, GREEN, RED, type Cell} from '../common/digitGrid.js';
import {batchOf, imageOf, loadDigits, type Digits} from '../common/digits.js';
import {integer, number} from '../common/options.js';
import {drawSvg} from '../common/plot.js';
import type {Demo} from '../common/program.js';
import {compareWithLoop, showComparison} from '../common/timing.js';
import {correlation, exampleLoss, influences, leaveOneOut, train, type Data} from './model.js';

const options = {
  digits: integer(400, 'training digits, half of them of each label'),
  retrain: integer(48, 'how many of them are left out, one at a time, as a check'),
  penalty: number(5, 'weight of the penalty on large weights'),
};

/** Two labels that are easily confused. */
const LABELS = [4, 9] as const;
const TEST_DIGITS = 200;
const NEWTON_STEPS = 8;
/** Pixels are averaged over squares of so many by so many. */
const POOL = 2;
const SHOWN = 7;
/** Digits whose retraining is timed. */
const TIMED = 8;

export const demo: Demo<typeof options> = {
  name: 'influence-functions',
  about: 'Finds the training digits that helped and harmed a decision most.',
  options,
  async run({digits: count, retrain, penalty, seed, backend}, progress) {
    const random = seedrandom(seed);
    const digits = loadDigits(random);
    tf.engine().startScope(this.name);
    try {
      const rows = rowsOf(digits.train, Math.ceil(count / 2));
      const data = dataOf(digits.train, rows);
      const testRows = rowsOf(digits.test, TEST_DIGITS / 2);
      const test = dataOf(digits.test, testRows);
      progress.start(
        3,
        `Training on ${rows.length} digits of ${LABELS.join(' and ')} on ${backend}.`,
      );
      const start = tf.zeros([data.x.shape[1]!]);
      const w = tf.tidy(() => train(data, penalty, start, tf.ones([rows.length]), NEWTON_STEPS));
      const testLosses = tf.tidy(() => [
        ...vmap(exampleLoss, {inDims: [null, 0, 0]})(w, test.x, test.y).dataSync(),
      ]) as number[];
      // The digit that is most surely wrong.
      const worst = testLosses.indexOf(Math.max(...testLosses));
      const [x, y] = [test.x, test.y].map((all) => tf.gather(all, worst)) as [tf.Tensor, tf.Tensor];
      await progress.step('trained');

      const influence = tf.tidy(() => [
        ...influences(data, penalty, w, x, y).dataSync(),
      ]) as number[];
      const order = [...influence.keys()].sort((a, b) => influence[b]! - influence[a]!);
      await progress.step('influences');

      const checked = rowsToCheck(influence, Math.min(retrain, rows.length), random);
      const actual = tf.tidy(() => [
        ...leaveOneOut(data, penalty, w, x, y, checked).dataSync(),
      ]) as number[];
      const predicted = checked.map((row) => influence[row]!);
      await progress.step('retrained');

      const few = checked.slice(0, TIMED);
      const comparison = compareWithLoop(
        () => [leaveOneOut(data, penalty, w, x, y, few)],
        () => [tf.concat(few.map((row) => leaveOneOut(data, penalty, w, x, y, [row])))],
        3,
      );
      const right = testLosses.filter((loss) => loss < Math.LN2).length;
      const pictureOf = (row: number): Cell => ({
        image: imageOf(digits.train, rows[row]!),
        captions: [{digit: digits.train.labels[rows[row]!]!, colour: GREEN}],
      });
      const label = digits.test.labels[testRows[worst]!]!;
      const asked: Cell = {
        image: imageOf(digits.test, testRows[worst]!),
        captions: [
          {digit: label, colour: GREEN},
          {digit: LABELS.find((other) => other !== label)!, colour: RED},
        ],
      };
      const [helpful, harmful] = [order.slice(0, SHOWN), order.slice(-SHOWN).reverse()];
      return {
        summary: [
          `Test accuracy: ${((100 * right) / testRows.length).toFixed(1)} % of ${testRows.length} digits.`,
          `Influence against retraining without each of ${checked.length} digits: correlation ${correlation(predicted, actual).toFixed(3)}.`,
          showComparison(
            `Retraining without each of ${few.length} digits on ${backend}`,
            'vmap(train)',
            'a loop',
            comparison,
          ),
        ],
        files: {
          'influence-functions.png': digitGrid(
            [asked, ...helpful.map(pictureOf), asked, ...harmful.map(pictureOf)],
            1 + SHOWN,
          ),
          'influence-functions.svg': await draw(predicted, actual),
        },
      };
    } finally {
      tf.engine().endScope();
    }
  },
};

/** So many rows of each of the two labels. */
function rowsOf({labels}: Digits, each: number): number[] {
  return LABELS.flatMap((label) =>
    [...labels.keys()].filter((row) => labels[row] === label).slice(0, each),
  );
}

/** Pixels, averaged over small squares, and a constant for the bias. */
function dataOf(digits: Digits, rows: readonly number[]): Data {
  return tf.tidy(() => {
    const {images, labels} = batchOf(digits, rows);
    const pixels = tf.reshape(tf.avgPool(images, POOL, POOL, 'valid'), [rows.length, -1]);
    return {
      x: tf.concat([pixels, tf.ones([rows.length, 1])], 1),
      y: tf.cast(tf.equal(labels, LABELS[1]), 'float32'),
    };
  });
}

/** Half of them the rows with the largest influence, of either sign, half any others. */
function rowsToCheck(influence: readonly number[], count: number, random: PRNG): number[] {
  const rows = [...influence.keys()].sort(
    (a, b) => Math.abs(influence[b]!) - Math.abs(influence[a]!),
  );
  const largest = rows.splice(0, Math.ceil(count / 2));
  while (largest.length < count) {
    largest.push(...rows.splice(Math.floor(random() * rows.length), 1));
  }
  return largest;
}

function draw(predicted: readonly number[], actual: readonly number[]): Promise<string> {
  const values = predicted.map((influence, i) => ({influence, retrained: actual[i]}));
  return drawSvg({
    data: {values},
    mark: 'point',
    encoding: {
      x: {field: 'influence', type: 'quantitative', title: 'influence'},
      y: {field: 'retrained', type: 'quantitative', title: 'change of the loss by retraining'},
    },
  });
}
