import * as tf from '@tensorflow/tfjs-core';

/** What is used here of tfjs's WebGPU backend and its device. */
interface WebGpuBackend {
  readonly device: {
    pushErrorScope(filter: 'validation'): void;
    popErrorScope(): Promise<{readonly message: string} | null>;
  };
  readonly commandEncoder: object | null;
  endComputePassEncoder(): void;
  submitQueue(): void;
}

/**
 * WebGPU finds fault with a shader or a call only later, and then goes on with memory as it was. Here that makes the test fail which
 * caused it, and no other.
 */
export async function onDevice(body: () => Promise<void>): Promise<void> {
  if (tf.getBackend() !== 'webgpu') return body();
  const backend = tf.backend() as unknown as WebGpuBackend;
  const {device} = backend;
  device.pushErrorScope('validation');
  let failure: unknown;
  try {
    await body();
  } catch (error) {
    failure = error;
  }
  if (backend.commandEncoder !== null) {
    backend.endComputePassEncoder();
    backend.submitQueue();
  }
  const invalid = await device.popErrorScope();
  if (invalid !== null) throw new Error(invalid.message, {cause: failure});
  if (failure !== undefined) throw failure;
}
