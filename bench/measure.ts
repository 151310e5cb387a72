import * as tf from '@tensorflow/tfjs-core';
import {dispatches} from '../test/support/dispatches.js';
import {isGpu, oneElement, read} from './gpu.js';

/** Takes one sample of a contender, in milliseconds per run. */
export type Sampler = () => Promise<number>;

/** Runs code at once, with what it needs around it. */
export type Within = <R>(body: () => R) => R;

export interface Effort {
  /** At most so many rounds, … */
  readonly rounds: number;
  /** … and no more of them once this much time has gone by. */
  readonly seconds: number;
}

/** The fewest samples that a median with a spread can be made of. */
const minimumSamples = 3;

/**
 * A sample lasts at least so long, so that neither the clock, nor one garbage collection, nor what the contender before it left in the
 * processor's caches and the allocator's lists decides it: a training loop calls the same program again and again.
 */
const sampleMilliseconds = () => (isGpu() ? 100 : 25);

/** A GPU is waited for once per sample: short programs run many times, so that the wait weighs little. */
const mostRepetitions = () => (isGpu() ? 2000 : 200);

/** So long, but no more than so many times, a contender runs before it is timed: V8 compiles hot functions twice. */
const warmUp = {milliseconds: 400, runs: 200};

/** Samples by round; `undefined` in rounds that a contender sat out. */
export type Samples = readonly (number | undefined)[];

/**
 * Times contenders in interleaved rounds (A B C, A B C, …): whatever slows the machine down for a while slows them all, and ratios within
 * a round stay right. A contender that has used up its share of the time sits out further rounds, so that a slow loop does
 * not take the samples of the fast ones.
 */
export async function interleave<Name extends string>(
  samplers: ReadonlyMap<Name, Sampler>,
  {rounds, seconds}: Effort,
): Promise<Map<Name, Samples>> {
  const samples = new Map<Name, (number | undefined)[]>();
  const spent = new Map<Name, number>();
  const share = (seconds * 1000) / samplers.size;
  const started = performance.now();
  const mayStop = () => performance.now() - started > seconds * 1000;
  for (let round = 0; round < rounds && !(round >= minimumSamples && mayStop()); round++) {
    for (const [name, sampler] of samplers) {
      const before = performance.now();
      const takesPart = round < minimumSamples || (spent.get(name) ?? 0) < share;
      const sample = takesPart ? await sampler() : undefined;
      samples.set(name, [...(samples.get(name) ?? []), sample]);
      spent.set(name, (spent.get(name) ?? 0) + performance.now() - before);
      await new Promise((nextTurn) => setTimeout(nextTurn));
    }
  }
  return samples;
}

/**
 * A sampler for a program whose results are thrown away; it is warmed up, and how often it runs per sample is measured, first. A GPU is done
 * when an element of the last result has been read.
 */
export async function sampler(run: () => tf.TensorContainer, within: Within): Promise<Sampler> {
  const timed = async (repetitions: number) => {
    const started = performance.now();
    const last = within(() => {
      for (let i = 1; i < repetitions; i++) tf.tidy(() => void run());
      return tf.tidy(() => oneElement(run()));
    });
    await read(last);
    return (performance.now() - started) / repetitions;
  };
  const started = performance.now();
  for (let i = 0; i < warmUp.runs && performance.now() - started < warmUp.milliseconds; i++)
    await timed(1);
  const several = isGpu() ? await timed(5) : await timed(1); // one alone would mostly be the wait
  const repetitions = Math.ceil(sampleMilliseconds() / several);
  return () => timed(Math.max(1, Math.min(mostRepetitions(), repetitions)));
}

export interface Distribution {
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
  readonly samples: number;
}

export function distribution(values: Samples): Distribution {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    p10: quantile(sorted, 0.1),
    p90: quantile(sorted, 0.9),
    samples: sorted.length,
  };
}

/** How many times as long the one takes as the other: the distribution of the ratios within rounds. */
export function ratio(numerator: Samples, denominator: Samples): Distribution {
  return distribution(
    numerator.map((value, round) => {
      const other = denominator[round];
      return value === undefined || other === undefined ? undefined : value / other;
    }),
  );
}

/** Between the order statistics by linear interpolation, as NumPy's default does. */
function quantile(sorted: readonly number[], q: number): number {
  const position = (sorted.length - 1) * q;
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (position - below);
}

export interface Footprint {
  /** Kernels that the backend ran; on a GPU the programs, which are what it is given. */
  readonly kernels: number;
  /** The most bytes that lived at once, beyond what lived before. Not measured on a GPU, where a profile reads every result. */
  readonly peakBytes?: number;
}

/** What one run costs apart from time. */
export async function footprint(
  program: () => tf.TensorContainer,
  within: Within,
): Promise<Footprint> {
  if (isGpu()) {
    const [kernels] = dispatches(() => within(() => tf.tidy(() => void program())));
    return {kernels};
  }
  const before = tf.memory().numBytes;
  tf.engine().startScope('footprint');
  try {
    const {kernels, peakBytes} = await within(() => tf.profile(program));
    // tfjs's profile lists ops with a gradient of their own beside the kernels that they run.
    const run = kernels.filter(({name}) => !name.endsWith('__op'));
    // Generated code runs no kernel of tfjs, and so has no peak in its profile: what there is then is what it gives.
    return {kernels: run.length, peakBytes: Math.max(peakBytes, tf.memory().numBytes) - before};
  } finally {
    tf.engine().endScope();
  }
}
