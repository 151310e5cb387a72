/** `npm run test:browser`: bundles test/browser/*.test.ts and runs them in headless Chromium through karma. */
import {readdirSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import karma from 'karma';
import {rolldown} from 'rolldown';
import configure from '../karma.conf.js';
import {setUpChromium} from './install-chromium.mjs';
import {isCI, root, shout} from './setup.mjs';

function end(passed, failed, skipped) {
  const {RESULTS} = process.env;
  if (RESULTS) writeFileSync(RESULTS, JSON.stringify({passed, failed, skipped}));
  process.exit(failed === 0 ? 0 : 1);
}

async function bundle() {
  const sources = join(root, 'test/browser');
  const dir = join(root, '.cache/browser');
  rmSync(dir, {recursive: true, force: true});
  const names = readdirSync(sources).filter((name) => name.endsWith('.test.ts'));
  const build = await rolldown({
    cwd: root,
    input: names.map((name) => join(sources, name)),
    platform: 'browser',
    logLevel: 'warn',
    resolve: {extensionAlias: {'.js': ['.ts', '.js']}},
  });
  await build.write({dir, format: 'esm', sourcemap: 'inline'});
  await build.close();
}

async function runKarma() {
  let options;
  configure({...karma.constants, set: (given) => (options = given)});
  const config = karma.config.parseConfig(null, {...options, basePath: root}, {throwErrors: true});
  return new Promise((resolve) => {
    const server = new karma.Server(config);
    server.on('run_complete', (_browsers, results) => resolve(results));
    server.start();
  });
}

const browser = setUpChromium();
if (!browser) {
  shout('No Chromium or Chrome found (CHROME_BIN names one). The browser tests are SKIPPED.');
  end(0, isCI ? 1 : 0, 0);
}
process.env.CHROME_BIN = browser;
await bundle();
const {success, failed, skipped, error} = await runKarma();
// `error` without a failure: the browser did not start, or a bundle threw while it loaded.
end(success, error && failed === 0 ? 1 : failed, skipped);
