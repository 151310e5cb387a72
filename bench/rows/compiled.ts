import * as tf from '@tensorflow/tfjs-core';
import {biasGelu, normBlock} from './blocks.js';
import {timesFaster} from './goals.js';
import {hessians} from './hessian.js';
import {lennardJonesDetail, lennardJonesStep} from './lennardJones.js';
import {maml} from './maml.js';
import {perExampleCnn} from './perExampleCnn.js';
import {perExampleMlp} from './perExampleMlp.js';
import {hundredOps, hundredOpsInJax} from './scalar.js';
import type {Jax, JaxArray, JaxJob} from '../jaxJs.js';
import type {Call, Library, Row} from './row.js';

const size = 2 ** 20;

/** Twelve elementwise ops, each of which is a pass over memory when it runs by itself. */
const chain = (x: tf.Tensor, y: tf.Tensor): tf.Tensor => {
  const squashed = tf.tanh(tf.add(tf.mul(x, y), 0.5));
  const gate = tf.sigmoid(tf.sub(tf.mul(squashed, x), y));
  const active = tf.relu(tf.add(tf.mul(gate, 2), x));
  return tf.sqrt(tf.add(tf.mul(active, active), 1));
};

const chainInJax =
  (
    x: tf.Tensor,
    y: tf.Tensor,
    transform: (jax: Jax, f: (x: JaxArray, y: JaxArray) => JaxArray) => unknown,
  ): JaxJob =>
  (jax, copy) => {
    const {nn, numpy: np} = jax;
    const f = (x: JaxArray, y: JaxArray): JaxArray => {
      const squashed = np.tanh(x.ref.mul(y.ref).add(0.5));
      const gate = nn.sigmoid(squashed.mul(x.ref).sub(y));
      const active = nn.relu(gate.mul(2).add(x));
      return np.sqrt(active.ref.mul(active).add(1));
    };
    return {f: transform(jax, f) as never, args: [copy(x), copy(y)]};
  };

const total = (x: tf.Tensor, y: tf.Tensor): tf.Tensor => tf.sum(chain(x, y));

const inputs = (): [tf.Tensor, tf.Tensor] => [
  tf.randomNormal([size], 0, 1, 'float32', 1),
  tf.randomNormal([size], 0, 1, 'float32', 2),
];

const compiledChain: Row = {
  id: 'compiled-chain',
  title: 'jit, 12 elementwise ops',
  detail: '1M floats',
  goals: timesFaster({wasm: 4, tensorflow: 1}),
  prepare({jit}) {
    const [x, y] = inputs();
    const compiled = jit(chain);
    return {
      ours: {label: 'jit(f)', run: () => compiled(x, y)},
      byHand: {label: 'eager', run: () => chain(x, y)},
      jaxJs: chainInJax(x, y, (_jax, f) => f),
    };
  },
};

const compiledChainGradient: Row = {
  id: 'compiled-chain-grad',
  title: 'jit, gradient of 12 elementwise ops',
  detail: '1M floats',
  goals: timesFaster({wasm: 5, tensorflow: 1}),
  prepare({jit, grad}) {
    const [x, y] = inputs();
    const [compiled, stock] = [jit(grad(total)), tf.grads(total)];
    return {
      ours: {label: 'jit(grad(f))', run: () => compiled(x, y)},
      byHand: {label: 'tf.grads', run: () => stock([x, y])[0]!},
      jaxJs: chainInJax(x, y, ({grad}, f) => grad((x: JaxArray, y: JaxArray) => f(x, y).sum())),
    };
  },
};

const compiledScalar: Row = {
  id: 'compiled-scalar',
  title: 'jit, scalar function',
  detail: '100 ops',
  goals: timesFaster({wasm: 15, tensorflow: 2}),
  prepare({jit}) {
    const x = tf.scalar(0.3);
    const compiled = jit(hundredOps);
    return {
      ours: {label: 'jit(f)', run: () => compiled(x)},
      byHand: {label: 'eager', run: () => hundredOps(x)},
      jaxJs: hundredOpsInJax(x, (_jax, f) => f),
    };
  },
};

const compiledScalarGradient: Row = {
  id: 'compiled-scalar-grad',
  title: 'jit, gradient of a scalar function',
  detail: '100 ops',
  goals: timesFaster({wasm: 15, tensorflow: 2}),
  prepare({jit, grad}) {
    const x = tf.scalar(0.3);
    const [compiled, stock] = [jit(grad(hundredOps)), tf.grad(hundredOps)];
    return {
      ours: {label: 'jit(grad(f))', run: () => compiled(x)},
      byHand: {label: 'tf.grad', run: () => stock(x)},
      jaxJs: hundredOpsInJax(x, ({grad}, f) => grad(f)),
    };
  },
};

/** A transformed function compiled, against itself. */
function compiledCall(
  id: string,
  {title, detail}: Pick<Row, 'title' | 'detail'>,
  goals: Readonly<Record<string, number>>,
  callOf: (library: Library, backend: string) => Call & {readonly jaxJs?: JaxJob},
): Row {
  return {
    id: `compiled-${id}`,
    title: `jit, ${title}`,
    detail,
    goals: timesFaster(goals),
    prepare(library, backend) {
      const {f, args, jaxJs} = callOf(library, backend);
      const compiled = library.jit(f);
      return {
        ours: {label: 'jit(f)', run: () => compiled(...args)},
        byHand: {label: 'eager', run: () => f(...args), usesLibrary: true},
        ...(jaxJs && {jaxJs}),
      };
    },
  };
}

/** What another row calls, compiled. */
const compiledRow = (row: Row, goals: Readonly<Record<string, number>>): Row =>
  compiledCall(row.id, row, goals, (library, backend) => {
    const {call, jaxJs} = row.prepare(library, backend);
    return {...call!, ...(jaxJs && {jaxJs})};
  });

const lennardJones = {title: 'step of a Lennard-Jones potential', detail: lennardJonesDetail};

/** Functions compiled, against the same functions run kernel by kernel. */
export const compiled: readonly Row[] = [
  compiledChain,
  compiledChainGradient,
  biasGelu,
  normBlock,
  compiledScalar,
  compiledScalarGradient,
  compiledRow(maml, {tensorflow: 2}),
  compiledRow(hessians, {tensorflow: 2}),
  compiledCall('lennard-jones', lennardJones, {tensorflow: 2}, lennardJonesStep),
  compiledRow(perExampleMlp, {tensorflow: 1}),
  compiledRow(perExampleCnn, {tensorflow: 1}),
];
