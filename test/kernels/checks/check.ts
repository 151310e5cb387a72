import * as tf from '@tensorflow/tfjs-core';
import {ruleFor} from '../../../src/rules/index.js';
import type {BackendName} from '../../backends.js';
import {environment} from '../../environment.js';
import type {Tolerance} from '../../support/compare.js';
import {read, toTensor, type HostTensor} from '../../support/host.js';
import {derivativeType} from '../../support/differences.js';
import {Random} from '../../support/random.js';
import {differentiable, type Compared, type Sample} from '../sample.js';
import {drawInputs} from '../spec.js';
import {shaderError} from './shaders.js';

/** A function of tensors that gives a list of them, as every row is one. */
export type TensorFunction = (...inputs: tf.Tensor[]) => tf.Tensor[];

/** What is tested of each row, on each backend. */
export interface Check {
  /** What holds: the title of the test. */
  readonly title: string;
  readonly appliesTo: (row: Sample, backend: BackendName) => boolean;
  /** Whether it runs transforms inside transforms: most of the time goes there. */
  readonly nests?: boolean;
  /** Backends that it is for, if not all. */
  readonly only?: readonly BackendName[];
  /** Throws if it does not hold. The backend is the current one. */
  readonly run: (row: Sample) => Promise<void>;
}

/** `SEED=n` draws other numbers. */
export const seed = environment['SEED'] ?? '0';

export function randomFor(row: Sample, ...words: readonly (string | number)[]): Random {
  return new Random(seed, row.kernel, row.label, ...words);
}

/** Samples are of order one; a sum of them that nearly cancels keeps the rounding errors of its terms. */
const smallestScale = 0.5;

/** Float32 rounds to 6e-8; a sum of n products is off by some √n times that, on its largest term. */
const tolerances: {readonly [C in Compared]: Tolerance} = {
  primal: {relative: 2e-6, absolute: 1e-6},
  batching: {relative: 1e-6, absolute: 5e-7},
  derivative: {relative: 4e-6, absolute: 2e-6},
  second: {relative: 2e-5, absolute: 1e-5},
};

export function toleranceFor(row: Sample, compared: Compared): Tolerance {
  const {relative, absolute} = tolerances[compared];
  const slack = row.slack?.[compared] ?? 1;
  return {
    relative: relative * slack,
    absolute: absolute * slack + shaderError(row, compared) / smallestScale,
    smallestScale,
  };
}

/** The inputs of `size` examples; those not mapped are one and the same for all. */
export function drawExamples(
  row: Sample,
  mapped: readonly boolean[],
  size: number,
  purpose: string,
): HostTensor[][] {
  const {names, specs} = row;
  const shared = drawInputs(names, specs, (name) => randomFor(row, purpose, name));
  const fixed = new Map(
    names.flatMap((name, i) => (mapped[i] ? [] : [[name, shared[i] as HostTensor] as const])),
  );
  return Array.from({length: size}, (_, example) =>
    drawInputs(names, specs, (name) => randomFor(row, purpose, name, example), fixed),
  );
}

export function drawOne(row: Sample, purpose: string): HostTensor[] {
  return drawInputs(row.names, row.specs, (name) => randomFor(row, purpose, name));
}

/** Random numbers of both signs, none of them near zero: ones would hide every wrong permutation. */
export function drawLike(tensor: HostTensor, random: Random): HostTensor {
  const {shape, values} = tensor;
  const drawn = Float32Array.from(
    values,
    () => random.uniform(0.3, 1) * (random.next() < 0.5 ? -1 : 1),
  );
  return {shape, dtype: derivativeType(tensor), values: drawn};
}

/** Runs with the inputs as tensors and reads the results; nothing is left behind. */
export async function evaluate(
  f: TensorFunction,
  inputs: readonly HostTensor[],
): Promise<HostTensor[]> {
  return readAndDispose(tf.tidy(() => f(...inputs.map(toTensor))));
}

/** What a check that fails leaves behind is disposed. */
export async function inScope(body: () => Promise<void>): Promise<void> {
  const engine = tf.engine();
  engine.startScope();
  try {
    await body();
  } finally {
    engine.endScope();
  }
}

export async function readAndDispose(tensors: readonly tf.Tensor[]): Promise<HostTensor[]> {
  try {
    return await Promise.all(tensors.map(read));
  } finally {
    tf.dispose([...tensors]);
  }
}

/** Whether the rule of the row's kernel says why it can't be mapped. */
export const refusesVmap = ({kernel}: Sample): boolean =>
  typeof ruleFor(kernel)?.batch === 'object';

export function callOf(row: Sample): TensorFunction {
  return (...inputs) => row.call(tf, inputs);
}

/**
 * The row as a function of its differentiable inputs alone, giving float outputs: the integers among them cast, so that a kernel
 * without a derivative is seen to pass none on.
 */
export function floatFunction(row: Sample, inputs: readonly tf.Tensor[]): TensorFunction {
  return restricted(row, inputs, differentiable(row));
}

/** The same as a function of some of the inputs, the others held at the given values. */
export function restricted(
  row: Sample,
  inputs: readonly tf.Tensor[],
  active: readonly number[],
): TensorFunction {
  return (...xs) => row.call(tf, replaced(inputs, active, xs)).map(asFloat);
}

function replaced<T>(items: readonly T[], places: readonly number[], by: readonly T[]): T[] {
  const result = [...items];
  places.forEach((place, i) => (result[place] = by[i] as T));
  return result;
}

export function asFloat(tensor: tf.Tensor): tf.Tensor {
  return tensor.dtype === 'float32' || tensor.dtype === 'complex64'
    ? tensor
    : tf.cast(tensor, 'float32');
}

/** Batch sizes that no dimension of the row has, so that a mixed-up axis shows. */
export function batchSizes(row: Sample, count: number): number[] {
  const dims = new Set(row.specs.flatMap((spec) => [...spec.shape]));
  const sizes: number[] = [];
  for (let size = 2; sizes.length < count; size++) {
    if (!dims.has(size)) sizes.push(size);
  }
  return sizes;
}

/**
 * Which inputs are mapped: each alone, all together, and up to a handful of the choices between. An input computed from others is
 * mapped where one of these is.
 */
export function choicesOfMapped(row: Sample): boolean[][] {
  const free = row.specs.flatMap((spec, i) => (spec.sources.length === 0 ? [i] : []));
  const subsets: number[][] = [free, ...free.map((i) => [i])];
  if (free.length === 3) {
    subsets.push(...free.map((left) => free.filter((i) => i !== left)));
  } else if (free.length > 3) {
    const random = randomFor(row, 'choices');
    for (let i = 0; i < 3; i++) subsets.push(random.shuffle(free).slice(0, 2 + (i % 2)));
  }
  const choices = subsets.map((subset) =>
    row.specs.map(
      (spec, i) =>
        subset.includes(i) ||
        spec.sources.some((source) => subset.includes(row.names.indexOf(source))),
    ),
  );
  return unique(choices.filter((choice) => choice.includes(true)));
}

function unique<T>(items: readonly T[]): T[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}
