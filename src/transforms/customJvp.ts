import {Tensor} from '@tensorflow/tfjs-core';
import {TransformError, describe} from '../errors.js';
import type {SomeTensors} from '../interpreter/custom.js';
import {zeros} from '../rules/ops.js';
import {leavesInOrderOf, structureMismatch, tensorsOf, withTensors} from '../tree.js';
import type {Gradient} from '../types.js';
import {assertFunction, isFloat} from './arguments.js';
import {transposeLinear} from './reverse.js';
import type {TangentsOf} from './jvp.js';
import {callTreeGradient, floatsOf} from './treeGradient.js';

/**
 * A function with a forward rule of its own, as `jax.custom_jvp`. One rule serves both modes: the reverse rule is its transpose.
 *
 * @param f  what the function computes
 * @param rule  gets the arguments, and a tangent for each tensor in them, in the same structure (zeros where a tensor has none); gives
 *   `[output, tangent]`. It must be linear in the tangents; compute with tfjs ops
 * @returns  a function of the same arguments; `vmap` maps `f` and the rule, higher derivatives differentiate the rule
 * @throws TransformError `tree-mismatch` (the rule's tangent does not fit the output), `closed-over-tracer`, `non-tensor-output`, `async-function`
 * @see https://docs.jax.dev/en/latest/_autosummary/jax.custom_jvp.html whose semantics these are
 * @example
 * const logOnePlusExp = customJvp(
 *   (x: tf.Tensor) => tf.log(tf.add(1, tf.exp(x))),
 *   ([x], [t]) => [tf.log(tf.add(1, tf.exp(x))), tf.mul(t, tf.sigmoid(x))],
 * );
 * grad(logOnePlusExp)(tf.scalar(100))  // => 1
 */
export function customJvp<A extends unknown[], R>(
  f: (...args: A) => R,
  rule: (primals: A, tangents: TangentsOf<A>) => readonly [R, Gradient<R>],
): (...args: A) => R {
  assertFunction(f, 'customJvp');
  assertFunction(rule, 'customJvp');
  return (...args) => {
    const pushforward = (tangents: SomeTensors, primals: unknown[]): (Tensor | undefined)[] => {
      const filled = tensorsOf(primals).map(
        ({shape, dtype}, index) => tangents[index] ?? zeros(shape, dtype),
      );
      const returned: unknown = rule(
        primals as A,
        withTensors(primals, filled) as unknown as TangentsOf<A>,
      );
      return tangentsIn(returned);
    };
    return callTreeGradient({
      name: 'customJvp',
      args,
      forward: (inputs) => f(...(inputs as A)),
      pushforward,
      pullback(dys, _output, _saved, primals) {
        const tensors = tensorsOf(primals);
        const floats = floatsOf(tensors);
        const pulled = transposeLinear(
          'customJvp',
          floats.map(({tensor}) => tensor),
          (ts) => {
            const tangents: (Tensor | undefined)[] = tensors.map(() => undefined);
            floats.forEach(({place}, index) => (tangents[place] = ts[index]));
            return pushforward(tangents, primals);
          },
          dys,
          'customJvp',
        );
        const cotangents: (Tensor | undefined)[] = tensors.map(() => undefined);
        floats.forEach(({place}, index) => (cotangents[place] = pulled[index]));
        return cotangents;
      },
    }) as R;
  };
}

/** One tangent for each tensor of the output that a forward rule gave. */
function tangentsIn(returned: unknown): (Tensor | undefined)[] {
  const refuse = (message: string): never => {
    throw new TransformError(`the rule ${message}`, {
      code: 'tree-mismatch',
      transform: 'customJvp',
    });
  };
  if (!Array.isArray(returned) || returned.length !== 2) {
    return refuse(`must return [output, tangent], but it returned ${describe(returned)}.`);
  }
  const [output, tangent] = returned as unknown[];
  const mismatch = structureMismatch(output, tangent);
  if (mismatch !== null) refuse(`gave a tangent that does not fit the output: ${mismatch}.`);
  const tangents = leavesInOrderOf(output, tangent);
  return leavesInOrderOf(output, output).flatMap((leaf, index) => {
    if (!(leaf instanceof Tensor)) return [];
    const t = tangents[index];
    if (!isFloat(leaf) || t == null) return [undefined];
    if (t instanceof Tensor && t.shape.join() === leaf.shape.join()) return [t];
    return refuse(
      `gave ${describe(t)} as the tangent of ${describe(leaf)}. They have the same shape.`,
    );
  });
}
