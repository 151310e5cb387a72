/** What the types of control flow must infer, and what must not compile. See transforms.ts. */
import type * as tf from '@tensorflow/tfjs-core';
import {cond, foriLoop, map, scan, whileLoop} from '../../src/index.js';

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const expectType = <_Check extends true>(): void => undefined;

declare const x: tf.Tensor;
declare const x1: tf.Tensor1D;
declare const x2: tf.Tensor2D;
declare const n: tf.Scalar;
declare const state: {h: tf.Tensor1D; n: tf.Scalar};

// cond gives what its functions give.
const chosen = cond(
  x,
  (a: tf.Tensor1D, flag: boolean) => (flag ? {y: a} : {y: a}),
  (a) => ({y: a}),
  x1,
  true,
);
expectType<Same<typeof chosen, {y: tf.Tensor1D}>>();
cond(
  true,
  () => x1,
  // @ts-expect-error the functions give something different
  () => [x1],
);
// @ts-expect-error an operand is missing
cond(
  true,
  (a: tf.Tensor) => a,
  (a: tf.Tensor) => a,
);
cond(
  // @ts-expect-error a predicate is a boolean or a tensor
  'yes',
  () => x,
  () => x,
);

// Carries have tensors of any rank, and functions may say which.
const last = whileLoop(
  (c) => c.n.less(3),
  (c) => ({h: c.h.mul(2), n: c.n.add(1)}),
  state,
);
expectType<Same<typeof last, {h: tf.Tensor; n: tf.Tensor}>>();
whileLoop(
  (c: typeof state) => c.n.less(3),
  (c: typeof state) => c,
  state,
);
whileLoop(
  // @ts-expect-error the carry has no such part
  (c) => c.m.less(3),
  (c) => c,
  state,
);
whileLoop(
  (c) => c.n.less(3),
  // @ts-expect-error the body gives another structure
  (c) => c.n,
  state,
);

const sum = foriLoop(0, 3, (i, c) => c.add(i.toFixed().length), n);
expectType<Same<typeof sum, tf.Tensor>>();
foriLoop(0, n, (i: tf.Tensor, c) => c.add(i), n);
// @ts-expect-error a bound that is a tensor makes tensors of the numbers
foriLoop(0, n, (i: number, c) => c.add(i), n);

const [carry, ys] = scan((c, row) => [c.add(row.a), {y: row.a, z: c}], n, {a: x2});
expectType<Same<typeof carry, tf.Tensor>>();
expectType<Same<typeof ys, {y: tf.Tensor; z: tf.Tensor}>>();
const [, nothing] = scan((c) => [c, null], n, null, {length: 3});
expectType<Same<typeof nothing, null>>();
scan((h: tf.Tensor1D, row: tf.Tensor1D) => [h.add(row), h], x1, x2);
// @ts-expect-error the function gives no pair
scan((c) => c, n, x2);
// @ts-expect-error the carry changes
scan((c) => [[c], c], n, x2);
// @ts-expect-error no such option
scan((c) => [c, c], n, x2, {backwards: true});

expectType<Same<ReturnType<typeof map<tf.Tensor2D, {y: tf.Scalar}>>, {y: tf.Tensor}>>();
map((row: tf.Tensor1D) => row.sum(), x2);
