import {fill} from '@tensorflow/tfjs-core';
import {
  listOf,
  sameSpec,
  type Attrs,
  type Graph,
  type KernelNode,
  type PerInput,
  type TensorSpec,
  type Value,
} from '../graph.js';
import {Transformer} from '../transformer.js';

/** One kernel call of the graph that is being built, as rewriting rules see it. */
export interface Call {
  readonly attrs: Attrs;
  readonly inputs: Readonly<Record<string, Value>>;
  /** All inputs in order. */
  readonly list: readonly Value[];
  /** What the call gives: a rule gives a value of this shape and dtype. */
  readonly output: TensorSpec;
  /** Adds another call that gives the same shape and dtype (or `output`). */
  emit(kernel: string, inputs: PerInput<Value>, attrs?: Attrs, output?: TensorSpec): Value;
  /** Adds a constant all of whose elements are `number`. */
  fill(number: number, spec: TensorSpec): Value;
}

/** What a call of one kernel can be replaced by; null where it has to stay. */
export type Rewrite = (call: Call) => Value | null;

export type Rewrites = Readonly<Record<string, Rewrite>>;

/** Applies the rule of each kernel with one output. */
export const rewrite = (graph: Graph, rules: Rewrites): Graph =>
  new Rewriter(graph, rules).transform();

class Rewriter extends Transformer {
  constructor(
    graph: Graph,
    private readonly rules: Rewrites,
  ) {
    super(graph);
  }

  protected override transformNode(node: KernelNode, inputs: PerInput<Value>): readonly Value[] {
    const rule = Object.hasOwn(this.rules, node.kernel) ? this.rules[node.kernel] : undefined;
    const [output] = node.outputs;
    if (rule === undefined || node.givesList || output === undefined) {
      return super.transformNode(node, inputs);
    }
    const replaced = rule({
      attrs: node.attrs,
      inputs: inputs as Readonly<Record<string, Value>>,
      list: listOf(inputs),
      output,
      emit: (kernel, given, attrs = {}, spec = output) => this.emit(kernel, given, attrs, spec),
      fill: (number, spec) => this.fill(number, spec),
    });
    if (replaced === null) return super.transformNode(node, inputs);
    if (!sameSpec(replaced, output)) {
      throw new Error(`a rewriting of ${node.kernel} changes the shape or dtype of '${node.name}'`);
    }
    return [replaced];
  }

  private fill(number: number, {shape, dtype}: TensorSpec): Value {
    const tensor = fill([...shape], number, dtype as 'float32');
    try {
      return this.target.addConstant(tensor);
    } finally {
      tensor.dispose();
    }
  }
}

/** The first of several rules that has something to say. */
export const firstOf =
  (...rules: readonly Rewrite[]): Rewrite =>
  (call) => {
    for (const rule of rules) {
      const value = rule(call);
      if (value !== null) return value;
    }
    return null;
  };

/** The inputs of the call that makes a value, if it is one of `kernel`; else null. */
export function madeBy(
  {node}: Value,
  kernel: string,
): {readonly inputs: Readonly<Record<string, Value>>; readonly attrs: Attrs} | null {
  if (node.kind !== 'kernel' || node.kernel !== kernel) return null;
  return {inputs: node.inputs as Readonly<Record<string, Value>>, attrs: node.attrs};
}
