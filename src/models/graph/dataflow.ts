import {
  attributeOf,
  behindIdentities,
  dataRefs,
  inputRefs,
  keyOf,
  reachable,
  unsupported,
  type GraphNode,
  type Ref,
} from './nodes.js';
import {isRandom} from './ops.js';

/**
 * NOTE [dataflow]
 * The older form of control flow in graphs: a Switch passes its input to one of two outputs, and only nodes behind that one run; a Merge takes what
 * arrives. Within a frame, which values come into by Enter and leave by Exit, a Merge of an Enter and a NextIteration begins each round of a loop.
 * What runs under which condition can be read off the graph:
 * - behind output k of a Switch with predicate p lies what runs where p is k: the guard (p, k);
 * - a Merge of what has the guards (p, 0) and (p, 1) is a cond, and has neither;
 * - the Merges that begin a frame's rounds are the carry of a loop, its LoopCond's input the condition.
 */
export interface Facts {
  /** The frame that the node is in, null outside of all. */
  readonly frame: string | null;
  /** Predicates (by key), and what they must be for the node to run. */
  readonly guards: ReadonlyMap<string, number>;
  /** The number of conds and loops that must have run before the node can, one after the other. */
  readonly depth: number;
}

/** A variable of a loop: where it begins, its value in each round, and the next one. */
export interface LoopVariable {
  readonly merge: GraphNode;
  readonly init: Ref;
  readonly next: Ref;
}

interface Decision {
  readonly predicate: string;
  readonly whenTrue: Ref;
  readonly whenFalse: Ref;
}

interface Frame {
  readonly parent: string | null;
  readonly variables: readonly LoopVariable[];
  readonly condition: Ref;
}

const none: ReadonlyMap<string, number> = new Map();
const outside: Facts = {frame: null, guards: none, depth: 0};

export const isLoopMerge = (node: GraphNode): boolean =>
  node.op === 'Merge' && inputRefs(node).some((ref) => ref.node.op === 'NextIteration');

const isCondMerge = (node: GraphNode): boolean => node.op === 'Merge' && !isLoopMerge(node);

const frameNameOf = (enter: GraphNode): string => String(attributeOf(enter, 'frameName'));

/** The predicate of a Switch, and null where it is the condition of a loop. */
export function predicateOf(node: GraphNode): Ref | null {
  const [, predicate] = inputRefs(node);
  let at = predicate!;
  while (at.node.op === 'Identity') at = inputRefs(at.node)[0]!;
  return at.node.op === 'LoopCond' ? null : behindIdentities(at);
}

/** What can be said of a graph's control flow. See NOTE [dataflow]. */
export class Dataflow {
  private readonly nodes: readonly GraphNode[];
  private readonly enters = new Map<string, GraphNode[]>();
  private readonly facts = new Map<GraphNode, Facts>();
  private readonly frames = new Map<string, Frame>();

  private readonly read: ReadonlyMap<string, Ref>;

  /** @param isGiven  whether it is known already what a node gives */
  constructor(
    outputs: readonly Ref[],
    isGiven: (node: GraphNode) => boolean,
    private readonly caller: string,
  ) {
    const refs = reachable(outputs, isGiven, inputRefs);
    this.nodes = [...new Set([...refs.values()].map(({node}) => node))];
    this.read = reachable(outputs, isGiven, dataRefs);
    for (const node of this.nodes) {
      if (node.op !== 'Enter') continue;
      const name = frameNameOf(node);
      this.enters.set(name, [...(this.enters.get(name) ?? []), node]);
    }
    for (const node of this.inOrder()) this.facts.set(node, this.learn(node));
    for (const [name, entering] of this.enters) this.frames.set(name, this.frameOf(name, entering));
  }

  of(node: GraphNode): Facts {
    return this.facts.get(node) ?? outside;
  }

  frame(name: string): Frame {
    return this.frames.get(name)!;
  }

  /** Whether somebody reads an output, beside waiting for it. */
  isRead(ref: Ref): boolean {
    return this.read.has(keyOf(ref));
  }

  /** The guards of one output. */
  guardsOf({node, index}: Ref): ReadonlyMap<string, number> {
    const {guards} = this.of(node);
    const predicate = node.op === 'Switch' ? predicateOf(node) : null;
    return predicate === null ? guards : new Map(guards).set(keyOf(predicate), index);
  }

  isInFrame(node: GraphNode, name: string): boolean {
    let {frame} = this.of(node);
    while (frame !== null && frame !== name) frame = this.frame(frame).parent;
    return frame === name;
  }

  /**
   * The predicate that decides what a Merge takes, and the inputs for true and for false.
   * @throws TransformError `unsupported-op`
   */
  decisionOf(merge: GraphNode): Decision {
    const decision = this.decide(merge);
    if (decision !== null) return decision;
    throw unsupported(
      merge,
      'takes inputs that no single Switch decides between, so it is no cond.',
      this.caller,
    );
  }

  private decide(merge: GraphNode): Decision | null {
    const [a, b, ...more] = inputRefs(merge);
    if (a === undefined || b === undefined || more.length > 0) return null;
    const [guardsOfA, guardsOfB] = [this.guardsOf(a), this.guardsOf(b)];
    const deciding = [...guardsOfA].filter(
      ([predicate, value]) => guardsOfB.get(predicate) === 1 - value,
    );
    const [first] = deciding;
    if (first === undefined || deciding.length > 1) return null;
    const [predicate, value] = first;
    const [whenTrue, whenFalse] = value === 1 ? [a, b] : [b, a];
    return {predicate, whenTrue, whenFalse};
  }

  /** Of all Merges of one cond that may be computed together with this one, itself among them. */
  alike(merge: GraphNode): GraphNode[] {
    const key = this.condKey(merge);
    return this.nodes.filter(
      (node) => isCondMerge(node) && this.isRead({node, index: 0}) && this.condKey(node) === key,
    );
  }

  /** Whether other Merges of the same cond take random numbers that these take too: they would be drawn twice. */
  shareDraws(merges: readonly GraphNode[], predicate: string): boolean {
    const drawnFor = (merge: GraphNode): GraphNode[] =>
      [...this.branchesOf(merge, predicate).inside].filter(isRandom);
    const drawn = new Set(merges.flatMap(drawnFor));
    const others = this.nodes.filter(
      (node) =>
        isCondMerge(node) && this.decide(node)?.predicate === predicate && !merges.includes(node),
    );
    return drawn.size > 0 && others.flatMap(drawnFor).some((node) => drawn.has(node));
  }

  private condKey(merge: GraphNode): string {
    const {frame, guards, depth} = this.of(merge);
    return JSON.stringify([this.decide(merge)?.predicate, frame, [...guards].sort(), depth]);
  }

  /** The output that a key stands for. */
  refOf(predicate: string): Ref {
    const gates = this.nodes.filter(({op}) => op === 'Switch').map(predicateOf);
    return gates.find((ref) => ref !== null && keyOf(ref) === predicate)!;
  }

  /** All nodes by which values leave a loop. */
  exitsOf(frame: string): GraphNode[] {
    return this.nodes.filter((node) => node.op === 'Exit' && this.exited(node).frame === frame);
  }

  /** All nodes, each after its inputs; a Merge that begins a loop's rounds comes before what they end with, an Exit after all that enters. */
  private inOrder(): GraphNode[] {
    const known = new Set(this.nodes);
    const before = (node: GraphNode): GraphNode[] =>
      inputsBefore(node).filter((input) => known.has(input));
    const inputsBefore = (node: GraphNode): GraphNode[] => {
      const inputs = inputRefs(node).map((ref) => ref.node);
      if (isLoopMerge(node)) return inputs.filter(({op}) => op !== 'NextIteration');
      return node.op === 'Exit' ? [...inputs, ...this.enteredWith(node)] : inputs;
    };
    const ordered = new Set<GraphNode>();
    const entered = new Set<GraphNode>();
    for (const root of this.nodes) {
      const pending = [root];
      while (pending.length > 0) {
        const node = pending.at(-1)!;
        const missing = entered.has(node)
          ? []
          : before(node).filter((input) => !ordered.has(input));
        entered.add(node);
        if (missing.length > 0) pending.push(...missing);
        else ordered.add(pending.pop()!);
      }
    }
    return [...ordered];
  }

  /** All that enters the loop which a node leaves. */
  private enteredWith(exit: GraphNode): readonly GraphNode[] {
    return this.enters.get(this.exited(exit).frame) ?? [];
  }

  /** The Merge whose value leaves a loop, and the loop's frame. */
  exited(exit: GraphNode): {merge: GraphNode; frame: string} {
    const [left] = inputRefs(exit);
    const gate = left && behindIdentities(left).node;
    const merge = gate?.op === 'Switch' ? behindIdentities(inputRefs(gate)[0]!).node : undefined;
    const enter = merge && inputRefs(merge).find((ref) => ref.node.op === 'Enter');
    if (merge !== undefined && enter !== undefined && isLoopMerge(merge)) {
      return {merge, frame: frameNameOf(enter.node)};
    }
    throw unsupported(exit, 'is the end of no loop of the usual form.', this.caller);
  }

  private learn(node: GraphNode): Facts {
    const inputs = inputRefs(node).filter((ref) => this.facts.has(ref.node));
    const facts = inputs.map((ref) => this.of(ref.node));
    const frame = facts.map((fact) => fact.frame).find((name) => name !== null) ?? null;
    const guards = new Map(inputs.flatMap((ref) => [...this.guardsOf(ref)]));
    const depth = Math.max(0, ...facts.map((fact) => fact.depth));
    if (node.op === 'Enter') return {frame: frameNameOf(node), guards, depth};
    if (node.op === 'Exit') {
      const entering = this.enteredWith(node).flatMap(inputRefs);
      return {
        frame: entering.map((ref) => this.of(ref.node).frame).find((name) => name !== null) ?? null,
        guards: new Map(entering.flatMap((ref) => [...this.guardsOf(ref)])),
        depth: 1 + Math.max(0, ...entering.map((ref) => this.of(ref.node).depth)),
      };
    }
    const predicate = isCondMerge(node) ? this.decide(node)?.predicate : undefined;
    if (predicate === undefined) return {frame, guards, depth};
    const {entries} = this.branchesOf(node, predicate);
    const before = [...entries].map((entry) => this.of(entry).depth);
    guards.delete(predicate);
    return {frame, guards, depth: 1 + Math.max(0, ...before)};
  }

  /** The nodes inside of a cond's branches, and those outside that these read. */
  private branchesOf(
    merge: GraphNode,
    predicate: string,
  ): {inside: ReadonlySet<GraphNode>; entries: ReadonlySet<GraphNode>} {
    const inside = new Set<GraphNode>();
    const entries = new Set<GraphNode>();
    const pending = inputRefs(merge);
    for (let ref = pending.pop(); ref !== undefined; ref = pending.pop()) {
      const {node} = ref;
      if (!this.guardsOf(ref).has(predicate)) entries.add(node);
      else if (!inside.has(node)) {
        inside.add(node);
        pending.push(...inputRefs(node));
        if (node.op === 'Exit') pending.push(...this.enteredWith(node).flatMap(inputRefs));
      }
    }
    return {inside, entries};
  }

  private frameOf(name: string, enters: readonly GraphNode[]): Frame {
    const [enter] = enters as [GraphNode];
    const variables = this.nodes.filter(isLoopMerge).flatMap((merge): LoopVariable[] => {
      const refs = inputRefs(merge);
      const from = refs.find((ref) => ref.node.op === 'Enter');
      const back = refs.find((ref) => ref.node.op === 'NextIteration');
      if (from === undefined || back === undefined || frameNameOf(from.node) !== name) return [];
      return [{merge, init: inputRefs(from.node)[0]!, next: inputRefs(back.node)[0]!}];
    });
    const conditions = this.nodes.filter(
      (node) => node.op === 'LoopCond' && this.of(node).frame === name,
    );
    const parents = new Set(
      enters.flatMap((node) =>
        inputRefs(node)
          .map((ref) => this.of(ref.node).frame)
          .filter((parent) => parent !== null),
      ),
    );
    if (conditions.length !== 1 || parents.size > 1) {
      throw unsupported(
        enter,
        `enters the frame '${name}', which is no loop of the usual form: it has ${conditions.length} conditions.`,
        this.caller,
      );
    }
    return {
      parent: [...parents][0] ?? null,
      variables,
      condition: inputRefs(conditions[0]!)[0]!,
    };
  }
}
