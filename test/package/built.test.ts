import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {fileURLToPath} from 'node:url';
import {runInNewContext} from 'node:vm';
import type * as Tf from '@tensorflow/tfjs-core';
import type * as Functorch from '../../src/index.js';
import {smokeTests} from '../smoke.js';

/** What the scripts of a page leave on `window`. */
interface Page {
  window: Page;
  tf: typeof Tf;
  tfFunctorch: typeof Functorch;
}

interface Modules {
  tf: typeof Tf;
  functorch: typeof Functorch;
}

const require = createRequire(import.meta.url);
const name: string = 'tfjs-functorch'; // a string, so that the types do not wait for a build

/** How users get at each build. The package's own name goes through its `exports`. */
const builds: Record<string, () => Promise<Modules>> = {
  esm: async () => {
    await import('@tensorflow/tfjs-backend-cpu');
    return {tf: await import('@tensorflow/tfjs-core'), functorch: await import(name)};
  },
  cjs: async () => {
    require('@tensorflow/tfjs-backend-cpu');
    return {tf: require('@tensorflow/tfjs-core'), functorch: require(name)};
  },
  umd: async () => {
    // A window with a document is what makes tfjs take this for a browser.
    const page = {console, performance, setTimeout, document: {}} as unknown as Page;
    page.window = page;
    const script = (path: string) =>
      runInNewContext(readFileSync(path, 'utf8'), page, {filename: path});
    script(require.resolve('@tensorflow/tfjs-core/dist/tf-core.min.js'));
    script(require.resolve('@tensorflow/tfjs-backend-cpu/dist/tf-backend-cpu.min.js'));
    script(fileURLToPath(new URL('../../dist/umd/tfjs-functorch.min.js', import.meta.url)));
    return {tf: page.tf, functorch: page.tfFunctorch};
  },
};

const build = process.env.BUILD ?? 'esm';

describe(`the ${build} build`, () => {
  let modules: Modules;
  before(async () => {
    modules = await builds[build]();
    modules.tf.env().set('IS_TEST', true); // no advice to install tfjs-node
    await modules.tf.setBackend('cpu');
  });

  smokeTests(() => modules);
});
