import * as tf from '@tensorflow/tfjs-core';
import {rules} from '../../src/rules/index.js';
import {describeBackends} from '../backends.js';
import {inScope, type Check} from './checks/check.js';
import {checks} from './checks/index.js';
import {differentiable, type Sample} from './sample.js';
import {table} from './table.js';

/**
 * Every part of every rule matters to a check: with a thousandth more in any result of any of its functions, or with an input
 * missing from those that it is linear in, some row fails.
 */

const {KERNEL} = process.env;

interface LooseRule {
  readonly batch?: unknown;
  readonly jvp?: AnyFunction;
  readonly linearIn?: readonly string[];
  readonly vjp?: {readonly pullback: AnyFunction};
}

type AnyFunction = (...args: readonly unknown[]) => unknown;

interface Mutant {
  readonly part: string;
  readonly rule: LooseRule;
  readonly check: Check;
  /** Whether the change has changed a number: it has not where a result is zero. */
  readonly isEffective: () => boolean;
}

const ruleTable = rules as unknown as Record<string, LooseRule>;

const equalsLoop = checkNamed('vmap equals a loop');
const forward = checkNamed('jvp equals finite differences');
const reverse = checkNamed('vjp is the transpose of finite differences');

function checkNamed(title: string): Check {
  const check = checks.find((candidate) => candidate.title === title);
  if (check === undefined) throw new Error(`there is no check '${title}'`);
  return check;
}

/** The function with its results a little off. */
function perturbing(f: AnyFunction): {f: AnyFunction; isEffective: () => boolean} {
  let isEffective = false;
  const perturbed = (result: unknown): unknown => {
    if (Array.isArray(result)) return result.map(perturbed);
    if (!(result instanceof tf.Tensor)) return result;
    isEffective ||= result.dtype !== 'float32' || result.dataSync().some((value) => value !== 0);
    return offByAThousandth(result);
  };
  return {f: (...args) => perturbed(f(...args)), isEffective: () => isEffective};
}

function offByAThousandth(x: tf.Tensor): tf.Tensor {
  switch (x.dtype) {
    case 'float32':
      return tf.mul(x, 1.001);
    case 'bool':
      return tf.logicalNot(x);
    default:
      return tf.add(x, tf.scalar(1, x.dtype));
  }
}

function* mutantsOf(rule: LooseRule, rows: readonly Sample[]): Generator<Mutant> {
  const {batch, jvp, linearIn = [], vjp} = rule;
  if (typeof batch === 'function') {
    const {f, isEffective} = perturbing(batch as AnyFunction);
    yield {part: 'batch', rule: {...rule, batch: f}, check: equalsLoop, isEffective};
  }
  if (jvp !== undefined) {
    const {f, isEffective} = perturbing(jvp);
    yield {part: 'jvp', rule: {...rule, jvp: f}, check: forward, isEffective};
  }
  for (const input of linearIn) {
    yield {
      part: `linearIn without ${input}`,
      rule: {...rule, linearIn: linearIn.filter((name) => name !== input)},
      check: forward,
      isEffective: () => true,
    };
  }
  if (vjp !== undefined) {
    const names = rows.flatMap((row) => differentiable(row).map((i) => row.names[i] as string));
    for (const input of new Set(names)) {
      const {pullback, isEffective} = perturbingOne(vjp.pullback, input);
      const broken = {...rule, vjp: {...vjp, pullback}};
      yield {part: `vjp in ${input}`, rule: broken, check: reverse, isEffective};
    }
  }
}

/** The pullback with the cotangent of one input a little off. */
function perturbingOne(
  pullback: AnyFunction,
  input: string,
): {pullback: AnyFunction; isEffective: () => boolean} {
  let isEffective = (): boolean => false;
  const perturb = (thunk: AnyFunction | undefined): AnyFunction | undefined => {
    if (thunk === undefined) return undefined;
    const perturbed = perturbing(thunk);
    const before = isEffective;
    isEffective = () => before() || perturbed.isEffective();
    return perturbed.f;
  };
  return {
    isEffective: () => isEffective(),
    pullback: (...args) => {
      const thunks = pullback(...args) as
        readonly AnyFunction[] | Readonly<Record<string, AnyFunction>>;
      if (!Array.isArray(thunks)) {
        const named = thunks as Readonly<Record<string, AnyFunction>>;
        return {...named, [input]: perturb(named[input])};
      }
      // Inputs in a list are called x0, x1, … in samples.
      const place = Number(input.slice(1));
      return thunks.map((thunk: AnyFunction, i) => (i === place ? perturb(thunk) : thunk));
    },
  };
}

async function isKilled(kernel: string, mutant: Mutant, rows: readonly Sample[]): Promise<boolean> {
  const rule = ruleTable[kernel] as LooseRule;
  ruleTable[kernel] = mutant.rule;
  try {
    for (const row of rows.filter((row) => mutant.check.appliesTo(row, 'cpu'))) {
      if (await fails(mutant.check, row)) return true;
    }
    return false;
  } finally {
    ruleTable[kernel] = rule;
  }
}

async function fails({run}: Check, row: Sample): Promise<boolean> {
  try {
    await inScope(() => run(row));
    return false;
  } catch {
    return true;
  }
}

describeBackends(
  'no rule can be off by a thousandth',
  (backend) => {
    for (const [kernel, rule] of Object.entries(ruleTable)) {
      const rows = table.filter(
        (row) =>
          row.kernel === kernel &&
          row.faulty?.[backend] === undefined &&
          row.skip?.[backend] === undefined &&
          row.refused?.[backend] === undefined,
      );
      if (rows.length === 0 || (KERNEL !== undefined && kernel !== KERNEL)) continue;
      it(kernel, async () => {
        for (const mutant of mutantsOf(rule, rows)) {
          if (!(await isKilled(kernel, mutant, rows)) && mutant.isEffective()) {
            throw new Error(`no row fails with a wrong ${mutant.part}: the samples miss something`);
          }
        }
      });
    }
  },
  {only: ['cpu'], ignoreBuffers: true},
);
