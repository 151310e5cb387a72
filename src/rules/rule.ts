import type {DataType, Tensor} from '@tensorflow/tfjs-core';
import {run as runKernel} from '../interpreter/hook.js';
import type {KernelName, Signature, Signatures} from './signatures.js';

/** One value per input of a kernel: by name, or a list for the kernels that take a list. */
export type PerInput<S extends Signature, T> = number extends S['required']
  ? readonly T[]
  : {readonly [Name in Extract<S['required'], string>]: T} & {
      readonly [Name in S['optional']]?: T;
    };

/** As `PerInput`, with any of them missing. */
export type SomeInputs<S extends Signature, T> = number extends S['required']
  ? readonly (T | undefined)[]
  : {readonly [Name in Extract<S['required'], string> | S['optional']]?: T};

export type InputName<S extends Signature> = Extract<S['required'], string> | S['optional'];

/** A tensor for kernels with one output, a list for the others. */
export type PerOutput<S extends Signature, T> = S['output'] extends 'many' ? T[] : T;

/** An input of a kernel under vmap. A mapped value has the batch dimension in front: `[B, ...logical shape]`. */
export interface BatchedInput {
  readonly value: Tensor;
  readonly mapped: boolean;
}

/** What is known of a tensor whose value was not saved. */
export interface ShapeOnly {
  readonly shape: readonly number[];
  readonly dtype: DataType;
}

/**
 * NOTE [batching]
 * Gets the inputs of one call, at least one of them mapped, the attributes as the call gave them (logical, per-example axes and
 * shapes), and the batch size. Gives the result for all examples at once, batch dimension in front.
 */
export type BatchingRule<S extends Signature> = (
  inputs: PerInput<S, BatchedInput>,
  attrs: S['attrs'],
  size: number,
) => PerOutput<S, Tensor>;

/**
 * NOTE [forward]
 * Tangents are `undefined` where they are zero; at least one is not. Gives the tangent of each output (`null`: zero).
 */
export type JvpRule<S extends Signature> = (
  primals: PerInput<S, Tensor>,
  tangents: SomeInputs<S, Tensor>,
  attrs: S['attrs'],
  output: PerOutput<S, Tensor>,
) => PerOutput<S, Tensor | null>;

/** The reverse rule's answer: a thunk per differentiable input, so that only what is asked for is computed. */
export type Cotangents<S extends Signature> = number extends S['required']
  ? readonly (() => Tensor)[]
  : {readonly [Name in InputName<S>]?: () => Tensor};

/** For each input with respect to which a cotangent is asked for, the inputs whose values that takes. */
export type SavesPerInput<S extends Signature, Saved extends InputName<S>> = {
  readonly [Name in InputName<S>]?: readonly Saved[];
};

/**
 * NOTE [reverse]
 * `saves` names the inputs whose values the pullback reads: these stay alive from the call to the pullback, nothing else does. Of the
 * other inputs it sees shape and dtype. Use the helpers below, which type the residuals accordingly. Only the thunks of inputs
 * that derivatives are taken with respect to are called.
 */
export interface VjpRule<S extends Signature> {
  readonly saves: readonly InputName<S>[] | SavesPerInput<S, InputName<S>> | 'all';
  readonly savesOutput: boolean;
  readonly pullback: (
    dy: PerOutput<S, Tensor>,
    residuals: never,
    attrs: S['attrs'],
  ) => Cotangents<S>;
}

type Residuals<S extends Signature, Saved extends string> = number extends S['required']
  ? readonly ShapeOnly[]
  : {readonly [Name in Extract<S['required'], Saved>]: Tensor} & {
      readonly [Name in Exclude<Extract<S['required'], string>, Saved>]: ShapeOnly;
    } & {readonly [Name in Extract<S['optional'], Saved>]?: Tensor} & {
      readonly [Name in Exclude<S['optional'], Saved>]?: ShapeOnly;
    };

/** A reverse rule that keeps the named inputs alive. */
export function saving<S extends Signature, const Name extends InputName<S> = never>(
  saves: readonly Name[],
  pullback: (
    dy: PerOutput<S, Tensor>,
    residuals: Residuals<S, Name>,
    attrs: S['attrs'],
  ) => Cotangents<S>,
): VjpRule<S> {
  return {saves, savesOutput: false, pullback};
}

/** A reverse rule that keeps alive what the cotangents need that are asked for: `savingFor({a: ['b'], b: ['a']}, …)` for a product. */
export function savingFor<
  S extends Signature,
  const Saves extends SavesPerInput<S, InputName<S>> = Record<never, never>,
>(
  saves: Saves,
  pullback: (
    dy: PerOutput<S, Tensor>,
    residuals: Residuals<S, NamesIn<Saves>>,
    attrs: S['attrs'],
  ) => Cotangents<S>,
): VjpRule<S> {
  return {saves, savesOutput: false, pullback};
}

type NamesIn<Saves> = {
  [Name in keyof Saves]: Saves[Name] extends readonly (infer Saved extends string)[]
    ? Saved
    : never;
}[keyof Saves];

/** A reverse rule that keeps the output alive (`residuals.output`), and the named inputs. */
export function savingOutput<S extends Signature, const Name extends InputName<S> = never>(
  saves: readonly Name[],
  pullback: (
    dy: PerOutput<S, Tensor>,
    residuals: Residuals<S, Name> & {readonly output: PerOutput<S, Tensor>},
    attrs: S['attrs'],
  ) => Cotangents<S>,
): VjpRule<S> {
  return {saves, savesOutput: true, pullback};
}

/** A reverse rule of a kernel that takes a list, all of which it keeps alive. */
export function savingAll<S extends Signature>(
  pullback: (
    dy: PerOutput<S, Tensor>,
    residuals: readonly Tensor[],
    attrs: S['attrs'],
  ) => Cotangents<S>,
): VjpRule<S> {
  return {saves: 'all', savesOutput: false, pullback};
}

/** Says why a kernel has no rule of a kind, and what to use instead. */
export interface Refusal {
  readonly refuse: string;
}

/** How derivatives pass through a kernel. */
export type Derivatives<S extends Signature> =
  /** No derivative passes: the outputs are integers or booleans, or piecewise constant. */
  | {readonly derivative: 'zero'}
  /** It has one in principle, but we don't give it. */
  | {readonly derivative: Refusal}
  | {
      /** The inputs in each of which, by itself, the kernel is linear: the forward rule is the kernel on each tangent, summed. */
      readonly linearIn: readonly InputName<S>[];
      readonly vjp: VjpRule<S>;
    }
  | {readonly jvp: JvpRule<S>; readonly vjp: VjpRule<S>};

/** All that the library knows about one kernel. */
export type Rule<S extends Signature> = {
  readonly batch: BatchingRule<S> | Refusal;
} & Derivatives<S>;

export type RuleOf<Name extends KernelName> = Rule<Signatures[Name]>;

/** Rules of kernels that belong together. */
export type Family = {readonly [Name in KernelName]?: RuleOf<Name>};

/** Types a family: a wrong kernel name, a wrong input or a forgotten rule does not compile. */
export const family = <const F extends Family>(rules: F & Family): F => rules;

/** Runs a kernel on tensors of any level, with the types of its signature. */
export function run<Name extends KernelName>(
  name: Name,
  inputs: PerInput<Signatures[Name], Tensor>,
  attrs?: Signatures[Name]['attrs'],
): PerOutput<Signatures[Name], Tensor> {
  return runKernel(name, inputs, attrs) as PerOutput<Signatures[Name], Tensor>;
}
