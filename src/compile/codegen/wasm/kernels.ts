import type {DataType} from '@tensorflow/tfjs-core';
import {sameShape} from '../../../rules/ops.js';
import {listOf, type Attrs, type KernelNode, type Value} from '../../graph.js';
import type {Name} from '../../../kernels/wasm/instructions.js';
import type {LaneFunction, Lanes, Vec} from './lanes.js';
import * as math from './math.js';

/** How a kernel is computed for four elements at a time. Inputs come in the order of the kernel's names, given here. */
export interface Elementwise {
  readonly inputs: readonly string[] | 'list';
  /** Whether the code holds for these dtypes, shapes and attributes. It must then equal tfjs's own kernel. */
  readonly accepts: (inputs: readonly Value[], output: Value) => boolean;
  readonly emit: (v: Lanes, inputs: readonly Vec[], call: Call) => Vec;
  /** Whether computing it again is as cheap as loading it. */
  readonly isCheap: boolean;
}

interface Call {
  readonly attrs: Attrs;
  /** The dtype of the first input. */
  readonly dtype: DataType;
}

/** How a reduction puts elements together. */
export interface Reduction {
  readonly combine: Name;
  /** The neutral element. */
  readonly start: number;
  readonly divides: boolean;
}

const allAre =
  (...dtypes: readonly DataType[]) =>
  (inputs: readonly Value[], output: Value): boolean =>
    dtypes.includes(inputs[0]!.dtype) &&
    [...inputs, output].every(({dtype}) => dtype === inputs[0]!.dtype);

const isFloat = allAre('float32');

const unary = (
  emit: (v: Lanes, x: Vec, attrs: Attrs) => Vec,
  isCheap: boolean | 'cheap' = false,
): Elementwise => ({
  inputs: ['x'],
  accepts: isFloat,
  emit: (v, [x], {attrs}) => emit(v, x!, attrs),
  isCheap: isCheap !== false,
});

const unaryOp = (name: Name): Elementwise => unary((v, x) => v.op(name, x), 'cheap');

const perLane = (name: LaneFunction): Elementwise => unary((v, x) => v.eachLane(name, x));

/** A test of floats. */
const test = (emit: (v: Lanes, x: Vec) => Vec): Elementwise => ({
  inputs: ['x'],
  accepts: ([x], {dtype}) => x!.dtype === 'float32' && dtype === 'bool',
  emit: (v, [x]) => emit(v, x!),
  isCheap: true,
});

const binary = (emit: (v: Lanes, a: Vec, b: Vec) => Vec, isCheap = true): Elementwise => ({
  inputs: ['a', 'b'],
  accepts: isFloat,
  emit: (v, [a, b]) => emit(v, a!, b!),
  isCheap,
});

/** By one instruction for floats and one for integers. */
const arithmetic = (float: Name, integer: Name): Elementwise => ({
  inputs: ['a', 'b'],
  accepts: allAre('float32', 'int32'),
  emit: (v, [a, b], {dtype}) => v.op(dtype === 'float32' ? float : integer, a!, b!),
  isCheap: true,
});

const comparison = (float: Name, integer: Name): Elementwise => ({
  inputs: ['a', 'b'],
  accepts: ([a, b], {dtype}) =>
    dtype === 'bool' && a!.dtype === b!.dtype && ['float32', 'int32'].includes(a!.dtype),
  emit: (v, [a, b], {dtype}) => v.op(dtype === 'float32' ? float : integer, a!, b!),
  isCheap: true,
});

const logical = (name: Name): Elementwise => ({
  inputs: ['a', 'b'],
  accepts: allAre('bool'),
  emit: (v, [a, b]) => v.op(name, a!, b!),
  isCheap: true,
});

/** The same number everywhere. */
const filled = (value: number): Elementwise => ({
  inputs: ['x'],
  accepts: allAre('float32', 'int32'),
  emit: (v, _inputs, {dtype}) => (dtype === 'float32' ? v.float(value) : v.int(value)),
  isCheap: true,
});

/** XNNPACK's clamp, by which a NaN becomes the lower bound. */
const clamp = (v: Lanes, x: Vec, low: number, high: number): Vec =>
  v.pmin(v.pmax(v.float(low), x), v.float(high));

const number = (attrs: Attrs, name: string, otherwise: number): number =>
  (attrs[name] as number | undefined) ?? otherwise;

const isNegative = (v: Lanes, x: Vec): Vec => v.less(x, v.float(0));

/** `scale·x` above 0, `scale·alpha·(eˣ - 1)` below. */
const elu = (v: Lanes, x: Vec, alpha: number, scale: number): Vec => {
  const below = v.mul(math.expm1(v, x), v.float(alpha * scale));
  const above = scale === 1 ? x : v.mul(x, v.float(scale));
  return v.select(isNegative(v, x), below, above);
};

/** Conversions that tfjs makes value by value; those from floats to integers and booleans wrap around in its own way, and stay there. */
const CASTS: ReadonlySet<string> = new Set([
  'float32 float32',
  'int32 int32',
  'bool bool',
  'bool float32',
  'bool int32',
  'int32 float32',
]);

const castsOf = ({dtype}: Value, to: DataType): string => `${dtype} ${to}`;

/**
 * The kernels that generated code computes, each as tfjs's wasm kernel does at NaN, infinities and zeros. A kernel that is not here runs as tfjs's
 * own.
 */
export const elementwise: Readonly<Record<string, Elementwise>> = {
  Abs: unaryOp('f32x4.abs'),
  Acos: perLane('acos'),
  Acosh: perLane('acosh'),
  Add: arithmetic('f32x4.add', 'i32x4.add'),
  AddN: {
    inputs: 'list',
    accepts: (inputs, output) =>
      isFloat(inputs, output) && inputs.every(({shape}) => sameShape(shape, output.shape)),
    emit: (v, inputs) => inputs.reduce((sum, input) => v.add(sum, input)),
    isCheap: true,
  },
  Asin: perLane('asin'),
  Asinh: perLane('asinh'),
  Atan: perLane('atan'),
  Atan2: binary((v, a, b) => v.eachLane('atan2', a, b), false),
  Atanh: perLane('atanh'),
  Cast: {
    inputs: ['x'],
    accepts: ([x], {dtype}) => CASTS.has(castsOf(x!, dtype)),
    emit: (v, [x], {attrs, dtype}) => {
      const to = attrs['dtype'] as DataType;
      if (dtype === to) return x!;
      if (dtype === 'int32') return v.op('f32x4.convert_i32x4_s', x!);
      return v.and(x!, to === 'float32' ? v.float(1) : v.int(1));
    },
    isCheap: true,
  },
  Ceil: unaryOp('f32x4.ceil'),
  ClipByValue: unary(
    (v, x, attrs) =>
      clamp(v, x, number(attrs, 'clipValueMin', 0), number(attrs, 'clipValueMax', 0)),
    'cheap',
  ),
  Cos: unary(math.cos),
  Cosh: perLane('cosh'),
  Elu: unary((v, x) => elu(v, x, 1, 1)),
  EluGrad: {
    inputs: ['dy', 'y'],
    accepts: isFloat,
    emit: (v, [dy, y]) => {
      const below = v.mul(dy!, v.add(y!, v.float(1)));
      return v.select(v.op('f32x4.ge', y!, v.float(0)), dy!, below);
    },
    isCheap: true,
  },
  Equal: comparison('f32x4.eq', 'i32x4.eq'),
  Erf: unary(math.erf),
  Exp: unary(math.exp),
  Expm1: unary(math.expm1),
  Floor: unaryOp('f32x4.floor'),
  Greater: comparison('f32x4.gt', 'i32x4.gt_s'),
  GreaterEqual: comparison('f32x4.ge', 'i32x4.ge_s'),
  IsFinite: test((v, x) => v.less(v.abs(x), v.float(Infinity))),
  IsInf: test((v, x) => v.op('f32x4.eq', v.abs(x), v.float(Infinity))),
  IsNan: test((v, x) => v.isNan(x)),
  LeakyRelu: unary(
    (v, x, attrs) => v.select(isNegative(v, x), v.mul(x, v.float(number(attrs, 'alpha', 0.2))), x),
    'cheap',
  ),
  Less: comparison('f32x4.lt', 'i32x4.lt_s'),
  LessEqual: comparison('f32x4.le', 'i32x4.le_s'),
  Log: unary(math.log),
  Log1p: unary(math.log1p),
  LogicalAnd: logical('v128.and'),
  LogicalNot: {
    inputs: ['x'],
    accepts: allAre('bool'),
    emit: (v, [x]) => v.op('v128.not', x!),
    isCheap: true,
  },
  LogicalOr: logical('v128.or'),
  LogicalXor: logical('v128.xor'),
  Maximum: arithmetic('f32x4.pmax', 'i32x4.max_s'),
  Minimum: arithmetic('f32x4.pmin', 'i32x4.min_s'),
  Multiply: arithmetic('f32x4.mul', 'i32x4.mul'),
  Neg: unaryOp('f32x4.neg'),
  NotEqual: comparison('f32x4.ne', 'i32x4.ne'),
  OnesLike: filled(1),
  Pow: binary(math.pow, false),
  Prelu: {
    inputs: ['x', 'alpha'],
    accepts: isFloat,
    emit: (v, [x, alpha]) => v.select(isNegative(v, x!), v.mul(x!, alpha!), x!),
    isCheap: true,
  },
  RealDiv: binary((v, a, b) => v.div(a, b)),
  Reciprocal: unary((v, x) => v.div(v.float(1), x), 'cheap'),
  // Compared as integers, as in XNNPACK: -0 becomes 0, and a NaN stays.
  Relu: unary((v, x) => v.op('i32x4.max_s', x, v.int(0)), 'cheap'),
  Relu6: unary((v, x) => clamp(v, x, 0, 6), 'cheap'),
  Round: unaryOp('f32x4.nearest'),
  Rsqrt: unary((v, x) => v.div(v.float(1), v.op('f32x4.sqrt', x))),
  Select: {
    inputs: ['condition', 't', 'e'],
    accepts: ([condition, t, e], output) =>
      condition!.dtype === 'bool' &&
      [condition!, t!, e!].every(({shape}) => sameShape(shape, output.shape)) &&
      allAre('float32', 'int32', 'bool')([t!, e!], output),
    emit: (v, [condition, t, e]) => v.select(condition!, t!, e!),
    isCheap: true,
  },
  Selu: unary((v, x) => elu(v, x, 1.6732632423543772, 1.0507009873554805)),
  Sigmoid: unary(math.sigmoid),
  Sign: unary((v, x) => {
    const one = v.float(1);
    const zero = v.float(0);
    return v.sub(v.and(v.less(zero, x), one), v.and(v.less(x, zero), one));
  }, 'cheap'),
  Sin: unary(math.sin),
  Sinh: perLane('sinh'),
  Softplus: unary(math.softplus),
  Sqrt: unaryOp('f32x4.sqrt'),
  Square: unary((v, x) => v.mul(x, x), 'cheap'),
  SquaredDifference: binary((v, a, b) => {
    const difference = v.sub(a, b);
    return v.mul(difference, difference);
  }),
  Step: unary((v, x, attrs) => {
    const positive = v.op('f32x4.gt', x, v.float(0));
    const value = v.select(positive, v.float(1), v.float(number(attrs, 'alpha', 0)));
    return v.select(v.isNan(x), x, value);
  }, 'cheap'),
  Sub: arithmetic('f32x4.sub', 'i32x4.sub'),
  Tan: perLane('tan'),
  // Of what is repeated along dimensions of size 1 each element is the element of the row.
  Tile: {
    inputs: ['x'],
    accepts: ([x], output) =>
      allAre('float32', 'int32', 'bool')([x!], output) &&
      x!.shape.length === output.shape.length &&
      x!.shape.every((size, dim) => size === 1 || size === output.shape[dim]),
    emit: (_v, [x]) => x!,
    isCheap: true,
  },
  Tanh: unary(math.tanh),
  ZerosLike: filled(0),
};

/** Max and Min give NaN where there is one, as tfjs's do. */
export const reductions: Readonly<Record<string, Reduction>> = {
  Max: {combine: 'f32x4.max', start: -Infinity, divides: false},
  Mean: {combine: 'f32x4.add', start: 0, divides: true},
  Min: {combine: 'f32x4.min', start: Infinity, divides: false},
  Prod: {combine: 'f32x4.mul', start: 1, divides: false},
  Sum: {combine: 'f32x4.add', start: 0, divides: false},
};

/** The inputs of a node in the order in which its code takes them. */
export function orderedInputs({kernel, inputs}: KernelNode): readonly Value[] {
  const names = elementwise[kernel]?.inputs;
  if (names === undefined || names === 'list') return listOf(inputs);
  return names.map((name) => (inputs as Readonly<Record<string, Value>>)[name]!);
}
