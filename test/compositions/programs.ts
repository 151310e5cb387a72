import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';

/**
 * Small random programs on vectors of three numbers, each given twice: in tfjs, and in plain JavaScript in double precision. All are smooth and
 * bounded, so that their derivatives can be had by differences.
 */
export const SIZE = 3;

export type Vector = readonly number[];
export type VectorFunction = (x: Vector) => number[];
export type TensorFunction = (x: tf.Tensor) => tf.Tensor;

interface Operation {
  readonly tensor: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;
  readonly vector: (a: Vector, b: Vector) => number[];
}

const MATRIX = [
  [0.5, -0.3, 0.2],
  [0.1, 0.4, -0.6],
  [-0.2, 0.3, 0.5],
];

const each =
  (f: (a: number, b: number) => number) =>
  (a: Vector, b: Vector): number[] =>
    a.map((value, i) => f(value, b[i]!));

const total = (a: Vector): number => a.reduce((sum, value) => sum + value, 0);

const operations: Readonly<Record<string, Operation>> = {
  sin: {tensor: (a) => tf.sin(a), vector: each(Math.sin)},
  tanh: {tensor: (a) => tf.tanh(a), vector: each(Math.tanh)},
  sigmoid: {tensor: (a) => tf.sigmoid(a), vector: each((a) => 1 / (1 + Math.exp(-a)))},
  bell: {tensor: (a) => tf.exp(tf.neg(tf.square(a))), vector: each((a) => Math.exp(-a * a))},
  mul: {tensor: (a, b) => tf.mul(a, b), vector: each((a, b) => a * b)},
  sub: {tensor: (a, b) => tf.sub(a, b), vector: each((a, b) => a - b)},
  ratio: {
    tensor: (a, b) => tf.div(a, tf.add(tf.square(b), 2)),
    vector: each((a, b) => a / (b * b + 2)),
  },
  matrix: {
    tensor: (a) => tf.matMul(tf.tensor2d(MATRIX), tf.reshape(a, [SIZE, 1])).reshape([SIZE]),
    vector: (a) => MATRIX.map((row) => total(row.map((value, i) => value * a[i]!))),
  },
  softmax: {
    tensor: (a) => tf.softmax(a),
    vector: (a) => {
      const powers = a.map(Math.exp);
      return powers.map((power) => power / total(powers));
    },
  },
  center: {
    tensor: (a) => tf.sub(a, tf.mean(a)),
    vector: (a) => a.map((value) => value - total(a) / SIZE),
  },
  roll: {
    tensor: (a) => tf.concat([tf.slice(a, 1, SIZE - 1), tf.slice(a, 0, 1)]),
    vector: (a) => [...a.slice(1), a[0]!],
  },
  running: {
    tensor: (a) => tf.cumsum(tf.mul(a, 0.5)),
    vector: (a) => a.map((_, i) => 0.5 * total(a.slice(0, i + 1))),
  },
  norm: {
    tensor: (a, b) => tf.mul(b, tf.sqrt(tf.add(tf.sum(tf.square(a)), 1))),
    vector: (a, b) => b.map((value) => value * Math.sqrt(total(a.map((v) => v * v)) + 1)),
  },
};

/** One step applies an operation to two earlier values, counted back from the newest. */
interface Step {
  readonly operation: string;
  readonly a: number;
  readonly b: number;
}

export interface Program {
  readonly text: string;
  readonly tensor: TensorFunction;
  readonly vector: VectorFunction;
}

export const programs: fc.Arbitrary<Program> = fc
  .array(
    fc.record<Step>({
      operation: fc.constantFrom(...Object.keys(operations)),
      a: fc.nat(3),
      b: fc.nat(3),
    }),
    {minLength: 1, maxLength: 4},
  )
  .map((steps) => ({
    text: steps.map(({operation, a, b}) => `${operation}(-${a}, -${b})`).join(' → '),
    tensor: (x) => execute(steps, x, ({tensor}) => tensor),
    vector: (x) => [...execute<Vector>(steps, x, ({vector}) => vector)],
  }));

function execute<T>(
  steps: readonly Step[],
  x: T,
  choose: (operation: Operation) => (a: T, b: T) => T,
): T {
  const values = [x];
  const back = (count: number): T => values[Math.max(0, values.length - 1 - count)]!;
  for (const {operation, a, b} of steps) {
    values.push(choose(operations[operation]!)(back(a), back(b)));
  }
  return values.at(-1)!;
}
