/**
 * Installs what a fresh clone lacks. Only Node's own modules are used here: this runs before node_modules exists.
 * `node scripts/setup.mjs` does it by hand.
 */
import {spawn, spawnSync} from 'node:child_process';
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {installTfjsNode, tfjsNodeWorks} from './install-tfjs-node.mjs';

export const root = fileURLToPath(new URL('..', import.meta.url));
export const isCI = !['', '0', 'false'].includes(process.env.CI ?? '');

const windows = process.platform === 'win32';

/** How long the ordinary download of libtensorflow may bring nothing, and how long it may take. */
const SILENCE_MS = 20_000;
const DOWNLOAD_MS = 600_000;

/** Says something that must not be overlooked. */
export function shout(...lines) {
  const width = Math.max(...lines.map((line) => line.length)) + 4;
  console.log(
    ['', '!'.repeat(width), ...lines.map((line) => `! ${line}`), '!'.repeat(width), ''].join('\n'),
  );
}

function isInstalled() {
  const read = (path) => JSON.parse(readFileSync(join(root, path), 'utf8')).packages;
  if (!existsSync(join(root, 'node_modules/.package-lock.json'))) return false;
  const installed = read('node_modules/.package-lock.json');
  return Object.entries(read('package-lock.json')).every(
    ([path, {version, optional}]) =>
      path === '' || optional || installed[path]?.version === version,
  );
}

/** Makes node_modules agree with package-lock.json. No package but tfjs-node needs its install script. */
export function installPackages() {
  if (isInstalled()) return;
  console.log('setup: installing packages (npm ci)');
  const {status} = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: root,
    shell: windows,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('setup: npm ci failed');
}

/** Runs tfjs-node's own install script, which downloads libtensorflow; gives up where nothing comes. */
function rebuildTfjsNode() {
  const deps = join(root, 'node_modules/@tensorflow/tfjs-node/deps');
  return new Promise((resolve) => {
    const child = spawn('npm', ['rebuild', '@tensorflow/tfjs-node', '--ignore-scripts=false'], {
      cwd: root,
      shell: windows,
      detached: !windows, // a process group of its own, so that npm's children end with it
      stdio: 'ignore',
    });
    const stop = () => (windows ? child.kill() : process.kill(-child.pid));
    const silence = setTimeout(() => {
      if (!existsSync(deps) || readdirSync(deps).length === 0) stop();
    }, SILENCE_MS);
    const deadline = setTimeout(stop, DOWNLOAD_MS);
    child
      .on('error', () => resolve())
      .on('exit', () => {
        clearTimeout(silence);
        clearTimeout(deadline);
        resolve();
      });
  });
}

/** Whether the `tensorflow` backend can be used, after trying to make it so. */
export async function setUpTensorflow() {
  if (tfjsNodeWorks()) return true;
  console.log('setup: installing the native library of @tensorflow/tfjs-node');
  await rebuildTfjsNode();
  if (tfjsNodeWorks()) return true;
  console.log(
    'setup: it cannot be downloaded the ordinary way; building it from the TensorFlow wheel',
  );
  try {
    installTfjsNode();
  } catch (error) {
    console.log(`setup: ${error.message}`);
  }
  return tfjsNodeWorks();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  installPackages();
  console.log(
    (await setUpTensorflow()) ? 'setup: everything is there' : 'setup: no tensorflow backend',
  );
}
