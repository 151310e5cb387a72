import {writeFileSync} from 'node:fs';
import {availableParallelism, cpus, loadavg} from 'node:os';
import {parseArgs} from 'node:util';
import '@tensorflow/tfjs'; // tfjs-core alone registers no gradients
import * as tf from '@tensorflow/tfjs-core';
import {contest, type Result} from './contest.js';
import {loadJaxJs} from './jaxJs.js';
import type {Effort} from './measure.js';
import {formatTable} from './report.js';
import {rows} from './rows/index.js';
import {StockTfjs} from './stock.js';

const backendModules: Readonly<Record<string, string>> = {
  cpu: '@tensorflow/tfjs-backend-cpu',
  wasm: '@tensorflow/tfjs-backend-wasm',
  tensorflow: '@tensorflow/tfjs-node',
};

const usage = `Times the library against stock tfjs: an example at a time, and batched by hand.

npm run bench -- [options]
  --backend NAME   cpu, wasm or tensorflow; may be given several times   (wasm and tensorflow)
  --only ID        one row; may be given several times
                   (${rows.map((row) => row.id).join(', ')})
  --runs N         at most so many rounds a row   (60; with --quick 5)
  --quick          a rough answer in a fraction of the time
  --json FILE      write all results, with the machine and the versions, to FILE
  --help`;

async function main(): Promise<void> {
  const {values} = parseArgs({
    options: {
      backend: {type: 'string', multiple: true, default: ['wasm', 'tensorflow']},
      only: {type: 'string', multiple: true, default: rows.map((row) => row.id)},
      runs: {type: 'string'},
      quick: {type: 'boolean', default: false},
      json: {type: 'string'},
      help: {type: 'boolean', default: false},
    },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  assertKnown('--backend', values.backend, Object.keys(backendModules));
  assertKnown(
    '--only',
    values.only,
    rows.map((row) => row.id),
  );
  const effort: Effort = {
    rounds:
      values.runs === undefined ? (values.quick ? 5 : 60) : positiveInteger('--runs', values.runs),
    seconds: values.quick ? 1.5 : 8,
  };

  const stocks = await loadBackends(values.backend);
  const library = await import('../src/index.js');
  for (const stock of stocks.values()) stock.libraryLoaded();

  const jax = await loadJaxJs();
  const results: Result[] = [];
  for (const [backend, stock] of stocks) {
    await tf.setBackend(backend);
    for (const row of rows.filter((row) => values.only.includes(row.id))) {
      process.stderr.write(`${backend}: ${row.title}\n`);
      try {
        results.push(
          await contest(
            row,
            {backend, library, stock, jax: backend === 'wasm' ? jax : undefined},
            effort,
          ),
        );
      } catch (error) {
        process.exitCode = 1;
        console.error(`${backend}: ${row.title} failed:`, error);
      }
    }
  }
  if (values.json !== undefined) {
    writeFileSync(
      values.json,
      `${JSON.stringify({machine: machine(), effort, results}, null, 2)}\n`,
    );
  }
  console.log(formatTable(results));
}

/** Loads the backends, and notes what they register by themselves before the library adds to it. */
async function loadBackends(names: readonly string[]): Promise<Map<string, StockTfjs>> {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2'; // TensorFlow greets with warnings otherwise
  const stocks = new Map<string, StockTfjs>();
  for (const name of names) {
    await import(backendModules[name]);
    if (!(await tf.setBackend(name)))
      throw new Error(`The backend '${name}' can't be initialized.`);
    stocks.set(name, new StockTfjs(name));
  }
  return stocks;
}

function assertKnown(option: string, given: readonly string[], known: readonly string[]): void {
  const unknown = given.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new Error(`${option} ${unknown.join(', ')}: expected one of ${known.join(', ')}.`);
}

function positiveInteger(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`${option} ${text}: expected a positive integer.`);
  return value;
}

/** What the figures depend on besides the code. */
function machine() {
  return {
    cpu: cpus()[0]?.model,
    cores: availableParallelism(),
    load: loadavg()[0],
    node: process.version,
    tfjs: tf.version_core,
    date: new Date().toISOString(),
  };
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
});
