import type {Tensor} from '@tensorflow/tfjs-core';
import type {CustomGradient, SomeTensors} from '../interpreter/custom.js';
import {runCustom} from '../interpreter/hook.js';
import {scoped} from '../interpreter/scope.js';
import {alias} from '../interpreter/tracer.js';
import {tensorsOf, withTensors} from '../tree.js';
import {assertAlive, callSync, isFloat, outputTensors} from './arguments.js';

/** A function of trees with derivatives of its own, called on certain arguments. See NOTE [custom]. */
export interface TreeGradient {
  readonly name: string;
  readonly args: readonly unknown[];
  /**
   * Computes the output tree; `save` is given what the pullback takes besides the arguments, `also` more tensors with respect to which there are
   * derivatives.
   */
  forward(
    args: unknown[],
    save: (tensors: readonly Tensor[]) => void,
    also: (tensors: readonly Tensor[]) => void,
  ): unknown;
  /** One cotangent for each tensor of the arguments and those found besides, from one for each tensor of the output. */
  pullback(
    dys: readonly Tensor[],
    output: unknown,
    saved: readonly Tensor[],
    args: unknown[],
    besides: readonly Tensor[],
  ): SomeTensors;
  /** One tangent for each tensor of the output, from those of the tensors of the arguments and those found besides. */
  pushforward?(tangents: SomeTensors, args: unknown[], besides: readonly Tensor[]): SomeTensors;
}

/** Calls it, with its derivatives attached at every level that traces one of the arguments. What it takes meanwhile is freed at once. */
export function callTreeGradient({
  name,
  args,
  forward,
  pullback,
  pushforward,
}: TreeGradient): unknown {
  assertAlive(args, name);
  let output: unknown;
  const given = tensorsOf(args);
  const inputs = [...given];
  const besides = (all: readonly Tensor[]): readonly Tensor[] => all.slice(given.length);
  const withInputs = (tensors: readonly Tensor[]): unknown[] => withTensors([...args], tensors);
  const call: CustomGradient = {
    name,
    closedOver: 'refused',
    inputs,
    forward: (substitutes, save) =>
      scoped(name, (results) => {
        const also = (tensors: readonly Tensor[]): void => void inputs.push(...tensors);
        output = callSync(
          (...xs: unknown[]) => forward(xs, save, also),
          withInputs(substitutes),
          name,
        );
        const outputs = outputTensors(output, name);
        // Results are new tensors, never an argument handed back.
        results.push(
          ...outputs.map((value) => (substitutes.includes(value) ? alias(value) : value)),
        );
        return [...results];
      }),
    pullback: (dys, saved, substitutes) =>
      pullback(dys, output, saved, withInputs(substitutes), besides(substitutes)),
    ...(pushforward && {
      pushforward: (tangents, _saved, substitutes) =>
        pushforward(tangents, withInputs(substitutes), besides(substitutes)),
    }),
  };
  const values = runCustom(call);
  return withTensors(output, values);
}

/** The tensors of a tree with respect to which derivatives can be taken, and their places among all of its tensors. */
export function floatsOf(
  tensors: readonly Tensor[],
): {readonly place: number; readonly tensor: Tensor}[] {
  return tensors.flatMap((tensor, place) => (isFloat(tensor) ? [{place, tensor}] : []));
}
