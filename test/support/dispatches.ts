import * as tf from '@tensorflow/tfjs-core';

/** How many programs the backend runs meanwhile, the most tensors that one of them reads, and the result. */
export function dispatches<R>(body: () => R): [count: number, result: R, mostInputs: number] {
  const backend = tf.backend() as unknown as Record<string, (...args: unknown[]) => unknown>;
  const method = 'runWebGPUProgram' in backend ? 'runWebGPUProgram' : 'runWebGLProgram';
  const run = backend[method]!;
  let [count, mostInputs] = [0, 0];
  backend[method] = (...args) => {
    count++;
    mostInputs = Math.max(mostInputs, (args[1] as readonly unknown[]).length);
    return run.apply(backend, args);
  };
  try {
    const result = body();
    return [count, result, mostInputs];
  } finally {
    delete backend[method];
  }
}
