import type {Tensor} from '@tensorflow/tfjs-core';
import {TransformError, describe} from '../errors.js';
import {scoped} from '../interpreter/scope.js';
import {alias} from '../interpreter/tracer.js';
import {execute} from './execute.js';
import {
  listOf,
  mapPerInput,
  sameSpec,
  showSpec,
  type Graph,
  type KernelNode,
  type PerInput,
  type Value,
} from './graph.js';

/** For each kernel node, the values that nothing takes after it: they can be freed, or their memory used again. */
export type LastUses = ReadonlyMap<KernelNode, readonly Value[]>;

/**
 * Where each value that the graph computes is used for the last time. Values that are never used end at the node that makes them; inputs,
 * constants, variables and outputs never end.
 */
export function lastUses(graph: Graph): LastUses {
  const uses = new Map<KernelNode, Value[]>();
  const ended = new Set<Value>(graph.outputs);
  const {kernels} = graph;
  for (let index = kernels.length - 1; index >= 0; index--) {
    const node = kernels[index]!;
    const last: Value[] = [];
    for (const value of [...node.outputs, ...listOf(node.inputs)]) {
      if (ended.has(value) || value.node.kind !== 'kernel') continue;
      ended.add(value);
      last.push(value);
    }
    uses.set(node, last);
  }
  return uses;
}

/**
 * Runs a graph, a kernel after the other, on tensors of any kind: it works inside transforms and on tfjs's own tape, and each value is
 * disposed after its last use. A class that overrides `runNode` runs it in another way, or looks at what it does (as `torch.fx.Interpreter`).
 *
 * @example
 * class Counter extends compile.Interpreter {
 *   count = 0;
 *   protected override runNode(node: compile.KernelNode, inputs: compile.PerInput<tf.Tensor>) {
 *     this.count++;
 *     return super.runNode(node, inputs);
 *   }
 * }
 * const f = makeFx((x: tf.Tensor) => tf.exp(tf.sin(x)))(tf.scalar(0));
 * const counter = new Counter(f.graph);
 * counter.run([tf.scalar(0)])  // => [1]
 * counter.count  // => 2
 */
export class Interpreter {
  private revision = -1;
  private uses: LastUses = new Map();

  constructor(readonly graph: Graph) {}

  /**
   * @param inputs  a tensor for each input of the graph
   * @returns  new tensors, one for each output of the graph, that belong to the open scope
   * @throws TransformError `graph-mismatch` where shapes or dtypes differ, `disposed-tensor` of a graph that was disposed
   */
  run(inputs: readonly Tensor[]): Tensor[] {
    const {graph} = this;
    graph.assertAlive();
    assertInputs(graph, inputs);
    if (this.revision !== graph.revision) {
      this.uses = lastUses(graph);
      this.revision = graph.revision;
    }
    return scoped('graph', (results) => {
      const known = new Map<Value, Tensor>();
      let next = 0;
      for (const node of graph.nodes) {
        switch (node.kind) {
          case 'input':
            known.set(node.outputs[0]!, inputs[next++]!);
            break;
          case 'constant':
            known.set(node.outputs[0]!, node.tensor);
            break;
          case 'variable':
            known.set(node.outputs[0]!, node.variable);
            break;
          case 'kernel':
            this.runKernelNode(node, known);
        }
      }
      results.push(...givenOut(graph, known));
      return [...results];
    });
  }

  /** Runs one kernel. May give tensors that others hold, such as an input. */
  protected runNode(node: KernelNode, inputs: PerInput<Tensor>): Tensor | readonly Tensor[] {
    return execute(node.kernel, inputs, node.attrs);
  }

  private runKernelNode(node: KernelNode, known: Map<Value, Tensor>): void {
    const inputs = mapPerInput(node.inputs, (value) => known.get(value)!);
    const outputs = [this.runNode(node, inputs)].flat() as Tensor[];
    const given = listOf(inputs);
    node.outputs.forEach((value, index) => {
      const output = outputs[index]!;
      known.set(value, given.includes(output) ? alias(output) : output);
    });
    for (const value of this.uses.get(node)!) {
      known.get(value)!.dispose();
      known.delete(value);
    }
  }
}

/** The outputs as tensors that nobody else has. */
function givenOut(graph: Graph, known: ReadonlyMap<Value, Tensor>): Tensor[] {
  const given = new Set<Value>();
  return graph.outputs.map((value) => {
    const tensor = known.get(value)!;
    if (value.node.kind !== 'kernel' || given.has(value)) return alias(tensor);
    given.add(value);
    return tensor;
  });
}

/** @throws TransformError `graph-mismatch` */
function assertInputs(graph: Graph, inputs: readonly Tensor[]): void {
  const nodes = graph.inputs;
  const refuse = (message: string): never => {
    throw new TransformError(message, {code: 'graph-mismatch', transform: 'compile'});
  };
  if (nodes.length !== inputs.length) {
    refuse(`the graph has ${nodes.length} inputs, but got ${inputs.length}.`);
  }
  nodes.forEach((node, index) => {
    const value = node.outputs[0]!;
    const input = inputs[index]!;
    if (sameSpec(value, input)) return;
    refuse(`input ${index} ('${value.name}') is ${showSpec(value)}, but got ${describe(input)}.`);
  });
}
