import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {grad, jvp, optimizers, TransformError, vmap} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {Random} from '../support/random.js';
import {expectSame, expectValues} from '../transforms/values.js';

type AnyOptimizer = optimizers.Optimizer<Record<string, never>>;

interface Pair {
  readonly ours: () => AnyOptimizer;
  readonly stock: () => tf.Optimizer;
}

const pairs: Readonly<Record<string, Pair>> = {
  sgd: {
    ours: () => optimizers.sgd({learningRate: 0.1}),
    stock: () => tf.train.sgd(0.1),
  },
  momentum: {
    ours: () => optimizers.momentum({learningRate: 0.05, momentum: 0.8}) as never,
    stock: () => tf.train.momentum(0.05, 0.8),
  },
  nesterov: {
    ours: () => optimizers.nesterov({learningRate: 0.05, momentum: 0.8}) as never,
    stock: () => tf.train.momentum(0.05, 0.8, true),
  },
  rmsprop: {
    ours: () => optimizers.rmsprop({learningRate: 0.02}) as never,
    stock: () => tf.train.rmsprop(0.02),
  },
  'rmsprop with momentum': {
    ours: () =>
      optimizers.rmsprop({learningRate: 0.02, decay: 0.8, momentum: 0.5, epsilon: 1e-4}) as never,
    stock: () => tf.train.rmsprop(0.02, 0.8, 0.5, 1e-4),
  },
  'centered rmsprop': {
    ours: () => optimizers.rmsprop({learningRate: 0.01, momentum: 0.5, centered: true}) as never,
    stock: () => tf.train.rmsprop(0.01, 0.9, 0.5, undefined, true),
  },
  adagrad: {
    ours: () => optimizers.adagrad({learningRate: 0.1, initialAccumulatorValue: 0.2}) as never,
    stock: () => tf.train.adagrad(0.1, 0.2),
  },
  adadelta: {
    ours: () => optimizers.adadelta({learningRate: 0.5, rho: 0.9}) as never,
    stock: () => tf.train.adadelta(0.5, 0.9),
  },
  adam: {
    ours: () => optimizers.adam({learningRate: 0.1}) as never,
    stock: () => tf.train.adam(0.1),
  },
  'adam with settings': {
    ours: () =>
      optimizers.adam({learningRate: 0.1, beta1: 0.8, beta2: 0.95, epsilon: 1e-3}) as never,
    stock: () => tf.train.adam(0.1, 0.8, 0.95, 1e-3),
  },
  adamax: {
    ours: () => optimizers.adamax({learningRate: 0.1, decay: 0.1}) as never,
    stock: () => tf.train.adamax(0.1, 0.9, 0.999, undefined, 0.1),
  },
};

const STEPS = 20;
const TIGHT = {relative: 1e-6, absolute: 1e-6};

/** The loss whose gradients the steps follow: of two parameters in a tree. */
interface Params {
  w: tf.Tensor;
  inner: {b: tf.Tensor}[];
}
const loss = ({w, inner}: Params): tf.Tensor =>
  w.sin().mul(inner[0]!.b).sum().add(w.square().sum().mul(0.1));

const start = (): Params => {
  const random = new Random('optimizers');
  const values = Array.from({length: 6}, () => random.uniform(0.5, 1.5));
  return {w: tf.tensor2d(values, [2, 3]), inner: [{b: tf.tensor1d([0.7, -0.4, 1.2])}]};
};

/** The parameters after some steps. */
function train(optimizer: AnyOptimizer, params: Params, steps = STEPS): Params {
  return tf.tidy(() => {
    let now = params;
    let state = optimizer.init(now);
    for (let step = 0; step < steps; step++) {
      [now, state] = optimizer.update(grad(loss)(now) as Params, state, now);
    }
    return {w: now.w.clone(), inner: [{b: now.inner[0]!.b.clone()}]};
  });
}

describeBackends('optimizers', () => {
  for (const [name, {ours, stock}] of Object.entries(pairs)) {
    it(`${name} steps as tf.train does`, () => {
      const params = start();
      const [w, b] = [params.w.variable(), params.inner[0]!.b.variable()];
      const optimizer = stock();
      for (let step = 0; step < STEPS; step++) {
        optimizer.minimize(() => loss({w, inner: [{b}]}).asScalar(), false, [w, b]);
      }
      const trained = train(ours(), params);
      expect(Array.from(trained.w.dataSync()).every(Number.isFinite)).to.equal(true);
      expectSame(trained.w, w.clone(), TIGHT);
      expectSame(trained.inner[0]!.b, b.clone(), TIGHT);
      optimizer.dispose();
      // tfjs's optimizers leave a variable (Adamax) and a scalar (momentum) behind.
      tf.disposeVariables();
      (optimizer as {c?: tf.Tensor}).c?.dispose();
      tf.dispose(params as never);
    }).timeout(20_000);
  }

  it('adamw is the published formula, in double precision', () => {
    const {learningRate, beta1, beta2, epsilon, weightDecay} = {
      learningRate: 0.1,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0.3,
    };
    const gradients = Array.from({length: STEPS}, (_, step) => Math.sin(step) + 0.1);
    let [p, m, v] = [1.5, 0, 0];
    gradients.forEach((g, step) => {
      p *= 1 - learningRate * weightDecay;
      m = beta1 * m + (1 - beta1) * g;
      v = beta2 * v + (1 - beta2) * g * g;
      const mHat = m / (1 - beta1 ** (step + 1));
      const vHat = v / (1 - beta2 ** (step + 1));
      p -= (learningRate * mHat) / (Math.sqrt(vHat) + epsilon);
    });
    const trained = tf.tidy(() => {
      const optimizer = optimizers.adamw({learningRate, weightDecay});
      let now: tf.Tensor = tf.scalar(1.5);
      let state = optimizer.init(now);
      for (const g of gradients) [now, state] = optimizer.update(tf.scalar(g), state, now);
      return now;
    });
    expectValues(trained, p, {relative: 1e-5, absolute: 1e-6});
  });

  it('many models train at once, each with its own state and learning rate', () => {
    tf.tidy(() => {
      const rates = [0.1, 0.01];
      const many = tf.tensor2d([
        [1, 2],
        [3, -1],
      ]);
      const steps = (lr: tf.Tensor, w: tf.Tensor): tf.Tensor => {
        const optimizer = optimizers.adam({learningRate: lr});
        let [now, state] = [w, optimizer.init(w)];
        for (let step = 0; step < 5; step++) {
          const g = grad((x: tf.Tensor) => x.pow(3).sum())(now);
          [now, state] = optimizer.update(g, state, now);
        }
        return now;
      };
      const together = vmap(steps)(tf.tensor1d(rates), many);
      const apart = rates.map((rate, index) => steps(tf.scalar(rate), many.gather(index)));
      expectSame(together, tf.stack(apart));

      // The same from outside: the state is an ordinary tree of tensors with a batch dimension.
      const optimizer = optimizers.adam({learningRate: 0.1});
      const state = vmap((w: tf.Tensor) => optimizer.init(w))(many);
      const [next, nextState] = vmap(optimizer.update<tf.Tensor>)(many, state, many);
      expect(nextState.beta1Power.shape).to.deep.equal([2]);
      expectSame(next.gather(0), optimizer.update(many, optimizer.init(many), many)[0].gather(0));
    });
  });

  it('one can differentiate through steps, with respect to settings too', () => {
    tf.tidy(() => {
      const settings: ((rate: tf.Tensor) => AnyOptimizer)[] = [
        (learningRate) => optimizers.sgd({learningRate}),
        (momentum) => optimizers.momentum({learningRate: 0.1, momentum}) as never,
        (momentum) => optimizers.nesterov({learningRate: 0.1, momentum}) as never,
        (decay) => optimizers.rmsprop({learningRate: 0.1, decay}) as never,
        (learningRate) => optimizers.adagrad({learningRate}) as never,
        (learningRate) => optimizers.adadelta({learningRate}) as never,
        (beta1) => optimizers.adam({learningRate: 0.1, beta1}) as never,
        (weightDecay) => optimizers.adamw({learningRate: 0.1, weightDecay}) as never,
        (learningRate) => optimizers.adamax({learningRate}) as never,
      ];
      settings.forEach((make, index) => {
        const params = start();
        const after = (rate: tf.Tensor): tf.Tensor => loss(train(make(rate), params, 3));
        const at = tf.scalar(0.3);
        const slope = grad(after)(at).dataSync()[0]!;
        const h = 1e-2;
        const value = (x: number): number => after(tf.scalar(x)).dataSync()[0]!;
        const difference = (value(0.3 + h) - value(0.3 - h)) / (2 * h);
        expect(slope, `settings ${index}`).to.be.closeTo(
          difference,
          2e-3 + 2e-2 * Math.abs(difference),
        );
        const forward = jvp(after, [at], [tf.scalar(1)])[1].dataSync()[0]!;
        expect(forward).to.be.closeTo(slope, 1e-4);
        expect(Math.abs(slope), `settings ${index} have an effect`).to.be.greaterThan(1e-2);
      });
    });
  }).timeout(60_000);

  it('a small epsilonRoot gives a derivative where a gradient is zero', () => {
    tf.tidy(() => {
      const step = (epsilonRoot: number) => (g: tf.Tensor) => {
        const optimizer = optimizers.adam({learningRate: 0.1, epsilonRoot});
        const w = tf.scalar(1);
        return optimizer.update<tf.Tensor>(g, optimizer.init(w), w)[0];
      };
      expect(grad(step(0))(tf.scalar(0)).dataSync()[0]).to.be.NaN;
      expect(grad(step(1e-8))(tf.scalar(0)).dataSync()[0]).to.be.closeTo(-1e3, 1e1);
    });
  });

  it('leaves nothing behind over hundreds of steps', () => {
    const optimizer = optimizers.adam({learningRate: 0.01});
    let params = start();
    let state = optimizer.init(params);
    const before = tf.memory().numTensors;
    for (let step = 0; step < 200; step++) {
      const grads = grad(loss)(params);
      const [newParams, newState] = optimizer.update(grads, state, params);
      tf.dispose([grads, state, params] as never);
      [params, state] = [newParams, newState];
      expect(tf.memory().numTensors).to.equal(before);
    }
    tf.dispose([params, state] as never);
  });

  const refusals: [name: string, code: string, message: string, call: () => unknown][] = [
    [
      'gradients of another structure',
      'tree-mismatch',
      "optimizers.sgd: the gradients don't fit the params: expected an object with keys {w}, but got an object with keys {v}.",
      () =>
        optimizers.sgd({learningRate: 1}).update({v: tf.scalar(1)} as never, {}, {w: tf.scalar(1)}),
    ],
    [
      'gradients of another shape',
      'tree-mismatch',
      'optimizers.sgd: gradients.w is float32 [2], but its parameter is float32 [].',
      () =>
        optimizers
          .sgd({learningRate: 1})
          .update({w: tf.zeros([2]) as tf.Tensor}, {}, {w: tf.scalar(1) as tf.Tensor}),
    ],
    [
      'a state without its parts',
      'tree-mismatch',
      "optimizers.adam: the state.firstMoment don't fit the params",
      () => optimizers.adam().update({w: tf.scalar(1)}, {} as never, {w: tf.scalar(1)}),
    ],
    [
      'a state of several models',
      'tree-mismatch',
      'optimizers.adam: state.beta1Power is float32 [2], but must be a scalar tensor',
      () => {
        const w = tf.scalar(1);
        const state = {...optimizers.adam().init(w), beta1Power: tf.zeros([2])};
        return optimizers.adam().update(w, state, w);
      },
    ],
    [
      'parameters that are not float',
      'non-float-input',
      'optimizers.sgd: params.w is int32 [], but only float32 tensors can be trained.',
      () => optimizers.sgd({learningRate: 1}).init({w: tf.scalar(1, 'int32')}),
    ],
  ];
  for (const [name, code, message, call] of refusals) {
    it(`refuses ${name}`, () => {
      tf.tidy(() => {
        const error = caught(call);
        expect(error.message).to.include(message);
        expect(error.code).to.equal(code);
      });
    });
  }
});

function caught(call: () => unknown): TransformError {
  try {
    call();
  } catch (error) {
    if (error instanceof TransformError) return error;
    throw error;
  }
  throw new Error('the call should have thrown');
}
