import type {Executor, GraphNode} from './nodes.js';
import {
  slotsRead,
  type NodeStep,
  type PlacedStep,
  type SegmentStep,
  type Slot,
  type Step,
} from './program.js';

/** tfjs-converter's class of executors. */
export type ExecutorClass = new (graph: object) => Executor;

/** Joins nodes that follow each other to segments, which tfjs runs, and frees what lies inside of one. */
export function joinSegments(
  placed: readonly PlacedStep[],
  outputs: readonly Slot[],
  makeExecutor: ExecutorClass,
): Step[] {
  const steps: Step[] = [];
  let run: NodeStep[] = [];
  const wantedLater = readLater(placed, outputs);
  placed.forEach((step, place) => {
    if (step.kind === 'node') run.push(step);
    else steps.push(step);
    if (isLastNode(placed, place)) {
      steps.push(segmentOf(run, wantedLater.get(place)!, makeExecutor));
      run = [];
    }
  });
  return steps;
}

/** The values that are read after the last node of each segment, by its place. */
function readLater(
  placed: readonly PlacedStep[],
  outputs: readonly Slot[],
): ReadonlyMap<number, ReadonlySet<Slot>> {
  const wanted = new Set(outputs);
  const later = new Map<number, ReadonlySet<Slot>>();
  for (let place = placed.length - 1; place >= 0; place--) {
    if (isLastNode(placed, place)) later.set(place, new Set(wanted));
    for (const slot of slotsRead(placed[place]!)) wanted.add(slot);
  }
  return later;
}

const isLastNode = (placed: readonly PlacedStep[], place: number): boolean =>
  placed[place]?.kind === 'node' && placed[place + 1]?.kind !== 'node';

interface CopiedNode extends GraphNode {
  readonly inputNames: string[];
  readonly inputs: GraphNode[];
  readonly children: GraphNode[];
}

/** No node of a graph has such a name. */
const feedName = (slot: Slot): string => `feed ${slot}`;

const placeholder = (name: string): CopiedNode => ({
  name,
  op: 'Placeholder',
  category: 'graph',
  inputNames: [],
  inputs: [],
  children: [],
  inputParams: {},
  attrParams: {},
});

function segmentOf(
  run: readonly NodeStep[],
  wantedLater: ReadonlySet<Slot>,
  makeExecutor: ExecutorClass,
): SegmentStep {
  const nodes: Record<string, CopiedNode> = {};
  const feeds: {name: string; slot: Slot; node: GraphNode}[] = [];
  const wanted: {name: string; slot: Slot}[] = [];
  const made = new Map<Slot, {name: string; node: CopiedNode}>();
  for (const {node, inputs, outputs} of run) {
    const copy: CopiedNode = {...node, inputNames: [], inputs: [], children: []};
    for (const slot of inputs) {
      let source = made.get(slot);
      if (source === undefined) {
        source = {name: feedName(slot), node: placeholder(feedName(slot))};
        made.set(slot, source);
        nodes[source.name] = source.node;
        feeds.push({name: source.name, slot, node});
      }
      copy.inputNames.push(source.name);
      copy.inputs.push(source.node);
      source.node.children.push(copy);
    }
    nodes[copy.name] = copy;
    for (const [index, slot] of outputs) {
      const name = `${copy.name}:${index}`;
      made.set(slot, {name, node: copy});
      if (wantedLater.has(slot)) wanted.push({name, slot});
    }
  }
  const placeholders = feeds.map(({name}) => nodes[name]!);
  const executor = new makeExecutor({
    nodes,
    inputs: placeholders,
    placeholders,
    outputs: wanted.map(({name}) => nodes[name.slice(0, name.lastIndexOf(':'))]!),
    weights: [],
    functions: {},
    initNodes: run.filter(({inputs}) => inputs.length === 0).map(({node}) => nodes[node.name]!),
  });
  return {kind: 'segment', executor, feeds, wanted};
}
