import {isListOp, refusedListOps} from './lists.js';
import type {GraphNode} from './nodes.js';

type Kind = 'conditional' | 'loop' | 'call' | 'dataflow' | 'list' | 'stop' | 'refused' | 'plain';

const kinds: Readonly<Record<string, Kind | undefined>> = {
  If: 'conditional',
  StatelessIf: 'conditional',
  While: 'loop',
  StatelessWhile: 'loop',
  PartitionedCall: 'call',
  StatefulPartitionedCall: 'call',
  Switch: 'dataflow',
  Merge: 'dataflow',
  Enter: 'dataflow',
  Exit: 'dataflow',
  NextIteration: 'dataflow',
  LoopCond: 'dataflow',
  StopGradient: 'stop',
};

/** What a node is to a program: tfjs runs the plain ones. */
export function kindOf(node: GraphNode): Kind {
  if (refusalOf(node) !== undefined) return 'refused';
  return isListOp(node.op) ? 'list' : (kinds[node.op] ?? 'plain');
}

const refusedCategories: Readonly<Record<string, string | undefined>> = {
  dynamic:
    'gives a result whose shape depends on values, which tfjs computes asynchronously and no transform can trace.',
  hash_table: 'looks values up in a table, which tfjs does asynchronously.',
};

/** Why a node can't run in a program. */
export const refusalOf = ({op, category = ''}: GraphNode): string | undefined =>
  refusedListOps[op] ?? refusedCategories[category];

const drawing: ReadonlySet<string> = new Set([
  'Multinomial',
  'RandomStandardNormal',
  'RandomUniform',
  'RandomUniformInt',
  'TruncatedNormal',
]);

/** Whether a node gives something else each time. */
export const isRandom = ({op}: GraphNode): boolean => drawing.has(op);
