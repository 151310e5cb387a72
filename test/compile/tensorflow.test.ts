import {readdirSync} from 'node:fs';
import {tmpdir} from 'node:os';
import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {grad, jit, vmap} from '../../src/index.js';
import {backends, describeBackends, useBackend} from '../backends.js';
import {programs} from './programs.js';
import {expectClose, tidied, type F} from './support.js';

interface Sessions {
  getNumOfSavedModels(): number;
  getNumOfTFTensors(): number;
}

const inTensorFlow = (): Sessions => tf.backend() as unknown as Sessions;

const temporary = (): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith('tfjs-functorch-graph-'));

/** Enough kernels for a session to pay. */
const long: F = (x) => {
  let y = x;
  for (let i = 0; i < 5; i++) y = tf.mul(tf.sin(y), tf.add(x, i));
  return y;
};

/** Registers a kernel of somebody's own while `body` runs. */
function withKernel(kernelFunc: tf.KernelFunc, body: (own: F) => void): void {
  tf.registerKernel({kernelName: 'Own', backendName: 'tensorflow', kernelFunc});
  try {
    body((x) => tf.engine().runKernel('Own', {x}));
  } finally {
    tf.unregisterKernel('Own', 'tensorflow');
  }
}

describeBackends(
  'jit by TensorFlow graphs',
  () => {
    for (const program of programs) {
      it(
        `runs ${program.name} as one graph`,
        tidied((own) => {
          const {f, args} = program.make();
          const compiled = own(jit(f as (...args: unknown[]) => unknown));
          const {steps, milliseconds} = compiled.lower(...args);
          expect(steps).to.have.length(1);
          expect(steps[0]!.code).to.include('Placeholder()');
          expect(milliseconds).to.be.greaterThan(0);
        }),
      );
    }

    it(
      'frees sessions, TensorFlow’s tensors and files',
      tidied((own) => {
        const x = tf.linspace(0, 1, 7);
        const before = [inTensorFlow().getNumOfSavedModels(), inTensorFlow().getNumOfTFTensors()];
        const compiled = own(jit(long));
        tf.dispose(compiled(x));
        expect(inTensorFlow().getNumOfSavedModels()).to.equal(before[0]! + 1);
        expect(temporary()).to.deep.equal([]);
        compiled.dispose();
        const after = [inTensorFlow().getNumOfSavedModels(), inTensorFlow().getNumOfTFTensors()];
        expect(after).to.deep.equal(before);
      }),
    );

    it(
      'leaves short graphs of small tensors to the kernels',
      tidied((own) => {
        const f: F = (x) => tf.sin(tf.mul(x, tf.add(x, 1)));
        const steps = (x: tf.Tensor) => own(jit(f)).lower(x).steps;
        expect(steps(tf.ones([3])).map(({code}) => code)).to.deep.equal([null, null, null]);
        expect(steps(tf.ones([2 ** 17]))).to.have.length(1);
      }),
    );

    it(
      'runs kernels that read values by themselves, between graphs',
      tidied((own) => {
        const reads: tf.KernelFunc = ({inputs, backend}) =>
          tf.scalar(
            Math.max(
              ...((backend as tf.KernelBackend).readSync(inputs['x']!.dataId) as Float32Array),
            ),
          );
        withKernel(reads, (largest) => {
          const f: F = (x) => long(tf.add(largest(long(x)), x));
          const compiled = own(jit(f));
          const [x, other] = [tf.tensor1d([1, 2, 3]), tf.tensor1d([-5, 0.5, 2])];
          const {steps} = compiled.lower(x);
          expect(steps.map(({code}) => code !== null)).to.deep.equal([true, false, true]);
          expectClose(compiled(x), f(x), 1e-5);
          expectClose(compiled(other), f(other), 1e-5);
        });
      }),
    );

    it(
      'runs kernel by kernel what TensorFlow does not load',
      tidied((own) => {
        interface Backend {
          executeSingleOutput(op: string, attrs: object[], inputs: tf.TensorInfo[]): tf.TensorInfo;
        }
        // An eager call infers the attribute T.
        const withoutType: tf.KernelFunc = ({inputs, backend}) =>
          (backend as unknown as Backend).executeSingleOutput('Sin', [], [inputs['x']!]);
        withKernel(withoutType, (sine) => {
          const f: F = (x) => sine(long(x));
          const compiled = own(jit(f));
          const x = tf.tensor1d([1, 2, 3]);
          expectClose(compiled(x), f(x));
          expect(compiled.lower(x).steps.every(({code}) => code === null)).to.equal(true);
        });
      }),
    );

    it(
      'says what is wrong with values, and keeps nothing',
      tidied((own) => {
        const f = (x: tf.Tensor, i: tf.Tensor): tf.Tensor => tf.gather(long(x), i as tf.Tensor1D);
        const compiled = own(jit(f));
        const x = tf.linspace(0, 1, 5);
        const [right, wrong] = [tf.tensor1d([4, 0], 'int32'), tf.tensor1d([0, 5], 'int32')];
        expectClose(compiled(x, right), f(x, right));
        const before = tf.memory().numTensors;
        expect(() => compiled(x, wrong)).to.throw(/\b5 is not in \[0, 5\)/);
        expect(tf.memory().numTensors).to.equal(before);
        expectClose(compiled(x, right), f(x, right));
      }),
    );

    it(
      'computes with integers and booleans, and gives arguments and constants back',
      tidied((own) => {
        const kept = tf.tensor1d([1, 2], 'int32');
        const f = (a: tf.Tensor, b: tf.Tensor) => {
          const sum = tf.add(tf.floorDiv(a, b), tf.mod(a, b));
          const isLess = tf.logicalAnd(tf.less(a, b), tf.logicalNot(tf.equal(a, kept)));
          const chosen = tf.where(isLess, a, tf.mul(sum, kept));
          return [sum, isLess, chosen, tf.cast(chosen, 'float32'), a, kept, tf.reshape(b, [2, 1])];
        };
        const [a, b] = [tf.tensor1d([-7, 9], 'int32'), tf.tensor1d([3, -4], 'int32')];
        const compiled = own(jit(f));
        expect(compiled.lower(a, b).steps.some(({code}) => code !== null)).to.equal(true);
        expectClose(compiled(a, b), f(a, b), 0);
      }),
    );

    it(
      'holds small constants in the graph, and is given large ones',
      tidied((own) => {
        const [small, large] = [tf.ones([8]), tf.range(0, 2 ** 19)];
        const f: F = (x) => tf.add(tf.sum(tf.mul(large, tf.sum(long(tf.mul(x, small))))), x);
        const compiled = own(jit(f));
        const x = tf.scalar(0.1);
        const {code} = compiled.lower(x).steps[0]!;
        expect(code!.match(/Placeholder\(\)/g)).to.have.length(2);
        expectClose(compiled(x), f(x), 1e-3);
      }),
    );

    it(
      'records a kernel anew where another one has its name',
      tidied((own) => {
        const shift =
          (by: number): tf.KernelFunc =>
          ({inputs}) =>
            tf.add(inputs['x'] as tf.Tensor, by);
        for (const by of [1, 2]) {
          withKernel(shift(by), (shifted) => {
            const f: F = (x) => shifted(long(x));
            expectClose(own(jit(f))(tf.ones([3])), f(tf.ones([3])));
          });
        }
      }),
    );

    it(
      'compiles what transforms make of a function as one graph',
      tidied((own) => {
        const f = vmap(grad((x: tf.Tensor) => tf.sum(long(x))));
        const x = tf.tensor2d([
          [1, 2],
          [3, 4],
          [5, 6],
        ]);
        const compiled = own(jit(f));
        expect(compiled.lower(x).steps).to.have.length(1);
        expectClose(compiled(x), f(x), 1e-4);
      }),
    );
  },
  {only: ['tensorflow']},
);

describe('jit by TensorFlow graphs, of data elsewhere', () => {
  it('moves arguments and constants to TensorFlow', async function () {
    if (!backends.includes('cpu') || !backends.includes('tensorflow')) this.skip();
    await useBackend('cpu');
    const [x, shift] = [tf.tensor1d([0.1, 0.2]), tf.tensor1d([1, 2])];
    const f: F = (x) => long(tf.add(x, shift));
    const expected = f(x);
    await useBackend('tensorflow');
    const compiled = jit(f);
    const given = compiled(x);
    expect(compiled.lower(x).steps).to.have.length(1);
    expectClose(given, expected, 1e-6);
    compiled.dispose();
    tf.dispose([x, shift, expected, given]);
  });
});
