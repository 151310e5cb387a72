import {listOf, type Graph, type KernelNode, type Node, type Value} from '../graph.js';
import {Transformer} from '../transformer.js';

/** Removes what the outputs do not depend on. Inputs stay. */
export const deadCode = (graph: Graph): Graph => new DeadCode(graph).transform();

class DeadCode extends Transformer {
  private readonly needed = neededNodes(this.source, this.source.outputs);

  protected override keeps(node: KernelNode): boolean {
    return this.needed.has(node);
  }
}

/** All nodes that values depend on, those that make them included. */
export function neededNodes(graph: Graph, values: readonly Value[]): Set<Node> {
  const needed = new Set<Node>(values.map(({node}) => node));
  for (let index = graph.nodes.length - 1; index >= 0; index--) {
    const node = graph.nodes[index]!;
    if (node.kind !== 'kernel' || !needed.has(node)) continue;
    for (const value of listOf(node.inputs)) needed.add(value.node);
  }
  return needed;
}
