import {writeFileSync} from 'node:fs';
import {availableParallelism, cpus, loadavg} from 'node:os';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import {provideWebGpu} from '../test/support/dawn.js';
import {runInBrowser} from './inBrowser.js';
import {loadJaxJs} from './jaxJs.js';
import {formatTable} from './report.js';
import {rows} from './rows/index.js';
import {run, type Plan} from './run.js';

const loaders: Readonly<Record<string, () => Promise<unknown>>> = {
  cpu: () => import('@tensorflow/tfjs-backend-cpu'),
  wasm: () => import('@tensorflow/tfjs-backend-wasm'),
  tensorflow: () => import('@tensorflow/tfjs-node'),
  async webgpu() {
    await provideWebGpu();
    await import('@tensorflow/tfjs-backend-webgpu');
    // tfjs computes on small tensors itself unless told not to; this is about the GPU.
    tf.env().set('WEBGPU_CPU_FORWARD', false);
  },
};

const inPages = ['cpu', 'wasm', 'webgl', 'webgpu'];

const usage = `Times the library against stock tfjs: an example at a time, and batched by hand.

npm run bench -- [options]
  --backend NAME   cpu, wasm, tensorflow or webgpu (by Dawn, on a graphics card or in software);
                   may be given several times                            (wasm and tensorflow)
  --browser        in headless Chromium; backends are cpu, wasm, webgl and webgpu there
                                                                         (webgl and webgpu)
  --only ID        one row; may be given several times
                   (${rows.map((row) => row.id).join(', ')})
  --runs N         at most so many rounds a row   (60; with --quick 5)
  --quick          a rough answer in a fraction of the time
  --json FILE      write all results, with the machine and the versions, to FILE
  --help`;

async function main(): Promise<void> {
  const {values} = parseArgs({
    options: {
      backend: {type: 'string', multiple: true},
      browser: {type: 'boolean', default: false},
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
  const {browser, only: ids} = values;
  const backends = values.backend ?? (browser ? ['webgl', 'webgpu'] : ['wasm', 'tensorflow']);
  assertKnown('--backend', backends, browser ? inPages : Object.keys(loaders));
  assertKnown(
    '--only',
    ids,
    rows.map((row) => row.id),
  );
  const effort = {
    rounds:
      values.runs === undefined ? (values.quick ? 5 : 60) : positiveInteger('--runs', values.runs),
    seconds: values.quick ? 1.5 : 8,
  };
  const plan: Plan = {backends, ids, effort};

  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2'; // TensorFlow greets with warnings otherwise
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const {results, failures, gpus} = browser
    ? await runInBrowser(plan, fileURLToPath(new URL('page.js', import.meta.url)), say)
    : await run(plan, {load: (name) => loaders[name](), loadJax: loadJaxJs, say});
  for (const failure of failures) console.error(failure);
  if (values.json !== undefined) {
    const record = {machine: {...machine(), browser, gpus}, effort, results, failures};
    writeFileSync(values.json, `${JSON.stringify(record, null, 2)}\n`);
  }
  console.log(formatTable(results));
  // Dawn would keep Node from ending.
  process.exit(failures.length > 0 ? 1 : 0);
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
