import type {Tensor} from '@tensorflow/tfjs-core';
import {run as runKernel} from '../interpreter/hook.js';
import {materialize} from './dims.js';
import type {KnownRule} from './index.js';
import type {BatchedInput} from './rule.js';

/**
 * NOTE [keyed]
 * Keyed random numbers are two kernels of this library's own, the same on every backend. Keys are int32 `[…, 2]`, a draw is `[…, ...shape]`: as
 * pure functions of tensors they are mapped, carried and captured like any other kernel.
 */
export const DRAW = 'ThreefryDraw';
export const FOLD_IN = 'ThreefryFoldIn';

export type Distribution =
  | 'bits'
  | 'exponential'
  | 'gumbel'
  | 'integers'
  | 'keys'
  | 'normal'
  | 'permutation'
  | 'truncatedNormal'
  | 'uniform';

export interface DrawAttrs {
  readonly distribution: Distribution;
  /** Of what is drawn with one key. */
  readonly shape: readonly number[];
  /** The bounds of a distribution that has some. */
  readonly range: readonly [number, number];
}

/** Draws with each key of `[…, 2]`: `[…, ...shape]`. */
export const draw = (key: Tensor, attrs: DrawAttrs): Tensor =>
  runKernel(DRAW, {key}, attrs) as Tensor;

/** A key `[…, 2]` for each key `[…, 2]` and number `[…]`. */
export const foldIn = (key: Tensor, data: Tensor): Tensor =>
  runKernel(FOLD_IN, {key, data}) as Tensor;

type Inputs = Readonly<Record<'key' | 'data', BatchedInput>>;

/** Rules by the names of inputs, where other kernels' rules have the types of their signatures. */
const keyed = (batch: (inputs: Inputs, attrs: never, size: number) => Tensor): KnownRule => ({
  batch: batch as unknown as KnownRule['batch'] & object,
  derivative: 'zero',
});

/** What the library knows of these kernels. */
export const keyedRules: ReadonlyMap<string, KnownRule> = new Map([
  [DRAW, keyed(({key}, attrs) => draw(key.value, attrs))],
  [
    FOLD_IN,
    keyed(({key, data}, _attrs, size) => foldIn(materialize(key, size), materialize(data, size))),
  ],
]);
