import * as tf from '@tensorflow/tfjs-core';
import {borrowed} from '../../src/kernels/borrowed.js';
import {ruleFor} from '../../src/rules/index.js';
import type {BackendName} from '../backends.js';
import type {Sample} from './sample.js';
import {stockKernels} from './stock.js';
import {table} from './table.js';

/** The columns of docs/kernels.md. A check counts for each of them that its title names. */
const columns = {
  vmap: /\bvmap\b/,
  jvp: /\bjvp\b/,
  vjp: /\bvjp\b/,
  second: /^second derivatives/,
} as const;

/** Passed, failed, refused by the library, nothing to test (no float input), not to be had on this backend, or without rows. */
type Mark = '✓' | '✘' | 'r' | '·' | '–' | '?';

interface KernelResults {
  readonly marks: Readonly<Record<keyof typeof columns, Mark>>;
  readonly remarks: readonly string[];
}

/** What a run found on one backend: what scripts/kernel-docs.mjs makes a column of docs/kernels.md of. */
export interface BackendResults {
  readonly backend: BackendName;
  readonly kernels: Readonly<Record<string, KernelResults>>;
}

/** The names of all kernels that tfjs knows: its constants that are their own value. */
const kernelNames = Object.entries(tf)
  .filter(([key, value]) => key === value)
  .map(([key]) => key)
  .sort();

/** Names of kernels that few backends have, or none, and the op of tfjs that computes it everywhere. */
const opsInPlace: Readonly<Record<string, string>> = {
  BroadcastTo: 'tf.broadcastTo',
  FromPixels: 'tf.browser.fromPixels',
  LogSoftmax: 'tf.logSoftmax',
  LowerBound: 'tf.lowerBound',
  MatrixBandPart: 'tf.linalg.bandPart',
  Pool: 'tf.pool',
  UpperBound: 'tf.upperBound',
};

/** Reads off mocha's tree of suites what the table's tests came to. Null where the suite did not run. */
export function resultsOf(root: Mocha.Suite, backend: BackendName): BackendResults | null {
  const suite = root.suites.find(({title}) => title === `kernels (${backend})`);
  if (suite === undefined) return null;
  const kernels: Record<string, KernelResults> = {};
  for (const kernel of kernelNames) {
    const called = opsInPlace[kernel] ?? kernel;
    const rows = suite.suites.find(({title}) => title === called)?.suites ?? [];
    const known = table.filter((row) => row.kernel === called);
    // Rows that were not asked for say nothing.
    if (known.length > 0 && rows.length === 0) continue;
    kernels[kernel] = resultsOfKernel(kernel, backend, rows, known);
  }
  return {backend, kernels};
}

function resultsOfKernel(
  kernel: string,
  backend: BackendName,
  rows: readonly Mocha.Suite[],
  known: readonly Sample[],
): KernelResults {
  const tests = rows.flatMap((row) => row.tests);
  const left = tests.filter((test) => test.isPending()).map(({title}) => reasonIn(title));
  const ran = tests.filter((test) => !test.isPending());
  const refusals = refusalsOf(kernel);
  const isRegistered = tf.getKernel(kernel, backend) != null;
  const mark = (column: keyof typeof columns): Mark => {
    if (refusals[column] !== undefined) return 'r';
    if (ran.length === 0) return rows.length === 0 && isRegistered ? '?' : '–';
    const named = ran.filter(({title}) => columns[column].test(title));
    if (named.length === 0) return '·';
    return named.every(({state}) => state === 'passed') ? '✓' : '✘';
  };
  const rowsWith = (what: 'refused' | 'loops') =>
    known.flatMap((row) => {
      const reason = row[what]?.[backend];
      return reason === undefined ? [] : [reason];
    });
  return {
    marks: {vmap: mark('vmap'), jvp: mark('jvp'), vjp: mark('vjp'), second: mark('second')},
    remarks: [
      ...(kernel in opsInPlace && !isRegistered && ran.length > 0
        ? [`tfjs computes ${opsInPlace[kernel]} without such a kernel: the marks are the op's`]
        : []),
      ...(isRegistered && !stockKernels.get(backend)!.has(kernel)
        ? [
            borrowed[backend]?.some((name) => name === kernel)
              ? 'the backend has none; the library lends it that of the cpu backend'
              : 'the backend has none; the library gives it one',
          ]
        : []),
      ...new Set(Object.values(refusals)),
      ...(known.length === 0 && Object.keys(refusals).length === 0
        ? [isRegistered ? 'no row in the table of samples' : 'no kernel on this backend']
        : []),
      ...counted(left, rows.length, 'left out'),
      ...counted(rowsWith('refused'), known.length, 'where the kernel of tfjs throws'),
      ...[...new Set(rowsWith('loops'))].map(
        (reason) => `runs more kernels for a larger batch: ${reason}`,
      ),
    ],
  };
}

/** The columns that the library's rule refuses, with its reasons. */
function refusalsOf(kernel: string): Partial<Record<keyof typeof columns, string>> {
  const {batch, derivative} = ruleFor(kernel) ?? {};
  const refusals: Partial<Record<keyof typeof columns, string>> = {};
  if (typeof batch === 'object') refusals.vmap = `vmap is refused: ${batch.refuse}`;
  if (typeof derivative === 'object') {
    const reason = `derivatives are refused: ${derivative.refuse}`;
    Object.assign(refusals, {jvp: reason, vjp: reason, second: reason});
  }
  return refusals;
}

const reasonIn = (title: string): string => title.replace('is left out: ', '');

/** `2 of 5 rows left out: why`. */
function counted(reasons: readonly string[], total: number, what: string): string[] {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].map(([reason, count]) =>
    count === total
      ? `all rows ${what}: ${reason}`
      : `${count} of ${total} rows ${what}: ${reason}`,
  );
}
