import * as tf from '@tensorflow/tfjs-core';
import {idiomsFor} from '../byHand.js';
import {glorot} from '../inputs.js';
import type {Row} from './row.js';

const models = 10;
const batch = 64;

type Params = Record<'w1' | 'b1' | 'w2' | 'b2', tf.Tensor>;

function mlp({w1, b1, w2, b2}: Params, x: tf.Tensor): tf.Tensor {
  return tf.add(tf.matMul(tf.relu(tf.add(tf.matMul(x, w1), b1)), w2), b2);
}

export const ensemble: Row = {
  id: 'ensemble',
  title: `ensemble of ${models} MLPs, forward`,
  detail: `784-128-10, batch ${batch}`,
  goals: {wasm: {jaxOverOurs: 1}},
  prepare({vmap}, backend) {
    const stacked: Params = {
      w1: glorot([models, 784, 128]),
      b1: glorot([models, 128]),
      w2: glorot([models, 128, 10]),
      b2: glorot([models, 10]),
    };
    const [w1, b1, w2, b2] = Object.values(stacked).map((values) => tf.unstack(values));
    const single = w1.map((_, i) => ({w1: w1[i], b1: b1[i], w2: w2[i], b2: b2[i]}));
    const x = tf.randomUniform([batch, 784], 0, 1, 'float32', 1) as tf.Tensor2D;
    const mapped = vmap(mlp, {inDims: [0, null]});
    return {
      ours: {label: 'vmap(mlp)', run: () => mapped(stacked, x)},
      loop: {
        label: `loop over ${models} models`,
        run: () => tf.stack(single.map((params) => mlp(params, x))),
      },
      byHand: {label: 'products of all models at once', run: () => byHand(stacked, x, backend)},
      jaxJs: ({nn, numpy: np, vmap}, copy) => {
        const forward = ({w1, b1, w2, b2}: ReturnType<typeof copy<Params>>, x: typeof w1) =>
          np.matmul(nn.relu(np.matmul(x, w1).add(b1)), w2).add(b2);
        return {f: vmap(forward, [0, null]) as never, args: [copy(stacked), copy(x)]};
      },
    };
  },
};

function byHand({w1, b1, w2, b2}: Params, x: tf.Tensor2D, backend: string): tf.Tensor {
  const {products} = idiomsFor(backend);
  const first = backend === 'wasm' ? oneProduct(x, w1) : tf.matMul(tf.expandDims(x, 0), w1);
  const hidden = tf.relu(tf.add(first, tf.expandDims(b1, 1)));
  return tf.add(products(hidden, w2), tf.expandDims(b2, 1));
}

/**
 * The product of one matrix with each of a stack. On wasm a batched product is a naive loop: 65 ms; one plain product of all weights
 * with the transposed input takes 8, and packs (rearranges within XNNPACK) the small input, not the weights.
 */
function oneProduct(x: tf.Tensor2D, stack: tf.Tensor): tf.Tensor {
  const [size, inner, columns] = stack.shape as [number, number, number];
  const rows = tf.reshape(tf.transpose(stack, [0, 2, 1]), [size * columns, inner]);
  const product = tf.reshape(tf.matMul(rows, tf.transpose(x)), [size, columns, x.shape[0]]);
  return tf.transpose(product, [0, 2, 1]);
}
