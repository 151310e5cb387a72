import {Tensor} from '@tensorflow/tfjs-core';
import {TransformError, describe, showShape} from '../errors.js';
import {isDifferentiating} from '../interpreter/hook.js';
import {sameShape} from '../rules/ops.js';
import {
  leavesInOrderOf,
  leavesOf,
  pathOf,
  showArgument,
  structureMismatch,
  tensorsOf,
  withTensors,
} from '../tree.js';
import type {Gradient} from '../types.js';
import {assertFunction} from './arguments.js';
import {callTreeGradient} from './treeGradient.js';

/** A cotangent for each argument; `null` for an argument (or a tensor in it) that none passes to. */
export type CotangentsOf<A extends readonly unknown[]> = readonly [
  ...{[K in keyof A]: Gradient<A[K]> | null},
];

/**
 * A function with a reverse rule of its own, as `jax.custom_vjp`: for numerical stability, for a gradient that differs on purpose, or for
 * code that can't be differentiated.
 *
 * @param f  what the function computes where nothing is differentiated
 * @param forward  computes the same, and what the reverse rule needs: `[output, residuals]`; residuals are a tree of tensors and other values
 * @param backward  gets the residuals and a cotangent for each tensor of the output, in its structure; gives one entry per argument: a
 *   tensor for each tensor, of its shape, in the argument's structure, or `null` for zero
 * @returns  a function of the same arguments. Under forward mode its derivative is the transpose of the reverse rule, so `jacfwd` and `jacrev`
 *   agree; under `vmap` the rule is mapped; second derivatives differentiate `forward`'s residuals and `backward`
 * @throws TransformError `tree-mismatch` (the rule's answer does not fit), `closed-over-tracer`, `non-tensor-output`, `async-function`
 * @see https://docs.jax.dev/en/latest/_autosummary/jax.custom_vjp.html whose semantics these are
 * @example
 * const clipGradient = customVjp(
 *   (x: tf.Tensor) => tf.clone(x),
 *   (x: tf.Tensor) => [tf.clone(x), null],
 *   (_residuals: null, dy: tf.Tensor) => [tf.clipByValue(dy, -1, 1)],
 * );
 * grad((x: tf.Tensor) => tf.mul(5, clipGradient(x)))(tf.scalar(2))  // => 1
 */
export function customVjp<A extends unknown[], R, Residuals>(
  f: (...args: A) => R,
  forward: (...args: A) => readonly [R, Residuals],
  backward: (residuals: Residuals, cotangents: Gradient<R>) => CotangentsOf<A>,
): (...args: A) => R {
  for (const given of [f, forward, backward]) assertFunction(given, 'customVjp');
  return (...args) => {
    let residuals: unknown;
    return callTreeGradient({
      name: 'customVjp',
      args,
      forward(inputs, save) {
        if (!isDifferentiating()) return f(...(inputs as A));
        const returned: unknown = forward(...(inputs as A));
        if (!Array.isArray(returned) || returned.length !== 2) {
          throw new TransformError(
            `the forward function must return [output, residuals], but it returned ${describe(returned)}.`,
            {code: 'non-tensor-output', transform: 'customVjp'},
          );
        }
        residuals = returned[1];
        save(tensorsOf(residuals));
        return returned[0] as unknown;
      },
      pullback(dys, output, saved, inputs) {
        const answer: unknown = backward(
          withTensors(residuals, saved) as Residuals,
          withTensors(output, dys) as Gradient<R>,
        );
        return matchCotangents(answer, inputs);
      },
    }) as R;
  };
}

/** The answer of a reverse rule as one cotangent for each tensor of the arguments, in order. */
function matchCotangents(answer: unknown, args: readonly unknown[]): (Tensor | undefined)[] {
  const refuse = (message: string): never => {
    throw new TransformError(`the backward function ${message}`, {
      code: 'tree-mismatch',
      transform: 'customVjp',
    });
  };
  if (!Array.isArray(answer) || answer.length !== args.length) {
    return refuse(
      `must return an array with an entry for each of the ${args.length} arguments (null: zero), but it returned ${describe(answer)}.`,
    );
  }
  return args.flatMap((arg, position) => {
    const entry: unknown = answer[position];
    const tensors = tensorsOf(arg);
    if (entry == null) return tensors.map(() => undefined);
    const mismatch = structureMismatch(arg, entry);
    if (mismatch !== null) refuse(`gave something else than argument ${position}: ${mismatch}.`);
    const given = leavesInOrderOf(arg, entry);
    return leavesOf(arg).flatMap((leaf, index) => {
      if (!(leaf instanceof Tensor)) return [];
      const cotangent = given[index];
      if (cotangent == null) return [undefined];
      if (cotangent instanceof Tensor && sameShape(cotangent.shape, leaf.shape)) return [cotangent];
      return refuse(
        `gave ${describe(cotangent)} for ${showArgument([position, ...pathOf(arg, index)])}, whose shape is ` +
          `${showShape(leaf.shape)}. A cotangent has the shape of its argument.`,
      );
    });
  });
}
