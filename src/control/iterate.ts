import {dispose, type Tensor} from '@tensorflow/tfjs-core';
import {scoped} from '../interpreter/scope.js';
import {run} from '../rules/rule.js';
import {tensorsOf} from '../tree.js';
import {callSync} from '../transforms/arguments.js';
import {readPredicate, toBool, type Predicate} from './predicate.js';
import {assertTensors, matched, step} from './trees.js';

/** What a loop hands from one iteration to the next. */
interface State<Carry> {
  readonly carry: Carry;
  /** Which examples of vmap still run, where they differ. */
  readonly running: Tensor | null;
}

export interface Loop<Carry> {
  readonly transform: string;
  /** Whether there is one more iteration. */
  readonly condition: (carry: Carry, iteration: number) => Predicate;
  readonly body: (carry: Carry, iteration: number, fixed: readonly unknown[]) => Carry;
  /**
   * What the body takes besides, the same in each iteration. For examples that have stopped it is that of one that goes on, as the carry is: what
   * is computed for them spoils no gradient.
   */
  readonly fixed?: readonly unknown[];
  /**
   * Lets the carry change its structure and shapes from one iteration to the next, as long as all examples go on. Where some have stopped, gives
   * the carry with what it lacks and the next one has, for the two are then chosen between.
   */
  readonly completed?: (carry: Carry, next: Carry) => Carry;
}

/** A body's result, which must be like the carry that it got. */
export const matchedCarry = <Carry>(
  carry: Carry,
  next: unknown,
  transform: string,
  iteration: number,
): Carry => {
  assertTensors(next, transform, 'the carry that the body gave');
  return matched(carry, next, {
    transform,
    noun: 'carry',
    expected: 'is',
    actual: `but in iteration ${iteration} the body gave`,
    rule: 'A carry keeps its structure, shapes and dtypes: cast or reshape what the body gives (tf.cast, tf.reshape), or start with what it will be.',
  });
};

/**
 * Runs a loop. Of an iteration only the carry stays, as far as nobody differentiates. Where the condition differs between the examples of vmap
 * the loop runs until it holds for none, and an example for which it does not hold any more keeps its carry.
 */
export function iterate<Carry>(
  {transform, condition, body, fixed = [], completed}: Loop<Carry>,
  init: Carry,
): Carry {
  return scoped(transform, (results) => {
    assertTensors(init, transform, 'init');
    let state: State<Carry> = {carry: init, running: null};
    for (let iteration = 0; ; iteration++) {
      const next = step(transform, () => advance(state, iteration));
      if (next === null) break;
      if (iteration > 0) dispose(tensorsOf(state));
      state = next;
    }
    const carry = state.carry === init ? step(transform, () => init) : state.carry;
    results.push(...tensorsOf(carry));
    return carry;
  });

  function advance({carry, running}: State<Carry>, iteration: number): State<Carry> | null {
    const wanted = callSync(condition, [carry, iteration], transform);
    const going = readPredicate(stillRunning(running, wanted), transform, 'the condition');
    const next = (from: Carry, besides: readonly unknown[]): Carry =>
      callSync(body, [from, iteration, besides], transform);
    const match = (before: Carry, given: Carry): Carry =>
      matchedCarry(before, given, transform, iteration);
    if (going === false) return null;
    if (going === true || going.all) {
      const given = next(carry, fixed);
      return {
        carry: completed === undefined ? match(carry, given) : given,
        running: going === true ? null : going.mask,
      };
    }
    if (!going.some) return null;
    const given = going.call(next, [carry, fixed]);
    const before = completed?.(carry, given) ?? carry;
    return {carry: going.choose(match(before, given), before), running: going.mask};
  }

  /** An example that has stopped once stays so. */
  function stillRunning(running: Tensor | null, wanted: Predicate): Predicate {
    if (running === null || wanted === false) return wanted;
    if (wanted === true) return running;
    return run('LogicalAnd', {a: running, b: toBool(wanted, transform, 'the condition')});
  }
}
