import {Variable} from '@tensorflow/tfjs-core';
import {TransformError, describe} from '../errors.js';
import {bindGraphModel, isGraphModel} from './graphModel.js';
import {bindLayer, isLayer} from './layers.js';
import type {Binding, Model, NamedState, VariableModule} from './model.js';

/**
 * What the library needs of a model: its state by name, and a way to call it.
 * @param caller  the public function, for messages
 * @throws TransformError `not-a-model`, `model-not-built`, `stateful-layer`, `disposed-tensor`
 */
export function bind(model: Model, caller: string): Binding {
  const binding = bindByKind(model, caller);
  const disposed = binding.state.find(({tensor}) => tensor.isDisposed);
  if (disposed === undefined) return binding;
  throw new TransformError(
    `${binding.title} is disposed: its '${disposed.name}' (${describe(disposed.tensor)}) no longer has a value. Call it before model.dispose().`,
    {code: 'disposed-tensor', transform: caller},
  );
}

function bindByKind(model: unknown, caller: string): Binding {
  if (isLayer(model)) return bindLayer(model, caller);
  if (isGraphModel(model)) return bindGraphModel(model, caller);
  if (isModule(model)) return bindModule(model, caller);
  throw new TransformError(
    `expected a model, but got ${describe(model)}. A model is a tf.LayersModel, a layer, a tf.GraphModel, or plain code with its ` +
      `variables: {apply: (x) => …, variables: {w, b}}.`,
    {code: 'not-a-model', transform: caller},
  );
}

function isModule(model: unknown): model is VariableModule<unknown[], unknown> {
  if (typeof model !== 'object' || model === null) return false;
  const {apply, variables} = model as Partial<VariableModule<unknown[], unknown>>;
  return typeof apply === 'function' && typeof variables === 'object' && variables !== null;
}

function bindModule(module: VariableModule<unknown[], unknown>, caller: string): Binding {
  const {variables} = module;
  const named: [string, unknown][] = Array.isArray(variables)
    ? variables.map((variable: unknown) => [(variable as Variable | null)?.name ?? '', variable])
    : Object.entries(variables);
  const state = named.map(([name, variable]): NamedState => {
    if (variable instanceof Variable) {
      return {name, tensor: variable, isParam: variable.trainable};
    }
    throw new TransformError(
      `variables must be tf.Variables, but '${name}' is ${describe(variable)}. Make it one with tf.variable(…), or give it to the ` +
        `function as an argument.`,
      {code: 'not-a-model', transform: caller},
    );
  });
  return {title: 'the module', state, structure: null, call: (args) => module.apply(...args)};
}
