import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import type * as compile from '../../src/compile/index.js';
import {grad, hessian, jit, jvp, makeFx, vmap} from '../../src/index.js';
import {tensorsOf} from '../../src/tree.js';
import {backends, describeBackends, useBackend} from '../backends.js';
import {programs} from './programs.js';
import {expectClose, expectError, tidied, type F} from './support.js';

const vector = (...values: number[]): tf.Tensor => tf.tensor1d(values);
const f: F = (x) => tf.sum(tf.mul(tf.sin(x), tf.exp(tf.mul(x, 0.5))));

/** Softmax, a norm and an activation: reductions in the middle of chains. */
const block: F = (x) => {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const norm = tf.mul(centred, tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), 1e-5)));
  const e = tf.exp(tf.sub(norm, tf.max(norm, -1, true)));
  return tf.sum(tf.mul(tf.tanh(norm), tf.div(e, tf.sum(e, -1, true))));
};

interface Shown {
  readonly generator: string;
  /** The kernels that are computed together. */
  readonly fused: readonly string[];
  readonly code: readonly RegExp[];
}

const elementwise = ['Multiply', 'Tanh', 'Exp'];

/** What `lower` shows of matMul(tanh(2x), exp(x)). */
const shown: Readonly<Record<string, Shown>> = {
  cpu: {
    generator: 'JavaScript',
    fused: elementwise,
    code: [/^function \(in0, in1, out0, out1\) \{/, /fround\(Math\.tanh\(/],
  },
  wasm: {
    generator: 'wasm SIMD',
    fused: elementwise,
    code: [/^\(func \$group \(param i32\)/, /f32x4\.mul/],
  },
  tensorflow: {
    generator: 'TensorFlow graph',
    fused: [...elementwise, 'BatchMatMul'],
    code: [/^x0 = Placeholder\(\)\n/, /Tanh = Tanh\(multiply\/Mul\)/],
  },
};

describeBackends('jit', (backend) => {
  for (const program of programs) {
    it(
      `has the values and the gradient of ${program.name}`,
      tidied((own) => {
        const {f, args} = program.make();
        const plain = f as (...args: unknown[]) => unknown;
        const compiled = own(jit(plain));
        expectClose(compiled(...args), plain(...args), program.tolerance);
        expectClose(compiled(...args), plain(...args), program.tolerance);
        expect(compiled.cache).to.deep.equal({hits: 1, misses: 1, size: 1});
        const total =
          (f: (...args: unknown[]) => unknown) =>
          (x: unknown): tf.Tensor =>
            tf.addN(tensorsOf(f(x, ...args.slice(1))).map((y) => tf.sum(tf.sin(y))));
        expectClose(grad(total(compiled))(args[0]), grad(total(plain))(args[0]), 1e-3);
      }),
    );
  }

  it(
    'compiles vmap, grad and both as well as plain functions',
    tidied((own) => {
      const x = tf.randomUniform([5, 9], -1, 1, 'float32', 3);
      for (const g of [
        block,
        grad(block),
        vmap(block),
        vmap(grad(block)),
        grad((x: tf.Tensor) => tf.sum(grad(f)(x))),
      ]) {
        expectClose(own(jit(g))(x), g(x), 1e-5);
      }
    }),
  );

  it(
    'is an ordinary function to every transform, and to stock tfjs',
    tidied((own) => {
      for (const f of [block, (x: tf.Tensor) => tf.sum(tf.mul(tf.sin(x), tf.exp(x)))]) {
        const compiled = own(jit(f));
        const x = vector(0.3, -0.7, 1.1);
        const xs = tf.tensor2d([
          [0.3, -0.7, 0.2],
          [1, 2, -1],
        ]);
        expectClose(grad(compiled)(x), grad(f)(x));
        expectClose(hessian(compiled)(x), hessian(f)(x), 1e-4);
        expectClose(jvp(compiled, [x], [vector(1, 2, 3)]), jvp(f, [x], [vector(1, 2, 3)]), 1e-4);
        expectClose(vmap(compiled)(xs), vmap(f)(xs));
        expectClose(vmap(grad(compiled))(xs), vmap(grad(f))(xs));
        expectClose(own(makeFx(grad(compiled))(x))(x), grad(f)(x));
        expectClose(own(jit(vmap(grad(compiled))))(xs), vmap(grad(f))(xs));
        expectClose(tf.grad(compiled)(x), grad(f)(x));
        expectClose(
          tf.grad(tf.grad(compiled))(x),
          grad((x: tf.Tensor) => tf.sum(grad(f)(x)))(x),
          1e-4,
        );
      }
    }),
  );

  it(
    'reads variables anew, trains them, and keeps constants',
    tidied((own) => {
      const w = own(tf.variable(vector(1, 2)));
      const shift = vector(3, 3);
      const loss = own(jit((x: tf.Tensor) => tf.mean(tf.square(tf.sub(tf.mul(w, x), shift)))));
      const x = vector(1, 1);
      expectClose(loss(x), tf.scalar(2.5));
      const optimizer = tf.train.sgd(0.5);
      optimizer.minimize(() => loss(x) as tf.Scalar);
      optimizer.dispose();
      expectClose(w, vector(2, 2.5));
      expectClose(loss(x), tf.scalar(0.625));
    }),
  );

  it(
    'takes and gives trees, and hands back arguments as tensors of their own',
    tidied((own) => {
      const g = ({a, n}: {a: tf.Tensor; n: tf.Tensor}, power: number) => ({
        twice: tf.mul(a, 2),
        a,
        same: tf.reshape(a, [3, 1]),
        n: tf.add(n, 1),
        power: tf.pow(a, power),
      });
      const compiled = own(jit(g));
      const args = {a: vector(1, 2, 3), n: tf.tensor1d([1, 2], 'int32')};
      const result = compiled(args, 2);
      expectClose(result, g(args, 2));
      expect(result.a).not.to.equal(args.a);
      tf.dispose(result);
      expectClose(compiled(args, 3), g(args, 3));
      expect(compiled.cache.misses).to.equal(2);
    }),
  );

  it(
    'keeps what was compiled for the last forms of arguments',
    tidied((own) => {
      const compiled = own(jit(block, {cacheSize: 2}));
      for (const n of [1, 2, 3, 2, 3]) expectClose(compiled(tf.ones([n])), block(tf.ones([n])));
      expect(compiled.cache).to.deep.equal({hits: 2, misses: 3, size: 2});
      expectClose(compiled(tf.ones([1])), block(tf.ones([1])));
      expect(compiled.cache.misses).to.equal(4);
    }),
  );

  it(
    'leaves nothing behind in a thousand calls',
    tidied((own) => {
      const compiled = own(jit(block));
      const slope = grad(compiled);
      const x = tf.randomUniform([16, 33]);
      const call = (): void => tf.dispose([compiled(x), slope(x)]);
      const heap = (): number =>
        backend === 'wasm'
          ? (tf.backend() as unknown as {wasm: {HEAPU8: Uint8Array}}).wasm.HEAPU8.length
          : 0;
      for (let i = 0; i < 10; i++) call();
      const before = {memory: tf.memory(), heap: heap()};
      for (let i = 0; i < 1000; i++) call();
      const after = tf.memory();
      expect(after.numTensors).to.equal(before.memory.numTensors);
      expect(after.numDataBuffers).to.equal(before.memory.numDataBuffers);
      expect(after.numBytes).to.equal(before.memory.numBytes);
      expect(heap()).to.equal(before.heap);
    }),
  ).timeout(60_000);

  it(
    'shows what was compiled',
    tidied((own) => {
      const compiled = own(jit((x: tf.Tensor) => tf.matMul(tf.tanh(tf.mul(x, 2)), tf.exp(x))));
      // Large enough for a session of TensorFlow to pay.
      const x = tf.randomUniform([300, 300]);
      const lowered = compiled.lower(x);
      lowered.graph.lint();
      expect(lowered.backend).to.equal(backend);
      expect(lowered.milliseconds).to.be.at.least(0);
      const kernels = lowered.steps.flatMap(({kernels}) => kernels);
      expect(kernels).to.have.members(['Multiply', 'Tanh', 'Exp', 'BatchMatMul']);
      const generated = lowered.steps.filter(({code}) => code !== null);
      const {generator, fused, code} = shown[backend]!;
      expect(lowered.generator).to.equal(generator);
      expect(lowered.reason).to.equal(null);
      expect(generated).to.have.length(1);
      expect(generated[0]!.kernels).to.have.members(fused);
      for (const part of code) expect(generated[0]!.code).to.match(part);
      expectClose(compiled(x), tf.matMul(tf.tanh(tf.mul(x, 2)), tf.exp(x)), 1e-4);
      expect(compiled.cache.misses).to.equal(1);
    }),
  );

  it(
    'has code from the generators that it is given, and tells what each step took',
    tidied((own) => {
      const twice: compile.CodeGenerator = {
        name: 'doubling',
        backend,
        unavailable: () => null,
        roleOf: ({kernel}) => (kernel === 'Neg' || kernel === 'Abs' ? 'elementwise' : null),
        compileGroup: ({nodes}) => ({
          listing: nodes.map(({kernel}) => kernel).join(' '),
          run: ([x]) => [tf.mul(x!, 2)],
        }),
      };
      const steps: compile.StepTime[] = [];
      const g: F = (x) => tf.exp(tf.neg(tf.abs(tf.cos(x))));
      const compiled = own(jit(g, {generators: [twice], onStep: (step) => steps.push(step)}));
      const x = vector(0.3, 0.4);
      expectClose(compiled(x), tf.exp(tf.mul(tf.cos(x), 2)));
      expect(steps.map(({step, generated}) => [step, generated])).to.deep.equal([
        ['Cos', false],
        ['Abs+Neg', true],
        ['Exp', false],
      ]);
      expect(steps.every(({milliseconds}) => milliseconds >= 0)).to.equal(true);
    }),
  );

  it(
    'falls back where a generator can not work, and frees everything when one fails',
    tidied((own) => {
      const x = vector(1, 2);
      const base = {name: 'none', backend, roleOf: () => 'elementwise' as const};
      const absent: compile.CodeGenerator = {
        ...base,
        unavailable: () => 'it is not there',
        compileGroup: () => expect.fail(),
      };
      const g: F = (x) => tf.neg(tf.exp(x));
      const fallen = own(jit(g, {generators: [absent]}));
      expectClose(fallen(x), g(x));
      expect(fallen.lower(x).reason).to.equal('it is not there');
      const failing: compile.CodeGenerator = {
        ...base,
        unavailable: () => null,
        compileGroup: () => {
          throw new Error('no code');
        },
      };
      const before = tf.memory().numTensors;
      const failed = own(jit((x: tf.Tensor) => tf.mul(tf.exp(x), 3), {generators: [failing]}));
      expect(() => failed(x)).to.throw('no code');
      failed.dispose();
      expect(tf.memory().numTensors).to.equal(before);
    }),
  );

  it(
    'refuses what a graph can not hold',
    tidied(() => {
      const x = vector(1, 2);
      expectError('value-read', /jit/, () => jit((x: tf.Tensor) => tf.mul(x, x.dataSync()[0]!))(x));
      expectError('closed-over-tracer', /Pass the tensor as an argument/, () =>
        grad((x: tf.Tensor) => jit((y: tf.Tensor) => tf.sum(tf.mul(x, y)))(tf.ones([2])))(x),
      );
      const gone = vector(1);
      gone.dispose();
      expectError('disposed-tensor', /jit/, () => jit(block)(gone));
    }),
  );
});

describe('jit on several backends', () => {
  it('compiles for each, and moves data', async function () {
    if (!backends.includes('cpu') || !backends.includes('wasm')) this.skip();
    await useBackend('cpu');
    const before = tf.memory().numTensors;
    const shift = tf.tensor1d([1, 2, 3]);
    const compiled = jit((x: tf.Tensor) => tf.tanh(tf.add(x, shift)));
    const x = tf.tensor1d([0.1, 0.2, 0.3]);
    const onCpu = compiled(x);
    await useBackend('wasm');
    const onWasm = compiled(x);
    expectClose(onWasm, onCpu, 1e-6);
    expect(compiled.cache.misses).to.equal(2);
    expect(compiled.lower(x).generator).to.equal('wasm SIMD');
    await useBackend('cpu');
    expectClose(compiled(x), onCpu);
    expect(compiled.cache.misses).to.equal(2);
    compiled.dispose();
    tf.dispose([shift, x, onCpu, onWasm]);
    expect(tf.memory().numTensors).to.be.at.most(before + 1);
  });
});
