import * as tf from '@tensorflow/tfjs-core';
import type {PRNG} from 'seedrandom';
import {grad, gradAndValue, vmap} from '../../src/index.js';
import type {Parameters} from '../common/parameters.js';

/** The energy of a pair of atoms at each of some distances: elementwise. Lengths are in units of σ, energies in units of ε. */
export type PairEnergy = (distances: tf.Tensor) => tf.Tensor;

/** `4 (r⁻¹² - r⁻⁶)` */
export const lennardJones: PairEnergy = (r) => {
  const inverse6 = tf.pow(r, -6);
  return tf.mul(4, tf.sub(tf.square(inverse6), inverse6));
};

/** Its force, `-dE/dr`, on paper. */
export const lennardJonesForce = (r: number): number => 24 * (2 * r ** -13 - r ** -7);

/** The force of a pair of atoms at each of some distances, by differentiating the energy. */
export const pairForces = (energy: PairEnergy): PairEnergy => {
  const slope = vmap(grad((r: tf.Tensor) => energy(r)));
  return (distances) => tf.neg(slope(distances));
};

/** Distances at which the learned energy is trained: from deep in the repulsion to where little is left of the attraction. */
export const NEAREST = 0.95;
export const FARTHEST = 3;

/** A network from a distance to an energy. It sees powers of `1/r`, as physics does. */
export const learnedEnergy =
  (p: Parameters): PairEnergy =>
  (r) => {
    const inverse = tf.div(1, tf.expandDims(r, -1));
    const seen = tf.concat([inverse, tf.pow(inverse, 3), tf.pow(inverse, 6)], -1);
    const layer = (x: tf.Tensor, number: number): tf.Tensor =>
      tf.add(tf.matMul(x as tf.Tensor2D, p[`w${number}`] as tf.Tensor2D), p[`b${number}`]!);
    const rows = tf.reshape(seen, [-1, 3]);
    const hidden = tf.tanh(layer(tf.tanh(layer(rows, 1)), 2));
    return tf.reshape(layer(hidden, 3), r.shape);
  };

export function initialize(hidden: number, random: PRNG): Parameters {
  const weight = (from: number, to: number): tf.Tensor =>
    tf.randomNormal([from, to], 0, 1 / Math.sqrt(from), 'float32', random.int32());
  return {
    w1: weight(3, hidden),
    b1: tf.zeros([hidden]),
    w2: weight(hidden, hidden),
    b2: tf.zeros([hidden]),
    w3: weight(hidden, 1),
    b3: tf.zeros([1]),
  };
}

/** Errors of forces count so much less than those of energies, since they are larger. */
const FORCE_WEIGHT = 0.01;

/** What the network learns from: the energies at some distances, and the forces, which are its own derivatives. */
export function trainingLoss(p: Parameters, distances: tf.Tensor): tf.Scalar {
  const energy = learnedEnergy(p);
  const energyError = tf.squaredDifference(energy(distances), lennardJones(distances));
  const forceError = tf.squaredDifference(
    pairForces(energy)(distances),
    pairForces(lennardJones)(distances),
  );
  return tf.mean(tf.add(energyError, tf.mul(forceError, FORCE_WEIGHT)));
}

/** The energy of atoms at positions `[N, 3]`: the sum over all pairs. */
export function energyOf(pairs: PairEnergy): (positions: tf.Tensor) => tf.Scalar {
  return (positions) => {
    const [first, second] = pairsOf(positions.shape[0]!);
    const apart = tf.sub(tf.gather(positions, first), tf.gather(positions, second));
    return tf.sum(pairs(tf.sqrt(tf.sum(tf.square(apart), 1))));
  };
}

/** Each pair of atoms once, as two lists of indices. */
function pairsOf(atoms: number): [tf.Tensor1D, tf.Tensor1D] {
  const pairs = Array.from({length: atoms}, (_, i) =>
    Array.from({length: i}, (__, j) => [i, j] as const),
  ).flat();
  return [0, 1].map((end) =>
    tf.tensor1d(
      pairs.map((pair) => pair[end as 0 | 1]),
      'int32',
    ),
  ) as [tf.Tensor1D, tf.Tensor1D];
}

/** The forces on atoms at positions `[N, 3]`, and their energy. */
export const forcesOf = (
  pairs: PairEnergy,
): ((positions: tf.Tensor) => {forces: tf.Tensor; energy: tf.Tensor}) => {
  const differentiate = gradAndValue(energyOf(pairs));
  return (positions) => {
    const [slope, energy] = differentiate(positions);
    return {forces: tf.neg(slope), energy};
  };
};
