import {
  findBackend,
  getKernel,
  tensor,
  type DataId,
  type KernelBackend,
  type KernelFunc,
  type NamedAttrMap,
  type NamedTensorInfoMap,
  type Tensor,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import {TransformError} from '../errors.js';
import {engine} from '../interpreter/engine.js';
import type {KernelName} from '../rules/signatures.js';

/**
 * NOTE [borrowed kernels]
 * Kernels of strings, of sparse and of ragged rows, and others whose result's shape depends on values, compute in JavaScript wherever tfjs has
 * them: a backend that lacks one gets it from the cpu backend. Its inputs are read, which WebGPU can do in a browser only, and its results
 * given to the backend in use. `@tensorflow/tfjs` and tfjs-node bring the cpu backend along.
 */
export const borrowed: {readonly [backend: string]: readonly KernelName[]} = {
  wasm: ['RaggedGather', 'RaggedRange', 'RaggedTensorToTensor', 'StaticRegexReplace'],
  tensorflow: [
    'BitwiseAnd',
    'RaggedGather',
    'RaggedRange',
    'RaggedTensorToTensor',
    'SearchSorted',
    'SparseFillEmptyRows',
    'SparseReshape',
    'SparseSegmentMean',
    'SparseSegmentSum',
    'StringNGrams',
    'StringSplit',
    'StringToHashBucketFast',
  ],
  webgpu: [
    'BitwiseAnd',
    'NonMaxSuppressionV4',
    'RaggedGather',
    'RaggedRange',
    'RaggedTensorToTensor',
    'SparseFillEmptyRows',
    'SparseReshape',
    'StaticRegexReplace',
    'StringSplit',
    'StringToHashBucketFast',
    'Unique',
  ],
};

type Values = Parameters<KernelBackend['move']>[1];

/** The backend that lends. Its first write recommends tfjs-node to everybody in Node, also to those who have it. */
type Lender = KernelBackend & {firstUse?: boolean};

/** A tensor, or a list of them: the splits of ragged rows. */
type Input = Tensor | readonly Tensor[] | undefined;

export const borrowedKernel =
  (name: KernelName): KernelFunc =>
  ({inputs, attrs}) => {
    const kernel = getKernel(name, 'cpu');
    const cpu = findBackend('cpu') as Lender | null;
    if (kernel == null || cpu == null) {
      throw new TransformError(
        `the ${engine.backendName} backend has no kernel '${name}', and the cpu backend, which has, is not loaded. ` +
          `Import '@tensorflow/tfjs-backend-cpu', or '@tensorflow/tfjs', which contains it.`,
        {code: 'kernel-failed', transform: 'tfjs', kernel: name},
      );
    }
    cpu.firstUse = false;
    const held = new Set<DataId>();
    const lend = ({dataId, shape, dtype}: Tensor): TensorInfo => {
      const copy = {dataId: {}, shape, dtype};
      cpu.move(copy.dataId, read(name, dataId), shape, dtype, 1);
      held.add(copy.dataId);
      return copy;
    };
    try {
      const given = Object.entries(inputs as Readonly<Record<string, Input>>).map(
        ([input, value]) => [input, lendAll(value, lend)] as const,
      );
      const result = kernel.kernelFunc({
        inputs: Object.fromEntries(given) as unknown as NamedTensorInfoMap,
        attrs: attrs as NamedAttrMap,
        backend: cpu,
      });
      for (const {dataId} of [result].flat()) held.add(dataId);
      const takeBack = ({dataId, shape, dtype}: TensorInfo): Tensor =>
        tensor(cpu.readSync(dataId) as Float32Array, shape, dtype);
      return Array.isArray(result) ? result.map(takeBack) : takeBack(result);
    } finally {
      for (const dataId of held) cpu.disposeData(dataId, true);
    }
  };

const lendAll = (value: Input, lend: (x: Tensor) => TensorInfo): unknown =>
  Array.isArray(value) ? (value as Tensor[]).map(lend) : value && lend(value as Tensor);

function read(kernel: string, dataId: DataId): Values {
  try {
    return engine.readSync(dataId) as Values;
  } catch (cause) {
    throw new TransformError(
      `kernel '${kernel}' computes on the CPU and reads its inputs at once, which ${engine.backendName} can't do here ` +
        `(WebGPU only does in a browser). Compute it on another backend, on what comes of 'await x.data()'.`,
      {code: 'kernel-failed', transform: 'tfjs', kernel, cause},
    );
  }
}
