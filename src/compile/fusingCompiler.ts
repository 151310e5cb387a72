import {util} from '@tensorflow/tfjs-core';
import {engine} from '../interpreter/engine.js';
import type {CodeGenerator} from './codegen/generator.js';
import {webglGenerator} from './codegen/gpu/webgl.js';
import {webgpuGenerator} from './codegen/gpu/webgpu.js';
import {javascriptGenerator} from './codegen/javascript/index.js';
import {tensorflowGenerator} from './codegen/tensorflow/index.js';
import {wasmGenerator} from './codegen/wasm/index.js';
import type {Compiled} from './compiler.js';
import type {Graph} from './graph.js';
import {Interpreter} from './interpreter.js';
import {tell} from './tell.js';
import {FusedProgram, type LoweredStep, type StepTime} from './program.js';

export interface FusingOptions {
  /** Where code for a backend comes from: the first that is for the backend in use. Default: the library's own, one for each backend of tfjs. */
  readonly generators?: readonly CodeGenerator[];
  /** Is told, in each call, what each step of what was compiled took. On WebGL, WebGPU and CUDA: what it took to issue it. */
  readonly onStep?: (time: StepTime) => void;
}

/** What a graph became. */
export interface Lowered {
  /** Belongs to what was compiled. */
  readonly graph: Graph;
  /** The tfjs backend that it was compiled for. */
  readonly backend: string;
  /** The name of the code generator; null where the graph runs kernel by kernel. */
  readonly generator: string | null;
  /** Why no code was generated, or null. */
  readonly reason: string | null;
  /** What runs, in order. */
  readonly steps: readonly LoweredStep[];
  /** How long it took to fuse, to generate code and to have the engine compile it; capture and passes are not in it. */
  readonly milliseconds: number;
}

/** A compiled graph that shows what it is. */
export interface FusedFunction extends Compiled {
  readonly lowered: Lowered;
  /** Frees what generated code holds. The graph is its owner's. */
  dispose(): void;
}

const library: readonly CodeGenerator[] = [
  wasmGenerator,
  javascriptGenerator,
  webglGenerator,
  webgpuGenerator,
  tensorflowGenerator,
];

/** The generator for the backend in use, or why there is none. */
function generatorInUse(
  generators: readonly CodeGenerator[],
):
  | {readonly generator: CodeGenerator; readonly reason: null}
  | {readonly generator: null; readonly reason: string} {
  const generator = generators.find(({backend}) => backend === engine.backendName);
  if (generator === undefined) {
    return {
      generator: null,
      reason: `there is no code generator for the backend '${engine.backendName}'`,
    };
  }
  const reason = generator.unavailable();
  return reason === null ? {generator, reason} : {generator: null, reason};
}

/** Whether code is generated on the backend in use. */
export const generatesCode = (generators = library): boolean =>
  generatorInUse(generators).generator !== null;

/**
 * A compiler for `aotFunction` and `memoryEfficientFusion` that has code generated for the backend that is in use when it compiles: on tensorflow
 * for the whole graph, on the others for each group of elementwise kernels, with the reductions of their results. Where no code can be generated,
 * the graph runs kernel by kernel, each tensor freed after its last use, and a warning says so once. `jit` compiles with it.
 *
 * @example
 * const f = compile.aotFunction((x: tf.Tensor) => tf.sum(tf.square(x)), {fwCompiler: compile.fusingCompiler()});
 * grad(f)(tf.tensor1d([1, 2]))  // => [2, 4]
 * f.dispose();
 */
export function fusingCompiler({generators = library, onStep}: FusingOptions = {}): (
  graph: Graph,
) => FusedFunction {
  return (graph) => {
    const interpreter = new Interpreter(graph);
    const {generator, reason} = generatorInUse(generators);
    const {backend, backendName} = engine;
    const start = util.now();
    const program = generator === null ? null : new FusedProgram(graph, generator);
    const lowered: Lowered = {
      graph,
      backend: backendName,
      generator: generator?.name ?? null,
      reason,
      steps: program?.listing ?? graph.kernels.map(({kernel}) => ({kernels: [kernel], code: null})),
      milliseconds: util.now() - start,
    };
    if (reason !== null) tell(reason);
    // A reverse pass may be asked for after the backend was changed.
    const run: Compiled = (inputs) =>
      program !== null && engine.backend === backend
        ? program.run(inputs, onStep)
        : interpreter.run(inputs);
    return Object.assign(run, {lowered, dispose: () => program?.dispose()});
  };
}
