import * as tf from '@tensorflow/tfjs-core';

export type Values = Float32Array | Float64Array | Int32Array | Uint8Array;

/**
 * A tensor's shape, dtype and numbers in JavaScript's own memory: what tests compare, away from any backend. A complex number is two numbers,
 * its real and its imaginary part, side by side.
 */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly dtype: tf.DataType;
  readonly values: Values;
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, dim) => size * dim, 1);
}

/** How many numbers an element is. */
export const widthOf = ({dtype}: {readonly dtype: tf.DataType}): number =>
  dtype === 'complex64' ? 2 : 1;

export function host(
  shape: readonly number[],
  dtype: tf.DataType,
  values: ArrayLike<number>,
): HostTensor {
  if (values.length !== sizeOf(shape) * widthOf({dtype})) {
    throw new Error(`${values.length} values do not fill the shape [${shape.join()}]`);
  }
  return {shape: [...shape], dtype, values: typedArray(dtype, values)};
}

function typedArray(dtype: tf.DataType, values: ArrayLike<number>): Values {
  switch (dtype) {
    case 'float32':
    case 'complex64':
      return Float32Array.from(values);
    case 'int32':
      return Int32Array.from(values);
    case 'bool':
      return Uint8Array.from(values);
    default:
      throw new Error(`no host array for dtype ${dtype}`);
  }
}

export function toTensor({shape, dtype, values}: HostTensor): tf.Tensor {
  const data = values instanceof Float64Array ? Float32Array.from(values) : values;
  if (dtype === 'complex64') {
    const part = (offset: number) =>
      tf.tensor(
        data.filter((_, i) => i % 2 === offset),
        [...shape],
        'float32',
      );
    return tf.tidy(() => tf.complex(part(0), part(1)));
  }
  // A copy: the cpu backend keeps the array that it is given, and some kernels write into it.
  return tf.tensor(data.slice(), [...shape], dtype);
}

export function fromTensor(tensor: tf.Tensor): HostTensor {
  return hostOf(tensor, tensor.dataSync());
}

/** WebGL gives an ordinary array for a tensor without elements. */
function hostOf({shape, dtype}: tf.Tensor, values: Values | readonly never[]): HostTensor {
  const copy = Array.isArray(values) ? new Float32Array(0) : (values as Values).slice();
  return {shape: [...shape], dtype, values: copy};
}

/** As `fromTensor`, on any backend: what lies on WebGPU can't be read at once. */
export async function read(tensor: tf.Tensor): Promise<HostTensor> {
  if (tf.getBackend() !== 'webgpu') return fromTensor(tensor);
  return hostOf(tensor, await tensor.data());
}

/** Puts equal-shaped tensors side by side along a new dimension (negative: counted in the result). */
export function stack(parts: readonly HostTensor[], dim = 0): HostTensor {
  const first = parts[0];
  if (first === undefined) {
    throw new Error('cannot stack nothing');
  }
  const rank = first.shape.length + 1;
  const at = dim < 0 ? dim + rank : dim;
  const outer = sizeOf(first.shape.slice(0, at));
  const inner = sizeOf(first.shape.slice(at)) * widthOf(first);
  const values = new (first.values.constructor as new (size: number) => Values)(
    outer * inner * parts.length,
  );
  parts.forEach((part, index) => {
    for (let i = 0; i < outer; i++) {
      const row = part.values.subarray(i * inner, (i + 1) * inner);
      values.set(row, (i * parts.length + index) * inner);
    }
  });
  const shape = [...first.shape.slice(0, at), parts.length, ...first.shape.slice(at)];
  return {shape, dtype: first.dtype, values};
}

/** x + scale · direction, in double precision. */
export function moved(x: HostTensor, scale: number, direction: HostTensor): HostTensor {
  const values = Float64Array.from(
    x.values,
    (value, i) => value + scale * (direction.values[i] ?? 0),
  );
  return {...x, values};
}

/** Of complex tensors the real part of ⟨conj(a), b⟩, in which forward and reverse mode agree. */
export function dot(a: HostTensor, b: HostTensor): number {
  let sum = 0;
  for (let i = 0; i < a.values.length; i++) {
    sum += (a.values[i] as number) * (b.values[i] as number);
  }
  return sum;
}

/** Σ|aᵢbᵢ|: the scale on which rounding errors of a dot product are to be judged. */
export function absoluteDot(a: HostTensor, b: HostTensor): number {
  let sum = 0;
  for (let i = 0; i < a.values.length; i++) {
    sum += Math.abs((a.values[i] as number) * (b.values[i] as number));
  }
  return sum;
}

export function describeTensor({shape, dtype}: {shape: readonly number[]; dtype: string}): string {
  return `${dtype}[${shape.join()}]`;
}
