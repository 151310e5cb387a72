import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {
  cond,
  grad,
  hessian,
  jacfwd,
  jit,
  jvp,
  makeFx,
  TransformError,
  vjp,
  vmap,
  whileLoop,
} from '../../src/index.js';
import {tensorsOf} from '../../src/tree.js';
import {describeBackends} from '../backends.js';
import {expectSame} from '../transforms/values.js';
import {expectRefusal, expectTensor, tidied} from './support.js';

type F = (x: tf.Tensor) => tf.Tensor;

describeBackends('cond', () => {
  /** x³ above 1, sin x elsewhere. */
  const bent: F = (x) =>
    cond(
      tf.greater(x, 1),
      (y) => tf.pow(y, 3),
      (y) => tf.sin(y),
      x,
    );

  it(
    'runs the function that the predicate chooses, and only that one',
    tidied(() => {
      const calls: string[] = [];
      const choose = (predicate: boolean | tf.Tensor): tf.Tensor =>
        cond(
          predicate,
          (x) => (calls.push('true'), tf.mul(x, 2)),
          (x) => (calls.push('false'), tf.neg(x)),
          tf.scalar(3),
        );
      for (const yes of [true, tf.scalar(true), tf.scalar(2), tf.scalar(-1, 'int32')]) {
        expectTensor(choose(yes), 6);
      }
      for (const no of [false, tf.scalar(false), tf.scalar(0), tf.scalar(0, 'int32')]) {
        expectTensor(choose(no), -3);
      }
      expect(calls).to.deep.equal([
        ...new Array<string>(4).fill('true'),
        ...new Array<string>(4).fill('false'),
      ]);
    }),
  );

  it('gives new tensors, in the structure of the function, and leaves nothing else behind', () => {
    const x = tf.scalar(1);
    const before = tf.memory().numTensors;
    const result = cond(
      true,
      (y: tf.Tensor) => ({same: y, twice: [y, tf.add(tf.add(y, 1), 1)]}),
      (y: tf.Tensor) => ({same: y, twice: [y, y]}),
      x,
    );
    expect(tf.memory().numTensors).to.equal(before + 3);
    expect(new Set([x, result.same, ...result.twice]).size).to.equal(4);
    x.dispose();
    expectTensor(result.same, 1);
    expectTensor(result.twice[1]!, 3);
    tf.dispose(result);
  });

  it(
    'has the derivatives of the chosen function, in both modes and to any order',
    tidied(() => {
      expectTensor(grad(bent)(tf.scalar(2)), 12);
      expectTensor(grad(bent)(tf.scalar(0.5)), Math.cos(0.5));
      expectTensor(jvp(bent, [tf.scalar(2)], [tf.scalar(10)])[1], 120);
      expectTensor(grad(grad(grad(bent)))(tf.scalar(2)), 6);
      expectTensor(hessian(bent)(tf.scalar(0.5)), -Math.sin(0.5));
      expectTensor(tf.grad((x) => bent(x))(tf.scalar(2)), 12);
    }),
  );

  it(
    'chooses for each example of vmap',
    tidied(() => {
      const x = tf.tensor1d([2, 0.5, -3, 1.5]);
      const values = [8, Math.sin(0.5), Math.sin(-3), 3.375];
      const slopes = [12, Math.cos(0.5), Math.cos(-3), 6.75];
      const curvatures = [12, -Math.sin(0.5), -Math.sin(-3), 9];
      expectTensor(vmap(bent)(x), values);
      expectTensor(vmap(grad(bent))(x), slopes);
      expectTensor(grad((xs: tf.Tensor) => tf.sum(vmap(bent)(xs)))(x), slopes);
      expectTensor(vmap(jacfwd(bent))(x), slopes);
      expectTensor(jvp(vmap(bent), [x], [tf.onesLike(x)])[1], slopes);
      expectTensor(vmap(grad(grad(bent)))(x), curvatures);
      expectTensor(vmap(hessian(bent))(x), curvatures);
      expectTensor(grad((xs: tf.Tensor) => tf.sum(vmap(grad(bent))(xs)))(x), curvatures);
      expectTensor(tf.grad((xs) => tf.sum(vmap(bent)(xs)))(x), slopes);
    }),
  );

  it(
    'takes a predicate that only one of two vmaps maps, or both do',
    tidied(() => {
      const x = tf.tensor2d([
        [1, 2, 3],
        [4, 5, 6],
      ]);
      const choose = (predicate: tf.Tensor, y: tf.Tensor): tf.Tensor =>
        cond(
          predicate,
          (z) => tf.mul(z, 10),
          (z) => tf.neg(z),
          y,
        );
      const outer = vmap((p: tf.Tensor, row: tf.Tensor) =>
        vmap(choose, {inDims: [null, 0]})(p, row),
      );
      expectTensor(outer(tf.tensor1d([1, 0]), x), [
        [10, 20, 30],
        [-4, -5, -6],
      ]);
      const inner = vmap((p: tf.Tensor, row: tf.Tensor) => vmap(choose)(p, row), {
        inDims: [null, 0],
      });
      expectTensor(inner(tf.tensor1d([0, 1, 0]), x), [
        [-1, 20, -3],
        [-4, 50, -6],
      ]);
      const both = vmap((p: tf.Tensor, row: tf.Tensor) => vmap(choose)(p, row));
      const predicates = tf.tensor2d([
        [1, 0, 0],
        [0, 0, 1],
      ]);
      expectTensor(both(predicates, x), [
        [10, -2, -3],
        [-4, -5, 60],
      ]);
      const slopes = vmap(vmap(grad((y: tf.Tensor, p: tf.Tensor) => choose(p, y))))(x, predicates);
      expectTensor(slopes, [
        [10, -1, -1],
        [-1, -1, 10],
      ]);
    }),
  );

  it(
    'lets nothing of the other function through, be it NaN or infinite, nor into what examples share',
    tidied(() => {
      const x = tf.tensor1d([4, 0, -1, 9]);
      const root = (y: tf.Tensor, w: tf.Tensor): tf.Tensor =>
        cond(
          tf.greater(y, 0),
          (z, v) => tf.mul(v, tf.sqrt(z)),
          (z, v) => tf.mul(v, z),
          y,
          w,
        );
      const w = tf.scalar(2);
      expectTensor(vmap(root, {inDims: [0, null]})(x, w), [4, 0, -2, 6]);
      expectTensor(vmap(grad(root), {inDims: [0, null]})(x, w), [0.5, 2, 2, 1 / 3]);
      const total = (xs: tf.Tensor, v: tf.Tensor): tf.Tensor =>
        tf.sum(vmap(root, {inDims: [0, null]})(xs, v));
      expectTensor(grad(total)(x, w), [0.5, 2, 2, 1 / 3]);
      expectTensor(grad(total, {argnums: 1})(x, w), 2 + 0 - 1 + 3);
      expectTensor(vmap(grad(grad(root)), {inDims: [0, null]})(x, w), [-1 / 16, 0, 0, -1 / 54]);
      // √x at points of which none is positive: it does not run.
      expectTensor(grad((v: tf.Tensor) => total(tf.tensor1d([0, -1]), v))(w), -1);
    }),
  );

  it(
    'ends where a loop or a recursion would not for examples that do not want it',
    tidied(() => {
      const doublings = (x: tf.Tensor): tf.Tensor =>
        whileLoop(
          (y) => tf.less(y, 100),
          (y) => tf.mul(y, 2),
          x,
        );
      const f: F = (x) => cond(tf.greater(x, 0), doublings, (y) => tf.neg(y), x);
      expectTensor(vmap(f)(tf.tensor1d([3, 0, -2])), [192, 0, 2]);
      const factorial = (n: tf.Tensor): tf.Tensor =>
        cond(
          tf.equal(n, 0),
          (m) => tf.onesLike(m),
          (m) => tf.mul(m, factorial(tf.sub(m, 1))),
          n,
        );
      expectTensor(vmap(factorial)(tf.tensor1d([3, 0, 5])), [6, 1, 120]);
    }),
  );

  it(
    'takes trees of float, integer and boolean tensors, and other values',
    tidied(() => {
      const swapped = vmap(
        (p: tf.Tensor, a: tf.Tensor, b: tf.Tensor, flag: tf.Tensor) =>
          cond(
            p,
            ({m, n}, name: string) => ({m, n, flag: name === 'name' ? flag : n}),
            ({m, n}) => ({
              flag: tf.logicalNot(flag),
              n: tf.add(n, tf.scalar(1, 'int32')),
              m: tf.neg(m),
            }),
            {m: a, n: b},
            'name',
          ),
        {inDims: [0, 0, 0, 0]},
      )(
        tf.tensor1d([true, false], 'bool'),
        tf.tensor2d([
          [1, 2],
          [3, 4],
        ]),
        tf.tensor1d([5, 6], 'int32'),
        tf.tensor1d([true, true], 'bool'),
      );
      expectTensor(swapped.m, [
        [1, 2],
        [-3, -4],
      ]);
      expectTensor(swapped.n, [5, 7], 'int32');
      expectTensor(swapped.flag, [1, 0], 'bool');
    }),
  );

  it(
    'depends on the primal of a predicate that is itself differentiated',
    tidied(() => {
      const f: F = (x) => cond(x, tf.sin<tf.Tensor>, tf.cos<tf.Tensor>, x);
      expectTensor(grad(f)(tf.scalar(0.5)), Math.cos(0.5));
      expectTensor(jvp(f, [tf.scalar(0)], [tf.scalar(1)])[1], 0);
      expectTensor(vmap(grad(f))(tf.tensor1d([0.5, 0])), [Math.cos(0.5), 0]);
      const [, pullback] = vjp(vmap(f), [tf.tensor1d([0.5, 0])]);
      expectTensor(pullback(tf.tensor1d([1, 1]))[0], [Math.cos(0.5), 0]);
    }),
  );

  it('refuses predicates that are no scalars', () => {
    const pass = (): tf.Tensor => tf.scalar(1);
    expectRefusal(
      'invalid-argument',
      /^cond: the predicate is bool \[2\], but must be a boolean or a scalar tensor\. Reduce it \(tf\.all, tf\.any\), .*tf\.where.*vmap/,
      () => cond(tf.tensor1d([true, false], 'bool'), pass, pass),
    );
    expectRefusal('invalid-argument', /^cond: the predicate is the number 1, but must be/, () =>
      cond(1 as never, pass, pass),
    );
    expectRefusal('not-a-function', /^cond: expected a function/, () =>
      cond(true, pass, 3 as never),
    );
  });

  it('refuses results that differ where both functions run, and results that are no tensors', () => {
    const both = (other: (x: tf.Tensor) => unknown) => (): unknown =>
      vmap((x: tf.Tensor) =>
        cond(tf.greater(x, 0), (y: tf.Tensor): unknown => ({a: [y]}), other, x),
      )(tf.tensor1d([1, -1]));
    expectRefusal(
      'tree-mismatch',
      /^cond: output\.a\[0\] of trueFn is float32 \[\], but that of falseFn is int32 \[\]\. The predicate differs between examples of vmap, so both functions run: .*tf\.cast/,
      both((x) => ({a: [tf.cast(x, 'int32')]})),
    );
    expectRefusal(
      'tree-mismatch',
      /^cond: output\.a\[0\] of trueFn is float32 \[\], but that of falseFn is float32 \[3\]/,
      both(() => ({a: [tf.zeros([3])]})),
    );
    expectRefusal(
      'tree-mismatch',
      /^cond: output of another structure: expected an array of length 1 at \.a, but got an array of length 2/,
      both((x) => ({a: [x, x]})),
    );
    expectRefusal(
      'non-tensor-output',
      /^cond: the output of falseFn\.a is the number 2, but must be a tensor .*tf\.scalar/,
      both(() => ({a: 2})),
    );
    expectRefusal('async-function', /^cond: the function returned a promise/, () =>
      cond(
        true,
        async () => Promise.resolve(1),
        async () => Promise.resolve(1),
      ),
    );
  });
});

describeBackends('cond in a captured graph', () => {
  const root = (x: tf.Tensor, w: tf.Tensor): tf.Tensor =>
    cond(
      tf.greater(x, 0),
      (y: tf.Tensor, v: tf.Tensor) => tf.mul(tf.log(y), v),
      (y: tf.Tensor, v: tf.Tensor) => tf.mul(y, v),
      x,
      w,
    );
  const mapped = vmap(root, {inDims: [0, null]});
  const slopes = vmap(grad(root, {argnums: [0, 1]}), {inDims: [0, null]});

  /** Captured with some examples, right for all others. */
  const inGraph = (f: (...args: never[]) => unknown, ...calls: tf.Tensor[][]): void => {
    const program = f as unknown as (...args: tf.Tensor[]) => unknown;
    const graph = makeFx(program)(...calls[0]!);
    for (const args of calls) {
      const [captured, plain] = [tensorsOf(graph(...args)), tensorsOf(program(...args))];
      captured.forEach((tensor, index) => expectSame(tensor, plain[index]!));
    }
    graph.dispose();
  };

  it('is a choice between the examples of a vmap, with all its derivatives', () => {
    tf.tidy(() => {
      const w = tf.scalar(2);
      const xs = [
        [4, -1, 9, 0.25],
        [-1, -2, -3, -4],
        [1, 2, 3, 4],
        [0, 0, 0, 0],
      ].map((values) => tf.tensor1d(values));
      const calls = xs.map((x) => [x, w]);
      inGraph(mapped, ...calls);
      inGraph(slopes, ...calls);
      inGraph(
        grad((x: tf.Tensor, v: tf.Tensor) => tf.sum(mapped(x, v)), {argnums: [0, 1]}),
        ...calls,
      );
      inGraph(
        (x: tf.Tensor, v: tf.Tensor) => jvp(mapped, [x, v], [tf.onesLike(x), v])[1],
        ...calls,
      );
      inGraph(vmap(grad(grad(root)), {inDims: [0, null]}), ...calls);
    });
  });

  it('is one where two vmaps have the examples, or the operands', () => {
    tf.tidy(() => {
      const x = tf.tensor2d([
        [4, -1, 9],
        [0, -2, 1],
      ]);
      const w = tf.tensor1d([1, 2]);
      const nested = vmap(vmap(grad(root), {inDims: [0, null]}));
      inGraph(nested, [x, w], [tf.neg(x), w], [tf.zerosLike(x), w]);
      const crossed = vmap(vmap(grad(root), {inDims: [null, 0]}), {inDims: [0, null]});
      inGraph(crossed, [tf.tensor1d([4, 0, -1]), w], [tf.tensor1d([0, 0, 0]), w]);
    });
  });

  it('is compiled by jit', () => {
    tf.tidy(() => {
      const f = jit(slopes);
      for (const values of [
        [4, -1],
        [0, 0],
      ]) {
        const [x, w] = [tf.tensor1d(values), tf.scalar(3)];
        const [actual, expected] = [f(x, w), slopes(x, w)];
        actual.forEach((tensor, index) => expectSame(tensor, expected[index]!));
      }
      f.dispose();
    });
  });

  it('is refused where a value would have to be read, and where it never ends', () => {
    tf.tidy(() => {
      const refuse = (f: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor, message: string): void => {
        expect(() => makeFx(f)(x))
          .to.throw(TransformError, message)
          .with.property('code', 'value-read');
      };
      const read = 'the value of a captured tensor was read';
      refuse((x) => root(x, x), tf.scalar(1), read);
      const halve = (x: tf.Tensor): tf.Tensor =>
        whileLoop(
          (y) => tf.greater(y, 1),
          (y) => tf.div(y, 2),
          x,
        );
      refuse(vmap(halve), tf.tensor1d([4, 1]), read);
      const recursion = (x: tf.Tensor): tf.Tensor =>
        cond(
          tf.greater(x, 1),
          (y: tf.Tensor) => recursion(tf.div(y, 2)),
          (y: tf.Tensor) => tf.clone(y),
          x,
        );
      refuse(vmap(recursion), tf.tensor1d([4, 1]), 'a function of cond calls cond again, 64 times');
    });
  });
});
