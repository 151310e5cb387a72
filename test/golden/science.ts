import * as tf from '@tensorflow/tfjs-core';
import type {Tensor, Tensor1D, Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {grad, hessian, hvp, jacfwd, jacrev, jvp, vmap} from '../../src/index.js';
import {program, type Program, type Programs} from './golden.js';

type Regressor = Record<'w1' | 'b1' | 'w2' | 'b2', Tensor>;

function predict({w1, b1, w2, b2}: Regressor, x: Tensor): Tensor {
  return tf.add(tf.matMul(tf.tanh(tf.add(tf.matMul(x, w1), b1)), w2), b2);
}

const meanSquaredError = (p: Regressor, x: Tensor, y: Tensor): Tensor =>
  tf.mean(tf.squaredDifference(predict(p, x), y));

interface Tasks {
  p: Regressor;
  x: Tensor3D;
  y: Tensor3D;
  qx: Tensor3D;
  qy: Tensor3D;
}

/** The loss on the query set after some steps of gradient descent on the support set. */
const maml = (steps: number): Program =>
  program<Tasks>(({p, x, y, qx, qy}) => {
    const task = (params: Regressor, a: Tensor, b: Tensor, c: Tensor, d: Tensor) => {
      for (let step = 0; step < steps; step++) {
        const gradient = grad(meanSquaredError)(params, a, b);
        const moved = Object.entries(params).map(([name, value]) => [
          name,
          tf.sub(value, tf.mul(0.125, gradient[name as keyof Regressor])),
        ]);
        params = Object.fromEntries(moved) as Regressor;
      }
      return meanSquaredError(params, c, d);
    };
    const perTask = {inDims: [null, 0, 0, 0, 0]} as const;
    const meta = (params: Regressor) => tf.mean(vmap(task, perTask)(params, x, y, qx, qy));
    return {
      loss: meta(p),
      gradient: grad(meta)(p),
      'per task': vmap(grad(task), perTask)(p, x, y, qx, qy),
    };
  });

/** Of five particles, every pair once. */
function lennardJones(positions: Tensor): Tensor {
  const first: number[] = [];
  const second: number[] = [];
  for (let i = 0; i < 5; i++) {
    for (let j = 0; j < i; j++) {
      first.push(i);
      second.push(j);
    }
  }
  const gaps = tf.sub(
    tf.gather(positions, tf.tensor1d(first, 'int32')),
    tf.gather(positions, tf.tensor1d(second, 'int32')),
  );
  const inverse6 = tf.div(1, tf.pow(tf.sum(tf.square(gaps), 1), 3));
  return tf.mul(4, tf.sum(tf.sub(tf.square(inverse6), inverse6)));
}

const force = (positions: Tensor): Tensor => tf.neg(grad(lennardJones)(positions));

const molecules: Programs = {
  'lennard-jones/energy, forces, Hessian and its products': program<{x: Tensor2D; v: Tensor2D}>(
    ({x, v}) => ({
      energy: lennardJones(x),
      forces: force(x),
      product: jvp(force, [x], [v])[1],
      hessian: hessian(lennardJones)(x),
    }),
  ),

  'lennard-jones/forces of a batch of configurations': program<{x: Tensor3D; v: Tensor3D}>(
    ({x, v}) => [
      vmap(force)(x),
      vmap((positions: Tensor, direction: Tensor) => jvp(force, [positions], [direction])[1])(x, v),
    ],
  ),

  'lennard-jones/all pairs with a masked diagonal': program<{x: Tensor2D}>(({x}) => {
    const energy = (positions: Tensor) => {
      const diagonal = tf.eye(5);
      const gaps = tf.sub(tf.expandDims(positions, 1), tf.expandDims(positions, 0));
      const square = tf.add(tf.sum(tf.square(gaps), -1), diagonal);
      const inverse6 = tf.div(tf.sub(1, diagonal), tf.pow(square, 3));
      return tf.mul(2, tf.sum(tf.sub(tf.square(inverse6), inverse6)));
    };
    return [energy(x), grad(energy)(x), hvp(energy, [x], [x])[0]];
  }),
};

const equations: Programs = {
  'differential equation/residual of a network, trained through two derivatives': program<{
    p: Regressor;
    t: Tensor1D;
  }>(({p, t}) => {
    const loss = (params: Regressor) => {
      const u = (s: Tensor): Tensor => tf.sum(predict(params, tf.reshape(s, [1, 1])));
      const residual = (s: Tensor) => tf.add(grad(grad(u))(s), tf.mul(u(s), grad(u)(s)));
      return tf.mean(tf.square(vmap(residual)(t)));
    };
    return {loss: loss(p), gradient: grad(loss)(p)};
  }),

  'differential equation/heat equation of a network in two variables': program<
    Record<'w1' | 'w2' | 'x' | 't', Tensor>
  >(({w1, w2, x, t}) => {
    const residual = (a: Tensor, b: Tensor, place: Tensor, time: Tensor) => {
      const u = (s: Tensor, z: Tensor): Tensor =>
        tf.sum(tf.mul(tf.tanh(tf.dot(tf.stack([s, z]), a)), b));
      const curvature = grad(grad(u, {argnums: 0}), {argnums: 0})(place, time);
      return tf.sub(grad(u, {argnums: 1})(place, time), tf.mul(0.5, curvature));
    };
    const loss = (a: Tensor, b: Tensor) =>
      tf.mean(tf.square(vmap(residual, {inDims: [null, null, 0, 0]})(a, b, x, t)));
    return grad(loss, {argnums: [0, 1]})(w1, w2);
  }),

  'differential equation/Runge-Kutta steps, sensitivity to state and parameters': program<{
    y: Tensor;
    k: Tensor;
  }>(({y, k}) => {
    const field = (state: Tensor, rates: Tensor): Tensor => {
      const [prey, predators] = tf.unstack(state) as [Tensor, Tensor];
      const [birth, eaten, fed, death] = tf.unstack(rates) as [Tensor, Tensor, Tensor, Tensor];
      const meetings = tf.mul(prey, predators);
      return tf.stack([
        tf.sub(tf.mul(birth, prey), tf.mul(eaten, meetings)),
        tf.sub(tf.mul(fed, meetings), tf.mul(death, predators)),
      ]);
    };
    const h = 0.125;
    const solve = (state: Tensor, rates: Tensor) => {
      for (let step = 0; step < 4; step++) {
        const a = field(state, rates);
        const b = field(tf.add(state, tf.mul(h / 2, a)), rates);
        const c = field(tf.add(state, tf.mul(h / 2, b)), rates);
        const d = field(tf.add(state, tf.mul(h, c)), rates);
        state = tf.add(state, tf.mul(h / 6, tf.addN([a, tf.mul(2, b), tf.mul(2, c), d])));
      }
      return state;
    };
    return {
      rev: vmap(jacrev(solve, {argnums: [0, 1]}), {inDims: [0, null]})(y, k),
      fwd: vmap(jacfwd(solve, {argnums: [0, 1]}), {inDims: [0, null]})(y, k),
    };
  }),

  'mechanics/double pendulum from its Lagrangian': program<{q: Tensor2D; v: Tensor2D}>(({q, v}) => {
    const lagrangian = (place: Tensor, velocity: Tensor): Tensor => {
      const [s0, s1] = tf.unstack(place) as [Tensor, Tensor];
      const [u0, u1] = tf.unstack(velocity) as [Tensor, Tensor];
      const coupling = tf.mul(tf.mul(u0, u1), tf.cos(tf.sub(s0, s1)));
      const kinetic = tf.addN([tf.square(u0), tf.mul(0.5, tf.square(u1)), coupling]);
      return tf.add(kinetic, tf.add(tf.mul(2 * 9.75, tf.cos(s0)), tf.mul(9.75, tf.cos(s1))));
    };
    const momentum = grad(lagrangian, {argnums: 1});
    const acceleration = (place: Tensor, velocity: Tensor) => {
      const mass = hessian(lagrangian, {argnums: 1})(place, velocity);
      const drift = tf.dot(jacfwd(momentum, {argnums: 0})(place, velocity), velocity);
      const forces = tf.sub(grad(lagrangian, {argnums: 0})(place, velocity), drift);
      const [f0, f1] = tf.unstack(forces) as [Tensor, Tensor];
      const [m00, m01, m10, m11] = tf.unstack(tf.reshape(mass, [4])) as [
        Tensor,
        Tensor,
        Tensor,
        Tensor,
      ];
      const determinant = tf.sub(tf.mul(m00, m11), tf.mul(m01, m10));
      return tf.div(
        tf.stack([
          tf.sub(tf.mul(m11, f0), tf.mul(m01, f1)),
          tf.sub(tf.mul(m00, f1), tf.mul(m10, f0)),
        ]),
        determinant,
      );
    };
    return vmap(acceleration)(q, v);
  }),
};

const optimisation: Programs = {
  'optimisation/Newton steps for a batch of starting points': program<{x: Tensor1D}>(({x}) => {
    const f = (a: Tensor): Tensor => tf.add(tf.log(tf.cosh(tf.sub(a, 1))), tf.div(tf.mul(a, a), 4));
    const newton = (a: Tensor) => {
      for (let step = 0; step < 3; step++) a = tf.sub(a, tf.div(grad(f)(a), grad(grad(f))(a)));
      return a;
    };
    return [vmap(newton)(x), vmap(grad(newton))(x)];
  }),

  'optimisation/learning rate by hypergradient': program<{
    w: Tensor;
    x: Tensor2D;
    y: Tensor1D;
    rates: Tensor1D;
  }>(({w, x, y, rates}) => {
    const loss = (v: Tensor): Tensor => tf.mean(tf.squaredDifference(tf.tanh(tf.dot(x, v)), y));
    const trained = (rate: Tensor) => {
      let v = w;
      let velocity: Tensor = tf.zerosLike(w);
      for (let step = 0; step < 3; step++) {
        velocity = tf.add(tf.mul(0.5, velocity), grad(loss)(v));
        v = tf.sub(v, tf.mul(rate, velocity));
      }
      return loss(v);
    };
    return [trained, grad(trained), grad(grad(trained))].map((f) => vmap(f)(rates));
  }),
};

const statistics: Programs = {
  'statistics/leapfrog steps of several chains': program<{q: Tensor2D; p: Tensor2D}>(({q, p}) => {
    const potential = (a: Tensor): Tensor => {
      const [first, second] = tf.unstack(a) as [Tensor, Tensor];
      return tf.add(
        tf.div(tf.square(tf.sub(1, first)), 4),
        tf.square(tf.sub(second, tf.square(first))),
      );
    };
    const steps = (place: Tensor, velocity: Tensor) => {
      for (let step = 0; step < 3; step++) {
        velocity = tf.sub(velocity, tf.mul(0.0625, grad(potential)(place)));
        place = tf.add(place, tf.mul(0.125, velocity));
        velocity = tf.sub(velocity, tf.mul(0.0625, grad(potential)(place)));
      }
      const energy = tf.add(potential(place), tf.div(tf.sum(tf.square(velocity)), 2));
      return [place, velocity, energy];
    };
    return vmap(steps)(q, p);
  }),

  'statistics/log-determinant of the Jacobian of a coupling flow': program<{
    x: Tensor2D;
    w: Tensor2D;
  }>(({x, w}) => {
    const flow = (a: Tensor, m: Tensor): Tensor => {
      const [first, second] = tf.unstack(a) as [Tensor, Tensor];
      const [outer, inner] = tf.unstack(m) as [Tensor, Tensor];
      const scale = tf.tanh(tf.sum(tf.mul(outer, tf.sin(tf.mul(first, inner)))));
      const moved = tf.add(tf.mul(second, tf.exp(scale)), tf.square(first));
      return tf.stack([tf.add(first, tf.mul(0.25, tf.tanh(moved))), moved]);
    };
    const logDensity = (a: Tensor, m: Tensor) => {
      const y = flow(a, m);
      const entries = tf.unstack(tf.reshape(jacrev(flow)(a, m), [4])) as [
        Tensor,
        Tensor,
        Tensor,
        Tensor,
      ];
      const [j00, j01, j10, j11] = entries;
      const determinant = tf.sub(tf.mul(j00, j11), tf.mul(j01, j10));
      return tf.sub(tf.log(tf.abs(determinant)), tf.div(tf.sum(tf.square(y)), 2));
    };
    const densities = vmap(logDensity, {inDims: [0, null]});
    return [densities(x, w), grad((m: Tensor) => tf.mean(densities(x, m)))(w)];
  }),

  'statistics/Fisher information of a classifier': program<{w: Tensor2D; x: Tensor2D}>(({w, x}) => {
    const information = (a: Tensor) => {
      const logP = (m: Tensor): Tensor => tf.logSoftmax(tf.dot(a, m));
      const jacobian = tf.reshape(jacrev(logP)(w), [2, 6]);
      const weighted = tf.einsum('k,ki->ki', tf.exp(logP(w)), jacobian);
      return tf.matMul(weighted, jacobian, true);
    };
    return tf.mean(vmap(information)(x), 0);
  }),
};

export const science: Programs = {
  'maml/1 inner steps': maml(1),
  'maml/3 inner steps': maml(3),
  ...molecules,
  ...equations,
  ...optimisation,
  ...statistics,
};
