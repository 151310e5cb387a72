import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import * as compile from '../../src/compile/index.js';
import {customVjp, grad, hessian, jacrev, jvp, makeFx, vjp, vmap} from '../../src/index.js';
import {tensorsOf} from '../../src/tree.js';
import {describeBackends} from '../backends.js';
import {programs} from './programs.js';
import {expectClose, expectError, kernelsOf, tidied, type F} from './support.js';

const {aotFunction, defaultPartition, minCutRematerializationPartition} = compile;
const vector = (...values: number[]): tf.Tensor => tf.tensor1d(values);
const f: F = (x) => tf.sum(tf.mul(tf.sin(x), tf.exp(tf.mul(x, 0.5))));

const partitions = {defaultPartition, minCutRematerializationPartition};

describeBackends('aotFunction', () => {
  for (const [name, partitionFn] of Object.entries(partitions)) {
    for (const program of programs) {
      it(
        `has the values and the gradient of ${program.name} (${name})`,
        tidied((own) => {
          const {f, args} = program.make();
          const plain = f as (...args: unknown[]) => unknown;
          const compiled = own(aotFunction(plain, {partitionFn}));
          expectClose(compiled(...args), plain(...args), program.tolerance);
          const total =
            (f: (...args: unknown[]) => unknown) =>
            (x: unknown): tf.Tensor =>
              tf.addN(tensorsOf(f(x, ...args.slice(1))).map((y) => tf.sum(tf.sin(y))));
          expectClose(grad(total(compiled))(args[0]), grad(total(plain))(args[0]), 1e-3);
          const {joint, forward, backward} = compiled.graphs(...args);
          for (const graph of [joint.graph, forward, backward]) graph.lint();
        }),
      );
    }

    it(
      `is an ordinary function to every transform, to any order (${name})`,
      tidied((own) => {
        const compiled = own(aotFunction(f, {partitionFn}));
        const x = vector(0.3, -0.7);
        const xs = tf.tensor2d([
          [0.3, -0.7],
          [1, 2],
        ]);
        expectClose(compiled(x), f(x));
        expectClose(grad(compiled)(x), grad(f)(x));
        expectClose(hessian(compiled)(x), hessian(f)(x), 1e-4);
        expectClose(jacrev(grad(compiled))(x), hessian(f)(x), 1e-4);
        const thrice = (f: F) =>
          grad((x: tf.Tensor) =>
            tf.sum(tf.sin(grad((x: tf.Tensor) => tf.sum(tf.square(grad(f)(x))))(x))),
          );
        expectClose(thrice(compiled)(x), thrice(f)(x), 1e-4);
        expectClose(
          jvp(compiled, [x], [xs.slice([1, 0], [1, 2]).reshape([2])]),
          jvp(f, [x], [vector(1, 2)]),
        );
        expectClose(vmap(compiled)(xs), vmap(f)(xs));
        expectClose(vmap(grad(compiled))(xs), vmap(grad(f))(xs));
        expectClose(
          grad((xs: tf.Tensor) => tf.sum(vmap(compiled)(xs)))(xs),
          grad((xs: tf.Tensor) => tf.sum(vmap(f)(xs)))(xs),
        );
        const [y, pullback] = vjp(compiled, [x]);
        expectClose([y, pullback(tf.scalar(2))], [f(x), [tf.mul(2, grad(f)(x))]]);
        expectClose(own(makeFx(grad(compiled))(x))(x), grad(f)(x));
        expectClose(own(aotFunction(grad(compiled)))(x), grad(f)(x));
        expectClose(
          grad((x: tf.Tensor) => tf.sum(own(aotFunction(grad(f)))(x)))(x),
          grad((x: tf.Tensor) => tf.sum(grad(f)(x)))(x),
        );
      }),
    );

    it(
      `is an ordinary function to stock tfjs, to second order (${name})`,
      tidied((own) => {
        const compiled = own(aotFunction(f, {partitionFn}));
        const x = vector(0.3, -0.7);
        expectClose(tf.grad(compiled)(x), grad(f)(x));
        expectClose(
          tf.grad(tf.grad(compiled))(x),
          grad((x: tf.Tensor) => tf.sum(grad(f)(x)))(x),
          1e-4,
        );
        expectClose(
          tf.grad((x) => tf.sum(grad(compiled)(x)))(x),
          grad((x: tf.Tensor) => tf.sum(grad(f)(x)))(x),
          1e-4,
        );
        expectClose(tf.grad((x) => tf.sum(vmap(compiled)(x.reshape([2, 1]))))(x), grad(f)(x));
        expectClose(
          grad((x: tf.Tensor) => tf.grad(compiled)(x).sum())(x),
          grad((x: tf.Tensor) => tf.sum(grad(f)(x)))(x),
          1e-4,
        );
      }),
    );
  }

  it(
    'passes derivatives to the variables that the function reads, and sees their new values',
    tidied((own) => {
      const w = own(tf.variable(vector(1, 2)));
      const counts = own(tf.variable(tf.tensor1d([1, 1], 'int32'), false));
      const loss = aotFunction((x: tf.Tensor) =>
        tf.mean(tf.square(tf.sub(tf.mul(tf.mul(w, x), tf.cast(counts, 'float32')), 3))),
      );
      own(loss as {dispose(): void});
      const x = vector(1, 1);
      expectClose(tf.variableGrads(() => loss(x) as tf.Scalar).grads[w.name], vector(-2, -1));
      const optimizer = tf.train.sgd(0.5);
      optimizer.minimize(() => loss(x) as tf.Scalar);
      optimizer.dispose();
      expectClose(w, vector(2, 2.5));
      expectClose(loss(x), tf.scalar(0.625));
      expectClose(grad(loss)(x), vector(-2, -1.25));
      expect(loss.cache.misses).to.equal(1);
      const scaled = (x: tf.Tensor) => grad((x: tf.Tensor) => loss(x))(x);
      const {grads} = tf.variableGrads(() => tf.sum(scaled(x)) as tf.Scalar);
      const by = grad((w: tf.Tensor) =>
        tf.sum(grad((x: tf.Tensor) => tf.mean(tf.square(tf.sub(tf.mul(w, x), 3))))(x)),
      );
      expectClose(grads[w.name], by(vector(2, 2.5)), 1e-4);
    }),
  );

  it(
    'takes and gives trees, integers, unused arguments, and arguments handed back',
    tidied((own) => {
      type Params = {w: tf.Tensor; unused: tf.Tensor};
      const g = ({w}: Params, n: tf.Tensor, power: number) => ({
        y: tf.pow(tf.gather(w, n), power),
        n: tf.add(n, 1),
        w,
      });
      const compiled = own(aotFunction(g));
      const n = tf.tensor1d([1, 1], 'int32');
      const params = {w: vector(2, 3), unused: vector(5)};
      expectClose(compiled(params, n, 2), g(params, n, 2));
      const total = (f: typeof g) => (params: Params) => {
        const {y, w} = f(params, n, 2);
        return tf.add(tf.sum(y), tf.sum(w));
      };
      expectClose(grad(total(compiled))(params), {w: vector(1, 13), unused: vector(0)});
      const result = compiled(params, n, 2);
      expect(result.w).not.to.equal(params.w);
      expectClose(tf.grad((w) => total(compiled)({...params, w}))(params.w), vector(1, 13));
    }),
  );

  it(
    'uses custom gradients, and keeps complex numbers',
    tidied((own) => {
      const seven = customVjp(
        (x: tf.Tensor) => tf.square(x),
        (x: tf.Tensor) => [tf.square(x), null],
        () => [vector(7, 7)],
      );
      const x = vector(1, 2);
      expectClose(grad(own(aotFunction((x: tf.Tensor) => tf.sum(seven(x)))))(x), vector(7, 7));
      const stock = tf.customGrad((x) => ({
        value: tf.square(x as tf.Tensor),
        gradFunc: (dy: tf.Tensor) => tf.mul(dy, 5),
      }));
      expectClose(grad(own(aotFunction((x: tf.Tensor) => tf.sum(stock(x)))))(x), vector(5, 5));
      const power = (z: tf.Tensor) => tf.sum(tf.square(tf.abs(tf.mul(z, z))));
      const z = tf.complex(vector(1, 2), vector(0.5, -1));
      expectClose(grad(own(aotFunction(power)))(z), grad(power)(z));
    }),
  );

  it(
    'compiles once for each form of the arguments, and keeps the last ones',
    tidied((own) => {
      let compiled = 0;
      const counting: compile.Compiler = (graph) => {
        compiled++;
        return compile.nop(graph);
      };
      const g = (x: tf.Tensor, scale: number) => tf.sum(tf.mul(tf.square(x), scale));
      const aot = own(aotFunction(g, {fwCompiler: counting, cacheSize: 2}));
      const by = (n: number, scale: number) =>
        grad((x: tf.Tensor) => aot(x, scale))(tf.ones([n])).dataSync()[0];
      expect(by(1, 2)).to.equal(4);
      expect(by(1, 2)).to.equal(4);
      expect(compiled).to.equal(2);
      expect(by(1, 3)).to.equal(6);
      expect(aot.cache).to.deep.equal({hits: 1, misses: 2, size: 2});
      expect(by(2, 3)).to.equal(6);
      expect(aot.cache.size).to.equal(2);
      expect(by(1, 2)).to.equal(4);
      expect(aot.cache).to.deep.equal({hits: 1, misses: 4, size: 2});
    }),
  );

  it(
    'gives compilers data only',
    tidied((own) => {
      const strict: compile.Compiler = (graph) => {
        const run = compile.nop(graph);
        return (inputs) => {
          for (const input of inputs) input.dataSync();
          return run(inputs);
        };
      };
      const aot = own(aotFunction(f, {fwCompiler: strict}));
      const xs = tf.tensor2d([[0.3, -0.7]]);
      expectClose(vmap(hessian(aot))(xs), vmap(hessian(f))(xs), 1e-4);
      expectClose(grad(aot)(vector(1)), grad(f)(vector(1)));
    }),
  );

  it('refuses what makeFx refuses, and tensors that transforms around it trace', () => {
    const x = vector(1, 2);
    const closing = (w: tf.Tensor): tf.Tensor => {
      const aot = aotFunction((x: tf.Tensor) => tf.sum(tf.mul(x, w)));
      try {
        return aot(x);
      } finally {
        aot.dispose();
      }
    };
    expectError('closed-over-tracer', /aotFunction: .*traced by grad/, () => grad(closing)(x));
    const reading = aotFunction((x: tf.Tensor) => tf.mul(x, x.dataSync()[0]!));
    expectError('value-read', /aotFunction: the value of a captured tensor/, () => reading(x));
    expectError('value-read', /the value of a captured tensor/, () =>
      grad((x: tf.Tensor) => tf.sum(reading(x)))(x),
    );
    x.dispose();
  });

  it('leaks nothing in 1,000 calls, nor when a call fails', () => {
    const x = vector(1, 2);
    const aot = aotFunction(f, {partitionFn: minCutRematerializationPartition});
    grad(aot)(x).dispose();
    aot(x).dispose();
    const before = tf.memory();
    for (let i = 0; i < 500; i++) {
      aot(x).dispose();
      grad(aot)(x).dispose();
    }
    const after = tf.memory();
    expect(after.numTensors).to.equal(before.numTensors);
    expect(after.numDataBuffers).to.equal(before.numDataBuffers);
    const failing = aotFunction(f, {
      bwCompiler: () => () => {
        throw new Error('no reverse pass today');
      },
    });
    expect(() => grad(failing)(x)).to.throw('no reverse pass today');
    const broken = aotFunction(f, {
      fwCompiler: () => {
        throw new Error('no compiler today');
      },
    });
    expect(() => grad(broken)(x)).to.throw('no compiler today');
    for (const each of [aot, failing, broken]) each.dispose();
    x.dispose();
  });

  it(
    'shows its graphs',
    tidied((own) => {
      const {inference, forward, backward} = own(
        aotFunction((x: tf.Tensor) => tf.sum(tf.exp(x))),
      ).graphs(vector(1, 2));
      expect(kernelsOf(inference)).to.deep.equal(['Exp', 'Sum']);
      expect(kernelsOf(forward)).to.deep.equal(['Exp', 'Sum']);
      expect(kernelsOf(backward)).to.deep.equal(['Multiply']);
    }),
  );
});
