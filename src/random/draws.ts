import {add, maximum, mul, sub, Tensor} from '@tensorflow/tfjs-core';
import {describe} from '../errors.js';
import {scoped} from '../interpreter/scope.js';
import {draw, type Distribution} from '../rules/keyed.js';
import {assertBroadcasts, assertKey, assertNumber, assertShape, refuse} from './arguments.js';

const NO_RANGE = [0, 0] as const;

function drawPlain(
  name: string,
  distribution: Distribution,
  key: unknown,
  shape: unknown,
  range: readonly [number, number] = NO_RANGE,
): Tensor {
  assertKey(key, name);
  assertShape(shape, name);
  return draw(key, {distribution, shape: [...shape], range});
}

/**
 * 32 random bits for each element.
 *
 * @param key  int32 `[2]`
 * @param shape  default `[]`
 * @returns  int32: the bits of JAX's uint32 (`value >>> 0` is the unsigned number)
 * @throws TransformError `invalid-argument`, `disposed-tensor`
 * @example random.bits(random.key(42), [2])  // => [2098992034, -1375260455]
 */
export const bits = (key: Tensor, shape: readonly number[] = []): Tensor =>
  drawPlain('bits', 'bits', key, shape);

export interface UniformOptions {
  /** The smallest number: a number, or a tensor that broadcasts to the shape. Default 0. */
  readonly minval?: number | Tensor;
  /** The bound that is not reached. Default 1. */
  readonly maxval?: number | Tensor;
}

/**
 * Uniform numbers from `minval` (included) to `maxval` (excluded). Bounds that are tensors may be differentiated and mapped.
 *
 * @param key  int32 `[2]`
 * @param shape  default `[]`
 * @returns  float32
 * @throws TransformError `invalid-argument`, `disposed-tensor`
 * @example random.uniform(random.key(42), [2], {minval: -1, maxval: 1})  // => [-0.0226, 0.3596]
 */
export function uniform(
  key: Tensor,
  shape: readonly number[] = [],
  {minval = 0, maxval = 1}: UniformOptions = {},
): Tensor {
  assertKey(key, 'uniform');
  assertShape(shape, 'uniform');
  if (!(minval instanceof Tensor) && !(maxval instanceof Tensor)) {
    assertNumber(minval, 'minval', 'uniform');
    assertNumber(maxval, 'maxval', 'uniform');
    return draw(key, {distribution: 'uniform', shape: [...shape], range: [minval, maxval]});
  }
  assertBroadcasts(minval, shape, 'minval', 'uniform');
  assertBroadcasts(maxval, shape, 'maxval', 'uniform');
  return scoped('uniform', (results) => {
    const unit = draw(key, {distribution: 'uniform', shape: [...shape], range: [0, 1]});
    const scaled = maximum(minval, add(mul(unit, sub(maxval, minval)), minval));
    results.push(scaled);
    return scaled;
  });
}

/**
 * Normal numbers with mean 0 and standard deviation 1. For others compute with them, `tf.add(mean, tf.mul(sigma, random.normal(key, shape)))`, which
 * has derivatives with respect to both.
 *
 * @param key  int32 `[2]`
 * @param shape  default `[]`
 * @returns  float32
 * @throws TransformError `invalid-argument`, `disposed-tensor`
 * @example random.normal(random.key(42), [2])  // => [-0.0283, 0.4671]
 */
export const normal = (key: Tensor, shape: readonly number[] = []): Tensor =>
  drawPlain('normal', 'normal', key, shape);

/**
 * Normal numbers that lie between two bounds.
 *
 * @param key  int32 `[2]`
 * @param lower  a number, -Infinity for none
 * @param upper  a number, Infinity for none
 * @param shape  default `[]`
 * @returns  float32
 * @throws TransformError `invalid-argument`, `disposed-tensor`
 * @example random.truncatedNormal(random.key(42), -1, 1, [2])  // => [-0.0193, 0.3127]
 */
export function truncatedNormal(
  key: Tensor,
  lower: number,
  upper: number,
  shape: readonly number[] = [],
): Tensor {
  assertNumber(lower, 'lower', 'truncatedNormal');
  assertNumber(upper, 'upper', 'truncatedNormal');
  if (lower >= upper) {
    refuse(
      'truncatedNormal',
      `lower is ${lower} and upper is ${upper}: nothing lies between them.`,
    );
  }
  return drawPlain('truncatedNormal', 'truncatedNormal', key, shape, [lower, upper]);
}

/**
 * Numbers of the standard Gumbel distribution. The largest of logits plus such numbers is a draw from the categorical distribution.
 *
 * @param key  int32 `[2]`
 * @param shape  default `[]`
 * @returns  float32
 * @throws TransformError `invalid-argument`, `disposed-tensor`
 * @example random.gumbel(random.key(42), [2])  // => [0.3341, 0.952]
 */
export const gumbel = (key: Tensor, shape: readonly number[] = []): Tensor =>
  drawPlain('gumbel', 'gumbel', key, shape);

/**
 * Numbers of the exponential distribution with rate 1.
 *
 * @param key  int32 `[2]`
 * @param shape  default `[]`
 * @returns  float32
 * @throws TransformError `invalid-argument`, `disposed-tensor`
 * @example random.exponential(random.key(42), [2])  // => [0.6708, 1.1388]
 */
export const exponential = (key: Tensor, shape: readonly number[] = []): Tensor =>
  drawPlain('exponential', 'exponential', key, shape);

/**
 * Integers from `minval` (included) to `maxval` (excluded), all equally likely.
 *
 * @param key  int32 `[2]`
 * @param shape  of the result
 * @param minval  an integer of 32 bits
 * @param maxval  the same, larger
 * @returns  int32
 * @throws TransformError `invalid-argument`, `disposed-tensor`
 * @example random.randint(random.key(42), [4], 0, 10)  // => [4, 4, 1, 9]
 */
export function randint(
  key: Tensor,
  shape: readonly number[],
  minval: number,
  maxval: number,
): Tensor {
  for (const [what, value] of Object.entries({minval, maxval})) {
    if (Number.isInteger(value) && value === (value | 0)) continue;
    refuse('randint', `${what} is ${describe(value)}, but must be an integer of 32 bits.`);
  }
  if (minval >= maxval) {
    refuse('randint', `minval is ${minval} and maxval is ${maxval}: no integer lies between them.`);
  }
  return drawPlain('randint', 'integers', key, shape, [minval, maxval]);
}
