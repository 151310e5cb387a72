import {backend, type DataType, type Tensor} from '@tensorflow/tfjs-core';
import {engine} from '../interpreter/engine.js';
import {add, concat, reshape, slice, transpose, zeros} from '../rules/ops.js';
import {imag, real} from '../rules/parts.js';
import {run} from '../rules/rule.js';

/**
 * NOTE [pairs]
 * The wasm backend has no complex numbers. There a complex64 tensor of shape `[…]` shares the data of a float32 tensor `[…, 2]`, the real
 * part and the imaginary part of each element side by side: the backend keeps, reads (in the order that tfjs wants) and frees it like
 * any other data. The kernels of the backend never see such a tensor, but for those that only pass data on (Reshape).
 */
function sharing(x: Tensor, shape: number[], dtype: DataType): Tensor {
  const owner = backend();
  owner.incRef(x.dataId);
  return engine.makeTensorFromTensorInfo({dataId: x.dataId, shape, dtype}, owner);
}

const fromPairs = (pairs: Tensor): Tensor => sharing(pairs, pairs.shape.slice(0, -1), 'complex64');

/** The data of a complex tensor as it lies there. */
function toPairs(z: Tensor): Tensor {
  const {dataIdMap} = backend() as unknown as {dataIdMap: {get(id: object): {dtype: string}}};
  if (dataIdMap.get(z.dataId).dtype === 'complex64') {
    throw new Error(
      `a complex64 tensor that another backend made can't be used on wasm: make it here, by tf.complex of its parts.`,
    );
  }
  return sharing(z, [...z.shape, 2], 'float32');
}

/** All real parts, then all imaginary parts. */
const apart = (z: Tensor): Tensor => transpose(reshape(toPairs(z), [z.size, 2]), [1, 0]);

const partOf = (z: Tensor, part: 0 | 1): Tensor =>
  z.size === 0 ? zeros(z.shape) : reshape(slice(apart(z), [part, 0], [1, z.size]), z.shape);

export const realOfPairs = ({input}: {readonly input: Tensor}): Tensor => partOf(input, 0);
export const imagOfPairs = ({input}: {readonly input: Tensor}): Tensor => partOf(input, 1);

export function pairsOf({
  real: re,
  imag: im,
}: {
  readonly real: Tensor;
  readonly imag: Tensor;
}): Tensor {
  const {shape, size} = re;
  if (size === 0) return fromPairs(zeros([...shape, 2]));
  const rows = concat([reshape(re, [1, size]), reshape(im, [1, size])], 0);
  return fromPairs(reshape(transpose(rows, [1, 0]), [...shape, 2]));
}

/** √(re² + im²), of parts divided by the larger one: the squares alone may be too large or too small for a float32. */
export function complexAbs({x}: {readonly x: Tensor}): Tensor {
  const [re, im] = [run('Abs', {x: real(x)}), run('Abs', {x: imag(x)})];
  const larger = run('Maximum', {a: re, b: im});
  const isZero = run(
    'Cast',
    {x: run('Equal', {a: larger, b: run('ZerosLike', {x: larger})})},
    {dtype: 'float32'},
  );
  const divisor = add(larger, isZero);
  const squared = (part: Tensor): Tensor =>
    run('Square', {x: run('RealDiv', {a: part, b: divisor})});
  return run('Multiply', {a: larger, b: run('Sqrt', {x: add(squared(re), squared(im))})});
}
