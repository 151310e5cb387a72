import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {grad, hessian, jacfwd, jacrev, jvp, map, scan, vmap} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {expectSame} from '../transforms/values.js';
import {expectRefusal, expectTensor, tidied} from './support.js';

/** A step that is not linear, and computes more than it carries. */
const stepOf = (w: tf.Tensor) => (h: tf.Tensor, x: tf.Tensor) => {
  const next = tf.tanh(tf.add(tf.mul(w, h), tf.sin(tf.mul(x, tf.exp(h)))));
  return [next, tf.sum(tf.square(next))] as [tf.Tensor, tf.Tensor];
};

const rows = (): tf.Tensor => tf.cos(tf.reshape(tf.range(0, 30), [10, 3]));

describeBackends('scan', () => {
  it(
    'hands a carry from row to row and stacks what comes of each',
    tidied(() => {
      const [last, {sums, same}] = scan(
        (sum, {a, b}) => {
          const next = tf.add(sum, tf.mul(a, tf.sum(b)));
          return [next, {sums: next, same: b}];
        },
        tf.scalar(0),
        {
          a: tf.tensor1d([1, 2, 3]),
          b: tf.tensor2d(
            [
              [1, 0],
              [1, 1],
              [2, 1],
            ],
            [3, 2],
            'int32',
          ),
        },
      );
      expectTensor(last, 14);
      expectTensor(sums, [1, 5, 14]);
      expectTensor(
        same,
        [
          [1, 0],
          [1, 1],
          [2, 1],
        ],
        'int32',
      );
    }),
  );

  it(
    'goes backwards, needs no rows, and takes results of null',
    tidied(() => {
      const digits = (c: tf.Tensor, x: tf.Tensor): [tf.Tensor, tf.Tensor] => {
        const next = tf.add(tf.mul(c, 10), x);
        return [next, next];
      };
      const [last, all] = scan(digits, tf.scalar(0), tf.tensor1d([1, 2, 3]), {reverse: true});
      expectTensor(last, 321);
      expectTensor(all, [321, 32, 3]);
      const [power, nothing] = scan((c) => [tf.mul(c, 2), null], tf.scalar(1), null, {length: 5});
      expectTensor(power, 32);
      expect(nothing).to.equal(null);
    }),
  );

  it(
    'tells the shapes of no rows at all',
    tidied(() => {
      const [carry, {a, n}] = scan(
        (c, x) => [c, {a: tf.outerProduct(x as tf.Tensor1D, x as tf.Tensor1D), n: tf.argMax(x)}],
        tf.scalar(3),
        tf.zeros([0, 2]),
      );
      expectTensor(carry, 3);
      expect([a.shape, n.shape, n.dtype]).to.deep.equal([[0, 2, 2], [0], 'int32']);
    }),
  );

  for (const checkpoint of [false, true, 1, 3, 100]) {
    it(
      `has the derivatives of a plain loop with checkpoint: ${checkpoint}`,
      tidied(() => {
        const plain = (w: tf.Tensor, xs: tf.Tensor): tf.Tensor => {
          let h: tf.Tensor = tf.fill([3], 0.5);
          let total: tf.Tensor = tf.scalar(0);
          for (const x of tf.unstack(xs)) {
            const [next, energy] = stepOf(w)(h, x);
            h = next;
            total = tf.add(total, energy);
          }
          return tf.add(total, tf.sum(h));
        };
        const scanned = (w: tf.Tensor, xs: tf.Tensor): tf.Tensor => {
          const [[h], energies] = scan(
            ([state, v]: [tf.Tensor, tf.Tensor], x) => {
              const [next, energy] = stepOf(v)(state, x);
              return [[next, v], energy];
            },
            [tf.fill([3], 0.5), w] as [tf.Tensor, tf.Tensor],
            xs,
            {checkpoint},
          );
          return tf.add(tf.sum(energies), tf.sum(h));
        };
        const w: tf.Tensor = tf.tensor1d([0.5, -1, 0.75]);
        const xs = rows();
        expectSame(scanned(w, xs), plain(w, xs));
        expectSame(grad(scanned)(w, xs), grad(plain)(w, xs));
        const direction: tf.Tensor = tf.tensor1d([1, -0.5, 2]);
        const ofRows = {argnums: 1} as const;
        expectSame(grad(scanned, ofRows)(w, xs), grad(plain, ofRows)(w, xs));
        expectSame(hessian(scanned)(w, xs), hessian(plain)(w, xs));
        expectSame(jacrev(grad(scanned))(w, xs), jacrev(grad(plain))(w, xs));
        expectSame(jacfwd(scanned)(w, xs), jacfwd(plain)(w, xs));
        expectSame(
          jvp(scanned, [w, xs], [direction, xs])[1],
          jvp(plain, [w, xs], [direction, xs])[1],
        );
        const batch = tf.stack([xs, tf.neg(xs), tf.sin(xs)]);
        const shared = {inDims: [null, 0]} as const;
        expectSame(vmap(grad(scanned), shared)(w, batch), vmap(grad(plain), shared)(w, batch));
        const total = (f: typeof plain) => (v: tf.Tensor) => tf.sum(vmap(f, shared)(v, batch));
        expectSame(grad(total(scanned))(w), grad(total(plain))(w));
        expectSame(tf.grad((v) => scanned(v, xs))(w), tf.grad((v) => plain(v, xs))(w));
      }),
    );
  }

  it('keeps less in memory for the backward pass with checkpoints', () => {
    const size = 1000;
    const n = 64;
    /** How many tensors there are at most, nearly all of the size of a carry, while the gradient of 64 steps is computed. */
    const peak = (checkpoint: boolean | number): number => {
      const x = tf.fill([size], 0.1);
      // tf.memory counts tensors that share their data once each; the backend knows how many there are.
      const before = tf.backend().numDataIds();
      let most = 0;
      const watched = (y: tf.Tensor): tf.Tensor => {
        most = Math.max(most, tf.backend().numDataIds() - before);
        return y;
      };
      const gradient = grad((init: tf.Tensor) => {
        const [last] = scan(
          (c) => {
            let y: tf.Tensor = c;
            for (let k = 0; k < 10; k++) y = watched(tf.sin(tf.mul(y, y)));
            return [tf.add(c, y), null];
          },
          init,
          null,
          {length: n, checkpoint},
        );
        return tf.sum(last);
      })(x);
      expect(Number.isFinite(tf.tidy(() => tf.sum(gradient).dataSync()[0]))).to.equal(true);
      tf.dispose([x, gradient]);
      return most;
    };
    const [none, segments, steps] = [peak(false), peak(true), peak(1)];
    // 20 values of each step; √64 carries and 20 values of each of √64 steps; 64 carries and 20 values of one step; and what one op takes.
    expect(none).to.be.within(20 * n, 20 * n + 8);
    expect(segments).to.be.within(8 + 20 * 8, 8 + 20 * 8 + 8);
    expect(steps).to.be.within(n + 20, n + 20 + 8);
  });

  it('keeps only carries and results in memory when nobody differentiates', () => {
    const [init, xs] = [tf.zeros([10]), tf.ones([50, 10])];
    const tensors: number[] = [];
    const [last, ys] = scan(
      (c, x) => {
        tensors.push(tf.memory().numTensors);
        return [tf.add(tf.mul(c, 0.5), tf.sin(x)), tf.sum(x)];
      },
      init,
      xs,
    );
    // One y more in each step.
    expect(tensors.slice(2).map((count, k) => count - tensors[1]! - k)).to.deep.equal(
      tensors.slice(2).map(() => 1),
    );
    tf.dispose([init, xs, last, ys]);
  });

  it('refuses rows of different number, no length, a carry or result that changes, and what is no pair', () => {
    const pass = (c: tf.Tensor): [tf.Tensor, null] => [c, null];
    expectRefusal(
      'invalid-argument',
      /^scan: the tensors of xs have different numbers of rows: xs\.a \(float32 \[3\]\) has 3, xs\.b\[0\] \(float32 \[2, 4\]\) has 2\. Their first dimensions must be equal/,
      () => scan(pass, tf.scalar(0), {a: tf.zeros([3]), b: [tf.zeros([2, 4])]}),
    );
    expectRefusal(
      'invalid-argument',
      /^scan: there are no rows: xs has no tensor\. Pass \{length: n\}/,
      () => scan(pass, tf.scalar(0), null),
    );
    expectRefusal(
      'invalid-argument',
      /^scan: length is 4, but xs \(float32 \[3\]\) has 3 rows\. Leave length out/,
      () => scan(pass, tf.scalar(0), tf.zeros([3]), {length: 4}),
    );
    expectRefusal('invalid-argument', /^scan: length is the number -1, but must be/, () =>
      scan(pass, tf.scalar(0), null, {length: -1}),
    );
    expectRefusal(
      'invalid-argument',
      /^scan: xs\[1\] is float32 \[\], a scalar, which has no rows\. Use it in the function/,
      () => scan(pass, tf.scalar(0), [tf.zeros([3]), tf.scalar(1)]),
    );
    expectRefusal('non-tensor-output', /^scan: xs is the number 3, but must be a tensor/, () =>
      scan(pass, tf.scalar(0), 3),
    );
    expectRefusal('invalid-argument', /^scan: checkpoint is the number 0, but must be true/, () =>
      scan(pass, tf.scalar(0), tf.zeros([3]), {checkpoint: 0}),
    );
    expectRefusal(
      'tree-mismatch',
      /^scan: carry is float32 \[\], but in iteration 1 the body gave float32 \[2\]\. A carry keeps/,
      () => {
        let k = 0;
        scan(() => [k++ ? tf.zeros([2]) : tf.scalar(1), null], tf.scalar(0), tf.zeros([3]));
      },
    );
    expectRefusal(
      'tree-mismatch',
      /^scan: output\.y is float32 \[1\], but the one stacked at 1 is float32 \[2\]\. The results of all steps are stacked/,
      () => {
        let k = 0;
        scan((c) => [c, {y: tf.zeros([++k])}], tf.scalar(0), tf.zeros([3]));
      },
    );
    expectRefusal(
      'non-tensor-output',
      /^scan: the function must return \[carry, y\] \(y may be null\), but it returned float32 \[\]/,
      () => scan(((c: tf.Tensor) => c) as never, tf.scalar(0), tf.zeros([3])),
    );
    expectRefusal('non-tensor-output', /^scan: y is the number 3, but must be a tensor/, () =>
      scan((c) => [c, 3], tf.scalar(0), tf.zeros([3])),
    );
  });

  it('refuses what a checkpointed step closes over, and says where to put it, however many steps a segment has', () => {
    for (const checkpoint of [true, 1, 4, 5]) {
      expectRefusal(
        'closed-over-tracer',
        /^scan: with checkpoint, the function can't use a tensor traced by grad that is neither in its carry nor in xs: .* Put it in the carry/,
        () =>
          grad((w: tf.Tensor) =>
            tf.sum(
              scan(
                (c, x) => [tf.mul(c, tf.add(w, x)), null],
                tf.scalar(1),
                tf.mul(w, [1, 1, 1, 1]),
                {
                  checkpoint,
                },
              )[0],
            ),
          )(tf.scalar(2)),
      );
    }
  });
});

describeBackends('map', () => {
  it(
    'calls a function with each row, which may read values',
    tidied(() => {
      const xs = tf.tensor2d([
        [1, 2],
        [-3, 1],
        [0, 5],
      ]);
      const f = (x: tf.Tensor): {total: tf.Tensor; parts: tf.Tensor[]} => {
        const total = tf.sum(x);
        return {total, parts: [x, total.dataSync()[0]! > 0 ? total : tf.neg(total)]};
      };
      const {total, parts} = map(f, xs);
      expectTensor(total, [3, -2, 5]);
      expectSame(parts[0]!, tf.clone(xs));
      expectTensor(parts[1]!, [3, 2, 5]);
      expectTensor(
        map(({a, b}) => tf.mul(a, b), {a: tf.tensor1d([1, 2]), b: tf.tensor1d([3, 4])}),
        [3, 8],
      );
    }),
  );

  it(
    'is differentiated and mapped',
    tidied(() => {
      const squares = (x: tf.Tensor): tf.Tensor => map((y) => tf.mul(y, y), x);
      const x = tf.tensor1d([1, 2, 3]);
      expectTensor(grad((y: tf.Tensor) => tf.sum(squares(y)))(x), [2, 4, 6]);
      expectTensor(vmap(squares)(tf.stack([x, tf.neg(x)])), [
        [1, 4, 9],
        [1, 4, 9],
      ]);
      expectTensor(jacfwd(squares)(x), [
        [2, 0, 0],
        [0, 4, 0],
        [0, 0, 6],
      ]);
    }),
  );

  it('refuses rows that it has none of', () => {
    expectRefusal('invalid-argument', /^map: there are no rows: xs has no tensor/, () =>
      map((x) => x, []),
    );
  });
});
