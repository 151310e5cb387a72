import {util, type Tensor} from '@tensorflow/tfjs-core';
import {scoped} from '../interpreter/scope.js';
import {alias} from '../interpreter/tracer.js';
import type {CodeGenerator, CompiledKernel} from './codegen/generator.js';
import {execute} from './execute.js';
import {fuse, isSegment, nodesOf, type Group, type Segment, type Step} from './grouping.js';
import {listOf, mapPerInput, type Graph, type KernelNode, type Value} from './graph.js';
import {segmentsOf} from './segments.js';

/** Kernel calls that run as one. */
export interface LoweredStep {
  /** tfjs's names of the kernels, in order. */
  readonly kernels: readonly string[];
  /** The code that was generated, or null for a kernel of tfjs. */
  readonly code: string | null;
}

/** What one step took, when times are measured. */
export interface StepTime {
  readonly step: string;
  /** Whether its code was generated, or it is a kernel of tfjs. */
  readonly generated: boolean;
  readonly milliseconds: number;
}

/** A step of a program, on numbered places for tensors. */
interface Instruction {
  readonly label: string;
  readonly compiled: CompiledKernel | null;
  readonly node: KernelNode | null;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** Places whose tensors nothing takes any more. */
  readonly ended: readonly number[];
}

/**
 * A graph as generated kernels and kernels of tfjs, in an order in which they run, each tensor freed after its last use. It computes on
 * tensors that nothing traces.
 */
export class FusedProgram {
  private readonly planned: readonly PlannedStep[];
  private readonly instructions: readonly Instruction[];
  private readonly places = new Map<Value, number>();

  constructor(
    readonly graph: Graph,
    generator: CodeGenerator,
  ) {
    this.planned = plan(graph, generator);
    for (const node of graph.nodes) {
      for (const value of node.outputs) this.places.set(value, this.places.size);
    }
    const ended = lastUses(
      graph,
      this.planned.map(({step}) => step),
    );
    this.instructions = this.planned.map((planned) =>
      this.instruction(planned, ended.get(planned.step)!),
    );
  }

  /** What runs, in order: the kernels of each step, and the code that was generated for them. */
  get listing(): readonly LoweredStep[] {
    return this.planned.map(({step, compiled}) => ({
      kernels: nodesOf(step).map(({kernel}) => kernel),
      get code() {
        return compiled?.listing ?? null;
      },
    }));
  }

  /** Frees what generated code holds. */
  dispose(): void {
    for (const {compiled} of this.planned) compiled?.dispose?.();
  }

  /**
   * @param inputs  a tensor for each input of the graph, none of them traced
   * @param log  is told what each step took
   * @returns  new tensors that belong to the open scope, one for each output
   */
  run(inputs: readonly Tensor[], log?: (time: StepTime) => void): Tensor[] {
    this.graph.assertAlive();
    return scoped('jit', (results) => {
      const tensors = new Array<Tensor>(this.places.size);
      let next = 0;
      for (const node of this.graph.nodes) {
        if (node.kind === 'kernel') continue;
        const place = this.places.get(node.outputs[0]!)!;
        if (node.kind === 'input') tensors[place] = inputs[next++]!;
        else tensors[place] = node.kind === 'constant' ? node.tensor : node.variable;
      }
      for (const instruction of this.instructions) {
        const start = log === undefined ? 0 : util.now();
        step(instruction, tensors);
        log?.({
          step: instruction.label,
          generated: instruction.compiled !== null,
          milliseconds: util.now() - start,
        });
      }
      results.push(...this.given(tensors));
      return [...results];
    });
  }

  private given(tensors: readonly Tensor[]): Tensor[] {
    const given = new Set<Value>();
    return this.graph.outputs.map((value) => {
      const tensor = tensors[this.places.get(value)!]!;
      if (value.node.kind !== 'kernel' || given.has(value)) return alias(tensor);
      given.add(value);
      return tensor;
    });
  }

  private instruction({step, compiled}: PlannedStep, ended: readonly Value[]): Instruction {
    const placesOf = (values: readonly Value[]): number[] =>
      values.map((value) => this.places.get(value)!);
    return {
      label: labelOf(step),
      compiled,
      node: isSegment(step) ? null : step,
      inputs: placesOf(inputsOf(step)),
      outputs: placesOf(step.outputs),
      ended: placesOf(ended),
    };
  }
}

/** A step with its code, or a kernel of tfjs. */
interface PlannedStep {
  readonly step: Step;
  readonly compiled: CompiledKernel | null;
}

/** Divides a graph as the generator wants it, and has it compile the parts. */
function plan(graph: Graph, generator: CodeGenerator): readonly PlannedStep[] {
  const planned: PlannedStep[] = [];
  const compileAll = <S extends Segment>(
    steps: readonly Step<S>[],
    compile: (step: Step<S>) => CompiledKernel | null,
  ): void => {
    for (const step of steps) {
      const compiled = compile(step);
      if (compiled !== null) planned.push({step, compiled});
      else for (const node of nodesOf(step)) planned.push({step: node, compiled});
    }
  };
  try {
    if ('takes' in generator) {
      const steps = segmentsOf(graph, (node) => generator.takes(node));
      compileAll(steps, (step) => (isSegment(step) ? generator.compileSegment(step) : null));
    } else {
      const steps = fuse(graph, (node) => generator.roleOf(node), generator.mostTensors);
      compileAll<Group>(steps, (step) =>
        isSegment(step) ? generator.compileGroup(step) : (generator.compileKernel?.(step) ?? null),
      );
    }
    return planned;
  } catch (error) {
    for (const {compiled} of planned) compiled?.dispose?.();
    throw error;
  }
}

const inputsOf = (step: Step): readonly Value[] =>
  isSegment(step) ? step.inputs : listOf(step.inputs);

function step(
  {compiled, node, inputs, outputs, ended}: Instruction,
  tensors: (Tensor | undefined)[],
): void {
  const given = inputs.map((place) => tensors[place]!);
  let results: readonly Tensor[];
  if (compiled !== null) {
    results = compiled.run(given);
  } else {
    const {kernel, attrs} = node!;
    let next = 0;
    const named = mapPerInput(node!.inputs, () => given[next++]!);
    results = [execute(kernel, named, attrs)].flat();
  }
  outputs.forEach((place, index) => {
    const result = results[index]!;
    tensors[place] = given.includes(result) ? alias(result) : result;
  });
  for (const place of ended) {
    tensors[place]!.dispose();
    tensors[place] = undefined;
  }
}

/** The values that each step is the last to take, or that it makes and nothing takes. */
function lastUses(graph: Graph, steps: readonly Step[]): Map<Step, readonly Value[]> {
  const ended = new Set<Value>(graph.outputs);
  const uses = new Map<Step, readonly Value[]>();
  for (const step of [...steps].reverse()) {
    const last = [...new Set([...inputsOf(step), ...step.outputs])].filter(
      (value) => value.node.kind === 'kernel' && !ended.has(value),
    );
    for (const value of last) ended.add(value);
    uses.set(step, last);
  }
  return uses;
}

/** A step in a word: the kernels of a group, in order. */
const labelOf = (step: Step): string =>
  nodesOf(step)
    .map(({kernel}) => kernel)
    .join('+');
