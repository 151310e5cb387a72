/** `npm run bench`: bench/main.ts with the library compiled, as in the package. (Run by tsx, each closure would be named anew when it is made.) */
import {join} from 'node:path';
import {rolldown} from 'rolldown';
import {root} from './setup.mjs';
import {runTool} from './steps.mjs';

const file = join(root, '.cache/bench/main.js');
const build = await rolldown({
  cwd: root,
  input: join(root, 'bench/main.ts'),
  platform: 'node',
  logLevel: 'warn',
  external: /^(@tensorflow|[a-z])/,
  treeshake: false, // package.json says of the sources that most have no effects
  resolve: {extensionAlias: {'.js': ['.ts', '.js']}},
});
await build.write({file, format: 'esm', codeSplitting: false});
await build.close();
process.exitCode = runTool(['node', file, ...process.argv.slice(2)].join(' '));
