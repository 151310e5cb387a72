import type * as tf from '@tensorflow/tfjs-core';
import type {HostTensor, Values} from './host.js';
import {loadTfjs64} from './tfjs64.js';

/** An instance of tfjs. */
export type Tfjs = typeof tf;

export type KernelInputs<T> = Readonly<Record<string, T | undefined>> | readonly T[];

let loaded: Tfjs | undefined;

/** The second tfjs. Its tensors and those of the ordinary one do not mix. */
export function tfjs64(): Tfjs {
  loaded ??= checked(loadTfjs64());
  return loaded;
}

/** Runs one kernel in double precision; a kernel with one output gives an array of one. */
export function run(
  kernel: string,
  inputs: KernelInputs<HostTensor>,
  attrs: Readonly<Record<string, unknown>> = {},
): HostTensor[] {
  return evaluate(Object.values(inputs), (tf64, tensors) => {
    // Null for an input that is not given, as tfjs's own ops have it.
    const named = Array.isArray(inputs)
      ? tensors
      : Object.fromEntries(Object.keys(inputs).map((name, i) => [name, tensors[i] ?? undefined]));
    return tf64
      .engine()
      .runKernel<tf.Tensor | tf.Tensor[]>(
        kernel,
        named as unknown as tf.NamedTensorMap,
        attrs as tf.NamedAttrMap,
      );
  });
}

/** Calls `f` with the second tfjs and the inputs as tensors of it, and reads its results. */
export function evaluate(
  inputs: readonly (HostTensor | undefined)[],
  f: (tf64: Tfjs, tensors: (tf.Tensor | undefined)[]) => tf.Tensor | tf.Tensor[],
): HostTensor[] {
  const tf64 = tfjs64();
  const engine = tf64.engine();
  engine.startScope();
  try {
    const tensors = inputs.map((input) => {
      if (input === undefined) return undefined;
      // Not tf.tensor, which takes a Float64Array for a nested list.
      const make = (values: Values, dtype: tf.DataType) =>
        engine.makeTensor(values as unknown as tf.DataValues, [...input.shape], dtype);
      const values = widened(input);
      if (input.dtype !== 'complex64') return make(values, input.dtype);
      const [re, im] = [0, 1].map((part) => values.filter((_, i) => i % 2 === part));
      return tf64.complex(make(re!, 'float32'), make(im!, 'float32'));
    });
    const results = f(tf64, tensors);
    return (Array.isArray(results) ? results : [results]).map((tensor) => ({
      shape: [...tensor.shape],
      dtype: tensor.dtype,
      values: (tensor.dataSync() as Values).slice(),
    }));
  } finally {
    engine.endScope();
  }
}

/** A copy, for some kernels write into their inputs. */
function widened({dtype, values}: HostTensor): Values {
  return dtype === 'float32' || dtype === 'complex64' ? Float64Array.from(values) : values.slice();
}

function checked(core: Tfjs): Tfjs {
  const [probe] = core.tidy(() => {
    const one = core
      .engine()
      .makeTensor(Float64Array.of(1) as unknown as tf.DataValues, [1], 'float32');
    return [...core.exp(one).dataSync()];
  }) as unknown as number[];
  if (probe !== Math.E) {
    throw new Error(`the float64 reference computes in single precision: exp(1) = ${probe}`);
  }
  return core;
}
