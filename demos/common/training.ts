import * as tf from '@tensorflow/tfjs-core';
import {gradAndValue, type optimizers} from '../../src/index.js';
import {mapParameters, type Parameters} from './parameters.js';

export interface MinimizeOptions<A extends tf.Tensor[], S extends object> {
  readonly optimizer: optimizers.Optimizer<S>;
  readonly steps: number;
  /** The tensors that the loss takes in a step, beside the parameters. */
  batch(step: number): NoInfer<A>;
  /** Called after each step with the loss before it; a return value of false ends the training. */
  onStep(loss: number, step: number, parameters: Parameters): Promise<boolean>;
}

/**
 * Trains parameters.
 * @returns  new parameters, which belong to the caller; those given stay as they are
 */
export async function minimize<A extends tf.Tensor[], S extends object>(
  loss: (parameters: Parameters, ...batch: A) => tf.Tensor,
  start: Parameters,
  {optimizer, steps, batch, onStep}: MinimizeOptions<A, S>,
): Promise<Parameters> {
  const differentiate = gradAndValue(loss);
  const parameters = mapParameters(start, (value) => tf.clone(value));
  const [trained, state] = await iterate(
    [parameters, optimizer.init(parameters)] as const,
    steps,
    ([current, state], step) => {
      const [gradient, value] = differentiate(current, ...batch(step));
      return [optimizer.update(gradient as Parameters, state, current), value];
    },
    (value, step, [current]) => onStep(value, step, current),
  );
  tf.dispose(state as tf.TensorContainer);
  return trained;
}

/**
 * Replaces a state by the next one, step by step; what a state no longer needs is freed.
 *
 * @param start  is taken over: its tensors no longer belong to the caller
 * @param step  gives a new state of new tensors, and a scalar to report
 * @param onStep  called after each step with the value of that scalar; a return value of false ends the work
 * @returns  the last state, which belongs to the caller
 */
export async function iterate<S>(
  start: S,
  steps: number,
  step: (state: S, index: number) => readonly [next: S, value: tf.Tensor],
  onStep: (value: number, index: number, state: S) => Promise<boolean>,
): Promise<S> {
  let state = start;
  try {
    for (let index = 0; index < steps; index++) {
      const before = state;
      const results = tf.tidy(() => step(before, index) as unknown as tf.TensorContainerArray);
      const [next, value] = results as unknown as readonly [S, tf.Tensor];
      state = next;
      tf.dispose(before as tf.TensorContainer);
      const [number] = await value.data();
      value.dispose();
      if (!(await onStep(number!, index, state))) break;
    }
    return state;
  } catch (error) {
    tf.dispose(state as tf.TensorContainer);
    throw error;
  }
}
