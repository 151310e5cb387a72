import './globals.js';
import {writeFileSync} from 'node:fs';
import {parseArgs} from 'node:util';
import '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import '@tensorflow/tfjs-backend-cpu';
import {setWasmPaths} from '@tensorflow/tfjs-backend-wasm';
import {setTestEnvs} from '@tensorflow/tfjs-core/dist/jasmine_util.js';
import {configureJasmine, runCases, type Case} from './cases.js';

/**
 * tfjs-core's own test files on one backend: without this library (`stock`), with it imported (`plain`), with every gradient taken by
 * its reverse mode (`gradients`), or with every kernel call made again inside vmap (`vmap`). What was found goes to the file `out`.
 * scripts/test-upstream.mjs bundles this and runs it.
 */
const {values: options} = parseArgs({
  options: {
    backend: {type: 'string', default: 'cpu'},
    mode: {type: 'string', default: 'plain'},
    wasm: {type: 'string', default: ''},
    out: {type: 'string', default: ''},
  },
});
const {backend, mode} = options;

/** They declare their cases as they are loaded, for the backends that are set then. */
async function loadCases(): Promise<void> {
  configureJasmine();
  setWasmPaths(options.wasm);
  setTestEnvs([{name: backend, backendName: backend, isDataSync: true}]);
  await import('@tensorflow/tfjs-core/dist/tests.js');
}

async function runPlainly(): Promise<Case[]> {
  await loadCases();
  return runCases(backend, () => undefined);
}

async function runInVmap() {
  const {CallRecorder} = await import('./calls.js');
  const {Replayer} = await import('./replay.js');
  const {judgeCalls} = await import('./verdict.js');
  const recorder = new CallRecorder(backend);
  await loadCases();
  const keysOf: Record<string, string[]> = {};
  const cases = await runCases(backend, (name) => (keysOf[name] = recorder.takeKeys()));
  recorder.stop();

  const replayer = new Replayer(backend, backend === 'cpu' ? null : 'cpu');
  const outcomes = await replayer.replayAll(recorder.calls);
  return judgeCalls(backend, cases, keysOf, recorder.calls, outcomes);
}

async function run(): Promise<unknown> {
  if (mode === 'stock') {
    const {stockFailures} = await import('./verdict.js');
    return stockFailures(await runPlainly());
  }
  await import('../../src/index.js');
  if (mode === 'vmap') return runInVmap();
  const {judgeCases} = await import('./verdict.js');
  const {repaired, otherwise} = await import('./repaired.js');
  if (mode === 'plain') return judgeCases(backend, await runPlainly(), repaired);
  const {routeGradients} = await import('./gradients.js');
  routeGradients();
  return judgeCases(backend, await runPlainly(), otherwise);
}

void run().then((found) => writeFileSync(options.out, JSON.stringify(found)));
