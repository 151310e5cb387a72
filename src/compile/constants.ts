import {complex, tensor, tidy, type Tensor} from '@tensorflow/tfjs-core';
import {engine} from '../interpreter/engine.js';
import {recordOf} from '../interpreter/tracer.js';
import type {TensorSpec, Value} from './graph.js';

/** Constants of up to so many elements are read where a pass or the printer wants to know them. */
const FEW = 16;

type Numbers = Float32Array | Int32Array | Uint8Array;

/**
 * The numbers of a small constant, or null where it is large, has none, or they can't be had at once (on WebGPU, of what was computed
 * there; of what a transform traces).
 */
export function knownNumbers(value: Value, limit = FEW): Numbers | null {
  const {node} = value;
  if (node.kind !== 'constant' || value.size > limit) return null;
  if (value.dtype === 'string' || value.dtype === 'complex64') return null;
  if (recordOf(node.tensor) !== null) return null;
  const noted = notes.get(node.tensor.dataId);
  if (noted !== undefined) return noted;
  return canBeRead(node.tensor) ? node.tensor.dataSync() : null;
}

/** By data. */
const notes = new WeakMap<object, Numbers>();

/** Keeps the numbers of a tensor that may become a small constant, before a kernel takes it to a device that it can't be read from. */
export function noteNumbers(tensor: Tensor): void {
  const {size, dtype, dataId} = tensor;
  if (engine.backendName !== 'webgpu' || size > FEW || notes.has(dataId)) return;
  if (dtype === 'string' || dtype === 'complex64') return;
  if (recordOf(tensor) === null && canBeRead(tensor)) notes.set(dataId, tensor.dataSync().slice());
}

/** WebGPU has what JavaScript gave it, until it goes to the device, and else has to be waited for. */
function canBeRead({dataId}: Tensor): boolean {
  if (engine.backendName !== 'webgpu') return true;
  const {backend} = engine.state.tensorInfo.get(dataId)!;
  const {tensorMap} = backend as unknown as {
    readonly tensorMap?: {has(id: object): boolean; get(id: object): {readonly values?: unknown}};
  };
  return tensorMap?.has(dataId) === true && tensorMap.get(dataId).values != null;
}

/** Of larger constants nobody asks whether all their elements are the same. */
const MOST = 65536;

/** What was found out, by data: aliases of a constant are in many graphs. */
const uniform = new WeakMap<object, number | null>();

/** The one number that all elements of a constant have, or null. */
export function uniformNumber(value: Value): number | null {
  const {node} = value;
  if (node.kind !== 'constant') return null;
  const {dataId} = node.tensor;
  let number = uniform.get(dataId);
  if (number === undefined) {
    const numbers = knownNumbers(value, MOST);
    const first = numbers?.[0];
    const isUniform = first !== undefined && numbers!.every((each) => Object.is(each, first));
    uniform.set(dataId, (number = isUniform ? first : null));
  }
  return number;
}

/** A tensor of numbers in the form in which tfjs gives them: complex ones as pairs. */
export function tensorOf(
  numbers: ArrayLike<number> | readonly string[],
  {shape, dtype}: TensorSpec,
): Tensor {
  if (dtype !== 'complex64') return tensor(numbers as number[], [...shape], dtype);
  return tidy(() => {
    const part = (offset: number): Tensor => {
      const half = Float32Array.from({length: numbers.length / 2}, (_, i) =>
        Number(numbers[2 * i + offset]),
      );
      return tensor(half, [...shape], 'float32');
    };
    return complex(part(0), part(1));
  });
}
