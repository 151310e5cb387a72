import '@tensorflow/tfjs'; // tfjs-core alone registers no gradients
import * as tf from '@tensorflow/tfjs-core';
import {contest, type Result} from './contest.js';
import {gpuName} from './gpu.js';
import type {Jax} from './jaxJs.js';
import type {Effort} from './measure.js';
import {rows} from './rows/index.js';
import {StockTfjs} from './stock.js';

/** What is to be timed. */
export interface Plan {
  readonly backends: readonly string[];
  /** Rows, by their ids. */
  readonly ids: readonly string[];
  readonly effort: Effort;
}

/** What a run came to. */
export interface Outcome {
  readonly results: readonly Result[];
  /** Of rows that failed, why. */
  readonly failures: readonly string[];
  /** What GPU backends computed on. */
  readonly gpus: Readonly<Record<string, string | undefined>>;
}

/** What there is where the rows run, in Node or in a page. */
export interface Place {
  load(backend: string): Promise<unknown>;
  loadJax?(): Promise<Jax>;
  /** Tells what is under way. */
  say(line: string): void;
}

/** Times rows on backends. */
export async function run({backends, ids, effort}: Plan, place: Place): Promise<Outcome> {
  const stocks = await loadBackends(backends, place);
  const library = await import('../src/index.js');
  for (const stock of stocks.values()) stock.libraryLoaded();

  const jax = stocks.has('wasm') ? await place.loadJax?.() : undefined;
  const results: Result[] = [];
  const failures: string[] = [];
  const gpus: Record<string, string | undefined> = {};
  for (const [backend, stock] of stocks) {
    await tf.setBackend(backend);
    gpus[backend] = gpuName();
    for (const row of rows.filter((row) => ids.includes(row.id))) {
      place.say(`${backend}: ${row.title}`);
      try {
        const arena = {backend, library, stock, jax: backend === 'wasm' ? jax : undefined};
        results.push(await contest(row, arena, effort));
      } catch (error) {
        const reason = error instanceof Error ? error.stack : String(error);
        failures.push(`${backend}: ${row.title} failed: ${reason}`);
      }
    }
  }
  return {results, failures, gpus};
}

/** Loads the backends, and notes what they register by themselves before the library adds to it. */
async function loadBackends(
  names: readonly string[],
  {load}: Place,
): Promise<Map<string, StockTfjs>> {
  const stocks = new Map<string, StockTfjs>();
  for (const name of names) {
    await load(name);
    if (!(await tf.setBackend(name)))
      throw new Error(`The backend '${name}' can't be initialized.`);
    stocks.set(name, new StockTfjs(name));
  }
  return stocks;
}
