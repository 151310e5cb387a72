import {attrsKey} from '../attributes.js';
import {listOf, type Graph} from '../graph.js';
import {algebraicSimplification} from './algebra.js';
import {commonSubexpressions} from './commonSubexpressions.js';
import {constantFolding} from './constantFolding.js';
import {deadCode} from './deadCode.js';
import {layoutSimplification} from './layout.js';
import {inTurn, type Pass} from './inTurn.js';
import {sinkReshapes} from './reshapes.js';
import {transposesIntoProducts} from './transposes.js';

export {
  algebraicSimplification,
  commonSubexpressions,
  constantFolding,
  deadCode,
  layoutSimplification,
  sinkReshapes,
  transposesIntoProducts,
};

export type {Pass};

/** Passes that undo each other could go round without end. */
const MOST_ROUNDS = 10;

/**
 * A graph that computes the same with fewer kernels: all passes, again and again until nothing changes. The graph that is given stays,
 * with its constants; the other one has its own.
 *
 * @example
 * const f = makeFx((x: tf.Tensor) => tf.add(tf.mul(tf.reshape(x, [4]), 1), tf.neg(tf.neg(tf.reshape(x, [4])))))(tf.ones([2, 2]));
 * f.graph.kernels.length  // => 6
 * const small = f.apply(compile.optimize);
 * small.graph.kernels.length  // => 2
 * small(tf.ones([2, 2]))  // => [2, 2, 2, 2]
 */
export function optimize(graph: Graph): Graph {
  const live = deadCode(graph);
  try {
    return fixedPoint(live, [
      commonSubexpressions,
      constantFolding,
      algebraicSimplification,
      layoutSimplification,
      sinkReshapes,
      transposesIntoProducts,
      deadCode,
    ]);
  } finally {
    live.dispose();
  }
}

/** Applies passes in turn until a round changes nothing. */
export function fixedPoint(graph: Graph, passes: readonly Pass[]): Graph {
  let current = graph.clone();
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const before = fingerprint(current);
    current = inTurn(current, passes);
    if (fingerprint(current) === before) break;
  }
  return current;
}

/** A text that is the same for equal graphs, whatever their nodes are called. */
function fingerprint(graph: Graph): string {
  const numbers = new Map<unknown, number>();
  for (const node of graph.nodes)
    for (const value of node.outputs) numbers.set(value, numbers.size);
  const lines = graph.nodes.map((node) =>
    node.kind === 'kernel'
      ? `${node.kernel} ${listOf(node.inputs)
          .map((value) => numbers.get(value))
          .join()} ${attrsKey(node.attrs)}`
      : node.kind,
  );
  return [...lines, graph.outputs.map((value) => numbers.get(value)).join()].join('\n');
}
