import {ones, type Tensor, type Variable} from '@tensorflow/tfjs-core';
import {TransformError, describe} from '../errors.js';
import {withDataOf} from '../interpreter/custom.js';
import {scoped} from '../interpreter/scope.js';
import {alias, recordOf} from '../interpreter/tracer.js';
import {callSync, isFloat, outputTensors} from '../transforms/arguments.js';
import {reverse} from '../transforms/reverse.js';
import {tensorsOf, withTensors} from '../tree.js';
import {capture, type Captured} from './capture.js';
import type {TensorSpec} from './graph.js';
import type {JointGraph} from './partition.js';

type AnyFunction = (...args: unknown[]) => unknown;

/** A function as it is called: with arguments, and with variables that it reads. */
export interface Traced {
  readonly f: AnyFunction;
  readonly args: readonly unknown[];
  readonly variables: readonly Variable[];
  /** What it gives. */
  readonly outputs: readonly TensorSpec[];
}

/** Captures a function and its reverse pass. Its primals are the tensors of the arguments, then the variables. */
export function captureJoint({f, args, variables, outputs}: Traced, transform: string): JointGraph {
  const primals = [...tensorsOf(args), ...variables];
  const floats = [...primals.keys()].filter((place) => isFloat(primals[place]!));

  /** What the function gives on other tensors in place of its arguments and variables. */
  const outputsOn = (tensors: readonly Tensor[]): Tensor[] => {
    const given = tensors.slice(0, primals.length - variables.length);
    return withDataOf(variables, tensors.slice(given.length), () => {
      const returned = callSync(f, withTensors([...args], given), transform);
      // A variable is itself again afterwards.
      return outputTensors(returned, transform).map((y) =>
        variables.includes(y as Variable) ? alias(y) : y,
      );
    });
  };

  const both = (inputs: Tensor[]): Tensor[] => {
    const given = inputs.slice(0, primals.length);
    const linear = reverse(
      transform,
      floats.map((place) => given[place]!),
      (tracers) => {
        const tensors = [...given];
        floats.forEach((place, index) => (tensors[place] = tracers[index]!));
        const results = outputsOn(tensors);
        return {
          outputs: results.filter(isFloat),
          extras: results.filter((result) => !isFloat(result)),
        };
      },
    );
    try {
      const [differentiable, others] = [[...linear.outputs], [...linear.extras]];
      const results = outputs.map((spec) => (isFloat(spec) ? differentiable : others).shift()!);
      const cotangents = inputs.slice(primals.length);
      return [...results, ...linear.pullBack(cotangents, true)];
    } finally {
      linear.free();
    }
  };

  return scoped(transform, () => {
    const cotangents = outputs.filter(isFloat).map(({shape, dtype}) => ones([...shape], dtype));
    const run = (...tensors: unknown[]): Tensor[] => both(tensors as Tensor[]);
    const {graph} = captureClosed(run, [...primals, ...cotangents], transform);
    return {graph, numPrimals: primals.length, numOutputs: outputs.length};
  });
}

/**
 * Captures a function whose graph will be used again, in other calls.
 * @throws TransformError `closed-over-tracer` where it holds a tensor that a transform around it traces
 */
export function captureClosed(
  f: AnyFunction,
  args: readonly unknown[],
  transform: string,
): Captured {
  const captured = capture(f, args, transform);
  const {graph} = captured;
  const tracer = graph.constants.find(({tensor}) => recordOf(tensor) !== null)?.tensor;
  if (tracer === undefined) return captured;
  const {level} = recordOf(tracer)!;
  const shown = describe(tracer);
  graph.dispose();
  throw new TransformError(
    `the function uses a tensor (${shown}) traced by ${level.transform} that is not one of its arguments: what is compiled now is kept for other ` +
      `calls, in which it will be gone. Pass the tensor as an argument (in an array or a plain object, if there are many).`,
    {code: 'closed-over-tracer', transform},
  );
}
