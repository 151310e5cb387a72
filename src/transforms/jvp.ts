import type {Tensor} from '@tensorflow/tfjs-core';
import {alias} from '../interpreter/tracer.js';
import {zeros} from '../rules/ops.js';
import {tensorsOf, withTensors} from '../tree.js';
import type {Gradient} from '../types.js';
import {
  assertAlive,
  assertFunction,
  callSync,
  differentiableTensors,
  outputTensors,
} from './arguments.js';
import {ForwardLevel} from './forward.js';
import {enter} from './reverse.js';
import {assertPrimals, matchTree, splitAux, type AuxOption} from './vjp.js';

/** A tangent for each argument. */
export type TangentsOf<A extends readonly unknown[]> = {readonly [K in keyof A]: Gradient<A[K]>};

/**
 * The value of a function and its directional derivative (Jacobian-vector product), by forward mode, in one pass. Complex arguments have
 * complex tangents: where f is holomorphic, the result is `f'(z)·tangent`.
 *
 * @param f  a function of float tensors or trees of them
 * @param primals  the arguments of `f`, as an array: the point at which to differentiate
 * @param tangents  the direction: a tensor for each tensor of `primals`, of its shape and dtype, in the same structure
 * @returns  `[output, tangent]`, with `hasAux` `[output, tangent, aux]`; the tangent has the structure and shapes of the output, and is zero
 *   where the output does not depend on the primals or is not float
 * @throws TransformError `tree-mismatch`, `non-float-input`, `no-tensors`, `non-tensor-output`, `no-forward-rule`, `async-function`,
 *   `disposed-tensor`, `escaped-tracer`
 * @example
 * jvp((x: tf.Tensor, y: tf.Tensor) => x.mul(y), [tf.scalar(2), tf.scalar(3)], [tf.scalar(1), tf.scalar(10)])  // => [6, 23]
 */
export function jvp<A extends unknown[], R>(
  f: (...args: A) => R,
  primals: readonly [...A],
  tangents: NoInfer<TangentsOf<A>>,
  options?: AuxOption<false>,
): [output: R, tangent: Gradient<R>];
export function jvp<A extends unknown[], R, Aux>(
  f: (...args: A) => readonly [R, Aux],
  primals: readonly [...A],
  tangents: NoInfer<TangentsOf<A>>,
  options: AuxOption<true>,
): [output: R, tangent: Gradient<R>, aux: Aux];
export function jvp(
  f: (...args: never[]) => unknown,
  primals: readonly unknown[],
  tangents: readonly unknown[],
  {hasAux = false}: AuxOption<boolean> = {},
): unknown[] {
  assertFunction(f, 'jvp');
  assertPrimals(primals, 'jvp');
  assertAlive(primals, 'jvp');
  const inputs = differentiableTensors(primals, 'jvp');
  const directions = matchTree(tangents, inputs, primals, 'jvp', 'tangent', 'primal');
  const {output, tangent, aux} = pushForward(
    'jvp',
    f as never,
    primals,
    inputs,
    directions,
    hasAux,
  );
  return hasAux ? [output, tangent, aux] : [output, tangent];
}

/** Runs `f` in forward mode at `args`, whose tensors are `inputs`, in the direction of one tangent each. */
export function pushForward(
  transform: string,
  f: (...args: unknown[]) => unknown,
  args: readonly unknown[],
  inputs: readonly Tensor[],
  directions: readonly Tensor[],
  hasAux: boolean,
): {output: unknown; tangent: unknown; aux: unknown} {
  let output: unknown;
  let aux: unknown;
  let count = 0;
  const results = enter(new ForwardLevel(transform), (level) => {
    const duals = inputs.map((primal, index) => level.dual(primal, directions[index]!, Infinity));
    const returned = callSync(f, withTensors(args.slice(), duals), transform);
    ({output, aux} = splitAux(returned, hasAux, transform));
    const outputs = outputTensors(output, transform);
    count = outputs.length;
    const tangentOf = (tensor: Tensor): Tensor => {
      const tangent = level.tangentOf(tensor);
      return tangent === null ? zeros(tensor.shape, tensor.dtype) : alias(tangent);
    };
    return [
      ...outputs.map((tensor) => alias(level.primalOf(tensor))),
      ...outputs.map(tangentOf),
      ...tensorsOf(aux).map((tensor) => alias(level.primalOf(tensor))),
    ];
  });
  return {
    output: withTensors(output, results.slice(0, count)),
    tangent: withTensors(output, results.slice(count, 2 * count)),
    aux: withTensors(aux, results.slice(2 * count)),
  };
}
