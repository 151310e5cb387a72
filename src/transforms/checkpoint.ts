import type {Tensor} from '@tensorflow/tfjs-core';
import {Seeds} from '../interpreter/random.js';
import {tensorsOf, withTensors} from '../tree.js';
import {zeros} from '../rules/ops.js';
import {assertFunction, callSync, isFloat} from './arguments.js';
import {pushForward} from './jvp.js';
import {reverse} from './reverse.js';
import {callTreeGradient, floatsOf} from './treeGradient.js';

/**
 * The same function, whose reverse pass computes its intermediate values again instead of keeping them alive: memory for time. Of a call
 * only the arguments stay alive until the pullback (`torch.utils.checkpoint`, `jax.checkpoint`). Wrapped around each of the n layers of a
 * network, it keeps n activations instead of all that the layers compute inside.
 *
 * @param f  a function of tensors and trees of them, whose outputs are tensors or trees of them. Tensors that it is differentiated with
 *   respect to have to be arguments: it is called again, with the same arguments, and must do the same. Random ops draw the same numbers again
 * @returns  a function of the same arguments with the same values and derivatives, in both modes and to any order
 * @throws TransformError `closed-over-tracer`, `non-tensor-output`, `async-function`, `disposed-tensor`
 * @example grad(checkpoint((x: tf.Tensor) => tf.sum(tf.sin(tf.exp(x)))))(tf.tensor1d([0, 1]))  // => [0.5403, -2.4784]
 */
export function checkpoint<A extends unknown[], R>(f: (...args: A) => R): (...args: A) => R {
  assertFunction(f, 'checkpoint');
  return (...args) => {
    const seeds = new Seeds();
    return callTreeGradient({
      name: 'checkpoint',
      args,
      forward: (inputs) => seeds.record(() => f(...(inputs as A))),
      pullback(dys, _output, _saved, inputs) {
        const tensors = tensorsOf(inputs);
        const floats = floatsOf(tensors);
        const linear = reverse(
          'checkpoint',
          floats.map(({tensor}) => tensor),
          (tracers) => {
            const again = seeds.replay(() =>
              callSync(f, withFloats(inputs, tracers) as A, 'checkpoint'),
            );
            return {outputs: tensorsOf(again), extras: []};
          },
        );
        try {
          const pulled = linear.pullBack(dys, true);
          const cotangents: (Tensor | undefined)[] = tensors.map(() => undefined);
          floats.forEach(({place}, index) => (cotangents[place] = pulled[index]));
          return cotangents;
        } finally {
          linear.free();
        }
      },
      pushforward(tangents, inputs) {
        const floats = floatsOf(tensorsOf(inputs));
        const {tangent} = pushForward(
          'checkpoint',
          (...tracers) => seeds.replay(() => f(...(withFloats(inputs, tracers as Tensor[]) as A))),
          floats.map(({tensor}) => tensor),
          floats.map(({tensor}) => tensor),
          floats.map(({place, tensor}) => tangents[place] ?? zeros(tensor.shape, tensor.dtype)),
          false,
        );
        return tensorsOf(tangent);
      },
    }) as R;
  };
}

/** The same arguments with their float tensors replaced. */
function withFloats(args: readonly unknown[], floats: readonly Tensor[]): unknown[] {
  let next = 0;
  const tensors = tensorsOf(args).map((tensor) => (isFloat(tensor) ? floats[next++]! : tensor));
  return withTensors([...args], tensors);
}
