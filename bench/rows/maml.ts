import * as tf from '@tensorflow/tfjs-core';
import {named} from '../loop.js';
import {glorot} from '../inputs.js';
import {mamlByHand} from './mamlByHand.js';
import type {JaxArray, JaxJob} from '../jaxJs.js';
import {innerRate, sineTasks, tasks, width, type Params, type Tasks} from './mamlProblem.js';
import type {Call, Program, Row} from './row.js';

function loss({w1, b1, w2, b2, w3, b3}: Params, x: tf.Tensor, y: tf.Tensor): tf.Tensor {
  const hidden1 = tf.relu(tf.add(tf.matMul(x, w1), b1));
  const hidden2 = tf.relu(tf.add(tf.matMul(hidden1, w2), b2));
  return tf.mean(tf.square(tf.sub(tf.add(tf.matMul(hidden2, w3), b3), y)));
}

/** The loss on the query set after one step of gradient descent on the support set. */
function lossAfterStep(gradient: (params: Params, x: tf.Tensor, y: tf.Tensor) => Params) {
  return (params: Params, {xSupport, ySupport, xQuery, yQuery}: Tasks): tf.Tensor => {
    const gradients = gradient(params, xSupport, ySupport);
    const adapted = (Object.keys(params) as (keyof Params)[]).map(
      (name) => [name, tf.sub(params[name], tf.mul(innerRate, gradients[name]))] as const,
    );
    return loss(Object.fromEntries(adapted) as Params, xQuery, yQuery);
  };
}

export const maml: Row = {
  id: 'maml',
  title: 'MAML step',
  detail: `${tasks} sine tasks, MLP 1-${width}-${width}-1`,
  prepare({grad, vmap}, backend) {
    const params: Params = {
      w1: glorot([1, width]),
      b1: glorot([width]),
      w2: glorot([width, width]),
      b2: glorot([width]),
      w3: glorot([width, 1]),
      b3: glorot([1]),
    };
    const data = sineTasks();
    const ours = lossAfterStep(grad(loss));
    const step = grad((params: Params) => tf.mean(vmap((task: Tasks) => ours(params, task))(data)));
    return {
      call: {f: step as Call['f'], args: [params]},
      ours: {label: 'grad(mean(vmap(… grad(loss) …)))', run: () => step(params)},
      loop: stockLoop(params, data),
      byHand: {
        label: 'gradients and Hessian products by hand',
        run: () => mamlByHand(params, data, backend),
      },
      jaxJs: inJax(params, data),
    };
  },
};

const inJax =
  (params: Params, data: Tasks): JaxJob =>
  ({grad, nn, numpy: np, tree, vmap}, copy) => {
    type ParamArrays = Record<keyof Params, JaxArray>;
    type TaskArrays = Record<keyof Tasks, JaxArray>;
    const loss = ({w1, b1, w2, b2, w3, b3}: ParamArrays, x: JaxArray, y: JaxArray): JaxArray => {
      const hidden1 = nn.relu(np.matmul(x, w1).add(b1));
      const hidden2 = nn.relu(np.matmul(hidden1, w2).add(b2));
      return np.mean(np.square(np.matmul(hidden2, w3).add(b3).sub(y)));
    };
    const afterStep = (params: ParamArrays, task: TaskArrays): JaxArray => {
      const gradients = grad(loss)(tree.ref(params), task.xSupport, task.ySupport);
      const adapted = tree.map(
        (param: JaxArray, gradient: JaxArray) => param.sub(gradient.mul(innerRate)),
        params,
        gradients as ParamArrays,
      ) as ParamArrays;
      return loss(adapted, task.xQuery, task.yQuery);
    };
    const step = grad((params: ParamArrays, data: TaskArrays) =>
      np.mean(vmap(afterStep, [null, 0])(params, data)),
    );
    return {f: step as never, args: [copy(params), copy(data)]};
  };

function stockLoop(params: Params, data: Tasks): Program {
  const names = Object.keys(params);
  const values = Object.values(params);
  const stock = lossAfterStep((params, x, y) => {
    const gradients = tf.grads((...tensors: tf.Tensor[]) =>
      loss(named(names, tensors) as Params, x, y),
    );
    return named(names, gradients(Object.values(params))) as Params;
  });
  return {
    label: `loop of ${tasks} nested tf.grads`,
    run: () => {
      const sets = Object.values(data).map((set) => tf.unstack(set));
      const byTask = sets[0].map((_, i) => {
        const [xSupport, ySupport, xQuery, yQuery] = sets.map((set) => set[i]);
        const task = {xSupport, ySupport, xQuery, yQuery};
        return tf.grads((...tensors: tf.Tensor[]) => stock(named(names, tensors) as Params, task))(
          values,
        );
      });
      return named(
        names,
        // Not tf.addN: on WebGPU it takes no more than seven.
        values.map((_, p) => tf.mean(tf.stack(byTask.map((gradients) => gradients[p])), 0)),
      );
    },
  };
}
