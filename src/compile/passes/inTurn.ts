import type {Graph} from '../graph.js';

/** A function from a graph to one that computes the same. It leaves the graph that it is given as it is. */
export type Pass = (graph: Graph) => Graph;

/** Applies passes one after the other to a graph, which is used up, as those between them. */
export const inTurn = (graph: Graph, passes: readonly Pass[]): Graph =>
  passes.reduce((current, pass) => {
    try {
      return pass(current);
    } finally {
      current.dispose();
    }
  }, graph);
