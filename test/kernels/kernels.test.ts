import * as tf from '@tensorflow/tfjs-core';
import {rules} from '../../src/rules/index.js';
import {backends, describeBackends, everyBackend, type BackendName} from '../backends.js';
import {environment} from '../environment.js';
import {checks} from './checks/index.js';
import {inContext} from './checks/context.js';
import {refused} from './checks/refusal.js';
import {differentiable, type Sample} from './sample.js';
import {table} from './table.js';

/**
 * Every row of the table, on every backend, through every check.
 *
 * `KERNEL=Conv2D` restricts to one kernel, `ROW=<part of a label>` to some rows, `BACKENDS=cpu,wasm` to some backends, and `SEED=1`
 * draws other numbers. `ROWS_PER_KERNEL=2` takes so many of each kernel, and `NESTED=no` leaves out the checks that nest transforms:
 * software GPUs are slow.
 */
const {KERNEL, ROW, ROWS_PER_KERNEL = '', NESTED} = environment;

const kernels = [...new Set(table.map(({kernel}) => kernel))].filter(
  (kernel) => KERNEL === undefined || KERNEL.split(',').includes(kernel),
);

/**
 * How many rows of each kernel are asked for on a backend: `2`, or `webgl:2,cpu:0.1`, where 0.1 is one row of every tenth kernel.
 */
function rowsPerKernel(backend: BackendName): number {
  const asked = ROWS_PER_KERNEL.split(',').find(
    (part) => !part.includes(':') || part.startsWith(`${backend}:`),
  );
  return Number(asked?.split(':').at(-1) || Infinity);
}

/** The rows of a kernel that are asked for: if only so many, then spread over all that can run. */
function rowsOf(kernel: string, backend: BackendName): readonly Sample[] {
  const rows = table.filter(
    (row) => row.kernel === kernel && (ROW === undefined || row.label.includes(ROW)),
  );
  const perKernel = rowsPerKernel(backend);
  const index = kernels.indexOf(kernel);
  const count =
    perKernel < 1 ? Math.floor((index + 1) * perKernel) - Math.floor(index * perKernel) : perKernel;
  const usable = rows.filter((row) => reasonToLeaveOut(row, backend) === undefined);
  if (usable.length <= count) return rows;
  const chosen = spreadOver(usable, count);
  const telling = usable.filter((row) => differentiable(row).length > 0);
  // Those that say nothing of derivatives make room for some that do.
  return chosen.some((row) => telling.includes(row)) || telling.length === 0
    ? chosen
    : spreadOver(telling, count);
}

function spreadOver(rows: readonly Sample[], most: number): Sample[] {
  const count = Math.min(most, rows.length);
  return Array.from(
    {length: count},
    (_, i) => rows[Math.floor(((i + 0.5) * rows.length) / count)] as Sample,
  );
}

/** It draws on a canvas. */
const NO_ROW = 'Draw';

const counts = new Map<BackendName, {run: number; kernels: Set<string>; left: string[]}>();

describe('the table of kernel samples', () => {
  it('has a row for every kernel that has a rule', () => {
    const sampled = new Set(table.map(({kernel}) => kernel));
    const missing = Object.keys(rules).filter(
      (kernel) => kernel !== NO_ROW && !sampled.has(kernel),
    );
    if (missing.length > 0) {
      throw new Error(`no row for ${missing.join(', ')}: add one to test/kernels/*.samples.ts`);
    }
  });

  it('has no row for a kernel without a rule', () => {
    const needed = new Set(table.filter(needsRule).map(({kernel}) => kernel));
    const missing = [...needed].filter((kernel) => !(kernel in rules));
    if (missing.length > 0) {
      throw new Error(`no rule for ${missing.join(', ')}`);
    }
  });

  it('has no row twice', () => {
    const seen = new Set<string>();
    for (const {kernel, label} of table) {
      const name = `${kernel} [${label}]`;
      if (seen.has(name)) throw new Error(`${name} is there twice: give one of them a note`);
      seen.add(name);
    }
  });

  it('gives a reason for every wider tolerance', () => {
    const bare = table.filter(({slack, reason}) => slack !== undefined && !reason);
    if (bare.length > 0) {
      throw new Error(`no reason: ${bare.map(({kernel, label}) => `${kernel} [${label}]`).join()}`);
    }
  });
});

function declareTable(backend: BackendName): void {
  const count = {run: 0, kernels: new Set<string>(), left: [] as string[]};
  counts.set(backend, count);
  for (const kernel of kernels) {
    describe(kernel, () => {
      for (const row of rowsOf(kernel, backend)) {
        describe(`[${row.label}]`, () => declareRow(row, backend, count));
      }
    });
  }
}

// The checks of memory count the buffers.
describeBackends('kernels', declareTable, {only: everyBackend, ignoreBuffers: true});

function declareRow(
  row: Sample,
  backend: BackendName,
  count: {run: number; kernels: Set<string>; left: string[]},
): void {
  const {kernel, label} = row;
  const left = reasonToLeaveOut(row, backend);
  if (left !== undefined) {
    count.left.push(`${kernel} [${label}]: ${left}`);
    it(`is left out: ${left}`);
    return;
  }
  count.run++;
  count.kernels.add(kernel);
  const applying =
    row.refused?.[backend] === undefined
      ? checks.filter(
          ({appliesTo, only, nests}) =>
            appliesTo(row, backend) &&
            (only?.includes(backend) ?? true) &&
            !(nests === true && NESTED === 'no'),
        )
      : [refused];
  for (const {title, run} of applying) {
    it(title, () => inContext(row, backend, () => run(row)));
  }
}

function reasonToLeaveOut(row: Sample, backend: BackendName): string | undefined {
  const faulty = row.faulty?.[backend];
  if (faulty !== undefined) return `the kernel ${faulty}`;
  const skip = row.skip?.[backend];
  if (skip !== undefined) return skip;
  if (!isKernel(row.kernel)) return undefined;
  if (tf.getKernel(row.kernel, backend) === undefined) return `${backend} has no such kernel`;
  if (needsRule(row) && !(row.kernel in rules)) return 'it has no rule';
  return undefined;
}

/** What has no input is the same at every level, and an identity is known to all of them. */
function needsRule({kernel, specs}: Sample): boolean {
  return isKernel(kernel) && kernel !== 'Identity' && specs.length > 0;
}

function isKernel(name: string): boolean {
  return !name.startsWith('tf.');
}

after(() => {
  const lines = backends.map((backend) => {
    const {run, kernels, left} = counts.get(backend) ?? {run: 0, kernels: new Set(), left: []};
    return `    ${backend}: ${kernels.size} kernels and ops, ${run} rows; ${left.length} rows left out`;
  });
  console.log(
    `\n  ${Object.keys(rules).length} rules, ${table.length} rows, ${checks.length} checks\n${lines.join('\n')}`,
  );
});
