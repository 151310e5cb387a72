import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import {grad, hvp, jacfwd, jacrev, jvp, vjp, vmap} from '../../src/index.js';
import {
  SIZE,
  type Program,
  type TensorFunction,
  type Vector,
  type VectorFunction,
} from './programs.js';

/**
 * A transform as a map from functions of vectors to functions of vectors, given twice: by the library, and by loops and differences
 * in double precision. Stacks of them are transforms again.
 */
interface Layer {
  /** How many derivatives it takes. */
  readonly order: number;
  readonly tensor: (f: TensorFunction) => TensorFunction;
  readonly vector: (f: VectorFunction) => VectorFunction;
}

const WEIGHTS: Vector = [0.7, -0.4, 0.9];
const DIRECTION: Vector = [0.5, 0.8, -0.3];
const SCALES: Vector = [0.6, -0.9];

const weights = (): tf.Tensor => tf.tensor1d([...WEIGHTS]);
const direction = (): tf.Tensor => tf.tensor1d([...DIRECTION]);

const dot = (a: Vector, b: Vector): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const moved = (x: Vector, step: number, along: Vector): number[] =>
  x.map((v, i) => v + step * along[i]!);
const unit = (i: number): number[] => Array.from({length: SIZE}, (_, j) => (i === j ? 1 : 0));

/** The derivative of `f` at `x` along a direction: central differences over five points, whose error is of fourth order. */
function differentiate(f: VectorFunction, x: Vector, along: Vector): number[] {
  const h = 0.01;
  const at = (steps: number): number[] => f(moved(x, steps * h, along));
  const [b2, b1, a1, a2] = [at(-2), at(-1), at(1), at(2)] as [
    number[],
    number[],
    number[],
    number[],
  ];
  return a1.map((_, i) => (8 * (a1[i]! - b1[i]!) - (a2[i]! - b2[i]!)) / (12 * h));
}

const gradient = (f: (x: Vector) => number, x: Vector): number[] =>
  x.map((_, i) => differentiate((y) => [f(y)], x, unit(i))[0]!);

const mean = (rows: readonly Vector[]): number[] =>
  rows[0]!.map((_, i) => rows.reduce((sum, row) => sum + row[i]!, 0) / rows.length);

const pulled =
  (f: VectorFunction): VectorFunction =>
  (x) =>
    gradient((y) => dot(f(y), WEIGHTS), x);
const pushed =
  (f: VectorFunction): VectorFunction =>
  (x) =>
    differentiate(f, x, DIRECTION);
const looped =
  (f: VectorFunction): VectorFunction =>
  (x) =>
    mean(SCALES.map((scale) => f(x.map((value) => value * scale))));

const weighted = (f: TensorFunction) => (x: tf.Tensor) => tf.sum(tf.mul(f(x), weights()));
const scaled = (x: tf.Tensor): tf.Tensor =>
  tf.outerProduct(tf.tensor1d([...SCALES]), x as tf.Tensor1D);

export const layers: Readonly<Record<string, Layer>> = {
  vmap: {order: 0, vector: looped, tensor: (f) => (x) => tf.mean(vmap(f)(scaled(x)), 0)},
  'vmap over dimension 1 to -1': {
    order: 0,
    vector: looped,
    tensor: (f) => (x) => tf.mean(vmap(f, {inDims: 1, outDims: -1})(tf.transpose(scaled(x))), 1),
  },
  'vmap of two arguments': {
    order: 0,
    vector: looped,
    tensor: (f) => (x) =>
      tf.mean(
        vmap((scale: tf.Tensor, y: tf.Tensor) => f(tf.mul(scale, y)), {inDims: [0, null]})(
          tf.tensor1d([...SCALES]),
          x,
        ),
        0,
      ),
  },
  'vmap in chunks': {
    order: 0,
    vector: looped,
    tensor: (f) => (x) => tf.mean(vmap(f, {chunkSize: 1})(scaled(x)), 0),
  },
  grad: {order: 1, vector: pulled, tensor: (f) => grad(weighted(f))},
  'tf.grad': {
    order: 1,
    vector: pulled,
    // tfjs refuses to differentiate what does not depend on x.
    tensor: (f) => (x) => tf.grad((y) => tf.add(weighted(f)(y), tf.mul(tf.sum(y), 0)))(x),
  },
  vjp: {
    order: 1,
    vector: pulled,
    tensor: (f) => (x) => {
      const [, pullback] = vjp(f, [x]);
      const [cotangent] = pullback(weights());
      pullback.dispose();
      return cotangent;
    },
  },
  jvp: {order: 1, vector: pushed, tensor: (f) => (x) => jvp(f, [x], [direction()])[1]},
  jacrev: {
    order: 1,
    vector: pushed,
    tensor: (f) => (x) =>
      tf.reshape(tf.matMul(jacrev(f)(x) as tf.Tensor2D, tf.reshape(direction(), [SIZE, 1])), [
        SIZE,
      ]),
  },
  jacfwd: {
    order: 1,
    vector: pulled,
    tensor: (f) => (x) =>
      tf.reshape(tf.matMul(tf.reshape(weights(), [1, SIZE]), jacfwd(f)(x) as tf.Tensor2D), [SIZE]),
  },
  'grad with a closure over its own argument': {
    order: 1,
    vector: (f) => (x) => gradient((y) => dot(f(y), x), x),
    tensor: (f) => (x) => grad((y: tf.Tensor) => tf.sum(tf.mul(f(y), x)))(x),
  },
  hvp: {
    order: 2,
    vector: (f) => pushed(pulled(f)),
    tensor: (f) => (x) => hvp(weighted(f), [x], [direction()])[0],
  },
};

/**
 * Whether it is stock tfjs alone that differentiates twice: outside of our transforms its own tape runs, and second derivatives through
 * a saved output are wrong (see docs/design.md).
 */
export const isStockTwice = (outer: string | undefined, inner: string | undefined): boolean =>
  outer === 'tf.grad' && inner === 'tf.grad';

export interface Stack {
  readonly text: string;
  readonly order: number;
  readonly tensor: TensorFunction;
  readonly vector: VectorFunction;
}

/** One to four layers over a program, outermost first in the text. */
export const stacks = (program: fc.Arbitrary<Program>): fc.Arbitrary<Stack> =>
  fc
    .tuple(program, fc.array(fc.constantFrom(...Object.keys(layers)), {minLength: 1, maxLength: 4}))
    .filter(([, [first, second]]) => !isStockTwice(first, second))
    .map(([{text, tensor, vector}, names]) =>
      names.reduceRight<Stack>(
        (inner, name) => {
          const layer = layers[name]!;
          return {
            text: `${name} of ${inner.text}`,
            order: inner.order + layer.order,
            tensor: layer.tensor(inner.tensor),
            vector: layer.vector(inner.vector),
          };
        },
        {text, order: 0, tensor, vector},
      ),
    )
    // Differences of differences lose digits; four derivatives are what double precision bears.
    .filter(({order}) => order <= 4);
