import type {Tensor} from '@tensorflow/tfjs-core';
import {TransformError} from '../errors.js';
import {execute} from './graph/compile.js';
import type {Executor} from './graph/nodes.js';
import type {Binding, GraphModelLike} from './model.js';

export function isGraphModel(model: unknown): model is GraphModelLike {
  if (typeof model !== 'object' || model === null) return false;
  const {predict, execute: run, executor} = model as Partial<GraphModelLike & Internals>;
  return typeof predict === 'function' && typeof run === 'function' && executor !== undefined;
}

/**
 * A converted model has constants only. Its float vectors, matrices and so on are taken for parameters; scalars (rates, epsilons) and
 * integers (shapes, axes, which tfjs reads while it runs) for buffers.
 */
export function bindGraphModel(model: GraphModelLike, caller: string): Binding {
  const {inputNodes, outputNodes, weights} = model;
  return {
    title: 'the graph model',
    state: Object.entries(weights).map(([name, [tensor]]) => ({
      name,
      tensor: tensor!,
      isParam: tensor!.dtype === 'float32' && tensor!.rank > 0,
    })),
    get structure() {
      const nodes = Object.values(internalsOf(model).executor.graph.nodes).map(
        ({name, op, inputNames}) => [name, op, inputNames],
      );
      return JSON.stringify({inputNodes, outputNodes, nodes});
    },
    call([inputs, outputs]) {
      const synchronous = withControlFlow(model, caller);
      try {
        return outputs === undefined
          ? synchronous.predict(inputs as Tensor)
          : synchronous.execute(inputs as Tensor, outputs as string);
      } catch (error) {
        throw isAboutPromise(error) ? refusePromise(error, caller) : error;
      }
    },
  };
}

const isAboutPromise = (error: unknown): error is Error =>
  error instanceof Error && error.message.includes('returned a promise. Please use');

/** Ops of tfjs's own that are asynchronous have been refused before. */
const refusePromise = (cause: Error, caller: string): TransformError =>
  new TransformError(
    `an op that was registered with tf.registerOp gives a promise, and transforms trace synchronous code. Compute up to a node before it, ` +
      `f(params, x, 'node'), or from one behind it on, f(params, {node: value}). tfjs says: ${cause.message}`,
    {code: 'async-function', transform: caller, cause},
  );

/** What a model has that the library runs its control flow with. See NOTE [graph models]. */
interface Internals {
  readonly executor: Executor;
  /** Made at the first call. */
  resourceIdToCapturedInput: unknown;
}

const internalsOf = (model: GraphModelLike): Internals => model as GraphModelLike & Internals;

/** The same model, whose executor runs control flow. The model itself stays as it is. */
function withControlFlow(model: GraphModelLike, caller: string): GraphModelLike {
  const internals = internalsOf(model);
  const {executor} = internals;
  const run: Executor['execute'] = (inputs, outputs) => execute(executor, inputs, outputs, caller);
  return Object.create(model, {
    executor: {value: Object.create(executor, {execute: {value: run}})},
    resourceIdToCapturedInput: {
      get: () => internals.resourceIdToCapturedInput,
      set: (captured: unknown) => (internals.resourceIdToCapturedInput = captured),
    },
  }) as GraphModelLike;
}
