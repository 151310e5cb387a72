// Before the library: it looks at what the backends bring.
import '../kernels/stock.js';
import '@tensorflow/tfjs-backend-cpu';
import {setWasmPaths} from '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-backend-webgl';
import '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import * as functorch from '../../src/index.js';
import {smokeTests} from '../smoke.js';

setWasmPaths('/wasm/');

/** Whether the browser offers WebGPU; every browser offers the others. */
async function hasWebGpu(): Promise<boolean> {
  const {gpu} = navigator as {gpu?: {requestAdapter(): Promise<unknown>}};
  return Boolean(await gpu?.requestAdapter());
}

for (const backend of ['cpu', 'wasm', 'webgl', 'webgpu']) {
  describe(`in the browser on ${backend}`, () => {
    before(async function () {
      if (backend === 'webgpu' && !(await hasWebGpu())) this.skip();
      if (!(await tf.setBackend(backend))) throw new Error(`the ${backend} backend does not start`);
      await tf.ready();
    });

    smokeTests(() => ({tf, functorch}));
  });
}
