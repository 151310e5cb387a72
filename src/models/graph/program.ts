import type {Executor, GraphNode} from './nodes.js';

/** The number of a value in its program. */
export type Slot = number;

/**
 * A graph, or a part of it, as steps one after the other. A program inside another (a branch, a loop's body) takes values of the outer one as
 * `captured`, and has them as its own.
 */
export interface Program {
  /** Slots 0 … parameters - 1 are filled by the caller: the inputs of the model, the carry of a loop. */
  readonly parameters: number;
  readonly captured: readonly Captured[];
  readonly steps: readonly Step[];
  readonly outputs: readonly Slot[];
}

export interface Captured {
  /** In the outer program. */
  readonly from: Slot;
  readonly to: Slot;
}

/** Slots for outputs of a node, as far as somebody wants them. */
export type Outputs = Map<number, Slot>;

/** A weight of the model. */
export interface WeightStep {
  readonly kind: 'weight';
  readonly name: string;
  readonly outputs: Outputs;
}

/** Nodes that tfjs runs, one after the other. */
export interface SegmentStep {
  readonly kind: 'segment';
  readonly executor: Pick<Executor, 'execute'>;
  readonly feeds: readonly {readonly name: string; readonly slot: Slot; readonly node: GraphNode}[];
  readonly wanted: readonly {readonly name: string; readonly slot: Slot}[];
}

/** A node of which tfjs runs the op. Such steps are joined to segments when a program is complete. */
export interface NodeStep {
  readonly kind: 'node';
  readonly node: GraphNode;
  readonly inputs: readonly Slot[];
  readonly outputs: Outputs;
}

/** A node that makes, reads or changes a list of tensors. */
export interface ListStep extends Omit<NodeStep, 'kind'> {
  readonly kind: 'list';
}

/** A constant for derivatives. */
export interface StopStep extends Omit<NodeStep, 'kind'> {
  readonly kind: 'stop';
}

/** A call of a function. */
export interface CallStep {
  readonly kind: 'call';
  readonly body: Program;
  readonly outputs: Outputs;
}

export interface CondStep {
  readonly kind: 'cond';
  readonly predicate: Slot;
  readonly whenTrue: Program;
  readonly whenFalse: Program;
  readonly outputs: Outputs;
}

export interface WhileStep {
  readonly kind: 'while';
  readonly node: GraphNode;
  readonly init: readonly Slot[];
  readonly condition: Program;
  readonly body: Program;
  readonly outputs: Outputs;
}

export type ControlStep = CallStep | CondStep | WhileStep;

export type PlacedStep = WeightStep | NodeStep | ListStep | StopStep | ControlStep;

export type Step = WeightStep | SegmentStep | ListStep | StopStep | ControlStep;

/** The programs inside a step. */
function programsOf(step: PlacedStep): readonly Program[] {
  switch (step.kind) {
    case 'call':
      return [step.body];
    case 'cond':
      return [step.whenTrue, step.whenFalse];
    case 'while':
      return [step.condition, step.body];
    default:
      return [];
  }
}

/** The values that a step reads of its own program. */
export function slotsRead(step: PlacedStep): Slot[] {
  const captured = programsOf(step).flatMap((program) => program.captured.map(({from}) => from));
  switch (step.kind) {
    case 'node':
    case 'list':
    case 'stop':
      return [...step.inputs];
    case 'cond':
      return [step.predicate, ...captured];
    case 'while':
      return [...step.init, ...captured];
    default:
      return captured;
  }
}
