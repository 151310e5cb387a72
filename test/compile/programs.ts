import * as tf from '@tensorflow/tfjs';
import {grad, hessian, vmap} from '../../src/index.js';

/** A real function with arguments: what compilers are for. */
export interface Program {
  readonly name: string;
  /** Makes the function and its arguments, in the open scope. */
  make(): {f: (...args: never[]) => unknown; args: unknown[]};
  /** How far a compiled result may be off: sums in another order. */
  readonly tolerance?: number;
}

type Params = Record<string, tf.Tensor>;

const normal = (shape: number[], seed: number, scale = 0.5): tf.Tensor =>
  tf.randomNormal(shape, 0, scale, 'float32', seed);

const labels = (count: number, classes: number): tf.Tensor =>
  tf.cast(
    tf.oneHot(
      tf.tensor1d(
        Array.from({length: count}, (_, i) => i % classes),
        'int32',
      ),
      classes,
    ),
    'float32',
  );

/** As bench/rows/perExampleMlp, smaller. */
function mlpLoss({w1, b1, w2, b2}: Params, x: tf.Tensor, y: tf.Tensor): tf.Tensor {
  const hidden = tf.relu(tf.add(tf.matMul(tf.reshape(x, [1, -1]), w1!), b1!));
  return tf.losses.softmaxCrossEntropy(tf.reshape(y, [1, -1]), tf.add(tf.matMul(hidden, w2!), b2!));
}

const mlp: Program = {
  name: 'per-example gradients of an MLP',
  make() {
    const params = {
      w1: normal([7, 5], 1),
      b1: normal([5], 2),
      w2: normal([5, 3], 3),
      b2: normal([3], 4),
    };
    const f = vmap(grad(mlpLoss), {inDims: [null, 0, 0]});
    return {f: f as never, args: [params, normal([4, 7], 5), labels(4, 3)]};
  },
};

function cnnLoss({c1, c2, w}: Params, x: tf.Tensor, y: tf.Tensor): tf.Tensor {
  const image = tf.expandDims(x, 0) as tf.Tensor4D;
  const first = tf.relu(tf.conv2d(image, c1 as tf.Tensor4D, 1, 'same'));
  const second = tf.relu(tf.conv2d(first, c2 as tf.Tensor4D, 1, 'valid'));
  const pooled = tf.maxPool(second, 2, 2, 'valid');
  const logits = tf.matMul(tf.reshape(pooled, [1, -1]), w!);
  return tf.losses.softmaxCrossEntropy(tf.reshape(y, [1, -1]), logits);
}

const cnn: Program = {
  name: 'per-example gradients of a CNN',
  tolerance: 1e-4,
  make() {
    const params = {
      c1: normal([3, 3, 1, 2], 1),
      c2: normal([3, 3, 2, 4], 2),
      w: normal([16, 3], 3),
    };
    const f = vmap(grad(cnnLoss), {inDims: [null, 0, 0]});
    return {f: f as never, args: [params, normal([3, 6, 6, 1], 5, 1), labels(3, 3)]};
  },
};

function regression({w1, b1, w2, b2}: Params, x: tf.Tensor, y: tf.Tensor): tf.Tensor {
  const hidden = tf.relu(tf.add(tf.matMul(x, w1!), b1!));
  return tf.mean(tf.square(tf.sub(tf.add(tf.matMul(hidden, w2!), b2!), y)));
}

/** As bench/rows/maml. */
const maml: Program = {
  name: 'a MAML step',
  make() {
    const params = {
      w1: normal([1, 6], 1, 1),
      b1: normal([6], 2),
      w2: normal([6, 1], 3),
      b2: normal([1], 4),
    };
    const adaptedLoss = (params: Params, x: tf.Tensor, y: tf.Tensor): tf.Tensor => {
      const slopes = grad(regression)(params, x, y);
      const adapted = Object.fromEntries(
        Object.keys(params).map((name) => [
          name,
          tf.sub(params[name]!, tf.mul(0.1, slopes[name]!)),
        ]),
      );
      return regression(adapted, x, y);
    };
    const f = grad((params: Params, x: tf.Tensor, y: tf.Tensor) =>
      tf.mean(vmap((x: tf.Tensor, y: tf.Tensor) => adaptedLoss(params, x, y))(x, y)),
    );
    const x = tf.reshape(tf.linspace(-2, 2, 15), [3, 5, 1]);
    return {f: f as never, args: [params, x, tf.sin(x)]};
  },
};

/** The energy of particles that attract and repel each other in pairs. */
function lennardJones(positions: tf.Tensor): tf.Tensor {
  const n = positions.shape[0]!;
  const offsets = tf.sub(tf.expandDims(positions, 0), tf.expandDims(positions, 1));
  const squares = tf.add(tf.sum(tf.square(offsets), 2), tf.eye(n));
  const sixth = tf.pow(tf.div(1, squares), 3);
  const energies = tf.mul(4, tf.sub(tf.square(sixth), sixth));
  return tf.mul(0.5, tf.sum(tf.mul(energies, tf.sub(1, tf.eye(n)))));
}

const grid = (): tf.Tensor =>
  tf.tensor2d([
    [0, 0, 0],
    [1.1, 0, 0.2],
    [0, 1.2, 0.1],
    [0.9, 1, 1.1],
  ]);

const forces: Program = {
  name: 'Lennard-Jones forces',
  make: () => ({f: grad(lennardJones) as never, args: [grid()]}),
  tolerance: 1e-4,
};

const stiffness: Program = {
  name: 'a Lennard-Jones Hessian',
  make: () => ({f: hessian(lennardJones) as never, args: [grid()]}),
  tolerance: 1e-3,
};

/** As bench/rows/scalar. */
function hundredOps(x: tf.Tensor): tf.Tensor {
  let y = x;
  for (let i = 0; i < 25; i++) y = tf.cos(tf.add(tf.mul(tf.sin(y), x), x));
  return y;
}

const scalar: Program = {
  name: 'the gradient of 100 scalar ops',
  make: () => ({f: grad(hundredOps) as never, args: [tf.scalar(0.3)]}),
};

export const programs: readonly Program[] = [mlp, cnn, maml, forces, stiffness, scalar];
