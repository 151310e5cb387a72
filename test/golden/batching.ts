import * as tf from '@tensorflow/tfjs-core';
import type {Tensor} from '@tensorflow/tfjs-core';
import {grad, jacfwd, jacrev, jvp, vjp, vmap, type VmapOptions} from '../../src/index.js';
import {program, type Program, type Programs} from './golden.js';

interface X {
  x: Tensor;
}

interface XY extends X {
  y: Tensor;
}

/** [3] and [3] to [3], with every element of the result on every input. */
const weighted = (x: Tensor, y: Tensor): Tensor =>
  tf.add(tf.mul(tf.sin(x), tf.sum(y)), tf.cumsum(tf.mul(x, y)));

const withDims = (options: VmapOptions<[Tensor, Tensor], Tensor>): Program =>
  program<XY>(({x, y}) => vmap(weighted, options)(x, y));

const dims: Programs = {
  'dims/first of both': withDims({inDims: [0, 0]}),
  'dims/last of one, first of the other': withDims({inDims: [1, 0]}),
  'dims/one argument shared': withDims({inDims: [0, null]}),
  'dims/the other argument shared': withDims({inDims: [null, -1]}),
  'dims/result in the last dimension': withDims({outDims: 1}),
  'dims/negative in and out': withDims({inDims: [-1, -2], outDims: -1}),

  'dims/middle of rank 3, to the end': program<XY>(({x, y}) =>
    vmap((a: Tensor, b: Tensor) => tf.matMul(a, b), {inDims: [1, null], outDims: 2})(x, y),
  ),

  'dims/trees in and out': program<{p: {w: Tensor; b: Tensor}; xs: [Tensor, Tensor]}>(({p, xs}) => {
    const f = ({w, b}: typeof p, [u, v]: [Tensor, Tensor]) => {
      const score = tf.add(tf.dot(w, u), b);
      return {score, outer: tf.outerProduct(score as tf.Tensor1D, v as tf.Tensor1D) as Tensor};
    };
    return vmap(f, {inDims: [{w: 1, b: null}, [1, 0]], outDims: {score: 1, outer: 2}})(p, xs);
  }),

  'dims/per-example gradients, parameters shared': program<XY & {w: Tensor}>(({w, x, y}) => {
    const loss = (p: Tensor, a: Tensor, b: Tensor) =>
      tf.squaredDifference(tf.tanh(tf.sum(tf.mul(p, a))), b);
    return vmap(grad(loss), {inDims: [null, 1, 0], outDims: 1})(w, x, y);
  }),
};

const allPairs = (f: (a: Tensor, b: Tensor) => Tensor) =>
  vmap(vmap(f, {inDims: [null, 0]}), {inDims: [0, null]});

const nested: Programs = {
  'nested/two dimensions, inner and outer swapped': program<XY>(({x, y}) => {
    const inner = vmap(weighted, {inDims: [0, null]});
    return [
      vmap(inner, {inDims: [0, null]})(x, y),
      vmap(inner, {inDims: [1, null], outDims: 1})(x, y),
    ];
  }),

  'nested/all pairs': program<XY>(({x, y}) => {
    const distance = (a: Tensor, b: Tensor): Tensor => tf.sqrt(tf.sum(tf.squaredDifference(a, b)));
    return [allPairs(distance)(x, y), allPairs(grad(distance))(x, y)];
  }),

  'nested/three levels over one tensor': program<X>(({x}) => {
    const scalar = (a: Tensor) => tf.mul(tf.sin(a), a);
    return vmap(vmap(vmap(scalar), {outDims: 1}), {inDims: 1})(x);
  }),

  'nested/inner map closes over the outer variable': program<XY>(({x, y}) =>
    vmap((a: Tensor) => tf.mul(vmap((b: Tensor) => tf.sum(tf.mul(tf.exp(a), b)))(y), tf.sum(a)))(x),
  ),

  'nested/softmax and log-sum-exp along different axes': program<X>(({x}) => {
    const f = (a: Tensor) => tf.mul(tf.softmax(a), tf.logSumExp(a, 0, true));
    return vmap(vmap(f, {inDims: 1, outDims: 1}))(x);
  }),
};

const order: Programs = {
  'order/vmap of grad of vmap of grad': program<X>(({x}) => {
    const scalar = (a: Tensor) => tf.mul(tf.sin(a), tf.exp(a));
    const inner = (row: Tensor) => tf.mul(tf.sum(tf.square(vmap(grad(scalar))(row))), tf.sum(row));
    return vmap(grad(inner))(x);
  }),

  'order/jvp of vmap and vmap of jvp': program<{x: Tensor; t: Tensor}>(({x, t}) => {
    const f = (a: Tensor) => tf.mul(tf.softmax(a), tf.sum(tf.mul(a, a)));
    return [jvp(vmap(f), [x], [t]), vmap((a: Tensor, b: Tensor) => jvp(f, [a], [b]))(x, t)];
  }),

  'order/vjp of vmap and vmap of vjp': program<{x: Tensor; ct: Tensor}>(({x, ct}) => {
    const f = (a: Tensor) => tf.mul(tf.softmax(a), tf.sum(tf.mul(a, a)));
    const [, pullback] = vjp(vmap(f), [x]);
    return [pullback(ct)[0], vmap((a: Tensor, c: Tensor) => vjp(f, [a])[1](c)[0])(x, ct)];
  }),
};

type Scalar = (a: Tensor) => Tensor;

const derivative =
  (f: Scalar): Scalar =>
  (a) =>
    jvp(f, [a], [tf.onesLike(a)])[1];

const modes: Readonly<Record<string, (f: Scalar) => Scalar>> = {
  rev: (f) => grad(f),
  fwd: derivative,
};

const confusion: Programs = {
  'confusion/derivative of x · d/dy (x + y)': program<X>(({x}) =>
    Object.values(modes).map((d) => vmap(d((a) => tf.mul(a, d((b) => tf.add(a, b))(a))))(x)),
  ),

  'confusion/derivative of x · d/dy (x · y), mixed modes': program<X>(({x}) =>
    Object.fromEntries(
      Object.entries(modes).flatMap(([outerName, outer]) =>
        Object.entries(modes).map(([innerName, inner]) => [
          `${outerName} ${innerName}`,
          vmap(outer((a) => tf.mul(a, inner((b) => tf.mul(tf.mul(a, b), b))(a))))(x),
        ]),
      ),
    ),
  ),

  'confusion/three levels of captured variables': program<X>(({x}) => {
    const f = (a: Tensor) => {
      const third = (b: Tensor) => grad((c: Tensor) => tf.mul(tf.mul(a, b), tf.pow(c, 3)))(b);
      return tf.mul(a, grad((b: Tensor) => tf.mul(tf.mul(b, b), third(b)))(a));
    };
    return [vmap(f)(x), vmap(grad(f))(x), vmap(grad(grad(f)))(x)];
  }),

  'confusion/gradient inside a mapped sum of a captured row': program<X>(({x}) => {
    const outer = (rows: Tensor) => {
      const first = tf.squeeze(tf.slice(rows, 0, 1), [0]);
      const inner = (row: Tensor) =>
        grad((r: Tensor) => tf.mul(tf.sum(tf.mul(tf.mul(r, r), first)), tf.sum(tf.mul(row, r))))(
          row,
        );
      return tf.sum(tf.square(vmap(inner)(rows)));
    };
    return grad(outer)(x);
  }),
};

/** A function of one tensor whose gradient is what `backward` says. */
function custom(forward: Scalar, backward: (a: Tensor, dy: Tensor) => Tensor): Scalar {
  return tf.customGrad((a, save) => {
    (save as tf.GradSaveFunc)([a as Tensor]);
    const gradFunc = (dy: Tensor, [saved]: Tensor[]) => backward(saved as Tensor, dy);
    return {value: forward(a as Tensor), gradFunc};
  });
}

const customRules: Programs = {
  'custom/stable log(1 + exp(x))': program<X>(({x}) => {
    const f = custom(tf.softplus, (a, dy) =>
      tf.mul(dy, tf.sub(1, tf.div(1, tf.add(1, tf.exp(a))))),
    );
    return [vmap(f)(x), vmap(grad(f))(x), vmap(jacfwd(f))(x)];
  }),

  'custom/rounding with a straight-through gradient': program<X>(({x}) => {
    const straight = custom(tf.round, (_a, dy) => dy);
    const product = (a: Tensor) => tf.mul(straight(a), a);
    return [
      vmap(grad((a: Tensor) => tf.mul(straight(a), tf.sin(a))))(x),
      jacfwd(product)(x),
      jacrev(product)(x),
    ];
  }),

  'custom/a rule that differs from the derivative, to second order': program<X>(({x}) => {
    const f = custom(tf.sin, (a, dy) => tf.mul(dy, tf.pow(a, 3)));
    return [
      vmap(grad(f))(x),
      vmap(grad(grad(f)))(x),
      vmap(grad((a: Tensor) => f(tf.mul(a, a))))(x),
    ];
  }),

  'custom/a rule that differs from the derivative, its value differentiated again': program<X>(
    ({x}) => {
      const f = custom(tf.sin, (a, dy) => tf.mul(dy, tf.pow(a, 3)));
      const product = (a: Tensor) => tf.mul(f(a), a);
      return [grad(grad(product)), derivative(grad(product)), grad(derivative(product))].map((g) =>
        vmap(g)(x),
      );
    },
  ),

  'custom/stopped gradient': program<X>(({x}) => {
    const stopped = custom(
      (a) => tf.clone(a),
      (_a, dy) => tf.zerosLike(dy),
    );
    const f = (a: Tensor) => tf.mul(stopped(tf.exp(a)), tf.sin(a));
    return [vmap(grad(f))(x), vmap(grad(grad(f)))(x)];
  }),
};

export const batching: Programs = {...dims, ...nested, ...order, ...confusion, ...customRules};
