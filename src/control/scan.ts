import {dispose, ones, Tensor} from '@tensorflow/tfjs-core';
import {TransformError, describe} from '../errors.js';
import {isDifferentiating} from '../interpreter/hook.js';
import {scoped} from '../interpreter/scope.js';
import {sliceAlong} from '../rules/dims.js';
import {reshape, zeros} from '../rules/ops.js';
import {run} from '../rules/rule.js';
import {assertAlive, assertFunction, callSync} from '../transforms/arguments.js';
import {checkpoint} from '../transforms/checkpoint.js';
import {leavesOf, mapLeaves, pathOf, showPath, tensorsOf, withTensors} from '../tree.js';
import type {AnyRank} from '../types.js';
import {matchedCarry} from './iterate.js';
import {assertTensors, matched, step, type Body} from './trees.js';

export interface ScanOptions {
  /** The number of steps. It is that of the rows of `xs`, and only needed where there are none (`xs` is null). */
  readonly length?: number;
  /** Begins with the last row. The results are in the order of the rows all the same. Default false. */
  readonly reverse?: boolean;
  /**
   * Whether reverse mode keeps the intermediate values of all n steps (false), or computes them again in the backward pass: of segments of so
   * many steps (1: each step by itself), or of √n steps (true). Only the carries between segments, and the values inside one of them, are
   * then in memory. Tensors that `f` is differentiated with respect to must be in the carry or in `xs`. Default false.
   */
  readonly checkpoint?: boolean | number;
}

/**
 * Runs a function along the first dimension of its input, and hands a carry from row to row: `[carry, y] = f(carry, x)` for each row x. A
 * recurrent network, a cumulative sum, an integrator.
 *
 * It is differentiated in both modes, to any order, and mapped by `vmap`. Of a step that nobody differentiates only its carry and its y stay
 * in memory; what reverse mode keeps is up to `checkpoint`.
 *
 * @param f  gets the carry and a row; gives `[carry, y]`: a carry of the same structure, shapes and dtypes, and a tensor, a tree of them, or
 *   null
 * @param init  the first carry
 * @param xs  a tensor `[n, …]` or a tree of them; null for none (then `length` is needed)
 * @returns  `[carry, ys]`: the last carry, and the y of all rows, `[n, …]`. Where n is 0, `f` runs once, on ones, to tell their shapes
 * @throws TransformError `tree-mismatch` (the carry or y changes), `invalid-argument` (rows of different number, no length, an option),
 *   `non-tensor-output`, `closed-over-tracer` (with `checkpoint`), `not-a-function`, `async-function`, `disposed-tensor`
 * @see https://docs.jax.dev/en/latest/_autosummary/jax.lax.scan.html whose semantics these are
 * @example
 * const [total, sums] = scan((sum, x) => [tf.add(sum, x), tf.add(sum, x)], tf.scalar(0), tf.tensor1d([1, 2, 3]));
 * total  // => 6
 * sums  // => [1, 3, 6]
 */
export function scan<Carry, Rows, Y>(
  f: Body<
    [carry: AnyRank<Carry>, x: AnyRank<Rows>],
    readonly [carry: AnyRank<Carry>, y: Y] | [carry: AnyRank<Carry>, y: Y]
  >,
  init: Carry,
  xs: Rows,
  options: ScanOptions = {},
): [carry: AnyRank<Carry>, ys: AnyRank<Y>] {
  assertFunction(f, 'scan');
  assertAlive([init, xs], 'scan');
  const outcome = scanRows(
    'scan',
    (carry, x) => {
      const result: unknown = callSync(f as never, [carry, x] as never, 'scan');
      if (Array.isArray(result) && result.length === 2) {
        return {carry: result[0] as unknown, y: result[1] as unknown};
      }
      throw new TransformError(
        `the function must return [carry, y] (y may be null), but it returned ${describe(result)}.`,
        {code: 'non-tensor-output', transform: 'scan'},
      );
    },
    init,
    xs,
    options,
  );
  return [outcome.carry as AnyRank<Carry>, outcome.ys as AnyRank<Y>];
}

interface Step {
  readonly carry: unknown;
  readonly y: unknown;
}

type StepFunction = (carry: unknown, x: unknown) => Step;

/** What `scan` and `map` do. */
export function scanRows(
  transform: string,
  f: StepFunction,
  init: unknown,
  xs: unknown,
  {length, reverse = false, checkpoint: segments = false}: ScanOptions,
): {carry: unknown; ys: unknown} {
  assertTensors(init, transform, 'init');
  assertTensors(xs, transform, 'xs');
  const n = numberOfRows(transform, xs, length);
  const size = segmentSize(transform, segments, n);
  return scoped(transform, (results) => {
    const outcome = n === 0 ? runNone(transform, f, init, xs) : runAll();
    results.push(...tensorsOf(outcome));
    return outcome;
  });

  function runAll(): {carry: unknown; ys: unknown} {
    const rows = rowsOf(xs);
    const inOrder = (k: number): unknown => rows(reverse ? n - 1 - k : k);
    const all =
      size === null || !isDifferentiating()
        ? runSegment(transform, f, init, n, inOrder)
        : runSegments(transform, f, init, n, inOrder, size);
    const ys = reverse ? [...all.ys].reverse() : all.ys;
    return {carry: all.carry, ys: stacked(transform, ys)};
  }
}

interface Segment {
  readonly carry: unknown;
  readonly ys: readonly unknown[];
}

/** Consecutive steps, the first of which is number `from` of all. */
function runSegment(
  transform: string,
  f: StepFunction,
  init: unknown,
  count: number,
  row: (k: number) => unknown,
  from = 0,
): Segment {
  let carry = init;
  const ys: unknown[] = [];
  for (let k = 0; k < count; k++) {
    const next = step(transform, () => {
      const {carry: given, y} = f(carry, row(k));
      assertTensors(y, transform, 'y');
      return {carry: matchedCarry(carry, given, transform, from + k), y};
    });
    if (k > 0) dispose(tensorsOf(carry));
    carry = next.carry;
    ys.push(next.y);
  }
  return {carry, ys};
}

/** All steps in segments of the given size, whose intermediate values are computed again in the backward pass. */
function runSegments(
  transform: string,
  f: StepFunction,
  init: unknown,
  n: number,
  row: (k: number) => unknown,
  size: number,
): Segment {
  let carry = init;
  const ys: unknown[] = [];
  for (let from = 0; from < n; from += size) {
    const count = Math.min(size, n - from);
    const rows = Array.from({length: count}, (_, k) => row(from + k));
    const segment = checkpoint((start: unknown, ...xs: unknown[]) =>
      runSegment(transform, f, start, count, (k) => xs[k], from),
    );
    const next = explained(transform, () => segment(carry, ...rows));
    if (from > 0) dispose(tensorsOf(carry));
    carry = next.carry;
    ys.push(...next.ys);
  }
  return {carry, ys};
}

/** Says of a scan what `checkpoint` says of functions. */
function explained<T>(transform: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof TransformError) || error.code !== 'closed-over-tracer') throw error;
    throw new TransformError(
      `with checkpoint, the function can't use a tensor traced by ${error.transform} that is neither in its carry nor in xs: its derivative would ` +
        `be lost. Put it in the carry (it may pass through unchanged, which copies nothing), or leave checkpoint out.`,
      {code: error.code, transform, cause: error},
    );
  }
}

/**
 * The rows of a tree of tensors. Where derivatives are taken they are made all at once: the cotangent of each would else be written into zeros
 * for all. Else each is made when it is asked for, and freed with the step.
 */
function rowsOf(xs: unknown): (index: number) => unknown {
  const tensors = tensorsOf(xs);
  const shapes = tensors.map(({shape}) => shape.slice(1));
  const unpacked = isDifferentiating()
    ? tensors.map((value) => run('Unpack', {value}, {axis: 0}))
    : null;
  return (index) =>
    withTensors(
      xs,
      tensors.map(
        (tensor, place) =>
          unpacked?.[place]![index] ?? reshape(sliceAlong(tensor, 0, index, 1), shapes[place]!),
      ),
    );
}

/** One tensor of the results of all steps, for each tensor of a result: `[n, …]`. */
function stacked(transform: string, ys: readonly unknown[]): unknown {
  const [first] = ys;
  const alike = ys.map((y, index) =>
    tensorsOf(
      matched(first, y, {
        transform,
        noun: 'output',
        expected: 'is',
        actual: `but the one stacked at ${index} is`,
        rule: 'The results of all steps are stacked: they must have the same structure, shapes and dtypes.',
      }),
    ),
  );
  return withTensors(
    first,
    tensorsOf(first).map((_, place) =>
      run(
        'Pack',
        alike.map((tensors) => tensors[place]!),
        {axis: 0},
      ),
    ),
  );
}

/** No step at all: one of ones tells what would be stacked. */
function runNone(
  transform: string,
  f: StepFunction,
  init: unknown,
  xs: unknown,
): {carry: unknown; ys: unknown} {
  const row = mapLeaves(xs, (leaf) =>
    leaf instanceof Tensor ? ones(leaf.shape.slice(1), leaf.dtype) : leaf,
  );
  const {y} = f(init, row);
  assertTensors(y, transform, 'y');
  const ys = mapLeaves(y, (leaf) =>
    leaf instanceof Tensor ? zeros([0, ...leaf.shape], leaf.dtype) : leaf,
  );
  return {carry: step(transform, () => init), ys};
}

function numberOfRows(transform: string, xs: unknown, length: number | undefined): number {
  const refuse = (message: string): never => {
    throw new TransformError(message, {code: 'invalid-argument', transform});
  };
  if (length !== undefined && !(Number.isInteger(length) && length >= 0)) {
    return refuse(
      `length is ${describe(length)}, but must be an integer that is not negative, or left out.`,
    );
  }
  const sized = leavesOf(xs).flatMap((leaf, index) => {
    if (!(leaf instanceof Tensor)) return [];
    const place = `xs${showPath(pathOf(xs, index))}`;
    if (leaf.rank > 0) return [{place, leaf, rows: leaf.shape[0]!}];
    return refuse(
      `${place} is ${describe(leaf)}, a scalar, which has no rows. ` +
        `Use it in the function as it is, or repeat it (tf.fill, tf.tile).`,
    );
  });
  const [first] = sized;
  if (first === undefined) {
    return (
      length ??
      refuse(`there are no rows: xs has no tensor. Pass {length: n} for n steps without input.`)
    );
  }
  const listed = sized
    .map(({place, leaf, rows}) => `${place} (${describe(leaf)}) has ${rows}`)
    .join(', ');
  if (sized.some(({rows}) => rows !== first.rows)) {
    return refuse(
      `the tensors of xs have different numbers of rows: ${listed}. Their first dimensions must be equal.`,
    );
  }
  return length === undefined || length === first.rows
    ? first.rows
    : refuse(`length is ${length}, but ${listed} rows. Leave length out, or slice xs.`);
}

/** The number of steps of a segment that is computed again; null where none is. */
function segmentSize(transform: string, segments: unknown, n: number): number | null {
  if (segments === false) return null;
  if (segments === true) return Math.max(1, Math.ceil(Math.sqrt(n)));
  if (Number.isInteger(segments) && (segments as number) > 0) return segments as number;
  throw new TransformError(
    `checkpoint is ${describe(segments)}, but must be true, false, or the number of steps of a segment.`,
    {code: 'invalid-argument', transform},
  );
}
