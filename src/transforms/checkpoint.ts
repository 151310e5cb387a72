import {clone, Variable, type Tensor} from '@tensorflow/tfjs-core';
import {withDataOf} from '../interpreter/custom.js';
import {isStockTapeOn, nextTensorId} from '../interpreter/engine.js';
import {hearingReads} from '../interpreter/hook.js';
import {Seeds} from '../interpreter/random.js';
import {recordOf} from '../interpreter/tracer.js';
import {mapLeaves, tensorsOf, withTensors} from '../tree.js';
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
 * @param f  a function of tensors and trees of them, whose outputs are tensors or trees of them. It is called again, with the same arguments, and
 *   must do the same. Random ops draw the same numbers again. Transforms differentiate it with respect to its arguments only; tfjs's own
 *   tape (`tf.variableGrads`, `optimizer.minimize`) also with respect to what it holds in closures: variables, what was computed before
 * @returns  a function of the same arguments with the same values and derivatives, in both modes and to any order
 * @throws TransformError `closed-over-tracer`, `non-tensor-output`, `async-function`, `disposed-tensor`
 * @example grad(checkpoint((x: tf.Tensor) => tf.sum(tf.sin(tf.exp(x)))))(tf.tensor1d([0, 1]))  // => [0.5403, -2.4784]
 */
export function checkpoint<A extends unknown[], R>(f: (...args: A) => R): (...args: A) => R {
  assertFunction(f, 'checkpoint');
  return (...args) => {
    const seeds = new Seeds();
    // Inside a function that is called again, what that one holds in closures is traced: for this one these are arguments.
    const held = [...replaced];
    const call = (xs: readonly unknown[], besides: readonly Tensor[] = []): R => {
      const [inputs, values] = xs as [A, readonly Tensor[]];
      return replacing(held, [...values, ...besides], () => {
        const output = callSync(f, inputs, 'checkpoint');
        // A tensor that is handed back as it is would be itself again afterwards.
        return mapLeaves(output, (leaf) =>
          held.includes(leaf as Tensor) ? clone(leaf as Tensor) : leaf,
        ) as R;
      });
    };
    return callTreeGradient({
      name: 'checkpoint',
      args: [args, [...held]],
      forward(xs, _save, also) {
        const found = new Set<Tensor>();
        const output = seeds.record(() =>
          isStockTapeOn() ? withClosures(() => call(xs), tensorsOf(xs), found) : call(xs),
        );
        held.push(...found);
        also([...found]);
        return output;
      },
      pullback(dys, _output, _saved, xs, besides) {
        const tensors = [...tensorsOf(xs), ...besides];
        const floats = floatsOf(tensors);
        const linear = reverse(
          'checkpoint',
          floats.map(({tensor}) => tensor),
          (tracers) => {
            const again = seeds.replay(() => call(...withFloats(xs, besides, tracers)));
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
      pushforward(tangents, xs, besides) {
        const floats = floatsOf([...tensorsOf(xs), ...besides]);
        const {tangent} = pushForward(
          'checkpoint',
          (...tracers) => seeds.replay(() => call(...withFloats(xs, besides, tracers as Tensor[]))),
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
function withFloats(
  args: readonly unknown[],
  besides: readonly Tensor[],
  floats: readonly Tensor[],
): [unknown[], Tensor[]] {
  let next = 0;
  const replace = (tensor: Tensor): Tensor => (isFloat(tensor) ? floats[next++]! : tensor);
  return [withTensors([...args], tensorsOf(args).map(replace)), besides.map(replace)];
}

/** Tensors in closures that others stand for now. */
let replaced: readonly Tensor[] = [];

/** Runs `body` while other values stand for tensors that it holds in closures. See NOTE [closures]. */
function replacing<T>(tensors: readonly Tensor[], values: readonly Tensor[], body: () => T): T {
  const around = replaced;
  replaced = tensors;
  try {
    return withDataOf(tensors, values, body);
  } finally {
    replaced = around;
  }
}

/**
 * Runs a function and finds what tfjs's own tape may follow of the tensors that it holds in closures: variables, and what was computed before. A
 * level that traces nothing has the engine's calls come by.
 * @param found  takes them
 */
function withClosures<R>(f: () => R, inputs: readonly Tensor[], found: Set<Tensor>): R {
  const mark = nextTensorId();
  const hear = (read: Tensor): void => {
    const isOlder = read.id < mark && recordOf(read) === null && !inputs.includes(read);
    const isTracked = !(read instanceof Variable) || read.trainable;
    if (isOlder && isTracked && isFloat(read)) found.add(read);
  };
  let output: unknown;
  const {outputs, free} = reverse('checkpoint', [], () => {
    output = hearingReads(hear, f);
    const outputs = tensorsOf(output);
    outputs.forEach(hear);
    return {outputs, extras: []};
  });
  free();
  return withTensors(output, outputs) as R;
}
