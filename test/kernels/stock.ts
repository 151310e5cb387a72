import * as tf from '@tensorflow/tfjs-core';
import {backends, type BackendName} from '../backends.js';

/** The kernels that each backend brings. Has to be loaded before the library, which gives backends what they lack. */
export const stockKernels: ReadonlyMap<BackendName, ReadonlySet<string>> = new Map(
  backends.map((backend) => [
    backend,
    new Set(tf.getKernelsForBackend(backend).map(({kernelName}) => kernelName)),
  ]),
);
