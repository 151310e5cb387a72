import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {grad, gradAndValue, jacfwd, jacrev, jvp, vjp, vmap} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {expectSame, expectValues} from './values.js';

/** Runs a test in a tidy scope: what it makes and forgets is no leak of the library's, which other tests look for. */
const tidily = (body: () => void) => (): void => {
  tf.tidy(body);
};

/** `x³` with a gradient of its own that is not its derivative, so that one sees whether it is honoured. */
const cubeWith = (
  gradient: (dy: tf.Tensor, x: tf.Tensor) => tf.Tensor,
): ((x: tf.Tensor) => tf.Tensor) =>
  tf.customGrad((x: tf.Tensor | tf.GradSaveFunc, save?: tf.Tensor | tf.GradSaveFunc) => {
    (save as tf.GradSaveFunc)([x as tf.Tensor]);
    return {
      value: tf.pow(x as tf.Tensor, 3),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => gradient(dy, saved[0]!),
    };
  }) as (x: tf.Tensor) => tf.Tensor;

describeBackends('tfjs inside of transforms', () => {
  it('tf.tidy frees intermediate tensors while the function runs', () => {
    const x = tf.tensor1d([1, 2, 3]);
    let growth = 0;
    const y = vmap((a: tf.Tensor) => {
      const before = tf.memory().numTensors;
      const b = tf.tidy(() => a.sin().cos().exp().mul(2));
      growth = tf.memory().numTensors - before;
      return b;
    })(x);
    // A tracer and its payload.
    expect(growth).to.equal(2);
    expectSame(
      y,
      tf.tidy(() => x.sin().cos().exp().mul(2)),
    );
    x.dispose();
  });

  it('tf.keep keeps a tensor beyond a tidy scope of the function, but not beyond the transform', () => {
    const x = tf.tensor1d([1, 2, 3]);
    const f = (a: tf.Tensor): tf.Tensor => {
      let kept: tf.Tensor;
      tf.tidy(() => {
        kept = tf.keep(a.square());
      });
      return kept!.sum();
    };
    expectValues(vmap(f)(x), [1, 4, 9]);
    expectValues(grad(f)(x), [2, 4, 6]);
    x.dispose();
  });

  it(
    'tf.grad and tf.grads',
    tidily(() => {
      const x = tf.tensor1d([0.5, 1, 2]);
      const f = (a: tf.Tensor): tf.Tensor => a.mul(a.exp());
      const df = (v: number): number => (1 + v) * Math.exp(v);
      const d2f = (v: number): number => (2 + v) * Math.exp(v);
      const d3f = (v: number): number => (3 + v) * Math.exp(v);
      const at = [0.5, 1, 2];
      expectValues(vmap(tf.grad(f))(x), at.map(df));
      // Stock tfjs alone gives a wrong second derivative here.
      expectValues(grad((a: tf.Tensor) => tf.grad(f)(a).sum())(x), at.map(d2f));
      expectValues(jvp(tf.grad(f) as typeof f, [x], [tf.onesLike(x)])[1], at.map(d2f));
      expectValues(vmap(grad((a: tf.Tensor) => tf.grad(tf.grad(f))(a).sum()))(x), at.map(d3f));
      expectValues(tf.grad((a) => grad((b: tf.Tensor) => f(b).sum())(a))(x), at.map(d2f));
      const [da, db] = vmap((a: tf.Tensor) =>
        tf.grads((b, c) => b.mul(c.square()))([a, a.clone()]),
      )(x);
      expectValues(
        da!,
        at.map((v) => v ** 2),
      );
      expectValues(
        db!,
        at.map((v) => 2 * v ** 2),
      );
    }),
  );

  it(
    'tf.grad with a dy, and of a function of an outer value',
    tidily(() => {
      const x = tf.tensor1d([1, 2]);
      expectValues(
        vmap((a: tf.Tensor, dy: tf.Tensor) => tf.grad((b) => b.square())(a, dy))(x, x),
        [2, 8],
      );
      expectValues(
        grad((a: tf.Tensor) => tf.grad((b) => b.square().mul(a.square()))(tf.scalar(3)))(
          tf.scalar(5),
        ),
        60,
      );
    }),
  );

  it(
    'tf.valueAndGrads',
    tidily(() => {
      const x = tf.tensor1d([1, 2, 3]);
      const out = vmap((a: tf.Tensor) => {
        const {value, grads} = tf.valueAndGrads((b, c) => b.mul(c).sin())([a, a]);
        return [value, ...grads];
      })(x);
      expectValues(
        out[0]!,
        [1, 2, 3].map((v) => Math.sin(v * v)),
      );
      // The same tensor twice: as in tfjs, both gradients are the total.
      expectValues(
        out[1]!,
        [1, 2, 3].map((v) => 2 * v * Math.cos(v * v)),
      );
      expectValues(
        out[2]!,
        [1, 2, 3].map((v) => 2 * v * Math.cos(v * v)),
      );
    }),
  );

  it('tf.variableGrads gives per-example gradients of variables', () => {
    tf.tidy(() => {
      const v = tf.variable(tf.tensor1d([1, 2]), true, 'interop-v');
      const unused = tf.variable(tf.scalar(1), true, 'interop-unused');
      const x = tf.tensor2d([
        [1, 2],
        [3, 4],
        [5, 6],
      ]);
      const loss = (a: tf.Tensor): tf.Scalar => v.mul(a).sum().square() as tf.Scalar;
      const perExample = vmap(
        (a: tf.Tensor) => tf.variableGrads(() => loss(a), [v]).grads[v.name]!,
      )(x);
      expectValues(perExample, [
        [10, 20],
        [66, 88],
        [170, 204],
      ]);
      // The variables are what they were, and work outside.
      expectValues(v.clone(), [1, 2]);
      const outer = grad((a: tf.Tensor) => tf.variableGrads(() => loss(a)).grads[v.name]!.sum())(
        x.slice(0, 1).reshape([2]),
      );
      expectValues(outer, [2 * 3 * 1 + 2 * 5, 2 * 3 * 2 + 2 * 5]);
      v.dispose();
      unused.dispose();
    });
  });

  it(
    'tf.customGrad is honoured in both modes and under vmap',
    tidily(() => {
      const seven = cubeWith((dy, x) => dy.mul(x).mul(7));
      const x = tf.tensor1d([1, 2, 3]);
      const sum = (a: tf.Tensor): tf.Tensor => seven(a).sum();
      expectValues(grad(sum)(x), [7, 14, 21]);
      expectValues(jvp(seven, [x], [tf.tensor1d([1, 10, 100])])[1], [7, 140, 2100]);
      expectValues(vmap(seven)(x), [1, 8, 27]);
      expectValues(vmap(grad(seven))(x), [7, 14, 21]);
      expectValues(grad((a: tf.Tensor) => vmap(seven)(a).sum())(x), [7, 14, 21]);
      expectValues(jacfwd(vmap(seven))(x), [
        [7, 0, 0],
        [0, 14, 0],
        [0, 0, 21],
      ]);
      expectValues(jacrev(vmap(seven))(x), [
        [7, 0, 0],
        [0, 14, 0],
        [0, 0, 21],
      ]);
      expectValues(tf.grad((a) => vmap(seven)(a))(x), [7, 14, 21]);
      // The gradient of the gradient is that of the function given: 7x.
      expectValues(grad((a: tf.Tensor) => grad(sum)(a).sum())(x), [7, 7, 7]);
      expectValues(jvp(grad(sum), [x], [tf.onesLike(x)])[1], [7, 7, 7]);
      expectValues(vmap(grad(grad(seven)))(x), [7, 7, 7]);
    }),
  );

  it(
    'tf.customGrad of several inputs, some of them shared by all examples',
    tidily(() => {
      const f = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
        const [a, b, save] = args as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
        save([a, b, a.mul(b)]);
        return {
          value: a.mul(b).sum(),
          gradFunc: (dy: tf.Tensor, [c, d, cd]: tf.Tensor[]) => [
            dy.mul(d!).mul(10),
            dy.mul(cd!).mul(100).add(c!.mul(0)),
          ],
        };
      });
      const [a, b] = [
        tf.tensor2d([
          [1, 2],
          [3, 4],
        ]),
        tf.tensor1d([5, 6]),
      ];
      const loss = (p: tf.Tensor, q: tf.Tensor): tf.Tensor => f(p, q);
      expectValues(vmap(loss, {inDims: [0, null]})(a, b), [17, 39]);
      const [ga, gb] = vmap(grad(loss, {argnums: [0, 1]}), {inDims: [0, null]})(a, b);
      expectValues(ga, [
        [50, 60],
        [50, 60],
      ]);
      expectValues(gb, [
        [500, 1200],
        [1500, 2400],
      ]);
      const total = (p: tf.Tensor, q: tf.Tensor): tf.Tensor =>
        vmap(loss, {inDims: [0, null]})(p, q).sum();
      expectValues(grad(total, {argnums: 1})(a, b), [2000, 3600]);
    }),
  );

  it(
    'tf.customGrad whose function keeps its inputs in a closure, or hands them back',
    tidily(() => {
      const x = tf.tensor1d([1, 2]);
      const closing = tf.customGrad((a) => ({
        value: (a as tf.Tensor).square(),
        gradFunc: (dy: tf.Tensor) => dy.mul(a as tf.Tensor).mul(11),
      })) as (a: tf.Tensor) => tf.Tensor;
      const reversing = tf.customGrad((a) => ({
        value: a as tf.Tensor,
        gradFunc: (dy: tf.Tensor) => dy.neg(),
      })) as (a: tf.Tensor) => tf.Tensor;
      for (const wrap of [
        (f: (a: tf.Tensor) => tf.Tensor) => f,
        (f: (a: tf.Tensor) => tf.Tensor) => vmap(f),
      ]) {
        expectValues(
          grad((a: tf.Tensor) => tf.tidy(() => wrap(closing)(a.mul(1)).sum()))(x),
          [11, 22],
        );
        expectValues(jvp(wrap(closing), [x], [x])[1], [11, 44]);
        expectValues(grad((a: tf.Tensor) => wrap(reversing)(a.mul(3)).sum())(x), [-3, -3]);
        expectValues(jvp(wrap(reversing), [x], [x])[1], [-1, -2]);
        expectValues(wrap(reversing)(x).clone(), [1, 2]);
      }
    }),
  );

  it(
    'tf.customGrad that saves a tensor of a tidy scope of its own',
    tidily(() => {
      const x = tf.tensor1d([1, 2]);
      const f = tf.customGrad((a, save) => {
        const value = tf.tidy(() => {
          const e = tf.exp(a as tf.Tensor);
          (save as tf.GradSaveFunc)([e]);
          return e.mul(a as tf.Tensor);
        });
        return {value, gradFunc: (dy: tf.Tensor, [e]: tf.Tensor[]) => dy.mul(e!).mul(2)};
      }) as (a: tf.Tensor) => tf.Tensor;
      const expected = [2 * Math.E, 2 * Math.exp(2)];
      expectValues(grad((a: tf.Tensor) => f(a).sum())(x), expected);
      expectValues(vmap(grad(f))(x), expected);
      expectValues(jvp(f, [x], [tf.onesLike(x)])[1], expected);
    }),
  );

  it(
    'tf.customGrad that hands back an input, which it also saves',
    tidily(() => {
      // The gradient is x², whose own derivative is an ordinary one.
      const f = tf.customGrad((a, save) => {
        (save as tf.GradSaveFunc)([a as tf.Tensor]);
        return {
          value: a as tf.Tensor,
          gradFunc: (dy: tf.Tensor, [x]: tf.Tensor[]) => dy.mul(x!.square()),
        };
      }) as (a: tf.Tensor) => tf.Tensor;
      const x = tf.scalar(3);
      expectValues(grad(f)(x), 9);
      expectValues(grad(grad(f))(x), 6);
      expectValues(jvp(grad(f), [x], [tf.scalar(1)])[1], 6);
      expectValues(vmap(grad(grad(f)))(tf.tensor1d([1, 3])), [2, 6]);
    }),
  );

  it(
    'tf.grad of a function that is constant in pieces gives zeros',
    tidily(() => {
      const x = tf.tensor1d([0.5, 1.5]);
      expectValues(vmap((a: tf.Tensor) => tf.grad((b) => b.ceil())(a))(x), [0, 0]);
      const independent = vmap((a: tf.Tensor) => tf.grad(() => tf.scalar(1))(a));
      expect(() => independent(x)).to.throw('Cannot compute gradient of y=f(x)');
    }),
  );

  it('tf.keep in tf.grad and tf.variableGrads leaves the tensor to its owner', () => {
    const x = tf.tensor1d([1, 2]);
    const shared = tf.scalar(3);
    const v = tf.tidy(() => tf.variable(tf.scalar(5)));
    const keeping = (a: tf.Tensor): tf.Tensor[] => [
      tf.grad((b) => tf.keep(b).square().mul(a))(shared),
      tf.variableGrads(() => tf.keep(v).square().mul(a) as tf.Scalar, [v]).grads[v.name]!,
    ];
    const [ofShared, ofVariable] = vmap(keeping)(x);
    expectValues(ofShared!, [6, 12]);
    expectValues(ofVariable!, [10, 20]);
    expectValues(shared.clone(), 3);
    expectValues(v.clone(), 5);
    tf.dispose([x, shared, v]);
  });

  it('a function given to tf.grad may dispose its argument', () => {
    const x = tf.tensor1d([1, 2]);
    const disposing = (a: tf.Tensor) => (b: tf.Tensor) => {
      const y = b.pow(3).mul(a);
      b.dispose();
      return y;
    };
    const [first, second] = [tf.scalar(3), tf.scalar(3)];
    expectValues(vmap((a: tf.Tensor) => tf.grad(disposing(a))(first))(x), [27, 54]);
    expectValues(vmap((a: tf.Tensor) => tf.grad(tf.grad(disposing(a)))(second))(x), [18, 36]);
    expect([first.isDisposed, second.isDisposed]).to.deep.equal([true, true]);
    expect(second).to.not.have.own.property('dispose');
    x.dispose();
  });

  it('tf.variableGrads of the variable itself', () => {
    const x = tf.tensor1d([1, 2]);
    const v = tf.tidy(() => tf.variable(tf.scalar(5)));
    const result = vmap((a: tf.Tensor) => {
      const {value, grads} = tf.variableGrads(() => v as unknown as tf.Scalar, [v]);
      return [value.mul(a), grads[v.name]!.mul(a)];
    })(x);
    expectValues(result[0]!, [5, 10]);
    expectValues(result[1]!, [1, 2]);
    tf.dispose([x, v]);
  });

  it(
    'the fused ops, whatever their activation',
    tidily(() => {
      const [x, w, b] = [
        tf.randomNormal([3, 4], 0, 1, 'float32', 1),
        tf.randomNormal([4, 5], 0, 1, 'float32', 2),
        tf.randomNormal([5], 0, 1, 'float32', 3),
      ];
      for (const activation of [
        'linear',
        'relu',
        'elu',
        'relu6',
        'sigmoid',
        'leakyrelu',
      ] as const) {
        const fused = (a: tf.Tensor): tf.Tensor =>
          tf.fused
            .matMul({
              a: a.as2D(-1, 4),
              b: w as tf.Tensor2D,
              bias: b,
              activation,
              leakyreluAlpha: 0.3,
            })
            .square()
            .sum();
        const apply = {
          linear: (y: tf.Tensor) => y,
          relu: tf.relu,
          elu: tf.elu,
          relu6: tf.relu6,
          sigmoid: tf.sigmoid,
          leakyrelu: (y: tf.Tensor) => tf.leakyRelu(y, 0.3),
        }[activation] as (y: tf.Tensor) => tf.Tensor;
        const plain = (a: tf.Tensor): tf.Tensor =>
          apply(a.as2D(-1, 4).matMul(w).add(b)).square().sum();
        expectSame(grad(fused)(x), grad(plain)(x));
        expectSame(vmap(grad(fused))(x), vmap(grad(plain))(x));
        expectSame(vmap(fused)(x), vmap(plain)(x));
        expectSame(jvp(fused, [x], [x])[1], jvp(plain, [x], [x])[1]);
      }
    }),
  );

  for (const [name, make] of Object.entries({
    sgd: () => tf.train.sgd(0.1),
    momentum: () => tf.train.momentum(0.1, 0.9),
    adagrad: () => tf.train.adagrad(0.1),
    adam: () => tf.train.adam(0.1),
    adamax: () => tf.train.adamax(0.1),
    rmsprop: () => tf.train.rmsprop(0.1),
    adadelta: () => tf.train.adadelta(0.1),
  })) {
    it(`optimizer ${name} takes the same steps inside of a transformed function as outside`, () => {
      const train = (optimizer: tf.Optimizer): number => {
        const v = tf.tidy(() => tf.variable(tf.scalar(2)));
        for (let step = 0; step < 3; step++) optimizer.minimize(() => v.square() as tf.Scalar);
        const [value] = v.dataSync();
        v.dispose();
        optimizer.dispose();
        // tfjs's momentum optimizer forgets this one.
        tf.dispose((optimizer as unknown as {c?: tf.Tensor}).c ?? []);
        return value!;
      };
      const outside = train(make());
      let inside = 0;
      const x = tf.scalar(3);
      expectValues(
        grad((a: tf.Tensor) => {
          inside = train(make());
          return a.square();
        })(x),
        6,
      );
      expect(inside).to.equal(outside).and.not.equal(2);
      x.dispose();
    });
  }

  it('a value may be read in grad and jvp, where it has one', () => {
    const x = tf.scalar(3);
    const f = (a: tf.Tensor): tf.Tensor => (a.dataSync()[0]! > 0 ? a.square() : a.neg());
    expectValues(grad(f)(x), 6);
    expectValues(grad(grad(f))(x), 2);
    const [y, dy] = jvp(f, [x], [x]);
    expectValues(y, 9);
    expectValues(dy, 18);
    x.dispose();
  });
});

describeBackends('transforms inside of tfjs', () => {
  it('tf.tidy owns the results and what a pullback keeps', () => {
    const x = tf.tensor1d([1, 2]);
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      grad((a: tf.Tensor) => a.square().sum())(x);
      vjp((a: tf.Tensor) => a.exp(), [x]);
      expect(tf.memory().numTensors).to.be.greaterThan(before);
    });
    expect(tf.memory().numTensors).to.equal(before);
    x.dispose();
  });

  it('tf.grad through vmap, jvp, vjp and grad', () => {
    tf.tidy(() => {
      const x = tf.tensor1d([0.5, 1.5]);
      const values = [0.5, 1.5];
      expectValues(tf.grad((a) => vmap((b: tf.Tensor) => b.sin())(a))(x), values.map(Math.cos));
      expectValues(
        tf.grad((a) => jvp((b: tf.Tensor) => b.sin(), [a], [tf.onesLike(a)])[1])(x),
        values.map((v) => -Math.sin(v)),
      );
      expectValues(
        tf.grad((a) => vjp((b: tf.Tensor) => b.tanh(), [a])[1](tf.onesLike(a))[0])(x),
        values.map((v) => -2 * Math.tanh(v) * (1 - Math.tanh(v) ** 2)),
      );
      expectValues(
        tf.grad((a) => vmap(grad((b: tf.Tensor) => b.exp()))(a))(x),
        values.map(Math.exp),
      );
    });
  });

  it(
    'stock tf.grad gains the gradients that it lacks or has wrong',
    tidily(() => {
      const x = tf.tensor2d([
        [3, 1, 2],
        [4, 6, 5],
      ]);
      expectValues(tf.grad((a) => tf.topk(a, 2).values.square())(x), [
        [6, 0, 4],
        [0, 12, 10],
      ]);
      expectValues(tf.grad((a) => tf.unstack(a.slice(0, 1))[0]!.square())(x), [
        [6, 2, 4],
        [0, 0, 0],
      ]);
      expectValues(tf.grad((a) => a.cumsum(0).square())(x), [
        [20, 16, 18],
        [14, 14, 14],
      ]);
      expectValues(tf.grad((a) => tf.einsum('ij,kj->ik', a, a))(x), [
        [14, 14, 14],
        [14, 14, 14],
      ]);
      expectValues(
        tf.grad((a) =>
          tf.mirrorPad(
            a,
            [
              [0, 0],
              [1, 0],
            ],
            'reflect',
          ),
        )(x),
        [
          [1, 2, 1],
          [1, 2, 1],
        ],
      );
      // Where both are equal `a` takes all, as in tfjs.
      const [da, db] = tf.grads((a, b) => tf.maximum(a, b))([x, tf.tensor1d([3, 3, 3])]);
      expectValues(da!, [
        [1, 0, 0],
        [1, 1, 1],
      ]);
      expectValues(db!, [0, 1, 1]);
      const filter = tf.ones([2, 2, 1, 1]);
      const image = x.reshape([1, 2, 3, 1]) as tf.Tensor4D;
      expectValues(
        tf
          .grad((w) => tf.conv2d(image, w as tf.Tensor4D, 1, 'valid'))(filter)
          .reshape([2, 2]),
        [
          [4, 3],
          [10, 11],
        ],
      );
    }),
  );

  it(
    'stock tf.grad passes masks and indices made of its input',
    tidily(() => {
      const x = tf.tensor1d([1, 2]);
      expectValues(tf.grad((a) => tf.where(a.greater(1.5), a.square(), a))(x), [1, 4]);
      expectValues(tf.grad((a) => a.mul(a.less(3).any().toFloat()))(x), [1, 1]);
      expectValues(tf.grad((a) => a.mul(a.argMax().toFloat()))(x), [1, 1]);
      expectValues(tf.grad((a) => tf.gather(a, a.argMax().reshape([1])).square())(x), [0, 4]);
      expectValues(tf.grad((a) => tf.gather(a, tf.topk(a, 1).indices).square())(x), [0, 4]);
      // Reverse rules have such masks and indices.
      expectValues(tf.grad((a) => grad((b: tf.Tensor) => b.max().mul(b.min()))(a))(x), [1, 1]);
      expectValues(
        tf.grad((a) => vjp((b: tf.Tensor) => b.pow(3), [a])[1](a)[0])(x),
        [1, 2].map((v) => 9 * v ** 2),
      );
    }),
  );

  it('optimizer.minimize trains through vmap', () => {
    const v = tf.tidy(() => tf.variable(tf.scalar(0)));
    const x = tf.tensor1d([1, 2, 3]);
    const optimizer = tf.train.sgd(0.05);
    for (let step = 0; step < 60; step++) {
      optimizer.minimize(() => vmap((a: tf.Tensor) => a.mul(v).sub(a.mul(4)).square())(x).mean());
    }
    expect(v.dataSync()[0]).to.be.closeTo(4, 1e-3);
    tf.dispose([v, x]);
    optimizer.dispose();
  });

  it('optimizer.minimize trains through gradients (a penalty on them)', () => {
    const v = tf.tidy(() => tf.variable(tf.scalar(3)));
    const x = tf.tensor1d([0.5, 1]);
    const optimizer = tf.train.sgd(0.1);
    // d/dx of v·x² is 2vx; the loss is the mean of its square, 4v²·mean(x²).
    const loss = (): tf.Scalar =>
      vmap(grad((a: tf.Tensor) => a.square().mul(v)))(x)
        .square()
        .mean();
    const {value, grads} = tf.variableGrads(loss, [v]);
    expect(value.dataSync()[0]).to.be.closeTo(4 * 9 * 0.625, 1e-4);
    expect(grads[v.name]!.dataSync()[0]).to.be.closeTo(8 * 3 * 0.625, 1e-4);
    optimizer.minimize(loss);
    expect(v.dataSync()[0]).to.be.closeTo(3 - 0.1 * 15, 1e-4);
    tf.dispose([v, x, value, grads]);
    optimizer.dispose();
  });

  it('a tf.layers model is differentiated with respect to its input', () => {
    tf.tidy(() => {
      const model = tf.sequential({
        layers: [
          tf.layers.dense({
            units: 4,
            activation: 'tanh',
            inputShape: [3],
            kernelInitializer: tf.initializers.randomNormal({seed: 1}),
          }),
          tf.layers.dense({units: 1, kernelInitializer: tf.initializers.randomNormal({seed: 2})}),
        ],
      });
      const x = tf.tensor2d([
        [1, 2, 3],
        [-1, 0, 1],
      ]);
      const predict = (a: tf.Tensor): tf.Tensor =>
        (model.apply(a.reshape([1, 3])) as tf.Tensor).reshape([]);
      expectSame(vmap(predict)(x), (model.apply(x) as tf.Tensor).reshape([2]));
      expectSame(vmap(grad(predict))(x), tf.grad((a) => (model.apply(a) as tf.Tensor).sum())(x));
      const [gradient, value] = gradAndValue(predict)(x.slice(0, 1).reshape([3]));
      expect(value.shape).to.deep.equal([]);
      expect(gradient.shape).to.deep.equal([3]);
      model.dispose();
    });
  });
});
