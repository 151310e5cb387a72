/** `npm run test:browser`: bundles test/browser/*.test.ts and runs them in headless Chromium through karma. */
import {mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join, relative} from 'node:path';
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

/** Modules of tests/ that are others in the browser. */
const replaced = {
  'test/environment.ts': 'test/browser/environment.ts',
  'test/support/tfjs64.ts': 'test/browser/tfjs64.ts',
};

const inTheBrowser = {
  name: 'in-the-browser',
  async resolveId(source, importer, options) {
    const resolved = await this.resolve(source, importer, {...options, skipSelf: true});
    const other = resolved && replaced[relative(root, resolved.id)];
    return other ? join(root, other) : resolved;
  },
};

/** `…?float64`: a second tfjs of its own, that computes in double precision. */
const float64 = {
  name: 'float64',
  async resolveId(source, importer, options) {
    const from = importer?.replace(/\?float64$/, '');
    if (from === importer && !source.endsWith('?float64')) return null;
    const name = source.replace(/\?float64$/, '');
    const resolved = await this.resolve(name, from, {...options, skipSelf: true});
    return resolved?.id.includes('@tensorflow')
      ? {...resolved, id: `${resolved.id}?float64`}
      : resolved;
  },
  load(id) {
    if (!id.endsWith('?float64')) return null;
    return readFileSync(id.replace(/\?float64$/, ''), 'utf8')
      .replaceAll('Float32Array', 'Float64Array')
      .replace(/_tfengine|_tfGlobals/g, '$&64');
  },
};

/** What the tests read of the environment. */
const {BACKENDS, KERNEL, NESTED, ROW, ROWS_PER_KERNEL, SEED} = process.env;

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
    plugins: [float64, inTheBrowser],
    treeshake: false, // package.json says of the tests that they have no effects
    transform: {
      define: {
        'process.env': JSON.stringify({BACKENDS, KERNEL, NESTED, ROW, ROWS_PER_KERNEL, SEED}),
      },
    },
    resolve: {extensionAlias: {'.js': ['.ts', '.js']}},
  });
  await build.write({dir, format: 'esm', sourcemap: 'inline'});
  await build.close();
}

/** What the table of kernel samples came to, for docs/kernels.md: of WebGL, which Node hasn't got. */
function keep({backend, kernels}) {
  const folder = process.env.KERNEL_RESULTS ?? join(root, '.cache/kernels');
  mkdirSync(folder, {recursive: true});
  writeFileSync(join(folder, `${backend}.json`), JSON.stringify({backend, kernels}, null, 1));
}

async function runKarma() {
  let options;
  configure({...karma.constants, set: (given) => (options = given)});
  const config = karma.config.parseConfig(null, {...options, basePath: root}, {throwErrors: true});
  return new Promise((resolve) => {
    const server = new karma.Server(config);
    server.on('browser_info', (_browser, {kernelResults}) => keep(kernelResults));
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
