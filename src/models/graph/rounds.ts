import type {Scope} from './scope.js';
import type {Program, Slot} from './program.js';

/** A part of a loop's round under way: what the variables are next, or the condition. */
export interface Round {
  readonly scope: Scope;
  /** Places what an output takes. */
  output(index: number): Slot;
}

/** Makes it: variables that are lent are values from outside, those that are null change, others do not take part. */
export type MakeRound = (given: ReadonlyMap<number, Slot | null>) => Round;

export interface Variables {
  readonly count: number;
  /** Whether somebody reads what a variable is after the last round. */
  isWanted(index: number): boolean;
  /** Where a variable begins. */
  init(index: number): Slot;
}

export interface PlannedLoop {
  /** The variables that change, in the order of the parameters of both programs. */
  readonly changing: readonly number[];
  /** Those that stay what they are, with their values outside. */
  readonly staying: ReadonlyMap<number, Slot>;
  readonly condition: Program;
  readonly body: Program;
}

/**
 * Finds out which variables of a loop take part: those that are wanted, and those that these or the condition depend on. Of them, those that stay
 * what they are take part from outside: they are the same for all examples of a vmap, and cost nothing.
 */
export function planLoop(
  {count, isWanted, init}: Variables,
  makeCondition: MakeRound,
  makeBody: MakeRound,
): PlannedLoop {
  const all = Array.from({length: count}, (_, index) => index);
  const asParameters = new Map(all.map((index) => [index, null]));
  const condition = makeCondition(asParameters);
  const body = makeBody(asParameters);
  condition.output(0);
  const needed = new Set([...all.filter(isWanted), ...condition.scope.parametersRead]);
  const next = new Map<number, Slot>();
  for (const index of needed) {
    next.set(index, body.output(index));
    for (const read of body.scope.parametersRead) needed.add(read);
  }
  const given = new Map(
    [...needed].map((index) => [index, next.get(index) === index ? init(index) : null] as const),
  );
  const changing = [...given].flatMap(([index, outside]) => (outside === null ? [index] : []));
  const finished = ({scope, output}: Round, outputs: readonly number[]): Program =>
    scope.finish(outputs.map(output));
  return {
    changing,
    staying: new Map([...given].flatMap(([index, slot]) => (slot === null ? [] : [[index, slot]]))),
    condition: finished(makeCondition(given), [0]),
    body: finished(makeBody(given), changing),
  };
}
