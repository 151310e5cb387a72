import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import '../../src/index.js';
import type {Repair} from '../../src/kernels/composition.js';
import {repairs} from '../../src/kernels/repairs/index.js';
import type {KernelName} from '../../src/rules/signatures.js';
import {backends, describeBackends, type BackendName} from '../backends.js';
import {drawOne} from '../kernels/checks/check.js';
import {table} from '../kernels/table.js';
import {toTensor} from '../support/host.js';
import {calls, type Call} from './repairs.calls.js';

type Inputs = tf.NamedTensorMap | tf.Tensor[];

function run([kernel, inputs, attrs]: Call): tf.Tensor[] {
  const result = tf
    .engine()
    .runKernel<tf.Tensor | tf.Tensor[]>(kernel, inputs() as never, attrs as tf.NamedAttrMap);
  return Array.isArray(result) ? result : [result];
}

const show = (x: tf.Tensor) => ({shape: x.shape, dtype: x.dtype, values: [...x.dataSync()]});

/** What a repair is asked, and for a row of the table what that runs first. */
interface Question {
  readonly kernel: string;
  readonly inputs: Inputs;
  readonly attrs: object;
}

function firstCall(body: () => void): Question | undefined {
  let asked: Question | undefined;
  const engine = tf.engine() as unknown as Record<string, unknown>;
  engine['runKernel'] = (kernel: string, inputs: Inputs, attrs: object): never => {
    asked = {kernel, inputs, attrs};
    throw new Error('enough is known');
  };
  try {
    body();
  } catch (error) {
    if (asked === undefined) throw error;
  } finally {
    delete engine['runKernel'];
  }
  return asked;
}

/** All calls that are tested on a backend, here and as rows of the table. */
function* testedCalls(backend: BackendName): Generator<Question> {
  for (const [kernel, inputs, attrs] of calls) yield {kernel, inputs: inputs(), attrs};
  for (const row of table) {
    const isLeftOut = [row.faulty, row.skip].some((left) => left?.[backend]);
    if (isLeftOut || row.kernel.startsWith('tf.') || row.specs.length === 0) continue;
    const tensors = drawOne(row, 'kernel').map(toTensor);
    const asked = firstCall(() => row.call(tf, tensors));
    if (asked !== undefined) yield asked;
  }
}

describeBackends('repaired kernels', (backend) => {
  calls.forEach((call, index) => {
    const [kernel, , attrs, expected] = call;
    if (tf.getKernel(kernel, backend) == null) return;
    it(`${kernel} ${JSON.stringify(attrs)} is right (${index})`, () => {
      tf.tidy(() => {
        expect(run(call).map(show)).to.deep.equal(expected().map(show));
      });
    });
  });

  it('are each called, here or by a row of the table, where the backend has it wrong', () => {
    const open = new Map<Repair<KernelName>, string>();
    for (const [kernel, list] of Object.entries(repairs[backend] ?? {})) {
      for (const repair of list as unknown as Repair<KernelName>[]) {
        open.set(repair, `${kernel}: ${repair.wrong}`);
      }
    }
    expect(open.size).to.be.greaterThan(0);
    tf.tidy(() => {
      for (const {kernel, inputs, attrs} of testedCalls(backend)) {
        const list = repairs[backend]?.[kernel as KernelName] as unknown as Repair<KernelName>[];
        const fits = list?.find(({isWrong}) => isWrong(inputs as never, attrs, tf.backend()));
        if (fits !== undefined) open.delete(fits);
      }
    });
    expect([...open.values()]).to.deep.equal([]);
  });

  it('leave nothing behind, not even when they throw', () => {
    const before = tf.memory();
    for (const call of calls) {
      if (tf.getKernel(call[0], backend) == null) continue;
      tf.tidy(() => void run(call));
    }
    // A condition of a shape that fits nothing.
    const wrong = {condition: tf.ones([2, 2], 'bool'), t: tf.ones([3, 2]), e: tf.ones([3, 2])};
    if (backend !== 'tensorflow') {
      expect(() => tf.engine().runKernel('Select', wrong)).to.throw("doesn't fit values of shape");
    }
    tf.dispose(wrong);
    const after = tf.memory();
    expect(after.numTensors).to.equal(before.numTensors);
    expect(after.numDataBuffers).to.equal(before.numDataBuffers);
  });

  it('come back when the backend is removed and registered again', async () => {
    const factory = tf.findBackendFactory(backend);
    // TensorFlow can't be started twice.
    if (backend !== 'tensorflow') {
      tf.removeBackend(backend);
      tf.registerBackend(backend, factory);
      await tf.setBackend(backend);
    }
    const [result] = tf.tidy(() =>
      [
        tf.cumsum(
          tf.tensor2d([
            [1, 2],
            [3, 4],
          ]),
          -2,
        ),
      ].map((x) => [...x.dataSync()]),
    ) as unknown as number[][];
    expect(result).to.deep.equal([1, 2, 4, 6]);
  });
});

describeBackends(
  'repairing a kernel',
  (backend) => {
    const kernel = tf.getKernel('Cumsum', backend);
    const seen: object[] = [];

    /** As if the backend's module ran once more: another kernel takes the place of the repaired one. */
    function registerAgain(): void {
      tf.unregisterKernel('Cumsum', backend);
      tf.registerKernel({
        ...kernel,
        kernelName: 'Cumsum',
        backendName: backend,
        kernelFunc: (call) => {
          seen.push(call);
          return kernel.kernelFunc(call);
        },
      });
    }

    const cumsum = (axis: number) =>
      tf.tidy(() => {
        const x = tf.tensor2d([
          [1, 2],
          [3, 4],
        ]);
        const y = tf
          .engine()
          .runKernel<tf.Tensor>('Cumsum', {x}, {axis, exclusive: false, reverse: false});
        return [...y.dataSync()];
      });

    afterEach(() => {
      tf.unregisterKernel('Cumsum', backend);
      tf.registerKernel(kernel);
      seen.length = 0;
    });

    it('happens when the backend is set, whatever was registered before', async () => {
      registerAgain();
      await tf.setBackend(backend);
      expect(cumsum(-2)).to.deep.equal([1, 2, 4, 6]);
      expect(seen).to.have.length(1);
    });

    it('hands calls that are right to the kernel as they are', async () => {
      registerAgain();
      await tf.setBackend(backend);
      expect(cumsum(1)).to.deep.equal([1, 3, 3, 7]);
      const [call] = seen as {attrs: object; backend: object}[];
      expect(call?.attrs).to.deep.equal({axis: 1, exclusive: false, reverse: false});
      expect(call?.backend).to.equal(tf.backend());
    });

    it('makes tfjs warn of nothing', async () => {
      const {warn} = console;
      const warnings: unknown[] = [];
      console.warn = (...words: unknown[]) => warnings.push(words);
      try {
        registerAgain();
        await tf.setBackend(backend);
        await tf.setBackend(backend);
      } finally {
        console.warn = warn;
      }
      expect(warnings).to.deep.equal([]);
    });
  },
  {only: backends.includes('cpu') ? ['cpu'] : []},
);
