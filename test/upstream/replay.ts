import * as tf from '@tensorflow/tfjs-core';
import {vmap, type TransformError} from '../../src/index.js';
import {findDifference, type Tolerance} from '../support/compare.js';
import type {HostTensor} from '../support/host.js';
import {runStock, type Inputs, type KernelCall} from './calls.js';
import {choicesOf, variantOf} from './examples.js';
import {batchOf, exampleOf, restore, take, type Snapshot} from './snapshot.js';

/** What became of a kernel call under vmap. */
export type Outcome =
  /** Every example of every batch was what the plain call gives. */
  | {readonly kind: 'agrees'; readonly checks: number}
  | {readonly kind: 'refused'; readonly reason: string}
  /** So does the plain call. */
  | {readonly kind: 'throws'}
  /** The backend's own kernel is wrong there: cpu's gives something else. */
  | {readonly kind: 'faulty'}
  | {readonly kind: 'differs'; readonly how: string};

const batchSizes = [1, 3];

const tolerance: Tolerance = {relative: 2e-6, absolute: 1e-6};
const acrossBackends: Tolerance = {relative: 1e-4, absolute: 1e-4, smallestScale: 1};

/** Makes calls again inside vmap, on the current backend. */
export class Replayer {
  /** @param reference  the backend that is asked where the current one's kernel is in doubt */
  constructor(
    private readonly backend: string,
    private readonly reference: string | null,
  ) {}

  async replayAll(calls: ReadonlyMap<string, KernelCall>): Promise<Map<string, Outcome>> {
    const outcomes = new Map<string, Outcome>();
    await tf.setBackend(this.backend);
    for (const [key, call] of calls) outcomes.set(key, await this.replay(call));
    return outcomes;
  }

  private async replay(call: KernelCall): Promise<Outcome> {
    const plain = await this.plain(call, call.inputs);
    const expected = plain ?? (await this.onReference(call));
    if (expected === null) return this.replayFailing(call);
    const outcome = await this.replayWith(call, expected, plain === null);
    if (outcome.kind !== 'differs') return outcome;
    await this.restart();
    const isFaulty =
      this.reference !== null &&
      compare(expected, await this.onReference(call), acrossBackends) !== null;
    return isFaulty ? {kind: 'faulty'} : outcome;
  }

  /** @param lacking  the backend itself can't do it: what vmap gives, in a way of its own, is compared with the reference */
  private async replayWith(
    call: KernelCall,
    first: Snapshot[],
    lacking: boolean,
  ): Promise<Outcome> {
    const bounds = lacking ? acrossBackends : {...tolerance, smallestScale: scaleOf(call.inputs)};
    let checks = 0;
    for (const names of choicesOf(call)) {
      const examples = [{inputs: call.inputs, outputs: first}];
      for (let i = 1; i < Math.max(...batchSizes); i++) {
        examples.push(lacking ? examples[0]! : await this.anotherExample(call, names, i, first));
      }
      for (const size of batchSizes) {
        const batch = examples.slice(0, size);
        const what = `batch of ${size}, mapped ${names.join()}`;
        try {
          const outputs = mapped(
            call,
            batch.map(({inputs}) => inputs),
            names,
          );
          for (const [example, {outputs: expected}] of batch.entries()) {
            const actual = outputs.map((output) => exampleOf(output, example));
            const how = compare(actual, expected, bounds);
            if (how !== null) return {kind: 'differs', how: `${what}, example ${example}: ${how}`};
          }
        } catch (error) {
          if (lacking) return {kind: 'throws'};
          const {code, message} = error as TransformError;
          return code === 'no-batching-rule'
            ? {kind: 'refused', reason: message}
            : {kind: 'differs', how: `${what}: ${message}`};
        }
        checks++;
      }
    }
    return {kind: 'agrees', checks};
  }

  /** An example with other values, where the kernel takes these and gives the same shapes; the first again where not. */
  private async anotherExample(
    call: KernelCall,
    names: readonly string[],
    index: number,
    first: Snapshot[],
  ): Promise<{inputs: Inputs; outputs: Snapshot[]}> {
    const moved = names.map((name) => [name, variantOf(call.inputs[name]!, index)] as const);
    const inputs = {...call.inputs, ...Object.fromEntries(moved)};
    const outputs = await this.plain(call, inputs);
    const fits = outputs?.every(({shape}, i) => shape.join() === first[i]!.shape.join());
    return fits ? {inputs, outputs: outputs!} : {inputs: call.inputs, outputs: first};
  }

  private replayFailing(call: KernelCall): Outcome {
    try {
      mapped(call, [call.inputs, call.inputs], Object.keys(call.inputs));
    } catch {
      return {kind: 'throws'};
    }
    return {kind: 'differs', how: 'the kernel throws, but not inside vmap'};
  }

  /** What the kernel gives, null where it throws. */
  private async plain(call: KernelCall, inputs: Inputs): Promise<Snapshot[] | null> {
    try {
      return snapshots(() => runStock(call.kernel, tensorsFor(call, inputs), call.attrs));
    } catch {
      await this.restart();
      return null;
    }
  }

  private async onReference(call: KernelCall): Promise<Snapshot[] | null> {
    if (this.reference === null) return null;
    await tf.setBackend(this.reference);
    try {
      return snapshots(() => runStock(call.kernel, tensorsFor(call, call.inputs), call.attrs));
    } catch {
      return null;
    } finally {
      await tf.setBackend(this.backend);
    }
  }

  /** A wasm kernel that failed may have written where it should not: what follows begins with new memory. */
  private async restart(): Promise<void> {
    if (this.backend !== 'wasm') return;
    Object.assign(tf.backend(), {dispose: () => undefined}); // which may fail as well
    const factory = tf.findBackendFactory(this.backend);
    tf.removeBackend(this.backend);
    tf.registerBackend(this.backend, factory);
    await tf.setBackend(this.backend);
  }
}

/** The call for a batch of examples, of which the named inputs are mapped; the others are those of the first. */
function mapped(call: KernelCall, examples: readonly Inputs[], names: readonly string[]) {
  return snapshots(() => {
    const batches = names.map((name) => restore(batchOf(examples.map((inputs) => inputs[name]!))));
    const others = tensorsFor(call, examples[0]!);
    return vmap((...tensors: tf.Tensor[]) => {
      const inputs = Object.assign(Array.isArray(others) ? [...others] : {...others});
      names.forEach((name, i) => (inputs[name as never] = tensors[i]! as never));
      return tf.engine().runKernel(call.kernel, inputs, call.attrs) as tf.Tensor[];
    })(...batches);
  });
}

function tensorsFor({isList}: KernelCall, inputs: Inputs): tf.NamedTensorMap {
  const tensors = Object.entries(inputs).map(([name, input]) => [name, restore(input)] as const);
  return isList
    ? (tensors.map(([, tensor]) => tensor) as unknown as tf.NamedTensorMap)
    : Object.fromEntries(tensors);
}

/** The tensors that a function gives, read; nothing is left of them. */
function snapshots(run: () => unknown): Snapshot[] {
  tf.engine().startScope();
  try {
    return ([run()].flat() as tf.Tensor[]).map(take);
  } finally {
    tf.engine().endScope();
  }
}

/** Sums that cancel carry the rounding errors of their terms. */
function scaleOf(inputs: Inputs): number {
  const floats = Object.values(inputs).filter(({dtype}) => dtype === 'float32');
  const magnitudes = floats.flatMap(({values}) => {
    const finite = [...(values as Float32Array)].filter(Number.isFinite).map(Math.abs);
    return finite.reduce((largest, value) => Math.max(largest, value), 0);
  });
  return Math.min(1, ...magnitudes);
}

function compare(
  actual: readonly Snapshot[],
  expected: readonly Snapshot[] | null,
  bounds: Tolerance,
): string | null {
  if (expected === null) return 'it throws';
  if (actual.length !== expected.length) {
    return `${actual.length} outputs, expected ${expected.length}`;
  }
  for (const [i, output] of actual.entries()) {
    const how = difference(output, expected[i]!, bounds);
    if (how !== null) return how;
  }
  return null;
}

function difference(actual: Snapshot, expected: Snapshot, bounds: Tolerance): string | null {
  if (expected.dtype === 'string' || actual.dtype === 'string') {
    return JSON.stringify(actual) === JSON.stringify(expected) ? null : 'other strings';
  }
  return findDifference(asHost(actual), asHost(expected), bounds);
}

/** Complex numbers are compared as pairs. */
const asHost = ({shape, dtype, values}: Snapshot): HostTensor => ({
  shape: dtype === 'complex64' ? [...shape, 2] : shape,
  dtype,
  values: values as Float32Array,
});
