/** `npm run demo -- <name> [options]`, and `npm run quickstart`, which is dp-mnist: sets everything up, then runs a script of demos/. */
import {spawn} from 'node:child_process';
import {existsSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import {installPackages, root, setUpTensorflow} from './setup.mjs';

const [name = '', ...options] = process.argv.slice(2);
const mainOf = (demo) => join(root, 'demos', demo, 'main.ts');
const names = readdirSync(join(root, 'demos')).filter((demo) => existsSync(mainOf(demo)));
if (!names.includes(name)) {
  console.error(`usage: npm run demo -- <name> [options]; the demos are ${names.join(', ')}`);
  process.exit(2);
}

installPackages();
if (!(await setUpTensorflow())) console.log('setup: no tensorflow backend here; wasm will do');

const child = spawn(process.execPath, ['--import', 'tsx', mainOf(name), ...options], {
  cwd: root,
  stdio: 'inherit',
  env: {...process.env, TF_CPP_MIN_LOG_LEVEL: '2'},
});
// Ctrl-C reaches the demo as well, which stops cleanly: wait for it.
process.on('SIGINT', () => {});
child.on('close', (code, signal) => (process.exitCode = signal ? 1 : code));
