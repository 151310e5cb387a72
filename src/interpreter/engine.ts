import * as tf from '@tensorflow/tfjs-core';
import type {DataId, KernelBackend, NamedTensorMap, Tensor} from '@tensorflow/tfjs-core';

/**
 * NOTE [engine]
 * The parts of tfjs's engine that this library stands on, some of them private in its types, all of them the same from tfjs 3.0
 * to 4.22. They are named here and used through this file only. `tf.engine()` is one object for every bundle on the page.
 */
export interface EngineInternals {
  readonly state: {
    tensorInfo: TensorInfos;
    readonly gradientDepth: number;
    activeTape: readonly {readonly saved?: readonly Tensor[]}[] | null;
    numDataBuffers: number;
    readonly activeScope: {readonly name: string} | null;
  };
  readonly registeredVariables: Readonly<Record<string, tf.Variable>>;
  readonly backendName: string;
  readonly backend: KernelBackend;
  runKernelFunc(call: KernelFuncCall): Tensor | Tensor[];
  makeTensorFromTensorInfo(info: tf.TensorInfo, backend: KernelBackend): Tensor;
  startScope(name?: string): void;
  endScope(result?: tf.TensorContainer): void;
  /** Whether a kernel that runs now is recorded: not where one runs inside another. */
  isTapeOn(): boolean;
  readSync(dataId: DataId): tf.backend_util.BackendValues;
  read(dataId: DataId): Promise<tf.backend_util.BackendValues>;
}

/** What the engine knows of a tensor's data. */
export interface DataInfo {
  readonly backend: KernelBackend;
}

/** What the engine uses of its table, a WeakMap. */
export type TensorInfos = Pick<WeakMap<DataId, DataInfo>, 'has' | 'get' | 'set' | 'delete'>;

/** `runKernelFunc` gets either a kernel by name, or the two functions of a `tf.customGrad`. */
export type KernelFuncCall = NamedKernelCall | CustomGradCall;

export interface NamedKernelCall {
  readonly kernelName: string;
  readonly inputs: NamedTensorMap;
  readonly attrs?: object;
}

export interface CustomGradCall {
  readonly forwardFunc: (
    backend: KernelBackend | null,
    save: (tensors: Tensor[]) => void,
  ) => Tensor | Tensor[];
  readonly backwardsFunc: (dy: Tensor, saved: Tensor[]) => {[index: string]: () => Tensor};
  readonly inputs: NamedTensorMap;
}

export const engine = tf.engine() as unknown as EngineInternals;

const prototype = Object.getPrototypeOf(engine) as EngineInternals;
const engineClass = prototype.constructor as unknown as {readonly nextTensorId: number};

/** tfjs's own implementation, whatever stands on the engine object now. */
export function runStock(call: KernelFuncCall): Tensor | Tensor[] {
  return prototype.runKernelFunc.call(engine, call);
}

/** The id that the next tensor will get: tensors with this id or a higher one are made after this moment. */
export const nextTensorId = (): number => engineClass.nextTensorId;

/** Whether tfjs's own tape records the kernels that run now. */
export const isStockTapeOn = (): boolean => engine.state.gradientDepth > 0;

/**
 * Runs a part of a gradient that is on tfjs's own tape. When a gradient throws, tfjs forgets what its tape has saved for the others, which
 * would stay in memory for good.
 */
export function releasingTape<R>(body: () => R): R {
  try {
    return body();
  } catch (error) {
    // While a tape of a higher order is still recording, the saved tensors are that one's, too.
    if (!isStockTapeOn()) {
      for (const {saved} of engine.state.activeTape ?? []) saved?.forEach((x) => x.dispose());
      engine.state.activeTape = null;
    }
    throw error;
  }
}
