import * as tf from '@tensorflow/tfjs';
import {jacrev, jvp, vjp, vmap} from '../../src/index.js';
import {stockGradients} from '../common/layers.js';
import type {Parameters} from '../common/parameters.js';

/** Maps parameters and one input to a vector of outputs. */
export type Network = (parameters: Parameters, x: tf.Tensor) => tf.Tensor;

/** Maps inputs `[M, …]` and `[N, …]` to the kernel `[M, N, outputs, outputs]`. */
export type Kernel = (parameters: Parameters, first: tf.Tensor, second: tf.Tensor) => tf.Tensor;

/**
 * The neural tangent kernel `K(x, x') = J(x) · J(x')ᵀ`, where `J(x)` holds the derivatives of all outputs with respect to all
 * parameters (Jacot et al. 2018, arXiv:1806.07572), by its definition.
 */
export const byContraction =
  (network: Network): Kernel =>
  (parameters, first, second) => {
    const jacobians = vmap(jacrev(network), {inDims: [null, 0]});
    const [all, others] = [jacobians(parameters, first), jacobians(parameters, second)];
    return tf.addN(Object.keys(parameters).map((name) => contract(all[name]!, others[name]!)));
  };

/** `[M, A, …]` and `[N, B, …]` to `[M, N, A, B]`: sums over all that follows. */
function contract(first: tf.Tensor, second: tf.Tensor): tf.Tensor {
  const [m, a] = first.shape as [number, number];
  const [n, b] = second.shape as [number, number];
  const rows = tf.reshape<tf.Rank.R2>(first, [m * a, -1]);
  const product = tf.matMul(rows, tf.reshape<tf.Rank.R2>(second, [n * b, -1]), false, true);
  return tf.transpose(tf.reshape(product, [m, a, n, b]), [0, 2, 1, 3]);
}

/**
 * The same without a Jacobian: each unit vector of outputs is pulled back at one input, and pushed forward at the other
 * (Novak et al. 2022, arXiv:2206.08720).
 */
export const byProducts =
  (network: Network): Kernel =>
  (parameters, first, second) => {
    const pair = (x: tf.Tensor, other: tf.Tensor): tf.Tensor => {
      const [output, pullback] = vjp((p: Parameters) => network(p, other), [parameters]);
      const push = (cotangent: tf.Tensor): tf.Tensor =>
        jvp((p: Parameters) => network(p, x), [parameters], pullback(cotangent))[1];
      return vmap(push, {outDims: 1})(tf.eye(output.size));
    };
    const row = vmap(pair, {inDims: [null, 0]});
    return vmap(row, {inDims: [0, null]})(first, second);
  };

/** The same by stock tfjs: one backward pass for each input and output of a model. */
export function byLoop(model: tf.LayersModel, first: tf.Tensor, second: tf.Tensor): tf.Tensor {
  const jacobian = (x: tf.Tensor): tf.Tensor => {
    const outputs = model.outputs[0]!.shape.at(-1)!;
    const rows = Array.from({length: outputs}, (_, output) =>
      stockGradients(model, () =>
        tf.squeeze<tf.Scalar>(
          tf.slice(model.apply(tf.expandDims(x)) as tf.Tensor, [0, output], [1, 1]),
        ),
      ),
    );
    return tf.stack(rows.map((gradients) => tf.concat(gradients.map((g) => tf.reshape(g, [-1])))));
  };
  const [all, others] = [first, second].map((xs) => tf.stack(tf.unstack(xs).map(jacobian)));
  return contract(all!, others!);
}

/** The kernel of scalars that measures how alike two inputs are: the mean over the diagonal of the outputs, `[M, N]`. */
export function averageOver(kernel: tf.Tensor): tf.Tensor {
  const outputs = kernel.shape[3]!;
  return tf.div(tf.sum(tf.mul(kernel, tf.eye(outputs)), [2, 3]), outputs);
}
