import {withStatus, type Case} from './cases.js';
import type {KernelCall} from './calls.js';
import {knownReason} from './known.js';
import type {Outcome} from './replay.js';
import stock from './stock.json' with {type: 'json'};

/** What a run showed: for `npm test`, and in words. */
export interface Verdict {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly lines: readonly string[];
}

/** The cases that fail without the library, by the reason. */
export type StockFailures = Readonly<Record<string, readonly string[]>>;

export function stockFailures(cases: readonly Case[]): StockFailures {
  const byReason: Record<string, string[]> = {};
  for (const {name, message} of withStatus(cases, 'failed')) {
    // Numbers that are there by chance, as where a kernel reads memory that is not its own.
    const reason = message.replace(/^Error: /, '').replace(/^(Arrays differ|Expected \$).*/, '$1');
    (byReason[reason] ??= []).push(name);
  }
  return byReason;
}

/** @param allowed  cases that may fail beyond those that stock fails, with the reason; `backend: name` on one backend only */
export function judgeCases(
  backend: string,
  cases: readonly Case[],
  allowed: Readonly<Record<string, string>>,
): Verdict {
  const failures = (stock as Record<string, StockFailures>)[backend] ?? {};
  const failsInStock = new Set(Object.values(failures).flat());
  const isAllowed = (name: string): boolean => name in allowed || `${backend}: ${name}` in allowed;
  const passed = withStatus(cases, 'passed');
  const failed = withStatus(cases, 'failed');
  const stillFailing = failed.filter(({name}) => failsInStock.has(name));
  const asserted = failed.filter(({name}) => !failsInStock.has(name) && isAllowed(name));
  const broken = failed.filter(({name}) => !failsInStock.has(name) && !isAllowed(name));
  const repairedHere = passed.filter(({name}) => failsInStock.has(name));
  const stale = passed.filter(({name}) => isAllowed(name));
  return {
    passed: passed.length,
    failed: broken.length,
    skipped: cases.length - passed.length - broken.length,
    lines: [
      `${passed.length} of ${cases.length} cases pass, ${repairedHere.length} of which fail in stock tfjs; ` +
        `${stillFailing.length} fail as in stock tfjs, ${asserted.length} assert what this library repairs or does otherwise`,
      ...stale.map(({name}) => `passes, though it is listed as one that does not: ${name}`),
      ...broken.map(({name, message}) => `✘ ${name}: ${message}`),
    ],
  };
}

/** What became of each case's kernel calls inside vmap. */
export function judgeCalls(
  backend: string,
  cases: readonly Case[],
  keysOf: Readonly<Record<string, readonly string[]>>,
  calls: ReadonlyMap<string, KernelCall>,
  outcomes: ReadonlyMap<string, Outcome>,
): Verdict {
  const inVmap = {whole: 0, partly: 0, not: 0, without: 0};
  for (const {name} of withStatus(cases, 'passed')) {
    const kinds = (keysOf[name] ?? []).map((key) => outcomes.get(key)!.kind);
    if (kinds.length === 0) inVmap.without++;
    else if (kinds.every((kind) => kind === 'agrees' || kind === 'throws')) inVmap.whole++;
    else if (kinds.includes('agrees')) inVmap.partly++;
    else inVmap.not++;
  }

  const counts = {agrees: 0, refused: 0, throws: 0, faulty: 0, differs: 0};
  const reasons = new Map<string, number>();
  const faulty = new Map<string, number>();
  const broken: string[] = [];
  let checks = 0;
  for (const [key, outcome] of outcomes) {
    const call = calls.get(key)!;
    counts[outcome.kind]++;
    if (outcome.kind === 'agrees') checks += outcome.checks;
    if (outcome.kind === 'refused') countOne(reasons, reasonIn(call.kernel, outcome.reason));
    if (outcome.kind === 'faulty') countOne(faulty, call.kernel);
    if (outcome.kind !== 'differs') continue;
    const reason = knownReason(call, backend);
    if (reason === undefined) broken.push(`✘ ${showCall(call)}: ${outcome.how}`);
    else countOne(reasons, `${call.kernel}, known: ${reason}`);
  }
  return {
    passed: inVmap.whole,
    failed: broken.length,
    skipped: inVmap.partly + inVmap.not + inVmap.without,
    lines: [
      `of the passing cases ${inVmap.whole} run inside vmap as a whole, ${inVmap.partly} in part, ${inVmap.not} not; ` +
        `${inVmap.without} run no kernel on a tensor`,
      `${outcomes.size} different kernel calls: ${counts.agrees} agree in ${checks} batches, half of them of one example and half of ` +
        `three; ${counts.throws} throw, plainly and inside vmap; ${counts.refused} are refused; ${counts.differs - broken.length} ` +
        `differ as known`,
      ...(counts.faulty > 0
        ? [`${counts.faulty} are wrong on this backend even plainly: ${showCounts(faulty)}`]
        : []),
      ...showReasons(reasons),
      ...broken,
    ],
  };
}

const countOne = (counts: Map<string, number>, key: string): void =>
  void counts.set(key, (counts.get(key) ?? 0) + 1);

/** The reason without the parts that all refusals have. */
const reasonIn = (kernel: string, message: string): string =>
  `${kernel}: ${message.replace(/^.*no batching rule for kernel '\w+'[^.]*\. /, '')}`;

const showCounts = (counts: ReadonlyMap<string, number>): string =>
  [...counts].map(([name, count]) => `${name} ${count}`).join(', ');

/** Kernels that share a reason in one line. */
function showReasons(reasons: ReadonlyMap<string, number>): string[] {
  const kernels = new Map<string, string[]>();
  for (const [text, count] of reasons) {
    const [, kernel, reason] = /^(\w+)(?:: |, )(.*)$/.exec(text) as unknown as [0, string, string];
    kernels.set(reason, [...(kernels.get(reason) ?? []), `${kernel} ${count}`]);
  }
  return [...kernels].map(([reason, names]) => `${names.join(', ')} (${reason})`);
}

function showCall({kernel, inputs, attrs}: KernelCall): string {
  const shown = Object.entries(inputs).map(([name, {shape, dtype, values}]) => {
    const few = values.length <= 24 ? ` ${JSON.stringify([...values])}` : '';
    return `${name}: ${dtype} [${shape.join()}]${few}`;
  });
  return `${kernel} {${shown.join(', ')}} ${JSON.stringify(attrs)}`;
}
