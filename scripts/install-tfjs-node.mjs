/**
 * Makes @tensorflow/tfjs-node work where its prebuilt library can't be downloaded: the C library and its headers come
 * from PyPI's tensorflow-cpu wheel, and tfjs-node's own binding is compiled against them.
 *
 * Linux x64 with python3 (and pip), g++ and strip. Fetches 214 MB once and keeps 440 MB in the user's cache.
 */
import {execFileSync, spawnSync} from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {homedir} from 'node:os';
import {basename, dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

// tfjs-node 4.22 was written for TensorFlow 2.9. This is the newest that serves it as well: from 2.17 on, round() of an
// int32 tensor silently gives zeros.
const TENSORFLOW = '2.16.2';
const WHEEL_SHA256 = 'c855cb6bf05d32dd5928086b03a5f6b4189b63c22b95e017703cbee4291023ca';

const modules = fileURLToPath(new URL('../node_modules', import.meta.url));
const tfjsNode = join(modules, '@tensorflow/tfjs-node');
const deps = join(tfjsNode, 'deps');
const binding = join(tfjsNode, 'lib', 'napi-v8', 'tfjs_binding.node');
const caches = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tfjs-functorch');
const library = join(caches, `tensorflow-${TENSORFLOW}`);

const PROBE = `
  const tf = require('@tensorflow/tfjs-node');
  const right = tf.getBackend() === 'tensorflow' && tf.matMul([[1, 2]], [[3], [4]]).dataSync()[0] === 11 &&
    tf.round(tf.tensor1d([7], 'int32')).dataSync()[0] === 7;
  process.exit(right ? 0 : 1);`;

/** Whether tfjs-node loads and computes. A library that we linked for another version counts as missing. */
export function tfjsNodeWorks() {
  const linked = lstatSync(deps, {throwIfNoEntry: false})?.isSymbolicLink();
  if (linked && basename(readlinkSync(deps)) !== basename(library)) return false;
  const {status} = spawnSync(process.execPath, ['-e', PROBE], {
    cwd: dirname(modules),
    stdio: 'ignore',
  });
  return status === 0;
}

const UNPACK = `
import sys, zipfile
wanted = tuple('tensorflow/' + name for name in (
    'libtensorflow_cc.so.2', 'libtensorflow_framework.so.2', 'THIRD_PARTY_NOTICES.txt', 'include/LICENSE',
    'include/tensorflow/c/', 'include/tensorflow/core/platform/ctstring',
    'include/tsl/c/', 'include/tsl/platform/ctstring'))
with zipfile.ZipFile(sys.argv[1]) as wheel:
    wheel.extractall(sys.argv[2], [name for name in wheel.namelist() if name.startswith(wanted)])
`;

/** Runs a program whose arguments come as one line, with lists for those that may hold spaces. */
function run(program, ...args) {
  execFileSync(
    program,
    args.flatMap((arg) => (Array.isArray(arg) ? arg : arg.split(' '))),
    {
      stdio: 'inherit',
    },
  );
}

/** Fetches the wheel and keeps what the compiler and the loader need of it in the cache. */
function fetchLibrary() {
  console.log(`install-tfjs-node: fetching TensorFlow ${TENSORFLOW} (214 MB)`);
  mkdirSync(caches, {recursive: true});
  const work = mkdtempSync(`${library}.`);
  try {
    const requirements = join(work, 'requirements.txt');
    const download = join(work, 'download');
    writeFileSync(requirements, `tensorflow-cpu==${TENSORFLOW} --hash=sha256:${WHEEL_SHA256}\n`);
    // The C library is the same for every Python, so one tag will do, whichever Python is running.
    const tag =
      '--implementation cp --python-version 3.11 --abi cp311 --platform manylinux2014_x86_64';
    const pip = '-m pip --disable-pip-version-check download -q --no-cache-dir --no-deps';
    run('python3', pip, '--only-binary :all:', tag, ['-d', download, '-r', requirements]);
    run('python3', ['-c', UNPACK, join(download, readdirSync(download)[0]), work]);

    const unpacked = join(work, 'tensorflow');
    mkdirSync(join(unpacked, 'lib'));
    for (const name of ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2']) {
      run('strip', '--strip-unneeded', [join(unpacked, name)]); // symbol tables: 170 MB
      renameSync(join(unpacked, name), join(unpacked, 'lib', name));
    }
    // Another run may have been faster: then its folder is there already, and is as good.
    if (!existsSync(library)) renameSync(unpacked, library);
  } finally {
    rmSync(work, {recursive: true});
  }
}

export function installTfjsNode() {
  const system = `${process.platform} ${process.arch}`;
  if (system !== 'linux x64') throw new Error(`the wheel serves linux x64 only, not ${system}`);
  for (const tool of ['python3', 'g++', 'strip']) {
    if (spawnSync(tool, ['--version'], {stdio: 'ignore'}).error) throw new Error(`needs ${tool}`);
  }
  if (!existsSync(library)) fetchLibrary();

  // A failed ordinary install leaves a folder here, and a link would land inside it.
  rmSync(deps, {recursive: true, force: true});
  symlinkSync(library, deps);
  mkdirSync(dirname(binding), {recursive: true});
  const includes = [join(library, 'include'), join(modules, 'node-api-headers/include')];
  const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'];
  run(
    'g++',
    '-std=c++17 -O2 -fPIC -shared -DNAPI_VERSION=8 -DNODE_GYP_MODULE_NAME=tfjs_binding -DBUILDING_NODE_EXTENSION',
    [`-I${tfjsNode}`, ...includes.flatMap((path) => ['-isystem', path])],
    sources.map((name) => join(tfjsNode, 'binding', name)),
    ['-o', binding, '-L', join(library, 'lib')],
    '-l:libtensorflow_cc.so.2 -l:libtensorflow_framework.so.2',
    '-Wl,-rpath,$ORIGIN/../../deps/lib',
  );
}
