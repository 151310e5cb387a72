import type {DataType} from '@tensorflow/tfjs-core';
import {backend_util} from '@tensorflow/tfjs-core';
import type {Attrs} from '../../graph.js';
import {SOFTPLUS_THRESHOLD, type ElementwiseKernel, type ReductionKernel} from '../elementwise.js';

interface Call {
  readonly attrs: Attrs;
  /** The dtype in which is computed. */
  readonly dtype: DataType;
}

/** What a kernel computes, as an expression of its inputs in the order of `orderedInputs`. Each input is a name. */
export type Write = (inputs: readonly string[], call: Call) => string;

const unary =
  (write: (x: string, attrs: Attrs) => string): Write =>
  ([x], {attrs}) =>
    write(x!, attrs);

const binary =
  (write: (a: string, b: string) => string): Write =>
  ([a, b]) =>
    write(a!, b!);

const operator = (sign: string): Write => binary((a, b) => `${a} ${sign} ${b}`);

const math = (name: string): Write => unary((x) => `Math.${name}(${x})`);

const number = (attrs: Attrs, name: string, otherwise: number): number =>
  (attrs[name] as number | undefined) ?? otherwise;

const SELU = `${backend_util.SELU_SCALE}`;
const SELU_BELOW = `${backend_util.SELU_SCALEALPHA}`;

/** Functions that expressions call, as the cpu backend's kernels compute them. */
export const PRELUDE = `
const fround = Math.fround;
function erf(x) {
  const size = Math.abs(x);
  const t = 1 / (1 + ${backend_util.ERF_P} * size);
  const series = ((((${backend_util.ERF_A5} * t + ${backend_util.ERF_A4}) * t + ${backend_util.ERF_A3}) * t + ${backend_util.ERF_A2}) * t + ${backend_util.ERF_A1}) * t;
  return Math.sign(x) * (1 - series * Math.exp(-size * size));
}
function round(x) {
  const base = Math.floor(x);
  if (x - base < 0.5) return base;
  if (x - base > 0.5) return Math.ceil(x);
  return base % 2 === 0 ? base : base + 1;
}
function softplus(x) {
  if (x > ${-SOFTPLUS_THRESHOLD}) return x;
  return x < ${SOFTPLUS_THRESHOLD} ? Math.exp(x) : Math.log(1 + Math.exp(x));
}
`;

/** The kernels that generated code computes, each as the cpu backend's kernel does. */
export const writers: Readonly<Record<ElementwiseKernel, Write>> = {
  Abs: math('abs'),
  Acos: math('acos'),
  Acosh: math('acosh'),
  Add: operator('+'),
  AddN: (inputs) => inputs.reduce((sum, input) => `fround(${sum} + ${input})`),
  Asin: math('asin'),
  Asinh: math('asinh'),
  Atan: math('atan'),
  Atan2: binary((a, b) => `Math.atan2(${a}, ${b})`),
  Atanh: math('atanh'),
  Cast: unary((x) => x),
  Ceil: math('ceil'),
  ClipByValue: unary((x, attrs) => {
    const [low, high] = [number(attrs, 'clipValueMin', 0), number(attrs, 'clipValueMax', 0)];
    return `${x} > ${high} ? ${high} : ${x} < ${low} ? ${low} : ${x}`;
  }),
  Cos: math('cos'),
  Cosh: math('cosh'),
  Elu: unary((x) => `${x} >= 0 ? ${x} : Math.exp(${x}) - 1`),
  EluGrad: binary((dy, y) => `${y} >= 0 ? ${dy} : ${dy} * (${y} + 1)`),
  Equal: operator('==='),
  Erf: unary((x) => `erf(${x})`),
  Exp: math('exp'),
  Expm1: math('expm1'),
  Floor: math('floor'),
  Greater: operator('>'),
  GreaterEqual: operator('>='),
  IsFinite: unary((x) => `Number.isFinite(${x})`),
  IsInf: unary((x) => `Math.abs(${x}) === Infinity`),
  IsNan: unary((x) => `Number.isNaN(${x})`),
  LeakyRelu: unary((x, attrs) => `${x} < 0 ? ${number(attrs, 'alpha', 0.2)} * ${x} : ${x}`),
  Less: operator('<'),
  LessEqual: operator('<='),
  Log: math('log'),
  Log1p: math('log1p'),
  LogicalAnd: operator('&'),
  LogicalNot: unary((x) => `${x} ^ 1`),
  LogicalOr: operator('|'),
  LogicalXor: operator('^'),
  Maximum: binary((a, b) => `Math.max(${a}, ${b})`),
  Minimum: binary((a, b) => `Math.min(${a}, ${b})`),
  Multiply: operator('*'),
  Neg: unary((x) => `-${x}`),
  NotEqual: operator('!=='),
  OnesLike: () => '1',
  Pow: binary((a, b) => `Math.pow(${a}, ${b})`),
  Prelu: binary((x, alpha) => `${x} < 0 ? ${alpha} * ${x} : ${x}`),
  RealDiv: operator('/'),
  Reciprocal: unary((x) => `1 / ${x}`),
  Relu: unary((x) => `Math.max(0, ${x})`),
  Relu6: unary((x) => `Math.min(Math.max(0, ${x}), 6)`),
  Round: unary((x) => `round(${x})`),
  Rsqrt: unary((x) => `1 / Math.sqrt(${x})`),
  Select: ([condition, t, e]) => `${condition} ? ${t} : ${e}`,
  Selu: unary((x) => `${x} >= 0 ? ${SELU} * ${x} : ${SELU_BELOW} * (Math.exp(${x}) - 1)`),
  Sigmoid: unary((x) => `1 / (1 + Math.exp(-${x}))`),
  Sign: unary((x) => `${x} < 0 ? -1 : ${x} > 0 ? 1 : 0`),
  Sin: math('sin'),
  Sinh: math('sinh'),
  Softplus: unary((x) => `softplus(${x})`),
  Sqrt: math('sqrt'),
  Square: unary((x) => `${x} * ${x}`),
  SquaredDifference: binary((a, b) => `(${a} - ${b}) * (${a} - ${b})`),
  Step: unary((x, attrs) => `${x} > 0 ? 1 : ${x} !== ${x} ? ${x} : ${number(attrs, 'alpha', 0)}`),
  Sub: operator('-'),
  Tan: math('tan'),
  Tile: unary((x) => x),
  Tanh: math('tanh'),
  ZerosLike: () => '0',
};

/** How a reduction puts elements together. */
export interface Reduction {
  /** The neutral element. */
  readonly start: number;
  readonly combine: (sum: string, x: string) => string;
}

const sum: Reduction = {start: 0, combine: (total, x) => `${total} + ${x}`};

/** In double precision, as on the cpu backend. Max and Min give NaN where there is one. */
export const reductions: Readonly<Record<ReductionKernel, Reduction>> = {
  Max: {start: -Infinity, combine: (most, x) => `${x} > ${most} || ${x} !== ${x} ? ${x} : ${most}`},
  Mean: sum,
  Min: {
    start: Infinity,
    combine: (least, x) => `${x} < ${least} || ${x} !== ${x} ? ${x} : ${least}`,
  },
  Prod: {start: 1, combine: (product, x) => `${product} * ${x}`},
  Sum: sum,
};
