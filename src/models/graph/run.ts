import {Tensor, type NamedTensorMap} from '@tensorflow/tfjs-core';
import {TransformError} from '../../errors.js';
import {cond} from '../../control/cond.js';
import {iterate} from '../../control/iterate.js';
import {zeros} from '../../rules/ops.js';
import {stopGradient} from '../../transforms/stopGradient.js';
import {leavesOf, mapLeaves, structureMismatch} from '../../tree.js';
import {runListOp, TensorList, type Value} from './lists.js';
import {unsupported, type GraphNode} from './nodes.js';
import type {CondStep, Program, SegmentStep, Slot, Step, WhileStep} from './program.js';

/** What a program takes from the model. */
export interface Environment {
  readonly weights: Readonly<Record<string, readonly Tensor[]>>;
  readonly caller: string;
}

/** A value as a tree of tensors: a list as an array, with null for what was never set. */
type Packed = Tensor | (Tensor | null)[];

const pack = (values: readonly Value[]): Packed[] =>
  values.map((value) => (value instanceof TensorList ? [...value.elements] : value));

/** The values of which these are the trees; `like` says what the lists are lists of. */
const unpack = (packed: readonly Packed[], like: readonly Value[]): Value[] =>
  packed.map((tree, place) =>
    tree instanceof Tensor ? tree : (like[place] as TensorList).withElements(tree),
  );

/** Runs a program. @returns  its outputs; what it computes besides is left to the scope that is open */
export function runProgram(
  program: Program,
  parameters: readonly Value[],
  captured: readonly Value[],
  environment: Environment,
): Value[] {
  const {caller, weights} = environment;
  const values = new Map<Slot, Value>(parameters.map((value, slot) => [slot, value]));
  program.captured.forEach(({to}, place) => values.set(to, captured[place]!));
  const at = (slot: Slot): Value => values.get(slot)!;
  const capturedBy = (inner: Program): Value[] => inner.captured.map(({from}) => at(from));
  const tensorAt = (slot: Slot, node: GraphNode): Tensor => {
    const value = at(slot);
    if (value instanceof Tensor) return value;
    throw unsupported(node, 'takes a list of tensors, which only list ops do.', caller);
  };

  for (const step of program.steps) {
    if (step.kind === 'segment') {
      runSegment(step);
      continue;
    }
    const given = outputsOf(step);
    for (const [index, slot] of step.outputs) values.set(slot, given[index]!);
  }
  return program.outputs.map(at);

  function runSegment({executor, feeds, wanted}: SegmentStep): void {
    const inputs: NamedTensorMap = {};
    for (const {name, slot, node} of feeds) inputs[name] = tensorAt(slot, node);
    const results = executor.execute(
      inputs,
      wanted.map(({name}) => name),
    );
    wanted.forEach(({slot}, place) => values.set(slot, results[place]!));
  }

  function outputsOf(step: Exclude<Step, SegmentStep>): Readonly<Record<number, Value>> {
    switch (step.kind) {
      case 'weight':
        return weights[step.name]!;
      case 'stop':
        return [stopGradient(tensorAt(step.inputs[0]!, step.node))];
      case 'list':
        return runListOp(step.node, step.inputs.map(at), caller);
      case 'call':
        return runProgram(step.body, [], capturedBy(step.body), environment);
      case 'cond':
        return runCond(step);
      case 'while':
        return runWhile(step);
    }
  }

  /** What the branches compute with they get as operands, which protects it from the branch that an example does not want. */
  function runCond({predicate, whenTrue, whenFalse}: CondStep): Value[] {
    let like: Value[] = [];
    const branch = (body: Program): {call: (packed: Packed[]) => Packed[]; operands: Packed[]} => {
      const operands = capturedBy(body);
      const call = (packed: Packed[]): Packed[] => {
        like = runProgram(body, [], unpack(packed, operands), environment);
        return pack(like);
      };
      return {call, operands: pack(operands)};
    };
    const [yes, no] = [branch(whenTrue), branch(whenFalse)];
    const chosen = cond(
      at(predicate) as Tensor,
      (operands: Packed[]) => yes.call(operands),
      (_: Packed[], operands: Packed[]) => no.call(operands),
      yes.operands,
      no.operands,
    );
    return unpack(chosen, like);
  }

  function runWhile({node, init, condition, body}: WhileStep): Value[] {
    let like = init.map(at);
    const outside = {condition: capturedBy(condition), body: capturedBy(body)};
    const loop = (): Packed[] =>
      iterate<Packed[]>(
        {
          transform: caller,
          condition: (carry) =>
            runProgram(condition, unpack(carry, like), outside.condition, environment)[0] as Tensor,
          body: (carry, _iteration, fixed) => {
            const constants = unpack(fixed as Packed[], outside.body);
            like = runProgram(body, unpack(carry, like), constants, environment);
            return pack(like);
          },
          fixed: pack(outside.body),
          completed: withUnset,
        },
        pack(like),
      );
    try {
      return unpack(loop(), like);
    } catch (error) {
      if (!(error instanceof TransformError) || error.code !== 'tree-mismatch') throw error;
      throw unsupported(
        node,
        `runs more rounds for some examples of a vmap than for others, and what it hands from round to round changes its shape on the way, as a ` +
          `list that grows does (${error.message}).`,
        caller,
      );
    }
  }
}

/** The carry with zeros where an element was never set that the next round has. */
function withUnset(carry: Packed[], next: Packed[]): Packed[] {
  if (structureMismatch(carry, next) !== null) return carry;
  const given = leavesOf(next);
  return mapLeaves(carry, (leaf, index) => {
    const other = given[index];
    return leaf === null && other instanceof Tensor ? zeros(other.shape, other.dtype) : leaf;
  }) as Packed[];
}
