import * as tf from '@tensorflow/tfjs-core';
import type {Tensor} from '@tensorflow/tfjs-core';
import {grad, vmap} from '../../src/index.js';
import {program, type Program, type Programs} from './golden.js';

type Scalar = (x: Tensor) => Tensor;

const oneVariable: Readonly<Record<string, Scalar>> = {
  sin: tf.sin,
  cos: tf.cos,
  tan: tf.tan,
  sinh: tf.sinh,
  cosh: tf.cosh,
  tanh: tf.tanh,
  asin: tf.asin,
  acos: tf.acos,
  atan: tf.atan,
  asinh: tf.asinh,
  acosh: tf.acosh,
  atanh: tf.atanh,
  exp: tf.exp,
  expm1: tf.expm1,
  log: tf.log,
  log1p: tf.log1p,
  sqrt: tf.sqrt,
  rsqrt: tf.rsqrt,
  reciprocal: tf.reciprocal,
  square: tf.square,
  sigmoid: tf.sigmoid,
  softplus: tf.softplus,
  erf: tf.erf,
  relu: (x) => tf.mul(tf.mul(tf.relu(x), x), x),
  relu6: (x) => tf.mul(tf.relu6(tf.mul(5, x)), tf.sin(x)),
  leakyRelu: (x) => tf.mul(tf.leakyRelu(x, 0.25), tf.sin(x)),
  elu: tf.elu,
  selu: tf.selu,
  abs: (x) => tf.mul(tf.mul(tf.abs(x), x), x),
  clip: (x) => tf.mul(tf.clipByValue(x, -1, 1), tf.sin(x)),
  mod: (x) => tf.mul(tf.mul(tf.mod(x, 0.75), x), x),
  round: (x) => tf.mul(tf.round(x), tf.sin(x)),
  'integer power': (x) => tf.add(tf.sub(tf.pow(x, 3), tf.mul(2, tf.pow(x, 2))), x),
  'real power': (x) => tf.pow(x, 2.5),
  'x·exp(x)': (x) => tf.mul(x, tf.exp(x)),
  'x^x': (x) => tf.pow(x, x),
  'exp(sin(x))': (x) => tf.exp(tf.sin(x)),
  'sin(x)/x': (x) => tf.div(tf.sin(x), x),
  'sin(1/x)': (x) => tf.sin(tf.div(1, x)),
  'log(cosh(x))': (x) => tf.log(tf.cosh(x)),
  gelu: (x) => tf.mul(tf.mul(0.5, x), tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2)))),
  silu: (x) => tf.mul(x, tf.sigmoid(x)),
  mish: (x) => tf.mul(x, tf.tanh(tf.softplus(x))),
  '1/(1+x²)': (x) => tf.div(1, tf.add(1, tf.mul(x, x))),
  'exp(-x²)': (x) => tf.exp(tf.neg(tf.mul(x, x))),
  'log(1+exp(x))': (x) => tf.log(tf.add(1, tf.exp(x))),
  'tanh(tanh(x))': (x) => tf.tanh(tf.tanh(x)),
  'atan2(x,2-x)': (x) => tf.atan2(x, tf.sub(2, x)),
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
  'x^y': (x, y) => tf.pow(x, y),
  'x/y': (x, y) => tf.div(x, y),
  atan2: (x, y) => tf.atan2(x, y),
  'squared difference': (x, y) => tf.mul(tf.square(tf.sub(x, y)), x),
  hypotenuse: (x, y) => tf.sqrt(tf.add(tf.mul(x, x), tf.mul(y, y))),
  'exp(xy)·sin(y)': (x, y) => tf.mul(tf.exp(tf.div(tf.mul(x, y), 2)), tf.sin(y)),
  maximum: (x, y) => tf.mul(tf.maximum(tf.mul(x, x), y), tf.minimum(x, tf.mul(y, y))),
  where: (x, y) =>
    tf.where(tf.greater(x, y), tf.mul(tf.mul(x, x), y), tf.mul(tf.sin(x), tf.mul(y, y))),
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

function prefixed<T>(
  prefix: string,
  table: Readonly<Record<string, T>>,
  make: (value: T) => Program,
): Programs {
  return Object.fromEntries(
    Object.entries(table).map(([name, value]) => [`${prefix}/${name}`, make(value)]),
  );
}

export const derivatives: Programs = {
  ...prefixed('derivatives', oneVariable, orders),
  ...prefixed('partials', twoVariables, partials),
};
