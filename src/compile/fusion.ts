import {aotFunction, type AotFunction} from './aot.js';
import type {Compiler} from './compiler.js';
import {fusingCompiler} from './fusingCompiler.js';
import {minCutRematerializationPartition} from './partition.js';

export interface FusionOptions {
  /** Compiles both passes. Default `fusingCompiler()`. */
  readonly compiler?: Compiler;
}

/**
 * A function whose reverse pass computes again what is cheap, instead of keeping it: `aotFunction` with the partition by minimal cut. Of a chain
 * of elementwise kernels only its arguments stay alive. Both passes are compiled with such chains fused, so that they read and
 * write as little memory as can be.
 *
 * @param f  as for `aotFunction`
 * @throws TransformError as `aotFunction`
 * @see https://pytorch.org/functorch/stable/aot_autograd.html for `memory_efficient_fusion`, whose semantics these are
 * @example
 * const gelu = compile.memoryEfficientFusion((x: tf.Tensor) =>
 *   tf.sum(tf.mul(tf.mul(x, 0.5), tf.add(1, tf.tanh(tf.mul(0.8, tf.add(x, tf.pow(x, 3))))))));
 * grad(gelu)(tf.tensor1d([0, 1]))  // => [0.5, 1.2017]
 * gelu.dispose();
 */
export const memoryEfficientFusion = <A extends unknown[], R>(
  f: (...args: A) => R,
  {compiler = fusingCompiler()}: FusionOptions = {},
): AotFunction<A, R> =>
  aotFunction(f, {fwCompiler: compiler, partitionFn: minCutRematerializationPartition});
