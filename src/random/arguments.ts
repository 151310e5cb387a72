import {Tensor} from '@tensorflow/tfjs-core';
import {TransformError, describe, showShape} from '../errors.js';

export function refuse(name: string, message: string): never {
  throw new TransformError(message, {code: 'invalid-argument', transform: `random.${name}`});
}

/** Refuses what is no key. */
export function assertKey(key: unknown, name: string): asserts key is Tensor {
  if (!(key instanceof Tensor)) {
    refuse(
      name,
      `the key is ${describe(key)}. Make a key of a number first: random.${name}(random.key(seed), …).`,
    );
  }
  if (key.isDisposed) {
    throw new TransformError(`the key (${describe(key)}) is disposed.`, {
      code: 'disposed-tensor',
      transform: `random.${name}`,
    });
  }
  if (key.dtype === 'int32' && key.rank === 1 && key.shape[0] === 2) return;
  refuse(
    name,
    key.dtype === 'int32' && key.rank > 1 && key.shape.at(-1) === 2
      ? `the key is ${describe(key)}, which is many keys. Map over them: vmap((key) => random.${name}(key, …))(keys), or take one of tf.unstack(keys).`
      : `the key is ${describe(key)}, but a key is int32 [2], as random.key(seed) and random.split give them.`,
  );
}

/** Refuses what is no shape. */
export function assertShape(shape: unknown, name: string): asserts shape is readonly number[] {
  if (Array.isArray(shape) && shape.every((size) => Number.isInteger(size) && size >= 0)) return;
  const seen = Array.isArray(shape) ? `[${shape.join(', ')}]` : describe(shape);
  refuse(name, `the shape is ${seen}, but must be an array of integers that are not negative.`);
}

/** Refuses what is no number. */
export function assertNumber(value: unknown, what: string, name: string): asserts value is number {
  if (typeof value === 'number' && !Number.isNaN(value)) return;
  refuse(name, `${what} is ${describe(value)}, but must be a number.`);
}

/** Refuses a tensor that does not broadcast to the shape of what is drawn. */
export function assertBroadcasts(
  value: number | Tensor,
  shape: readonly number[],
  what: string,
  name: string,
): void {
  if (!(value instanceof Tensor)) return;
  const extra = shape.length - value.rank;
  if (extra >= 0 && value.shape.every((size, dim) => size === 1 || size === shape[dim + extra])) {
    return;
  }
  refuse(
    name,
    `${what} is ${describe(value)}, which does not broadcast to ${showShape(shape)}, the shape of the result. Pass the whole shape.`,
  );
}
