import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import seedrandom from 'seedrandom';
import {batchOf, loadDigits} from '../../demos/common/digits.js';
import {demo, makeCnn} from '../../demos/neural-tangent-kernels/demo.js';
import {
  averageOver,
  byContraction,
  byLoop,
  byProducts,
  type Network,
} from '../../demos/neural-tangent-kernels/kernels.js';
import {makeFunctional} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {distance, expectConstantMemory, expectSvg, numbersOf, LONG, rehearse} from './support.js';

const {train: digits} = loadDigits(seedrandom('digits'));

describeBackends('demos › neural tangent kernels', (backend) => {
  it('are equal by Jacobian contraction, by vjp and jvp, and by a loop of tf.variableGrads', () => {
    const model = makeCnn(2, seedrandom('weights'));
    tf.tidy(() => {
      const [batched, parameters] = makeFunctional(model);
      const network: Network = (p, x) => tf.squeeze(batched(p, tf.expandDims(x)), [0]);
      const [first, second] = [batchOf(digits, [0, 1, 2]).images, batchOf(digits, [3, 4]).images];
      const expected = byLoop(model, first, second);
      expect(expected.shape).to.deep.equal([3, 2, 10, 10]);
      for (const way of [byContraction, byProducts]) {
        expect(distance(way(network)(parameters, first, second), expected)).to.be.below(1e-5);
      }
    });
    model.dispose();
  });

  it('of outputs that are linear in their weights are products of the inputs', () => {
    tf.tidy(() => {
      const network: Network = ({w}, x) => tf.dot(w!, x);
      const [x, y] = [
        tf.tensor2d([
          [1, 2],
          [3, 4],
        ]),
        tf.tensor2d([[5, 6]]),
      ];
      const kernel = byProducts(network)({w: tf.zeros([2, 2])}, x, y);
      expect(numbersOf(kernel)).to.deep.equal([17, 0, 0, 17, 39, 0, 0, 39]);
      expect(numbersOf(averageOver(kernel))).to.deep.equal([17, 39]);
    });
  });

  if (backend !== 'wasm') return;
  it('are drawn, and tell labels apart', async () => {
    const {summary, files, tensors} = await rehearse(demo, {digits: 2, filters: 2, timed: 2});
    const [, same, different] = /correlation of ([\d.]+) .* labels ([\d.]+)\.$/.exec(summary[0]!)!;
    expect(Number(same)).to.be.above(Number(different));
    for (const line of summary.slice(1)) {
      expect(Number(/difference (\S+)\.$/.exec(line)![1])).to.be.below(1e-5);
    }
    expectConstantMemory(tensors);
    expectSvg(files['neural-tangent-kernels.svg']);
  }).timeout(LONG);
});
