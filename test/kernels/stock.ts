import * as tf from '@tensorflow/tfjs-core';
import {backends, type BackendName} from '../backends.js';

// Of tfjs's backends only wasm has this kernel; the library gives it to the others.
if (backends.some((name) => name !== 'wasm' && tf.getKernel('LogicalXor', name) != null)) {
  throw new Error('the library was loaded first: import test/kernels/stock.ts at the top');
}

/** The kernels that each backend brings. Has to be loaded before the library, which gives backends what they lack. */
export const stockKernels: ReadonlyMap<BackendName, ReadonlySet<string>> = new Map(
  backends.map((backend) => [
    backend,
    new Set(tf.getKernelsForBackend(backend).map(({kernelName}) => kernelName)),
  ]),
);
