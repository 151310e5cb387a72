import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {elementwise} from '../../src/compile/codegen/elementwise.js';
import {reductions} from '../../src/compile/codegen/gpu/kernels.js';
import {grad, jit} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {callOf, drawOne} from '../kernels/checks/check.js';
import {table} from '../kernels/table.js';
import {dispatches} from '../support/dispatches.js';
import {toTensor} from '../support/host.js';
import {tensorsOf} from '../../src/tree.js';
import {both, compiledOn, expectClose, generated, type F} from './gpuSupport.js';
import {programs} from './programs.js';

const gelu = (x: tf.Tensor): tf.Tensor =>
  tf.mul(tf.mul(x, 0.5), tf.add(1, tf.tanh(tf.mul(0.8, tf.add(x, tf.mul(0.04, tf.pow(x, 3)))))));

describeBackends(
  'programs for GPUs',
  (backend) => {
    const seen = new Set<string>();
    const rows = new Map<string, (typeof table)[number][]>();
    const isGenerated = (kernel: string): boolean => kernel in elementwise || kernel in reductions;
    for (const row of table.filter(({kernel}) => isGenerated(kernel))) {
      rows.set(row.kernel, [...(rows.get(row.kernel) ?? []), row]);
    }
    for (const [kernel, list] of rows) {
      it(`of ${kernel} give what tfjs's own give`, async () => {
        for (const row of list.slice(0, 4)) {
          if (row.faulty?.[backend] !== undefined || tf.getKernel(kernel, backend) == null)
            continue;
          const inputs = drawOne(row, 'compiled').map(toTensor);
          const {given, wanted, compiled} = await both(callOf(row), inputs);
          if (generated(compiled).length > 0) seen.add(kernel);
          expectClose(given, wanted, 2e-5);
        }
      });
    }

    it('are generated for every kernel that generators have code for', () => {
      // What Tile repeats has to have size 1: see below. A cast of float32 to float32 is no call, and the others are of integers.
      const missing = Object.keys({...elementwise, ...reductions}).filter(
        (kernel) =>
          !seen.has(kernel) &&
          !['Cast', 'Tile'].includes(kernel) &&
          tf.getKernel(kernel, backend) != null,
      );
      expect(missing).to.deep.equal([]);
    });

    const special = [0, 1, -1, 0.5, -2.5, 3.5, 7, 30, -30, 1e30, NaN, Infinity, -Infinity];
    // What tfjs's own shaders give for these differs between backends, and from the other backends.
    const unary = ['Abs', 'Exp', 'Log', 'Sqrt', 'Relu', 'Step', 'Sigmoid', 'Round', 'Floor', 'Neg'];
    for (const kernel of unary) {
      it(`of ${kernel} give NaN, infinities and ties as JavaScript does`, async () => {
        // In software, the logarithm of 0 is that of the smallest number.
        const numbers = special.filter((x) => kernel !== 'Log' || x !== 0);
        const x = tf.tensor1d(numbers);
        const f: F = (x) => tf.engine().runKernel<tf.Tensor>(kernel, {x: x!}, {alpha: 0.25});
        const {given} = await both(f, [x]);
        const even = (x: number): number => {
          const below = Math.floor(x);
          const isTie = x - below === 0.5;
          return isTie ? 2 * Math.round(below / 2) : Math.round(x);
        };
        const exact: Record<string, (x: number) => number> = {
          Abs: Math.abs,
          Exp: Math.exp,
          Log: Math.log,
          Sqrt: Math.sqrt,
          Relu: (x) => Math.max(0, x),
          Step: (x) => (Number.isNaN(x) ? x : x > 0 ? 1 : 0.25),
          Sigmoid: (x) => 1 / (1 + Math.exp(-x)),
          Round: even,
          Floor: Math.floor,
          Neg: (x) => -x,
        };
        const wanted = numbers.map((x) => Math.fround(exact[kernel]!(x)));
        expectClose([given[0]!.map((x) => x + 0)], [wanted.map((x) => x + 0)], 1e-4);
      });
    }

    it('take numbers of every size as attributes', async () => {
      const pairs: readonly (readonly [number, number])[] = [
        [-Infinity, 2],
        [-1e-7, 1e30],
        [0, Infinity],
      ];
      for (const [low, high] of pairs) {
        const {given, wanted} = await both(
          (x) => tf.clipByValue(x!, low, high),
          [tf.tensor1d([-3, -1e-8, 0, 1, 5])],
        );
        expectClose(given, wanted, 1e-6);
      }
    });

    it('follow broadcasting along any dimensions, and views', async () => {
      const shapes = [[], [1], [7], [5, 1], [5, 7], [3, 1, 1], [3, 1, 7], [2, 3, 5, 7]];
      for (const left of shapes) {
        for (const right of [[7], [5, 1], [3, 1, 7]]) {
          const inputs = [tf.randomUniform(left, 1, 2), tf.randomUniform(right, 1, 2)];
          const f: F = (a, b) => {
            const product = tf.mul(a!, b!);
            const wide = tf.broadcastTo(b!, product.shape);
            return [
              tf.sqrt(product),
              tf.neg(tf.expandDims(product, 0)),
              tf.exp(a!),
              tf.add(wide, 1),
            ];
          };
          const {given, wanted} = await both(f, inputs);
          expectClose(given, wanted, 1e-5);
        }
      }
    });

    it('take inputs that tfjs has in packed textures, and give inputs to its kernels', async () => {
      const inputs = [tf.randomUniform([5, 6]), tf.randomUniform([6, 7]), tf.randomUniform([7])];
      const f: F = (a, b, c) => {
        const product = tf.add(tf.matMul(a!, b!), c!);
        const hidden = tf.tanh(tf.reshape(tf.matMul(a!, b!), [5, 1, 7]));
        return [
          tf.matMul(gelu(product), tf.transpose(product)),
          hidden,
          tf.sum(tf.exp(product), 0),
        ];
      };
      const {given, wanted} = await both(f, inputs);
      expectClose(given, wanted, 1e-4);
    });

    it('are as few as there are outputs of a chain', async () => {
      const x = tf.randomUniform([4, 6], -1, 1);
      const {given, wanted, compiled} = await both((x) => gelu(x!), [x]);
      expectClose(given, wanted, 1e-5);
      expect(generated(compiled)).to.have.length(1);
      expect(compiled.lowered.steps).to.have.length(1);
      expect(compiled.lowered.steps[0]!.kernels.length).to.be.greaterThan(7);
      expect(compiled.lowered.generator).to.equal(backend === 'webgl' ? 'GLSL' : 'WGSL');
    });

    it('stay within what a shader can read', async () => {
      const make = (): tf.Tensor[] =>
        Array.from({length: 40}, (_, i) => tf.randomUniform([3], i, i + 1));
      const most = backend === 'webgl' ? 15 : 7;
      const halves: F = (...all) => all.reduce((sum, x) => tf.add(tf.mul(sum, 0.5), x));
      const products: F = (...all) => {
        const pairs = all.slice(20).map((x, i) => tf.mul(x, all[i]!));
        return tf.sum(pairs.reduce((sum, x) => tf.sub(x, sum)));
      };
      // What is stored to spare inputs has more elements than the largest, which it reads.
      const shifted: F = (...all) => {
        const largest = tf.max(tf.mul(all[0]!, all[1]!));
        const sum = all
          .slice(2)
          .reduce((sum, x) => tf.sub(tf.mul(sum, 0.5), tf.sub(tf.mul(x, all[0]!), largest)));
        return tf.sum(sum);
      };
      for (const f of [halves, products, shifted]) {
        const {given, wanted} = await both(f, make());
        expectClose(given, wanted, 1e-5);
        const [count, results, mostInputs] = compiledOn(f, make);
        expect(mostInputs).to.be.within(2, most);
        expect(count).to.be.within(2, 12);
        tf.dispose(results);
      }
      const many = Array.from({length: 20}, (_, i) => tf.randomUniform([3], i, i + 1));
      const sum = await both((...all) => tf.addN(all), many);
      expectClose(sum.given, sum.wanted, 1e-5);
    });

    for (const program of programs) {
      it(`compute ${program.name} in fewer dispatches`, async () => {
        tf.engine().startScope('test');
        const {f, args} = program.make() as {f: (...args: unknown[]) => unknown; args: unknown[]};
        const compiled = jit(f);
        compiled(...args);
        const [eager, wanted] = dispatches(() => f(...args));
        const [few, given] = dispatches(() => compiled(...args));
        // WebGL has programs of its own to pack textures, for reshapes, too.
        expect(few).to.be.lessThan(backend === 'webgl' ? eager : eager * 0.7);
        const numbersOf = (tree: unknown): Promise<number[][]> =>
          Promise.all(tensorsOf(tree).map(async (x) => Array.from(await x.data())));
        const numbers = await Promise.all([numbersOf(given), numbersOf(wanted)]);
        expectClose(...numbers, program.tolerance ?? 1e-4);
        compiled.dispose();
        tf.engine().endScope();
      });
    }

    it('run in jit, forward and backward, and leave nothing behind', async () => {
      const x = tf.randomUniform([8, 9], -1, 1);
      const plain = grad((x: tf.Tensor) => tf.sum(gelu(x)));
      const compiled = jit(plain);
      const eager = plain(x);
      const wanted = await eager.data();
      tf.tidy(() => void compiled(x));
      const before = tf.memory().numTensors;
      for (let i = 0; i < 20; i++) tf.tidy(() => void compiled(x));
      expect(tf.memory().numTensors).to.equal(before);
      const result = compiled(x);
      expectClose([Array.from(await result.data())], [Array.from(wanted)], 1e-4);
      compiled.dispose();
      tf.dispose([x, eager, result]);
    });
  },
  {only: ['webgl', 'webgpu'], ignoreBuffers: true},
);
