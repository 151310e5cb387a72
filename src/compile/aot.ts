import type {Tensor, Variable} from '@tensorflow/tfjs-core';
import {engine, isStockTapeOn} from '../interpreter/engine.js';
import {isDifferentiating, runCustom} from '../interpreter/hook.js';
import {recordOf} from '../interpreter/tracer.js';
import {assertAlive, assertFunction, isFloat} from '../transforms/arguments.js';
import {tensorsOf} from '../tree.js';
import type {AnyRank} from '../types.js';
import {Cache, identityOf, type CacheInfo} from './cache.js';
import {nop, type Compiled, type Compiler} from './compiler.js';
import {extractGraph} from './extract.js';
import type {Graph} from './graph.js';
import {Interpreter} from './interpreter.js';
import {captureClosed, captureJoint} from './joint.js';
import {
  defaultPartition,
  type JointGraph,
  type Partition,
  type PartitionFunction,
} from './partition.js';
import {optimize} from './passes/index.js';
import {Structure} from './structure.js';

export interface AotOptions {
  /** Compiles the function, and its forward pass. Default `nop`. */
  readonly fwCompiler?: Compiler;
  /** Compiles the reverse pass. Default: as the forward pass. */
  readonly bwCompiler?: Compiler;
  /** Decides what is saved between the passes. Default `defaultPartition`. */
  readonly partitionFn?: PartitionFunction;
  /** For how many forms of arguments what was compiled is kept; the one that was not called the longest goes first. Default 64. */
  readonly cacheSize?: number;
}

/** A function that is compiled, with its reverse pass, for each form of its arguments when it is first called with it. */
export interface AotFunction<A extends unknown[], R> {
  (...args: AnyRank<A>): AnyRank<R>;
  /** The graphs for arguments like these: they are captured if they are not there yet, and belong to the function. */
  graphs(...args: AnyRank<A>): AotGraphs;
  readonly cache: CacheInfo;
  /** Frees all that was compiled. The function can be called again, and compiles again. */
  dispose(): void;
}

/** What was captured for one form of arguments. */
export interface AotGraphs extends Partition {
  /** The function alone, for where nothing is differentiated. */
  readonly inference: Graph;
  readonly joint: JointGraph;
}

const TRANSFORM = 'aotFunction';

/**
 * A function whose forward and reverse pass are captured, optimised and compiled ahead of its calls: once for each form of the arguments
 * (structure, shapes, dtypes, values that are no tensors). The result has the values and derivatives of `f`, to any order, in every
 * transform of this library, in `tf.grad` and in optimizers; derivatives pass to the `tf.Variable`s that `f` reads, too.
 *
 * What is compiled runs where it meets data. Inside `vmap`, and for derivatives of derivatives, the graphs run kernel by kernel: to have these
 * compiled, put the transform inside, `aotFunction(vmap(f))`.
 *
 * @param f  as for `makeFx`. Other tensors that it holds are constants: what a transform around it traces has to be an argument
 * @throws TransformError as `makeFx`; `closed-over-tracer`
 * @see https://pytorch.org/functorch/stable/aot_autograd.html for `aot_function`, whose semantics these are
 * @example
 * const f = compile.aotFunction((x: tf.Tensor) => tf.sum(tf.mul(tf.sin(x), x)));
 * grad(f)(tf.tensor1d([0, 1]))  // => [0, 1.3818]
 * tf.grad(f)(tf.tensor1d([0, 1]))  // => [0, 1.3818]
 * f.cache  // => {"hits": 1, "misses": 1, "size": 1}
 * f.dispose();
 */
export function aotFunction<A extends unknown[], R>(
  f: (...args: A) => R,
  options: AotOptions = {},
): AotFunction<A, R> {
  const {entryFor, cache} = compiledForms(f as never, options, TRANSFORM);
  const call = (...args: unknown[]): unknown => entryFor(args).call(args);
  return Object.defineProperties(call, {
    graphs: {value: (...args: unknown[]) => entryFor(args).graphs(args)},
    cache: {get: () => cache.info},
    dispose: {value: () => cache.clear()},
  }) as unknown as AotFunction<A, R>;
}

/** What is compiled for each form of a function's arguments, and for each backend: passes and compilers choose by it. */
export interface CompiledForms {
  entryFor(args: unknown[]): CompiledForm;
  readonly cache: Pick<Cache<CompiledForm>, 'info' | 'clear'>;
}

/**
 * @param transform  the name in messages
 * @throws TransformError `not-a-function`
 */
export function compiledForms(
  f: (...args: unknown[]) => unknown,
  options: AotOptions,
  transform: string,
): CompiledForms {
  assertFunction(f, transform);
  const cache = new Cache<CompiledForm>(options.cacheSize ?? 64);
  const entryFor = (args: unknown[]): CompiledForm => {
    assertAlive(args, transform);
    const key = `${identityOf(engine.backend)} ${Structure.of(args).key}`;
    return cache.get(key, () => new CompiledForm(f, args, options, transform));
  };
  return {entryFor, cache};
}

/** A graph, which it owns, in its two ways to run. */
class Program {
  private readonly interpreter: Interpreter;
  private readonly compiled: Compiled;
  private readonly variables: readonly Tensor[];

  constructor(
    readonly graph: Graph,
    compiler: Compiler,
  ) {
    this.interpreter = new Interpreter(graph);
    try {
      this.compiled = compiler(graph);
    } catch (error) {
      graph.dispose();
      throw error;
    }
    this.variables = graph.variables.map(({variable}) => variable);
  }

  run(inputs: readonly Tensor[]): Tensor[] {
    // A variable may stand for a traced tensor, see NOTE [closures].
    const isTraced = inputs.some(isTracer) || this.variables.some(isTracer);
    return isTraced ? this.interpreter.run(inputs) : this.compiled(inputs);
  }

  dispose(): void {
    this.compiled.dispose?.();
    this.graph.dispose();
  }
}

const isTracer = (tensor: Tensor): boolean => recordOf(tensor) !== null;

/** Both passes, and their common graph, all of which it owns. */
class Passes {
  readonly forward: Program;
  readonly backward: Program;
  private fromInputs: Interpreter | null = null;

  constructor(
    readonly joint: JointGraph,
    {fwCompiler = nop, bwCompiler = fwCompiler, partitionFn = defaultPartition}: AotOptions,
  ) {
    const owned: {dispose(): void}[] = [joint.graph];
    try {
      const {forward, backward} = partitionFn(joint);
      owned.push(forward, backward);
      this.forward = new Program(forward, fwCompiler);
      owned.push(this.forward);
      this.backward = new Program(backward, bwCompiler);
    } catch (error) {
      for (const each of owned) each.dispose();
      throw error;
    }
  }

  /** The gradients from the primals and the cotangents, with nothing saved. */
  gradientsFromInputs(inputs: readonly Tensor[]): Tensor[] {
    if (this.fromInputs === null) {
      const {graph, numOutputs} = this.joint;
      const given = graph.inputs.map((node) => node.outputs[0]!);
      const gradients = extractGraph(graph, given, graph.outputs.slice(numOutputs));
      this.fromInputs = new Interpreter(gradients);
    }
    return this.fromInputs.run(inputs);
  }

  dispose(): void {
    this.forward.dispose();
    this.backward.dispose();
    this.fromInputs?.graph.dispose();
    this.joint.graph.dispose();
  }
}

/** All that is kept for one form of the arguments. */
export class CompiledForm {
  private readonly captured: Graph;
  private readonly outputs: Structure;
  private readonly variables: readonly Variable[];
  private inference: Program | null = null;
  private passes: Passes | null = null;

  constructor(
    private readonly f: (...args: unknown[]) => unknown,
    args: readonly unknown[],
    private readonly options: AotOptions,
    private readonly transform: string,
  ) {
    const {graph, outputs} = captureClosed(f, args, transform);
    this.captured = graph;
    this.outputs = outputs;
    this.variables = graph.variables.map(({variable}) => variable);
  }

  call(args: unknown[]): unknown {
    const tensors = tensorsOf(args);
    const primals = [...tensors, ...this.variables];
    const differentiates = isDifferentiating() && primals.some(isFloat);
    const results = differentiates
      ? this.runDifferentiably(args, primals)
      : this.inferenceProgram().run(tensors);
    return this.outputs.build(results);
  }

  graphs(args: readonly unknown[]): AotGraphs {
    const {joint, forward, backward} = this.passesFor(args);
    return {
      inference: this.inferenceGraph,
      joint,
      forward: forward.graph,
      backward: backward.graph,
    };
  }

  /** The function alone, optimised; it is compiled if it is not yet. */
  get inferenceGraph(): Graph {
    return this.inferenceProgram().graph;
  }

  dispose(): void {
    this.captured.dispose();
    this.inference?.dispose();
    this.passes?.dispose();
  }

  private inferenceProgram(): Program {
    const {fwCompiler = nop} = this.options;
    return (this.inference ??= new Program(optimize(this.captured), fwCompiler));
  }

  private passesFor(args: readonly unknown[]): Passes {
    if (this.passes === null) {
      const {f, variables, outputs} = this;
      const joint = captureJoint({f, args, variables, outputs: outputs.slots}, this.transform);
      const graph = optimize(joint.graph);
      joint.graph.dispose();
      this.passes = new Passes({...joint, graph}, this.options);
    }
    return this.passes;
  }

  /** See NOTE [custom]: the level that differentiates, or tfjs's own tape, calls the passes. */
  private runDifferentiably(args: readonly unknown[], primals: readonly Tensor[]): Tensor[] {
    const passes = this.passesFor(args);
    const {numOutputs} = passes.joint;
    const isDifferentiable = this.outputs.slots.map(isFloat);
    return runCustom({
      name: this.transform,
      inputs: [...primals],
      closedOver: 'refused',
      forward: (inputs, save) => {
        const results = passes.forward.run(inputs);
        const saved = results.slice(numOutputs);
        save(saved);
        for (const tensor of saved) tensor.dispose();
        return results.slice(0, numOutputs);
      },
      pullback: (dys, saved, inputs) => {
        const cotangents = dys.filter((_, index) => isDifferentiable[index]);
        // A tape that records the reverse pass knows the inputs, and nothing of what a compiler saved.
        const gradients = isStockTapeOn()
          ? passes.gradientsFromInputs([...inputs, ...cotangents])
          : passes.backward.run([...saved, ...cotangents]);
        let next = 0;
        return inputs.map((input) => (isFloat(input) ? gradients[next++] : undefined));
      },
    });
  }
}
