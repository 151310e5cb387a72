import type {Tensor} from '@tensorflow/tfjs-core';
import {binary, linearUnary, partial, stepBinary, stepUnary, unary} from './kinds.js';
import {add, div, mul, neg, scalar, scale, square, sub} from './ops.js';
import {family, run} from './rule.js';

/** `1 - x²`, by a product that keeps its digits near ±1. */
const oneMinusSquare = (x: Tensor): Tensor => {
  const one = scalar(1);
  return mul(sub(one, x), add(one, x));
};
const same = partial([], (t) => t);

export const elementwise = family({
  Neg: linearUnary('Neg'),
  Square: unary('Square', 'input', (t, x) => mul(t, scale(x, 2))),
  Exp: unary('Exp', 'output', (t, y) => mul(t, y)),
  Tanh: unary('Tanh', 'output', (t, y) => mul(t, oneMinusSquare(y))),
  Sin: unary('Sin', 'input', (t, x) => mul(t, run('Cos', {x}))),
  Cos: unary('Cos', 'input', (t, x) => neg(mul(t, run('Sin', {x})))),
  Log: unary('Log', 'input', (t, x) => div(t, x)),
  Floor: stepUnary('Floor'),
  Add: binary('Add', {a: same, b: same}),
  Sub: binary('Sub', {a: same, b: partial([], neg)}),
  Multiply: binary('Multiply', {
    a: partial(['b'], (t, {b}) => mul(t, b)),
    b: partial(['a'], (t, {a}) => mul(t, a)),
  }),
  RealDiv: binary('RealDiv', {
    a: partial(['b'], (t, {b}) => div(t, b)),
    b: partial(['a', 'b'], (t, {a, b}) => neg(div(mul(t, a), square(b)))),
  }),
  Greater: stepBinary('Greater'),
});
