import {Tensor} from '@tensorflow/tfjs-core';
import {TransformError, describe} from '../errors.js';
import {sameShape} from '../rules/ops.js';
import {leavesOf, pathOf, showArgument, showPath, tensorsOf} from '../tree.js';

/** Any function of tensors, trees of tensors and other values. */
export type AnyFunction<A extends unknown[], R> = (...args: A) => R;

export function assertFunction(f: unknown, transform: string): void {
  if (typeof f === 'function') return;
  throw new TransformError(
    `expected a function as first argument, but got ${describe(f)}. Write ${transform}(f)(x), not ${transform}(f(x)).`,
    {code: 'not-a-function', transform},
  );
}

/** Refuses disposed tensors among the arguments. */
export function assertAlive(args: readonly unknown[], transform: string): void {
  leavesOf(args).forEach((leaf, index) => {
    if (!(leaf instanceof Tensor) || !leaf.isDisposed) return;
    throw new TransformError(
      `${showArgument(pathOf(args, index))} (${describe(leaf)}) is disposed. Keep it alive (tf.keep) until the call has returned.`,
      {code: 'disposed-tensor', transform},
    );
  });
}

/** Calls the user's function. An async one is refused: tracers do not outlive the call. */
export function callSync<A extends unknown[], R>(
  f: AnyFunction<A, R>,
  args: A,
  transform: string,
): R {
  const result = f(...args);
  if (isThenable(result)) {
    // What the rest of it throws when it meets ended tracers would else be an unhandled rejection.
    result.then(undefined, () => undefined);
    throw new TransformError(
      `the function returned a promise. Transforms trace synchronous functions: await outside, and read values ` +
        `(await tensor.data()) after the transform has returned.`,
      {code: 'async-function', transform},
    );
  }
  return result;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  );
}

/**
 * The tensors of a result, all of whose leaves must be tensors (`null` and `undefined` may stand for nothing).
 * @throws TransformError `non-tensor-output`
 */
export function outputTensors(output: unknown, transform: string): Tensor[] {
  const leaves = leavesOf(output);
  leaves.forEach((leaf, index) => {
    if (leaf instanceof Tensor || (leaf == null && leaves.length > 1)) return;
    const place = showPath(pathOf(output, index));
    throw new TransformError(
      `the function returned ${describe(leaf)}${place && ` at output${place}`}, but every output must be a tensor (or an array or ` +
        `plain object of tensors). Wrap numbers with tf.scalar${transform === 'vmap' ? '' : ', or return other values with hasAux: true'}.`,
      {code: 'non-tensor-output', transform},
    );
  });
  leaves.forEach((leaf, index) => {
    if (!(leaf instanceof Tensor) || !leaf.isDisposed) return;
    throw new TransformError(
      `output${showPath(pathOf(output, index))} (${describe(leaf)}) is disposed. Return it before disposing it.`,
      {code: 'disposed-tensor', transform},
    );
  });
  return tensorsOf(output);
}

/** Whether derivatives can be taken with respect to it. */
export const isFloat = ({dtype}: {readonly dtype: string}): boolean =>
  dtype === 'float32' || dtype === 'complex64';

/** The tensors of arguments that are differentiated: all leaves must be float tensors. `indices`: their places in the call. */
export function differentiableTensors(
  args: readonly unknown[],
  transform: string,
  indices: readonly number[] = args.map((_, index) => index),
): Tensor[] {
  const leaves = leavesOf(args);
  leaves.forEach((leaf, index) => {
    if (leaf == null) return;
    if (leaf instanceof Tensor && isFloat(leaf)) return;
    const [position = 0, ...rest] = pathOf(args, index);
    const where = showArgument([indices[position as number] ?? position, ...rest]);
    const wayOut =
      leaf instanceof Tensor
        ? `Cast it (tf.cast(x, 'float32')), or leave it out of the differentiated arguments.`
        : `Only tensors (in arrays or plain objects) can be: pass tf.tensor(…), or leave it out of the differentiated arguments.`;
    throw new TransformError(
      `${where} is ${describe(leaf)}, with respect to which no derivative can be taken. ${wayOut}`,
      {code: 'non-float-input', transform},
    );
  });
  const tensors = tensorsOf(args);
  if (tensors.length === 0) {
    throw new TransformError(
      `there is no tensor among the differentiated arguments (${args.map(describe).join(', ')}).`,
      {code: 'no-tensors', transform},
    );
  }
  return tensors;
}

/** Arguments by number, with negative numbers counted from the end. */
export function resolveArgnums(
  argnums: number | readonly number[],
  count: number,
  transform: string,
): number[] {
  const list = typeof argnums === 'number' ? [argnums] : [...argnums];
  const resolved = list.map((argnum) => {
    if (!Number.isInteger(argnum) || argnum < -count || argnum >= count) {
      throw new TransformError(
        `argnums contains ${String(argnum)}, but the function was called with ${count} argument${count === 1 ? '' : 's'}. ` +
          `Valid numbers are ${-count} to ${count - 1}.`,
        {code: 'invalid-argument', transform},
      );
    }
    return argnum < 0 ? argnum + count : argnum;
  });
  if (list.length === 0 || new Set(resolved).size < resolved.length) {
    throw new TransformError(
      `argnums is [${list.join(', ')}], but must name at least one argument, and each once.`,
      {code: 'invalid-argument', transform},
    );
  }
  return resolved;
}

/** What a function of stock `tf.grad` returned. */
export function assertTensor(y: unknown, transform: string): void {
  if (y instanceof Tensor) return;
  throw new TransformError(`the function must return a tensor, but returned ${describe(y)}.`, {
    code: 'non-tensor-output',
    transform,
  });
}

/** The cotangents of integers are integers themselves: they would be cut off. */
export function assertFloatInput(x: Tensor, index: number, transform: string): void {
  if (isFloat(x)) return;
  throw new TransformError(
    `input ${index} is ${describe(x)}, with respect to which no derivative can be taken. Cast it (tf.cast(x, 'float32')) before.`,
    {code: 'non-float-input', transform},
  );
}

/** The `dy` of stock `tf.grad`. */
export function assertCotangent(dy: Tensor, y: Tensor, transform: string): void {
  if (!isFloat(dy)) {
    throw new TransformError(`dy must have 'float32' dtype, but has '${dy.dtype}'.`, {
      code: 'tree-mismatch',
      transform,
    });
  }
  if (sameShape(dy.shape, y.shape)) return;
  throw new TransformError(
    `dy is ${describe(dy)}, but the function returned ${describe(y)}. They must have the same shape.`,
    {code: 'tree-mismatch', transform},
  );
}
