import * as tf from '@tensorflow/tfjs-core';
import type {NamedAttrMap, NamedTensorMap, Tensor} from '@tensorflow/tfjs-core';
import {run} from '../../rules/rule.js';
import type {KernelName} from '../../rules/signatures.js';
import {engine} from '../../interpreter/engine.js';
import {repairEach, type Repairs} from '../composition.js';

/**
 * The distinct strings of some tensors in ascending order of their bytes. As numbers into such a list, strings can be moved and
 * compared by kernels that have no strings.
 */
class Codes {
  private readonly strings: readonly Uint8Array[];
  private readonly codes = new Map<string, number>();

  constructor(strings: readonly Uint8Array[]) {
    const distinct = new Map(strings.map((string) => [keyOf(string), string]));
    const keys = [...distinct.keys()].sort();
    keys.forEach((key, code) => this.codes.set(key, code));
    this.strings = keys.map((key) => distinct.get(key)!);
  }

  codeOf(string: Uint8Array): number {
    return this.codes.get(keyOf(string))!;
  }

  encode(x: Tensor): Tensor {
    const codes = bytesOf(x).map((string) => this.codeOf(string));
    return tf.tensor(codes, x.shape, 'int32');
  }

  decode(x: Tensor): Tensor {
    const strings = Array.from(x.dataSync(), (code) => this.strings[code]!);
    return tf.tensor(strings, x.shape, 'string');
  }
}

/** A character per byte: these sort as the bytes do. */
const keyOf = (string: Uint8Array): string =>
  Array.from(string, (byte) => String.fromCharCode(byte)).join('');

const bytesOf = ({dataId}: Tensor): Uint8Array[] => engine.readSync(dataId) as Uint8Array[];

const isString = ({dtype}: {readonly dtype: string}): boolean => dtype === 'string';

/** Runs a kernel on numbers in place of the strings. */
function byCodes(
  name: KernelName,
  inputs: NamedTensorMap,
  attrs: NamedAttrMap,
  gives: 'strings' | 'truth',
): Tensor {
  const entries = Object.entries(inputs);
  const constant = attrs['constantValue'];
  const constants = typeof constant === 'string' ? [tf.util.encodeString(constant)] : [];
  const strings = entries.flatMap(([, x]) => (isString(x) ? bytesOf(x) : []));
  const codes = new Codes([...strings, ...constants]);
  const encoded = entries.map(([name, x]) => [name, isString(x) ? codes.encode(x) : x] as const);
  const encodedAttrs =
    constants.length > 0 ? {...attrs, constantValue: codes.codeOf(constants[0]!)} : attrs;
  const result = run(name, Object.fromEntries(encoded) as never, encodedAttrs) as Tensor;
  return gives === 'strings' ? codes.decode(result) : result;
}

const AS_NUMBERS = 'computed on numbers that stand for the strings';

const moving = <const Name extends string>(
  kernels: Readonly<Record<string, Name>>,
  wrong: string,
): Repairs =>
  repairEach(Object.keys(kernels) as never[], (name) => ({
    wrong,
    instead: AS_NUMBERS,
    isWrong: (inputs: Readonly<Record<Name, {dtype: string}>>) => isString(inputs[kernels[name]!]),
    composition: (inputs, attrs) =>
      byCodes(name, inputs as unknown as NamedTensorMap, attrs, 'strings'),
  }));

const comparing = (
  names: readonly ('Equal' | 'NotEqual' | 'Greater' | 'GreaterEqual' | 'Less' | 'LessEqual')[],
  wrong: string,
): Repairs =>
  repairEach(names, (name) => ({
    wrong,
    instead: AS_NUMBERS,
    isWrong: ({a}) => isString(a),
    composition: ({a, b}, attrs) => byCodes(name, {a, b}, attrs, 'truth'),
  }));

const fill: Repairs = {
  Fill: [
    {
      wrong: 'throws for strings',
      instead: 'a tensor of JavaScript strings',
      isWrong: (_inputs, {value, dtype}) => dtype === 'string' || typeof value === 'string',
      composition: (_inputs, {shape, value}) =>
        tf.tensor(
          new Array<string>(tf.util.sizeFromShape(shape)).fill(String(value)),
          shape,
          'string',
        ),
    },
  ],
};

const order = ['Greater', 'GreaterEqual', 'Less', 'LessEqual'] as const;

export const stringsOnWasm: Repairs = {
  ...fill,
  ...moving(
    {
      Transpose: 'x',
      Tile: 'x',
      GatherV2: 'x',
      GatherNd: 'params',
      Reverse: 'x',
      PadV2: 'x',
      StridedSlice: 'x',
      Select: 't',
      SparseToDense: 'sparseValues',
      TensorScatterUpdate: 'tensor',
    },
    'aborts the module for strings',
  ),
  ...comparing(['Equal', 'NotEqual', ...order], 'leaves the result of strings uninitialised'),
};

export const stringsOnCpu = moving({PadV2: 'x', Select: 't'}, 'throws for strings');

export const stringsOnTensorflow = comparing(order, 'throws for strings');
