import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {PNG} from 'pngjs';
import {demo} from '../../demos/influence-functions/demo.js';
import {
  correlation,
  hessianOf,
  influences,
  leaveOneOut,
  objective,
  solve,
  train,
  type Data,
} from '../../demos/influence-functions/model.js';
import {grad} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {distance, expectConstantMemory, expectSvg, numbersOf, LONG, rehearse} from './support.js';

const COUNT = 12;

/** Points of the plane, with a constant. */
function makeData(): Data {
  const noise = tf.randomNormal([COUNT, 2], 0, 1, 'float32', 3);
  const y = tf.tensor1d(Array.from({length: COUNT}, (_, i) => i % 2));
  const shifted = tf.add(noise, tf.mul(tf.expandDims(y, 1), tf.tensor2d([[1.5, -1]])));
  return {x: tf.concat([shifted, tf.ones([COUNT, 1])], 1), y};
}

describe('demos › correlation', () => {
  it("is 1 for a rising line, -1 for a falling one, and Pearson's between", () => {
    expect(correlation([1, 2, 3], [10, 20, 30])).to.be.closeTo(1, 1e-12);
    expect(correlation([1, 2, 3], [3, 2, 1])).to.be.closeTo(-1, 1e-12);
    expect(correlation([1, 2, 3], [1, 3, 2])).to.be.closeTo(0.5, 1e-12);
  });
});

describeBackends('demos › influence functions', (backend) => {
  const inScope = (body: () => void) => (): void => void tf.tidy(body);

  it(
    'solve linear systems by conjugate gradients',
    inScope(() => {
      const matrix = tf.tensor2d([
        [4, 1, 0],
        [1, 3, -1],
        [0, -1, 2],
      ]);
      const solution = tf.tensor1d([1, -2, 3]);
      const z = solve((v) => tf.dot(matrix, v), tf.dot(matrix, solution), 8);
      expect(distance(z, solution)).to.be.below(1e-5);
    }),
  );

  it(
    'train to the minimum by Newton steps',
    inScope(() => {
      const data = makeData();
      const counts = tf.ones([COUNT]);
      const w = train(data, 0.5, tf.zeros([3]), counts, 6);
      const slope = grad(objective(data, 0.5))(w, counts);
      expect(Math.max(...numbersOf(slope).map(Math.abs))).to.be.below(1e-5);
    }),
  );

  it(
    'are those by the whole Hessian',
    inScope(() => {
      const data = makeData();
      const w = train(data, 0.5, tf.zeros([3]), tf.ones([COUNT]), 6);
      const [x, y] = [tf.tensor1d([0.5, 0.3, 1]), tf.scalar(1)];
      const hessian = hessianOf(data, 0.5, w);
      // The gradient of an example's loss, on paper: (p - y)·x.
      const slopes = (xs: tf.Tensor, ys: tf.Tensor): tf.Tensor =>
        tf.mul(tf.expandDims(tf.sub(tf.sigmoid(tf.dot(xs, w)), ys), 1), xs);
      const test = tf.squeeze(slopes(tf.expandDims(x), tf.expandDims(y)), [0]);
      const direction = solve((v) => tf.dot(hessian, v), test, 8);
      const expected = tf.dot(slopes(data.x, data.y), direction);
      expect(distance(influences(data, 0.5, w, x, y), expected)).to.be.below(1e-4);
    }),
  );

  it(
    'predict what retraining without each example gives',
    inScope(() => {
      const data = makeData();
      const w = train(data, 0.5, tf.zeros([3]), tf.ones([COUNT]), 6);
      const [x, y] = [tf.tensor1d([0.5, 0.3, 1]), tf.scalar(1)];
      const rows = Array.from({length: COUNT}, (_, row) => row);
      const actual = leaveOneOut(data, 0.5, w, x, y, rows);
      const one = leaveOneOut(data, 0.5, w, x, y, [3]);
      expect(numbersOf(one)[0]).to.be.closeTo(numbersOf(actual)[3]!, 1e-5);
      expect(correlation(numbersOf(influences(data, 0.5, w, x, y)), numbersOf(actual))).to.be.above(
        0.95,
      );
    }),
  );

  if (backend !== 'wasm') return;
  it('of digits agree with retraining, and are drawn', async () => {
    const {summary, files, tensors} = await rehearse(demo, {digits: 60, retrain: 10});
    const [, found] = /correlation (\S+)\.$/.exec(summary[1]!)!;
    expect(Number(found)).to.be.above(0.95);
    expect(Number(/difference (\S+)\.$/.exec(summary[2]!)![1])).to.be.below(1e-2);
    expectConstantMemory(tensors);
    expectSvg(files['influence-functions.svg']);
    expect(PNG.sync.read(files['influence-functions.png'] as Buffer).width).to.be.above(28 * 8);
  }).timeout(LONG);
});
