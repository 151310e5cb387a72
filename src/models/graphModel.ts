import type {Tensor} from '@tensorflow/tfjs-core';
import {TransformError} from '../errors.js';
import type {Binding, GraphModelLike} from './model.js';

export function isGraphModel(model: unknown): model is GraphModelLike {
  if (typeof model !== 'object' || model === null) return false;
  const {predict, execute} = model as Partial<GraphModelLike>;
  return typeof predict === 'function' && typeof execute === 'function' && 'outputNodes' in model;
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
    structure: JSON.stringify({inputNodes, outputNodes, names: Object.keys(weights)}),
    call([inputs, outputs]) {
      try {
        return outputs === undefined
          ? model.predict(inputs as Tensor)
          : model.execute(inputs as Tensor, outputs as string);
      } catch (error) {
        throw isAboutDynamicOps(error) ? refuseDynamicOps(error, caller) : error;
      }
    },
  };
}

const isAboutDynamicOps = (error: unknown): error is Error =>
  error instanceof Error && error.message.includes('dynamic op');

function refuseDynamicOps(cause: Error, caller: string): TransformError {
  return new TransformError(
    `the graph model can only run asynchronously, for it has control flow or outputs whose shapes depend on values, and transforms ` +
      `trace synchronous code. Convert it without control flow, or compute up to the node in question with execute(inputs, outputs). ` +
      `tfjs says: ${cause.message}`,
    {code: 'async-function', transform: caller, cause},
  );
}
