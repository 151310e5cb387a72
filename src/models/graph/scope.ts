import {Dataflow, isLoopMerge, predicateOf} from './dataflow.js';
import {
  dataRefs,
  inputRefs,
  isIdentity,
  keyOf,
  reachable,
  returned,
  unsupported,
  type Graph,
  type GraphNode,
  type Ref,
} from './nodes.js';
import {kindOf, refusalOf} from './ops.js';
import type {CondStep, Outputs, PlacedStep, Program, Slot, Step} from './program.js';
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
  parameter(...refs: Ref[]): void {
    this.parameters++;
    const slot = this.newSlot();
    for (const ref of refs) this.bound.set(keyOf(ref), slot);
  }

  /** Binds an output of a node to a value of the outer scope. */
  lend(ref: Ref, from: Slot): void {
    this.lent.set(keyOf(ref), from);
  }

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
    const {frame: name} = this.flow.exited(exit);
    const {variables, condition} = this.flow.frame(name);
    const inFrame = (parameters: readonly (Slot | null)[]): Scope => {
      const scope = new Scope(this.shared, this.flow, this, ({node}) =>
        this.flow.isInFrame(node, name),
      );
      variables.forEach(({merge}, place) => {
        const lent = parameters[place];
        if (lent == null) scope.parameter({node: merge, index: 0});
        else scope.lend({node: merge, index: 0}, lent);
      });
      return scope;
    };
    const slots = this.loop(
      exit,
      variables.map(({init}) => this.slotOf(init)),
      (given) => {
        const scope = inFrame(given);
        return {scope, outputs: [scope.slotOf(condition)]};
      },
      (given) => {
        const scope = inFrame(given);
        return {scope, outputs: variables.map(({next}) => scope.slotOf(next))};
      },
    );
    for (const node of this.flow.exitsOf(name)) {
      const {merge} = this.flow.exited(node);
      this.bind(
        {node, index: 0},
        slots[variables.findIndex((variable) => variable.merge === merge)]!,
      );
    }
  }

  private placeLoop(node: GraphNode): void {
    const inFunction =
      (attribute: string): MakeRound =>
      (given) => {
        const {scope, graph} = this.functionScope(node, attribute);
        graph.inputs.forEach((input, place) => {
          const lent = given[place];
          if (lent == null) scope.parameter({node: input, index: 0});
          else scope.lend({node: input, index: 0}, lent);
        });
        return {scope, outputs: returned(graph).map((ref) => scope.slotOf(ref))};
      };
    const init = this.argumentsOf(node, 'body', dataRefs(node));
    const slots = this.loop(node, init, inFunction('cond'), inFunction('body'));
    slots.forEach((slot, index) => this.bind({node, index}, slot));
  }

  /**
   * A loop whose rounds are given as scopes.
   * @returns  a slot for each variable, after the last round. Variables that stay what they are take part from outside: they are the same for
   *   all examples of a vmap, and cost nothing
   */
  private loop(
    node: GraphNode,
    init: readonly Slot[],
    condition: MakeRound,
    body: MakeRound,
  ): Slot[] {
    const probe = body(init.map(() => null));
    const staying = init.map((slot, place) => (probe.outputs[place] === place ? slot : null));
    const changing = init.flatMap((_, place) => (staying[place] === null ? [place] : []));
    const rounds = {
      condition: condition(staying),
      body: changing.length < init.length ? body(staying) : probe,
    };
    const step: PlacedStep = {
      kind: 'while',
      node,
      init: changing.map((place) => init[place]!),
      condition: rounds.condition.scope.finish(rounds.condition.outputs),
      body: rounds.body.scope.finish(changing.map((place) => rounds.body.outputs[place]!)),
      outputs: new Map(changing.map((_, index) => [index, this.newSlot()])),
    };
    this.placed.push(step);
    return init.map((slot, place) => step.outputs.get(changing.indexOf(place)) ?? slot);
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
    const flow = new Dataflow(
      reachable(returned(graph), () => false),
      this.shared.caller,
    );
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

/** A part of a loop under way: its scope, and what it gives. */
interface Round {
  readonly scope: Scope;
  readonly outputs: Slot[];
}

/** Makes it with variables as parameters (null), or as values from outside. */
type MakeRound = (given: readonly (Slot | null)[]) => Round;
