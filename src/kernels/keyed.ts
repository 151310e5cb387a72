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
      const whole = [...key.shape.slice(0, -1), ...drawn.shape];
      const result = upload(drawn.values, whole, drawn.dtype, backend);
      if (distribution === 'keys') remember(result, drawn.values as Int32Array);
      return result;
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
      const result = upload(folded, key.shape, 'int32', backend);
      remember(result, folded);
      return result;
    },
  },
];

/**
 * The words of keys. WebGL keeps integers as floats, and rounds them when it moves them to the GPU: what is known of a key from before holds,
 * lest the same key gives other numbers once an op has used it.
 */
const known = new WeakMap<object, Int32Array>();

const remember = ({dataId}: TensorInfo, words: Int32Array): void => {
  known.set(dataId, words);
};

function wordsOf(key: TensorInfo, backend: object): Int32Array {
  const {dataId} = key;
  const words =
    known.get(dataId) ?? Int32Array.from((backend as KernelBackend).readSync(dataId) as Int32Array);
  remember(key, words);
  return words;
}

const upload = (
  values: Float32Array | Int32Array,
  shape: number[],
  dtype: 'float32' | 'int32',
  backend: object,
): TensorInfo => ({dataId: (backend as KernelBackend).write(values, shape, dtype), shape, dtype});
