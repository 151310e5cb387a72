import type * as Tf from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import type * as Functorch from '../src/index.js';

type Mlp = {w1: Tf.Tensor2D; b1: Tf.Tensor1D; w2: Tf.Tensor2D};

/**
 * The few calls that show a build to be whole: on the sources, on each built file, in each browser backend.
 * The modules are passed in, since where they come from is what these tests are about.
 */
export function smokeTests(load: () => {tf: typeof Tf; functorch: typeof Functorch}): void {
  async function expectClose(
    actual: Tf.Tensor,
    expected: Tf.Tensor,
    tolerance = 1e-4,
  ): Promise<void> {
    expect(actual.shape).to.deep.equal(expected.shape);
    const [a, e] = await Promise.all([actual.data(), expected.data()]);
    expect(e.length).to.be.greaterThan(0);
    e.forEach((value, i) => expect(a[i]).to.be.closeTo(value, tolerance * (1 + Math.abs(value))));
  }

  let tensorsBefore = 0;
  beforeEach(() => {
    tensorsBefore = load().tf.memory().numTensors;
    load().tf.engine().startScope();
  });
  afterEach(() => {
    load().tf.engine().endScope();
    expect(load().tf.memory().numTensors, 'tensors left behind').to.equal(tensorsBefore);
  });

  it('grad of sin is cos', async () => {
    const {tf, functorch} = load();
    const x = tf.scalar(0.7);
    const derivative = functorch.grad((t: Tf.Scalar) => tf.sin(t))(x);
    await expectClose(derivative, tf.cos(x));
    const second = functorch.grad(functorch.grad((t: Tf.Scalar) => tf.sin(t)))(x);
    await expectClose(second, tf.neg(tf.sin(x)));
  });

  it('vmap of a linear model is the model on each example', async () => {
    const {tf, functorch} = load();
    const weights = tf.randomNormal([3], 0, 1, 'float32', 1) as Tf.Tensor1D;
    const examples = tf.randomNormal([5, 3], 0, 1, 'float32', 2) as Tf.Tensor2D;
    const model = (x: Tf.Tensor1D) => tf.relu(tf.dot(weights, x));
    await expectClose(
      functorch.vmap(model)(examples),
      tf.stack(tf.unstack(examples).map((x) => model(x as Tf.Tensor1D))),
    );
  });

  it('a key gives the same numbers on every backend, also after an op has used it', async () => {
    const {tf, functorch} = load();
    const {key, split, uniform} = functorch.random;
    const keys = split(key(42), 100);
    const draw = (): Tf.Tensor => functorch.vmap((each: Tf.Tensor) => uniform(each))(keys);
    const drawn = draw();
    await expectClose(
      tf.slice(drawn, 0, 3),
      tf.tensor1d([0.5302608013153076, 0.7276642322540283, 0.6672406196594238]),
      1e-6,
    );
    await tf.max(tf.add(keys, keys)).data();
    await expectClose(draw(), drawn, 0);
  });

  it('of many updates of a place one stays, whole, and has the derivative', async () => {
    const {tf, functorch} = load();
    const [count, places, width] = [1500, 4, 3];
    const indices = tf.reshape(tf.mod(tf.range(0, count, 1, 'int32'), places), [count, 1]);
    const updates = tf.tile(tf.reshape(tf.range(1, count + 1), [count, 1]), [1, width]);
    const written = (updates: Tf.Tensor): Tf.Tensor =>
      tf.tensorScatterUpdate(tf.zeros([places, width]), tf.cast(indices, 'int32'), updates);
    const rows = (await written(updates).array()) as number[][];
    rows.forEach(([first, ...others], place) => {
      expect((first! - 1) % places).to.equal(place);
      for (const other of others) expect(other).to.equal(first);
    });
    const derivative = functorch.grad((updates: Tf.Tensor) => tf.sum(written(updates)))(updates);
    await expectClose(
      tf.sum(tf.mul(derivative, updates)),
      tf.scalar(rows.flat().reduce((sum, value) => sum + value)),
    );
  });

  it('per-example gradients of a small network are those of a loop', async () => {
    const {tf, functorch} = load();
    const params: Mlp = {
      w1: tf.randomNormal([4, 7], 0, 1, 'float32', 3),
      b1: tf.randomNormal([7], 0, 1, 'float32', 4),
      w2: tf.randomNormal([7, 3], 0, 1, 'float32', 5),
    };
    const examples = tf.randomNormal([6, 4], 0, 1, 'float32', 6) as Tf.Tensor2D;
    const targets = tf.oneHot([0, 2, 1, 1, 0, 2], 3, 1, 0, 'float32') as Tf.Tensor2D;
    const loss = ({w1, b1, w2}: Mlp, x: Tf.Tensor1D, target: Tf.Tensor1D): Tf.Scalar => {
      const hidden = tf.tanh(tf.add(tf.matMul(tf.reshape(x, [1, 4]), w1), b1));
      const logits = tf.reshape(tf.matMul(hidden, w2), [3]);
      return tf.losses.softmaxCrossEntropy(target, logits);
    };

    const perExample = functorch.vmap(functorch.grad(loss), {inDims: [null, 0, 0]})(
      params,
      examples,
      targets,
    );
    for (const name of ['w1', 'b1', 'w2'] as const) {
      const rows = tf.unstack(examples).map((x, i) => {
        const target = tf.unstack(targets)[i] as Tf.Tensor1D;
        return functorch.grad(loss)(params, x as Tf.Tensor1D, target)[name];
      });
      await expectClose(perExample[name], tf.stack(rows));
    }
  });

  it('hessian of a product of sums is the closed form', async () => {
    const {tf, functorch} = load();
    const x = tf.tensor1d([0.3, -1.1, 0.8]);
    // f = a·b with a = Σ sin xᵢ and b = Σ xⱼ²; its Hessian is a'b'ᵀ + b'a'ᵀ + diag(b·a'' + a·b'').
    const f = (t: Tf.Tensor1D): Tf.Scalar =>
      tf.mul(tf.sum<Tf.Scalar>(tf.sin(t)), tf.sum<Tf.Scalar>(tf.square(t)));
    const [a, b] = [tf.sum(tf.sin(x)), tf.sum(tf.square(x))];
    const cross = tf.outerProduct(tf.cos(x), tf.mul<Tf.Tensor1D>(2, x));
    const diagonal = tf.sub(tf.mul(2, a), tf.mul(b, tf.sin(x)));
    const expected = tf.add(tf.add(cross, tf.transpose(cross)), tf.mul(tf.eye(3), diagonal));
    await expectClose(functorch.hessian(f)(x), expected);
  });
}
