import {
  broadcast_util,
  util,
  type DataType,
  type Tensor,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import {FunctionBuilder, type Local} from './assembler.js';
import {addressOf, generated, newTensor, wasmBackend, type Generated} from './backend.js';
import type {Name} from './instructions.js';
import {FLOAT, VECTOR} from './sizes.js';

/**
 * NOTE [elementwise kernels]
 * The loops of tfjs's wasm backend for these take 7 to 15 ns an element, those for sums and products 0.3: they call a function for each. What is
 * generated here gives the same bits in 0.3 to 0.5 ns. That is for tensors of one shape, or with a single number on one side.
 */
const byDtype = {
  Equal: {float32: 'f32x4.eq', int32: 'i32x4.eq'},
  NotEqual: {float32: 'f32x4.ne', int32: 'i32x4.ne'},
  Greater: {float32: 'f32x4.gt', int32: 'i32x4.gt_s'},
  GreaterEqual: {float32: 'f32x4.ge', int32: 'i32x4.ge_s'},
  Less: {float32: 'f32x4.lt', int32: 'i32x4.lt_s'},
  LessEqual: {float32: 'f32x4.le', int32: 'i32x4.le_s'},
  // std::max and std::min: of a NaN and a number, the first.
  Maximum: {float32: 'f32x4.pmax', int32: 'i32x4.max_s'},
  Minimum: {float32: 'f32x4.pmin', int32: 'i32x4.min_s'},
  LogicalAnd: {bool: 'v128.and'},
  LogicalOr: {bool: 'v128.or'},
  LogicalXor: {bool: 'v128.xor'},
} as const satisfies Readonly<Record<string, Readonly<Partial<Record<DataType, Name>>>>>;

export type OfTwo = keyof typeof byDtype;

export const ofTwo = Object.keys(byDtype) as readonly OfTwo[];

const givesNumbers = (name: OfTwo): boolean => name === 'Maximum' || name === 'Minimum';

/** What a function reads of an operand: a number or a bool for each element, or the same number for all. */
type Operand = 'numbers' | 'bools' | 'number';

interface Description {
  /** What it is called, among all generated functions. */
  readonly name: string;
  /** In the order in which the instruction takes them from the stack. */
  readonly operands: readonly Operand[];
  readonly instruction: Name;
  readonly result: 'numbers' | 'bools';
}

const BYTES = {numbers: FLOAT, bools: 1} as const;

/** Vectors that are computed in one round: as many as fill one with bools. */
const VECTORS = 4;

/** A function of the addresses of operands and result, and the number of elements. */
function generate(name: string, {operands, instruction, result}: Description): FunctionBuilder {
  const f = new FunctionBuilder(name, [...operands.map(() => 'i32' as const), 'i32', 'i32']);
  const into = operands.length;
  const count = into + 1;
  const [zeros, ones] = [f.int(0), f.int(1)];
  const computed = Array.from({length: VECTORS}, () => f.local('v128'));
  const singles = operands.map((operand, address): Local | null => {
    if (operand !== 'number') return null;
    const local = f.local('v128');
    f.get(address);
    f.emit('v128.load32_splat', 0);
    f.set(local);
    return local;
  });

  /** Leaves four elements of an operand on the stack, bools as masks; or a single one in the first lane. */
  const load = (address: Local, vector: number, isWhole: boolean): void => {
    const operand = operands[address]!;
    if (operand === 'number') {
      f.get(singles[address]!);
      return;
    }
    f.get(address);
    if (operand === 'numbers') {
      f.emit(isWhole ? 'v128.load' : 'v128.load32_zero', vector * VECTOR);
      return;
    }
    if (isWhole) {
      f.emit('v128.load32_zero', vector * VECTORS);
      f.emit('i16x8.extend_low_i8x16_u');
      f.emit('i32x4.extend_low_i16x8_u');
    } else {
      f.get(zeros);
      f.emit('v128.load8_lane', 0, 0);
    }
    f.get(zeros);
    f.emit('i32x4.ne');
  };
  const compute = (vector: number, isWhole: boolean): void =>
    f.assign(computed[vector]!, () => {
      operands.forEach((_, address) => load(address, vector, isWhole));
      f.emit(instruction);
    });
  const bits = (vector: number): void => {
    f.get(computed[vector]!);
    f.get(ones);
    f.emit('v128.and');
  };
  const store = (): void => {
    if (result === 'numbers') {
      computed.forEach((vector, index) => {
        f.get(into);
        f.get(vector);
        f.emit('v128.store', index * VECTOR);
      });
      return;
    }
    f.get(into);
    for (const pair of [0, 2]) {
      bits(pair);
      bits(pair + 1);
      f.emit('i16x8.narrow_i32x4_u');
    }
    f.emit('i8x16.narrow_i16x8_u');
    f.emit('v128.store', 0);
  };
  const storeOne = (): void => {
    f.get(into);
    if (result === 'numbers') f.get(computed[0]!);
    else bits(0);
    f.emit(result === 'numbers' ? 'v128.store32_lane' : 'v128.store8_lane', 0, 0);
  };
  const advance = (elements: number): void => {
    [...operands, result].forEach((operand, address) => {
      if (operand !== 'number') f.advance(address, elements * BYTES[operand]);
    });
  };

  f.countDown(count, VECTORS * 4, () => {
    computed.forEach((_, vector) => compute(vector, true));
    store();
    advance(VECTORS * 4);
  });
  f.countDown(count, 1, () => {
    compute(0, false);
    storeOne();
    advance(1);
  });
  return f;
}

const functionFor = (description: Description): Generated | null =>
  generated(description.name, (name) => generate(name, description));

/** Which of two operands is a single number for all elements of the other. */
type Single = 'none' | 'first' | 'second';

const describe = (
  instruction: Name,
  operands: readonly Operand[],
  result: Description['result'],
): Description => ({name: `${instruction} ${operands.join(' ')}`, instruction, operands, result});

const describeOfTwo = (
  instruction: Name,
  result: Description['result'],
): Partial<Record<Single, Description>> => ({
  none: describe(instruction, ['numbers', 'numbers'], result),
  first: describe(instruction, ['number', 'numbers'], result),
  second: describe(instruction, ['numbers', 'number'], result),
});

/** By kernel and dtype. */
const descriptions = new Map(
  ofTwo.map((name) => {
    const result = givesNumbers(name) ? 'numbers' : 'bools';
    const instructions = Object.entries(byDtype[name]) as [DataType, Name][];
    return [
      name,
      new Map(
        instructions.map(([dtype, instruction]) => [
          dtype,
          dtype === 'bool'
            ? {none: describe(instruction, ['bools', 'bools'], result)}
            : describeOfTwo(instruction, result),
        ]),
      ),
    ] as const;
  }),
);

/** Whether shapes are the same but for ones in front. */
function agree(a: readonly number[], b: readonly number[]): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  const extra = long.length - short.length;
  return long.every((size, axis) => size === (axis < extra ? 1 : short[axis - extra]));
}

function singleOf(a: TensorInfo, b: TensorInfo): Single | null {
  const [sizeA, sizeB] = [util.sizeFromShape(a.shape), util.sizeFromShape(b.shape)];
  if (sizeA === 0 || sizeB === 0) return null;
  if (sizeB === 1 && sizeA !== 1) return 'second';
  if (sizeA === 1 && sizeB !== 1) return 'first';
  return sizeA === 1 || agree(a.shape, b.shape) ? 'none' : null;
}

function descriptionOf(name: OfTwo, a: TensorInfo, b: TensorInfo): Description | null {
  const known = a.dtype === b.dtype ? descriptions.get(name)!.get(a.dtype) : undefined;
  const single = known && singleOf(a, b);
  return (single && known[single]) ?? null;
}

/** Whether generated code computes this. */
export function canComputeOfTwo(name: OfTwo, a: TensorInfo, b: TensorInfo): boolean {
  const description = descriptionOf(name, a, b);
  return description !== null && functionFor(description) !== null;
}

/** A comparison, the larger or smaller, or what holds of two conditions. See NOTE [elementwise kernels]. */
export const computeOfTwo = (name: OfTwo, a: Tensor, b: Tensor): Tensor => {
  const shape = broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape);
  return compute(descriptionOf(name, a, b)!, [a, b], shape, givesNumbers(name) ? a.dtype : 'bool');
};

const selection = describe('v128.bitselect', ['numbers', 'numbers', 'bools'], 'numbers');

/** Whether generated code chooses between values of this dtype. */
export const canSelect = (dtype: DataType): boolean =>
  (dtype === 'float32' || dtype === 'int32') && functionFor(selection) !== null;

/** `t` where the condition holds and `e` elsewhere, all of one shape. See NOTE [elementwise kernels]. */
export const select = (condition: Tensor, t: Tensor, e: Tensor): Tensor =>
  compute(selection, [t, e, condition], t.shape, t.dtype);

function compute(
  description: Description,
  operands: readonly Tensor[],
  shape: readonly number[],
  dtype: DataType,
): Tensor {
  const backend = wasmBackend();
  const result = newTensor(backend, {shape, dtype});
  const addresses = [...operands, result].map((tensor) => addressOf(backend, tensor));
  functionFor(description)!(...addresses, result.size);
  return result;
}
