import type {AnyRank} from '../types.js';
import {compiledForms} from './aot.js';
import type {CacheInfo} from './cache.js';
import {
  fusingCompiler,
  generatesCode,
  type FusedFunction,
  type FusingOptions,
  type Lowered,
} from './fusingCompiler.js';
import type {Graph} from './graph.js';
import {defaultPartition, minCutRematerializationPartition} from './partition.js';

export interface JitOptions extends FusingOptions {
  /** For how many forms of arguments what was compiled is kept; the one that was not called the longest goes first. Default 64. */
  readonly cacheSize?: number;
}

/** A function that is compiled for each form of its arguments when it is first called with it. */
export interface JitFunction<A extends unknown[], R> {
  (...args: AnyRank<A>): AnyRank<R>;
  /** What the function became for arguments like these: it is compiled if it is not yet. */
  lower(...args: AnyRank<A>): Lowered;
  readonly cache: CacheInfo;
  /** Frees all that was compiled. The function can be called again, and compiles again. */
  dispose(): void;
}

/**
 * A function that runs compiled: its graph is captured once for each form of its arguments (structure, shapes, dtypes, values that are no
 * tensors) and backend, optimised, fused, and has code generated. Each group of elementwise kernels, with the reductions of its results,
 * becomes one function or program: WebAssembly with SIMD instructions on wasm, JavaScript loops on cpu, WGSL on webgpu, GLSL on webgl. On
 * tensorflow the whole graph becomes one that TensorFlow's session runs. For the other kernels, and where no code can be generated, tfjs's run, each
 * tensor freed after its last use.
 *
 * The result is an ordinary function to every transform, to `tf.grad` and optimizers; a gradient's forward and reverse pass are both
 * compiled. Inside `vmap`, and for derivatives of derivatives, the graph runs kernel by kernel: to have these compiled, put the transform
 * inside, `jit(vmap(grad(f)))`.
 *
 * @param f  as for `makeFx`. Tensors that it holds are constants; `tf.Variable`s are read anew in each call, and derivatives pass to them
 * @throws TransformError as `makeFx`; `closed-over-tracer` where `f` holds a tensor that a transform around it traces
 * @example
 * const f = jit((x: tf.Tensor) => tf.sum(tf.mul(tf.tanh(x), x)));
 * f(tf.tensor1d([0, 1]))  // => 0.7616
 * grad(f)(tf.tensor1d([0, 1]))  // => [0, 1.1816]
 * f.cache  // => {"hits": 1, "misses": 1, "size": 1}
 * f.dispose();
 */
export function jit<A extends unknown[], R>(
  f: (...args: A) => R,
  {cacheSize, ...fusing}: JitOptions = {},
): JitFunction<A, R> {
  const compiler = fusingCompiler(fusing);
  const compiled = new WeakMap<Graph, FusedFunction>();
  const {entryFor, cache} = compiledForms(
    f as never,
    {
      fwCompiler: (graph) => {
        const made = compiler(graph);
        compiled.set(graph, made);
        return made;
      },
      // Computing again what is fused costs less than memory, and than tensors that are handed over; kernel by kernel it costs more.
      partitionFn: (joint) =>
        generatesCode(fusing.generators)
          ? minCutRematerializationPartition(joint)
          : defaultPartition(joint),
      ...(cacheSize === undefined ? {} : {cacheSize}),
    },
    'jit',
  );
  const call = (...args: unknown[]): unknown => entryFor(args).call(args);
  return Object.defineProperties(call, {
    lower: {
      value: (...args: unknown[]): Lowered => compiled.get(entryFor(args).inferenceGraph)!.lowered,
    },
    cache: {get: () => cache.info},
    dispose: {value: () => cache.clear()},
  }) as unknown as JitFunction<A, R>;
}
