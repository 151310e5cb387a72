import {createRequire} from 'node:module';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import type {BackendName} from './backends.js';
import {provideWebGpu} from './support/dawn.js';

/** What the tests take from Node. In the browser another module has its place: test/browser/environment.ts. */
export const environment: Readonly<Record<string, string | undefined>> = process.env;

/**
 * `WASM_SIMD=no` has tfjs's wasm backend run in its build without SIMD, and the library without the code that it generates. Both ask the
 * engine what it knows by `WebAssembly.validate`.
 */
export const hasSimd = process.env['WASM_SIMD'] !== 'no';

/** The backends that there can be, in the order in which suites run. */
export const ALL: readonly BackendName[] = ['cpu', 'wasm', 'tensorflow', 'webgpu'];

/** Those of them that tests run on unless BACKENDS says otherwise: WebGPU in software is slow. */
export const USUAL: readonly BackendName[] = ['cpu', 'wasm', 'tensorflow'];

/** Backends that take a download of their own, or a graphics system: a machine may be without. */
const optional: readonly BackendName[] = ['tensorflow', 'webgpu'];

async function register(name: BackendName): Promise<void> {
  switch (name) {
    case 'cpu':
      await import('@tensorflow/tfjs-backend-cpu');
      return;
    case 'wasm': {
      if (!hasSimd) WebAssembly.validate = () => false;
      const {setWasmPaths} = await import('@tensorflow/tfjs-backend-wasm');
      const bundle = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
      setWasmPaths(path.dirname(bundle) + path.sep);
      return;
    }
    case 'tensorflow':
      await import('@tensorflow/tfjs-node');
      return;
    case 'webgpu':
      await provideWebGpu();
      await import('@tensorflow/tfjs-backend-webgpu');
      // It computes small tensors on the CPU unless told not to. The tests are about the kernels that large ones get.
      tf.env().set('WEBGPU_CPU_FORWARD', false);
      return;
    case 'webgl':
      throw new Error('Node has no WebGL');
  }
}

/** Loads the backends that are asked for; gives those that are there. CI has no excuse for one that is not. */
export async function loadBackends(names: readonly BackendName[]): Promise<BackendName[]> {
  const available: BackendName[] = [];
  for (const name of names) {
    try {
      await register(name);
      available.push(name);
    } catch (error) {
      if (!optional.includes(name) || process.env['CI'] === 'true') throw error;
      console.warn(
        `\n  !!! The ${name} backend can't be loaded; NOTHING IS TESTED ON IT: ${String(error)}\n`,
      );
    }
  }
  return available;
}
