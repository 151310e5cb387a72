/**
 * `npm test`: sets everything up, then checks, tests, builds and tests what was built. The last line counts it all.
 * BACKENDS (cpu,wasm,tensorflow) chooses the backends that the suites run on.
 */
import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {installPackages, isCI, root, setUpTensorflow, shout} from './setup.mjs';
import {checks, Tally} from './steps.mjs';

installPackages();
rmSync(join(root, '.cache/kernels'), {recursive: true, force: true});
const tally = new Tally();

let backends = (process.env.BACKENDS || 'cpu,wasm,tensorflow').split(',');
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

console.log('\nchecks');
for (const [name, command] of Object.entries(checks)) await tally.check(name, command);

tally.suite(`tests on ${backends.join(', ')}`, `${mocha} "test/**/*.test.ts"`, env);

tally.suite(
  "tfjs-core's own tests, plainly and inside vmap",
  'node scripts/test-upstream.mjs',
  env,
);

console.log('\nthe built package');
if (await tally.check('build', 'node scripts/build.mjs')) {
  await tally.check('publint', 'publint --strict');
  await tally.check('types resolve everywhere (attw)', 'attw --pack .');
  await tally.check('tree shaking', 'node scripts/size.mjs');
  for (const build of ['esm', 'cjs', 'umd']) {
    tally.suite(
      `smoke tests of the ${build} build`,
      `${mocha} --config test/package/.mocharc.json`,
      {BUILD: build},
    );
  }
}

tally.suite('browser', 'node scripts/test-browser.mjs');

console.log('\nwhat the tests found');
await tally.check('docs/kernels.md says it', 'node scripts/kernel-docs.mjs --check');
tally.end();
