/**
 * `npm run bench`: bench/main.ts with the library compiled, as in the package. (Run by tsx, each closure would be named anew when it is made.)
 * With `--browser` bench/page.ts as well, for the page that runs there.
 */
import {join} from 'node:path';
import {rolldown} from 'rolldown';
import {setUpChromium} from './install-chromium.mjs';
import {root} from './setup.mjs';
import {runTool} from './steps.mjs';

const folder = join(root, '.cache/bench');

async function bundle(name, options) {
  const build = await rolldown({
    cwd: root,
    input: join(root, `bench/${name}.ts`),
    logLevel: 'warn',
    treeshake: false, // package.json says of the sources that most have no effects
    resolve: {extensionAlias: {'.js': ['.ts', '.js']}},
    ...options,
  });
  await build.write({file: join(folder, `${name}.js`), format: 'esm', codeSplitting: false});
  await build.close();
}

await bundle('main', {platform: 'node', external: /^(@tensorflow|[a-z])/});
if (process.argv.includes('--browser')) {
  process.env.CHROME_BIN = setUpChromium();
  await bundle('page', {platform: 'browser', external: '@jax-js/jax'});
}
process.exitCode = runTool(['node', join(folder, 'main.js'), ...process.argv.slice(2)].join(' '));
