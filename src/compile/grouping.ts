import {Space, type Layout, type Role} from './layout.js';
import {listOf, type Graph, type KernelNode, type Value} from './graph.js';
import {TopologicalOrder} from './topologicalOrder.js';

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
 * - the group has a common iteration space (see `Space`), and
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

/** Nodes that are together so far. */
interface Members {
  readonly nodes: KernelNode[];
  border: Border;
  /** Null for a node that no group can have. */
  space: Space | null;
}

/** What nodes have in common with others. */
interface Border {
  /** What they take from outside, and how many of them take it. */
  readonly inputs: ReadonlyMap<Value, number>;
  /** What is taken of them outside, and by how many: other nodes, and the graph itself. */
  readonly outputs: ReadonlyMap<Value, number>;
}

class Grouping {
  private readonly kernels: readonly KernelNode[];
  private readonly users: ReadonlyMap<Value, readonly KernelNode[]>;
  private readonly roles: ReadonlyMap<KernelNode, Role | null>;
  /** The nodes that each node is together with. */
  private readonly members = new Map<KernelNode, Members>();
  private readonly order: TopologicalOrder<Members>;
  private readonly outputs: ReadonlySet<Value>;

  constructor(
    graph: Graph,
    roleOf: (node: KernelNode) => Role | null,
    private readonly mostTensors: number,
  ) {
    this.kernels = graph.kernels;
    this.users = graph.usersOfAll();
    this.outputs = new Set(graph.outputs);
    this.roles = new Map(this.kernels.map((node) => [node, roleOf(node)]));
    for (const node of this.kernels) this.members.set(node, this.alone(node));
    this.order = new TopologicalOrder([...this.members.values()], {
      before: ({border}, visit) => {
        for (const {node} of border.inputs.keys()) {
          if (node.kind === 'kernel') visit(this.members.get(node)!);
        }
      },
      after: ({border}, visit) => {
        for (const value of border.outputs.keys()) {
          for (const user of this.users.get(value) ?? []) visit(this.members.get(user)!);
        }
      },
    });
  }

  tryJoin(a: KernelNode, b: KernelNode): void {
    const [left, right] = [this.members.get(a)!, this.members.get(b)!];
    if (left === right || left.space === null || right.space === null) return;
    if (left.nodes.length + right.nodes.length > MOST_NODES) return;
    const border = joined(left.border, right.border);
    if (border.inputs.size + border.outputs.size > this.mostTensors) return;
    const shared = sharedValues(left.border, right.border);
    const reductions = shared.filter(
      (value) =>
        (left.border.outputs.has(value) || right.border.outputs.has(value)) &&
        this.roles.get(value.node as KernelNode) === 'reduction',
    );
    const join = left.space.join(right.space, shared, reductions);
    if (join === null) return;
    const [kept, moved] = left.nodes.length < right.nodes.length ? [right, left] : [left, right];
    if (!this.order.join(left, right, kept)) return;
    kept.space = join();
    kept.border = border;
    for (const node of moved.nodes) {
      kept.nodes.push(node);
      this.members.set(node, kept);
    }
  }

  /** For each value that several groups read, a node of each group, where reading it once instead saves something. */
  *readersOfEach(): Iterable<readonly KernelNode[]> {
    for (const [value, users] of this.users) {
      if (value.size === 1) continue;
      const groups = new Map(users.map((node) => [this.members.get(node)!, node]));
      yield [...groups.values()].filter((node) => this.roles.get(node) !== null);
    }
  }

  /** Groups and single nodes in an order in which they can run: the earliest that has all that it takes is next. */
  steps(): readonly Step<Group>[] {
    this.expelViews();
    const nodesOfMembers = new Map<Members, KernelNode[]>();
    for (const node of this.kernels) {
      const members = this.members.get(node)!;
      const nodes = nodesOfMembers.get(members);
      if (nodes === undefined) nodesOfMembers.set(members, [node]);
      else nodes.push(node);
    }
    const steps = [...nodesOfMembers].flatMap(([{space}, nodes]): Step<Group>[] => {
      const isFused = nodes.some((each) => isComputed(this.roles.get(each)));
      return isFused && space !== null ? [this.groupOf(nodes, space)] : nodes;
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

  private groupOf(nodes: readonly KernelNode[], space: Space): Group {
    const roleOf = (node: KernelNode): Role => this.roles.get(node)!;
    const border = borderOf(nodes, this.outputs, this.users);
    return {nodes, ...border, layout: space.layout(nodes, roleOf), roleOf};
  }

  /** A node by itself. */
  private alone(node: KernelNode): Members {
    const role = this.roles.get(node)!;
    const inputs = new Map(listOf(node.inputs).map((value) => [value, 1]));
    const outputs = new Map<Value, number>();
    for (const value of node.outputs) {
      const uses = (this.users.get(value) ?? []).length + (this.outputs.has(value) ? 1 : 0);
      if (uses > 0) outputs.set(value, uses);
    }
    return {
      nodes: [node],
      border: {inputs, outputs},
      space: role === null ? null : Space.of(node, role),
    };
  }

  /** Takes views whose results the group itself does not use out of it, from the end. */
  private expelViews(): void {
    for (const node of [...this.kernels].reverse()) {
      const members = this.members.get(node)!;
      if (this.roles.get(node) !== 'view' || members.nodes.length === 1) continue;
      const users = this.users.get(node.outputs[0]!) ?? [];
      if (users.some((user) => this.members.get(user) === members)) continue;
      this.members.set(node, this.alone(node));
    }
  }
}

/** The border of both together. */
function joined(a: Border, b: Border): Border {
  const inputs = new Map<Value, number>();
  const outputs = new Map<Value, number>();
  for (const [mine, others] of [
    [a, b],
    [b, a],
  ] as const) {
    for (const [value, takers] of mine.inputs) {
      if (!others.outputs.has(value)) inputs.set(value, takers + (inputs.get(value) ?? 0));
    }
    for (const [value, takers] of mine.outputs) {
      const outside = takers - (others.inputs.get(value) ?? 0);
      if (outside > 0) outputs.set(value, outside);
    }
  }
  return {inputs, outputs};
}

/** What both have. */
const sharedValues = (a: Border, b: Border): Value[] => [
  ...[...a.inputs.keys()].filter((value) => b.inputs.has(value) || b.outputs.has(value)),
  ...[...a.outputs.keys()].filter((value) => b.inputs.has(value)),
];

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
