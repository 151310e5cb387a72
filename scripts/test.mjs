/**
 * `npm test`: sets everything up, then checks, tests, builds and tests what was built. The last line counts it all.
 * BACKENDS (cpu,wasm,tensorflow,webgpu) chooses the backends that the suites run on in Node. `--full` runs all rows of the table of
 * kernels on WebGPU and in the browser, where GPUs in software take an hour; without it a few rows of each kernel.
 */
import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {setUpChromium} from './install-chromium.mjs';
import {installPackages, isCI, root, setUpTensorflow, shout} from './setup.mjs';
import {checks, Tally} from './steps.mjs';

installPackages();
rmSync(join(root, '.cache/kernels'), {recursive: true, force: true});
const tally = new Tally();

const full = process.argv.includes('--full');

/** Rows of each kernel, and no nested transforms: the table is slow on GPUs in software, and cpu and wasm run all of it in Node. */
const rows = (some) => (full ? {} : {ROWS_PER_KERNEL: some, NESTED: 'no'});

const asked = (process.env.BACKENDS || 'cpu,wasm,tensorflow,webgpu').split(',');
let backends = asked.filter((name) => name !== 'webgpu');
if (backends.includes('tensorflow') && !(await setUpTensorflow())) {
  backends = backends.filter((name) => name !== 'tensorflow');
  shout(
    'The tensorflow backend (@tensorflow/tfjs-node) could not be installed.',
    'Its tests are SKIPPED.',
  );
  if (isCI) tally.record(false, 'tensorflow backend (must not be skipped in CI)');
}
const env = {BACKENDS: backends.join(',')};
const mocha = 'mocha --reporter scripts/mocha-reporter.cjs';

// It brings the Vulkan that WebGPU takes on a machine without a graphics card.
const browser = setUpChromium();
if (browser) process.env.CHROME_BIN = browser;

const onWebGpu = [
  'test/kernels/kernels.test.ts',
  'test/kernels/ranks.test.ts',
  'test/kernels/results.test.ts',
  'test/rules/borrowedKernels.test.ts',
  'test/compile/gpuPrograms.test.ts',
  'test/compile/gpuReductions.test.ts',
];

const withoutSimd = [
  'test/kernels/kernels.test.ts',
  'test/rules/elementwise.test.ts',
  'test/rules/gather.test.ts',
  'test/rules/products.test.ts',
];

/** What these print waits until each has ended: the tests in Node show their progress meanwhile. */
async function onGpus() {
  if (asked.includes('webgpu')) {
    await tally.suite(
      'the table of kernels and generated programs on webgpu',
      `${mocha} ${onWebGpu.join(' ')}`,
      {BACKENDS: 'webgpu', ...rows('webgpu:1')},
      'captured',
    );
  }
  await tally.suite(
    'browser',
    'node scripts/test-browser.mjs',
    rows('webgl:1,webgpu:0.2,wasm:0.1,cpu:0.1'),
    'captured',
  );
}

console.log('\nchecks');
for (const [name, command] of Object.entries(checks)) await tally.check(name, command);

console.log('\nthe built package');
if (await tally.check('build', 'node scripts/build.mjs')) {
  await tally.check('publint', 'publint --strict');
  await tally.check('types resolve everywhere (attw)', 'attw --pack .');
  await tally.check('tree shaking', 'node scripts/size.mjs');
  for (const build of ['esm', 'cjs', 'umd']) {
    await tally.suite(
      `smoke tests of the ${build} build`,
      `${mocha} --config test/package/.mocharc.json`,
      {BUILD: build},
    );
  }
}

async function inNode() {
  await tally.suite(`tests on ${backends.join(', ')}`, `${mocha} "test/**/*.test.ts"`, env);
  if (backends.includes('wasm')) {
    await tally.suite(
      'the table of kernels on wasm, without SIMD',
      `${mocha} ${withoutSimd.join(' ')}`,
      {BACKENDS: 'wasm', WASM_SIMD: 'no', NESTED: 'no'},
      'captured',
    );
  }
  await tally.suite(
    "tfjs-core's own tests, plainly and inside vmap",
    'node scripts/test-upstream.mjs',
    env,
    'captured',
  );
}

await Promise.all([inNode(), onGpus()]);

if (!full) {
  console.log('\nwhat the tests found');
  await tally.check('docs/kernels.md says it', 'node scripts/kernel-docs.mjs --check');
}
tally.end();
