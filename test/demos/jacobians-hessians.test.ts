import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import seedrandom from 'seedrandom';
import {rowByRow} from '../../demos/jacobians-hessians/contests.js';
import {demo} from '../../demos/jacobians-hessians/demo.js';
import {
  hessianOnPaper,
  jacobianOnPaper,
  makeLayer,
  predict,
} from '../../demos/jacobians-hessians/model.js';
import {hessian, hvp, jacfwd, jacrev, vmap} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {distance, expectConstantMemory, expectSvg, LONG, rehearse} from './support.js';

describeBackends('demos › jacobians and hessians', (backend) => {
  const inScope =
    (body: (f: (x: tf.Tensor) => tf.Tensor, layer: ReturnType<typeof makeLayer>) => void) => () =>
      void tf.tidy(() => {
        const layer = makeLayer(5, 3, seedrandom('layer'));
        body((x) => predict(layer.weight, layer.bias, x), layer);
      });

  it(
    'are those on paper, in both modes and in a loop of tf.grad',
    inScope((f, layer) => {
      const x = tf.tensor1d([0.3, -0.7, 1.1]);
      const expected = jacobianOnPaper(layer, x);
      for (const jacobian of [jacrev(f)(x), jacfwd(f)(x), rowByRow(layer, x)]) {
        expect(distance(jacobian, expected)).to.be.below(1e-5);
      }
      expect(distance(hessian(f)(x), hessianOnPaper(layer, x))).to.be.below(1e-5);
    }),
  );

  it(
    'are those of single examples when they are batched',
    inScope((f, layer) => {
      const xs = tf.randomNormal([4, 3], 0, 1, 'float32', 1);
      const each = (derivative: (x: tf.Tensor) => tf.Tensor): tf.Tensor =>
        tf.stack(tf.unstack(xs).map(derivative));
      expect(
        distance(
          vmap(jacrev(f))(xs),
          each((x) => jacobianOnPaper(layer, x)),
        ),
      ).to.be.below(1e-5);
      expect(
        distance(
          vmap(hessian(f))(xs),
          each((x) => hessianOnPaper(layer, x)),
        ),
      ).to.be.below(1e-5);
    }),
  );

  it(
    'times a vector need no Hessian',
    inScope((f) => {
      const energy = (x: tf.Tensor): tf.Tensor => tf.sum(tf.square(f(x)));
      const [x, v] = [tf.tensor1d([0.3, -0.7, 1.1]), tf.tensor1d([1, 2, -3])];
      const [product] = hvp(energy, [x as tf.Tensor], [v]);
      expect(distance(product, tf.dot(hessian(energy)(x), v))).to.be.below(1e-5);
    }),
  );

  if (backend !== 'wasm') return;
  it('agree in all ways that are timed, and leave nothing behind', async () => {
    const {summary, files, tensors} = await rehearse(demo, {size: 3, batch: 2, rounds: 1});
    expect(summary).to.have.lengthOf(8);
    for (const line of summary) {
      expect(Number(/difference (\S+)\.$/.exec(line)![1]), line).to.be.below(1e-5);
    }
    expectConstantMemory(tensors);
    expectSvg(files['jacobians-hessians.svg']);
    const points = String(files['jacobians-hessians.svg']).match(/aria-roledescription="point"/g);
    expect(points).to.have.lengthOf(2 * 8);
  }).timeout(LONG);
});
