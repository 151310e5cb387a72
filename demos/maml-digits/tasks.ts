import * as tf from '@tensorflow/tfjs-core';
import type {PRNG} from 'seedrandom';
import {imageOf, SIDE, type Digits} from '../common/digits.js';

/** Images are taken at half their size: a task is learned from a few of them, again and again. */
export const SMALL = SIDE / 2;

/** A digit, turned by so many quarters: a class of its own. */
export interface RotatedClass {
  readonly digit: number;
  readonly quarters: number;
}

const turned = (digits: readonly number[], quarters: readonly number[]): RotatedClass[] =>
  digits.flatMap((digit) => quarters.map((quarter) => ({digit, quarters: quarter})));

/**
 * Classes to learn to learn from. Those digits look much the same upside down, so they are turned by a quarter only; a 9 would be a 6 upside
 * down, and is left out.
 */
export const trainingClasses: readonly RotatedClass[] = [
  ...turned([0, 1, 2, 5, 8], [0, 1]),
  ...turned([6], [0, 1, 2, 3]),
];

/** Classes that are new to the learner: digits that it has never seen, in any position. */
export const testClasses: readonly RotatedClass[] = turned([3, 4, 7], [0, 1, 2, 3]);

/** A few-shot task, or several: images `[tasks, N, 14, 14, 1]`, labels `[tasks, N]`, to adapt to and others to judge by. */
export type TaskBatch = [
  images: tf.Tensor,
  labels: tf.Tensor,
  testImages: tf.Tensor,
  testLabels: tf.Tensor,
];

export interface TaskShape {
  /** Classes in a task. */
  readonly ways: number;
  /** Images of each class to learn from, and to judge by. */
  readonly shots: number;
  readonly queries: number;
}

/** Draws tasks: some of the classes, in any order, with different images of each. */
export function drawTasks(
  digits: Digits,
  classes: readonly RotatedClass[],
  count: number,
  {ways, shots, queries}: TaskShape,
  random: PRNG,
): TaskBatch {
  const rowsOf = rowsByDigit(digits);
  const draw = <T>(items: readonly T[], number: number): T[] => {
    const pool = [...items];
    return Array.from(
      {length: number},
      () => pool.splice(Math.floor(random() * pool.length), 1)[0]!,
    );
  };
  const [support, query]: Example[][] = [[], []];
  for (let task = 0; task < count; task++) {
    draw(classes, ways).forEach(({digit, quarters}, label) => {
      draw(rowsOf[digit]!, shots + queries).forEach((row, place) => {
        const pixels = rotate(halve(imageOf(digits, row)), quarters);
        (place < shots ? support! : query!).push({pixels, label});
      });
    });
  }
  return [...tensorsOf(support!, count), ...tensorsOf(query!, count)] as TaskBatch;
}

interface Example {
  readonly pixels: Float32Array;
  readonly label: number;
}

function tensorsOf(examples: readonly Example[], tasks: number): tf.Tensor[] {
  const perTask = examples.length / tasks;
  const size = SMALL * SMALL;
  const values = new Float32Array(examples.length * size);
  examples.forEach(({pixels}, index) => values.set(pixels, index * size));
  const labels = examples.map(({label}) => label);
  return [
    tf.tensor(values, [tasks, perTask, SMALL, SMALL, 1]),
    tf.tensor2d(labels, [tasks, perTask], 'int32'),
  ];
}

const rows = new WeakMap<Digits, number[][]>();

function rowsByDigit(digits: Digits): number[][] {
  let lists = rows.get(digits);
  if (lists === undefined) {
    lists = Array.from({length: 10}, () => []);
    for (const [row, label] of digits.labels.entries()) lists[label]!.push(row);
    rows.set(digits, lists);
  }
  return lists;
}

/** Means over two by two pixels. */
export function halve(image: Float32Array): Float32Array {
  return Float32Array.from({length: SMALL * SMALL}, (_, pixel) => {
    const corner = 2 * SIDE * Math.floor(pixel / SMALL) + 2 * (pixel % SMALL);
    const [a, b, c, d] = [0, 1, SIDE, SIDE + 1].map((offset) => image[corner + offset]!);
    return (a! + b! + c! + d!) / 4;
  });
}

/** Turns a square image by quarters, anticlockwise. */
export function rotate(image: Float32Array, quarters: number): Float32Array {
  if (quarters === 0) return image;
  const side = Math.sqrt(image.length);
  const turnedOnce = Float32Array.from(image, (_, pixel) => {
    const [row, column] = [Math.floor(pixel / side), pixel % side];
    return image[column * side + (side - 1 - row)]!;
  });
  return rotate(turnedOnce, quarters - 1);
}
