import * as tf from '@tensorflow/tfjs-core';
import type {PRNG} from 'seedrandom';
import {vmap} from '../../src/index.js';
import {iterate} from '../common/training.js';
import {forcesOf, type PairEnergy} from './potential.js';

/** Clusters that move: all tensors begin with a dimension for the clusters, `[C, N, 3]`, energies `[C]`. */
interface Motion {
  readonly positions: tf.Tensor;
  readonly velocities: tf.Tensor;
  readonly forces: tf.Tensor;
  readonly potential: tf.Tensor;
}

/** An icosahedron around an atom: 13 atoms in the state of least energy, nearly. */
export function icosahedron(): number[][] {
  const golden = (1 + Math.sqrt(5)) / 2;
  const scale = 1.08 / Math.sqrt(1 + golden * golden);
  const corners = [1, -1].flatMap((a) =>
    [golden, -golden].flatMap((b) => [
      [0, a, b],
      [a, b, 0],
      [b, 0, a],
    ]),
  );
  return [[0, 0, 0], ...corners.map((corner) => corner.map((x) => x * scale))];
}

/** Random velocities, `[C, N, 3]`, that move no cluster as a whole. Masses are 1. */
export function drawVelocities(
  clusters: number,
  atoms: number,
  speed: number,
  random: PRNG,
): tf.Tensor {
  return tf.tidy(() => {
    const drawn = tf.randomNormal([clusters, atoms, 3], 0, speed, 'float32', random.int32());
    return tf.sub(drawn, tf.mean(drawn, 1, true));
  });
}

/**
 * Velocity Verlet's method, for several clusters at once.
 *
 * @param onStep  called after each step; a return value of false ends the motion
 * @returns  the total energy of each cluster after each step, the start included: `energies[step][cluster]`
 */
export async function simulate(
  pairs: PairEnergy,
  start: readonly (readonly number[])[],
  velocities: tf.Tensor,
  steps: number,
  timeStep: number,
  onStep: () => Promise<boolean>,
): Promise<number[][]> {
  const forces = vmap(forcesOf(pairs));
  const energies: number[][] = [];
  const first: Motion = tf.tidy(() => {
    const positions = tf.tile(tf.expandDims(tf.tensor2d(start as number[][])), [
      velocities.shape[0]!,
      1,
      1,
    ]);
    const {forces: f, energy} = forces(positions);
    return {positions, velocities: tf.clone(velocities), forces: f, potential: energy};
  });
  const record = (motion: Motion): void =>
    tf.tidy(() => {
      const kinetic = tf.div(tf.sum(tf.square(motion.velocities), [1, 2]), 2);
      energies.push([...tf.add(kinetic, motion.potential).dataSync()]);
    });
  record(first);
  const last = await iterate(
    first,
    steps,
    (now) => {
      const half = tf.add(now.velocities, tf.mul(now.forces, timeStep / 2));
      const positions = tf.add(now.positions, tf.mul(half, timeStep));
      const {forces: f, energy} = forces(positions);
      const next = tf.add(half, tf.mul(f, timeStep / 2));
      return [{positions, velocities: next, forces: f, potential: energy}, tf.scalar(0)];
    },
    (_value, _step, motion) => {
      record(motion);
      return onStep();
    },
  );
  tf.dispose(last as unknown as tf.TensorContainer);
  return energies;
}

/** The largest departure of each cluster's energy from where it began. */
export function driftsOf(energies: readonly (readonly number[])[]): number[] {
  return energies[0]!.map((begin, cluster) =>
    Math.max(...energies.map((row) => Math.abs(row[cluster]! - begin))),
  );
}
