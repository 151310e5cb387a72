import type {DataId, Tensor} from '@tensorflow/tfjs-core';
import {engine} from '../../interpreter/engine.js';

/** An attribute of an op as tfjs-node's kernels give it to the binding. */
export interface BindingAttr {
  readonly name: string;
  /** One of the binding's numbers TF_ATTR_…. */
  readonly type: number;
  readonly value: unknown;
}

/** What the binding tells of a tensor that an op gave. */
export interface TensorMetadata {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

/** tfjs-node's link to TensorFlow's library. Tensors and sessions go by numbers, which are never used again. */
export interface Binding {
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_SHAPE: number;
  executeOp(
    op: string,
    attrs: readonly BindingAttr[],
    inputs: readonly number[],
    numOutputs: number,
  ): TensorMetadata[];
  createTensor(shape: readonly number[], dtype: number, values: BindingValues): number;
  tensorDataSync(id: number): BindingValues;
  loadSavedModel(directory: string, tags: string): number;
  /** Names of inputs and outputs are joined by commas. */
  runSavedModel(
    session: number,
    inputs: readonly number[],
    inputNames: string,
    outputNames: string,
  ): TensorMetadata[];
  deleteSavedModel(session: number): void;
}

/** The data of a tensor: for strings, their bytes. */
export type BindingValues = ArrayBufferView | readonly Uint8Array[];

/** The parts of tfjs-node's backend that graphs stand on; some of them are private in its types. */
export interface NodeBackend {
  binding: Binding;
  readonly isUsingGpuDevice: boolean;
  readonly tensorMap: {get(dataId: DataId): {readonly dtype: number}};
  /** Numbers of the tensors in TensorFlow, where data from JavaScript goes now if it is not there yet. */
  getInputTensorIds(tensors: readonly Tensor[]): number[];
  createOutputTensor(metadata: TensorMetadata): Tensor;
}

/** The name under which tfjs-node registers its backend. */
export const BACKEND = 'tensorflow';

/** tfjs-node's backend, where it is in use and has all that is needed; else null. */
export function nodeBackend(): NodeBackend | null {
  const backend = engine.backend as unknown as Partial<NodeBackend>;
  const methods = ['executeOp', 'loadSavedModel', 'runSavedModel', 'deleteSavedModel'] as const;
  const {binding} = backend;
  return engine.backendName === BACKEND &&
    binding !== undefined &&
    methods.every((method) => typeof binding[method] === 'function')
    ? (backend as NodeBackend)
    : null;
}
