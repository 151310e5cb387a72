import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {fusingCompiler, type FusedFunction} from '../../src/compile/index.js';
import {jit, makeFx} from '../../src/index.js';
import {dispatches} from '../support/dispatches.js';

export type F = (...inputs: tf.Tensor[]) => tf.Tensor | tf.Tensor[];

/** Runs a function's graph, compiled without passes, and the function itself, and gives the numbers of both. */
export async function both(
  f: F,
  inputs: readonly tf.Tensor[],
): Promise<{given: number[][]; wanted: number[][]; compiled: FusedFunction}> {
  const graph = makeFx(f)(...inputs);
  const compiled = fusingCompiler()(graph.graph);
  const results = [compiled(inputs), [tf.tidy(() => f(...inputs))].flat()] as const;
  results[0].forEach((result, index) => {
    expect(result.shape).to.deep.equal(results[1][index]!.shape);
    expect(result.dtype).to.equal(results[1][index]!.dtype);
  });
  const numbersOf = (tensors: readonly tf.Tensor[]): Promise<number[][]> =>
    Promise.all(tensors.map(async (x) => Array.from(await x.data())));
  const [given, wanted] = [await numbersOf(results[0]), await numbersOf(results[1])];
  tf.dispose([...results[0], ...results[1], ...inputs]);
  graph.dispose();
  return {given, wanted, compiled};
}

export function expectClose(given: number[][], wanted: number[][], tolerance: number): void {
  expect(given.length).to.equal(wanted.length);
  wanted.forEach((numbers, output) =>
    numbers.forEach((value, i) => {
      const actual = given[output]![i];
      const show = `output ${output}, element ${i}`;
      if (!Number.isFinite(value)) expect(actual, show).to.deep.equal(value);
      else expect(actual, show).to.be.closeTo(value, tolerance * Math.max(1, Math.abs(value)));
    }),
  );
}

/** Programs that tfjs runs for a graph: steps of generated code are one for each output. */
export const generated = ({lowered}: FusedFunction): string[] =>
  lowered.steps.flatMap(({code}) => (code === null ? [] : [code]));

/**
 * Compiles a function, and counts programs as `dispatches` does, with inputs that are on the device and that no kernel of tfjs has seen: on
 * WebGL these pack them, and take a program to bring them there.
 */
export function compiledOn(
  f: F,
  make: () => tf.Tensor[],
): [count: number, result: tf.Tensor | tf.Tensor[], mostInputs: number] {
  const compiled = jit(f);
  tf.tidy(() => void compiled(...make()));
  const inputs = make();
  tf.tidy(() => void compiled(...inputs));
  const counted = dispatches(() => compiled(...inputs) as tf.Tensor | tf.Tensor[]);
  compiled.dispose();
  tf.dispose(inputs);
  return counted;
}
