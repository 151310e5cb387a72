import {readFileSync} from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import {expectClose, type Tolerance} from '../support/compare.js';
import {fromTensor, type HostTensor} from '../support/host.js';

/** Where torch.func and JAX differ by convention, what is right here: as one of them, or a value of our own. */
export type Follows = 'torch' | 'jax' | {readonly ours: Tree; readonly because: string};

/** The tfjs program of a golden case. */
export interface Program {
  readonly run: (inputs: unknown) => unknown;
  readonly follows: Follows | undefined;
}

export type Programs = Readonly<Record<string, Program>>;

/** @param run  the same function as the case's in Python, of inputs with the same names */
export function program<I>(run: (inputs: I) => unknown, follows?: Follows): Program {
  return {run: run as (inputs: unknown) => unknown, follows};
}

interface Leaf {
  readonly shape: readonly number[];
  readonly dtype?: 'float32' | 'int32' | 'bool';
  readonly data: readonly (number | 'NaN' | 'Infinity' | '-Infinity')[];
}

type Tree = Leaf | {readonly [key: string]: Tree} | readonly Tree[];

export interface Golden {
  readonly name: string;
  readonly inputs: Tree;
  /** One result, or, where `differs` says why there are two, that of each framework. */
  readonly expected: Tree;
  readonly differs?: string;
}

export function readGoldens(family: string): readonly Golden[] {
  const text = readFileSync(new URL(`${family}.json`, import.meta.url), 'utf8');
  return (JSON.parse(text) as {cases: Golden[]}).cases;
}

/**
 * Golden values are in double precision, tfjs computes in single: 1e-5 of the number, and 3e-6 of the largest number beside it (some
 * fifty roundings), for an element that nearly cancels carries the errors of its neighbours. No case needs more.
 */
const TOLERANCE: Tolerance = {relative: 1e-5, absolute: 3e-6};

/** Runs the program on the inputs of the case and compares each tensor of its result. */
export function checkGolden(golden: Golden, {run, follows}: Program): void {
  const expected = expectedTree(golden, follows);
  tf.tidy(() => {
    const actual = run(mapLeaves(golden.inputs, tensorOf));
    compareTrees(actual, expected, golden.name, (tensor, leaf, path) =>
      expectClose(fromTensor(tensor), hostOf(leaf), TOLERANCE, path),
    );
  });
}

function expectedTree({name, expected, differs}: Golden, follows: Follows | undefined): Tree {
  if ((differs !== undefined) !== (follows !== undefined)) {
    throw new Error(
      differs === undefined
        ? `${name}: torch.func and JAX agree, there is no convention to follow`
        : `${name}: say whose convention is followed (${differs})`,
    );
  }
  if (follows === undefined) return expected;
  if (typeof follows === 'object') return follows.ours;
  return (expected as Record<string, Tree>)[follows] as Tree;
}

const isLeaf = (tree: Tree): tree is Leaf => 'shape' in tree && 'data' in tree;

function mapLeaves<T>(tree: Tree, f: (leaf: Leaf) => T): unknown {
  if (isLeaf(tree)) return f(tree);
  if (Array.isArray(tree)) return (tree as readonly Tree[]).map((child) => mapLeaves(child, f));
  return Object.fromEntries(
    Object.entries(tree).map(([key, child]) => [key, mapLeaves(child as Tree, f)]),
  );
}

function compareTrees(
  actual: unknown,
  expected: Tree,
  path: string,
  compare: (tensor: tf.Tensor, leaf: Leaf, path: string) => void,
): void {
  if (isLeaf(expected)) {
    if (!(actual instanceof tf.Tensor))
      throw new Error(`${path}: expected a tensor, got ${String(actual)}`);
    compare(actual, expected, path);
    return;
  }
  const [keys, got] = [Object.keys(expected).sort(), Object.keys(actual as object).sort()];
  if (Array.isArray(actual) !== Array.isArray(expected) || keys.join() !== got.join()) {
    throw new Error(`${path}: expected entries ${keys.join()}, got ${got.join()}`);
  }
  for (const key of keys) {
    compareTrees(
      (actual as Record<string, unknown>)[key],
      (expected as Record<string, Tree>)[key] as Tree,
      `${path}.${key}`,
      compare,
    );
  }
}

function hostOf({shape, dtype = 'float32', data}: Leaf): HostTensor {
  return {shape, dtype, values: Float64Array.from(data, Number)};
}

function tensorOf({shape, dtype = 'float32', data}: Leaf): tf.Tensor {
  return tf.tensor(data.map(Number), [...shape], dtype);
}
