import {Tensor} from '@tensorflow/tfjs-core';
import {describe} from './errors.js';

/**
 * NOTE [trees]
 * Arguments and results are trees: tensors in arrays and plain objects, nested as one likes (tfjs's `TensorContainer`).
 * Whatever is neither an array nor a plain object is a leaf. Order is that of the arrays and of the objects' keys.
 */
export type Path = readonly (string | number)[];

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

const isBranch = (value: unknown): value is unknown[] | Record<string, unknown> =>
  Array.isArray(value) || isPlainObject(value);

/** Whether two branches are of one kind, with the same keys in any order. */
function haveSameKeys(a: object, b: object): boolean {
  const [keysA, keysB] = [Object.keys(a), Object.keys(b)];
  return (
    Array.isArray(a) === Array.isArray(b) &&
    keysA.length === keysB.length &&
    keysA.every((key) => keysB.includes(key))
  );
}

/** The same tree with each leaf replaced. */
export function mapLeaves(
  tree: unknown,
  replace: (leaf: unknown, index: number) => unknown,
): unknown {
  let index = 0;
  const visit = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(visit);
    if (!isPlainObject(node)) return replace(node, index++);
    const copy: Record<string, unknown> = {};
    for (const key of Object.keys(node)) copy[key] = visit(node[key]);
    return copy;
  };
  return visit(tree);
}

/** All leaves in order. */
export function leavesOf(tree: unknown): unknown[] {
  const leaves: unknown[] = [];
  mapLeaves(tree, (leaf) => leaves.push(leaf));
  return leaves;
}

/** All tensors in order. */
export const tensorsOf = (tree: unknown): Tensor[] =>
  leavesOf(tree).filter((leaf): leaf is Tensor => leaf instanceof Tensor);

/** The same tree with its tensors, in order, replaced by others. Other leaves stay. */
export function withTensors<T>(tree: T, tensors: readonly Tensor[]): T {
  let next = 0;
  return mapLeaves(tree, (leaf) => (leaf instanceof Tensor ? tensors[next++] : leaf)) as T;
}

/** The path of leaf number `index`. For messages. */
export function pathOf(tree: unknown, index: number): Path {
  let seen = 0;
  const visit = (node: unknown, path: Path): Path | null => {
    if (!isBranch(node)) return seen++ === index ? path : null;
    const keys = Array.isArray(node) ? node.keys() : Object.keys(node);
    for (const key of keys) {
      const found = visit((node as Record<string, unknown>)[key], [...path, key]);
      if (found !== null) return found;
    }
    return null;
  };
  return visit(tree, []) ?? [];
}

/** ` at .layer.weights[0]`-like ending of a message's subject: `argument 0.layer.weights[0]`. */
export function showPath(path: Path): string {
  return path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('');
}

/** `argument 1.w` for a leaf in a list of arguments. */
export function showArgument([argument = 0, ...rest]: Path, noun = 'argument'): string {
  return `${noun} ${argument}${showPath(rest)}`;
}

/** What is different in the structures of two trees, as a sentence's end, or null where they agree. */
export function structureMismatch(
  expected: unknown,
  actual: unknown,
  path: Path = [],
): string | null {
  if (!isBranch(expected) && !isBranch(actual)) return null;
  const place = path.length === 0 ? '' : ` at ${showPath(path)}`;
  if (!isBranch(expected) || !isBranch(actual) || !haveSameKeys(expected, actual)) {
    return `expected ${describe(expected)}${place}, but got ${describe(actual)}`;
  }
  for (const key of Object.keys(expected)) {
    const step = Array.isArray(expected) ? Number(key) : key;
    const mismatch = structureMismatch(
      (expected as Record<string, unknown>)[key],
      (actual as Record<string, unknown>)[key],
      [...path, step],
    );
    if (mismatch !== null) return mismatch;
  }
  return null;
}

/** The leaves of `other` in the order of `tree`, whose structure it has (objects may list their keys in another order). */
export function leavesInOrderOf(tree: unknown, other: unknown): unknown[] {
  if (Array.isArray(tree)) {
    return tree.flatMap((child, index) => leavesInOrderOf(child, (other as unknown[])[index]));
  }
  if (isPlainObject(tree)) {
    return Object.keys(tree).flatMap((key) =>
      leavesInOrderOf(tree[key], (other as Record<string, unknown>)[key]),
    );
  }
  return [other];
}

/**
 * One value of `prefix` for each leaf of `tree`: where the prefix ends above a leaf, its value stands for all leaves below.
 * @param mismatch  called with the path where the prefix does not fit; throws
 */
export function spreadPrefix<P>(
  prefix: unknown,
  tree: unknown,
  isValue: (value: unknown) => value is P,
  mismatch: (path: Path, prefix: unknown, tree: unknown) => never,
): P[] {
  const values: P[] = [];
  const visit = (part: unknown, node: unknown, path: Path): void => {
    if (isValue(part)) {
      mapLeaves(node, () => values.push(part));
      return;
    }
    if (!isBranch(part) || !isBranch(node) || !haveSameKeys(part, node)) {
      return mismatch(path, part, node);
    }
    for (const key of Object.keys(node)) {
      visit((part as Record<string, unknown>)[key], (node as Record<string, unknown>)[key], [
        ...path,
        Array.isArray(node) ? Number(key) : key,
      ]);
    }
  };
  visit(prefix, tree, []);
  return values;
}
