import {
  abs, acos, acosh, add, asin, asinh, atan, atan2, atanh, clipByValue, cos, cosh, div, elu, erf, exp, expm1, greater,
  leakyRelu, log, log1p, maximum, minimum, mod, mul, neg, pow, reciprocal, relu, relu6, round, rsqrt, selu, sigmoid, sin,
  sinh, softplus, sqrt, square, sub, tan, tanh, where, type Tensor,
} from '@tensorflow/tfjs-core';
import {grad, vmap} from '../../src/index.js';
import {program, type Program, type Programs} from './golden.js';

type Scalar = (x: Tensor) => Tensor;

const oneVariable: Readonly<Record<string, Scalar>> = {
  sin,
  cos,
  tan,
  sinh,
  cosh,
  tanh,
  asin,
  acos,
  atan,
  asinh,
  acosh,
  atanh,
  exp,
  expm1,
  log,
  log1p,
  sqrt,
  rsqrt,
  reciprocal,
  square,
  sigmoid,
  softplus,
  erf,
  relu: (x) => mul(mul(relu(x), x), x),
  relu6: (x) => mul(relu6(mul(5, x)), sin(x)),
  leakyRelu: (x) => mul(leakyRelu(x, 0.25), sin(x)),
  elu,
  selu,
  abs: (x) => mul(mul(abs(x), x), x),
  clip: (x) => mul(clipByValue(x, -1, 1), sin(x)),
  mod: (x) => mul(mul(mod(x, 0.75), x), x),
  round: (x) => mul(round(x), sin(x)),
  'integer power': (x) => add(sub(pow(x, 3), mul(2, pow(x, 2))), x),
  'real power': (x) => pow(x, 2.5),
  'x·exp(x)': (x) => mul(x, exp(x)),
  'x^x': (x) => pow(x, x),
  'exp(sin(x))': (x) => exp(sin(x)),
  'sin(x)/x': (x) => div(sin(x), x),
  'sin(1/x)': (x) => sin(div(1, x)),
  'log(cosh(x))': (x) => log(cosh(x)),
  gelu: (x) => mul(mul(0.5, x), add(1, erf(mul(x, Math.SQRT1_2)))),
  silu: (x) => mul(x, sigmoid(x)),
  mish: (x) => mul(x, tanh(softplus(x))),
  '1/(1+x²)': (x) => div(1, add(1, mul(x, x))),
  'exp(-x²)': (x) => exp(neg(mul(x, x))),
  'log(1+exp(x))': (x) => log(add(1, exp(x))),
  'tanh(tanh(x))': (x) => tanh(tanh(x)),
  'atan2(x,2-x)': (x) => atan2(x, sub(2, x)),
};

/** [f, f′, f″, f‴, f⁗] at every element of x. */
function orders(f: Scalar): Program {
  return program<{x: Tensor}>(({x}) => {
    const results: Tensor[] = [];
    let derivative = f;
    for (let order = 0; order <= 4; order++) {
      results.push(vmap(derivative)(x));
      derivative = grad(derivative);
    }
    return results;
  });
}

const twoVariables: Readonly<Record<string, (x: Tensor, y: Tensor) => Tensor>> = {
  'x^y': (x, y) => pow(x, y),
  'x/y': (x, y) => div(x, y),
  atan2: (x, y) => atan2(x, y),
  'squared difference': (x, y) => mul(square(sub(x, y)), x),
  hypotenuse: (x, y) => sqrt(add(mul(x, x), mul(y, y))),
  'exp(xy)·sin(y)': (x, y) => mul(exp(div(mul(x, y), 2)), sin(y)),
  maximum: (x, y) => mul(maximum(mul(x, x), y), minimum(x, mul(y, y))),
  where: (x, y) => where(greater(x, y), mul(mul(x, x), y), mul(sin(x), mul(y, y))),
};

function partials(f: (x: Tensor, y: Tensor) => Tensor): Program {
  return program<{x: Tensor; y: Tensor}>(({x, y}) => {
    const partial = (...variables: (0 | 1)[]) => {
      const derivative = variables.reduce((g, argnums) => grad(g, {argnums}), f);
      return vmap(derivative)(x, y);
    };
    return {
      x: partial(0),
      y: partial(1),
      xx: partial(0, 0),
      xy: partial(0, 1),
      yx: partial(1, 0),
      yy: partial(1, 1),
      xxy: partial(0, 0, 1),
      yxy: partial(1, 0, 1),
    };
  });
}

function prefixed<T>(prefix: string, table: Readonly<Record<string, T>>, make: (value: T) => Program): Programs {
  return Object.fromEntries(Object.entries(table).map(([name, value]) => [`${prefix}/${name}`, make(value)]));
}

export const derivatives: Programs = {
  ...prefixed('derivatives', oneVariable, orders),
  ...prefixed('partials', twoVariables, partials),
};
