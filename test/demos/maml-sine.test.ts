import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import seedrandom from 'seedrandom';
import {demo} from '../../demos/maml-sine/demo.js';
import {
  adapt,
  drawBatch,
  initialize,
  metaGradientByLoop,
  metaLoss,
  squaredError,
} from '../../demos/maml-sine/model.js';
import {checkGrads, grad} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {distance, expectConstantMemory, expectSvg, LONG, rehearse} from './support.js';

const sines = [
  {amplitude: 1, phase: 0},
  {amplitude: 2, phase: 1},
  {amplitude: 4, phase: 3},
];

describeBackends('demos › MAML on sine curves', (backend) => {
  it('takes the meta-gradient of all tasks at once, as a loop over tasks does', () => {
    tf.tidy(() => {
      const random = seedrandom('tasks');
      const parameters = initialize(8, random);
      const batch = drawBatch(sines, 5, random);
      const together = grad(metaLoss(0.1))(parameters, ...batch);
      metaGradientByLoop(0.1, parameters, batch).forEach((expected, leaf) =>
        // Of large terms of both signs little is left: 3e-5 was seen.
        expect(distance(Object.values(together)[leaf]!, expected)).to.be.below(1e-4),
      );
    });
  });

  it('adapts as tf.train.sgd does', () => {
    tf.tidy(() => {
      const random = seedrandom('tasks');
      const parameters = initialize(8, random);
      const [x, y] = drawBatch(sines.slice(0, 1), 5, random).map((t) => tf.squeeze(t, [0]));
      const variables = Object.entries(parameters).map(
        ([name, value]) => [name, tf.variable(value)] as const,
      );
      const sgd = tf.train.sgd(0.05);
      for (let step = 0; step < 3; step++) {
        sgd.minimize(() => squaredError(Object.fromEntries(variables), x!, y!));
      }
      const adapted = adapt(parameters, x!, y!, 3, 0.05);
      for (const [name, variable] of variables) {
        expect(distance(adapted[name]!, variable)).to.be.below(1e-5);
        variable.dispose();
      }
      sgd.dispose();
    });
  });

  if (backend !== 'wasm') return;
  it('differentiates through the adaptation: the meta-gradient is that of differences', async () => {
    const random = seedrandom('smooth');
    const batch = drawBatch(sines, 5, random);
    // With respect to the last bias: no relu follows, whose kink a finite step could cross.
    const parameters = initialize(3, random);
    await checkGrads(
      (b3: tf.Tensor) => metaLoss(0.05)({...parameters, b3}, ...batch),
      [parameters['b3']!],
    );
    tf.dispose([parameters, batch]);
  });

  it('learns to adapt better than a network that was trained on all curves', async () => {
    const options = {steps: 200, tasks: 10, hidden: 24, lr: 0.005};
    const {summary, files, tensors} = await rehearse(demo, options);
    expectConstantMemory(tensors);
    const errors = summary.slice(0, 2).map((line) => {
      const [, before, one, ten] =
        /: ([\d.]+) before adaptation, ([\d.]+) after 1 step, ([\d.]+) after 10/.exec(line)!;
      return [before, one, ten].map(Number);
    });
    const [[before, one, ten], [, , jointTen]] = errors as [number[], number[]];
    expect(one!).to.be.below(before! * 0.75);
    expect(ten!)
      .to.be.below(one!)
      .and.below(jointTen! * 0.9);
    expectSvg(files['maml-sine.svg']);
  }).timeout(LONG);
});
