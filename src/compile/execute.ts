import type {NamedTensorMap, Tensor} from '@tensorflow/tfjs-core';
import {engine} from '../interpreter/engine.js';
import {detach, run} from '../interpreter/hook.js';
import {scoped} from '../interpreter/scope.js';
import {alias, recordOf} from '../interpreter/tracer.js';
import {inputGradient} from '../rules/convolve.js';
import {matMul, type ProductAttrs} from '../rules/matmul.js';
import {tile} from '../rules/ops.js';
import {listOf, STOP_GRADIENT, type Attrs, type PerInput} from './graph.js';

type Inputs = PerInput<Tensor>;
type Outputs = Tensor | Tensor[];

/**
 * Ways to compute what a kernel computes. A graph is captured from tracers, for which rules choose the plain kernel and leave the choice
 * among ways to the level that meets data (NOTE [strategy]): this is that place for graphs.
 */
const ways: Readonly<Record<string, (inputs: NamedTensorMap, attrs: Attrs) => Tensor>> = {
  BatchMatMul: ({a, b}, attrs) => {
    const {transposeA, transposeB} = attrs as unknown as ProductAttrs;
    return matMul(a!, b!, transposeA, transposeB);
  },
  Conv2DBackpropInput: ({dy, filter}, attrs) => {
    const {inputShape, ...rest} = attrs as Attrs & {readonly inputShape: readonly number[]};
    return inputGradient(dy!, filter!, inputShape, rest as never);
  },
  Tile: ({x}, {reps}) => tile(x!, reps as number[]),
};

/** Runs a node's kernel on tensors of any level, in the fastest way that is known on the backend. */
export function execute(kernel: string, inputs: Inputs, attrs: Attrs): Outputs {
  if (kernel === STOP_GRADIENT) return detach((inputs as {x: Tensor}).x);
  const given = listOf(inputs);
  if (given.some((input) => recordOf(input) !== null)) {
    return scopedKernel(kernel, given, () => run(kernel, inputs, attrs));
  }
  const way = engine.isTapeOn() ? undefined : ways[kernel];
  if (way !== undefined && given.every(({dtype}) => dtype === 'float32' || dtype === 'int32')) {
    return scopedKernel(kernel, given, () => way(inputs as NamedTensorMap, attrs));
  }
  return run(kernel, inputs, attrs);
}

/** Rules leave intermediate tensors behind, and may hand back an input. */
function scopedKernel(name: string, given: readonly Tensor[], body: () => Outputs): Outputs {
  return scoped(name, (results) => {
    const fresh = (output: Tensor): Tensor => (given.includes(output) ? alias(output) : output);
    const outputs = body();
    const own = Array.isArray(outputs) ? outputs.map(fresh) : fresh(outputs);
    results.push(...[own].flat());
    return own;
  });
}
