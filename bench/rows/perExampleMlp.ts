import * as tf from '@tensorflow/tfjs-core';
import {idiomsFor} from '../byHand.js';
import {glorot, onesHot} from '../inputs.js';
import {gradsLoop} from '../loop.js';
import type {JaxJob} from '../jaxJs.js';
import type {Call, Row} from './row.js';

const batch = 64;

type Params = Record<'w1' | 'b1' | 'w2' | 'b2', tf.Tensor>;

function loss({w1, b1, w2, b2}: Params, x: tf.Tensor, y: tf.Tensor): tf.Tensor {
  const hidden = tf.relu(tf.add(tf.matMul(tf.expandDims(x, 0), w1), b1));
  const logits = tf.add(tf.matMul(hidden, w2), b2);
  return tf.neg(tf.sum(tf.mul(y, tf.logSoftmax(tf.squeeze(logits, [0])))));
}

export const perExampleMlp: Row = {
  id: 'mlp',
  title: 'per-example gradients, MLP',
  detail: `784-128-10, batch ${batch}`,
  goals: {
    wasm: {loopOverOurs: 20, oursOverHand: 1.5, jaxOverOurs: 1},
    tensorflow: {loopOverOurs: 20, oursOverHand: 1.5},
  },
  prepare({grad, vmap}, backend) {
    const params: Params = {
      w1: glorot([784, 128]),
      b1: tf.zeros([128]),
      w2: glorot([128, 10]),
      b2: tf.zeros([10]),
    };
    const x = tf.randomUniform([batch, 784], 0, 1, 'float32', 1) as tf.Tensor2D;
    const y = onesHot(batch, 10);
    const perExample = vmap(grad(loss), {inDims: [null, 0, 0]});
    return {
      call: {f: perExample as Call['f'], args: [params, x, y]},
      ours: {label: 'vmap(grad(loss))', run: () => perExample(params, x, y)},
      loop: gradsLoop(loss, params, x, y),
      byHand: {label: 'backpropagation by hand', run: () => byHand(params, x, y, backend)},
      jaxJs: inJax(params, x, y),
    };
  },
};

const inJax =
  (params: Params, x: tf.Tensor, y: tf.Tensor): JaxJob =>
  ({grad, nn, numpy: np, vmap}, copy) => {
    type Arrays = Record<keyof Params, ReturnType<typeof np.zeros>>;
    const loss = ({w1, b1, w2, b2}: Arrays, x: Arrays['w1'], y: Arrays['w1']) => {
      const hidden = nn.relu(np.matmul(x, w1).add(b1));
      return y
        .mul(nn.logSoftmax(np.matmul(hidden, w2).add(b2)))
        .sum()
        .neg();
    };
    return {f: vmap(grad(loss), [null, 0, 0]) as never, args: [copy(params), copy(x), copy(y)]};
  };

function byHand({w1, b1, w2, b2}: Params, x: tf.Tensor2D, y: tf.Tensor, backend: string): Params {
  const {outer, timesTransposed, positive} = idiomsFor(backend);
  const hidden = tf.fused.matMul({a: x, b: w1, bias: b1, activation: 'relu'});
  const logits = tf.fused.matMul({a: hidden, b: w2, bias: b2});
  const dLogits = tf.sub(tf.softmax(logits), y) as tf.Tensor2D;
  const dHidden = tf.mul(timesTransposed(dLogits, w2 as tf.Tensor2D), positive(hidden));
  return {w1: outer(x, dHidden), b1: dHidden, w2: outer(hidden, dLogits), b2: dLogits};
}
