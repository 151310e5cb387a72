import '@tensorflow/tfjs-backend-cpu';
import {setWasmPaths} from '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-backend-webgl';
import '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import type {BackendName} from '../backends.js';

/** In the place of test/environment.ts, in the browser. The bundler puts the variables of the environment here. */
export const environment: Readonly<Record<string, string | undefined>> = process.env;

/** Every browser offers these; WebGPU takes a Vulkan, and Chromium brings one. */
export const ALL: readonly BackendName[] = ['cpu', 'wasm', 'webgl', 'webgpu'];

export const USUAL: readonly BackendName[] = [...ALL];

export function loadBackends(names: readonly BackendName[]): Promise<readonly BackendName[]> {
  setWasmPaths('/wasm/');
  // They compute small tensors on the CPU unless told not to. The tests are about the kernels that large ones get.
  tf.env().set('WEBGL_CPU_FORWARD', false);
  tf.env().set('WEBGPU_CPU_FORWARD', false);
  return Promise.resolve(names);
}
