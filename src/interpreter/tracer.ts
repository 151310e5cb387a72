import * as tf from '@tensorflow/tfjs-core';
import type {DataType, Tensor} from '@tensorflow/tfjs-core';
import {TransformError, describe} from '../errors.js';
import {engine, isStockTapeOn, runStock, type DataInfo, type TensorInfos} from './engine.js';
import type {Level} from './level.js';

/**
 * NOTE [tracer]
 * A tracer is an ordinary tf.Tensor whose `dataId` is a TraceRecord: the level that it belongs to, and that level's payload, made of
 * tensors of lower levels. Its data backend is the tracer backend, so tfjs's own scopes and reference counts manage it: when
 * the last tensor on a record is disposed, tfjs calls `disposeData`, which frees the payload.
 */
export abstract class TraceRecord {
  /** How many tensors share this record. */
  private tensors = 1;
  /** How many others (tapes) keep the payload alive beyond the tensors. */
  private holds = 0;
  /** See NOTE [table]. */
  info: DataInfo | undefined;

  constructor(readonly level: Level) {}

  /** Frees the payload. Called once. */
  protected abstract free(): void;

  /** The tensor of a lower level whose value this tracer has. Throws where there is no such thing. */
  abstract read(): Tensor;

  get numTensors(): number {
    return this.tensors;
  }

  /** Whether somebody still needs the payload. */
  private get isAlive(): boolean {
    return this.tensors + this.holds > 0;
  }

  addTensor(): void {
    this.tensors++;
  }

  /** @returns whether that was the last tensor. */
  dropTensor(): boolean {
    this.tensors--;
    if (!this.isAlive) this.free();
    return this.tensors === 0;
  }

  hold(): void {
    this.holds++;
  }

  release(): void {
    this.holds--;
    if (!this.isAlive) this.free();
  }
}

/** The record of a tracer, or null for an ordinary tensor. */
export function recordOf(tensor: Tensor): TraceRecord | null {
  const {dataId} = tensor;
  return dataId instanceof TraceRecord ? dataId : null;
}

/** The record of a tracer of this very level, or null. */
export function recordAt<R extends TraceRecord>(
  tensor: Tensor,
  level: Level,
  kind: abstract new (...args: never[]) => R,
): R | null {
  const {dataId} = tensor;
  if (!(dataId instanceof kind) || dataId.level !== level) return null;
  if (dataId.numTensors === 0) throw disposedTracer(tensor, level);
  return dataId;
}

function disposedTracer(tensor: Tensor, {transform}: Level): TransformError {
  return new TransformError(
    `a tensor was used after it was disposed (${describe(tensor)}). Return it from the tf.tidy that made it, or keep it with tf.keep.`,
    {code: 'disposed-tensor', transform},
  );
}

/**
 * NOTE [table]
 * The engine never forgets a record: a tracer that is used when no transform runs comes to the tracer backend, through the engine's attempt to
 * fetch its data, and gets a clear error. But the engine's WeakMap of what it knows would be full of dead records, and each insertion and
 * each garbage collection dear. So in its place stands a table that keeps this on the records themselves, and leaves all else to the
 * WeakMap. It is there from the first transform on.
 */
class RecordTable implements TensorInfos {
  constructor(private readonly stock: TensorInfos) {}

  has(dataId: object): boolean {
    return dataId instanceof TraceRecord ? dataId.info !== undefined : this.stock.has(dataId);
  }

  get(dataId: object): DataInfo | undefined {
    return dataId instanceof TraceRecord ? dataId.info : this.stock.get(dataId);
  }

  set(dataId: object, info: DataInfo): never {
    if (dataId instanceof TraceRecord) dataId.info = info;
    else this.stock.set(dataId, info);
    return this as never;
  }

  delete(dataId: object): boolean {
    return this.stock.delete(dataId);
  }
}

/** Has the engine look up records in the records. It makes a new table when it is reset. */
export function tabulateRecords(): void {
  const {state} = engine;
  if (!(state.tensorInfo instanceof RecordTable)) {
    state.tensorInfo = new RecordTable(state.tensorInfo);
  }
}

/** Holds no data of its own: it passes reads on to payloads, and frees payloads when tfjs drops their tracer. */
class TracerBackend extends tf.KernelBackend {
  override readSync(dataId: object): tf.backend_util.BackendValues {
    return engine.readSync(this.source(dataId).dataId);
  }

  override async read(dataId: object): Promise<tf.backend_util.BackendValues> {
    return engine.read(this.source(dataId).dataId);
  }

  override readToGPU(dataId: object): tf.GPUData {
    return this.source(dataId).dataToGPU();
  }

  private source(dataId: object): Tensor {
    const record = dataId as TraceRecord;
    record.level.assertActive();
    return record.read();
  }

  override incRef(dataId: object): void {
    (dataId as TraceRecord).addTensor();
  }

  override refCount(dataId: object): number {
    return (dataId as TraceRecord).numTensors;
  }

  /** Never lets the engine forget a record, see NOTE [table]. */
  override disposeData(dataId: object): boolean {
    if ((dataId as TraceRecord).dropTensor()) engine.state.numDataBuffers--;
    return false;
  }

  override move(): never {
    throw new TransformError('data cannot be moved into a traced tensor.', {
      code: 'invalid-argument',
      transform: 'transforms',
    });
  }

  override memory(): {unreliable: boolean} {
    return {unreliable: false};
  }

  override numDataIds(): number {
    return 0;
  }
}

const tracerBackend = new TracerBackend();

/** Makes the tensor that user code sees for a record. It is tracked by the scope that is open. */
export function makeTracer(record: TraceRecord, shape: number[], dtype: DataType): Tensor {
  return engine.makeTensorFromTensorInfo({dataId: record, shape, dtype}, tracerBackend);
}

/** Makes a tracer the tensor of a lower level whose value it has. @returns  the record that it has there */
export function lower(tracer: Tensor): TraceRecord | null {
  const record = tracer.dataId as TraceRecord;
  const {dataId} = record.read();
  engine.state.tensorInfo.get(dataId)!.backend.incRef(dataId);
  tracerBackend.disposeData(record);
  tracer.dataId = dataId;
  return recordOf(tracer);
}

/**
 * Another tensor with the same data, as `tf.clone`, without running a kernel (unless tfjs's own tape must see it).
 * It is tracked by the scope that is open.
 */
export function alias<T extends Tensor>(tensor: T): T {
  return isStockTapeOn() && recordOf(tensor) === null
    ? (runStock({kernelName: 'Identity', inputs: {x: tensor}}) as T)
    : share(tensor);
}

/** The same, of which tfjs's own tape learns nothing: no derivative passes from the one to the other there. */
export function share<T extends Tensor>(tensor: T): T {
  const {dataId, shape, dtype} = tensor;
  const data = engine.state.tensorInfo.get(dataId);
  if (dataId instanceof TraceRecord && dataId.numTensors === 0) {
    throw disposedTracer(tensor, dataId.level);
  }
  if (data === undefined) throw new Error('Tensor is disposed.');
  data.backend.incRef(dataId);
  return engine.makeTensorFromTensorInfo({dataId, shape, dtype}, data.backend) as T;
}

/**
 * NOTE [ownership]
 * Payloads of tracers, cotangents and residuals are kept tensors with exactly one owner, who disposes them. `own` makes a
 * tensor so: a fresh one (made since `mark`, not owned yet) as it is; any other, such as an input that a rule hands back, by an alias.
 */
export function own(tensor: Tensor, mark: number): Tensor {
  const owned = tensor.id >= mark && !tensor.kept ? tensor : alias(tensor);
  owned.kept = true;
  return owned;
}

/** An owned tensor with the data of one that somebody else may dispose. See NOTE [ownership]. */
export const adopt = (tensor: Tensor): Tensor => own(tensor, Infinity);
