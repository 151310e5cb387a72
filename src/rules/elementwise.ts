import type {DataType, Tensor} from '@tensorflow/tfjs-core';
import {runBroadcasting} from './broadcast.js';
import {binary, linearUnary, partial, stepBinary, stepUnary, unary} from './kinds.js';
import {sharedByLarger, sharedBySmaller} from './mask.js';
import {add, cast, div, equal, mul, neg, scalar, scale, square, sub, zeros} from './ops.js';
import {family, run, saving, type BatchedInput} from './rule.js';

const plusOne = (x: Tensor): Tensor => add(x, scalar(1));
const rsqrt = (x: Tensor): Tensor => run('Rsqrt', {x});

/** `1 - x²`, by a product that keeps its digits near ±1. */
const oneMinusSquare = (x: Tensor): Tensor => {
  const one = scalar(1);
  return mul(sub(one, x), add(one, x));
};

/** 1 where an element is 0, and 0 elsewhere. */
const isZero = (x: Tensor): Tensor => cast(equal(x, scalar(0)), 'float32');

/** Whether numbers of the dtype have derivatives. */
export const isInexact = (dtype: DataType): boolean => dtype === 'float32' || dtype === 'complex64';

const same = partial([], (t) => t);

/** The functions of arithmetic and analysis. Where one has a kink, its derivative there is that of JAX and PyTorch, if they agree. */
export const elementwise = family({
  Neg: linearUnary('Neg'),
  // 0 at 0.
  Abs: unary('Abs', 'input', (t, x) => mul(t, run('Sign', {x}))),
  Square: unary('Square', 'input', (t, x) => mul(t, scale(x, 2))),
  Sqrt: unary('Sqrt', 'output', (t, y) => div(scale(t, 0.5), y)),
  Rsqrt: unary('Rsqrt', 'output', (t, y) => mul(t, scale(mul(y, square(y)), -0.5))),
  Reciprocal: unary('Reciprocal', 'output', (t, y) => neg(mul(t, square(y)))),

  Exp: unary('Exp', 'output', (t, y) => mul(t, y)),
  // Not from the output, as `y + 1`: where x is far below zero, y is -1 and nothing is left.
  Expm1: unary('Expm1', 'input', (t, x) => mul(t, run('Exp', {x}))),
  Log: unary('Log', 'input', (t, x) => div(t, x)),
  Log1p: unary('Log1p', 'input', (t, x) => div(t, plusOne(x))),
  Erf: unary('Erf', 'input', (t, x) =>
    mul(t, scale(run('Exp', {x: neg(square(x))}), 2 / Math.sqrt(Math.PI))),
  ),

  Sin: unary('Sin', 'input', (t, x) => mul(t, run('Cos', {x}))),
  Cos: unary('Cos', 'input', (t, x) => neg(mul(t, run('Sin', {x})))),
  Tan: unary('Tan', 'output', (t, y) => mul(t, plusOne(square(y)))),
  Asin: unary('Asin', 'input', (t, x) => mul(t, rsqrt(oneMinusSquare(x)))),
  Acos: unary('Acos', 'input', (t, x) => neg(mul(t, rsqrt(oneMinusSquare(x))))),
  Atan: unary('Atan', 'input', (t, x) => div(t, plusOne(square(x)))),

  Sinh: unary('Sinh', 'input', (t, x) => mul(t, run('Cosh', {x}))),
  Cosh: unary('Cosh', 'input', (t, x) => mul(t, run('Sinh', {x}))),
  Tanh: unary('Tanh', 'output', (t, y) => mul(t, oneMinusSquare(y))),
  Asinh: unary('Asinh', 'input', (t, x) => mul(t, rsqrt(plusOne(square(x))))),
  Acosh: unary('Acosh', 'input', (t, x) => mul(t, rsqrt(neg(oneMinusSquare(x))))),
  Atanh: unary('Atanh', 'input', (t, x) => div(t, oneMinusSquare(x))),

  Ceil: stepUnary('Ceil'),
  Floor: stepUnary('Floor'),
  Round: stepUnary('Round'),
  Sign: stepUnary('Sign'),
  Step: stepUnary('Step'),
  OnesLike: stepUnary('OnesLike'),
  ZerosLike: stepUnary('ZerosLike'),
  Cast: {
    batch: ({x}, attrs) => run('Cast', {x: x.value}, attrs),
    linearIn: ['x'],
    vjp: saving([], (dy, {x}, {dtype}) => ({
      x: () => (isInexact(dtype) && isInexact(x.dtype) ? cast(dy, x.dtype) : zeros(x.shape)),
    })),
  },

  Add: binary('Add', {a: same, b: same}),
  Sub: binary('Sub', {a: same, b: partial([], neg)}),
  Multiply: binary('Multiply', {
    a: partial(['b'], (t, {b}) => mul(t, b)),
    b: partial(['a'], (t, {a}) => mul(t, a)),
  }),
  RealDiv: binary('RealDiv', {
    a: partial(['b'], (t, {b}) => div(t, b)),
    // Divided twice, because the square of b over- or underflows long before the result does.
    b: partial(['a', 'b'], (t, {a, b}) => neg(mul(t, div(div(a, b), b)))),
  }),
  SquaredDifference: binary('SquaredDifference', {
    a: partial(['a', 'b'], (t, {a, b}) => mul(t, scale(sub(a, b), 2))),
    b: partial(['a', 'b'], (t, {a, b}) => mul(t, scale(sub(b, a), 2))),
  }),
  Pow: binary('Pow', {
    a: partial(['a', 'b'], (t, {a, b}) => mul(t, powerInBase(a, b))),
    b: partial(['a', 'b'], (t, {a, b}) => mul(t, powerInExponent(a, b))),
  }),
  Atan2: binary('Atan2', {
    a: partial(['a', 'b'], (t, {a, b}) => mul(t, div(b, add(square(a), square(b))))),
    b: partial(['a', 'b'], (t, {a, b}) => neg(mul(t, div(a, add(square(a), square(b)))))),
  }),
  // Where both are equal each gets half.
  Maximum: binary('Maximum', {
    a: partial(['a', 'b'], (t, {a, b}) => sharedByLarger(t, a, b)),
    b: partial(['a', 'b'], (t, {a, b}) => sharedByLarger(t, b, a)),
  }),
  Minimum: binary('Minimum', {
    a: partial(['a', 'b'], (t, {a, b}) => sharedBySmaller(t, a, b)),
    b: partial(['a', 'b'], (t, {a, b}) => sharedBySmaller(t, b, a)),
  }),
  Mod: binary('Mod', {
    a: same,
    // The rounded quotient that the kernel itself has taken: ⌊a / b⌋ computed anew may be another one near a whole number.
    b: partial(['a', 'b'], (t, {a, b}) =>
      mul(t, run('Round', {x: div(sub(runBroadcasting('Mod', a, b), a), b)})),
    ),
  }),
  FloorDiv: stepBinary('FloorDiv'),

  AddN: {
    // The kernel doesn't broadcast, so what is mapped and what is shared are added up apart.
    batch: (inputs) => {
      const mapped = total(inputs.filter((input) => input.mapped));
      const shared = inputs.filter((input) => !input.mapped);
      return shared.length === 0 ? mapped : add(mapped, total(shared));
    },
    jvp: (_primals, tangents) => addAll(tangents.filter((tangent) => tangent !== undefined)),
    vjp: saving([], (dy, inputs) => inputs.map(() => () => dy)),
  },
});

const addAll = (terms: readonly Tensor[]): Tensor =>
  terms.length === 1 ? terms[0]! : run('AddN', terms);

const total = (inputs: readonly BatchedInput[]): Tensor => addAll(inputs.map(({value}) => value));

/**
 * `b·a^(b-1)`. At a = b = 0 that is 0·∞; the exponent 0 there instead of -1 gives the derivative of the constant a^0, which is 0, and
 * leaves the derivatives of this formula right wherever there are any.
 */
function powerInBase(a: Tensor, b: Tensor): Tensor {
  const undefinedThere = mul(isZero(a), isZero(b));
  const exponent = add(sub(b, scalar(1)), undefinedThere);
  return mul(b, runBroadcasting('Pow', a, exponent));
}

/** `a^b·log a`, and 0 at a = 0, as in JAX and PyTorch. NaN where a is negative: a^b is real there for single values of b only. */
function powerInExponent(a: Tensor, b: Tensor): Tensor {
  const positive = add(a, isZero(a));
  return mul(runBroadcasting('Pow', a, b), run('Log', {x: positive}));
}
