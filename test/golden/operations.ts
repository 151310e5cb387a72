import * as tf from '@tensorflow/tfjs-core';
import type {Tensor, Tensor1D, Tensor2D} from '@tensorflow/tfjs-core';
import {grad, hessian, hvp, jacfwd, vmap} from '../../src/index.js';
import {program, type Program, type Programs} from './golden.js';

interface X {
  x: Tensor;
}

interface Pair extends X {
  v: Tensor;
}

/** Gradient and Hessian-vector product of a scalar function, for every example. */
function firstAndSecond(f: (x: Tensor) => Tensor, {x, v}: Pair): Tensor[] {
  return [vmap(grad(f))(x), vmap((a: Tensor, b: Tensor) => hvp(f, [a], [b])[0])(x, v)];
}

const ofScalar = (f: (x: Tensor) => Tensor): Program =>
  program<Pair>((pair) => firstAndSecond(f, pair));

const sumSin = (x: Tensor): Tensor => tf.sum(tf.sin(x));

const scans: Programs = {
  'scan/cumsum along each axis': program<Pair>((pair) =>
    [0, 1].map((axis) => firstAndSecond((a) => sumSin(tf.cumsum(a, axis)), pair)),
  ),

  'scan/cumprod along each axis': program<Pair>((pair) =>
    [0, 1].map((axis) => firstAndSecond((a) => sumSin(tf.cumprod(a, axis)), pair)),
  ),

  'scan/cumulative log-sum-exp, exclusive and reversed': ofScalar((a) =>
    sumSin(tf.mul(tf.log(tf.add(1, tf.cumsum(tf.exp(a), 0, true, true))), a)),
  ),
};

const products: Programs = {
  'product/gradient and Hessian with no, one and two zeros': program<X>(({x}) => {
    const product = (a: Tensor): Tensor => tf.prod(a);
    return [vmap(grad(product))(x), vmap(hessian(product))(x)];
  }),

  'product/along an axis, with zeros': program<{x: Tensor; ct: Tensor}>(({x, ct}) =>
    vmap(grad((a: Tensor) => tf.sum(tf.mul(tf.prod(a, 1), ct))))(x),
  ),

  'cumulative product/with zeros': program<{x: Tensor; ct: Tensor}>(({x, ct}) => [
    vmap(grad((a: Tensor) => tf.sum(tf.mul(tf.cumprod(a), ct))))(x),
    vmap(jacfwd((a: Tensor) => tf.cumprod(a)))(x),
  ]),
};

const reductions: Programs = {
  'reduction/log-sum-exp over axes': ofScalar((a) =>
    tf.add(tf.sum(tf.square(tf.logSumExp(a, 1))), tf.sum(tf.pow(tf.logSumExp(a, [0, 1], true), 3))),
  ),

  'reduction/log-sum-exp of large values': program<X>(({x}) => {
    const f = (a: Tensor): Tensor => tf.logSumExp(a, 0);
    return [vmap(f)(x), vmap(grad(f))(x)];
  }),

  'reduction/mean, variance and norm': ofScalar((a) =>
    tf.mul(tf.sum(tf.log(tf.moments(a, 0).variance)), tf.norm(a)),
  ),

  'reduction/max and min of distinct values': ofScalar((a) =>
    tf.add(tf.sum(tf.mul(tf.square(tf.max(a, 0)), tf.min(a))), tf.pow(tf.max(a, [0, 1]), 3)),
  ),
};

const selections: Programs = {
  'select/where on both sides': ofScalar((a) =>
    tf.sum(tf.where(tf.greater(a, 0), tf.mul(tf.exp(a), a), tf.pow(a, 3))),
  ),

  'select/where with a mask and broadcast branches': program<{mask: Tensor; a: Tensor; b: Tensor}>(
    ({mask, a, b}) =>
      grad((p: Tensor, q: Tensor) => sumSin(tf.mul(tf.where(mask, p, q), p)), {argnums: [0, 1]})(
        a,
        b,
      ),
  ),

  'select/double where keeps NaN out of the gradient': program<X>(({x}) => {
    const guarded = (f: (x: Tensor) => Tensor, elsewhere: (x: Tensor) => Tensor) => (a: Tensor) => {
      const positive = tf.greater(a, 0);
      return tf.where(positive, f(tf.where(positive, a, tf.onesLike(a))), elsewhere(a));
    };
    return [guarded(tf.sqrt, tf.zerosLike), guarded(tf.log, (a) => a)].map((f) => [
      vmap(grad(f))(x),
      vmap(grad(grad(f)))(x),
      vmap(jacfwd(f))(x),
    ]);
  }),

  'select/single where lets NaN through': program<X>(({x}) =>
    vmap(grad((a: Tensor) => tf.where(tf.greater(a, 0), tf.sqrt(a), tf.zerosLike(a))))(x),
  ),
};

const rows = (a: Tensor, ids: Tensor): Tensor => tf.gather(a, ids as Tensor1D);

const indexing: Programs = {
  'gather/rows, repeated': program<Pair & {ids: Tensor}>(({ids, ...pair}) =>
    firstAndSecond((a) => tf.sum(tf.mul(tf.sin(rows(a, ids)), tf.sum(rows(a, ids), 0))), pair),
  ),

  'gather/indices, or table, or both mapped': program<{x: Tensor; ids: Tensor}>(({x, ids}) => {
    const f = grad((a: Tensor, i: Tensor) =>
      tf.sum(tf.mul(tf.exp(rows(a, i)), tf.cumsum(rows(a, i), 0))),
    );
    const [firstTable, firstIds] = [x, ids].map((t) => tf.squeeze(tf.slice(t, 0, 1), [0])) as [
      Tensor,
      Tensor,
    ];
    return [
      vmap(f)(x, ids),
      vmap(f, {inDims: [null, 0]})(firstTable, ids),
      vmap(f, {inDims: [0, null]})(x, firstIds),
    ];
  }),

  'gather/by coordinates, and scatter back': program<Pair & {at: Tensor}>(({at, ...pair}) =>
    firstAndSecond((a) => {
      const picked = tf.gatherND(a, at);
      return tf.sum(tf.mul(tf.square(tf.scatterND(at, tf.sin(picked), [3, 4])), a));
    }, pair),
  ),

  'gather/one-hot selection': program<{x: Tensor; ids: Tensor}>(({x, ids}) =>
    vmap(grad((a: Tensor, id: Tensor) => tf.pow(tf.sum(tf.mul(tf.oneHot(id, 5), a)), 3)))(x, ids),
  ),

  'scatter/sums over segments': program<Pair & {ids: Tensor}>(({ids, ...pair}) =>
    firstAndSecond((a) => tf.sum(tf.pow(tf.unsortedSegmentSum(a, ids as Tensor1D, 3), 3)), pair),
  ),
};

interface Factors {
  a: Tensor;
  b: Tensor;
}

const einsum = (equation: string): Program =>
  program<Factors>(({a, b}) => {
    const f = (p: Tensor, q: Tensor) => sumSin(tf.einsum(equation, p, q));
    return vmap(grad(f, {argnums: [0, 1]}), {inDims: [0, null]})(a, b);
  });

const contractions: Programs = {
  'einsum/ij,jk->ik': einsum('ij,jk->ik'),
  'einsum/bij,bjk->bik': einsum('bij,bjk->bik'),
  'einsum/ijk,kl->jil': einsum('ijk,kl->jil'),
  'einsum/i,j->ij': einsum('i,j->ij'),
  'einsum/ij,ij->': einsum('ij,ij->'),
  'einsum/bhqd,bhkd->bhqk': einsum('bhqd,bhkd->bhqk'),

  'matmul/gradients of both sides, each, other or both mapped': program<Factors>(({a, b}) => {
    const f = grad((p: Tensor, q: Tensor) => sumSin(tf.matMul(p, q)), {argnums: [0, 1]});
    const [firstA, firstB] = [a, b].map((t) => tf.squeeze(tf.slice(t, 0, 1), [0])) as [
      Tensor,
      Tensor,
    ];
    return [
      vmap(f)(a, b),
      vmap(f, {inDims: [0, null]})(a, firstB),
      vmap(f, {inDims: [null, 0]})(firstA, b),
    ];
  }),

  'matmul/broadcast batch dimensions, one side mapped': program<Factors & {c: Tensor}>(
    ({a, b, c}) => {
      const f = grad((p: Tensor, q: Tensor) => sumSin(tf.matMul(p, q)), {argnums: [0, 1]});
      return {mapped: vmap(f, {inDims: [0, null]})(a, b), plain: f(c, b)};
    },
  ),
};

const layout: Programs = {
  'layout/pad, slice and concatenate': ofScalar((a) => {
    const padded = tf.pad(a as Tensor2D, [[1, 0], [2, 1]], 0.5); // prettier-ignore
    const joined = tf.concat(
      [tf.square(tf.slice(padded, [1, 1], [2, 5])), tf.slice(padded, [0, 2], [2, 5])],
      1,
    );
    return tf.mul(sumSin(joined), tf.sum(tf.slice(padded, [3, 0], [1, 7])));
  }),

  'layout/mirrored padding': program<Pair>((pair) => {
    const padded = (mode: 'reflect' | 'symmetric', widths: [number, number][]) => (a: Tensor) => {
      const p = tf.mirrorPad(a, widths, mode);
      return tf.sum(tf.mul(tf.sin(p), tf.cumsum(p, 1)));
    };
    return [
      firstAndSecond(padded('reflect', [[1, 2], [2, 1]]), pair), // prettier-ignore
      firstAndSecond(padded('symmetric', [[1, 2], [2, 3]]), pair), // prettier-ignore
    ];
  }),

  'layout/strided slice': ofScalar((a) => {
    const corners = tf.stridedSlice(a, [1, 0], [5, 6], [2, 3]);
    const top = tf.stridedSlice(a, [0, 1], [1, 6], [1, 3], 0, 0, 0, 0, 0b01);
    const element = tf.stridedSlice(a, [4, 2], [5, 3], [1, 1], 0, 0, 0, 0, 0b11);
    return tf.sum(tf.mul(tf.mul(tf.sin(corners), top), element));
  }),

  'layout/stack, split, reverse, transpose, tile and broadcast': ofScalar((a) => {
    const [left, right] = tf.split(a, 2, 1) as [Tensor, Tensor];
    const turned = tf.transpose(tf.stack([left, tf.reverse(right, 1)], 1), [2, 0, 1]);
    const column = tf.reshape(tf.slice(a, [0, 0], [1, 4]), [4, 1]);
    const edge = tf.slice(turned, [0, 0, 0], [3, 1, 2]);
    return tf.add(sumSin(tf.mul(tf.tile(turned, [1, 2, 1]), column)), tf.sum(tf.pow(edge, 3)));
  }),

  'layout/broadcasting arithmetic over many ranks': program<{a: Tensor; b: Tensor; c: Tensor}>(
    ({a, b, c}) => {
      const f = (p: Tensor, q: Tensor, r: Tensor) => {
        const bounded = tf.mul(tf.maximum(tf.mul(p, q), r), tf.minimum(p, q));
        return tf.sum(tf.add(tf.sub(tf.div(tf.pow(p, q), r), bounded), tf.squaredDifference(q, r)));
      };
      const gradients = grad(f, {argnums: [0, 1, 2]});
      const totals = (p: Tensor, q: Tensor, r: Tensor) =>
        tf.stack(gradients(p, q, r).map((g) => tf.sum(g)));
      return {
        gradients: gradients(a, b, c),
        'per example': vmap(totals, {inDims: [null, null, 0]})(a, b, c),
      };
    },
  ),
};

const order: Programs = {
  'order/largest values': ofScalar((a) => tf.sum(tf.mul(tf.sin(tf.topk(a, 3).values), [1, 2, 3]))),

  'order/sorted in descending order': ofScalar((a) =>
    tf.sum(tf.mul(tf.square(tf.topk(a, 5).values), [1, -2, 3, -4, 5])),
  ),

  'order/weighted by integer positions of the largest': program<X>(({x}) =>
    vmap(grad((a: Tensor) => tf.mul(tf.sum(tf.square(a)), tf.argMax(a, 0))))(x),
  ),

  'integers/argmax, comparison and casts ride through vmap': program<{x: Tensor; y: Tensor}>(
    ({x, y}) =>
      vmap((a: Tensor) => ({
        argmax: tf.cast(tf.oneHot(tf.argMax(a, 0), 3), 'float32'),
        less: tf.where(tf.less(a, y), a, y),
        count: tf.sum(tf.cast(tf.greater(a, 0), 'float32')),
      }))(x),
  ),
};

export const operations: Programs = {
  ...scans,
  ...products,
  ...reductions,
  ...selections,
  ...indexing,
  ...contractions,
  ...layout,
  ...order,
};
