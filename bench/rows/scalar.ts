import * as tf from '@tensorflow/tfjs-core';
import type {Jax, JaxArray, JaxJob} from '../jaxJs.js';
import type {Row} from './row.js';

const batch = 64;

/** A hundred ops on tensors so small that only overhead counts. Stock tfjs can differentiate all of them twice. */
export function hundredOps(x: tf.Tensor): tf.Tensor {
  let y = x;
  for (let i = 0; i < 25; i++) y = tf.cos(tf.add(tf.mul(tf.sin(y), x), x));
  return y;
}

/** The same in jax-js, under its transforms. */
export const hundredOpsInJax =
  (x: tf.Tensor, transform: (jax: Jax, f: (x: JaxArray) => JaxArray) => unknown): JaxJob =>
  (jax, copy) => {
    const {numpy: np} = jax;
    const f = (x: JaxArray): JaxArray => {
      let y = x.ref;
      for (let i = 0; i < 25; i++) y = np.cos(np.sin(y).mul(x.ref).add(x.ref));
      x.dispose();
      return y;
    };
    return {f: transform(jax, f) as never, args: [copy(x)]};
  };

const detail = '100 ops';
const point = () => tf.scalar(0.3);

export const scalarGrad: Row = {
  id: 'scalar-grad',
  title: 'scalar function, grad',
  detail,
  goals: {wasm: {oursOverHand: 1.3}, tensorflow: {oursOverHand: 1.3}, cpu: {oursOverHand: 1.3}},
  prepare({grad}) {
    const x = point();
    const [ours, stock] = [grad(hundredOps), tf.grad(hundredOps)];
    return {
      ours: {label: 'grad(f)', run: () => ours(x)},
      byHand: {label: 'tf.grad', run: () => stock(x)},
      jaxJs: hundredOpsInJax(x, ({grad}, f) => grad(f)),
    };
  },
};

export const scalarInstalled: Row = {
  id: 'scalar-installed',
  title: 'scalar function, tf.grad with install()',
  detail,
  prepare({install, uninstall}) {
    const x = point();
    const slope = tf.grad(hundredOps);
    const installed = (): tf.Tensor => {
      install();
      try {
        return slope(x);
      } finally {
        uninstall();
      }
    };
    return {
      ours: {label: 'tf.grad, installed', run: installed},
      byHand: {label: 'tf.grad', run: () => slope(x)},
    };
  },
};

export const scalarVmap: Row = {
  id: 'scalar-vmap',
  title: `scalar function, vmap over ${batch}`,
  detail,
  goals: {wasm: {oursOverHand: 1.5}, tensorflow: {oursOverHand: 1.5}, cpu: {oursOverHand: 1.5}},
  prepare({vmap}) {
    const xs = tf.linspace(0, 1, batch);
    const mapped = vmap(hundredOps);
    return {
      ours: {label: 'vmap(f)', run: () => mapped(xs)},
      loop: {
        label: `loop of ${batch} calls`,
        run: () => tf.stack(tf.unstack(xs).map((x) => hundredOps(x))),
      },
      byHand: {label: 'plain call', run: () => hundredOps(xs)},
      jaxJs: hundredOpsInJax(xs, ({vmap}, f) => vmap(f)),
    };
  },
};

export const scalarSecondOrder: Row = {
  id: 'scalar-grad-grad',
  title: 'scalar function, grad(grad)',
  detail,
  prepare({grad}) {
    const x = point();
    const [ours, stock] = [
      grad(grad(hundredOps) as typeof hundredOps),
      tf.grad(tf.grad(hundredOps)),
    ];
    return {
      ours: {label: 'grad(grad(f))', run: () => ours(x)},
      byHand: {label: 'tf.grad(tf.grad)', run: () => stock(x)},
      jaxJs: hundredOpsInJax(x, ({grad}, f) => grad(grad(f))),
    };
  },
};
