import {
  Graph,
  mapPerInput,
  type KernelNode,
  type PerInput,
  type TensorSpec,
  type Value,
} from './graph.js';

/**
 * Builds a graph anew, node by node: a class that overrides `transformNode` is a pass (as `torch.fx.Transformer`). Inputs stay as they are;
 * constants and variables that the new graph uses are copied.
 *
 * @example
 * class SinToCos extends compile.Transformer {
 *   protected override transformNode(node: compile.KernelNode, inputs: compile.PerInput<compile.Value>) {
 *     return super.transformNode(node.kernel === 'Sin' ? {...node, kernel: 'Cos'} : node, inputs);
 *   }
 * }
 * const f = makeFx((x: tf.Tensor) => tf.exp(tf.sin(x)))(tf.scalar(0));
 * f.apply((graph) => new SinToCos(graph).transform())(tf.scalar(0))  // => 2.7183
 */
export class Transformer {
  /** The graph that is being built. */
  protected readonly target = new Graph();
  private readonly values = new Map<Value, Value>();

  constructor(protected readonly source: Graph) {}

  /** Builds the graph. To be called once. */
  transform(): Graph {
    const {source, target} = this;
    source.assertAlive();
    try {
      for (const node of source.nodes) {
        if (node.kind === 'input') this.record(node.outputs, target.addLike(node, noValue));
        if (node.kind !== 'kernel' || !this.keeps(node)) continue;
        const inputs = mapPerInput(node.inputs, (value) => this.valueOf(value));
        this.record(node.outputs, this.transformNode(node, inputs));
      }
      target.setOutputs(source.outputs.map((value) => this.valueOf(value)));
      return target;
    } catch (error) {
      target.dispose();
      throw error;
    }
  }

  /**
   * What becomes of a kernel call: by default the same one. May add any nodes to `target`, or none.
   * @param inputs  values of the new graph
   * @returns  a value of the new graph for each output of the node, of its shape and dtype
   */
  protected transformNode(node: KernelNode, inputs: PerInput<Value>): readonly Value[] {
    return this.target.addKernel({...node, inputs}, {name: node.name});
  }

  /** Whether a kernel call stays; one whose outputs are used must. */
  protected keeps(_node: KernelNode): boolean {
    return true;
  }

  /** Adds a kernel call with one output. */
  protected emit(
    kernel: string,
    inputs: PerInput<Value>,
    attrs: KernelNode['attrs'],
    output: TensorSpec,
  ): Value {
    return this.target.addKernel({kernel, inputs, attrs, outputs: [output]})[0]!;
  }

  /** What has become of a value of the old graph. */
  protected valueOf(value: Value): Value {
    const known = this.values.get(value);
    if (known !== undefined) return known;
    // Constants and variables are copied where they are first used.
    this.record(value.node.outputs, this.target.addLike(value.node, noValue));
    return this.values.get(value)!;
  }

  private record(old: readonly Value[], now: readonly Value[]): void {
    old.forEach((value, index) => this.values.set(value, now[index]!));
  }
}

const noValue = (): never => {
  throw new Error('inputs, constants and variables take no values');
};
