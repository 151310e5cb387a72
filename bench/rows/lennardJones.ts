import * as tf from '@tensorflow/tfjs-core';
import {glorot} from '../inputs.js';
import type {JaxArray, JaxJob} from '../jaxJs.js';
import type {Call, Library} from './row.js';

const batch = 1000;
const widths = [1, 16, 16, 16, 16, 1];

interface Layer {
  readonly w: tf.Tensor;
  readonly b: tf.Tensor;
}

/** An energy for each distance `[N, 1]`. */
function network(layers: readonly Layer[], distances: tf.Tensor): tf.Tensor {
  return layers.reduce((x, {w, b}, index) => {
    const y = tf.add(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D), b);
    return index < layers.length - 1 ? tf.tanh(y) : y;
  }, distances);
}

/** `4 (r⁻¹² - r⁻⁶)` */
function lennardJones(distances: tf.Tensor): tf.Tensor {
  const inverse6 = tf.pow(distances, -6);
  return tf.mul(4, tf.sub(tf.square(inverse6), inverse6));
}

export const lennardJonesDetail = `MLP ${widths.join('-')}, ${batch} distances`;

/**
 * The gradient of a network's loss that learns the energy of two atoms and their force, the network's own derivative: the example of
 * functorch, with its sizes.
 */
export function lennardJonesStep({grad, vmap}: Library): Call & {jaxJs: JaxJob} {
  const force = (energy: (r: tf.Tensor) => tf.Tensor) =>
    vmap(grad((r: tf.Tensor) => tf.sum(energy(tf.reshape(r, [1, 1])))));
  const loss = (layers: Layer[], distances: tf.Tensor, energies: tf.Tensor, forces: tf.Tensor) => {
    const learned = (r: tf.Tensor): tf.Tensor => network(layers, r);
    const energyError = tf.sub(learned(tf.expandDims(distances, 1)), tf.expandDims(energies, 1));
    const forceError = tf.sub(force(learned)(distances), forces);
    return tf.add(tf.mean(tf.square(energyError)), tf.mul(0.1, tf.mean(tf.square(forceError))));
  };
  const layers = widths.slice(1).map((width, i) => ({
    w: glorot([widths[i]!, width]),
    b: tf.zeros([width]),
  }));
  const distances = tf.linspace(1, 3, batch);
  const energies = lennardJones(distances);
  const forces = force(lennardJones)(distances);
  return {
    f: grad(loss) as Call['f'],
    args: [layers, distances, energies, forces],
    jaxJs: inJax(layers, [distances, energies, forces]),
  };
}

const inJax =
  (layers: readonly Layer[], data: readonly tf.Tensor[]): JaxJob =>
  ({grad, numpy: np, tree, vmap}, copy) => {
    type Arrays = Record<keyof Layer, JaxArray>[];
    const network = (layers: Arrays, distance: JaxArray): JaxArray =>
      layers
        .reduce(
          (x, {w, b}, index) => {
            const y = np.matmul(x, w).add(b);
            return index < layers.length - 1 ? np.tanh(y) : y;
          },
          distance.reshape([1]),
        )
        .sum();
    const force = grad(network, {argnums: 1});
    const loss = (layers: Arrays, distances: JaxArray, energies: JaxArray, forces: JaxArray) => {
      const learned = vmap(network, [null, 0])(tree.ref(layers), distances.ref) as JaxArray;
      const slopes = vmap(force as typeof network, [null, 0])(layers, distances);
      return np
        .mean(np.square(learned.sub(energies)))
        .add(np.mean(np.square(slopes.sub(forces))).mul(0.1));
    };
    return {
      f: grad(loss) as never,
      args: [layers.map((layer) => copy({...layer})), ...data.map((x) => copy(x))],
    };
  };
