import {stack, type Tensor} from '@tensorflow/tfjs-core';
import {TransformError, describe} from '../errors.js';
import {scoped} from '../interpreter/scope.js';
import {sameShape} from '../rules/ops.js';
import {bind} from './binding.js';
import type {BufferUpdates} from './call.js';
import {functionWithBuffers, type BufferOptions, type WithBuffers} from './functional.js';
import type {
  Binding,
  Model,
  ModelArgs,
  NamedState,
  State,
  UntypedModel,
  VariableModule,
} from './model.js';

/**
 * The parameters and the buffers of several models of one structure, each stacked along a new first dimension, under the names that they have
 * in the first model.
 *
 * @returns  `[params, buffers]`, tensors of shape `[models, ...shape]` that belong to the caller
 * @throws TransformError `ensemble-mismatch` and what `functionalCall` throws
 * @example
 * const models = [1, 2].map((value) => ({apply: () => null, variables: {w: tf.variable(tf.tensor1d([value, value]))}}));
 * const [params, buffers] = stackModuleState(models);
 * params['w']  // => [[1, 1], [2, 2]]
 */
export function stackModuleState(models: readonly Model[]): [params: State, buffers: State] {
  return stacked(models, 'stackModuleState');
}

/**
 * Several models of one structure as one function: `[f, params, buffers]` for `vmap(f, {inDims: [0, 0, null]})(params, buffers, x)`, which
 * runs all of them at once, on the same inputs (with `inDims: [0, 0, 0]` each on its own).
 *
 * @param models  of the same layers with the same settings; only values and names differ
 * @returns  `f` calls the first model with the parameters and buffers of one of them; `params` and `buffers` are those of all, stacked
 * @throws TransformError `ensemble-mismatch` and what `functionalCall` throws
 * @example
 * const models = [1, 2].map((value) => {
 *   const w = tf.variable(tf.scalar(value));
 *   return {apply: (x: tf.Tensor) => x.mul(w), variables: {w}};
 * });
 * const [f, params, buffers] = combineStateForEnsemble(models);
 * vmap(f, {inDims: [0, 0, null]})(params, buffers, tf.tensor1d([3, 4]))  // => [[3, 4], [6, 8]]
 */
export function combineStateForEnsemble<
  A extends unknown[],
  R,
  const Updates extends BufferUpdates = 'error',
>(
  models: readonly VariableModule<A, R>[],
  options?: BufferOptions<Updates>,
): [
  f: (params: State, buffers: State, ...args: A) => WithBuffers<R, Updates>,
  params: State,
  buffers: State,
];
export function combineStateForEnsemble<R = Tensor, const Updates extends BufferUpdates = 'error'>(
  models: readonly UntypedModel[],
  options?: BufferOptions<Updates>,
): [
  f: (params: State, buffers: State, ...args: ModelArgs) => WithBuffers<R, Updates>,
  params: State,
  buffers: State,
];
export function combineStateForEnsemble(
  models: readonly Model[],
  options: BufferOptions<BufferUpdates> = {},
): [
  f: (params: State, buffers: State, ...args: never[]) => unknown,
  params: State,
  buffers: State,
] {
  const caller = 'combineStateForEnsemble';
  const [params, buffers] = stacked(models, caller);
  return [functionWithBuffers(models[0]!, options, caller), params, buffers];
}

function stacked(models: readonly Model[], caller: string): [State, State] {
  if (!Array.isArray(models) || models.length === 0) {
    throw new TransformError(
      `expected an array of at least one model, but got ${describe(models)}.`,
      {code: 'ensemble-mismatch', transform: caller},
    );
  }
  const bindings = models.map((model: Model) => bind(model, caller));
  const [first] = bindings as [Binding];
  bindings.forEach((binding, index) => assertAlike(first, binding, index, caller));
  return scoped(caller, (results) => {
    const stackOf = (params: boolean): State =>
      Object.fromEntries(
        first.state.flatMap(({name, isParam}, place) =>
          isParam === params
            ? [[name, stack(bindings.map(({state}) => state[place]!.tensor))]]
            : [],
        ),
      );
    const states: [State, State] = [stackOf(true), stackOf(false)];
    results.push(...states.flatMap((state) => Object.values(state)));
    return states;
  });
}

function assertAlike(first: Binding, other: Binding, index: number, caller: string): void {
  const difference = firstDifference(first, other);
  if (difference === null) return;
  throw new TransformError(
    `model ${index} differs from model 0 in structure: ${difference}. An ensemble's models differ in the values of their parameters ` +
      `only; run models of different structures one after the other.`,
    {code: 'ensemble-mismatch', transform: caller},
  );
}

function firstDifference(first: Binding, other: Binding): string | null {
  const show = ({name, tensor, isParam}: NamedState): string =>
    `${isParam ? 'parameter' : 'buffer'} '${name}' (${describe(tensor)})`;
  if (first.state.length !== other.state.length) {
    return `it has ${other.state.length} parameters and buffers, not ${first.state.length}`;
  }
  for (const [place, entry] of first.state.entries()) {
    const {tensor, isParam} = entry;
    const its = other.state[place]!;
    const fits =
      sameShape(its.tensor.shape, tensor.shape) &&
      its.tensor.dtype === tensor.dtype &&
      its.isParam === isParam;
    if (!fits) return `it has ${show(its)} where model 0 has ${show(entry)}`;
  }
  return first.structure === other.structure ? null : structuralDifference(first, other);
}

const CONTEXT = 40;

/** The place where the texts of two structures part. */
function structuralDifference({structure: a}: Binding, {structure: b}: Binding): string {
  if (a === null || b === null) return 'it is another kind of model';
  let start = 0;
  while (a[start] === b[start]) start++;
  const excerpt = (text: string): string =>
    text.slice(Math.max(0, start - CONTEXT), start + CONTEXT);
  return `its layers have other settings (…${excerpt(b)}… and not …${excerpt(a)}…)`;
}
