import * as tf from '@tensorflow/tfjs-core';

/** What a tensor holds, in JavaScript's own memory. Strings are bytes; complex numbers are pairs, one after the other. */
export interface Snapshot {
  readonly shape: readonly number[];
  readonly dtype: tf.DataType;
  readonly values: Values;
}

type Values = Float32Array | Int32Array | Uint8Array | readonly Uint8Array[];

export function take(tensor: tf.Tensor): Snapshot {
  const {shape, dtype, dataId} = tensor;
  const values = tf.engine().readSync(dataId) as Float32Array | readonly Uint8Array[];
  return {shape: [...shape], dtype, values: copy(dtype, values)};
}

function copy(dtype: tf.DataType, values: Float32Array | readonly Uint8Array[]): Values {
  switch (dtype) {
    case 'string':
      return [...(values as readonly Uint8Array[])];
    case 'int32':
      return Int32Array.from(values as Float32Array);
    case 'bool':
      return Uint8Array.from(values as Float32Array);
    default:
      return Float32Array.from(values as Float32Array);
  }
}

/** A new tensor. Its data is a copy: kernels of the cpu backend may write into their inputs. */
export function restore({shape, dtype, values}: Snapshot): tf.Tensor {
  if (dtype === 'complex64') {
    const parts = [0, 1].map((part) =>
      tf.tensor(
        (values as Float32Array).filter((_, i) => i % 2 === part),
        [...shape],
        'float32',
      ),
    );
    return tf.complex(parts[0]!, parts[1]!);
  }
  const data = values.slice() as unknown as tf.DataValues;
  return tf.engine().makeTensor(data, [...shape], dtype);
}

/** Equal-shaped tensors one after the other along a new first dimension. */
export function batchOf(examples: readonly Snapshot[]): Snapshot {
  const [{shape, dtype}] = examples as [Snapshot];
  const parts: unknown[] = examples.flatMap(({values}) => [...values]);
  const values = dtype === 'string' ? (parts as Uint8Array[]) : copy(dtype, parts as never);
  return {shape: [examples.length, ...shape], dtype, values};
}

/** One example of a batch. */
export function exampleOf({shape: [size, ...shape], dtype, values}: Snapshot, i: number): Snapshot {
  const length = values.length / size!;
  return {shape, dtype, values: values.slice(i * length, (i + 1) * length)};
}
