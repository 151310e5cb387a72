// Its own gradients come first, as for users who load tfjs before the library.
import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import {ALL, environment, loadBackends, USUAL} from './environment.js';
import {onDevice} from './support/device.js';

export type BackendName = 'cpu' | 'wasm' | 'tensorflow' | 'webgl' | 'webgpu';

/** Backends whose data can be read at once, as most tests do. On WebGPU one has to wait for it. */
const synchronous: readonly BackendName[] = ['cpu', 'wasm', 'tensorflow', 'webgl'];

export const everyBackend: readonly BackendName[] = ALL;

/** The backends that `BACKENDS` asks for (the usual ones without it), in a fixed order. */
function requestedBackends(): readonly BackendName[] {
  const asked = environment['BACKENDS']?.split(',').map((name) => name.trim());
  const unknown = asked?.filter((name) => !ALL.includes(name as BackendName)) ?? [];
  if (unknown.length > 0) {
    throw new Error(`BACKENDS names ${unknown.join()}; known are ${ALL.join()}`);
  }
  return asked === undefined ? USUAL : ALL.filter((name) => asked.includes(name));
}

// Keeps tfjs from advising tfjs-node whenever another backend starts.
tf.env().set('PROD', true);

export const backends: readonly BackendName[] = await loadBackends(requestedBackends());

export interface BackendSuiteOptions {
  /** Declares the suite for these only; without it, for those that can be read at once. */
  readonly only?: readonly BackendName[];
  /** Lets tests leave data buffers behind, as kernels of tfjs do when they throw in the middle. */
  readonly ignoreBuffers?: boolean;
}

/**
 * Declares a suite of tests once for each available backend. Each test runs with that backend, must leave no tensor behind, and
 * must leave the engine as tfjs made it: a test that doesn't fails itself, and the others go on.
 */
export function describeBackends(
  title: string,
  declare: (name: BackendName) => void,
  {only = synchronous, ignoreBuffers = false}: BackendSuiteOptions = {},
): void {
  for (const name of backends.filter((backend) => only.includes(backend))) {
    describe(`${title} (${name})`, function () {
      // In software, each new shader takes long to compile.
      if (name.startsWith('webg')) this.timeout(120_000);
      declare(name);
      this.eachTest((test) => {
        const body = test.fn;
        if (body !== undefined) {
          test.fn = guarded(name, body as Body, ignoreBuffers);
        }
      });
    });
  }
}

type Body = (this: Mocha.Context) => unknown;

/** A test's body, with what must hold of a test of a backend. */
export function guarded(
  name: BackendName,
  body: Body,
  ignoreBuffers = false,
): (this: Mocha.Context) => Promise<void> {
  if (body.length > 0) {
    throw new Error('a test of a backend returns a promise instead of calling done()');
  }
  return async function () {
    await useBackend(name);
    const before = tf.memory();
    try {
      await onDevice(async () => {
        await body.call(this);
      });
    } catch (error) {
      if (name === 'wasm') await restart(name);
      throw error;
    } finally {
      // A kernel of tfjs that is called with shapes that don't fit can make a tensor of size NaN, and this sum with it.
      const {state} = tf.engine();
      if (Number.isNaN(state.numBytes)) state.numBytes = before.numBytes;
      assertEngineIsClean();
    }
    const after = tf.memory();
    assertSame('tensors', before.numTensors, after.numTensors);
    if (!ignoreBuffers) {
      assertSame('data buffers', before.numDataBuffers, after.numDataBuffers);
    }
  };
}

/** A wasm kernel that writes where it should not breaks the kernels that run after it: each failure begins with new memory. */
async function restart(name: BackendName): Promise<void> {
  const factory = tf.findBackendFactory(name);
  tf.removeBackend(name);
  tf.registerBackend(name, factory);
  await useBackend(name);
}

export async function useBackend(name: BackendName): Promise<void> {
  if (tf.getBackend() !== name) {
    await tf.setBackend(name);
    await tf.ready();
  }
}

/** While no transform runs, tfjs's engine has none of our properties. */
export function assertEngineIsClean(): void {
  const own = Object.keys(tf.engine()).filter((key) => key in ENGINE_METHODS);
  if (own.length > 0) {
    throw new Error(`the engine still has its own ${own.join()}`);
  }
}

const ENGINE_METHODS = Object.getOwnPropertyDescriptors(Object.getPrototypeOf(tf.engine()));

function assertSame(what: string, before: number, after: number): void {
  if (after !== before) {
    throw new Error(`the test began with ${before} ${what} and ended with ${after}`);
  }
}
