import {scalar, tensor1d, Tensor, type Tensor1D, type Tensor2D} from '@tensorflow/tfjs-core';
import {describe} from '../errors.js';
import {scoped} from '../interpreter/scope.js';
import {draw, foldIn as runFoldIn} from '../rules/keyed.js';
import {assertKey, assertShape, refuse} from './arguments.js';

const WORD = 2 ** 32;

/**
 * A key of a seed. All random numbers of this namespace come of a key, and are the same wherever they are drawn.
 *
 * @param seed  a safe integer. The key is its 64 bits (those of `jax.random.key(seed)`)
 * @returns  int32 `[2]`, an ordinary tensor: the caller's, to be disposed, mapped, carried or stored as any other
 * @throws TransformError `invalid-argument`
 * @example random.key(42)  // => [0, 42]
 */
export function key(seed: number): Tensor1D {
  if (!Number.isSafeInteger(seed)) {
    refuse('key', `the seed is ${describe(seed)}, but must be an integer.`);
  }
  return tensor1d([Math.floor(seed / WORD) | 0, seed | 0], 'int32');
}

/**
 * New keys, independent of each other and of the old one, which should not be used again.
 *
 * @param key  int32 `[2]`
 * @param count  how many (default 2), or the shape of an array of them
 * @returns  int32 `[count, 2]`: to be mapped (`vmap(f)(keys)`), scanned, or taken apart with `tf.unstack`
 * @throws TransformError `invalid-argument`, `disposed-tensor`
 * @example
 * const [next, now] = tf.unstack(random.split(random.key(0)));
 * random.normal(now, []).shape  // => []
 * vmap((key) => random.uniform(key, [3]))(random.split(next, 10)).shape  // => [10, 3]
 */
export function split(key: Tensor, count: number | readonly number[] = 2): Tensor2D {
  assertKey(key, 'split');
  const shape = typeof count === 'number' ? [count] : count;
  assertShape(shape, 'split');
  return draw(key, {distribution: 'keys', shape, range: [0, 0]}) as Tensor2D;
}

/**
 * The key for a number, such as that of a step or a layer: another one for each.
 *
 * @param key  int32 `[2]`
 * @param data  an integer of 32 bits, or an int32 scalar, which may be mapped
 * @returns  int32 `[2]`
 * @throws TransformError `invalid-argument`, `disposed-tensor`
 * @example
 * const key = random.key(0);
 * foriLoop(0, 3, (step, x) => tf.add(x, random.normal(random.foldIn(key, step), [2])), tf.zeros([2])).shape  // => [2]
 */
export function foldIn(key: Tensor, data: number | Tensor): Tensor1D {
  assertKey(key, 'foldIn');
  if (data instanceof Tensor) {
    if (data.rank > 0 || data.dtype !== 'int32') {
      refuse(
        'foldIn',
        `the data is ${describe(data)}, but must be an int32 scalar. Map over many: vmap(random.foldIn, {inDims: [null, 0]})(key, numbers).`,
      );
    }
    return runFoldIn(key, data) as Tensor1D;
  }
  if (!Number.isInteger(data) || data < -WORD / 2 || data >= WORD) {
    refuse('foldIn', `the data is ${describe(data)}, but must be an integer of 32 bits.`);
  }
  return scoped('foldIn', (results) => {
    const folded = runFoldIn(key, scalar(data | 0, 'int32')) as Tensor1D;
    results.push(folded);
    return folded;
  });
}
