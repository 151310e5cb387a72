import Table from 'cli-table3';
import type {NotAvailable, Result, Side, Timing} from './contest.js';
import type {Distribution} from './measure.js';

const columns = [
  '',
  'ours, ms',
  'loop',
  'by hand',
  'jax-js: jit, eager',
  'loop / ours',
  'ours / by hand',
  'jax-js jit / ours',
  'goal',
  'kernels',
  'peak MB',
];

/** All results as one table, a block per backend. Times are medians with the 10th and 90th percentile. */
export function formatTable(results: readonly Result[]): string {
  const table = new Table({head: columns, style: {head: [], border: [], compact: true}});
  for (const backend of new Set(results.map((result) => result.backend))) {
    table.push([{content: `── ${backend}`, colSpan: columns.length}]);
    for (const result of results.filter((result) => result.backend === backend)) {
      const {sides, loopOverOurs, oursOverHand, jaxOverOurs} = result;
      table.push([
        `${result.title}\n  ${result.detail}`,
        time(sides.ours),
        time(sides.loop),
        time(sides.byHand),
        `${median(sides.jaxJsJit)}\n  ${median(sides.jaxJs)}`,
        times(loopOverOurs),
        times(oursOverHand),
        times(jaxOverOurs),
        goals(result),
        both(sides, ({kernels}) => String(kernels)),
        both(sides, ({peakBytes}) => (peakBytes === undefined ? '–' : number(peakBytes / 2 ** 20))),
      ]);
    }
  }
  return `${table.toString()}\n${notes(results)}`;
}

const isTiming = (side: Timing | NotAvailable | undefined): side is Timing =>
  side !== undefined && 'milliseconds' in side;

function time(side: Timing | NotAvailable | undefined): string {
  if (side === undefined) return '–';
  if (!isTiming(side)) return `n/a: ${short(side)}`;
  const {median, p10, p90} = side.milliseconds;
  return `${number(median)}\n  ${number(p10)}–${number(p90)}`;
}

function median(side: Timing | NotAvailable | undefined): string {
  if (side === undefined) return '–';
  return isTiming(side) ? number(side.milliseconds.median) : short(side);
}

/** As much of a reason as fits a column; the notes below have all. */
const short = ({reason}: NotAvailable): string => /^\w+/.exec(reason)![0];

const times = (ratio: Distribution | undefined) => (ratio ? `${number(ratio.median)}×` : '–');

/** Ours, then by hand. */
function both(sides: Result['sides'], show: (timing: Timing) => string): string {
  return [sides.ours, sides.byHand].map((side) => (isTiming(side) ? show(side) : '–')).join(' / ');
}

interface Verdict {
  readonly text: string;
  readonly met: boolean;
}

function verdicts({goal, loopOverOurs, oursOverHand, jaxOverOurs}: Result): Verdict[] {
  const found: Verdict[] = [];
  if (goal?.loopOverOurs !== undefined && loopOverOurs) {
    found.push({
      text: `loop ≥ ${goal.loopOverOurs}×`,
      met: loopOverOurs.median >= goal.loopOverOurs,
    });
  }
  if (goal?.oursOverHand !== undefined && oursOverHand) {
    found.push({
      text: `hand ≤ ${Number(goal.oursOverHand.toPrecision(2))}×`,
      met: oursOverHand.median <= goal.oursOverHand,
    });
  }
  if (goal?.jaxOverOurs !== undefined && jaxOverOurs) {
    found.push({
      text: `jax-js ≥ ${goal.jaxOverOurs}×`,
      met: jaxOverOurs.median >= goal.jaxOverOurs,
    });
  }
  return found;
}

const goals = (result: Result) =>
  verdicts(result)
    .map(({text, met}) => `${met ? '✓' : '✗'} ${text}`)
    .join('\n');

/** Three significant digits, whatever the size. */
function number(value: number): string {
  if (value >= 100) return value.toFixed(0);
  if (value >= 10) return value.toFixed(1);
  return value.toFixed(value >= 1 ? 2 : 3);
}

function remark(side: Timing | NotAvailable): string {
  if (!isTiming(side)) return ` (not timed: ${side.reason})`;
  return side.part ? ` (timed on ${side.part.done} of ${side.part.of}, and scaled)` : '';
}

/** What the columns stand for in each row. */
function notes(results: readonly Result[]): string {
  const names: Record<Side, string> = {
    ours: 'ours',
    loop: 'loop',
    byHand: 'by hand',
    jaxJs: 'jax-js',
    jaxJsJit: 'jax-js, jit',
  };
  const byId = new Map(results.map((result) => [result.id, result]));
  const lines = [...byId.values()].map(({id, sides}) => {
    const parts = (Object.keys(names) as Side[]).flatMap((side) =>
      sides[side] ? [`${names[side]}: ${sides[side].label}${remark(sides[side])}`] : [],
    );
    return `  ${id.padEnd(16)} ${parts.join('; ')}`;
  });
  return [
    'Medians of interleaved rounds (10th–90th percentile); ratios are medians of the ratios within rounds. Loop and by hand run on stock',
    'tfjs, without the kernels and gradients that the library registers. Kernels and peak memory: ours / by hand; memory as tfjs counts',
    'it, views of the same data included; on a GPU programs, and no memory. jax-js runs on its WebAssembly backend, in one thread; its results are read, since it waits till then.',
    ...lines,
  ].join('\n');
}
