import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import seedrandom from 'seedrandom';
import {demo} from '../../demos/burgers/demo.js';
import {
  exactSolution,
  initialize,
  networkSolution,
  residual,
  residuals,
  type Problem,
} from '../../demos/burgers/model.js';
import {grad} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {distance, expectConstantMemory, expectSvg, numbersOf, LONG, rehearse} from './support.js';

const problem: Problem = {viscosity: 0.05, smoothness: 1.1};
const points = [
  [0.1, 0],
  [0.5, 0.3],
  [0.8, 0.9],
] as const;

describeBackends("demos › Burgers' equation", (backend) => {
  it('has an exact solution: its residual, by forward mode twice, is zero', () => {
    tf.tidy(() => {
      for (const [x, t] of points) {
        const exact = (px: tf.Tensor, pt: tf.Tensor) => exactSolution(problem, px, pt);
        const [left] = numbersOf(residual(problem, exact, tf.scalar(x), tf.scalar(t)));
        expect(left).to.be.closeTo(0, 1e-4); // its terms are up to 4
      }
    });
  });

  it('has the residuals at many points that reverse mode gives at each', () => {
    tf.tidy(() => {
      const parameters = initialize(6, seedrandom('weights'));
      const u = networkSolution(problem)(parameters);
      const [xs, ts] = [0, 1].map((axis) => tf.tensor1d(points.map((point) => point[axis]!)));
      const each = points.map(([x, t]) => {
        const [px, pt] = [tf.scalar(x), tf.scalar(t)];
        const ux = (at: tf.Tensor): tf.Tensor => grad((place: tf.Tensor) => u(place, pt))(at);
        const ut = grad((time: tf.Tensor) => u(px, time))(pt as tf.Tensor);
        return tf.sub(
          tf.add(ut, tf.mul(u(px, pt), ux(px))),
          tf.mul(grad(ux)(px as tf.Tensor), 0.05),
        );
      });
      expect(distance(residuals(problem)(parameters, xs!, ts!), tf.stack(each))).to.be.below(1e-4);
    });
  });

  it('starts right and vanishes at the ends, whatever the parameters', () => {
    tf.tidy(() => {
      const u = networkSolution(problem)(initialize(6, seedrandom('weights')));
      const at = (x: number, t: number): number => numbersOf(u(tf.scalar(x), tf.scalar(t)))[0]!;
      const [start] = numbersOf(exactSolution(problem, tf.scalar(0.3), tf.scalar(0)));
      expect(at(0.3, 0)).to.be.closeTo(start!, 1e-6);
      expect(at(0, 0.7)).to.be.closeTo(0, 1e-6);
      expect(at(1, 0.7)).to.be.closeTo(0, 1e-6);
    });
  });

  if (backend !== 'wasm') return;
  it('is solved better and better, without a tensor kept', async () => {
    const options = {steps: 100, points: 48, hidden: 12, lr: 0.02, smoothness: 2};
    const {summary, files, tensors} = await rehearse(demo, options);
    expectConstantMemory(tensors);
    const [, before, after] = /one: (\S+) before training, (\S+) after/.exec(summary[0]!)!;
    expect(Number(after)).to.be.below(Number(before) / 4);
    expect(Number(/difference (\S+)\.$/.exec(summary[1]!)![1])).to.be.below(1e-4);
    expectSvg(files['burgers.svg']);
  }).timeout(LONG);
});
