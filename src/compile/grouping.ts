import {layoutOf, type Layout, type Role} from './layout.js';
import {listOf, type Graph, type KernelNode, type Value} from './graph.js';

/** Kernel calls that are computed together. */
export interface Segment {
  /** In an order in which they can run. */
  readonly nodes: readonly KernelNode[];
  /** What it takes: inputs, constants and variables of the graph, and what is computed outside. */
  readonly inputs: readonly Value[];
  /** What others take of it, and outputs of the graph. */
  readonly outputs: readonly Value[];
}

/** Kernel calls that one loop computes, without their intermediate values in memory. */
export interface Group extends Segment {
  readonly layout: Layout;
  readonly roleOf: (node: KernelNode) => Role;
}

/** A step of a plan: kernel calls that are computed together, or a single one. */
export type Step<S extends Segment = Segment> = S | KernelNode;

export const isSegment = <S extends Segment>(step: Step<S>): step is S => 'nodes' in step;

/** The most tensors that a group takes and gives: each is a pointer that generated code has to hold. */
const MOST_TENSORS = 48;

/** The most kernel calls of a group: engines compile functions in more than linear time. */
const MOST_NODES = 400;

/**
 * NOTE [fusion]
 * Divides a graph into groups: each kernel call with a role joins the groups of what it takes, one after the other, then groups that read
 * the same tensor join each other, as long as
 * - the group has a common iteration space (see `layoutOf`), and
 * - no path leads from the group through other nodes back into it: the groups can run one after the other.
 *
 * The result depends on the graph's order alone. Views at the end of a group leave it: outside they cost nothing.
 *
 * @param roleOf  what a code generator can make of a node: null for what it leaves to tfjs
 * @param mostTensors  that a group may take and give
 * @returns  steps in an order in which they can run
 */
export function fuse(
  graph: Graph,
  roleOf: (node: KernelNode) => Role | null,
  mostTensors = MOST_TENSORS,
): readonly Step<Group>[] {
  const grouping = new Grouping(graph, roleOf, mostTensors);
  for (const node of graph.kernels) {
    for (const producer of producersOf(node)) grouping.tryJoin(producer, node);
  }
  for (const readers of grouping.readersOfEach()) {
    for (const other of readers.slice(1)) grouping.tryJoin(readers[0]!, other);
  }
  return grouping.steps();
}

const producersOf = (node: KernelNode): KernelNode[] =>
  listOf(node.inputs).flatMap((value) => (value.node.kind === 'kernel' ? [value.node] : []));

class Grouping {
  private readonly kernels: readonly KernelNode[];
  private readonly index: ReadonlyMap<KernelNode, number>;
  private readonly users: ReadonlyMap<Value, readonly KernelNode[]>;
  private readonly roles: ReadonlyMap<KernelNode, Role | null>;
  /** The nodes that each node is together with, in order. */
  private readonly members = new Map<KernelNode, readonly KernelNode[]>();
  private readonly outputs: ReadonlySet<Value>;

  constructor(
    graph: Graph,
    roleOf: (node: KernelNode) => Role | null,
    private readonly mostTensors: number,
  ) {
    this.kernels = graph.kernels;
    this.index = new Map(this.kernels.map((node, index) => [node, index]));
    this.users = graph.usersOfAll();
    this.outputs = new Set(graph.outputs);
    this.roles = new Map(this.kernels.map((node) => [node, roleOf(node)]));
    for (const node of this.kernels) this.members.set(node, [node]);
  }

  tryJoin(a: KernelNode, b: KernelNode): void {
    if (this.roles.get(a) === null || this.roles.get(b) === null) return;
    const [left, right] = [this.members.get(a)!, this.members.get(b)!];
    if (left === right || left.length + right.length > MOST_NODES) return;
    const joined = this.inOrder([...left, ...right]);
    const {inputs, outputs} = this.borderOf(joined);
    if (inputs.length + outputs.length > this.mostTensors) return;
    if (this.layout(joined) === null || this.isReentered(joined)) return;
    for (const node of joined) this.members.set(node, joined);
  }

  /** For each value that several groups read, a node of each group, where reading it once instead saves something. */
  *readersOfEach(): Iterable<readonly KernelNode[]> {
    for (const [value, users] of this.users) {
      if (value.size > 1) yield users.filter((node) => this.roles.get(node) !== null);
    }
  }

  /** Groups and single nodes in an order in which they can run: the earliest that has all that it takes is next. */
  steps(): readonly Step<Group>[] {
    this.expelViews();
    const steps = this.kernels.flatMap((node): Step<Group>[] => {
      const members = this.members.get(node)!;
      if (members[0] !== node) return [];
      const isFused = members.some((each) => isComputed(this.roles.get(each)));
      return isFused ? [this.groupOf(members)] : members.map((each) => each);
    });
    const stepOf = new Map<KernelNode, Step<Group>>();
    for (const step of steps) for (const node of nodesOf(step)) stepOf.set(node, step);
    const ordered: Step<Group>[] = [];
    const visited = new Set<Step>();
    const visit = (step: Step<Group>): void => {
      if (visited.has(step)) return;
      visited.add(step);
      for (const node of nodesOf(step)) {
        for (const producer of producersOf(node)) visit(stepOf.get(producer)!);
      }
      ordered.push(step);
    };
    for (const node of this.kernels) visit(stepOf.get(node)!);
    return ordered;
  }

  private groupOf(nodes: readonly KernelNode[]): Group {
    const roleOf = (node: KernelNode): Role => this.roles.get(node)!;
    return {nodes, ...this.borderOf(nodes), layout: this.layout(nodes)!, roleOf};
  }

  private layout(nodes: readonly KernelNode[]): Layout | null {
    return layoutOf(nodes, (node) => this.roles.get(node)!);
  }

  private borderOf(nodes: readonly KernelNode[]): Pick<Group, 'inputs' | 'outputs'> {
    return borderOf(nodes, this.outputs, this.users);
  }

  private inOrder(nodes: readonly KernelNode[]): readonly KernelNode[] {
    return [...nodes].sort((a, b) => this.index.get(a)! - this.index.get(b)!);
  }

  /** Whether a path leads from these nodes through others, with their groups, back to them. */
  private isReentered(nodes: readonly KernelNode[]): boolean {
    const inside = new Set(nodes);
    const visited = new Set<KernelNode>();
    const pending: KernelNode[] = [];
    const follow = (node: KernelNode): void => {
      for (const value of node.outputs) {
        for (const user of this.users.get(value) ?? []) if (!inside.has(user)) pending.push(user);
      }
    };
    nodes.forEach(follow);
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      if (visited.has(node)) continue;
      for (const member of this.members.get(node)!) {
        visited.add(member);
        for (const value of member.outputs) {
          for (const user of this.users.get(value) ?? []) {
            if (inside.has(user)) return true;
            pending.push(user);
          }
        }
      }
    }
    return false;
  }

  /** Takes views whose results the group itself does not use out of it, from the end. */
  private expelViews(): void {
    for (const node of [...this.kernels].reverse()) {
      const members = this.members.get(node)!;
      if (this.roles.get(node) !== 'view' || members.length === 1) continue;
      const users = this.users.get(node.outputs[0]!) ?? [];
      if (users.some((user) => members.includes(user))) continue;
      const rest = members.filter((member) => member !== node);
      for (const member of rest) this.members.set(member, rest);
      this.members.set(node, [node]);
    }
  }
}

const isComputed = (role: Role | null | undefined): boolean =>
  role === 'elementwise' || role === 'reduction';

/** The kernel calls of a step. */
export const nodesOf = (step: Step): readonly KernelNode[] =>
  isSegment(step) ? step.nodes : [step];

/** What nodes take from outside, and what is taken of them there. */
export function borderOf(
  nodes: readonly KernelNode[],
  graphOutputs: ReadonlySet<Value>,
  users: ReadonlyMap<Value, readonly KernelNode[]>,
): Pick<Segment, 'inputs' | 'outputs'> {
  const inside = new Set(nodes);
  const inputs = new Set<Value>();
  for (const node of nodes) {
    for (const value of listOf(node.inputs)) {
      if (!inside.has(value.node as KernelNode)) inputs.add(value);
    }
  }
  const isTaken = (value: Value): boolean =>
    graphOutputs.has(value) || (users.get(value) ?? []).some((user) => !inside.has(user));
  const outputs = nodes.flatMap((node) => node.outputs.filter(isTaken));
  return {inputs: [...inputs], outputs};
}
