import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import seedrandom from 'seedrandom';
import {demo} from '../../demos/lennard-jones/demo.js';
import {
  drawVelocities,
  driftsOf,
  icosahedron,
  simulate,
} from '../../demos/lennard-jones/dynamics.js';
import {
  energyOf,
  forcesOf,
  initialize,
  learnedEnergy,
  lennardJones,
  lennardJonesForce,
  pairForces,
} from '../../demos/lennard-jones/potential.js';
import {describeBackends} from '../backends.js';
import {expectConstantMemory, expectSvg, numbersOf, LONG, rehearse} from './support.js';

/** The forces on atoms, on paper and in double precision. */
function forcesOnPaper(positions: readonly (readonly number[])[]): number[][] {
  return positions.map((own, i) => {
    const force = [0, 0, 0];
    positions.forEach((other, j) => {
      if (i === j) return;
      const apart = own.map((x, axis) => x - other[axis]!);
      const r = Math.hypot(...apart);
      apart.forEach((x, axis) => (force[axis]! += (lennardJonesForce(r) * x) / r));
    });
    return force;
  });
}

describeBackends('demos › Lennard-Jones', (backend) => {
  it('gets the forces of pairs by differentiating: they match those on paper to 1e-4', () => {
    tf.tidy(() => {
      const distances = [0.95, 1, 1.1225, 1.5, 2, 3];
      const forces = numbersOf(pairForces(lennardJones)(tf.tensor1d(distances)));
      distances.forEach((r, i) => {
        const exact = lennardJonesForce(r);
        expect(forces[i]).to.be.closeTo(exact, 1e-4 * Math.max(1, Math.abs(exact)));
      });
    });
  });

  it('gets the forces on the atoms of a cluster by differentiating its energy, to 1e-4', () => {
    tf.tidy(() => {
      const random = seedrandom('cluster');
      const positions = icosahedron().map((atom) => atom.map((x) => x + 0.1 * (random() - 0.5)));
      const {forces, energy} = forcesOf(lennardJones)(tf.tensor2d(positions));
      const exact = forcesOnPaper(positions).flat();
      const largest = Math.max(...exact.map(Math.abs));
      numbersOf(forces).forEach((force, i) =>
        expect(force).to.be.closeTo(exact[i]!, 1e-4 * largest),
      );
      expect(numbersOf(energy)[0]).to.be.below(-30); // the icosahedron's is -44.3
    });
  });

  if (backend !== 'wasm') return;
  for (const which of ['exact', 'learned'] as const) {
    it(`conserves energy by ${which} forces, to the square of the time step`, async () => {
      const parameters = initialize(8, seedrandom('weights'));
      const energy = which === 'exact' ? lennardJones : learnedEnergy(parameters);
      const velocities = drawVelocities(2, 13, 0.5, seedrandom('velocities'));
      const drifts: number[] = [];
      const tensors: number[] = [];
      for (const [steps, time] of [
        [30, 0.01],
        [60, 0.005],
      ] as const) {
        const energies = await simulate(energy, icosahedron(), velocities, steps, time, () => {
          tensors.push(tf.memory().numTensors);
          return Promise.resolve(true);
        });
        drifts.push(Math.max(...driftsOf(energies)));
      }
      const kinetic = tf.tidy(() => tf.sum(tf.square(velocities)).dataSync()[0]! / 4);
      tf.dispose([parameters, velocities]);
      expect(drifts[0]).to.be.below(0.02 * kinetic);
      expect(drifts[1]).to.be.below(0.5 * drifts[0]!); // a quarter, and rounding
      expect(new Set(tensors).size).to.equal(1);
    });
  }

  it('learns energies and forces, and keeps no tensor', async () => {
    const options = {steps: 150, batch: 64, hidden: 16, lr: 0.01, clusters: 2, moves: 20};
    const {summary, files, tensors} = await rehearse(demo, options);
    expect(tensors).to.have.lengthOf(3);
    expectConstantMemory(tensors);
    const [, exact, learned] = /distance: (\S+) by .*energy, (\S+) by/.exec(summary[0]!)!;
    expect(Number(exact)).to.be.below(1e-3);
    expect(Number(learned)).to.be.below(20); // of 59.1
    expectSvg(files['lennard-jones.svg']);
  }).timeout(LONG);

  it('sums over each pair once', () => {
    tf.tidy(() => {
      const count = energyOf(() => tf.ones([3]))(
        tf.tensor2d([
          [0, 0, 0],
          [1, 0, 0],
          [0, 1, 0],
        ]),
      );
      expect(numbersOf(count)).to.deep.equal([3]);
    });
  });
});
