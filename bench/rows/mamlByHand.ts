import * as tf from '@tensorflow/tfjs-core';
import {idiomsFor} from '../byHand.js';
import {innerRate, type Params, points, type Tasks, tasks, width} from './mamlProblem.js';

/**
 * The MAML gradient without automatic differentiation. With the tasks' losses `Lₜ` on the support set and `Qₜ` on the query set it is
 * `meanₜ (I - α ∇²Lₜ(θ)) ∇Qₜ(θₜ)` where `θₜ = θ - α ∇Lₜ(θ)`; the Hessian product comes from Pearlmutter's R-operator. As relu
 * is piecewise linear, its masks are constants of the second pass. What all tasks share is one matrix product over `tasks * points` rows;
 * only where each has its own weights are the products batched.
 */
export function mamlByHand(params: Params, data: Tasks, backend: string): Params {
  const {products, timesTransposed, transposedTimes, positive} = idiomsFor(backend);
  const flat = (x: tf.Tensor, columns: number) =>
    tf.reshape(x, [tasks * points, columns]) as tf.Tensor2D;
  const byTask = (x: tf.Tensor) => tf.reshape(x, [tasks, points, -1]);
  const {w1, b1, w2, b2, w3, b3} = params as Record<string, tf.Tensor2D>;
  const perPoint = 2 / points;

  // Support set, shared weights: all tasks' points as rows.
  const x = flat(data.xSupport, 1);
  const hidden1 = tf.relu(tf.add(tf.mul(x, w1), b1)) as tf.Tensor2D;
  const hidden2 = tf.relu(tf.add(tf.matMul(hidden1, w2), b2)) as tf.Tensor2D;
  const [mask1, mask2] = [positive(hidden1), positive(hidden2)];
  const output = tf.add(tf.matMul(hidden2, w3), b3);
  const dOutput = tf.mul(tf.sub(output, flat(data.ySupport, 1)), perPoint);
  const d2 = tf.mul(tf.mul(dOutput, tf.reshape(w3, [1, width])), mask2) as tf.Tensor2D;
  const d1 = tf.mul(timesTransposed(d2, w2), mask1);

  // One inner step: weights per task from here on.
  const step = (value: tf.Tensor, gradient: tf.Tensor) =>
    tf.sub(value, tf.mul(gradient, innerRate));
  const sumOfPoints = (x: tf.Tensor) => tf.sum(byTask(x), 1, true);
  const own = {
    w1: step(w1, sumOfPoints(tf.mul(x, d1))),
    b1: step(b1, sumOfPoints(d1)),
    w2: step(w2, products(byTask(hidden1), byTask(d2), true)),
    b2: step(b2, sumOfPoints(d2)),
    w3: step(tf.reshape(w3, [1, width]), sumOfPoints(tf.mul(hidden2, dOutput))),
    b3: step(b3, sumOfPoints(dOutput)),
  };

  // Query set, each task with its own weights (w3 as a row).
  const xQuery = data.xQuery;
  const query1 = tf.relu(tf.add(tf.mul(xQuery, own.w1), own.b1));
  const query2 = tf.relu(tf.add(products(query1, own.w2), own.b2));
  const queryOutput = tf.add(tf.sum(tf.mul(query2, own.w3), 2, true), own.b3);
  const dQuery = tf.mul(tf.sub(queryOutput, data.yQuery), perPoint);
  const dQuery2 = tf.mul(tf.mul(dQuery, own.w3), positive(query2));
  const dQuery1 = tf.mul(products(dQuery2, own.w2, false, true), positive(query1));
  const v = {
    w1: tf.sum(tf.mul(xQuery, dQuery1), 1, true),
    b1: tf.sum(dQuery1, 1, true),
    w2: products(query1, dQuery2, true),
    b2: tf.sum(dQuery2, 1, true),
    w3: tf.sum(tf.mul(query2, dQuery), 1, true),
    b3: tf.sum(dQuery, 1, true),
  };

  // The Hessian of each support loss times v: the derivative, in direction v, of the first backward pass.
  const rHidden1 = tf.mul(
    flat(tf.add(tf.mul(data.xSupport, v.w1), v.b1), width),
    mask1,
  ) as tf.Tensor2D;
  const rPreactivation2 = tf.add(
    tf.matMul(rHidden1, w2),
    flat(tf.add(products(byTask(hidden1), v.w2), v.b2), width),
  );
  const rHidden2 = tf.mul(rPreactivation2, mask2) as tf.Tensor2D;
  const rOutput = tf.add(
    tf.matMul(rHidden2, w3),
    flat(tf.add(tf.sum(tf.mul(byTask(hidden2), v.w3), 2, true), v.b3), 1),
  );
  const rdOutput = tf.mul(rOutput, perPoint);
  const rd2 = tf.mul(
    tf.add(
      tf.mul(rdOutput, tf.reshape(w3, [1, width])),
      flat(tf.mul(byTask(dOutput), v.w3), width),
    ),
    mask2,
  ) as tf.Tensor2D;
  const rd1 = tf.mul(
    tf.add(timesTransposed(rd2, w2), flat(products(byTask(d2), v.w2, false, true), width)),
    mask1,
  );

  const outer = (perTask: tf.Tensor, hessianProduct: tf.Tensor, shape: number[]) =>
    tf.reshape(tf.div(tf.sub(tf.sum(perTask, 0), tf.mul(hessianProduct, innerRate)), tasks), shape);
  const sumOfRows = (x: tf.Tensor) => tf.sum(x, 0);
  return {
    w1: outer(v.w1, sumOfRows(tf.mul(x, rd1)), [1, width]),
    b1: outer(v.b1, sumOfRows(rd1), [width]),
    w2: outer(v.w2, tf.add(transposedTimes(rHidden1, d2), transposedTimes(hidden1, rd2)), [
      width,
      width,
    ]),
    b2: outer(v.b2, sumOfRows(rd2), [width]),
    w3: outer(v.w3, sumOfRows(tf.add(tf.mul(rHidden2, dOutput), tf.mul(hidden2, rdOutput))), [
      width,
      1,
    ]),
    b3: outer(v.b3, sumOfRows(rdOutput), [1]),
  };
}
