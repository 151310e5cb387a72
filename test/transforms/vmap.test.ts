import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {grad, hessian, jacfwd, jacrev, vmap} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {expectSame, expectValues} from './values.js';

const tidily = (body: () => void) => (): void => {
  tf.tidy(body);
};

const draw = (shape: number[], seed: number): tf.Tensor =>
  tf.randomNormal(shape, 0, 1, 'float32', seed);

describeBackends('vmap', () => {
  it(
    'maps over any dimension of each argument and puts it where outDims says',
    tidily(() => {
      const [a, b] = [draw([2, 5, 3], 1), draw([3, 4, 5], 2)];
      const f = (x: tf.Tensor, y: tf.Tensor): tf.Tensor =>
        tf.matMul(x as tf.Tensor2D, y as tf.Tensor2D);
      const loop = tf.unstack(a, 1).map((x, i) => f(x, tf.unstack(b, 2)[i]!));
      for (const [from, to] of [
        [[1, 2], 0],
        [[-2, -1], 1],
        [[1, -1], 2],
        [[-2, 2], -1],
        [[1, 2], -3],
      ] as const) {
        const out = vmap(f, {inDims: from, outDims: to})(a, b);
        expectSame(out, tf.stack(loop, to < 0 ? to + 3 : to));
      }
    }),
  );

  it(
    'takes and gives trees, with dimensions for parts of them',
    tidily(() => {
      const params = {layers: [{w: draw([4, 3], 1), b: draw([3], 2)}], scale: tf.scalar(2)};
      const x = draw([3, 5], 3);
      const f = (
        p: typeof params,
        y: tf.Tensor,
      ): {out: tf.Tensor; parts: [tf.Tensor, tf.Tensor]} => {
        const h = tf.dot(p.layers[0]!.w.transpose(), tf.ones([4])).add(p.layers[0]!.b);
        return {out: h.mul(p.scale).add(y.sum()), parts: [y, y.square()]};
      };
      const {out, parts} = vmap(f, {inDims: [null, 1], outDims: {out: 0, parts: [1, 0]}})(
        params,
        x,
      );
      const loop = tf.unstack(x, 1).map((y) => f(params, y));
      expectSame(out, tf.stack(loop.map((r) => r.out)));
      expectSame(parts[0], x.clone());
      expectSame(parts[1], tf.stack(loop.map((r) => r.parts[1])));
      const mapped = vmap((p: typeof params) => p.layers[0]!.w.sum().mul(p.scale), {
        inDims: [{layers: [{w: 0, b: null}], scale: null}],
      })(params);
      expectSame(mapped, params.layers[0]!.w.sum(1).mul(2));
    }),
  );

  it(
    'repeats an output that does not depend on the mapped arguments, and gives it once where outDims is null',
    tidily(() => {
      const [x, c] = [draw([4, 2], 1), tf.tensor1d([7, 8])];
      expectValues(vmap((_: tf.Tensor) => c)(x), [
        [7, 8],
        [7, 8],
        [7, 8],
        [7, 8],
      ]);
      expectValues(vmap((_: tf.Tensor) => c, {outDims: 1})(x), [
        [7, 7, 7, 7],
        [8, 8, 8, 8],
      ]);
      const once = vmap((_: tf.Tensor) => c, {outDims: null})(x);
      expect(once).to.not.equal(c);
      expectValues(once, [7, 8]);
    }),
  );

  it('gives new tensors, never its arguments', () => {
    const x = draw([4, 2], 1);
    const [same, twice] = vmap((a: tf.Tensor) => [a, a] as const)(x);
    expect(same).to.not.equal(x);
    expect(twice).to.not.equal(same);
    same.dispose();
    expectSame(twice, x.clone());
    expect(x.isDisposed).to.equal(false);
    x.dispose();
  });

  it(
    'carries integer, boolean and string-free auxiliary tensors',
    tidily(() => {
      const labels = tf.tensor1d([2, 0, 1], 'int32');
      const mask = tf.tensor2d(
        [
          [1, 0],
          [0, 1],
          [1, 1],
        ],
        [3, 2],
        'bool',
      );
      const [hot, any] = vmap(
        (l: tf.Tensor, m: tf.Tensor) => [tf.oneHot(l as tf.Tensor1D, 3), m.any()] as const,
      )(labels, mask);
      expectSame(hot.cast('float32'), tf.oneHot(labels, 3).cast('float32'));
      expect(any.dtype).to.equal('bool');
      expect([...any.dataSync()]).to.deep.equal([1, 1, 1]);
    }),
  );

  it(
    'gives the same with any chunkSize, and bounds memory by it',
    tidily(() => {
      const x = draw([20, 3], 1);
      const f = (a: tf.Tensor): {y: tf.Tensor; c: tf.Tensor} => ({
        y: tf.outerProduct(a as tf.Tensor1D, a as tf.Tensor1D),
        c: tf.scalar(1),
      });
      const whole = vmap(f, {outDims: {y: -1, c: null}})(x);
      for (const chunkSize of [1, 3, 7, 20, 100]) {
        const chunked = vmap(f, {outDims: {y: -1, c: null}, chunkSize})(x);
        expectSame(chunked.y, whole.y.clone());
        expectValues(chunked.c, 1);
      }
      const peak = (chunkSize: number): number => {
        let most = 0;
        const start = tf.memory().numBytes;
        vmap(
          (a: tf.Tensor) => {
            const big = a.mul(tf.ones([100, 3]));
            most = Math.max(most, tf.memory().numBytes - start);
            return big.sum();
          },
          {chunkSize},
        )(x);
        return most;
      };
      expect(peak(1)).to.be.lessThan(peak(20) / 4);
    }),
  );

  it(
    'keeps the function’s numbers of arguments that are shared',
    tidily(() => {
      const f = (x: tf.Tensor, power: number, flip: boolean): tf.Tensor =>
        flip ? x.pow(power).neg() : x.pow(power);
      expectValues(
        vmap(f, {inDims: [0, null, null]})(tf.tensor1d([1, 2, 3]), 2, true),
        [-1, -4, -9],
      );
    }),
  );

  it(
    'nests to any depth over any dimensions',
    tidily(() => {
      const x = draw([2, 3, 4, 5], 1);
      const y = draw([5, 2], 2);
      const outer = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => tf.mul(a, b);
      const nested = vmap(
        vmap(vmap(vmap(outer, {inDims: [0, null]}), {inDims: [1, 0], outDims: 1}), {
          inDims: [1, null],
          outDims: 1,
        }),
        {inDims: [0, 1]},
      );
      expectSame(
        nested(x, y),
        tf.tidy(() => x.mul(y.transpose().reshape([2, 1, 1, 5]))),
      );
    }),
  );

  it(
    'maps an empty batch',
    tidily(() => {
      const out = vmap((a: tf.Tensor) => a.sin().sum())(tf.zeros([0, 3]));
      expect(out.shape).to.deep.equal([0]);
    }),
  );

  it(
    'works where plain JavaScript control flow does not depend on values',
    tidily(() => {
      const f = (x: tf.Tensor): tf.Tensor => {
        let y = x;
        for (let i = 0; i < x.shape[0]!; i++) y = i % 2 === 0 ? y.add(i) : y.mul(i + 1);
        return y;
      };
      const x = draw([4, 3], 1);
      expectSame(vmap(f)(x), tf.stack(tf.unstack(x).map(f)));
    }),
  );
});

describeBackends('derivatives', () => {
  it(
    'jacobians of trees nest as the outputs, then as the arguments',
    tidily(() => {
      const [a, b] = [draw([2], 1), draw([3], 2)];
      const f = (p: {a: tf.Tensor; b: tf.Tensor}): {s: tf.Tensor; o: tf.Tensor} => ({
        s: p.a.sum().mul(p.b.sum()),
        o: tf.outerProduct(p.a as tf.Tensor1D, p.b as tf.Tensor1D),
      });
      const [reverse, forward] = [jacrev(f)({a, b}), jacfwd(f)({a, b})];
      expect(reverse.o.b.shape).to.deep.equal([2, 3, 3]);
      for (const out of ['s', 'o'] as const) {
        for (const arg of ['a', 'b'] as const) {
          expect(reverse[out][arg].shape).to.deep.equal([
            ...f({a, b})[out].shape,
            ...{a, b}[arg].shape,
          ]);
          expectSame(reverse[out][arg], forward[out][arg]);
        }
      }
    }),
  );

  it(
    'jacobians in chunks are the same',
    tidily(() => {
      const f = (x: tf.Tensor, y: tf.Tensor): tf.Tensor[] => [x.sin().mul(y.sum()), y.square()];
      const [x, y] = [draw([3], 1), draw([2, 2], 2)];
      for (const jacobian of [jacrev, jacfwd] as [typeof jacrev, typeof jacrev]) {
        const whole = jacobian(f, {argnums: [0, 1]})(x, y);
        for (const chunkSize of [1, 2, 5, 50]) {
          const parts = jacobian(f, {argnums: [0, 1], chunkSize})(x, y);
          parts.forEach((row, i) =>
            row.forEach((block, j) => expectSame(block, whole[i]![j]!.clone())),
          );
        }
      }
    }),
  );

  it(
    'argnums choose arguments, negative ones from the end, and lists give lists',
    tidily(() => {
      const f = (x: tf.Tensor, y: tf.Tensor): tf.Tensor => x.square().mul(y).sum();
      const [x, y] = [tf.tensor1d([1, 2]), tf.tensor1d([3, 4])];
      expectValues(grad(f)(x, y), [6, 16]);
      expectValues(grad(f, {argnums: -1})(x, y), [1, 4]);
      const both = grad(f, {argnums: [1, 0]})(x, y);
      expectValues(both[0], [1, 4]);
      expectValues(both[1], [6, 16]);
      const blocks = hessian(f, {argnums: [0, 1]})(x, y) as unknown as tf.Tensor[][];
      expectValues(blocks[0]![1]!, [
        [2, 0],
        [0, 4],
      ]);
      expectValues(blocks[1]![1]!, [
        [0, 0],
        [0, 0],
      ]);
    }),
  );

  it(
    'hasAux hands out values of the inside, tensors and others, whatever their level',
    tidily(() => {
      const x = tf.tensor1d([1, 2, 3]);
      const f = (
        a: tf.Tensor,
      ): [tf.Tensor, {square: tf.Tensor; constant: tf.Tensor; name: string}] => [
        a.pow(3),
        {square: a.square(), constant: tf.scalar(7), name: 'f'},
      ];
      const [gradient, aux] = grad(f, {hasAux: true})(tf.scalar(2));
      expectValues(gradient, 12);
      expectValues(aux.square, 4);
      expect(aux.name).to.equal('f');
      const second = vmap(grad(grad((a: tf.Tensor) => a.pow(3))))(x);
      const [, inner] = vmap((a: tf.Tensor) => {
        const [first, {square}] = grad(f, {hasAux: true})(a);
        return [first, square] as const;
      })(x);
      expectValues(second, [6, 12, 18]);
      expectValues(inner, [1, 4, 9]);
    }),
  );

  it(
    'an argument that the function ignores gets zeros; an output that ignores the argument has zero derivatives',
    tidily(() => {
      const [x, y] = [draw([2], 1), draw([3], 2)];
      expectValues(
        grad((a: tf.Tensor, b: tf.Tensor) => b.mul(0.5).sum(), {argnums: 0})(x, y),
        [0, 0],
      );
      expectValues(jacrev((_: tf.Tensor) => tf.ones([2]))(x), [
        [0, 0],
        [0, 0],
      ]);
      expectValues(jacfwd((_: tf.Tensor) => tf.ones([2]))(x), [
        [0, 0],
        [0, 0],
      ]);
      expectValues(vmap(grad((_: tf.Tensor) => tf.scalar(1)))(x), [0, 0]);
    }),
  );

  it(
    'derivatives do not mix up the levels of nested functions',
    tidily(() => {
      const at = tf.scalar(2);
      // d/dx (x · d/dy (x + y)) = 1, and not 2: the inner derivative must not see the outer tangent.
      const confusing = (x: tf.Tensor): tf.Tensor =>
        x.mul(grad((y: tf.Tensor) => x.add(y))(tf.scalar(1)));
      expectValues(grad(confusing)(at), 1);
      expectValues(
        jacfwd((x: tf.Tensor) => x.mul(jacfwd((y: tf.Tensor) => x.add(y))(tf.scalar(1))))(at),
        1,
      );
      expectValues(jacfwd(confusing)(at), 1);
      expectValues(grad((x: tf.Tensor) => x.mul(jacfwd((y: tf.Tensor) => x.mul(y))(x)))(at), 4);
    }),
  );
});
