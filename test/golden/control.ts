import * as tf from '@tensorflow/tfjs-core';
import type {Tensor} from '@tensorflow/tfjs-core';
import {
  cond,
  foriLoop,
  grad,
  hessian,
  jacfwd,
  jacrev,
  jvp,
  map,
  scan,
  vmap,
  whileLoop,
} from '../../src/index.js';
import {program, type Programs} from './golden.js';

const branches = (x: Tensor): Tensor =>
  cond(
    tf.greater(x, 0.75),
    (y) => tf.mul(tf.sin(y), y),
    (y) => tf.sub(tf.exp(y), tf.mul(y, y)),
    x,
  );

const newton = (a: Tensor): Tensor =>
  whileLoop(
    (x) => tf.greater(tf.abs(tf.sub(tf.mul(x, x), a)), tf.mul(1e-3, a)),
    (x) => tf.mul(0.5, tf.add(x, tf.div(a, x))),
    a,
  );

interface Params {
  w: Tensor;
  u: Tensor;
}

interface Network {
  params: Params;
  xs: Tensor;
  h: Tensor;
}

const apply = (w: Tensor, x: Tensor): Tensor =>
  tf.reshape(tf.matMul(w as tf.Tensor2D, tf.reshape(x, [-1, 1])), [-1]);

const rnn = (params: Params, xs: Tensor, h: Tensor) =>
  scan(
    (state, x) => {
      const next = tf.tanh(tf.add(apply(params.w, state), apply(params.u, x)));
      return [next, {h: next, energy: tf.sum(tf.square(next))}];
    },
    h,
    xs,
  );

const loss = (params: Params, xs: Tensor, h: Tensor): Tensor => {
  const [last, ys] = rnn(params, xs, h);
  return tf.add(tf.sum(ys.energy), tf.reshape(tf.slice(last, 0, 1), []));
};

/** The programs of control.json. */
export const control: Programs = {
  'cond per example: values, slopes, curvatures': program(({x}: {x: Tensor}) => {
    const slope = grad(branches);
    return [vmap(branches)(x), vmap(slope)(x), vmap(grad(slope))(x), vmap(jacfwd(slope))(x)];
  }),

  'while per example: values and tangents': program(({x, t}: {x: Tensor; t: Tensor}) => [
    ...jvp(vmap(newton), [x], [t]),
    vmap(jacfwd(jacfwd(newton)))(x),
  ]),

  'while over a tree, in two vmaps of which one maps the bound': program(
    ({x, n}: {x: Tensor; n: Tensor}) => {
      const f = (start: Tensor, bound: Tensor) =>
        whileLoop(
          (c) => tf.less(c.i, bound),
          (c) => ({
            x: tf.add(tf.sin(c.x), tf.div(1, tf.add(1, c.i))),
            i: tf.add(c.i, 1),
          }),
          {i: tf.scalar(0), x: start},
        );
      const mapped = vmap(vmap(f), {inDims: [0, null]});
      return [mapped(x, n), jvp((y: Tensor) => mapped(y, n), [x], [tf.onesLike(x)])[1].x];
    },
  ),

  'fori: gradients and Hessians': program(({x}: {x: Tensor}) => {
    const f = (start: Tensor): Tensor =>
      tf.sum(foriLoop(2, 6, (i, c) => tf.add(c, tf.div(tf.sin(tf.mul(c, i)), i)), start));
    return [f(x), grad(f)(x), hessian(f)(x)];
  }),

  'scan of a recurrent network: outputs, gradients, Hessian': program(
    ({params, xs, h}: Network) => ({
      output: rnn(params, xs, h),
      gradients: grad(loss, {argnums: [0, 1, 2]})(params, xs, h),
      hessian: hessian(loss, {argnums: 2})(params, xs, h),
      forward: jacfwd(loss)(params, xs, h),
    }),
  ),

  'scan per example: gradients of parameters': program(({params, xs, h}: Network) =>
    vmap(grad(loss), {inDims: [null, 0, null]})(params, xs, h),
  ),

  'scan backwards, without rows, in a scan': program(({x}: {x: Tensor}) => {
    const inner = (c: Tensor, row: Tensor): [Tensor, Tensor] =>
      scan((a, y) => [tf.add(tf.mul(a, 0.5), y), a], c, row, {reverse: true});
    const f = (rows: Tensor): [Tensor, Tensor] => scan(inner, tf.scalar(1), rows, {reverse: true});
    const at = (column: number): Tensor => tf.reshape(tf.slice(x, [0, column], [1, 1]), []);
    const powers = scan((c) => [tf.mul(c, at(0)), c], at(1), null, {length: 4});
    return [f(x), jacrev((y: Tensor) => f(y)[1])(x), powers];
  }),

  'map: values and the gradient of what is shared': program(({x, w}: {x: Tensor; w: Tensor}) => {
    const f = (v: Tensor): Tensor => map((row) => tf.sum(tf.sin(tf.mul(row, v))), x);
    return [f(w), jacrev(f)(w)];
  }),
};
