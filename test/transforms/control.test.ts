import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {
  checkpoint,
  customJvp,
  customVjp,
  grad,
  hessian,
  hvp,
  jacfwd,
  jacrev,
  jvp,
  linearize,
  linearTranspose,
  stopGradient,
  TransformError,
  vhp,
  vjp,
  vmap,
} from '../../src/index.js';
import {describeBackends} from '../backends.js';

type Scalar = tf.Scalar;
type F = (x: tf.Tensor) => tf.Tensor;

/** Runs a test's body and disposes of all that it made. */
const tidied =
  (body: () => void): (() => void) =>
  () =>
    void tf.tidy(() => {
      body();
    });

function expectClose(actual: tf.Tensor, expected: tf.Tensor | number[] | number, tolerance = 2e-5) {
  const wanted = expected instanceof tf.Tensor ? expected : tf.tensor(expected as number[]);
  expect(actual.shape).to.deep.equal(wanted.shape);
  const [a, e] = [actual.dataSync(), wanted.dataSync()];
  expect(e.length).to.be.greaterThan(0);
  e.forEach((value, i) =>
    expect(a[i]).to.be.closeTo(value, tolerance * Math.max(1, Math.abs(value))),
  );
}

function expectError(code: string, message: RegExp, call: () => unknown): void {
  const before = tf.memory().numTensors;
  expect(call).to.throw(TransformError, message).with.property('code', code);
  expect(tf.memory().numTensors).to.equal(before);
}

const sum = (x: tf.Tensor): Scalar => tf.sum(x);
const vector = (...values: number[]): tf.Tensor => tf.tensor1d(values);

describeBackends('stopGradient', () => {
  const f: F = (x) => sum(tf.mul(tf.exp(stopGradient(x)), x));

  it(
    'makes a constant of a value, in both modes and to any order',
    tidied(() => {
      const x = vector(0.5, -1);
      const e = tf.exp(x);
      expectClose(grad(f)(x), e);
      expectClose(jvp(f, [x], [vector(1, 10)])[1], sum(tf.mul(e, vector(1, 10))));
      expectClose(hessian(f)(x), [
        [0, 0],
        [0, 0],
      ] as never);
      expectClose(grad((y: tf.Tensor) => sum(grad(f)(y)))(x), [0, 0]);
    }),
  );

  it(
    'maps, and stops gradients that pass through vmap',
    tidied(() => {
      const x = tf.tensor2d([
        [0.5, -1],
        [2, 0],
      ]);
      expectClose(vmap(grad(f))(x), tf.exp(x));
      expectClose(grad((y: tf.Tensor) => sum(vmap(f)(y)))(x), tf.exp(x));
      expectClose(vmap((y: tf.Tensor) => stopGradient(y))(x), x);
    }),
  );

  it(
    "stops gradients on tfjs's own tape",
    tidied(() => {
      const x = vector(0.5, -1);
      expectClose(tf.grad(f)(x), tf.exp(x));
    }),
  );

  it(
    'takes trees, and gives new tensors',
    tidied(() => {
      const x = vector(1);
      const stopped = stopGradient({a: x, b: [x, 'text']} as const);
      expect(stopped.a).to.not.equal(x);
      expect(stopped.b[1]).to.equal('text');
      expectClose(stopped.b[0], [1]);
    }),
  );
});

describeBackends('customVjp', () => {
  const calls: string[] = [];
  /** x·y, whose gradient is wrong on purpose: 2·y and 3·x. */
  const product = customVjp(
    (x: tf.Tensor, y: tf.Tensor) => {
      calls.push('plain');
      return tf.mul(x, y);
    },
    (x: tf.Tensor, y: tf.Tensor) => {
      calls.push('forward');
      return [tf.mul(x, y), {x: tf.clone(x), y: tf.clone(y), three: 3}] as const;
    },
    ({x, y, three}, dy: tf.Tensor) => {
      calls.push('backward');
      return [tf.mul(dy, tf.mul(2, y)), tf.mul(dy, tf.mul(three, x))];
    },
  );
  const total = (x: tf.Tensor, y: tf.Tensor) => sum(product(x, y));
  beforeEach(() => calls.splice(0));

  it(
    'runs the function itself where nothing is differentiated',
    tidied(() => {
      const x = vector(2, 3);
      expectClose(product(x, x), [4, 9]);
      expectClose(vmap((a: tf.Tensor) => product(a, a))(x), [4, 9]);
      expect(calls).to.deep.equal(['plain', 'plain']);
    }),
  );

  it(
    'gives its own gradient',
    tidied(() => {
      const [x, y] = [vector(2, 3), vector(5, 7)];
      const [dx, dy] = grad(total, {argnums: [0, 1]})(x, y);
      expectClose(dx, [10, 14]);
      expectClose(dy, [6, 9]);
      expect(calls).to.deep.equal(['forward', 'backward']);
      expectClose(tf.grads(total as never)([x, y])[1]!, [6, 9]);
    }),
  );

  it(
    'gives the transpose of its reverse rule in forward mode',
    tidied(() => {
      const [x, y] = [vector(2, 3), vector(5, 7)];
      expectClose(jacfwd(product)(x, y), jacrev(product)(x, y));
      expectClose(jvp(product, [x, y], [tf.ones([2]), tf.ones([2])])[1], [16, 23]);
    }),
  );

  it(
    'has second derivatives: those of its rule',
    tidied(() => {
      // The gradient in x is 2y·c, and that of it in y is 2; in x nothing.
      const [x, y] = [tf.scalar(2), tf.scalar(5)];
      expectClose(grad((b: tf.Tensor) => grad(total)(x, b))(y), 2);
      expectClose(grad((a: tf.Tensor) => grad(total)(a, y))(x), 0);
    }),
  );

  it(
    'maps, inside and outside of gradients',
    tidied(() => {
      const [x, y] = [
        tf.tensor2d([
          [2, 3],
          [1, -1],
        ]),
        vector(5, 7),
      ];
      const mapped = vmap(grad(total, {argnums: [0, 1]}), {inDims: [0, null]})(x, y);
      expectClose(mapped[0], [
        [10, 14],
        [10, 14],
      ] as never);
      expectClose(mapped[1], [
        [6, 9],
        [3, -3],
      ] as never);
      const outside = grad(
        (a: tf.Tensor, b: tf.Tensor) => sum(vmap(product, {inDims: [0, null]})(a, b)),
        {
          argnums: [0, 1],
        },
      )(x, y);
      expectClose(outside[0], [
        [10, 14],
        [10, 14],
      ] as never);
      expectClose(outside[1], [9, 6]);
    }),
  );

  it(
    'takes and gives trees, with null for what no cotangent passes to',
    tidied(() => {
      const f = customVjp(
        ({a, i}: {a: tf.Tensor; i: tf.Tensor}, scale: number) => ({
          scaled: tf.mul(a, scale),
          index: tf.add(i, tf.scalar(1, 'int32')),
        }),
        ({a, i}: {a: tf.Tensor; i: tf.Tensor}, scale: number) =>
          [{scaled: tf.mul(a, scale), index: tf.add(i, tf.scalar(1, 'int32'))}, scale] as const,
        (scale, {scaled}) => [{a: tf.mul(scaled, 10 * scale), i: null as never}, null as never],
      );
      const i = tf.tensor1d([1, 2], 'int32');
      const g = grad((a: tf.Tensor) => {
        const {scaled, index} = f({a, i}, 3);
        return sum(tf.mul(scaled, tf.cast(index, 'float32')));
      })(vector(1, 1));
      expectClose(g, [60, 90]);
    }),
  );

  it(
    'refuses a traced tensor that is not an argument',
    tidied(() => {
      const x = vector(1, 2);
      expectError(
        'closed-over-tracer',
        /given to customVjp uses a tensor traced by grad .* Pass the tensor as an argument/,
        () =>
          grad((y: tf.Tensor) => {
            const f = customVjp(
              (a: tf.Tensor) => tf.mul(a, y),
              (a: tf.Tensor) => [tf.mul(a, y), null] as const,
              (_, dy: tf.Tensor) => [dy],
            );
            return sum(f(tf.mul(y, 2)));
          })(x),
      );
    }),
  );

  it(
    'refuses an answer that does not fit',
    tidied(() => {
      const x = vector(1, 2);
      const rule = (answer: unknown) =>
        customVjp(
          (a: tf.Tensor) => tf.clone(a),
          (a: tf.Tensor) => [tf.clone(a), null] as const,
          () => answer as never,
        );
      const wrong = tf.ones([3]);
      const cases: [unknown, RegExp][] = [
        [[wrong], /gave float32 \[3\] for argument 0, whose shape is \[2\]/],
        [wrong, /must return an array with an entry for each of the 1 arguments/],
        [[{a: x}], /gave something else than argument 0: expected float32 \[2\]/],
      ];
      for (const [answer, message] of cases) {
        expectError('tree-mismatch', message, () =>
          grad((a: tf.Tensor) => sum(rule(answer)(a)))(x),
        );
      }
      expectError('non-tensor-output', /must return \[output, residuals\]/, () =>
        grad((a: tf.Tensor) =>
          sum(
            customVjp(
              (b: tf.Tensor) => b,
              ((b: tf.Tensor) => b) as never,
              () => [null as never],
            )(a),
          ),
        )(x),
      );
    }),
  );
});

describeBackends('customJvp', () => {
  const softplus = customJvp(
    (x: tf.Tensor) => tf.log(tf.add(1, tf.exp(x))),
    ([x], [t]) => [tf.log(tf.add(1, tf.exp(x))), tf.mul(t, tf.sigmoid(x))],
  );
  const power = customJvp(
    (x: tf.Tensor, options: {n: number}, y: tf.Tensor) => ({
      p: tf.pow(x, options.n),
      q: tf.mul(x, y),
    }),
    ([x, {n}, y], [dx, , dy]) => [
      {p: tf.pow(x, n), q: tf.mul(x, y)},
      {p: tf.mul(dx, tf.mul(n, tf.pow(x, n - 1))), q: tf.add(tf.mul(dx, y), tf.mul(x, dy))},
    ],
  );

  it(
    'gives its own derivative in forward and in reverse mode, to any order',
    tidied(() => {
      const x = vector(100, -1, 0.5);
      const slope = tf.sigmoid(x);
      expectClose(jvp(softplus, [x], [tf.ones([3])])[1], slope);
      expectClose(grad((y: tf.Tensor) => sum(softplus(y)))(x), slope);
      expectClose(tf.grad((y) => sum(softplus(y)))(x), slope);
      const curvature = tf.mul(slope, tf.sub(1, slope));
      expectClose(
        grad((z: tf.Tensor) => sum(grad((y: tf.Tensor) => sum(softplus(y)))(z)))(x),
        curvature,
      );
      expectClose(hessian((y: tf.Tensor) => sum(softplus(y)))(x), tf.diag(curvature));
    }),
  );

  it(
    'takes and gives trees',
    tidied(() => {
      const [x, y] = [vector(2, 3), vector(5, 7)];
      const total = (a: tf.Tensor, b: tf.Tensor) => {
        const {p, q} = power(a, {n: 3}, b);
        return sum(tf.add(p, q));
      };
      const [dx, dy] = grad(total, {argnums: [0, 1]})(x, y);
      expectClose(dx, [12 + 5, 27 + 7]);
      expectClose(dy, [2, 3]);
      expectClose(hessian(total)(x, y), [
        [12, 0],
        [0, 18],
      ] as never);
    }),
  );

  it(
    'maps, inside and outside of derivatives',
    tidied(() => {
      const x: tf.Tensor = tf.tensor2d([
        [3, -1],
        [0, 2],
      ]);
      const total: F = (y) => sum(softplus(y));
      expectClose(vmap(softplus)(x), tf.softplus(x));
      expectClose(vmap(grad(total))(x), tf.sigmoid(x));
      expectClose(grad((y: tf.Tensor) => sum(vmap(softplus)(y)))(x), tf.sigmoid(x));
      expectClose(
        jvp((y: tf.Tensor) => vmap(softplus)(y), [x], [tf.ones([2, 2])])[1],
        tf.sigmoid(x),
      );
      expectClose(vmap(jacfwd(softplus as F))(x), vmap(jacrev(softplus as F))(x));
    }),
  );

  it(
    'refuses a rule that does not fit',
    tidied(() => {
      const x = vector(1, 2);
      const wrong = tf.ones([3]);
      expectError(
        'tree-mismatch',
        /the rule gave float32 \[3\] as the tangent of float32 \[2\]/,
        () =>
          jvp(
            customJvp(
              (a: tf.Tensor) => tf.exp(a),
              ([a]) => [tf.exp(a), wrong],
            ),
            [x],
            [x],
          ),
      );
      expectError('tree-mismatch', /the rule must return \[output, tangent\]/, () =>
        grad((y: tf.Tensor) =>
          sum(customJvp((a: tf.Tensor) => tf.exp(a), (() => wrong) as never)(y)),
        )(x),
      );
    }),
  );
});

describeBackends('checkpoint', () => {
  const layer = (x: tf.Tensor, w: tf.Tensor) => tf.tanh(tf.matMul(tf.relu(tf.sin(x)), w));
  const network =
    (each: typeof layer) =>
    (w: tf.Tensor, x: tf.Tensor): tf.Tensor => {
      let hidden = x;
      for (let i = 0; i < 6; i++) hidden = each(hidden, w);
      return sum(hidden);
    };
  const [plain, saving] = [network(layer), network(checkpoint(layer))];

  it(
    'changes no derivative, in either mode and at second order',
    tidied(() => {
      const w = tf.randomNormal([3, 3], 0, 1, 'float32', 1);
      const x = tf.randomNormal([2, 3], 0, 1, 'float32', 2);
      expectClose(grad(saving)(w, x), grad(plain)(w, x));
      expectClose(tf.grads(saving as never)([w, x])[0]!, grad(plain)(w, x));
      expectClose(jacfwd(saving)(w, x), jacfwd(plain)(w, x));
      expectClose(hessian(saving)(w, x), hessian(plain)(w, x), 2e-4);
      expectClose(
        vmap(grad(saving), {inDims: [null, 0]})(w, tf.stack([x, tf.neg(x)])),
        vmap(grad(plain), {inDims: [null, 0]})(w, tf.stack([x, tf.neg(x)])),
      );
      expectClose(
        grad((v: tf.Tensor) => sum(vmap(saving, {inDims: [null, 0]})(v, tf.stack([x, x]))))(w),
        tf.mul(2, grad(plain)(w, x)),
        5e-5,
      );
    }),
  );

  it(
    'keeps less alive between the passes',
    tidied(() => {
      const w = tf.randomNormal([4, 4], 0, 1, 'float32', 1);
      const x = tf.randomNormal([256, 4], 0, 1, 'float32', 2);
      const [kept, fewer] = [plain, saving].map((f) => {
        const before = tf.memory().numBytes;
        const one = tf.scalar(1);
        const [y, pullback] = vjp(f, [w, x]);
        const bytes = tf.memory().numBytes - before;
        tf.dispose([y, one, ...pullback(one as tf.Tensor)]);
        pullback.dispose();
        expect(tf.memory().numBytes).to.equal(before);
        return bytes;
      }) as [number, number];
      expect(fewer).to.be.lessThan(0.6 * kept);
    }),
  );

  it(
    'runs the function once more for a pullback, and once where nothing is differentiated',
    tidied(() => {
      let calls = 0;
      const counted = checkpoint((x: tf.Tensor) => {
        calls++;
        return tf.sin(x);
      });
      counted(tf.scalar(1));
      expect(calls).to.equal(1);
      grad((x: tf.Tensor) => counted(x))(tf.scalar(1));
      expect(calls).to.equal(3);
    }),
  );

  it(
    'refuses a traced tensor that is not an argument',
    tidied(() => {
      const two = tf.scalar(2);
      expectError('closed-over-tracer', /given to checkpoint uses a tensor traced by grad/, () =>
        grad((w: tf.Tensor) =>
          sum(checkpoint((x: tf.Tensor) => tf.mul(x, w))(tf.ones([2]).mul(w))),
        )(two as tf.Tensor),
      );
    }),
  );
});

describeBackends('linearize, linearTranspose and vhp', () => {
  const f = ({w, b}: {w: tf.Tensor; b: tf.Tensor}, x: tf.Tensor) => ({
    y: tf.tanh(tf.add(tf.matMul(x, w), b)),
    z: tf.prod(x),
  });
  const point = () =>
    [
      {w: tf.randomNormal([3, 2], 0, 1, 'float32', 1), b: vector(0.1, -0.2)},
      tf.randomNormal([4, 3], 0, 1, 'float32', 2),
    ] as [{w: tf.Tensor; b: tf.Tensor}, tf.Tensor];

  it(
    'linearize gives what jvp gives, for many directions',
    tidied(() => {
      const primals = point();
      const [output, pushforward] = linearize(f, primals);
      expectClose(output.y, f(...primals).y);
      for (const seed of [3, 4]) {
        const tangents: typeof primals = [
          {
            w: tf.randomNormal([3, 2], 0, 1, 'float32', seed),
            b: tf.randomNormal([2], 0, 1, 'float32', seed),
          },
          tf.randomNormal([4, 3], 0, 1, 'float32', seed),
        ];
        const [, expected] = jvp(f, primals, tangents);
        const pushed = pushforward(tangents);
        expectClose(pushed.y, expected.y);
        expectClose(pushed.z, expected.z);
      }
      pushforward.dispose();
      expectError('disposed-tensor', /the pushforward was called after it was disposed/, () =>
        pushforward(primals),
      );
    }),
  );

  it(
    'linearize runs the function once, and no more of it for a direction',
    tidied(() => {
      let calls = 0;
      const [, pushforward] = linearize(
        (x: tf.Tensor) => {
          calls++;
          return tf.sin(tf.exp(x));
        },
        [tf.scalar(1)],
      );
      for (let i = 0; i < 3; i++) pushforward([tf.scalar(i)]);
      expect(calls).to.equal(1);
      pushforward.dispose();
    }),
  );

  it(
    'linearize composes with vmap and grad',
    tidied(() => {
      const g: F = (x) => tf.sin(tf.exp(x));
      const along = (x: tf.Tensor) => linearize(g, [x])[1]([tf.onesLike(x)]);
      const x = vector(0.1, 0.5);
      const slope = tf.mul(tf.cos(tf.exp(x)), tf.exp(x));
      expectClose(vmap(along)(x), slope);
      expectClose(
        vmap(grad((y: tf.Tensor) => along(y)))(x),
        vmap(grad(grad((y: tf.Tensor) => g(y))))(x),
      );
    }),
  );

  it(
    'linearTranspose is the transpose',
    tidied(() => {
      const matrix = tf.randomNormal([3, 4], 0, 1, 'float32', 5);
      const linear: F = (x) =>
        tf.reverse(tf.squeeze(tf.matMul(tf.reshape(x, [1, 3]), matrix), [0]));
      const transposed = linearTranspose(linear, [tf.zeros([3])]);
      const y = vector(1, 2, 3, 4);
      expectClose(
        transposed(y)[0],
        tf.squeeze(tf.matMul(matrix, tf.reshape(tf.reverse(y), [4, 1])), [1]),
      );
      transposed.dispose();
    }),
  );

  it(
    'vhp and hvp give the product with the Hessian',
    tidied(() => {
      const g = (x: tf.Tensor, y: tf.Tensor) => sum(tf.mul(tf.exp(tf.mul(x, y)), tf.sin(x)));
      const [x, y] = [vector(0.3, -0.7), vector(1.1, 0.4)];
      const vectors: [tf.Tensor, tf.Tensor] = [vector(1, 2), vector(-1, 0.5)];
      const [left, right] = [vhp(g, [x, y], vectors), hvp(g, [x, y], vectors)];
      const blocks = hessian(g, {argnums: [0, 1]})(x, y);
      [0, 1].forEach((i) => {
        const row = blocks[i] as unknown as tf.Tensor[];
        const expected = tf.add(
          tf.squeeze(tf.matMul(row[0] as tf.Tensor2D, tf.reshape(vectors[0], [2, 1])), [1]),
          tf.squeeze(tf.matMul(row[1] as tf.Tensor2D, tf.reshape(vectors[1], [2, 1])), [1]),
        );
        expectClose(left[i]!, expected);
        expectClose(right[i]!, expected);
      });
    }),
  );
});
