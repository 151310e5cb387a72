import {TransformError} from '../errors.js';
import {Graph, listOf, type Node, type Value} from './graph.js';

/**
 * A graph of its own of what leads from some values of a graph to others.
 * @param inputs  values that become its inputs, in order, under their names; other values come of them, and of constants and variables
 * @throws TransformError `invalid-graph` where an output depends on an input of the graph that isn't among `inputs`
 */
export function extractGraph(
  graph: Graph,
  inputs: readonly Value[],
  outputs: readonly Value[],
): Graph {
  graph.assertAlive();
  const given = new Set(inputs);
  const needed = nodesBetween(graph, given, outputs);
  const part = new Graph();
  const values = new Map<Value, Value>();
  for (const input of inputs) values.set(input, part.addInput(input, input.name));
  try {
    for (const node of graph.nodes) {
      if (!needed.has(node)) continue;
      if (node.kind === 'input') {
        throw new TransformError(
          `the part of a graph that was asked for depends on its input '${node.name}', which is not among the inputs of the part.`,
          {code: 'invalid-graph', transform: 'compile'},
        );
      }
      const copied = part.addLike(node, (value) => values.get(value)!);
      node.outputs.forEach((value, index) => {
        if (!given.has(value)) values.set(value, copied[index]!);
      });
    }
    part.setOutputs(outputs.map((value) => values.get(value)!));
    return part;
  } catch (error) {
    part.dispose();
    throw error;
  }
}

function nodesBetween(
  graph: Graph,
  given: ReadonlySet<Value>,
  outputs: readonly Value[],
): Set<Node> {
  const wanted = new Set(outputs);
  const needed = new Set<Node>();
  for (let index = graph.nodes.length - 1; index >= 0; index--) {
    const node = graph.nodes[index]!;
    if (!node.outputs.some((value) => wanted.has(value) && !given.has(value))) continue;
    needed.add(node);
    if (node.kind === 'kernel') for (const value of listOf(node.inputs)) wanted.add(value);
  }
  return needed;
}
