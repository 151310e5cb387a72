import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {loadSegment} from '../../src/compile/codegen/tensorflow/segment.js';
import {
  fusingCompiler,
  tensorflowGenerator,
  type FusedFunction,
  type GraphFunction,
  type SegmentGenerator,
} from '../../src/compile/index.js';
import {makeFx, TransformError} from '../../src/index.js';
import {describeBackends} from '../backends.js';
import {callOf, drawOne} from '../kernels/checks/check.js';
import type {Sample} from '../kernels/sample.js';
import {table} from '../kernels/table.js';
import {toTensor} from '../support/host.js';
import {expectClose, readsValues, tidied, type F} from './support.js';

/** Makes a session of whatever can be recorded, where the library's own generator wants several kernels. */
const generator: SegmentGenerator = {...tensorflowGenerator, compileSegment: loadSegment};

const compile = fusingCompiler({generators: [generator]});

const codeOf = ({lowered}: FusedFunction): (string | null)[] => lowered.steps.map(({code}) => code);

/** What a graph can't hold. */
const REFUSED = ['randomness', 'value-dependent-shape'];

/** Captures a row; null for what can't be captured. */
function captured(row: Sample, inputs: readonly tf.Tensor[]): GraphFunction | null {
  try {
    return makeFx(callOf(row))(...inputs) as GraphFunction;
  } catch (error) {
    if (error instanceof TransformError && REFUSED.includes(error.code)) return null;
    throw error;
  }
}

describeBackends(
  'kernels in TensorFlow graphs',
  () => {
    const rows = table.filter(({faulty, skip, refused}) =>
      [faulty, skip, refused].every((left) => left?.tensorflow === undefined),
    );

    const recorded = new Set<string>();
    const refused = new Set<string>();
    const isMissing = (kernel: string): boolean =>
      !kernel.startsWith('tf.') && tf.getKernel(kernel, 'tensorflow') === undefined;

    for (const row of rows) {
      it(
        `${row.kernel} ${row.label} equals tfjs's own`,
        tidied((own) => {
          const inputs = drawOne(row, 'compiled').map(toTensor);
          if (isMissing(row.kernel)) return;
          const graph = captured(row, inputs);
          if (graph === null) {
            refused.add(row.kernel);
            return;
          }
          const compiled = own(compile(own(graph).graph));
          const {kernels} = graph.graph;
          if (!kernels.some(({kernel}) => readsValues.has(kernel))) {
            expect(codeOf(compiled)).not.to.include(null);
          }
          for (const {kernel} of kernels) recorded.add(kernel);
          const [given, wanted] = [compiled(inputs), row.call(tf, inputs)];
          if (wanted.some(({size}) => size === 0)) {
            expect(given.map(({shape}) => shape)).to.deep.equal(wanted.map(({shape}) => shape));
          } else {
            expectClose(given, wanted, 1e-6);
          }
        }),
      );
    }

    it('every kernel of the table that a graph can hold is recorded', () => {
      const kernels = new Set(
        rows.map(({kernel}) => kernel).filter((name) => !name.startsWith('tf.')),
      );
      const isLeft = (kernel: string): boolean =>
        isMissing(kernel) || refused.has(kernel) || readsValues.has(kernel);
      const missing = [...kernels].filter((kernel) => !recorded.has(kernel) && !isLeft(kernel));
      // They take no tensor, or give it back: they are no nodes of a graph.
      const absent = ['Identity', 'Fill', 'Range', 'LinSpace'];
      expect(missing).to.have.members(absent);
    });

    it(
      'NaN, infinities and zeros pass through what TensorFlow simplifies',
      tidied((own) => {
        const f: F = (x) => {
          const zero = tf.mul(x, 0);
          const quotients = [tf.div(x, x), tf.div(0, x), tf.sub(x, x), tf.add(zero, x)];
          const powers = [tf.pow(x, 0), tf.pow(x, 2), tf.mul(tf.sqrt(x), tf.rsqrt(x))];
          const halves = tf.div(tf.mul(tf.add(x, x), 2), 4);
          return tf.stack([zero, ...quotients, ...powers, halves, tf.max(tf.stack([x, zero]), 0)]);
        };
        const x = tf.tensor1d([NaN, Infinity, -Infinity, 0, -0, 1, -1, 1e-40, 5e37]);
        const compiled = own(compile(own(makeFx(f)(x)).graph));
        expect(codeOf(compiled)).to.have.length(1).and.not.include(null);
        expectClose(compiled([x]), [f(x)], 1e-6);
      }),
    );
  },
  {only: ['tensorflow']},
);
