import type {Tensor} from '@tensorflow/tfjs-core';

/** Functions that transforms take: of tensors, of trees of tensors, and of other values that they leave alone. */
export type AnyFunction<A extends unknown[] = never[], R = unknown> = (...args: A) => R;

/** The same tree with tensors of any rank: under vmap a function of vectors is called with matrices. */
export type AnyRank<T> = T extends Tensor
  ? Tensor
  : T extends AnyFunction
    ? T
    : T extends readonly unknown[] | Record<string, unknown>
      ? {[K in keyof T]: AnyRank<T[K]>}
      : T extends object
        ? {[K in keyof T]: AnyRank<T[K]>}
        : T;

/** A dimension for all tensors of a tree, or a tree of them that may end above the leaves. */
export type DimTree<T> =
  | number
  | null
  | (T extends Tensor
      ? never
      : T extends readonly unknown[] | object
        ? {readonly [K in keyof T]: DimTree<T[K]>}
        : never);

/** Positions of the differentiated arguments. */
export type Argnums = number | readonly number[];

/** The arguments at the given positions: one, or a list. A position that isn't a literal stands for any argument. */
export type Selected<A extends unknown[], N extends Argnums> = N extends readonly number[]
  ? {-readonly [I in keyof N]: ArgumentAt<A, N[I]>}
  : ArgumentAt<A, Extract<N, number>>;

type ArgumentAt<A extends unknown[], N> = `${N & number}` extends keyof A
  ? A[`${N & number}` & keyof A]
  : A[number];

/** For each tensor of `Out` and each of `In`, a tensor; nested as `Out`, then as `In`. */
export type Jacobian<Out, In> = Out extends Tensor
  ? InLeaves<In>
  : Out extends readonly unknown[] | object
    ? {[K in keyof Out]: Jacobian<Out[K], In>}
    : Out;

type InLeaves<In> = In extends Tensor
  ? Tensor
  : In extends readonly unknown[] | object
    ? {[K in keyof In]: InLeaves<In[K]>}
    : In;

/** A gradient has the structure of what it was taken with respect to. */
export type Gradient<T> = [Extract<T, Tensor>] extends [never]
  ? T extends readonly unknown[] | object
    ? {[K in keyof T]: Gradient<T[K]>}
    : T
  : Extract<T, Tensor>;
