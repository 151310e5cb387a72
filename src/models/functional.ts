import type {Tensor} from '@tensorflow/tfjs-core';
import {TransformError, describe} from '../errors.js';
import {bind} from './binding.js';
import {callWith, type BufferUpdates} from './call.js';
import type {Model, ModelArgs, State, UntypedModel, VariableModule} from './model.js';
import {copies} from './state.js';

export interface BufferOptions<Updates extends BufferUpdates> {
  /**
   * What becomes of new values that the model assigns to its buffers, as batch normalization does in training: `'error'` (the default)
   * refuses them; with `'return'` the function gives `[output, newBuffers]`; `'discard'` forgets them after the call.
   */
  readonly bufferUpdates?: Updates;
}

/** The output, or the output and the new buffers. */
export type WithBuffers<R, Updates extends BufferUpdates> = 'return' extends Updates
  ? [output: R, newBuffers: State]
  : R;

/**
 * Calls a model with other parameters: `functionalCall(model, params, x)` is what `model` would give if its variables had the values `params`.
 *
 * Nothing of the model changes. It works in every transform: derivatives with respect to `params` are those with respect to the model's
 * variables. All parameters must be given; buffers may be, and have the model's own values where they are not.
 *
 * @param model  a `tf.LayersModel` or `tf.Sequential`, any layer, a `tf.GraphModel`, or plain code with its variables (`{apply, variables}`)
 * @param params  tensors by name, as `makeFunctional` gives them
 * @param args  what the model takes: inputs with their batch dimension, and for layers `{training: true}` and the like
 * @returns  what the model gives. For layers and graph models state the type where it is not one tensor: `functionalCall<tf.Tensor[]>(…)`
 * @throws TransformError `unknown-parameter`, `missing-parameter`, `parameter-mismatch`, `model-not-built`, `buffer-update`,
 *   `stateful-layer`, `not-a-model`, `async-function`, `disposed-tensor`, `unsupported-op`
 * @example
 * const w = tf.variable(tf.tensor1d([1, 2]));
 * const model = {apply: (x: tf.Tensor) => x.mul(w).sum(), variables: {w}};
 * functionalCall(model, {w: tf.tensor1d([10, 20])}, tf.tensor1d([1, 1]))  // => 30
 * grad((p: {w: tf.Tensor}) => functionalCall(model, p, tf.tensor1d([3, 4])))({w: w.clone()})  // => {"w": [3, 4]}
 * w.clone()  // => [1, 2]
 */
export function functionalCall<A extends unknown[], R>(
  model: VariableModule<A, R>,
  params: State,
  ...args: A
): R;
export function functionalCall<R = Tensor>(
  model: UntypedModel,
  params: State,
  ...args: ModelArgs
): R;
export function functionalCall(model: Model, params: State, ...args: unknown[]): unknown {
  const binding = bind(model, 'functionalCall');
  return callWith(binding, params, args, 'error', 'functionalCall').output;
}

/**
 * A model as a function of its parameters: `[f, params]` with `f(params, x)`.
 *
 * `params` are copies and belong to the caller. Buffers (what isn't trained: moving averages, frozen layers) have the values that they have in
 * the model when `f` is called; `makeFunctionalWithBuffers` gives them too.
 *
 * @param model  see `functionalCall`
 * @returns  `[f, params]`; `f` takes `params`, then what the model takes
 * @throws TransformError as `functionalCall`
 * @example
 * const model = tf.sequential({layers: [tf.layers.dense({units: 1, inputShape: [2], kernelInitializer: 'ones', name: 'out'})]});
 * const [f, params] = makeFunctional(model);
 * Object.keys(params)  // => ["out/kernel", "out/bias"]
 * const loss = (p: typeof params, x: tf.Tensor, y: tf.Tensor) =>
 *   f(p, x.expandDims(0)).sub(y).square().sum();
 * const perExample = vmap(grad(loss), {inDims: [null, 0, 0]})(params, tf.tensor2d([[1, 2], [3, 4]]), tf.tensor1d([1, 1]));
 * perExample['out/kernel']!.reshape([2, 2])  // => [[4, 8], [36, 48]]
 */
export function makeFunctional<A extends unknown[], R>(
  model: VariableModule<A, R>,
): [f: (params: State, ...args: A) => R, params: State];
export function makeFunctional<R = Tensor>(
  model: UntypedModel,
): [f: (params: State, ...args: ModelArgs) => R, params: State];
export function makeFunctional(
  model: Model,
): [f: (params: State, ...args: never[]) => unknown, params: State] {
  const caller = 'makeFunctional';
  const params = copies(bind(model, caller), true);
  const f = (given: State, ...args: unknown[]): unknown =>
    callWith(bind(model, caller), given, args, 'error', caller).output;
  return [f, params];
}

/**
 * A model as a function of its parameters and its buffers: `[f, params, buffers]` with `f(params, buffers, x)`.
 *
 * With `bufferUpdates: 'return'` `f` gives `[output, newBuffers]`: moving averages after a call in training mode, never written in place.
 *
 * @param model  see `functionalCall`
 * @returns  `[f, params, buffers]`, the latter two as copies that belong to the caller
 * @throws TransformError as `functionalCall`; `invalid-argument`
 * @example
 * const norm = tf.layers.batchNormalization({inputShape: [1], momentum: 0.5, name: 'norm'});
 * const [f, params, buffers] = makeFunctionalWithBuffers(tf.sequential({layers: [norm]}), {bufferUpdates: 'return'});
 * const [y, newBuffers] = f(params, buffers, tf.tensor2d([[1], [3]]), {training: true});
 * y  // => [[-0.9995], [0.9995]]
 * newBuffers['norm/moving_mean']  // => [1]
 * buffers['norm/moving_mean']  // => [0]
 */
export function makeFunctionalWithBuffers<
  A extends unknown[],
  R,
  const Updates extends BufferUpdates = 'error',
>(
  model: VariableModule<A, R>,
  options?: BufferOptions<Updates>,
): [
  f: (params: State, buffers: State, ...args: A) => WithBuffers<R, Updates>,
  params: State,
  buffers: State,
];
export function makeFunctionalWithBuffers<
  R = Tensor,
  const Updates extends BufferUpdates = 'error',
>(
  model: UntypedModel,
  options?: BufferOptions<Updates>,
): [
  f: (params: State, buffers: State, ...args: ModelArgs) => WithBuffers<R, Updates>,
  params: State,
  buffers: State,
];
export function makeFunctionalWithBuffers(
  model: Model,
  options: BufferOptions<BufferUpdates> = {},
): [
  f: (params: State, buffers: State, ...args: never[]) => unknown,
  params: State,
  buffers: State,
] {
  const caller = 'makeFunctionalWithBuffers';
  const binding = bind(model, caller);
  return [
    functionWithBuffers(model, options, caller),
    copies(binding, true),
    copies(binding, false),
  ];
}

/** `f(params, buffers, ...args)` of a model. */
export function functionWithBuffers(
  model: Model,
  {bufferUpdates = 'error'}: BufferOptions<BufferUpdates>,
  caller: string,
): (params: State, buffers: State, ...args: unknown[]) => unknown {
  if (!['error', 'return', 'discard'].includes(bufferUpdates)) {
    throw new TransformError(
      `bufferUpdates must be 'error', 'return' or 'discard', but is ${describe(bufferUpdates)}.`,
      {code: 'invalid-argument', transform: caller},
    );
  }
  return (params, buffers, ...args) => {
    const binding = bind(model, caller);
    const values = {...params, ...buffers};
    const result = callWith(binding, values, args, bufferUpdates, caller);
    return bufferUpdates === 'return' ? [result.output, result.buffers] : result.output;
  };
}
