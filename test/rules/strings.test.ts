import * as tf from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {TransformError, vmap} from '../../src/index.js';
import {describeBackends, type BackendName} from '../backends.js';

/** Strings under vmap: what works string by string, or moves strings, is mapped. */
const words = () =>
  tf.tensor2d(
    [
      ['one', 'two'],
      ['three', 'four'],
      ['one', 'six'],
    ],
    [3, 2],
    'string',
  );

interface Case {
  readonly op: string;
  readonly kernel: string;
  readonly f: (x: tf.Tensor) => tf.Tensor;
  readonly expected: (example: string[]) => unknown;
  /** Backends on which a kernel that it takes is missing or fails on strings. */
  readonly without?: readonly BackendName[];
}

const bucket = (word: string): number =>
  tf.tidy(() => tf.string.stringToHashBucketFast([word], 10).arraySync() as number[])[0]!;

const cases: readonly Case[] = [
  {
    op: 'string.staticRegexReplace',
    kernel: 'StaticRegexReplace',
    f: (x) => tf.string.staticRegexReplace(x, 'o', '0', true),
    expected: (example) => example.map((word) => word.replaceAll('o', '0')),
  },
  {
    op: 'string.stringToHashBucketFast',
    kernel: 'StringToHashBucketFast',
    f: (x) => tf.string.stringToHashBucketFast(x, 10),
    expected: (example) => example.map(bucket),
  },
  {
    op: 'equal',
    kernel: 'Equal',
    f: (x) => tf.equal(x, tf.tensor1d(['one', 'four'], 'string')),
    expected: ([a, b]) => [Number(a === 'one'), Number(b === 'four')],
    without: ['wasm', 'tensorflow'],
  },
  {
    op: 'reshape',
    kernel: 'Reshape',
    f: (x) => tf.reshape(x, [2, 1]),
    expected: (example) => example.map((word) => [word]),
  },
  {
    op: 'concat',
    kernel: 'Concat',
    f: (x) => tf.concat([x, x]),
    expected: (example) => [...example, ...example],
  },
  {
    op: 'slice',
    kernel: 'Slice',
    f: (x) => tf.slice(x, [1], [1]),
    expected: ([, b]) => [b],
  },
];

describeBackends('strings under vmap', (backend) => {
  for (const {op, kernel, f, expected, without} of cases) {
    it(op, function () {
      if (tf.getKernel(kernel, backend) === undefined || without?.includes(backend)) this.skip();
      const x = words();
      const result = vmap(f)(x);
      expect(result.arraySync()).to.deep.equal(
        (x.arraySync() as unknown as string[][]).map(expected),
      );
      tf.dispose([x, result]);
    });
  }
});

describeBackends(
  'strings whose number depends on values',
  () => {
    it('are refused, with what to do', () => {
      const x = words();
      expect(() =>
        vmap((row: tf.Tensor) => tf.string.stringSplit(row as tf.Tensor1D, ' ').values)(x),
      )
        .to.throw(TransformError)
        .with.property('message')
        .match(/^vmap: no batching rule for kernel 'StringSplit'.*padded to one length/);
      x.dispose();
    });
  },
  {only: ['cpu']},
);
