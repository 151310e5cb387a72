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
  readonly body: (carry: Carry, iteration: number) => Carry;
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
export function iterate<Carry>({transform, condition, body}: Loop<Carry>, init: Carry): Carry {
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
    const next = (from: Carry): Carry => {
      const given = callSync(body, [from, iteration], transform);
      return matchedCarry(carry, given, transform, iteration);
    };
    if (typeof going === 'boolean') return going ? {carry: next(carry), running: null} : null;
    if (!going.some) return null;
    return {carry: going.choose(going.call(next, [carry]), carry), running: going.mask};
  }

  /** An example that has stopped once stays so. */
  function stillRunning(running: Tensor | null, wanted: Predicate): Predicate {
    if (running === null || wanted === false) return wanted;
    if (wanted === true) return running;
    return run('LogicalAnd', {a: running, b: toBool(wanted, transform, 'the condition')});
  }
}
