import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import type {Graph, GraphFunction} from '../../src/compile/index.js';
import {constantsOfCode} from '../../src/compile/index.js';
import {makeFx, TransformError} from '../../src/index.js';
import {borrowed} from '../../src/kernels/borrowed.js';
import {tensorsOf} from '../../src/tree.js';
import type {Program} from './programs.js';

export type F = (x: tf.Tensor) => tf.Tensor;

/** Runs a test's body and disposes of all that it made, graphs by `dispose`. */
export const tidied =
  (body: (own: <T extends {dispose(): void}>(thing: T) => T) => void): (() => void) =>
  () => {
    const owned: {dispose(): void}[] = [];
    tf.engine().startScope('test');
    try {
      body((thing) => {
        owned.push(thing);
        return thing;
      });
    } finally {
      for (const thing of owned) thing.dispose();
      tf.engine().endScope();
    }
  };

/** Compares trees of tensors, number by number. */
export function expectClose(actual: unknown, expected: unknown, tolerance = 1e-5): void {
  const [given, wanted] = [tensorsOf(actual), tensorsOf(expected)];
  expect(given.length).to.equal(wanted.length);
  given.forEach((tensor, index) => {
    const other = wanted[index]!;
    expect(tensor.shape).to.deep.equal(other.shape);
    expect(tensor.dtype).to.equal(other.dtype);
    const [a, e] = [tensor.dataSync(), other.dataSync()];
    expect(e.length).to.be.greaterThan(0);
    e.forEach((value, i) => {
      if (!Number.isFinite(value)) expect(a[i]).to.deep.equal(value);
      else expect(a[i]).to.be.closeTo(value, tolerance * Math.max(1, Math.abs(value)));
    });
  });
}

export function expectError(code: string, message: RegExp, call: () => unknown): void {
  const before = tf.memory().numTensors;
  expect(call).to.throw(TransformError, message).with.property('code', code);
  expect(tf.memory().numTensors).to.equal(before);
}

/** A program, captured. */
export function captured(program: Program): {
  graph: GraphFunction;
  args: unknown[];
  expected: unknown;
} {
  const {f, args} = program.make();
  const plain = f as (...args: unknown[]) => unknown;
  return {graph: makeFx(plain)(...args), args, expected: plain(...args)};
}

/** Runs the text of a graph. */
export function evaluate(graph: Graph, code: string, inputs: readonly tf.Tensor[]): tf.Tensor[] {
  const run = new Function(`return ${code}`)() as (...args: unknown[]) => tf.Tensor[];
  return run(tf, inputs, constantsOfCode(graph));
}

/** The names of a graph's kernels, in order. */
export const kernelsOf = (graph: Graph): string[] => graph.kernels.map(({kernel}) => kernel);

/** Kernels that compute in JavaScript on the tensorflow backend, or read numbers there: no graph of TensorFlow holds them. */
export const readsValues: ReadonlySet<string | undefined> = new Set([
  ...borrowed['tensorflow']!,
  'RotateWithOffset',
  'StaticRegexReplace',
]);
