import type {KernelBackend, KernelConfig, TensorInfo} from '@tensorflow/tfjs-core';
import {DRAW, FOLD_IN, type DrawAttrs} from '../rules/keyed.js';
import {drawWithKeys} from './draws.js';
import {childKey} from './threefry.js';

/**
 * The kernels of NOTE [keyed], for any backend. They read keys, two words each, compute on the CPU and give the backend the result: so draws are the
 * same, bit by bit, wherever they are made.
 */
export const keyedKernels = (backendName: string): KernelConfig[] => [
  {
    kernelName: DRAW,
    backendName,
    kernelFunc: ({inputs, attrs, backend}) => {
      const key = inputs['key']!;
      const {distribution, shape, range} = attrs as unknown as DrawAttrs;
      const drawn = drawWithKeys(wordsOf(key, backend), distribution, shape, range);
      return upload(
        drawn.values,
        [...key.shape.slice(0, -1), ...drawn.shape],
        drawn.dtype,
        backend,
      );
    },
  },
  {
    kernelName: FOLD_IN,
    backendName,
    kernelFunc: ({inputs, backend}) => {
      const key = inputs['key']!;
      const words = wordsOf(key, backend);
      const data = wordsOf(inputs['data']!, backend);
      const folded = new Int32Array(words.length);
      data.forEach((number, i) =>
        folded.set(childKey([words[2 * i]!, words[2 * i + 1]!], number), 2 * i),
      );
      return upload(folded, key.shape, 'int32', backend);
    },
  },
];

/** Some backends keep integers as floats. */
const wordsOf = ({dataId}: TensorInfo, backend: object): Int32Array =>
  Int32Array.from((backend as KernelBackend).readSync(dataId) as Int32Array);

const upload = (
  values: Float32Array | Int32Array,
  shape: number[],
  dtype: 'float32' | 'int32',
  backend: object,
): TensorInfo => ({dataId: (backend as KernelBackend).write(values, shape, dtype), shape, dtype});
