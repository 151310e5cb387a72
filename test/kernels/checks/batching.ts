import * as tf from '@tensorflow/tfjs-core';
import {vmap} from '../../../src/index.js';
import {expectAllClose} from '../../support/compare.js';
import {stack, toTensor, type HostTensor} from '../../support/host.js';
import type {Sample} from '../sample.js';
import {
  batchSizes,
  callOf,
  choicesOfMapped,
  drawExamples,
  evaluate,
  randomFor,
  refusesVmap,
  toleranceFor,
  type Check,
  type TensorFunction,
} from './check.js';

type Dims = readonly (number | null)[];

/** Where the batch dimensions of the inputs are, and those of the outputs. */
export interface Mapping {
  readonly inDims: Dims;
  readonly outDims: number;
}

export function vmapped(f: TensorFunction, {inDims, outDims}: Mapping): TensorFunction {
  // Rows that draw have seeds, and logits that leave no choice.
  return vmap(f, {inDims: [...inDims], outDims, randomness: 'different'}) as TensorFunction;
}

/** The mapping as the code of the call, for messages. */
export function describeMapping({inDims, outDims}: Mapping): string {
  return `vmap(f, {inDims: [${inDims.map(String).join(', ')}], outDims: ${outDims}})`;
}

/** The inputs of all examples as one: stacked along their batch dimensions. */
export function batched(examples: readonly (readonly HostTensor[])[], inDims: Dims): HostTensor[] {
  return inDims.map((dim, input) => {
    const parts = examples.map((example) => example[input] as HostTensor);
    return dim === null ? (parts[0] as HostTensor) : stack(parts, dim);
  });
}

/** The results of a loop over the examples, stacked. */
export async function looped(
  examples: readonly (readonly HostTensor[])[],
  f: (example: readonly HostTensor[]) => HostTensor[] | Promise<HostTensor[]>,
  outDims: number,
): Promise<HostTensor[]> {
  const results: HostTensor[][] = [];
  for (const example of examples) results.push(await f(example));
  return (results[0] ?? []).map((_, output) =>
    stack(
      results.map((result) => result[output] as HostTensor),
      outDims,
    ),
  );
}

export const front = (mapped: readonly boolean[]): Mapping => ({
  inDims: mapped.map((isMapped) => (isMapped ? 0 : null)),
  outDims: 0,
});

/** Batch dimensions anywhere but in front, as far as ranks allow, some of them counted from the end. */
function elsewhere(
  row: Sample,
  mapped: readonly boolean[],
  outputs: readonly HostTensor[],
): Mapping {
  const random = randomFor(row, 'elsewhere', mapped.join());
  const pick = (rank: number) => {
    const dim = rank === 0 ? 0 : random.integer(1, rank + 1);
    return random.next() < 0.5 ? dim : dim - rank - 1;
  };
  const rank = Math.min(...outputs.map(({shape}) => shape.length));
  const equalRanks = outputs.every(({shape}) => shape.length === rank);
  return {
    inDims: mapped.map((isMapped, i) => (isMapped ? pick(row.specs[i]?.shape.length ?? 0) : null)),
    outDims: equalRanks ? pick(rank) : random.integer(0, rank + 1),
  };
}

async function compareWithLoop(row: Sample, mapping: Mapping, size: number): Promise<HostTensor[]> {
  const mapped = mapping.inDims.map((dim) => dim !== null);
  const examples = drawExamples(row, mapped, size, `batch of ${size}`);
  const call = callOf(row);
  const expected = await looped(examples, (example) => evaluate(call, example), mapping.outDims);
  const actual = await evaluate(vmapped(call, mapping), batched(examples, mapping.inDims));
  expectAllClose(
    actual,
    expected,
    toleranceFor(row, 'batching'),
    `${describeMapping(mapping)}, batch of ${size}`,
  );
  return expected.map((output) => stackless(output, mapping.outDims));
}

/** One example's part of the result, for its shape. */
function stackless(output: HostTensor, dim: number): HostTensor {
  const shape = [...output.shape];
  shape.splice(dim < 0 ? dim + shape.length : dim, 1);
  return {...output, shape};
}

const hasInputs = (row: Sample): boolean => row.specs.length > 0;

const isMappable = (row: Sample): boolean => hasInputs(row) && !refusesVmap(row);

const equalsLoop: Check = {
  title: 'vmap equals a loop',
  appliesTo: isMappable,
  async run(row) {
    const [size] = batchSizes(row, 1) as [number];
    for (const mapped of choicesOfMapped(row)) {
      const outputs = await compareWithLoop(row, front(mapped), size);
      await compareWithLoop(row, elsewhere(row, mapped, outputs), size);
    }
    await compareWithLoop(row, front(row.specs.map(() => true)), 1);
  },
};

const emptyBatch: Check = {
  title: 'vmap of an empty batch gives an empty batch of the right shape',
  appliesTo: isMappable,
  async run(row) {
    const mapped = row.specs.map(() => true);
    const [example] = drawExamples(row, mapped, 1, 'empty batch') as [HostTensor[]];
    // No kernel says what shape it gives without being run, on one example of ones for want of any.
    if (!(await takes(row, example.map(onesLike)))) return;
    const outputs = await evaluate(callOf(row), example);
    const inputs = example.map(({shape, dtype, values}) => ({
      shape: [0, ...shape],
      dtype,
      values: values.subarray(0, 0),
    }));
    const expected = outputs.map(({shape, dtype, values}) => ({
      shape: [0, ...shape],
      dtype,
      values: values.subarray(0, 0),
    }));
    const actual = await evaluate(vmapped(callOf(row), front(mapped)), inputs);
    expectAllClose(actual, expected, toleranceFor(row, 'batching'), 'vmap of no example');
  },
};

function onesLike(input: HostTensor): HostTensor {
  return {...input, values: input.values.slice().fill(1)};
}

async function takes(row: Sample, inputs: readonly HostTensor[]): Promise<boolean> {
  try {
    await evaluate(callOf(row), inputs);
    return true;
  } catch {
    return false;
  }
}

const withoutInputs: Check = {
  title: 'vmap repeats what does not depend on the batch',
  appliesTo: (row) => !hasInputs(row),
  async run(row) {
    const examples = [1, 2].map((value) => [
      {shape: [], dtype: 'float32' as const, values: Float32Array.of(value)},
    ]);
    const call: TensorFunction = () => row.call(tf, []);
    const mapping = front([true]);
    const expected = await looped(examples, () => evaluate(call, []), 0);
    const actual = await evaluate(vmapped(call, mapping), batched(examples, mapping.inDims));
    expectAllClose(actual, expected, toleranceFor(row, 'batching'), 'vmap without inputs');
  },
};

const twoLevels: Check = {
  title: 'vmap in vmap equals two loops',
  nests: true,
  appliesTo: isMappable,
  async run(row) {
    const [outerSize, innerSize] = batchSizes(row, 2) as [number, number];
    const choices = choicesOfMapped(row);
    const random = randomFor(row, 'two levels');
    const all = choices[0] as boolean[];
    const pairs = [[all, all], ...[1, 2].map(() => [random.pick(choices), random.pick(choices)])];
    for (const [outer, inner] of pairs as [boolean[], boolean[]][]) {
      await compareTwoLevels(row, outer, inner, outerSize, innerSize);
    }
  },
};

async function compareTwoLevels(
  row: Sample,
  outer: readonly boolean[],
  inner: readonly boolean[],
  outerSize: number,
  innerSize: number,
): Promise<void> {
  const call = callOf(row);
  // Every pair of an outer and an inner example, with the inputs mapped by only one of them repeated over the other.
  const grid = drawGrid(row, outer, inner, outerSize, innerSize);
  const innerMapping = front(inner);
  const outerMapping = front(outer);
  const rows = grid.map((examples) => batched(examples, innerMapping.inDims));
  const inputs = batched(rows, outerMapping.inDims);
  const expected = await looped(
    grid as unknown as HostTensor[][],
    (examples) =>
      looped(examples as unknown as HostTensor[][], (example) => evaluate(call, example), 0),
    0,
  );
  const nested = vmapped((...xs) => vmapped(call, innerMapping)(...xs), outerMapping);
  const actual = await evaluate(nested, inputs);
  expectAllClose(
    actual,
    expected,
    toleranceFor(row, 'batching'),
    `${describeMapping(outerMapping)} (batch of ${outerSize}) of ${describeMapping(innerMapping)} (batch of ${innerSize})`,
  );
}

function drawGrid(
  row: Sample,
  outer: readonly boolean[],
  inner: readonly boolean[],
  outerSize: number,
  innerSize: number,
): HostTensor[][][] {
  const mapped = row.specs.map(() => true);
  const draws = drawExamples(row, mapped, outerSize * innerSize, 'two levels');
  return Array.from({length: outerSize}, (_, i) =>
    Array.from({length: innerSize}, (_unused, j) =>
      row.specs.map((_spec, input) => {
        const index = (outer[input] ? i : 0) * innerSize + (inner[input] ? j : 0);
        return (draws[index] as HostTensor[])[input] as HostTensor;
      }),
    ),
  );
}

const noHiddenLoop: Check = {
  title: 'vmap calls as many kernels for a large batch as for a small one',
  appliesTo: (row, backend) => isMappable(row) && row.loops?.[backend] === undefined,
  async run(row) {
    const [small, large] = batchSizes(row, 2) as [number, number];
    for (const mapped of choicesOfMapped(row)) {
      const mapping = front(mapped);
      const [few, many] = [small, large].map((size) => {
        const inputs = batched(drawExamples(row, mapped, size, 'loop'), mapping.inDims);
        return kernelsOf(vmapped(callOf(row), mapping), inputs);
      }) as [string[], string[]];
      if (few.length !== many.length) {
        throw new Error(
          `${describeMapping(mapping)} calls ${few.length} kernels for a batch of ${small} (${few.join()}) ` +
            `and ${many.length} for a batch of ${large} (${many.join()})`,
        );
      }
    }
  },
};

interface EnginePrototype {
  runKernelFunc(this: unknown, call: {readonly kernelName?: string}): unknown;
}

/** The names of the kernels that tfjs itself runs meanwhile: those of a batch, not those that are traced. */
function kernelsOf(f: TensorFunction, inputs: readonly HostTensor[]): string[] {
  const prototype = Object.getPrototypeOf(tf.engine()) as EnginePrototype;
  const stock = prototype.runKernelFunc;
  const names: string[] = [];
  prototype.runKernelFunc = function (call) {
    // A call without a name is a tf.customGrad.
    if (call.kernelName !== undefined) names.push(call.kernelName);
    return stock.call(this, call);
  };
  try {
    tf.dispose(tf.tidy(() => f(...inputs.map(toTensor))));
  } finally {
    prototype.runKernelFunc = stock;
  }
  return names;
}

export const batchingChecks: readonly Check[] = [
  equalsLoop,
  emptyBatch,
  withoutInputs,
  twoLevels,
  noHiddenLoop,
];
