/** `npm run quickstart`: from a fresh clone to a trained classifier. Options go to the demo: `npm run quickstart -- --help`. */
import {spawn} from 'node:child_process';
import {join} from 'node:path';
import {installPackages, root, setUpTensorflow} from './setup.mjs';

installPackages();
if (!(await setUpTensorflow())) console.log('setup: no tensorflow backend here; wasm will do');

const args = ['--import', 'tsx', join(root, 'demos/dp-mnist/main.ts'), ...process.argv.slice(2)];
const child = spawn(process.execPath, args, {
  cwd: root,
  stdio: 'inherit',
  env: {...process.env, TF_CPP_MIN_LOG_LEVEL: '2'},
});
// Ctrl-C reaches the demo as well, which stops cleanly: wait for it.
process.on('SIGINT', () => {});
child.on('close', (code, signal) => (process.exitCode = signal ? 1 : code));
