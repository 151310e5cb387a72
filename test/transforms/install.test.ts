import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {grad, install, uninstall, vmap} from '../../src/index.js';
import {assertEngineIsClean, describeBackends} from '../backends.js';
import {expectValues} from './values.js';

type Scalar = (x: tf.Tensor) => tf.Tensor;

/** Runs `body` with stock gradients routed through the library, in a tidy scope, and takes that back whatever happens. */
function installed<T extends tf.TensorContainer>(body: () => T): T {
  install();
  try {
    return tf.tidy(body);
  } finally {
    uninstall();
  }
}

const ownProperties = (): string[] => Object.keys(tf.engine()).sort();

const {exp, tanh, cos, sin, log} = Math;
const sigmoid = (x: number): number => 1 / (1 + exp(-x));

/** Functions with their second and third derivatives. */
const derivatives: Readonly<
  Record<string, readonly [Scalar, (x: number) => number, (x: number) => number]>
> = {
  'x·eˣ': [(x) => x.mul(x.exp()), (x) => (x + 2) * exp(x), (x) => (x + 3) * exp(x)],
  tanh: [
    (x) => x.tanh(),
    (x) => -2 * tanh(x) * (1 - tanh(x) ** 2),
    (x) => (6 * tanh(x) ** 2 - 2) * (1 - tanh(x) ** 2),
  ],
  sigmoid: [
    (x) => x.sigmoid(),
    (x) => sigmoid(x) * (1 - sigmoid(x)) * (1 - 2 * sigmoid(x)),
    (x) => sigmoid(x) * (1 - sigmoid(x)) * (1 - 6 * sigmoid(x) * (1 - sigmoid(x))),
  ],
  'sin(eˣ)': [
    (x) => x.exp().sin(),
    (x) => exp(x) * cos(exp(x)) - exp(2 * x) * sin(exp(x)),
    (x) => exp(x) * cos(exp(x)) - 3 * exp(2 * x) * sin(exp(x)) - exp(3 * x) * cos(exp(x)),
  ],
  '2ˣ': [(x) => tf.pow(2, x), (x) => log(2) ** 2 * 2 ** x, (x) => log(2) ** 3 * 2 ** x],
  'x⁴ by powers': [(x) => x.pow(4), (x) => 12 * x ** 2, (x) => 24 * x],
  'elu(−x²)': [
    (x) => x.square().neg().elu(),
    (x) => (4 * x * x - 2) * exp(-x * x),
    (x) => (12 * x - 8 * x ** 3) * exp(-x * x),
  ],
  'max(x, 0)·x²': [(x) => x.maximum(0).mul(x.square()), (x) => 6 * x, () => 6],
};

function expectDerivative(actual: tf.Tensor, expected: number, what: string): void {
  const value = actual.dataSync()[0]!;
  expect(value, what).to.be.closeTo(expected, 2e-6 * Math.max(1, Math.abs(expected)));
}

/** A variable; unlike what it starts with it outlives the scope that is open. */
const variableOf = (values: number | number[], trainable = true): tf.Variable =>
  tf.tidy(() => tf.variable(tf.tensor(values), trainable));

/** A small model with the layers that keep tensors or assign variables while they are trained. */
function makeModel(): tf.Sequential {
  const kernelInitializer = (seed: number) => tf.initializers.glorotUniform({seed});
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({
        inputShape: [5, 5, 1],
        filters: 2,
        kernelSize: 3,
        activation: 'relu',
        kernelInitializer: kernelInitializer(1),
      }),
      tf.layers.batchNormalization(),
      tf.layers.flatten(),
      tf.layers.dense({units: 4, activation: 'tanh', kernelInitializer: kernelInitializer(2)}),
      tf.layers.reshape({targetShape: [2, 2]}),
      tf.layers.gru({
        units: 3,
        kernelInitializer: kernelInitializer(3),
        recurrentInitializer: kernelInitializer(4),
      }),
      tf.layers.dense({units: 2, activation: 'softmax', kernelInitializer: kernelInitializer(5)}),
    ],
  });
  model.compile({
    optimizer: tf.train.adam(0.02),
    loss: 'categoricalCrossentropy',
    metrics: ['accuracy', 'mse'],
  });
  return model;
}

/** Trains for a few steps. Gives the weights, what was reported of each step, and by how many tensors a step grew the memory. */
async function train(): Promise<{weights: number[][]; reports: number[][]; growth: number}> {
  const model = makeModel();
  const images = tf.randomNormal([8, 5, 5, 1], 0, 1, 'float32', 7);
  const labels = tf.tidy(() => tf.oneHot(tf.tensor1d([0, 1, 0, 1, 1, 1, 0, 0], 'int32'), 2));
  const reports: number[][] = [];
  const counts: number[] = [];
  for (let step = 0; step < 4; step++) {
    reports.push((await model.trainOnBatch(images, labels)) as number[]);
    counts.push(tf.memory().numTensors);
  }
  const weights = model.getWeights().map((weight) => [...weight.dataSync()]);
  tf.dispose([images, labels]);
  (model.optimizer as tf.AdamOptimizer).dispose();
  model.dispose();
  return {weights, reports, growth: counts[3]! - counts[1]!};
}

describeBackends('install', () => {
  it('makes stock tf.grad right to second and third order', () => {
    for (const [name, [f, second, third]] of Object.entries(derivatives)) {
      for (const at of [0.5, 1.25]) {
        installed(() => {
          const x = tf.scalar(at);
          expectDerivative(tf.grad(tf.grad(f))(x), second(at), `second derivative of ${name}`);
          expectDerivative(
            tf.grad(tf.grad(tf.grad(f)))(x),
            third(at),
            `third derivative of ${name}`,
          );
        });
      }
    }
  });

  it('is what makes it right: without it stock tfjs loses a part', () => {
    const f = tf.grad(tf.grad((x) => x.mul(x.exp())));
    tf.tidy(() => expectDerivative(f(tf.scalar(0.5)), 3.2974425, 'stock'));
    installed(() => expectDerivative(f(tf.scalar(0.5)), 4.1218032, 'installed'));
    tf.tidy(() => expectDerivative(f(tf.scalar(0.5)), 3.2974425, 'stock'));
  });

  it('routes tf.grads, tf.valueAndGrad, tf.valueAndGrads and dy', () => {
    installed(() => {
      const [a, b] = [tf.tensor1d([0.5, 1]), tf.tensor1d([2, 3])];
      const f = (x: tf.Tensor, y: tf.Tensor): tf.Tensor => x.exp().mul(y.square());
      const [da, db] = tf.grads((x, y) => tf.grad((z) => f(z, y!))(x!))([a, b]);
      expectValues(da!, [4 * exp(0.5), 9 * exp(1)]);
      expectValues(db!, [4 * exp(0.5), 6 * exp(1)]);
      const {value, grads} = tf.valueAndGrads(f)([a, b], tf.tensor1d([10, 100]));
      expectValues(value, [4 * exp(0.5), 9 * exp(1)]);
      expectValues(grads[1]!, [40 * exp(0.5), 600 * exp(1)]);
      const one = tf.valueAndGrad((x) => x.square())(a, tf.tensor1d([10, 100]));
      expectValues(one.value, [0.25, 1]);
      expectValues(one.grad, [10, 200]);
    });
  });

  it('routes optimizers: cost, list of variables, and variables without a gradient', () => {
    installed(() => {
      const [w, b, other] = [1, 2, 3].map((value) => variableOf(value));
      const optimizer = tf.train.sgd(0.1);
      const loss = (): tf.Scalar => w!.mul(3).add(b!).square() as tf.Scalar;
      const cost = optimizer.minimize(loss, true, [w!])!;
      expectValues(cost, 25);
      expectValues(w!.clone(), 1 - 0.1 * 30);
      expectValues(b!.clone(), 2);
      expect(optimizer.minimize(loss)).to.equal(null);
      expectValues(b!.clone(), 2 - 0.1 * 2 * (3 * -2 + 2));
      expectValues(other!.clone(), 3);
      const {value, grads} = tf.variableGrads(loss, [w!, b!]);
      expect(value.shape).to.deep.equal([]);
      expect(Object.keys(grads)).to.deep.equal([w!.name, b!.name]);
      optimizer.dispose();
      tf.dispose([w!, b!, other!]);
    });
  });

  it('trains a model of tf.layers as stock tfjs does, and leaves nothing behind', async () => {
    const stock = await train();
    install();
    let ours: typeof stock;
    try {
      ours = await train();
    } finally {
      uninstall();
    }
    expect(ours.growth).to.equal(stock.growth);
    for (const part of ['weights', 'reports'] as const) {
      const [got, expected] = [ours[part].flat(), stock[part].flat()];
      expect(got.length).to.equal(expected.length);
      got.forEach((value, i) => expect(value, part).to.be.closeTo(expected[i]!, 1e-5));
    }
  });

  it('honours tf.customGrad to second order', () => {
    const clipped = tf.customGrad((x) => ({
      value: (x as tf.Tensor).pow(3),
      gradFunc: (dy: tf.Tensor) => dy.mul((x as tf.Tensor).square()).mul(7),
    })) as Scalar;
    installed(() => {
      expectValues(tf.grad(clipped)(tf.scalar(2)), 28);
      expectValues(tf.grad(tf.grad(clipped))(tf.scalar(2)), 28);
      expectValues(tf.grad(tf.grad((x) => clipped(x.mul(2))))(tf.scalar(2)), 4 * 14 * 4);
    });
  });

  it('composes with transforms in both directions', () => {
    installed(() => {
      const x = tf.tensor1d([0.5, 1]);
      const f = (a: tf.Tensor): tf.Tensor => a.mul(a.exp()).sum();
      const third = [0.5, 1].map((v) => (v + 3) * exp(v));
      expectValues(tf.grad(vmap((a) => grad(grad(f))(a)))(x), third);
      expectValues(vmap(grad((a: tf.Tensor) => tf.grad(tf.grad(f))(a)))(x), third);
    });
  });

  it('keeps what the function keeps, as its value', () => {
    let kept: tf.Tensor;
    let second: tf.Tensor;
    installed(() => {
      const x = tf.scalar(3);
      expectValues(
        tf.grad((y) => {
          kept = tf.keep(y.square());
          return kept.mul(y);
        })(x),
        27,
      );
      expectValues(tf.grad((y) => tf.grad((z) => (second = tf.keep(z.mul(y))).mul(z))(y))(x), 18);
    });
    expectValues(kept!, 9);
    expectValues(second!.add(1), 10);
    tf.dispose([kept!, second!]);
  });

  it('assigns to variables what the function assigns, as its value', () => {
    const average = variableOf(0, false);
    let made: tf.Variable;
    installed(() => {
      const slope = tf.grad((x) => {
        const y = x.square();
        average.assign(average.mul(0.5).add(y));
        made = tf.variable(y, false);
        return y.mul(average);
      })(tf.scalar(3));
      // As in stock tfjs the variable is a constant of the function.
      expectValues(slope, 6 * 9);
    });
    expectValues(average.clone(), 9);
    expectValues(made!.clone(), 9);
    tf.dispose([average, made!]);
  });

  it('still refuses to assign values of other transforms', () => {
    const variable = variableOf([0, 0], false);
    const f = (x: tf.Tensor): tf.Tensor => {
      variable.assign(x);
      return x.sum();
    };
    installed(() => {
      const x = tf.tensor2d([[1, 2]]);
      expect(() => vmap((a: tf.Tensor) => tf.grad(f)(a))(x)).to.throw(
        "a tf.Variable can't be assigned a traced value (float32 [2]): it would outlive the vmap",
      );
    });
    expectValues(variable.clone(), [0, 0]);
    variable.dispose();
  });

  it('refuses what stock tfjs refuses', () => {
    const x = tf.scalar(1);
    const variable = variableOf([1, 2]);
    const other = tf.scalar(5);
    // Stock tfjs loses what it has saved when it refuses: none of these saves anything.
    const refusals: (() => unknown)[] = [
      () => tf.grad(() => other.neg())(x),
      () => tf.grad((y) => y.neg())(x, tf.tensor1d([1, 2])),
      () => tf.grad((y) => y.square())(x, tf.scalar(1, 'int32')),
      () => tf.grad((y) => y.dataSync() as unknown as tf.Tensor)(x),
      () => tf.variableGrads(() => variable.square() as unknown as tf.Scalar),
      () => tf.variableGrads(() => other as tf.Scalar),
    ];
    for (const refusal of refusals) {
      expect(() => tf.tidy(refusal as () => void), 'stock').to.throw();
      expect(() => installed(refusal as () => void), `installed: ${String(refusal)}`).to.throw();
    }
    expect(() => installed(refusals[0] as () => void)).to.throw(
      'Cannot compute gradient of y=f(x) with respect to x',
    );
    tf.dispose([x, variable, other]);
  });

  it('an error of the function leaves things as they were', () => {
    const x = tf.scalar(2);
    installed(() => {
      const [before, properties] = [tf.memory(), ownProperties()];
      for (let i = 0; i < 3; i++) {
        expect(() =>
          tf.grad((y) => {
            tf.grad((z) => z.exp())(y);
            throw new Error('thrown by the function');
          })(x),
        ).to.throw('thrown by the function');
      }
      expect(tf.memory().numTensors).to.equal(before.numTensors);
      expect(tf.memory().numDataBuffers).to.equal(before.numDataBuffers);
      expect(ownProperties()).to.deep.equal(properties);
      expectValues(tf.grad((y) => y.square())(x), 4);
    });
    x.dispose();
  });

  it('once or twice is the same, and uninstall leaves the engine as tfjs made it', () => {
    const properties = ownProperties();
    uninstall();
    expect(ownProperties()).to.deep.equal(properties);
    install();
    install();
    expect(ownProperties()).to.deep.equal([...properties, 'gradients'].sort());
    uninstall();
    expect(ownProperties()).to.deep.equal(properties);
    assertEngineIsClean();
  });

  it('holds from when the running transforms have ended, as does its contrary', () => {
    const properties = ownProperties();
    const x = tf.scalar(2);
    const f = (change: () => void) => (y: tf.Tensor) => {
      change();
      return tf
        .grad((z) => z.square())(y)
        .mul(y);
    };
    expectValues(grad(f(install))(x), 8);
    expect(ownProperties()).to.deep.equal([...properties, 'gradients'].sort());
    expectValues(tf.grad(tf.grad((y) => y.exp()))(x), exp(2));
    expectValues(grad(f(uninstall))(x), 8);
    expect(ownProperties()).to.deep.equal(properties);
    tf.dispose(x);
  });
});
