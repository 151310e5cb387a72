import {backend_util} from '@tensorflow/tfjs-core';
import type {Attrs} from '../../graph.js';
import {SOFTPLUS_THRESHOLD, type ElementwiseKernel, type ReductionKernel} from '../elementwise.js';

/** What shading languages write in different ways. Numbers and booleans are floats, true is 1. */
export interface Language {
  /** `then` where the condition holds, else `otherwise`. */
  choose(condition: string, then: string, otherwise: string): string;
  atan2(y: string, x: string): string;
  readonly nan: string;
  readonly infinity: string;
}

/** What a kernel computes, as an expression of its inputs in the order of `orderedInputs`. Each input is a name. */
export type Write = (l: Language, inputs: readonly string[], attrs: Attrs) => string;

const unary =
  (write: (l: Language, x: string, attrs: Attrs) => string): Write =>
  (l, [x], attrs) =>
    write(l, x!, attrs);

const binary =
  (write: (l: Language, a: string, b: string) => string): Write =>
  (l, [a, b]) =>
    write(l, a!, b!);

const operator = (sign: string): Write => binary((_l, a, b) => `${a} ${sign} ${b}`);

const test = (sign: string): Write => binary((l, a, b) => truth(l, `${a} ${sign} ${b}`));

const truth = (l: Language, condition: string): string => l.choose(condition, '1.0', '0.0');

const isNan = (x: string): string => `isnan(${x})`;

/** The function of this name, which may be undefined for a NaN. */
const built = (name: string): Write => unary((l, x) => l.choose(isNan(x), x, `${name}(${x})`));

/** NaN outside of a function's domain, where results are undefined. */
const inDomain = (name: string, outside: (x: string) => string): Write =>
  unary((l, x) => l.choose(`${isNan(x)} || ${outside(x)}`, l.nan, `${name}(${x})`));

const beyondOne = (x: string): string => `abs(${x}) > 1.0`;

/** The first NaN of two numbers, or else a value. */
const unlessNan = (l: Language, a: string, b: string, value: string): string =>
  l.choose(isNan(a), a, l.choose(isNan(b), b, value));

/** A literal of a float. */
export function float(l: Language, value: number): string {
  if (Number.isNaN(value)) return l.nan;
  if (!Number.isFinite(value)) return value > 0 ? l.infinity : `(-${l.infinity})`;
  const text = String(Math.fround(value));
  const literal = /[.e]/.test(text) ? text : `${text}.0`;
  return value < 0 || Object.is(value, -0) ? `(${literal})` : literal;
}

const number = (l: Language, attrs: Attrs, name: string, otherwise: number): string =>
  float(l, (attrs[name] as number | undefined) ?? otherwise);

const expm1 = (x: string): string => `(exp(${x}) - 1.0)`;

/** The nearest integer, the even one of two: shading languages need not say which. */
const round: Write = unary((l, x) => {
  const below = `floor(${x})`;
  const rest = `(${x} - ${below})`;
  const isEven = `${below} - 2.0 * floor(0.5 * ${below}) == 0.0`;
  return l.choose(
    `${rest} < 0.5 || (${rest} == 0.5 && ${isEven})`,
    below,
    l.choose(isNan(x), x, `${below} + 1.0`),
  );
});

const {ERF_P, ERF_A1, ERF_A2, ERF_A3, ERF_A4, ERF_A5} = backend_util;

/** Abramowitz and Stegun, 7.1.26. */
const erf: Write = unary((l, x) => {
  const t = `(1.0 / (1.0 + ${ERF_P} * abs(${x})))`;
  const series = [ERF_A5, ERF_A4, ERF_A3, ERF_A2, ERF_A1]
    .map((coefficient) => float(l, coefficient))
    .reduce((sum, coefficient) => `(${sum} * ${t} + ${coefficient})`);
  return `sign(${x}) * (1.0 - ${series} * ${t} * exp(-${x} * ${x}))`;
});

const softplus: Write = unary((l, x) =>
  l.choose(
    `${x} > ${float(l, -SOFTPLUS_THRESHOLD)}`,
    x,
    l.choose(`${x} < ${float(l, SOFTPLUS_THRESHOLD)}`, `exp(${x})`, `log(1.0 + exp(${x}))`),
  ),
);

/** Of large numbers by way of the exponential of a negative one, which can't overflow. */
const tanh: Write = unary((_l, x) => {
  const e = `exp(-2.0 * abs(${x}))`;
  return `sign(${x}) * (1.0 - ${e}) / (1.0 + ${e})`;
});

/** Of negative numbers to whole powers, too. */
const pow: Write = binary((l, a, b) => {
  const size = `pow(abs(${a}), ${b})`;
  const isWhole = `floor(${b}) == ${b}`;
  const isOdd = `${b} - 2.0 * floor(0.5 * ${b}) == 1.0`;
  const ofNegative = l.choose(isWhole, l.choose(isOdd, `-${size}`, size), l.nan);
  const power = unlessNan(l, a, b, l.choose(`${a} < 0.0`, ofNegative, size));
  return l.choose(`${b} == 0.0`, '1.0', power);
});

const elu = (l: Language, x: string, alpha: number, scale: number): string =>
  l.choose(`${x} >= 0.0`, `${float(l, scale)} * ${x}`, `${float(l, alpha * scale)} * ${expm1(x)}`);

/** The kernels that generated code computes, for floats and booleans. */
export const writers: Readonly<Record<ElementwiseKernel, Write>> = {
  Abs: unary((_l, x) => `abs(${x})`),
  Acos: inDomain('acos', beyondOne),
  Acosh: unary((l, x) => l.choose(`${x} < 1.0`, l.nan, `log(${x} + sqrt(${x} * ${x} - 1.0))`)),
  Add: operator('+'),
  AddN: (_l, inputs) => inputs.join(' + '),
  Asin: inDomain('asin', beyondOne),
  Asinh: unary((_l, x) => `sign(${x}) * log(abs(${x}) + sqrt(${x} * ${x} + 1.0))`),
  Atan: built('atan'),
  Atan2: binary((l, a, b) => unlessNan(l, a, b, l.atan2(a, b))),
  Atanh: unary((l, x) =>
    l.choose(beyondOne(x), l.nan, `0.5 * (log(1.0 + ${x}) - log(1.0 - ${x}))`),
  ),
  Cast: unary((_l, x) => x),
  Ceil: unary((_l, x) => `ceil(${x})`),
  ClipByValue: unary((l, x, attrs) => {
    const [low, high] = [number(l, attrs, 'clipValueMin', 0), number(l, attrs, 'clipValueMax', 0)];
    return l.choose(isNan(x), x, `clamp(${x}, ${low}, ${high})`);
  }),
  Cos: built('cos'),
  Cosh: unary((_l, x) => `0.5 * (exp(${x}) + exp(-${x}))`),
  Elu: unary((l, x) => elu(l, x, 1, 1)),
  EluGrad: binary((l, dy, y) => l.choose(`${y} >= 0.0`, dy, `${dy} * (${y} + 1.0)`)),
  Equal: test('=='),
  Erf: erf,
  Exp: built('exp'),
  Expm1: unary((_l, x) => expm1(x)),
  Floor: unary((_l, x) => `floor(${x})`),
  Greater: test('>'),
  GreaterEqual: test('>='),
  IsFinite: unary((l, x) => truth(l, `!${isNan(x)} && !isinf(${x})`)),
  IsInf: unary((l, x) => truth(l, `isinf(${x})`)),
  IsNan: unary((l, x) => truth(l, isNan(x))),
  LeakyRelu: unary((l, x, attrs) =>
    l.choose(`${x} < 0.0`, `${number(l, attrs, 'alpha', 0.2)} * ${x}`, x),
  ),
  Less: test('<'),
  LessEqual: test('<='),
  Log: inDomain('log', (x) => `${x} < 0.0`),
  Log1p: unary((l, x) => l.choose(isNan(x), x, l.choose(`${x} < -1.0`, l.nan, `log(1.0 + ${x})`))),
  LogicalAnd: binary((_l, a, b) => `${a} * ${b}`),
  LogicalNot: unary((_l, x) => `1.0 - ${x}`),
  LogicalOr: binary((_l, a, b) => `max(${a}, ${b})`),
  LogicalXor: binary((_l, a, b) => `abs(${a} - ${b})`),
  Maximum: binary((l, a, b) => unlessNan(l, a, b, `max(${a}, ${b})`)),
  Minimum: binary((l, a, b) => unlessNan(l, a, b, `min(${a}, ${b})`)),
  Multiply: operator('*'),
  Neg: unary((_l, x) => `-${x}`),
  NotEqual: test('!='),
  OnesLike: () => '1.0',
  Pow: pow,
  Prelu: binary((l, x, alpha) => l.choose(`${x} < 0.0`, `${alpha} * ${x}`, x)),
  RealDiv: operator('/'),
  Reciprocal: unary((_l, x) => `1.0 / ${x}`),
  // A driver may take the choice between a number and zero for a maximum, of which NaN is none.
  Relu: unary((l, x) => l.choose(isNan(x), x, `max(${x}, 0.0)`)),
  Relu6: unary((l, x) => l.choose(isNan(x), x, `clamp(${x}, 0.0, 6.0)`)),
  Round: round,
  Rsqrt: unary((_l, x) => `1.0 / sqrt(${x})`),
  Select: (l, [condition, t, e]) => l.choose(`${condition} >= 1.0`, t!, e!),
  Selu: unary((l, x) =>
    elu(l, x, backend_util.SELU_SCALEALPHA / backend_util.SELU_SCALE, backend_util.SELU_SCALE),
  ),
  Sigmoid: unary((l, x) => l.choose(isNan(x), x, `1.0 / (1.0 + exp(-${x}))`)),
  Sign: unary((l, x) => l.choose(isNan(x), '0.0', `sign(${x})`)),
  Sin: built('sin'),
  Sinh: unary((_l, x) => `0.5 * (exp(${x}) - exp(-${x}))`),
  Softplus: softplus,
  Sqrt: inDomain('sqrt', (x) => `${x} < 0.0`),
  Square: unary((_l, x) => `${x} * ${x}`),
  SquaredDifference: binary((_l, a, b) => `(${a} - ${b}) * (${a} - ${b})`),
  Step: unary((l, x, attrs) =>
    l.choose(isNan(x), x, l.choose(`${x} > 0.0`, '1.0', number(l, attrs, 'alpha', 0))),
  ),
  Sub: operator('-'),
  Tan: built('tan'),
  Tile: unary((_l, x) => x),
  Tanh: tanh,
  ZerosLike: () => '0.0',
};

/** How a reduction puts elements together. */
export interface Reduction {
  /** The neutral element. */
  readonly start: (l: Language) => string;
  /** Of two names. */
  readonly combine: Write;
  readonly divides?: true;
}

const sum: Reduction = {start: () => '0.0', combine: writers.Add};
const product: Reduction = {start: () => '1.0', combine: writers.Multiply};

/** As tfjs's kernels: extrema of NaN and anything are NaN. */
export const reductions: Readonly<Record<ReductionKernel | 'All' | 'Any', Reduction>> = {
  All: product,
  Any: {start: () => '0.0', combine: writers.LogicalOr},
  Max: {start: (l) => `-${l.infinity}`, combine: writers.Maximum},
  Mean: {...sum, divides: true},
  Min: {start: (l) => l.infinity, combine: writers.Minimum},
  Prod: product,
  Sum: sum,
};
