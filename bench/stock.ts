import * as tf from '@tensorflow/tfjs-core';

interface Registry {
  readonly kernels: ReadonlyMap<string, tf.KernelConfig>;
  readonly gradients: ReadonlyMap<string, tf.GradConfig>;
}

function snapshot(backend: string): Registry {
  const kernels = tf
    .getKernelsForBackend(backend)
    .map((config) => [config.kernelName, config] as const);
  const gradients = kernelNames.flatMap((name) => {
    const config = tf.getGradient(name);
    return config == null ? [] : [[name, config] as const];
  });
  return {kernels: new Map(kernels), gradients: new Map(gradients)};
}

/** tfjs-core exports the name of each kernel as a constant that starts with a capital. */
const kernelNames = Object.entries(tf)
  .filter(([name, value]) => /^_?[A-Z]/.test(name) && typeof value === 'string')
  .map(([, value]) => value as string);

/**
 * tfjs as it is without the library. Importing the library gives tfjs's registries the gradients and kernels that they lack, and better
 * ones for some: code that is timed as stock has to run without them.
 */
export class StockTfjs {
  private readonly stock: Registry;
  private extended?: Registry;

  /** To be made before the library is loaded. */
  constructor(private readonly backend: string) {
    this.stock = snapshot(backend);
  }

  /** To be called when the library is loaded. */
  libraryLoaded(): void {
    this.extended = snapshot(this.backend);
  }

  /** Runs code with the registries as tfjs has them by itself; of an async function the part before its first `await`. */
  during<R>(body: () => R): R {
    const {stock, extended} = this;
    if (extended === undefined) throw new Error('StockTfjs: the library is not loaded yet.');
    exchange(this.backend, extended, stock);
    try {
      return body();
    } finally {
      exchange(this.backend, stock, extended);
    }
  }
}

function exchange(backend: string, from: Registry, to: Registry): void {
  for (const [name, config] of from.kernels) {
    if (to.kernels.get(name) !== config) tf.unregisterKernel(name, backend);
  }
  for (const [name, config] of to.kernels) {
    if (from.kernels.get(name) !== config) tf.registerKernel(config);
  }
  for (const [name, config] of from.gradients) {
    if (to.gradients.get(name) !== config) tf.unregisterGradient(name);
  }
  for (const [name, config] of to.gradients) {
    if (from.gradients.get(name) !== config) tf.registerGradient(config);
  }
}
