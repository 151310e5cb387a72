import * as tf from '@tensorflow/tfjs-core';

/** The same tensors computed in two ways. */
export type Comparison = {
  /** Medians over the rounds. */
  readonly batchedMs: number;
  readonly loopMs: number;
  /** How many times as long the loop takes: the median over the rounds, in each of which both run. */
  readonly ratio: number;
  /** Largest difference between the two results, relative to the largest number. */
  readonly difference: number;
};

/** Times a batched computation against a loop, in turns, so that both see the same disturbances. */
export function compareWithLoop(
  batched: () => tf.Tensor[],
  loop: () => tf.Tensor[],
  rounds = 5,
): Comparison {
  const [first, second] = [run(batched), run(loop)]; // first runs, not timed, fill caches
  const difference = tf.tidy(() => relativeDifference(first, second));
  tf.dispose([first, second]);
  const times = Array.from({length: rounds}, () => [timed(batched), timed(loop)] as const);
  return {
    batchedMs: median(times.map(([ours]) => ours)),
    loopMs: median(times.map(([, theirs]) => theirs)),
    ratio: median(times.map(([ours, theirs]) => theirs / ours)),
    difference,
  };
}

/** A comparison in a sentence. */
export function showComparison(
  what: string,
  batched: string,
  loop: string,
  {batchedMs, loopMs, ratio, difference}: Comparison,
): string {
  return (
    `${what}: ${showMs(batchedMs)} ms by ${batched}, ${showMs(loopMs)} ms by ${loop}: ${ratio.toFixed(ratio < 10 ? 1 : 0)} times as fast, ` +
    `largest difference ${difference.toExponential(0)}.`
  );
}

const showMs = (ms: number): string => ms.toFixed(ms < 100 ? 1 : 0);

function run(compute: () => tf.Tensor[]): tf.Tensor[] {
  const result = tf.tidy(compute);
  result.forEach((tensor) => tensor.dataSync()); // kernels may still be running when their op returns
  return result;
}

function timed(compute: () => tf.Tensor[]): number {
  const start = performance.now();
  const result = run(compute);
  const ms = performance.now() - start;
  tf.dispose(result);
  return ms;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function relativeDifference(a: readonly tf.Tensor[], b: readonly tf.Tensor[]): number {
  const largest = (tensors: readonly tf.Tensor[]): number =>
    Math.max(...tensors.map((tensor) => tf.max(tf.abs(tensor)).dataSync()[0]!));
  return largest(a.map((tensor, i) => tf.sub(tensor, b[i]!))) / largest(a);
}
