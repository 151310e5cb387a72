import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {initialValues, type Specs} from '../../demos/common/options.js';
import type {Demo, DemoOptions, Outcome, Progress} from '../../demos/common/program.js';

/** The time that a rehearsal may take, in ms, where others use the machine too. */
export const LONG = 60_000;

export interface Rehearsal extends Outcome {
  /** How many tensors there were after each step of each stretch of work. */
  readonly tensors: number[][];
}

/** Runs a demo on the backend in use, with some of its options changed. */
export async function rehearse<S extends Specs>(
  demo: Demo<S>,
  changed: Partial<DemoOptions<S>>,
): Promise<Rehearsal> {
  const options = {
    ...initialValues(demo.options),
    backend: tf.getBackend(),
    seed: 'test',
    out: '',
    ...changed,
  } as unknown as DemoOptions<S>;
  const tensors: number[][] = [];
  const progress: Progress = {
    start: () => void tensors.push([]),
    step: () => {
      tensors.at(-1)!.push(tf.memory().numTensors);
      return Promise.resolve(true);
    },
  };
  return {...(await demo.run(options, progress)), tensors};
}

/** No stretch of work may leave a tensor behind in any of its steps. */
export function expectConstantMemory(tensors: readonly (readonly number[])[]): void {
  expect(tensors).to.not.deep.equal([]);
  for (const counts of tensors) expect(new Set(counts).size, counts.join()).to.equal(1);
}

/** That a file is a picture, with no number in it that is none. */
export function expectSvg(svg: unknown): void {
  expect(svg).to.be.a('string');
  expect(svg).to.match(/^<svg /);
  expect(svg).to.not.contain('NaN');
}

/** The numbers of a tensor. */
export const numbersOf = (tensor: tf.Tensor): number[] => [...tensor.dataSync()];

/** The largest difference between two tensors, relative to the largest number of the second. */
export const distance = (actual: tf.Tensor, expected: tf.Tensor): number =>
  tf.tidy(() => {
    expect(actual.shape).to.deep.equal(expected.shape);
    const largest = (x: tf.Tensor): number => tf.max(tf.abs(x)).dataSync()[0]!;
    return largest(tf.sub(actual, expected)) / largest(expected);
  });
