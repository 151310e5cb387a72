import {Tensor} from '@tensorflow/tfjs-core';
import {TransformError, describe} from '../errors.js';
import {nextTensorId} from '../interpreter/engine.js';
import {scoped} from '../interpreter/scope.js';
import {alias} from '../interpreter/tracer.js';
import {sameShape} from '../rules/ops.js';
import {
  leavesInOrderOf,
  leavesOf,
  pathOf,
  showPath,
  structureMismatch,
  tensorsOf,
  withTensors,
} from '../tree.js';

/** A function whose parameters may be annotated with tensors of certain ranks. */
export type Body<A extends unknown[], R> = {bivarianceHack(...args: A): R}['bivarianceHack'];

/**
 * Runs a part of a computation in a tidy scope of its own. The tensors of what it gives are new ones, each of them once: they can be disposed
 * when they are no longer needed, whatever the caller's function handed back.
 */
export function step<T>(name: string, body: () => T): T {
  return scoped(name, (results) => {
    const mark = nextTensorId();
    const tree = body();
    const own = new Set<Tensor>();
    for (const tensor of tensorsOf(tree)) {
      const isOwn = tensor.id >= mark && !tensor.kept && !own.has(tensor);
      own.add(isOwn ? tensor : alias(tensor));
    }
    results.push(...own);
    return withTensors(tree, results);
  });
}

/** Refuses what is neither a tensor nor nothing, and disposed tensors. */
export function assertTensors(tree: unknown, transform: string, what: string): void {
  leavesOf(tree).forEach((leaf, index) => {
    if (leaf == null || (leaf instanceof Tensor && !leaf.isDisposed)) return;
    const place = what + showPath(pathOf(tree, index));
    if (leaf instanceof Tensor) {
      throw new TransformError(
        `${place} (${describe(leaf)}) is disposed. Return it before disposing it.`,
        {code: 'disposed-tensor', transform},
      );
    }
    throw new TransformError(
      `${place} is ${describe(leaf)}, but must be a tensor (or an array or plain object of tensors). Wrap numbers with tf.scalar.`,
      {code: 'non-tensor-output', transform},
    );
  });
}

/** Trees that have to be alike, as messages name them. */
export interface Likeness {
  readonly transform: string;
  /** What is compared: 'carry', 'output'. */
  readonly noun: string;
  /** Where the one comes from, and where the other does: 'is', 'but the body gave'. */
  readonly expected: string;
  readonly actual: string;
  /** Why they have to be alike, and what to do. */
  readonly rule: string;
}

/**
 * The same as `actual`, with keys in the order of `expected`, whose structure, shapes and dtypes it must have.
 * @throws TransformError `tree-mismatch`
 */
export function matched<T>(expected: T, actual: unknown, likeness: Likeness): T {
  const {transform, noun, rule} = likeness;
  const refuse = (message: string): never => {
    throw new TransformError(`${message}. ${rule}`, {code: 'tree-mismatch', transform});
  };
  const mismatch = structureMismatch(expected, actual);
  if (mismatch !== null) refuse(`${noun} of another structure: ${mismatch}`);
  const tensors: Tensor[] = [];
  const given = leavesInOrderOf(expected, actual);
  leavesOf(expected).forEach((leaf, index) => {
    const other = given[index];
    if (leaf == null && other == null) return;
    if (areAlike(leaf, other)) {
      tensors.push(other as Tensor);
      return;
    }
    refuse(
      `${noun}${showPath(pathOf(expected, index))} ${likeness.expected} ${describe(leaf)}, ${likeness.actual} ${describe(other)}`,
    );
  });
  return withTensors(expected, tensors);
}

const areAlike = (a: unknown, b: unknown): boolean =>
  a instanceof Tensor && b instanceof Tensor && a.dtype === b.dtype && sameShape(a.shape, b.shape);
