/**
 * tfjs-core's own test files with this library imported: plainly, with every gradient taken by its reverse mode, and with every kernel
 * call that they make made again inside vmap, on the backends that BACKENDS names (cpu, wasm). `--update` runs them without the library
 * instead, and writes down which cases fail by themselves.
 */
import {spawn} from 'node:child_process';
import {readFileSync, rmSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {dirname, join, sep} from 'node:path';
import {parseArgs} from 'node:util';
import {rolldown} from 'rolldown';
import {root} from './setup.mjs';
import {runTool} from './steps.mjs';

const dir = join(root, '.cache/upstream');
const bundled = join(dir, 'main.cjs');
const stockFile = join(root, 'test/upstream/stock.json');
const wasmFiles =
  dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm')) + sep;

/** tfjs's test files, tfjs-core, its backends and the library in one bundle, which has each module once. */
async function bundle() {
  rmSync(dir, {recursive: true, force: true});
  const build = await rolldown({
    cwd: root,
    input: join(root, 'test/upstream/main.ts'),
    platform: 'node',
    logLevel: 'warn',
    treeshake: false, // tfjs-core says that its test files have no effect
    external: ['jasmine-core', 'node-fetch'],
    resolve: {extensionAlias: {'.js': ['.ts', '.js']}, mainFields: ['module', 'main']},
    plugins: [
      {
        // tfjs's helpers for jasmine want a file that jasmine's package keeps to itself.
        name: 'jasmine',
        resolveId: (id) => (id.startsWith('jasmine-core/') ? '\0jasmine' : null),
        load: (id) => (id === '\0jasmine' ? 'exports.core = () => globalThis.jasmine;' : null),
      },
    ],
  });
  const names = {entryFileNames: '[name].cjs', chunkFileNames: '[name].cjs'};
  await build.write({dir, format: 'cjs', ...names});
  await build.close();
}

/** Runs the bundle; gives what it found. What it prints is shown where it finds nothing. */
function run(backend, mode) {
  const out = join(dir, `${backend}-${mode}.json`);
  const args = ['--backend', backend, '--mode', mode, '--wasm', wasmFiles, '--out', out];
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [bundled, ...args]);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => (output += text));
    child.on('close', (code) => {
      try {
        resolve(JSON.parse(readFileSync(out, 'utf8')));
      } catch {
        const lines = [`✘ ended with exit code ${code} and without a result`, output.slice(-4000)];
        resolve({passed: 0, failed: 1, skipped: 0, lines});
      }
    });
  });
}

const {update} = parseArgs({options: {update: {type: 'boolean', default: false}}}).values;
const asked = (process.env.BACKENDS || 'cpu,wasm').split(',');
const backends = ['cpu', 'wasm'].filter((name) => asked.includes(name));
const modes = {
  plain: 'with the library imported',
  gradients: 'with gradients by its reverse mode',
  vmap: 'inside vmap',
};

await bundle();
if (update) {
  const found = await Promise.all(['cpu', 'wasm'].map((backend) => run(backend, 'stock')));
  writeFileSync(stockFile, JSON.stringify({cpu: found[0], wasm: found[1]}));
  process.exit(runTool(`prettier --write ${stockFile}`));
}

const total = {passed: 0, failed: 0, skipped: 0};
const runs = backends.map(async (backend) => {
  for (const [mode, title] of Object.entries(modes)) {
    const {lines, ...counts} = await run(backend, mode);
    for (const name of Object.keys(total)) total[name] += counts[name];
    console.log([`  ${backend}, ${title}:`, ...lines.map((line) => `    ${line}`)].join('\n'));
  }
});
await Promise.all(runs);
if (process.env.RESULTS) writeFileSync(process.env.RESULTS, JSON.stringify(total));
process.exitCode = total.failed === 0 ? 0 : 1;
