import * as tf from '@tensorflow/tfjs-core';
import type {Tensor} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {grad, hessian, jacfwd, jacrev, jvp, vjp, vmap} from '../src/index.js';
import {describeBackends} from './backends.js';
import {expectClose} from './support/compare.js';
import {fromTensor, host, sizeOf, type HostTensor} from './support/host.js';
import {Random} from './support/random.js';

/**
 * The programs of functorch's whirlwind tour, in our spelling. What is expected is worked out in plain JavaScript, by hand-made formulas.
 */
const random = new Random('whirlwind tour');

function draw(...shape: number[]): HostTensor {
  return host(
    shape,
    'float32',
    Array.from({length: sizeOf(shape)}, () => random.uniform(-2, 2)),
  );
}

const upload = ({shape, values}: HostTensor): Tensor =>
  tf.tensor(values as Float32Array, [...shape]);

const numbers = ({values}: HostTensor): number[] => Array.from(values);

const rowsOf = (matrix: HostTensor): number[][] => {
  const [count, width] = matrix.shape as [number, number];
  return Array.from({length: count}, (_, i) => numbers(matrix).slice(i * width, (i + 1) * width));
};

function expectTensor(actual: Tensor, shape: readonly number[], expected: readonly number[]): void {
  const values = Float64Array.from(expected);
  expectClose(
    fromTensor(actual),
    {shape, dtype: 'float32', values},
    {relative: 1e-5, absolute: 1e-6},
    'the result',
  );
}

/** The diagonal matrix of f at x. */
const diagonal = (x: readonly number[], f: (x: number) => number): number[] =>
  x.flatMap((value, i) => x.map((_, j) => (i === j ? f(value) : 0)));

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((total, value, i) => total + value * (b[i] as number), 0);

const batchSize = 3;
const featureSize = 5;

describeBackends("functorch's whirlwind tour", () => {
  describe('grad', () => {
    const x = draw();

    it('differentiates sin to cos', () => {
      tf.tidy(() => {
        const cosX = grad((v: Tensor) => tf.sin(v))(upload(x));
        expectTensor(cosX, [], numbers(x).map(Math.cos));
      });
    });

    it('applied twice, differentiates sin to -sin', () => {
      tf.tidy(() => {
        const negSinX = grad(grad((v: Tensor) => tf.sin(v)))(upload(x));
        expectTensor(
          negSinX,
          [],
          numbers(x).map((v) => -Math.sin(v)),
        );
      });
    });
  });

  describe('vmap', () => {
    const weights = draw(featureSize);
    const examples = draw(batchSize, featureSize);
    const targets = draw(batchSize);

    it('runs a linear model of one example on a batch', () => {
      tf.tidy(() => {
        const w = upload(weights);
        const model = (featureVec: Tensor) => tf.relu(tf.dot(featureVec, w));
        const scores = rowsOf(examples).map((row) => Math.max(0, dot(row, numbers(weights))));
        expectTensor(vmap(model)(upload(examples)), [batchSize], scores);
      });
    });

    it('of grad, with the weights shared, gives per-sample gradients', () => {
      tf.tidy(() => {
        const model = (w: Tensor, featureVec: Tensor) => tf.relu(tf.dot(featureVec, w));
        const computeLoss = (w: Tensor, example: Tensor, target: Tensor) =>
          tf.mean(tf.square(tf.sub(model(w, example), target)));

        const perSample = vmap(grad(computeLoss), {inDims: [null, 0, 0]});
        const gradients = perSample(upload(weights), upload(examples), upload(targets));

        const expected = rowsOf(examples).flatMap((row, i) => {
          const score = dot(row, numbers(weights));
          const residual = score > 0 ? score - (targets.values[i] as number) : 0;
          return row.map((feature) => 2 * residual * feature);
        });
        // A tour on which every score is cut off by relu would show nothing.
        expect(expected.some((value) => value !== 0)).to.equal(true);
        expectTensor(gradients, [batchSize, featureSize], expected);
      });
    });
  });

  describe('vjp', () => {
    it('gives the outputs and a function from cotangents to gradients', () => {
      const [x, y, cotangent] = [draw(5), draw(5), draw(5)];
      tf.tidy(() => {
        const f = (a: Tensor, b: Tensor) => tf.mul(tf.sin(a), b);
        const [outputs, vjpFn] = vjp(f, [upload(x), upload(y)]);
        const [towardsX, towardsY] = vjpFn(upload(cotangent));

        const [xs, ys, cs] = [numbers(x), numbers(y), numbers(cotangent)];
        const each = (g: (x: number, y: number, c: number) => number) =>
          xs.map((value, i) => g(value, ys[i] as number, cs[i] as number));
        expectTensor(outputs, [5], each((a, b) => Math.sin(a) * b)); // prettier-ignore
        expectTensor(towardsX, [5], each((a, b, c) => c * Math.cos(a) * b)); // prettier-ignore
        expectTensor(towardsY, [5], each((a, _b, c) => c * Math.sin(a))); // prettier-ignore
      });
    });
  });

  describe('jvp', () => {
    it('of a product along ones is the sum of its factors', () => {
      const [x, y] = [draw(5), draw(5)];
      tf.tidy(() => {
        const f = (a: Tensor, b: Tensor) => tf.mul(a, b);
        const [, tangent] = jvp(f, [upload(x), upload(y)], [tf.ones([5]), tf.ones([5])]);
        expectTensor(tangent, [5], numbers(x).map((value, i) => value + (y.values[i] as number))); // prettier-ignore
      });
    });
  });

  describe('jacrev, jacfwd and hessian', () => {
    const x = draw(5);
    const batch = draw(64, 5);
    const sin = (v: Tensor): Tensor => tf.sin(v);

    for (const [name, jacobian] of Object.entries({jacrev: jacrev(sin), jacfwd: jacfwd(sin)})) {
      it(`${name} of sin is the diagonal of cos`, () => {
        tf.tidy(() => {
          expectTensor(jacobian(upload(x)), [5, 5], diagonal(numbers(x), Math.cos));
        });
      });

      it(`vmap of ${name} gives one Jacobian per example: [64, 5, 5]`, () => {
        tf.tidy(() => {
          const expected = rowsOf(batch).flatMap((row) => diagonal(row, Math.cos));
          expectTensor(vmap(jacobian)(upload(batch)), [64, 5, 5], expected);
        });
      });
    }

    const f = (v: Tensor): Tensor => tf.sum(tf.sin(v));
    const hessians = {
      'jacrev(jacrev(f))': () => jacrev(jacrev(f)),
      'jacfwd(jacrev(f))': () => jacfwd(jacrev(f)),
      'jacrev(jacfwd(f))': () => jacrev(jacfwd(f)),
      'jacfwd(jacfwd(f))': () => jacfwd(jacfwd(f)),
      'hessian(f)': () => hessian(f),
    };
    for (const [name, compose] of Object.entries(hessians)) {
      it(`${name} of sum(sin(x)) is the diagonal of -sin`, () => {
        tf.tidy(() => {
          expectTensor(compose()(upload(x)), [5, 5], diagonal(numbers(x), (v) => -Math.sin(v))); // prettier-ignore
        });
      });
    }
  });
});
