import {Dataflow, isLoopMerge, predicateOf} from './dataflow.js';
import {
  dataRefs,
  inputRefs,
  isIdentity,
  keyOf,
  returned,
  unsupported,
  type Graph,
  type GraphNode,
  type Ref,
} from './nodes.js';
import {kindOf, refusalOf} from './ops.js';
import type {CondStep, Outputs, PlacedStep, Program, Slot, Step} from './program.js';
import {planLoop, type MakeRound, type Variables} from './rounds.js';
import {joinSegments, type ExecutorClass} from './segments.js';

/** What all scopes of a model share. */
export interface Compilation {
  readonly functions: Readonly<Record<string, Graph>>;
  readonly weights: ReadonlySet<string>;
  readonly makeExecutor: ExecutorClass;
  readonly caller: string;
}

/** Which nodes of a graph a scope runs; others are computed outside, and captured. */
type Owns = (ref: Ref) => boolean;

/**
 * Makes a program of a graph, or of the part of it that is a branch or a round of a loop: whatever is wanted, and what that takes, in an order in
 * which it can run.
 */
export class Scope {
  private readonly placed: PlacedStep[] = [];
  private readonly bound = new Map<string, Slot>();
  /** Inputs of a function: values outside, captured when they are wanted. */
  private readonly lent = new Map<string, Slot>();
  private readonly captured = new Map<Slot, Slot>();
  private readonly outputsOf = new Map<GraphNode, Outputs>();
  private slots = 0;
  private parameters = 0;

  constructor(
    private readonly shared: Compilation,
    private readonly flow: Dataflow,
    private readonly outer: Scope | null,
    private readonly owns: Owns = () => true,
  ) {}

  /** Binds an output of a node to a value that the caller gives. To be called before anything is placed. */
  parameter(ref: Ref): void {
    this.parameters++;
    this.bind(ref, this.newSlot());
  }

  /** Binds an output of a node to a value of the outer scope. */
  lend(ref: Ref, from: Slot): void {
    this.lent.set(keyOf(ref), from);
  }

  /** Binds an output of a variable of a loop: to a value outside, or, where there is none, to a parameter. */
  private bindVariable(ref: Ref, outside: Slot | null | undefined): void {
    if (outside === null) this.parameter(ref);
    else if (outside !== undefined) this.lend(ref, outside);
  }

  /** The parameters that something placed here reads. */
  readonly parametersRead = new Set<Slot>();

  finish(outputs: readonly Slot[]): Program {
    const steps: Step[] = joinSegments(this.placed, outputs, this.shared.makeExecutor);
    const captured = [...this.captured].map(([from, to]) => ({from, to}));
    return {parameters: this.parameters, captured, steps, outputs};
  }

  /** The slot of an output of a node. Places all that it takes. */
  slotOf(wanted: Ref): Slot {
    const pending = [wanted];
    const opened = new Set<string>();
    while (pending.length > 0) {
      const ref = pending.at(-1)!;
      const key = keyOf(ref);
      const missing =
        this.find(ref) !== undefined || opened.has(key)
          ? []
          : this.needs(ref).filter((input) => this.find(input) === undefined);
      opened.add(key);
      if (missing.length > 0) {
        pending.push(...missing.reverse());
        continue;
      }
      pending.pop();
      if (this.find(ref) === undefined) this.place(ref);
    }
    return this.find(wanted)!;
  }

  private newSlot(): Slot {
    return this.slots++;
  }

  private find(ref: Ref): Slot | undefined {
    const slot = this.bound.get(keyOf(ref));
    const outputs = this.outputsOf.get(ref.node);
    if (slot !== undefined && slot < this.parameters) this.parametersRead.add(slot);
    if (slot !== undefined || outputs === undefined) return slot;
    // Another output of a node that has its place.
    if (!outputs.has(ref.index)) outputs.set(ref.index, this.newSlot());
    return outputs.get(ref.index);
  }

  private capture(from: Slot): Slot {
    const known = this.captured.get(from);
    if (known !== undefined) return known;
    const to = this.newSlot();
    this.captured.set(from, to);
    return to;
  }

  /** What has to be placed before a node is. What branches and loops take they fetch themselves. */
  private needs(ref: Ref): Ref[] {
    const {node} = ref;
    if (this.lent.has(keyOf(ref)) || this.isWeight(node) || !this.owns(ref)) return [];
    if (node.op === 'Merge' || node.op === 'Exit' || node.op === 'Enter') return [];
    if (kindOf(node) === 'loop') return [];
    if (node.op === 'Switch') return inputRefs(node).slice(0, 1);
    return isIdentity(node) ? [this.passedOn(ref)] : dataRefs(node);
  }

  private isWeight(node: GraphNode): boolean {
    return node.op === 'Const' && this.shared.weights.has(node.name);
  }

  private passedOn({node, index}: Ref): Ref {
    return inputRefs(node)[node.op === 'IdentityN' ? index : 0]!;
  }

  private place(ref: Ref): void {
    const {node} = ref;
    const lent = this.lent.get(keyOf(ref));
    if (lent !== undefined) this.bind(ref, this.capture(lent));
    else if (this.isWeight(node)) this.bind(ref, this.weight(node.name));
    else if (!this.owns(ref)) this.bind(ref, this.capture(this.outer!.slotOf(ref)));
    else if (isIdentity(node)) this.bind(ref, this.slotOf(this.passedOn(ref)));
    else this.placeNode(ref);
  }

  private placeNode(ref: Ref): void {
    const {node} = ref;
    const kind = kindOf(node);
    switch (kind) {
      case 'dataflow':
        return this.placeDataflow(ref);
      case 'conditional':
        return this.placeConditional(node);
      case 'loop':
        return this.placeLoop(node);
      case 'call':
        return this.placeCall(node);
      case 'refused':
        throw this.refuse(node, refusalOf(node)!);
      case 'plain':
        return this.put(node, {kind: 'node', ...this.read(node)});
      default:
        return this.put(node, {kind, ...this.read(node)});
    }
  }

  private placeDataflow(ref: Ref): void {
    const {node} = ref;
    switch (node.op) {
      case 'Switch':
        return this.bind(ref, this.passing(ref));
      case 'Enter':
        return this.bind(ref, this.entering(node));
      case 'Merge':
        return this.placeCond(ref);
      case 'Exit':
        return this.placeFrame(node);
      default:
        throw this.refuse(node, 'is part of no loop of the usual form.');
    }
  }

  private refuse(node: GraphNode, why: string): Error {
    return unsupported(node, why, this.shared.caller);
  }

  private bind(ref: Ref, slot: Slot): void {
    this.bound.set(keyOf(ref), slot);
  }

  /** A weight is fetched once, in the outermost program. */
  weight(name: string): Slot {
    if (this.outer !== null) return this.capture(this.outer.weight(name));
    const key = `${name}:weight`;
    let slot = this.bound.get(key);
    if (slot === undefined) {
      slot = this.newSlot();
      this.bound.set(key, slot);
      this.placed.push({kind: 'weight', name, outputs: new Map([[0, slot]])});
    }
    return slot;
  }

  /** What a node takes. */
  private read(node: GraphNode): {node: GraphNode; inputs: Slot[]; outputs: Outputs} {
    if (node.op.startsWith('Placeholder') && node.inputs.length === 0) {
      throw this.refuse(node, 'is an input that is not given.');
    }
    return {node, inputs: dataRefs(node).map((ref) => this.slotOf(ref)), outputs: new Map()};
  }

  private put(node: GraphNode, step: PlacedStep): void {
    this.outputsOf.set(node, step.outputs);
    this.placed.push(step);
  }

  /** A Switch lets through what it gets, in the branch that it leads to. */
  private passing(ref: Ref): Slot {
    const predicate = predicateOf(ref.node);
    const [data] = inputRefs(ref.node);
    if (predicate === null && !isLoopMerge(data!.node)) {
      throw this.refuse(ref.node, 'lets something else into a round of a loop than a variable.');
    }
    const assumed = predicate === null ? 1 : this.assumed(keyOf(predicate));
    if (assumed !== ref.index) {
      throw this.refuse(
        ref.node,
        'leads to a branch that may not run, and no Merge joins it with the other.',
      );
    }
    return this.slotOf(data!);
  }

  private readonly assumptions = new Map<string, number>();

  private assumed(predicate: string): number | undefined {
    const around = this.outer?.flow === this.flow ? this.outer : null;
    return this.assumptions.get(predicate) ?? around?.assumed(predicate);
  }

  /** What enters a loop and stays the same in all of its rounds. */
  private entering(node: GraphNode): Slot {
    if (this.outer === null) throw this.refuse(node, 'enters a loop that nothing leaves.');
    return this.capture(this.outer.slotOf(inputRefs(node)[0]!));
  }

  /** A cond of Switches and Merges. */
  private placeCond(ref: Ref): void {
    if (isLoopMerge(ref.node) || ref.index !== 0) {
      throw this.refuse(ref.node, 'is wanted outside of its loop, or by the number of its input.');
    }
    const merges = this.flow.alike(ref.node);
    const decisions = merges.map((merge) => this.flow.decisionOf(merge));
    const {predicate} = decisions[0]!;
    if (this.flow.shareDraws(merges, predicate)) {
      throw this.refuse(
        ref.node,
        'joins branches that draw random numbers for several results, of which one is needed before another.',
      );
    }
    const branch = (value: number): Program => {
      const scope = new Scope(
        this.shared,
        this.flow,
        this,
        (inner) => this.flow.guardsOf(inner).get(predicate) === value,
      );
      scope.assumptions.set(predicate, value);
      return scope.finish(
        decisions.map(({whenTrue, whenFalse}) => scope.slotOf(value === 1 ? whenTrue : whenFalse)),
      );
    };
    const step: CondStep = {
      kind: 'cond',
      predicate: this.slotOf(this.flow.refOf(predicate)),
      whenTrue: branch(1),
      whenFalse: branch(0),
      outputs: new Map(merges.map((_, place) => [place, this.newSlot()])),
    };
    merges.forEach((node, place) => this.bind({node, index: 0}, step.outputs.get(place)!));
    this.placed.push(step);
  }

  /** A loop of a frame. */
  private placeFrame(exit: GraphNode): void {
    const {flow} = this;
    const {frame: name} = flow.exited(exit);
    const {variables, condition} = flow.frame(name);
    const inFrame =
      (outputs: readonly Ref[]): MakeRound =>
      (given) => {
        const scope = new Scope(this.shared, flow, this, ({node}) => flow.isInFrame(node, name));
        for (const [index, outside] of given) {
          scope.bindVariable({node: variables[index]!.merge, index: 0}, outside);
        }
        return {scope, output: (index) => scope.slotOf(outputs[index]!)};
      };
    const exits = flow.exitsOf(name).map((node) => {
      const {merge} = flow.exited(node);
      return {node, index: variables.findIndex((variable) => variable.merge === merge)};
    });
    const slots = this.placeRounds(
      exit,
      {
        count: variables.length,
        isWanted: (index) =>
          exits.some((left) => left.index === index && flow.isRead({...left, index: 0})),
        init: (index) => this.slotOf(variables[index]!.init),
      },
      inFrame([condition]),
      inFrame(variables.map(({next}) => next)),
    );
    for (const {node, index} of exits) {
      const slot = slots.get(index);
      if (slot !== undefined) this.bind({node, index: 0}, slot);
    }
  }

  private placeLoop(node: GraphNode): void {
    const inFunction =
      (attribute: string): MakeRound =>
      (given) => {
        const {scope, graph} = this.functionScope(node, attribute);
        const outputs = returned(graph);
        for (const [index, outside] of given) {
          scope.bindVariable({node: graph.inputs[index]!, index: 0}, outside);
        }
        return {scope, output: (index) => scope.slotOf(outputs[index]!)};
      };
    const init = dataRefs(node);
    const slots = this.placeRounds(
      node,
      {
        count: this.functionOf(node, 'body').inputs.length,
        isWanted: (index) => this.flow.isRead({node, index}),
        init: (index) => this.slotOf(init[index]!),
      },
      inFunction('cond'),
      inFunction('body'),
    );
    for (const [index, slot] of slots) this.bind({node, index}, slot);
  }

  /** @returns  what the variables that take part are after the last round */
  private placeRounds(
    node: GraphNode,
    variables: Variables,
    makeCondition: MakeRound,
    makeBody: MakeRound,
  ): Map<number, Slot> {
    const {changing, staying, condition, body} = planLoop(variables, makeCondition, makeBody);
    const outputs = changing.map(() => this.newSlot());
    this.placed.push({
      kind: 'while',
      node,
      init: changing.map((index) => variables.init(index)),
      condition,
      body,
      outputs: new Map(outputs.entries()),
    });
    return new Map([...staying, ...changing.map((index, k) => [index, outputs[k]!] as const)]);
  }

  private placeConditional(node: GraphNode): void {
    const [predicate, ...refs] = dataRefs(node);
    const branch = (attribute: string): Program =>
      this.called(node, attribute, this.argumentsOf(node, attribute, refs));
    this.put(node, {
      kind: 'cond',
      predicate: this.slotOf(predicate!),
      whenTrue: branch('then_branch'),
      whenFalse: branch('else_branch'),
      outputs: new Map(),
    });
  }

  private placeCall(node: GraphNode): void {
    const body = this.called(node, 'f', this.argumentsOf(node, 'f', inputRefs(node)));
    this.put(node, {kind: 'call', body, outputs: new Map()});
  }

  /** The values that a function is called with, without what only has to run before. */
  private argumentsOf(node: GraphNode, attribute: string, refs: readonly Ref[]): Slot[] {
    const {inputs} = this.functionOf(node, attribute);
    return refs.slice(0, inputs.length).map((ref) => this.slotOf(ref));
  }

  private called(node: GraphNode, attribute: string, args: readonly Slot[]): Program {
    const {scope, graph} = this.functionScope(node, attribute);
    graph.inputs.forEach((input, place) => scope.lend({node: input, index: 0}, args[place]!));
    return scope.finish(returned(graph).map((ref) => scope.slotOf(ref)));
  }

  private functionScope(node: GraphNode, attribute: string): {scope: Scope; graph: Graph} {
    const graph = this.functionOf(node, attribute);
    const flow = new Dataflow(returned(graph), () => false, this.shared.caller);
    return {scope: new Scope(this.shared, flow, this), graph};
  }

  /** The function that an attribute names. */
  private functionOf(node: GraphNode, attribute: string): Graph {
    const name = node.rawAttrs?.[attribute]?.func?.name ?? '';
    const graph = this.shared.functions[name];
    if (graph !== undefined) return graph;
    throw this.refuse(node, `calls the function '${name}', which the model does not have.`);
  }
}
