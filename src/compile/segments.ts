import {borderOf, type Step} from './grouping.js';
import {listOf, type Graph, type KernelNode} from './graph.js';

/**
 * NOTE [segments]
 * Divides a graph into segments: all calls that a generator takes and that have the same number of other calls on their way from the
 * inputs, counted along the longest such way, are one segment. As no way leads out of a segment and back into it without passing another call,
 * the steps can run one after the other, and a graph that is taken as a whole is one step.
 *
 * @returns  steps in an order in which they can run
 */
export function segmentsOf(graph: Graph, takes: (node: KernelNode) => boolean): readonly Step[] {
  const levels: {taken: KernelNode[]; others: KernelNode[]}[] = [];
  const levelOf = new Map<KernelNode, number>();
  const others = new Set<KernelNode>();
  for (const node of graph.kernels) {
    const level = listOf(node.inputs).reduce((level, {node: by}) => {
      if (by.kind !== 'kernel') return level;
      return Math.max(level, levelOf.get(by)! + (others.has(by) ? 1 : 0));
    }, 0);
    levelOf.set(node, level);
    const {taken, others: rest} = (levels[level] ??= {taken: [], others: []});
    if (takes(node)) {
      taken.push(node);
    } else {
      rest.push(node);
      others.add(node);
    }
  }
  const outputs = new Set(graph.outputs);
  const users = graph.usersOfAll();
  return levels.flatMap(({taken, others}): Step[] => {
    const segment = {nodes: taken, ...borderOf(taken, outputs, users)};
    return taken.length > 0 ? [segment, ...others] : others;
  });
}
