import * as tf from '@tensorflow/tfjs-core';
import type {Tensor, Tensor2D} from '@tensorflow/tfjs-core';
import {grad, gradAndValue, hessian, hvp, jacfwd, jacrev, jvp, vjp, vmap} from '../../src/index.js';
import {program, type Programs} from './golden.js';

interface X {
  x: Tensor;
}

interface Layer {
  w: Tensor;
  b: Tensor;
}

const tanhLayer = (w: Tensor, b: Tensor, x: Tensor): Tensor => tf.tanh(tf.add(tf.dot(w, x), b));

const jacobians: Programs = {
  'jacobian/elementwise sin, both modes': program<X>(({x}) => [
    jacrev((v: Tensor) => tf.sin(v))(x),
    jacfwd((v: Tensor) => tf.sin(v))(x),
  ]),

  'jacobian/vector function with respect to each argument': program<Layer & X>(({w, b, x}) => ({
    rev: jacrev(tanhLayer, {argnums: [0, 1, 2]})(w, b, x),
    fwd: jacfwd(tanhLayer, {argnums: [0, 1, 2]})(w, b, x),
  })),

  'jacobian/trees in and out': program<{params: Layer; x: Tensor}>(({params, x}) => {
    const f = ({w, b}: Layer) => {
      const hidden = tanhLayer(w, b, x);
      return {hidden, energy: tf.sum(tf.mul(hidden, hidden))};
    };
    return {rev: jacrev(f)(params), fwd: jacfwd(f)(params)};
  }),

  'jacobian/matrix to matrix': program<{a: Tensor}>(({a}) => {
    const f = (m: Tensor) => tf.matMul(m, m, false, true);
    return [jacrev(f)(a), jacfwd(f)(a)];
  }),

  'jacobian/softmax, log-softmax and unit vector': program<X>(({x}) => {
    const functions = [
      (v: Tensor) => tf.softmax(v),
      (v: Tensor) => tf.logSoftmax(v),
      (v: Tensor) => tf.div(v, tf.sqrt(tf.sum(tf.mul(v, v)))),
    ];
    return functions.map((f) => [jacrev(f)(x), jacfwd(f)(x)]);
  }),

  'jacobian/vmap of jacrev': program<{w: Tensor; x: Tensor}>(({w, x}) => {
    const f = (v: Tensor) => tf.mul(tf.sin(tf.dot(w, v)), tf.sum(tf.mul(v, v)));
    return [vmap(jacrev(f))(x), vmap(jacfwd(f))(x)];
  }),

  'jacobian/jacrev of vmap': program<X>(({x}) => {
    const f = vmap((v: Tensor) => tf.mul(tf.sin(v), tf.sum(tf.mul(v, v))));
    return [jacrev(f)(x), jacfwd(f)(x)];
  }),

  'jacobian/a product of matrices by slices': program<{a: Tensor; b: Tensor}>(({a, b}) => {
    const f = (m: Tensor, n: Tensor) => tf.sum(tf.matMul(m, n), 0);
    return [jacrev(f, {argnums: [0, 1]})(a, b), jacfwd(f, {argnums: [0, 1]})(a, b)];
  }),

  'hessian/Rosenbrock, all compositions': program<X>(({x}) =>
    fourHessians((v) => {
      const [head, tail] = [tf.slice(v, 0, 3), tf.slice(v, 1, 3)];
      return tf.sum(
        tf.add(tf.mul(100, tf.square(tf.sub(tail, tf.square(head)))), tf.square(tf.sub(1, head))),
      );
    }, x),
  ),

  'hessian/logistic regression, all compositions': program<{x: Tensor; y: Tensor; w: Tensor}>(
    ({x, y, w}) =>
      fourHessians((v) => {
        const logits = tf.dot(x, v);
        return tf.mean(tf.sub(tf.softplus(logits), tf.mul(y, logits)));
      }, w),
  ),

  'hessian/log-sum-exp, all compositions': program<X>(({x}) =>
    fourHessians((v) => tf.logSumExp(v), x),
  ),

  'hessian/vector valued': program<X>(({x}) =>
    hessian((v: Tensor) => tf.mul(tf.sin(v), tf.cumsum(v)))(x),
  ),

  'hessian/vmap of hessian': program<{w: Tensor; x: Tensor}>(({w, x}) =>
    vmap(hessian((v: Tensor) => tf.sum(tf.square(tf.tanh(tf.dot(w, v))))))(x),
  ),

  'hessian/blocks of a tree': program<{params: Layer; x: Tensor}>(({params, x}) =>
    hessian(({w, b}: Layer) => tf.sum(tf.square(tanhLayer(w, b, x))))(params),
  ),

  'hessian/diagonal by vmap of nested jvp': program<X>(({x}) => {
    const f = (v: Tensor) => tf.add(tf.sum(tf.mul(tf.sin(v), tf.exp(v))), tf.prod(v));
    const second = (direction: Tensor) => {
      const first = (v: Tensor) => jvp(f, [v], [direction])[1];
      return jvp(first, [x], [direction])[1];
    };
    return vmap(second)(tf.eye(4));
  }),

  'hvp/three compositions': program<{w: Tensor; x: Tensor; v: Tensor}>(({w, x, v}) => {
    const f = (t: Tensor) => tf.sum(tf.pow(tf.tanh(tf.dot(w, t)), 3));
    return {
      'fwd over rev': hvp(f, [x], [v])[0],
      'rev over rev': grad((t: Tensor) => tf.sum(tf.mul(grad(f)(t), v)))(x),
      'rev over fwd': grad((t: Tensor) => jvp(f, [t], [v])[1])(x),
    };
  }),

  'hvp/of a tree of parameters': program<{params: Layer; v: Layer; x: Tensor}>(({params, v, x}) => {
    const loss = ({w, b}: Layer) => tf.logSumExp(tanhLayer(w, b, x));
    return hvp(loss, [params], [v])[0];
  }),

  'hvp/Gauss-Newton product': program<{w: Tensor; x: Tensor; v: Tensor}>(({w, x, v}) => {
    const f = (t: Tensor) => tf.mul(tf.sin(tf.dot(w, t)), tf.sum(tf.mul(t, t)));
    const [, pushed] = jvp(f, [x], [v]);
    const [, pullback] = vjp(f, [x]);
    return pullback(pushed)[0];
  }),

  'vjp/trees of primals, outputs and cotangents': program<{
    p: {a: Tensor; b: Tensor[]};
    x: Tensor;
    ct: {y: Tensor; z: [Tensor]};
  }>(({p, x, ct}) => {
    const f = (q: {a: Tensor; b: Tensor[]}, t: Tensor): {y: Tensor; z: [Tensor]} => {
      const [matrix, factor] = q.b as [Tensor, Tensor];
      return {y: tf.mul(tf.dot(matrix, tf.mul(t, q.a)), factor), z: [tf.mul(tf.sin(q.a), t)]};
    };
    const [output, pullback] = vjp(f, [p, x]);
    return [output, pullback(ct)];
  }),

  'vjp/one pullback, mapped over a basis': program<{w: Tensor; x: Tensor}>(({w, x}) => {
    const [, pullback] = vjp((m: Tensor, v: Tensor) => tf.tanh(tf.dot(m, v)), [w, x]);
    return vmap((cotangent: Tensor) => pullback(cotangent))(tf.eye(3));
  }),

  'vjp/gradient through a pullback': program<{x: Tensor; ct: Tensor}>(({x, ct}) => {
    const through = (v: Tensor, c: Tensor) => {
      const [, pullback] = vjp((t: Tensor) => tf.mul(tf.sin(t), tf.sum(t)), [v]);
      return tf.sum(tf.square(pullback(c)[0]));
    };
    return grad(through, {argnums: [0, 1]})(x, ct);
  }),

  'jvp/product of two arguments': program<{x: Tensor; y: Tensor; tx: Tensor; ty: Tensor}>(
    ({x, y, tx, ty}) => jvp((a: Tensor, b: Tensor) => tf.mul(a, b), [x, y], [tx, ty]),
  ),

  'jvp/trees of primals and outputs': program<{p: Layer; t: Layer; x: Tensor; tx: Tensor}>(
    ({p, t, x, tx}) =>
      jvp(
        ({w, b}: Layer, v: Tensor) => {
          const hidden = tanhLayer(w, b, v);
          return {hidden, norm: tf.sqrt(tf.sum(tf.mul(hidden, hidden)))};
        },
        [p, x],
        [t, tx],
      ),
  ),

  'jvp/of jvp, of vjp, of grad': program<{x: Tensor; t: Tensor; s: Tensor}>(({x, t, s}) => {
    const f = (v: Tensor) => tf.mul(tf.sin(v), tf.sum(tf.mul(v, v)));
    const functions = [
      (v: Tensor) => jvp(f, [v], [t])[1],
      (v: Tensor) => vjp(f, [v])[1](t)[0],
      grad((u: Tensor) => tf.sum(tf.square(f(u)))),
    ];
    return functions.map((g) => jvp(g, [x], [s]));
  }),

  'higher/third derivative tensor': program<X>(({x}) => {
    const f = (v: Tensor) => tf.add(tf.exp(tf.sum(tf.sin(v))), tf.prod(v));
    return [jacfwd(jacrev(jacfwd(f)))(x), jacrev(jacfwd(jacrev(f)))(x)];
  }),

  'higher/fourth derivative tensor': program<X>(({x}) => {
    const f = (v: Tensor) => {
      const [a, b] = tf.unstack(v) as [Tensor, Tensor];
      return tf.mul(tf.tanh(tf.mul(a, b)), tf.cos(a));
    };
    return [hessian(hessian(f))(x), jacfwd(jacfwd(jacrev(jacrev(f))))(x)];
  }),

  'higher/gradient of a Jacobian norm': program<{w: Tensor; x: Tensor}>(({w, x}) =>
    [jacrev, jacfwd].map((jacobian) =>
      grad((m: Tensor) => tf.sum(tf.square(jacobian((v: Tensor) => tf.tanh(tf.dot(m, v)))(x))))(w),
    ),
  ),

  'higher/Laplacian, divergence and curl': program<X>(({x}) => {
    const scalar = (v: Tensor) =>
      tf.mul(tf.exp(tf.neg(tf.sum(tf.mul(v, v)))), tf.squeeze(tf.slice(v, 0, 1)));
    const field = (v: Tensor) => {
      const [a, b, c] = tf.unstack(v) as [Tensor, Tensor, Tensor];
      return tf.stack([tf.mul(b, tf.square(c)), tf.mul(tf.sin(a), c), tf.exp(tf.mul(a, b))]);
    };
    const trace = (m: Tensor) => tf.sum(tf.mul(m, tf.diag(tf.ones([3]))));
    const jacobian = jacfwd(field)(x);
    const rotation = tf
      .unstack(tf.sub(tf.transpose(jacobian), jacobian))
      .map((row) => tf.unstack(row)) as Tensor[][];
    const curl = tf.stack([rotation[1]?.[2], rotation[2]?.[0], rotation[0]?.[1]] as Tensor[]);
    return {laplacian: trace(hessian(scalar)(x)), divergence: trace(jacobian), curl};
  }),

  'auxiliary/gradient with an auxiliary output and its value': program<{w: Tensor; x: Tensor2D}>(
    ({w, x}) => {
      const f = (v: Tensor): [Tensor, {scores: Tensor}] => {
        const scores = tf.dot(x, v);
        return [tf.sum(tf.square(scores)), {scores}];
      };
      const [gradient, aux] = grad(f, {hasAux: true})(w);
      const [again, value] = gradAndValue((v: Tensor) => f(v)[0])(w);
      return {gradient, aux, again, value};
    },
  ),
};

function fourHessians(f: (v: Tensor) => Tensor, x: Tensor): Record<string, Tensor> {
  return {
    'fwd over rev': jacfwd(jacrev(f))(x),
    'rev over fwd': jacrev(jacfwd(f))(x),
    'fwd over fwd': jacfwd(jacfwd(f))(x),
    'rev over rev': jacrev(jacrev(f))(x),
    hessian: hessian(f)(x),
  };
}

export {jacobians};
