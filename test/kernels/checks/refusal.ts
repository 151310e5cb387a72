import * as tf from '@tensorflow/tfjs-core';
import {TransformError} from '../../../src/index.js';
import {expectAllClose} from '../../support/compare.js';
import {sizeOf, widthOf, type HostTensor} from '../../support/host.js';
import {reference} from '../sample.js';
import {batched, front, looped, vmapped} from './batching.js';
import {
  batchSizes,
  callOf,
  drawExamples,
  evaluate,
  refusesVmap,
  toleranceFor,
  type Check,
} from './check.js';

/** A change to one input that should make most kernels refuse. */
interface Distortion {
  readonly name: string;
  readonly apply: (input: HostTensor) => HostTensor | null;
}

const distortions: readonly Distortion[] = [
  {
    name: 'one dimension too many',
    apply: ({shape, dtype, values}) => ({shape: [1, ...shape], dtype, values}),
  },
  {
    name: 'one dimension too few',
    apply: ({shape, dtype, values}) =>
      shape.length === 0 || values.length === 0
        ? null
        : {
            shape: shape.slice(1),
            dtype,
            values: values.slice(0, sizeOf(shape.slice(1)) * widthOf({dtype})),
          },
  },
  {
    name: 'a last dimension too short',
    apply: ({shape, dtype, values}) => {
      const last = shape.at(-1) ?? 0;
      const shorter = [...shape.slice(0, -1), last - 1];
      return last < 2 || values.length === 0
        ? null
        : {shape: shorter, dtype, values: values.slice(0, sizeOf(shorter) * widthOf({dtype}))};
    },
  },
];

const refusesWhatALoopRefuses: Check = {
  title: 'vmap throws where a loop throws',
  appliesTo: (row) => row.specs.length > 0 && !refusesVmap(row),
  // The kernels of the others may read memory that is not theirs, or end the process; these throw or give garbage.
  only: ['cpu'],
  async run(row) {
    const [size] = batchSizes(row, 1) as [number];
    const mapped = row.specs.map(() => true);
    const mapping = front(mapped);
    const examples = drawExamples(row, mapped, size, 'refusal');
    for (const [place, name] of row.names.entries()) {
      for (const distortion of distortions) {
        const distorted = examples.map((example) =>
          example.map((input, i) => (i === place ? distortion.apply(input) : input)),
        );
        if (distorted.some((example) => example.includes(null))) continue;
        const inputs = distorted as HostTensor[][];
        if (!(await throws(() => evaluate(callOf(row), inputs[0] as HostTensor[])))) continue;
        const before = tf.memory().numTensors;
        if (
          !(await throws(() =>
            evaluate(vmapped(callOf(row), mapping), batched(inputs, mapping.inDims)),
          ))
        ) {
          throw new Error(
            `the plain call throws where ${name} has ${distortion.name}; vmap does not`,
          );
        }
        const left = tf.memory().numTensors - before;
        if (left !== 0) {
          throw new Error(`vmap left ${left} tensors when ${name} had ${distortion.name}`);
        }
      }
    }
  },
};

async function throws(f: () => Promise<unknown>): Promise<boolean> {
  try {
    await f();
    return false;
  } catch {
    return true;
  }
}

/** For rows that the kernel of this backend refuses. A rule may be made of others that it has, and then the result is right. */
export const refused: Check = {
  title: 'the plain call throws, and vmap throws or is right',
  appliesTo: () => true,
  async run(row) {
    const [size] = batchSizes(row, 1) as [number];
    const mapped = row.specs.map(() => true);
    const {inDims, outDims} = front(mapped);
    const examples = drawExamples(row, mapped, size, 'refusal');
    if (!(await throws(() => evaluate(callOf(row), examples[0] as HostTensor[])))) {
      throw new Error('the kernel takes this row now: it is no longer to be marked as refused');
    }
    let actual: HostTensor[];
    try {
      actual = await evaluate(vmapped(callOf(row), {inDims, outDims}), batched(examples, inDims));
    } catch {
      return;
    }
    const expected = await looped(examples, (example) => reference(row, example), outDims);
    expectAllClose(
      actual,
      expected,
      toleranceFor(row, 'primal'),
      'vmap where the plain call throws',
    );
  },
};

const refusesWithAReason: Check = {
  title: 'vmap is refused, with what to do instead',
  appliesTo: (row) => row.specs.length > 0 && refusesVmap(row),
  async run(row) {
    const {inDims} = front(row.specs.map(() => true));
    const examples = drawExamples(
      row,
      row.specs.map(() => true),
      2,
      'refusal',
    );
    const before = tf.memory().numTensors;
    const error = await evaluate(
      vmapped(callOf(row), {inDims, outDims: 0}),
      batched(examples, inDims),
    ).catch((thrown: unknown) => thrown);
    if (
      !(error instanceof TransformError) ||
      error.code !== 'no-batching-rule' ||
      error.kernel !== row.kernel ||
      !/outside vmap/i.test(error.message)
    ) {
      throw new Error(`vmap of it gives ${String(error)}`);
    }
    const left = tf.memory().numTensors - before;
    if (left !== 0) throw new Error(`vmap left ${left} tensors when it refused`);
  },
};

export const refusalChecks: readonly Check[] = [refusesWhatALoopRefuses, refusesWithAReason];
