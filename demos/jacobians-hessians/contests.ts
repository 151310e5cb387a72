import * as tf from '@tensorflow/tfjs-core';
import type {PRNG} from 'seedrandom';
import {grad, hessian, hvp, jacfwd, jacrev, jvp, vmap} from '../../src/index.js';
import {compareWithLoop, type Comparison} from '../common/timing.js';
import {makeLayer, predict, type Layer} from './model.js';

export interface Contest {
  readonly what: string;
  readonly ours: string;
  readonly loop: string;
  readonly comparison: Comparison;
}

/** The derivatives of functorch's tutorial, at once and in a loop over rows, columns or examples. */
export function contests(
  size: number,
  batch: number,
  rounds: number,
  random: PRNG,
): (() => Contest)[] {
  const square = makeLayer(size, size, random);
  const tall = makeLayer(32 * size, size, random);
  const xs = tf.randomNormal<tf.Rank.R2>([batch, size], 0, 1, 'float32', random.int32());
  const v = tf.randomNormal<tf.Rank.R1>([size], 0, 1, 'float32', random.int32());
  const x = tf.squeeze<tf.Tensor1D>(tf.slice(xs, 0, 1), [0]);
  const at = (layer: Layer) => (point: tf.Tensor) => predict(layer.weight, layer.bias, point);
  const energy = (point: tf.Tensor): tf.Scalar => tf.sum(tf.square(at(square)(point)));
  const contest = (
    what: string,
    [ours, batched]: readonly [string, () => tf.Tensor],
    [loop, looped]: readonly [string, () => tf.Tensor],
  ) => {
    return (): Contest => ({
      what,
      ours,
      loop,
      comparison: compareWithLoop(
        () => [batched()],
        () => [looped()],
        rounds,
      ),
    });
  };
  return [
    contest(
      `Jacobian ${size} → ${size}`,
      ['jacrev', () => jacrev(at(square))(x)],
      ['tf.grad for each row', () => rowByRow(square, x)],
    ),
    contest(
      `Jacobian ${size} → ${32 * size}`,
      ['jacrev', () => jacrev(at(tall))(x)],
      ['tf.grad for each row', () => rowByRow(tall, x)],
    ),
    contest(
      `Jacobian ${size} → ${32 * size}`,
      ['jacfwd', () => jacfwd(at(tall))(x)],
      ['tf.grad for each row', () => rowByRow(tall, x)],
    ),
    contest(
      `${batch} Jacobians ${size} → ${size}`,
      ['vmap(jacrev)', () => vmap(jacrev(at(square)))(xs)],
      [
        'tf.grad for each example and row',
        () => tf.stack(tf.unstack(xs).map((point) => rowByRow(square, point as tf.Tensor1D))),
      ],
    ),
    contest(
      `Hessian ${size} → ${size}`,
      ['hessian', () => hessian(at(square))(x)],
      ['two jvp for each pair of columns', () => pairByPair(at(square), x)],
    ),
    contest(
      `${batch} Hessians of a scalar in ${size}`,
      ['vmap(hessian)', () => vmap(hessian(energy))(xs)],
      [
        'hvp for each example and column',
        () => tf.stack(tf.unstack(xs).map((point) => columnByColumn(energy, point))),
      ],
    ),
    contest(
      `Hessian in ${size}, times a vector`,
      ['hvp', () => hvp(energy, [x], [v])[0]],
      ['hessian, then a product', () => tf.dot(hessian(energy)(x), v)],
    ),
    contest(
      `${batch} gradients in ${size}`,
      ['vmap(grad)', () => vmap(grad(energy))(xs)],
      ['tf.grad for each example', () => tf.stack(tf.unstack(xs).map((p) => tf.grad(energy)(p)))],
    ),
  ];
}

/** A Jacobian by stock tfjs: one backward pass for each row. */
export function rowByRow({weight, bias}: Layer, x: tf.Tensor1D): tf.Tensor {
  const rows = bias.size;
  return tf.tidy(() =>
    tf.stack(
      Array.from({length: rows}, (_, row) =>
        tf.grad((point: tf.Tensor) => tf.gather(predict(weight, bias, point), row))(x),
      ),
    ),
  );
}

/** Stock tfjs has no right second derivative of tanh: these loops are over directional derivatives of the library. */
function pairByPair(f: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor1D): tf.Tensor {
  const directions = tf.unstack(tf.eye(x.size));
  const columns = directions.map((first) =>
    tf.stack(
      directions.map(
        (second) => jvp((p: tf.Tensor) => jvp(f, [p], [first])[1], [x as tf.Tensor], [second])[1],
      ),
      1,
    ),
  );
  return tf.stack(columns, 1);
}

function columnByColumn(f: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor): tf.Tensor {
  return tf.stack(tf.unstack(tf.eye(x.size)).map((direction) => hvp(f, [x], [direction])[0]));
}
