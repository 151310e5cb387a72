import {uniformNumber} from '../../constants.js';
import {listOf, type KernelNode, type Value} from '../../graph.js';
import type {Group} from '../../grouping.js';

/** The number that a value has everywhere, if it is known when code is written: then it is no input. */
export const literalOf = (value: Value): number | null => uniformNumber(value);

/**
 * NOTE [stored values]
 * Each value of a group that is put in memory has a program of its own, which reads what is in memory already and computes the rest again. In memory
 * are
 * - the outputs of the group,
 * - results of reductions that several programs need, or one for more elements than the reduction has: computing these again takes as long
 *   as the reduction itself (a program that has as many elements contains the loop),
 * - what spares a program inputs, where it would need more than `mostInputs`.
 *
 * @returns  the values in an order in which they can be computed
 */
export function storedValues(group: Group, mostInputs: number): readonly Value[] {
  const values = group.nodes.map((node) => node.outputs[0]!);
  const inGroup = new Set(values);
  const stored = new Set(group.outputs);
  // What is stored for the one can be a reason for the other.
  let before: number;
  do {
    before = stored.size;
    storeReductions(group, inGroup, stored);
    storeForInputs(group, inGroup, stored, mostInputs);
  } while (stored.size > before);
  return values.filter((value) => stored.has(value));
}

function storeReductions(group: Group, inGroup: ReadonlySet<Value>, stored: Set<Value>): void {
  const {nodes, layout, roleOf} = group;
  const axesOf = (value: Value): string => layout.axesOf.get(value)!.join();
  /** The stored values whose programs compute a value. */
  const programsOf = new Map([...inGroup].map((value) => [value, new Set<Value>()]));
  for (const node of [...nodes].reverse()) {
    const value = node.outputs[0]!;
    let programs = programsOf.get(value)!;
    if (roleOf(node) === 'reduction') {
      const [only] = programs;
      if (programs.size !== 1 || axesOf(only!) !== axesOf(value)) stored.add(value);
    }
    if (stored.has(value)) programs = new Set([value]);
    for (const input of listOf(node.inputs)) {
      for (const program of programs) programsOf.get(input)?.add(program);
    }
  }
}

/** Stores inputs of calls that need too many. */
function storeForInputs(
  {nodes}: Group,
  inGroup: ReadonlySet<Value>,
  stored: Set<Value>,
  mostInputs: number,
): void {
  /** What is read to compute a value. */
  const read = new Map<Value, ReadonlySet<Value>>();
  const readFor = (value: Value): ReadonlySet<Value> => {
    if (stored.has(value)) return new Set([value]);
    if (inGroup.has(value)) return read.get(value)!;
    return new Set(literalOf(value) === null ? [value] : []);
  };
  const readForAll = ({inputs}: KernelNode): Set<Value> =>
    new Set(listOf(inputs).flatMap((value) => [...readFor(value)]));
  for (const node of nodes) {
    let all = readForAll(node);
    while (all.size > mostInputs) {
      const dearest = listOf(node.inputs).reduce((a, b) =>
        readFor(b).size > readFor(a).size ? b : a,
      );
      stored.add(dearest);
      all = readForAll(node);
    }
    read.set(node.outputs[0]!, all);
  }
}
