import {argMax, add, gather, less, Tensor, type Tensor1D} from '@tensorflow/tfjs-core';
import {describe, showShape} from '../errors.js';
import {scoped} from '../interpreter/scope.js';
import {draw} from '../rules/keyed.js';
import {broadcastTo} from '../rules/dims.js';
import {sameShape} from '../rules/ops.js';
import {assertBroadcasts, assertKey, assertShape, refuse} from './arguments.js';
import {uniform} from './draws.js';

/** Runs a part of a computation in a tidy scope; its result is the caller's. */
const tidied = (name: string, body: () => Tensor): Tensor =>
  scoped(name, (results) => {
    const result = body();
    results.push(result);
    return result;
  });

/**
 * Booleans that are true with probability `p`: a dropout mask, `tf.where(random.bernoulli(key, 0.9, x.shape), tf.div(x, 0.9), 0)`.
 *
 * @param key  int32 `[2]`
 * @param p  a number, or a tensor that broadcasts to the shape. Default 0.5
 * @param shape  default that of `p`
 * @returns  bool
 * @throws TransformError `invalid-argument`, `disposed-tensor`
 * @example random.bernoulli(random.key(42), 0.6, [3])  // => [1, 0, 0]
 */
export function bernoulli(
  key: Tensor,
  p: number | Tensor = 0.5,
  shape: readonly number[] = p instanceof Tensor ? p.shape : [],
): Tensor {
  assertKey(key, 'bernoulli');
  assertShape(shape, 'bernoulli');
  if (!(p instanceof Tensor) && !(p >= 0 && p <= 1)) {
    refuse('bernoulli', `p is ${describe(p)}, but must be a probability, from 0 to 1.`);
  }
  assertBroadcasts(p, shape, 'p', 'bernoulli');
  return tidied('bernoulli', () => less(uniform(key, shape), p));
}

export interface CategoricalOptions {
  /** The axis of the logits along which the categories lie. Default the last. */
  readonly axis?: number;
  /** The shape of the result, which ends in that of the logits without the axis. Default: just that. */
  readonly shape?: readonly number[];
}

/**
 * Draws categories with probabilities `softmax(logits)`.
 *
 * @param key  int32 `[2]`
 * @param logits  logarithms of probabilities, normalized or not
 * @returns  int32: numbers of categories
 * @throws TransformError `invalid-argument`, `disposed-tensor`
 * @example
 * random.categorical(random.key(42), tf.log([0.1, 0.2, 0.7]), {shape: [5]})  // => [2, 2, 2, 2, 1]
 */
export function categorical(
  key: Tensor,
  logits: Tensor,
  {axis = -1, shape}: CategoricalOptions = {},
): Tensor {
  assertKey(key, 'categorical');
  if (!(logits instanceof Tensor) || logits.rank === 0) {
    refuse(
      'categorical',
      `the logits are ${describe(logits)}, but must be a tensor of rank 1 or more.`,
    );
  }
  const {rank} = logits;
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    refuse(
      'categorical',
      `axis is ${describe(axis)}, but the logits are ${describe(logits)}: valid axes are ${-rank} to ${rank - 1}.`,
    );
  }
  const along = axis < 0 ? axis : axis - rank;
  const drawn = logits.shape.filter((_, dim) => dim !== along + rank);
  const result = shape ?? drawn;
  assertShape(result, 'categorical');
  const prefix = result.slice(0, result.length - drawn.length);
  if (!sameShape(result, [...prefix, ...drawn])) {
    refuse(
      'categorical',
      `the shape is ${showShape(result)}, but must end in ${showShape(drawn)}, which is that of the logits (${describe(logits)}) without axis ${axis}.`,
    );
  }
  return tidied('categorical', () => {
    const noise = draw(key, {
      distribution: 'gumbel',
      shape: [...prefix, ...logits.shape],
      range: [0, 0],
    });
    const perturbed = add(noise, broadcastTo(logits, noise.shape));
    return argMax(perturbed, along + noise.rank);
  });
}

export interface PermutationOptions {
  /** The axis along which a tensor is shuffled. Default 0. */
  readonly axis?: number;
}

/**
 * The numbers from 0 to n - 1 in random order, or a tensor with its slices along an axis in random order.
 *
 * @param key  int32 `[2]`
 * @param x  a number n, or a tensor
 * @returns  int32 `[n]`, or a tensor as `x`, through which derivatives pass
 * @throws TransformError `invalid-argument`, `disposed-tensor`
 * @example random.permutation(random.key(42), 5)  // => [4, 2, 3, 0, 1]
 */
export function permutation(
  key: Tensor,
  x: number | Tensor,
  {axis = 0}: PermutationOptions = {},
): Tensor {
  assertKey(key, 'permutation');
  const order = (n: number): Tensor =>
    draw(key, {distribution: 'permutation', shape: [n], range: [0, 0]});
  if (typeof x === 'number' && Number.isInteger(x) && x >= 0) return order(x);
  if (!(x instanceof Tensor)) {
    return refuse(
      'permutation',
      `x is ${describe(x)}, but must be a tensor, or an integer that is not negative.`,
    );
  }
  const along = axis < 0 ? axis + x.rank : axis;
  if (!Number.isInteger(along) || along < 0 || along >= x.rank) {
    refuse('permutation', `axis is ${describe(axis)}, which ${describe(x)} does not have.`);
  }
  return tidied('permutation', () => gather(x, order(x.shape[along]!) as Tensor1D, along));
}
