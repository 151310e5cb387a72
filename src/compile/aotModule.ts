import {Variable, type Tensor} from '@tensorflow/tfjs-core';
import {bind} from '../models/binding.js';
import {functionWithBuffers} from '../models/functional.js';
import type {Model, ModelArgs, State, UntypedModel, VariableModule} from '../models/model.js';
import {aotFunction, type AotFunction, type AotOptions} from './aot.js';

/** A compiled model. */
export interface AotModule<A extends unknown[], R> {
  /** What the model gives with the values that its variables have now. New values of its buffers (moving averages) are assigned to them. */
  (...args: A): R;
  /** The compiled function of parameters and buffers: `[output, newBuffers]`, where nothing is assigned. */
  readonly functional: AotFunction<
    [params: State, buffers: State, ...args: A],
    [output: R, newBuffers: State]
  >;
  /** Frees what was compiled. The model stays. */
  dispose(): void;
}

/**
 * A model whose forward and reverse pass are compiled: `aotFunction` of the model as a function of its parameters and buffers. It is called as the
 * model is, and its variables are trained by tfjs's optimizers; `functional` is for `grad` and the other transforms.
 *
 * @param model  a `tf.LayersModel` or `tf.Sequential`, any layer, a `tf.GraphModel`, or plain code with its variables (`{apply, variables}`)
 * @throws TransformError as `aotFunction` and `functionalCall`
 * @see https://pytorch.org/functorch/stable/aot_autograd.html for `aot_module`
 * @example
 * const w = tf.variable(tf.tensor1d([1, 2]));
 * const model = compile.aotModule({apply: (x: tf.Tensor) => x.mul(w).sum(), variables: {w}});
 * model(tf.tensor1d([3, 4]))  // => 11
 * tf.variableGrads(() => model(tf.tensor1d([3, 4])) as tf.Scalar).grads[w.name]!  // => [3, 4]
 * model.dispose();
 * w.dispose();
 */
export function aotModule<A extends unknown[], R>(
  model: VariableModule<A, R>,
  options?: AotOptions,
): AotModule<A, R>;
export function aotModule<R = Tensor>(
  model: UntypedModel,
  options?: AotOptions,
): AotModule<ModelArgs, R>;
export function aotModule(model: Model, options?: AotOptions): AotModule<unknown[], unknown> {
  const caller = 'aotModule';
  const f = functionWithBuffers(model, {bufferUpdates: 'return'}, caller);
  const functional = aotFunction(f, options);
  const call = (...args: unknown[]): unknown => {
    const {state} = bind(model, caller);
    const values = (isParam: boolean): State =>
      Object.fromEntries(
        state.filter((entry) => entry.isParam === isParam).map(({name, tensor}) => [name, tensor]),
      );
    const [output, buffers] = functional(values(true), values(false), ...args) as [unknown, State];
    try {
      for (const {name, tensor} of state) {
        const value = buffers[name];
        // A buffer that the call leaves as it is comes back with its own data.
        if (value === undefined || value.dataId === tensor.dataId) continue;
        if (tensor instanceof Variable) tensor.assign(value);
      }
    } finally {
      for (const value of Object.values(buffers)) value.dispose();
    }
    return output;
  };
  return Object.defineProperties(call, {
    functional: {value: functional},
    dispose: {value: () => functional.dispose()},
  }) as unknown as AotModule<unknown[], unknown>;
}
