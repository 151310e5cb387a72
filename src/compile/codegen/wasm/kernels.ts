import type {DataType} from '@tensorflow/tfjs-core';
import type {Attrs} from '../../graph.js';
import type {ElementwiseKernel, ReductionKernel} from '../elementwise.js';
import type {Name} from '../../../kernels/wasm/instructions.js';
import type {LaneFunction, Lanes, Vec} from './lanes.js';
import * as math from './math.js';

/** Writes what a kernel computes, for four elements at a time. Inputs come in the order of `orderedInputs`. */
export type Emit = (v: Lanes, inputs: readonly Vec[], call: Call) => Vec;

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

const unary =
  (emit: (v: Lanes, x: Vec, attrs: Attrs) => Vec): Emit =>
  (v, [x], {attrs}) =>
    emit(v, x!, attrs);

const unaryOp = (name: Name): Emit => unary((v, x) => v.op(name, x));

const perLane = (name: LaneFunction): Emit => unary((v, x) => v.eachLane(name, x));

const binary =
  (emit: (v: Lanes, a: Vec, b: Vec) => Vec): Emit =>
  (v, [a, b]) =>
    emit(v, a!, b!);

/** By one instruction for floats and one for integers. */
const perDtype =
  (float: Name, integer: Name): Emit =>
  (v, [a, b], {dtype}) =>
    v.op(dtype === 'float32' ? float : integer, a!, b!);

const logical = (name: Name): Emit => binary((v, a, b) => v.op(name, a, b));

/** The same number everywhere. */
const filled =
  (value: number): Emit =>
  (v, _inputs, {dtype}) =>
    dtype === 'float32' ? v.float(value) : v.int(value);

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

/**
 * The kernels that generated code computes, each as tfjs's wasm kernel does at NaN, infinities and zeros. A kernel that is not here runs as tfjs's
 * own.
 */
export const emitters: Readonly<Record<ElementwiseKernel, Emit>> = {
  Abs: unaryOp('f32x4.abs'),
  Acos: perLane('acos'),
  Acosh: perLane('acosh'),
  Add: perDtype('f32x4.add', 'i32x4.add'),
  AddN: (v, inputs) => inputs.reduce((sum, input) => v.add(sum, input)),
  Asin: perLane('asin'),
  Asinh: perLane('asinh'),
  Atan: perLane('atan'),
  Atan2: binary((v, a, b) => v.eachLane('atan2', a, b)),
  Atanh: perLane('atanh'),
  Cast: (v, [x], {attrs, dtype}) => {
    const to = attrs['dtype'] as DataType;
    if (dtype === to) return x!;
    if (dtype === 'int32') return v.op('f32x4.convert_i32x4_s', x!);
    return v.and(x!, to === 'float32' ? v.float(1) : v.int(1));
  },
  Ceil: unaryOp('f32x4.ceil'),
  ClipByValue: unary((v, x, attrs) =>
    clamp(v, x, number(attrs, 'clipValueMin', 0), number(attrs, 'clipValueMax', 0)),
  ),
  Cos: unary(math.cos),
  Cosh: perLane('cosh'),
  Elu: unary((v, x) => elu(v, x, 1, 1)),
  EluGrad: binary((v, dy, y) => {
    const below = v.mul(dy, v.add(y, v.float(1)));
    return v.select(v.op('f32x4.ge', y, v.float(0)), dy, below);
  }),
  Equal: perDtype('f32x4.eq', 'i32x4.eq'),
  Erf: unary(math.erf),
  Exp: unary(math.exp),
  Expm1: unary(math.expm1),
  Floor: unaryOp('f32x4.floor'),
  Greater: perDtype('f32x4.gt', 'i32x4.gt_s'),
  GreaterEqual: perDtype('f32x4.ge', 'i32x4.ge_s'),
  IsFinite: unary((v, x) => v.less(v.abs(x), v.float(Infinity))),
  IsInf: unary((v, x) => v.op('f32x4.eq', v.abs(x), v.float(Infinity))),
  IsNan: unary((v, x) => v.isNan(x)),
  LeakyRelu: unary((v, x, attrs) =>
    v.select(isNegative(v, x), v.mul(x, v.float(number(attrs, 'alpha', 0.2))), x),
  ),
  Less: perDtype('f32x4.lt', 'i32x4.lt_s'),
  LessEqual: perDtype('f32x4.le', 'i32x4.le_s'),
  Log: unary(math.log),
  Log1p: unary(math.log1p),
  LogicalAnd: logical('v128.and'),
  LogicalNot: unaryOp('v128.not'),
  LogicalOr: logical('v128.or'),
  LogicalXor: logical('v128.xor'),
  Maximum: perDtype('f32x4.pmax', 'i32x4.max_s'),
  Minimum: perDtype('f32x4.pmin', 'i32x4.min_s'),
  Multiply: perDtype('f32x4.mul', 'i32x4.mul'),
  Neg: unaryOp('f32x4.neg'),
  NotEqual: perDtype('f32x4.ne', 'i32x4.ne'),
  OnesLike: filled(1),
  Pow: binary(math.pow),
  Prelu: binary((v, x, alpha) => v.select(isNegative(v, x), v.mul(x, alpha), x)),
  RealDiv: binary((v, a, b) => v.div(a, b)),
  Reciprocal: unary((v, x) => v.div(v.float(1), x)),
  // Compared as integers, as in XNNPACK: -0 becomes 0, and a NaN stays.
  Relu: unary((v, x) => v.op('i32x4.max_s', x, v.int(0))),
  Relu6: unary((v, x) => clamp(v, x, 0, 6)),
  Round: unaryOp('f32x4.nearest'),
  Rsqrt: unary((v, x) => v.div(v.float(1), v.op('f32x4.sqrt', x))),
  Select: (v, [condition, t, e]) => v.select(condition!, t!, e!),
  Selu: unary((v, x) => elu(v, x, 1.6732632423543772, 1.0507009873554805)),
  Sigmoid: unary(math.sigmoid),
  Sign: unary((v, x) => {
    const one = v.float(1);
    const zero = v.float(0);
    return v.sub(v.and(v.less(zero, x), one), v.and(v.less(x, zero), one));
  }),
  Sin: unary(math.sin),
  Sinh: perLane('sinh'),
  Softplus: unary(math.softplus),
  Sqrt: unaryOp('f32x4.sqrt'),
  Square: unary((v, x) => v.mul(x, x)),
  SquaredDifference: binary((v, a, b) => {
    const difference = v.sub(a, b);
    return v.mul(difference, difference);
  }),
  Step: unary((v, x, attrs) => {
    const positive = v.op('f32x4.gt', x, v.float(0));
    const value = v.select(positive, v.float(1), v.float(number(attrs, 'alpha', 0)));
    return v.select(v.isNan(x), x, value);
  }),
  Sub: perDtype('f32x4.sub', 'i32x4.sub'),
  Tan: perLane('tan'),
  Tile: (_v, [x]) => x!,
  Tanh: unary(math.tanh),
  ZerosLike: filled(0),
};

/** Max and Min give NaN where there is one, as tfjs's do. */
export const reductions: Readonly<Record<ReductionKernel, Reduction>> = {
  Max: {combine: 'f32x4.max', start: -Infinity, divides: false},
  Mean: {combine: 'f32x4.add', start: 0, divides: true},
  Min: {combine: 'f32x4.min', start: Infinity, divides: false},
  Prod: {combine: 'f32x4.mul', start: 1, divides: false},
  Sum: {combine: 'f32x4.add', start: 0, divides: false},
};
