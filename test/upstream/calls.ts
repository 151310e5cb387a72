import {createHash} from 'node:crypto';
import * as tf from '@tensorflow/tfjs-core';
import {take, type Snapshot} from './snapshot.js';

/** One call of a kernel, as a test made it: enough to make it again. */
export interface KernelCall {
  readonly kernel: string;
  /** By name, or by position for the kernels that take a list; those that were left out are not there. */
  readonly inputs: Inputs;
  readonly isList: boolean;
  readonly attrs: tf.NamedAttrMap;
}

export type Inputs = Readonly<Record<string, Snapshot>>;

type RunKernel = (kernel: string, inputs: tf.NamedTensorMap, attrs?: object) => unknown;

const prototype = Object.getPrototypeOf(tf.engine()) as {runKernel: RunKernel};
const {runKernel} = prototype;

/** tfjs's own way to run a kernel, recorded or not. */
export const runStock: RunKernel = (...call) => runKernel.apply(tf.engine(), call);

/** Their results are never the same twice. */
const random = new Set(['Multinomial']);

/** Collects the kernel calls that tests make on a backend, each distinct one once. */
export class CallRecorder {
  readonly calls = new Map<string, KernelCall>();
  private keys = new Set<string>();

  constructor(private readonly backend: string) {
    const record = this.record.bind(this);
    prototype.runKernel = function (this: unknown, ...call) {
      if (this === tf.engine()) record(...call);
      return runKernel.apply(this, call);
    };
  }

  /** The keys of the calls since this was last asked. */
  takeKeys(): string[] {
    const keys = [...this.keys];
    this.keys = new Set();
    return keys;
  }

  stop(): void {
    prototype.runKernel = runKernel;
  }

  private record(kernel: string, inputs: tf.NamedTensorMap, attrs: object = {}): void {
    const call = random.has(kernel) ? null : this.snapshotOf(kernel, inputs, attrs);
    if (call === null) return;
    const key = keyOf(call);
    this.keys.add(key);
    if (!this.calls.has(key)) this.calls.set(key, call);
  }

  /** Null without inputs, and for what only the test itself can call: disposed tensors, backends of its own, objects of a browser. */
  private snapshotOf(kernel: string, inputs: tf.NamedTensorMap, attrs: object): KernelCall | null {
    const given = Object.entries(inputs ?? {}).filter(([, input]) => input != null);
    if (given.length === 0 || !given.every(([, input]) => this.isReadable(input))) return null;
    try {
      return {
        kernel,
        inputs: Object.fromEntries(given.map(([name, input]) => [name, take(input)])),
        isList: Array.isArray(inputs),
        attrs: structuredClone(attrs) as tf.NamedAttrMap,
      };
    } catch {
      return null;
    }
  }

  private isReadable(input: unknown): boolean {
    if (!(input instanceof tf.Tensor) || input.isDisposed) return false;
    const {backendName, backend, state} = tf.engine() as unknown as EngineParts;
    return backendName === this.backend && state.tensorInfo.get(input.dataId)?.backend === backend;
  }
}

interface EngineParts {
  readonly backendName: string;
  readonly backend: tf.KernelBackend;
  readonly state: {readonly tensorInfo: WeakMap<object, {readonly backend: tf.KernelBackend}>};
}

function keyOf({kernel, inputs, attrs}: KernelCall): string {
  const hash = createHash('sha1');
  hash.update(JSON.stringify([kernel, attrs], (_, value: unknown) => value ?? String(value)));
  for (const [name, {shape, dtype, values}] of Object.entries(inputs)) {
    hash.update(`${name} ${dtype} ${shape.join()} `);
    for (const part of dtype === 'string' ? (values as readonly Uint8Array[]) : [values]) {
      hash.update(part as Uint8Array);
    }
  }
  return hash.digest('base64');
}
