import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {exportSavedModel} from '../../src/compile/index.js';
import {MessageWriter} from '../../src/compile/tensorflow/protobuf.js';
import {grad, hessian, vmap} from '../../src/index.js';
import {tensorsOf} from '../../src/tree.js';
import {describeBackends} from '../backends.js';
import {programs} from './programs.js';
import {expectClose, expectError, tidied, type F} from './support.js';

type Node = (typeof import('@tensorflow/tfjs-node'))['node'];

/** Runs a test with a directory that is gone afterwards. */
const inDirectory = (body: (directory: string) => void | Promise<void>) => async () => {
  const parent = mkdtempSync(path.join(tmpdir(), 'savedModel-'));
  tf.engine().startScope('test');
  try {
    await body(path.join(parent, 'model'));
  } finally {
    tf.engine().endScope();
    rmSync(parent, {recursive: true});
  }
};

const load = async (): Promise<Node> => (await import('@tensorflow/tfjs-node')).node;

/** Runs a model in tfjs-node, by the names of its signature. */
async function run(
  directory: string,
  inputs: tf.NamedTensorMap,
  signature = 'serving_default',
): Promise<tf.NamedTensorMap> {
  const model = await (await load()).loadSavedModel(directory, ['serve'], signature);
  try {
    return model.predict(inputs) as tf.NamedTensorMap;
  } finally {
    model.dispose();
  }
}

const named = (names: readonly string[], tensors: readonly tf.Tensor[]): tf.NamedTensorMap =>
  Object.fromEntries(names.map((name, index) => [name, tensors[index]!]));

describeBackends(
  'exportSavedModel',
  () => {
    for (const {name, make, tolerance} of programs) {
      it(
        `writes ${name} as tf.node.loadSavedModel reads it`,
        inDirectory(async (directory) => {
          const {f, args} = make();
          const plain = f as (...args: unknown[]) => unknown;
          const {inputs, outputs} = exportSavedModel(plain, args, directory);
          const results = await run(directory, named(Object.keys(inputs), tensorsOf(args)));
          const given = Object.keys(outputs).map((name) => results[name]!);
          expectClose(given, tensorsOf(plain(...args)), tolerance);
        }),
      );
    }

    it(
      'names arguments and results by their places',
      inDirectory(async (directory) => {
        const f = (
          {w, 'a b': [b]}: {w: tf.Tensor; 'a b': [tf.Tensor]},
          power: number,
          x: tf.Tensor,
        ) => ({
          y: tf.pow(tf.mul(w, x), power),
          list: [tf.add(x, b), x],
        });
        const args: Parameters<typeof f> = [
          {w: tf.tensor1d([1, 2]), 'a b': [tf.scalar(3)]},
          2,
          tf.tensor1d([4, 5]),
        ];
        const written = exportSavedModel(f, args, directory, {signature: 'f'});
        const float = (...shape: number[]) => ({shape, dtype: 'float32'});
        expect(written).to.deep.equal({
          signature: 'f',
          inputs: {arg0_w: float(2), arg0_a_b_0: float(), arg2: float(2)},
          outputs: {result_y: float(2), result_list_0: float(2), result_list_1: float(2)},
        });
        const [info] = await (await load()).getMetaGraphsFromSavedModel(directory);
        expect(info!.tags).to.deep.equal(['serve']);
        const read = info!.signatureDefs['f']!;
        expect(read.inputs['arg0_w']).to.include({dtype: 'float32', name: 'arg0_w:0'});
        expect(read.outputs['result_y']).to.include({dtype: 'float32', name: 'result_y:0'});
        const results = await run(
          directory,
          named(Object.keys(written.inputs), tensorsOf(args)),
          'f',
        );
        const expected = f(...args);
        expectClose(results['result_y'], expected.y);
        expectClose([results['result_list_0'], results['result_list_1']], expected.list);
      }),
    );

    it(
      'gives names that collide numbers',
      inDirectory(async (directory) => {
        const f = ({a, a_b}: {a: {b: tf.Tensor}; a_b: tf.Tensor}) => tf.sub(a.b, a_b);
        const args: Parameters<typeof f> = [{a: {b: tf.scalar(5)}, a_b: tf.scalar(3)}];
        const {inputs} = exportSavedModel(f, args, directory);
        expect(Object.keys(inputs)).to.deep.equal(['arg0_a_b', 'arg0_a_b_1']);
        const {result} = await run(directory, named(Object.keys(inputs), tensorsOf(args)));
        expectClose(result, tf.scalar(2));
      }),
    );

    it(
      'writes constants of any type and size, and variables with their values',
      inDirectory(async (directory) => {
        const large = tf.range(0, 20_000);
        const chosen = tf.tensor1d([true, false, true], 'bool');
        const shift = tf.tensor1d([-1, 0, 2 ** 30], 'int32');
        const phase = tf.complex(tf.tensor1d([0, 1, 2]), tf.tensor1d([1, 0, -1]));
        const w = tf.variable(tf.tensor1d([1, 2, 3]));
        const f: F = (x) =>
          tf.addN([
            tf.mul(w, x),
            tf.where(chosen, x, tf.neg(x)),
            tf.cast(tf.add(tf.cast(x, 'int32'), shift), 'float32'),
            tf.real(tf.mul(phase, tf.complex(x, x))),
            tf.mul(x, tf.mean(tf.mul(large, tf.sum(x)))),
          ]);
        const x = tf.tensor1d([1, 2, 3]);
        const expected = f(x);
        exportSavedModel(f, [x], directory);
        w.assign(tf.zeros([3]));
        expectClose((await run(directory, {arg0: x}))['result'], expected);
        w.dispose();
      }),
    );

    it(
      'replaces a model, and hands arguments and constants on',
      inDirectory(async (directory) => {
        const x = tf.scalar(1);
        exportSavedModel((x: tf.Tensor) => tf.exp(x), [x], directory);
        const kept = tf.scalar(7);
        exportSavedModel((x: tf.Tensor) => [x, kept, x], [x], directory);
        const results = await run(directory, {arg0: x});
        expectClose([results['result_0'], results['result_1'], results['result_2']], [x, kept, x]);
        expect(existsSync(path.join(directory, 'variables'))).to.equal(false);
      }),
    );

    it(
      'writes derivatives of any order',
      inDirectory(async (directory) => {
        const f = (x: tf.Tensor): tf.Tensor => tf.sum(tf.pow(tf.sin(x), 2));
        const x = tf.tensor2d([
          [0.5, 1],
          [0, 2],
        ]);
        for (const g of [vmap(hessian(f)), grad((x: tf.Tensor) => tf.sum(vmap(grad(f))(x)))]) {
          exportSavedModel(g, [x], directory);
          expectClose((await run(directory, {arg0: x}))['result'], g(x));
        }
      }),
    );

    it(
      'writes models of tf.layers as functions of their inputs',
      inDirectory(async (directory) => {
        const model = tf.sequential({
          layers: [
            tf.layers.conv1d({inputShape: [6, 3], filters: 4, kernelSize: 3, activation: 'relu'}),
            tf.layers.batchNormalization(),
            tf.layers.lstm({units: 4}),
            tf.layers.dropout({rate: 0.5}),
            tf.layers.dense({units: 5, activation: 'softmax'}),
          ],
        });
        const x = tf.randomNormal([2, 6, 3], 0, 1, 'float32', 1);
        exportSavedModel((x: tf.Tensor) => model.apply(x) as tf.Tensor, [x], directory);
        expectClose((await run(directory, {arg0: x}))['result'], model.predict(x));
        model.dispose();
      }),
    );

    it(
      'writes the same bytes each time, and keeps nothing',
      inDirectory((directory) => {
        const {f, args} = programs[1]!.make();
        const plain = f as (...args: unknown[]) => unknown;
        const before = tf.memory();
        const [first, second] = [0, 1].map(() => {
          exportSavedModel(plain, args, directory);
          return readFileSync(path.join(directory, 'saved_model.pb'));
        });
        expect(first!.equals(second!)).to.equal(true);
        expect(tf.memory().numTensors).to.equal(before.numTensors);
        expect(tf.memory().numDataBuffers).to.equal(before.numDataBuffers);
      }),
    );

    it(
      'refuses a kernel that is none of TensorFlow’s ops, by name, and what no graph can hold',
      inDirectory((directory) => {
        const x = tf.tensor1d([1, 2]);
        tf.registerKernel({
          kernelName: 'Own',
          backendName: 'tensorflow',
          kernelFunc: ({inputs, backend}) => {
            const values = (backend as tf.KernelBackend).readSync(
              inputs['x']!.dataId,
            ) as Float32Array;
            return tf.tensor1d(values.map((value) => value * 2));
          },
        });
        try {
          const own: F = (x) => tf.engine().runKernel('Own', {x});
          const f: F = (x) => tf.add(own(tf.sin(x)), 1);
          expectError(
            'not-exportable',
            /exportSavedModel: kernel 'Own' of float32 \[2\] can't be written .*: it reads a value of its inputs/,
            () => exportSavedModel(f, [x], directory),
          );
        } finally {
          tf.unregisterKernel('Own', 'tensorflow');
        }
        expectError('value-read', /exportSavedModel/, () =>
          exportSavedModel((x: tf.Tensor) => tf.mul(x, x.dataSync()[0]!), [x], directory),
        );
        expect(existsSync(directory)).to.equal(false);
      }),
    );

    it(
      'says so where it can not write',
      inDirectory((directory) => {
        writeFileSync(directory, 'a file');
        const before = tf.memory().numTensors;
        const x = tf.scalar(1);
        expect(() => exportSavedModel((x: tf.Tensor) => tf.exp(x), [x], directory)).to.throw(
          /EEXIST|ENOTDIR/,
        );
        expect(tf.memory().numTensors).to.equal(before + 1);
      }),
    );
  },
  {only: ['tensorflow']},
);

describeBackends(
  'exportSavedModel without TensorFlow',
  (backend) => {
    it(
      'says which backend it takes',
      tidied(() => {
        const x = tf.scalar(1);
        expectError(
          'not-exportable',
          new RegExp(`the backend in use is '${backend}'.*await tf.setBackend\\('tensorflow'\\)`),
          () => exportSavedModel((x: tf.Tensor) => tf.exp(x), [x], 'nowhere'),
        );
      }),
    );
  },
  {only: ['cpu', 'wasm']},
);

describe('the writer of protocol buffers', () => {
  const bytesOf = (write: (message: MessageWriter) => void): number[] => {
    const message = new MessageWriter();
    write(message);
    return [...message.finish()];
  };

  it('writes integers, floats, texts and messages as the format says', () => {
    // The examples of protobuf.dev/programming-guides/encoding.
    expect(bytesOf((message) => message.integer(1, 150))).to.deep.equal([0x08, 0x96, 0x01]);
    expect(bytesOf((message) => message.text(2, 'testing'))).to.deep.equal([
      0x12, 7, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67,
    ]);
    expect(
      bytesOf((message) => message.message(3, (inner) => inner.integer(1, 150))),
    ).to.deep.equal([0x1a, 3, 0x08, 0x96, 0x01]);
    const minusTwo = [0x08, 0xfe, ...new Array<number>(8).fill(0xff), 0x01];
    expect(bytesOf((message) => message.integer(1, -2))).to.deep.equal(minusTwo);
    expect(bytesOf((message) => message.float(4, 1))).to.deep.equal([0x25, 0, 0, 0x80, 0x3f]);
    expect(bytesOf((message) => message.integer(16, true))).to.deep.equal([0x80, 0x01, 1]);
  });
});
