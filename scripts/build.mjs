/** `npm run build`: ESM and CJS with their types by `tsc`, the UMD file by rolldown. */
import {rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {root} from './setup.mjs';
import {runTool} from './steps.mjs';

const dist = join(root, 'dist');
rmSync(dist, {recursive: true, force: true});
for (const command of ['tsc -p tsconfig.esm.json', 'tsc -p tsconfig.cjs.json', 'rolldown -c']) {
  if (runTool(command) !== 0) process.exit(1);
}
// The package is ESM; these folders are not.
for (const folder of ['cjs', 'umd']) {
  writeFileSync(join(dist, folder, 'package.json'), '{"type": "commonjs"}\n');
}
