import * as tf from '@tensorflow/tfjs-core';
import {distance} from './compare.js';
import {
  distribution,
  type Distribution,
  type Effort,
  footprint,
  type Footprint,
  interleave,
  ratio,
  sampler,
  type Sampler,
  type Samples,
  type Within,
} from './measure.js';
import type {Goal, Library, Part, Program, Row} from './rows/row.js';
import {jaxPrograms, type Jax} from './jaxJs.js';
import type {StockTfjs} from './stock.js';

/** The library, and what it is measured against. */
export type Side = 'ours' | 'loop' | 'byHand' | 'jaxJs' | 'jaxJsJit';

export interface Timing extends Footprint {
  readonly label: string;
  readonly milliseconds: Distribution;
  /** What was run, if not all: the time is scaled, kernels and memory are not. */
  readonly part?: Part;
}

/** A program that can't be run on the backend, or gives something else there. */
export interface NotAvailable {
  readonly label: string;
  readonly reason: string;
}

export interface Result {
  readonly backend: string;
  readonly id: string;
  readonly title: string;
  readonly detail: string;
  readonly sides: Partial<Record<Side, Timing | NotAvailable>>;
  /** How many times as fast as the loop. */
  readonly loopOverOurs?: Distribution;
  /** How many times as long as by hand. */
  readonly oursOverHand?: Distribution;
  /** How many times as fast as jax-js's jit. */
  readonly jaxOverOurs?: Distribution;
  readonly goal?: Goal;
}

/** Where the rows are run: the library under test, and a way to run code without it. */
export interface Arena {
  readonly backend: string;
  readonly library: Library;
  readonly stock: StockTfjs;
  /** Where it runs on the same processor as the backend. */
  readonly jax?: Jax;
}

/** Relative to the largest element: float32 sums of some thousand terms in another order. */
const tolerance = 1e-4;

/** A program together with the registries that it is to run with. */
interface Entrant {
  readonly side: Side;
  readonly program: Program;
  readonly within: Within;
}

/** Whether it is somebody else's, whose faults are noted and no reason to stop. */
const isForeign = (side: Side): boolean => side === 'jaxJs' || side === 'jaxJsJit';

/**
 * Checks that all sides of a row give the same numbers, then times them.
 * @throws if they do not: the time of a wrong result means nothing. What jax-js has wrong is not timed either.
 */
export async function contest(
  row: Row,
  {backend, library, stock, jax}: Arena,
  effort: Effort,
): Promise<Result> {
  tf.engine().startScope(row.id);
  try {
    const {ours, loop, byHand, jaxJs} = row.prepare(library, backend);
    const others = jax && jaxJs && jaxPrograms(jax, jaxJs);
    const asItIs: Within = (body) => body();
    const registries = ({usesLibrary = false}: Program): Within =>
      usesLibrary ? asItIs : (body) => stock.during(body);
    const entrants: Entrant[] = [
      {side: 'byHand', program: byHand, within: registries(byHand)},
      {side: 'ours', program: ours, within: asItIs},
      ...(loop ? [{side: 'loop', program: loop, within: registries(loop)} as const] : []),
      ...(others
        ? ([
            {side: 'jaxJs', program: others.eager, within: asItIs},
            {side: 'jaxJsJit', program: others.jit, within: asItIs},
          ] as const)
        : []),
    ];
    const reasons = new Map<Entrant, string>();
    for (const entrant of entrants) {
      const reason = whyNotRun(entrant) ?? (await whyWrong(entrant, entrants[0]));
      if (reason !== undefined) reasons.set(entrant, reason);
    }
    const able = entrants.filter((entrant) => !reasons.has(entrant));
    const samples = await sample(able, effort);
    const sides: Result['sides'] = {};
    for (const entrant of entrants) {
      const {side, program, within} = entrant;
      const reason = reasons.get(entrant);
      sides[side] =
        reason === undefined
          ? {
              label: program.label,
              part: program.part,
              milliseconds: distribution(samples.get(side)!),
              ...(await footprint(program.run, within)),
            }
          : {label: program.label, reason};
    }
    return {
      backend,
      id: row.id,
      title: row.title,
      detail: row.detail,
      sides,
      loopOverOurs: ratioOf(samples, 'loop', 'ours'),
      oursOverHand: ratioOf(samples, 'ours', 'byHand'),
      jaxOverOurs: ratioOf(samples, 'jaxJsJit', 'ours'),
      goal: row.goals?.[backend],
    };
  } finally {
    tf.engine().endScope();
  }
}

/** Why a program can't run: stock tfjs lacks a kernel, or jax-js fails. All other errors are faults and come through. */
function whyNotRun({side, program, within}: Entrant): string | undefined {
  try {
    within(() => tf.tidy(() => void program.run()));
    return undefined;
  } catch (error) {
    const kernel =
      side !== 'ours' &&
      error instanceof Error &&
      /Kernel '(\w+)' not registered/.exec(error.message)?.[1];
    if (kernel) return `stock tfjs lacks ${kernel}`;
    if (isForeign(side)) return `fails: ${String(error)}`;
    throw error;
  }
}

async function whyWrong(other: Entrant, first: Entrant): Promise<string | undefined> {
  if (other === first) return undefined;
  const {part} = other.program;
  const [expected, actual] = tf.tidy(() => {
    const [whole, actual] = [first, other].map(({program, within}) =>
      within(program.result ?? program.run),
    );
    return [part ? tf.slice(whole as tf.Tensor, 0, part.done) : whole, actual];
  });
  const error = await distance(actual, expected);
  tf.dispose([expected, actual]);
  if (error <= tolerance) return undefined;
  const reason = `off by ${error.toExponential(1)} of the largest element`;
  if (isForeign(other.side)) return reason;
  throw new Error(`'${other.program.label}' is ${reason} of '${first.program.label}'.`);
}

async function sample(entrants: readonly Entrant[], effort: Effort): Promise<Map<Side, Samples>> {
  const samplers = new Map<Side, Sampler>();
  for (const {side, program, within} of entrants) {
    const take = await sampler(program.run, within);
    const scale = program.part ? program.part.of / program.part.done : 1;
    samplers.set(side, async () => scale * (await take()));
  }
  return interleave(samplers, effort);
}

function ratioOf(samples: ReadonlyMap<Side, Samples>, numerator: Side, denominator: Side) {
  const [above, below] = [samples.get(numerator), samples.get(denominator)];
  return above && below && ratio(above, below);
}
