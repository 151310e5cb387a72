import type {Tensor} from '@tensorflow/tfjs-core';
import {logicalRank, resolveAxes, splitAt} from './dims.js';
import {add, concat, mul, reshape, slice} from './ops.js';
import {putInRows, takeInRows} from './rows.js';
import {family, run, saving, savingOutput, type BatchedInput} from './rule.js';

export interface ScanAttrs {
  readonly axis: number;
  readonly exclusive: boolean;
  readonly reverse: boolean;
}

/** The axis of a scan, counted from the front. */
export const axisOf = (rank: number, {axis}: ScanAttrs): number => resolveAxes(axis, rank)[0] ?? 0;

const batchScan =
  (name: 'Cumsum' | 'Cumprod') =>
  ({x}: {readonly x: BatchedInput}, attrs: ScanAttrs): Tensor =>
    run(name, {x: x.value}, {...attrs, axis: axisOf(logicalRank(x), attrs) + 1});

/** With the axis counted from the front: the kernels of cpu and wasm permute a negative one wrongly. */
const cumsum = (x: Tensor, attrs: ScanAttrs): Tensor =>
  run('Cumsum', {x}, {...attrs, axis: axisOf(x.rank, attrs)});

/** What scans and sorts along one axis. */
export const scan = family({
  Cumsum: {
    batch: batchScan('Cumsum'),
    jvp: (_primals, {x: t}, attrs) => cumsum(t!, attrs),
    vjp: saving([], (dy, _residuals, attrs) => ({
      x: () => cumsum(dy, {...attrs, reverse: !attrs.reverse}),
    })),
  },
  Cumprod: {
    batch: batchScan('Cumprod'),
    jvp: ({x}, {x: t}, attrs) => alongAxis(pushCumprod, x, t!, attrs),
    vjp: saving(['x'], (dy, {x}, attrs) => ({x: () => alongAxis(pullCumprod, x, dy, attrs)})),
  },
  TopK: {
    batch: ({x}, attrs) => run('TopK', {x: x.value}, attrs),
    jvp: (_primals, {x: t}, _attrs, [, indices]) => [takeInRows(t!, indices!), null],
    vjp: savingOutput([], ([dy], {x, output: [, indices]}) => ({
      x: () => putInRows(dy!, indices!, x.shape),
    })),
  },
});

type Transport = (x: Tensor, t: Tensor, attrs: ScanAttrs) => Tensor;

/** Runs a scan of two tensors along axis 1 of `[before, axis, after]`. */
function alongAxis(transport: Transport, x: Tensor, t: Tensor, attrs: ScanAttrs): Tensor {
  const axis = axisOf(x.rank, attrs);
  if (x.size === 0) return t;
  return reshape(transport(splitAt(x, axis), splitAt(t, axis), attrs), x.shape);
}

/**
 * NOTE [cumprod]
 * With y = cumprod(x), tangents obey the recurrence ẏᵢ = xᵢ·ẏᵢ₋₁ + yᵢ₋₁·ẋᵢ, and cotangents x̄ᵢ = yᵢ₋₁·rᵢ with rᵢ = ȳᵢ + xᵢ₊₁·rᵢ₊₁. There is no
 * division in them, so they are right whatever zeros there are, to any order. An exclusive product is one of the elements before.
 */
function pushCumprod(x: Tensor, t: Tensor, {exclusive, reverse}: ScanAttrs): Tensor {
  const factors = exclusive ? shift(x, reverse, 1) : x;
  const changes = exclusive ? shift(t, reverse, 0) : t;
  return solveRecurrence(factors, mul(productsBefore(factors, reverse), changes), reverse);
}

function pullCumprod(x: Tensor, dy: Tensor, {exclusive, reverse}: ScanAttrs): Tensor {
  const factors = exclusive ? shift(x, reverse, 1) : x;
  const sums = solveRecurrence(shift(factors, !reverse, 0), dy, !reverse);
  const changes = mul(productsBefore(factors, reverse), sums);
  return exclusive ? shift(changes, !reverse, 0) : changes;
}

const productsBefore = (x: Tensor, reverse: boolean): Tensor =>
  run('Cumprod', {x}, {axis: 1, exclusive: true, reverse});

/** Elements `begin` to `begin + size` along axis 1. */
const part = (x: Tensor, begin: number, size: number): Tensor =>
  slice(x, [0, begin, 0], [x.shape[0]!, size, x.shape[2]!]);

/** Each element's predecessor in the order of the scan; `first` for the first. */
function shift(x: Tensor, reverse: boolean, first: number): Tensor {
  const others = part(x, reverse ? 1 : 0, x.shape[1]! - 1);
  const padding: [number, number] = reverse ? [0, 1] : [1, 0];
  const paddings: [number, number][] = [[0, 0], padding, [0, 0]];
  return run('PadV2', {x: others}, {paddings, constantValue: first});
}

/**
 * y with yᵢ = aᵢ·yᵢ₋₁ + bᵢ along axis 1. Affine maps compose, so ⌈log₂ n⌉ rounds suffice (the parallel scan of Hillis and Steele): after
 * each, an element stands for twice as many steps.
 */
function solveRecurrence(a: Tensor, b: Tensor, reverse: boolean): Tensor {
  const n = b.shape[1]!;
  let factors = a;
  let sums = b;
  for (let distance = 1; distance < n; distance *= 2) {
    const open = n - distance;
    const finished = (x: Tensor): Tensor => part(x, reverse ? open : 0, distance);
    const unfinished = (x: Tensor): Tensor => part(x, reverse ? 0 : distance, open);
    const earlier = (x: Tensor): Tensor => part(x, reverse ? distance : 0, open);
    const join = (first: Tensor, others: Tensor): Tensor =>
      concat(reverse ? [others, first] : [first, others], 1);
    const f = unfinished(factors);
    sums = join(finished(sums), add(unfinished(sums), mul(f, earlier(sums))));
    if (2 * distance < n) factors = join(finished(factors), mul(f, earlier(factors)));
  }
  return sums;
}
