import * as tf from '@tensorflow/tfjs-core';
import seedrandom from 'seedrandom';
import {optimizers, vmap} from '../../src/index.js';
import {integer, number} from '../common/options.js';
import type {Demo} from '../common/program.js';
import {compareWithLoop, median, showComparison} from '../common/timing.js';
import {minimize} from '../common/training.js';
import {drawVelocities, driftsOf, icosahedron, simulate} from './dynamics.js';
import {drawPotentials} from './picture.js';
import {
  energyOf,
  FARTHEST,
  forcesOf,
  initialize,
  learnedEnergy,
  lennardJones,
  lennardJonesForce,
  NEAREST,
  pairForces,
  trainingLoss,
} from './potential.js';

const options = {
  steps: integer(2000, 'training steps'),
  batch: integer(128, 'distances in a step'),
  hidden: integer(32, 'units of the two hidden layers'),
  lr: number(0.005, 'learning rate at the beginning; it falls to zero'),
  clusters: integer(16, 'clusters of 13 atoms that move at the same time'),
  speed: number(0.3, 'deviation of the speeds with which atoms begin'),
  moves: integer(400, 'steps of the motion'),
  time: number(0.005, 'duration of such a step'),
};

/** Distances at which forces are compared. */
const GRID = 100;

export const demo: Demo<typeof options> = {
  name: 'lennard-jones',
  about: 'Learns the energy and the forces between atoms, and lets clusters move by them.',
  options,
  async run({steps, batch, hidden, lr, clusters, speed, moves, time, seed, backend}, progress) {
    const random = seedrandom(seed);
    const start = initialize(hidden, random);
    const rate = tf.tidy(() => tf.variable(tf.scalar(lr)));
    progress.start(steps, `Learning the potential on ${backend}.`);
    const learned = await minimize(trainingLoss, start, {
      optimizer: optimizers.adam({learningRate: rate}),
      steps,
      batch: (step): [tf.Tensor] => {
        rate.assign(tf.scalar(lr * (1 - step / steps)));
        return [tf.randomUniform([batch], NEAREST, FARTHEST, 'float32', random.int32())];
      },
      onStep: (loss) => progress.step(`loss ${loss.toExponential(1)}`),
    });
    const potentials = {exact: lennardJones, learned: learnedEnergy(learned)};
    const grid = Array.from(
      {length: GRID},
      (_, i) => NEAREST + ((FARTHEST - NEAREST) * i) / (GRID - 1),
    );
    const curves = Object.entries(potentials).map(([name, energy]) =>
      tf.tidy(() => {
        const distances = tf.tensor1d(grid);
        const forces = [...pairForces(energy)(distances).dataSync()];
        return {name, energies: [...energy(distances).dataSync()], forces};
      }),
    ) as {name: string; energies: number[]; forces: number[]}[];
    const errors = curves.map(({forces}) =>
      Math.max(...forces.map((f, i) => Math.abs(f - lennardJonesForce(grid[i]!)))),
    );

    const velocities = drawVelocities(clusters, 13, speed, random);
    const motions: Record<string, number[][]> = {};
    for (const [name, energy] of Object.entries(potentials)) {
      progress.start(moves, `${clusters} clusters of 13 atoms move by the ${name} forces.`);
      motions[name] = await simulate(energy, icosahedron(), velocities, moves, time, () =>
        progress.step(),
      );
    }
    const comparison = tf.tidy(() => {
      const near = tf.randomNormal([clusters, 13, 3], 0, 0.02, 'float32', random.int32());
      const positions = tf.add(tf.tensor2d(icosahedron()), near);
      const stock = tf.grad(energyOf(lennardJones));
      return compareWithLoop(
        () => [vmap(forcesOf(lennardJones))(positions).forces],
        () => [tf.stack(tf.unstack(positions).map((own) => tf.neg(stock(own))))],
      );
    });
    tf.dispose([start, learned, velocities, rate]);
    const drift = (name: string): string => median(driftsOf(motions[name]!)).toExponential(1);
    const begin = median(motions['exact']![0]!);
    return {
      summary: [
        `Largest error of a force, against ${lennardJonesForce(NEAREST).toFixed(1)} at the nearest distance: ${errors[0]!.toExponential(1)} by ` +
          `differentiating the exact energy, ${errors[1]!.toExponential(1)} by the learned one.`,
        `Energy over ${moves} steps, ${begin.toFixed(2)} at the beginning, departs by ${drift('exact')} (exact forces) and ${drift('learned')} (learned).`,
        showComparison(
          `Forces in ${clusters} clusters on ${backend}`,
          'vmap(grad(energy))',
          'a loop of tf.grad',
          comparison,
        ),
      ],
      files: {'lennard-jones.svg': await drawPotentials(grid, curves, motions, time)},
    };
  },
};
