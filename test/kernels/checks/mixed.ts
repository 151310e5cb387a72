import * as tf from '@tensorflow/tfjs-core';
import {expectAllClose} from '../../support/compare.js';
import {sum} from '../../support/differences.js';
import type {HostTensor} from '../../support/host.js';
import {differentiable, type Sample} from '../sample.js';
import {batched, describeMapping, front, looped, vmapped, type Mapping} from './batching.js';
import {
  asFloat,
  batchSizes,
  choicesOfMapped,
  drawExamples,
  drawLike,
  evaluate,
  randomFor,
  refusesVmap,
  restricted,
  toleranceFor,
  type Check,
  type TensorFunction,
} from './check.js';
import {cotangentsOf, hasDerivative, tangentsOf} from './derivatives.js';

/** What is batched: the choice of inputs, and with it directions (tangents or cotangents) of each example, or one for all. */
interface Choice {
  readonly inputs: readonly boolean[];
  readonly directions: boolean;
}

/** As in jacfwd and jacrev only the directions are mapped; in per-example gradients some of the inputs, or all. */
function choicesOf(row: Sample): Choice[] {
  const none = row.specs.map(() => false);
  const [all, ...some] = choicesOfMapped(row) as [boolean[], ...boolean[][]];
  const partial = some.length > 0 ? randomFor(row, 'mixed').pick(some) : all;
  return [
    {inputs: all, directions: true},
    {inputs: none, directions: true},
    {inputs: partial, directions: false},
  ];
}

/** A row's inputs and directions for each example of a batch: [...inputs, ...directions]. */
async function drawBatch(
  row: Sample,
  {inputs: mapped, directions}: Choice,
  like: (example: readonly HostTensor[]) => HostTensor[] | Promise<HostTensor[]>,
): Promise<HostTensor[][]> {
  const [size] = batchSizes(row, 1) as [number];
  const examples = drawExamples(row, mapped, size, 'mixed');
  const drawn = examples.map(async (example, index) => {
    const random = randomFor(row, 'directions', directions ? index : 'shared');
    return [...example, ...(await like(example)).map((tensor) => drawLike(tensor, random))];
  });
  return Promise.all(drawn);
}

/** (inputs, tangents of the active ones) → tangents of the outputs. */
function rowTangents(row: Sample): TensorFunction {
  return derivativeOf(row, tangentsOf);
}

/** (inputs, cotangents of the outputs) → cotangents of the active inputs. */
function rowCotangents(row: Sample): TensorFunction {
  return derivativeOf(row, cotangentsOf);
}

function derivativeOf(
  row: Sample,
  derivative: (f: TensorFunction, count: number) => TensorFunction,
): TensorFunction {
  const active = differentiable(row);
  const count = row.specs.length;
  return (...xs) => {
    const inputs = xs.slice(0, count);
    const f = restricted(row, inputs, active);
    const primals = active.map((i) => inputs[i] as tf.Tensor);
    return derivative(f, active.length)(...primals, ...xs.slice(count));
  };
}

function outputsOf(row: Sample): (example: readonly HostTensor[]) => Promise<HostTensor[]> {
  return (example) => evaluate((...xs) => row.call(tf, xs).map(asFloat), example);
}

function activeOf(row: Sample): (example: readonly HostTensor[]) => HostTensor[] {
  return (example) => differentiable(row).map((i) => example[i] as HostTensor);
}

const insideVmap: Check = {
  title: 'vmap of jvp and of vjp equals a loop',
  nests: true,
  appliesTo: (row) => hasDerivative(row) && !refusesVmap(row),
  async run(row) {
    for (const choice of choicesOf(row)) {
      await compare(rowTangents(row), await drawBatch(row, choice, activeOf(row)), choice, 'jvp');
      await compare(
        rowCotangents(row),
        await drawBatch(row, choice, outputsOf(row)),
        choice,
        'vjp',
      );
    }

    async function compare(
      f: TensorFunction,
      examples: HostTensor[][],
      {inputs, directions}: Choice,
      what: string,
    ): Promise<void> {
      const rest = (examples[0] as HostTensor[]).length - inputs.length;
      const mapping = front([...inputs, ...Array<boolean>(rest).fill(directions)]);
      const expected = await looped(examples, (example) => evaluate(f, example), 0);
      const actual = await evaluate(vmapped(f, mapping), batched(examples, mapping.inDims));
      const label = `${describeMapping(mapping)} of ${what} (inputs, then directions)`;
      expectAllClose(actual, expected, toleranceFor(row, 'derivative'), label);
    }
  },
};

const aroundVmap: Check = {
  title: 'jvp and vjp of vmap equal a loop',
  nests: true,
  appliesTo: (row) => hasDerivative(row) && !refusesVmap(row),
  async run(row) {
    const active = differentiable(row);
    for (const {inputs: mapped} of choicesOf(row).filter(({inputs}) => inputs.includes(true))) {
      const mapping = front(mapped);
      const choice = {inputs: mapped, directions: true};
      await compareForward(mapping, await drawBatch(row, choice, activeOf(row)));
      await compareReverse(mapping, await drawBatch(row, choice, outputsOf(row)));
    }

    /** The batched row as a function of its active inputs. */
    function batchedRow(mapping: Mapping, inputs: readonly tf.Tensor[]): TensorFunction {
      const call = vmapped((...xs) => row.call(tf, xs).map(asFloat), mapping);
      return (...xs) => {
        const all = [...inputs];
        active.forEach((place, i) => (all[place] = xs[i] as tf.Tensor));
        return call(...all);
      };
    }

    async function compareForward(mapping: Mapping, drawn: readonly HostTensor[][]): Promise<void> {
      const count = row.specs.length;
      // An input shared by the batch has one tangent: that of the first example.
      const examples = drawn.map((example) =>
        example.map((tensor, i) => {
          const input = active[i - count];
          const isShared = input !== undefined && mapping.inDims[input] === null;
          return isShared ? (drawn[0]?.[i] as HostTensor) : tensor;
        }),
      );
      const expected = await looped(examples, (example) => evaluate(rowTangents(row), example), 0);
      const tangentDims = active.map((i) => mapping.inDims[i] as number | null);
      const inputs = batched(examples, [...mapping.inDims, ...tangentDims]);
      const actual = await evaluate((...xs) => {
        const primals = active.map((i) => xs[i] as tf.Tensor);
        const f = batchedRow(mapping, xs.slice(0, count));
        return tangentsOf(f, active.length)(...primals, ...xs.slice(count));
      }, inputs);
      const what = `jvp of ${describeMapping(mapping)}`;
      expectAllClose(actual, expected, toleranceFor(row, 'derivative'), what);
    }

    async function compareReverse(
      mapping: Mapping,
      examples: readonly HostTensor[][],
    ): Promise<void> {
      const count = row.specs.length;
      const outputs = (examples[0] as HostTensor[]).length - count;
      const byExample: HostTensor[][] = [];
      for (const example of examples) {
        byExample.push(await evaluate(rowCotangents(row), example));
      }
      const expected = active.map((input, i) => {
        const parts = byExample.map((cotangents) => cotangents[i] as HostTensor);
        return mapping.inDims[input] === null
          ? sum(parts)
          : (batched(
              parts.map((part) => [part]),
              [0],
            )[0] as HostTensor);
      });
      const dims = [...mapping.inDims, ...Array<number>(outputs).fill(0)];
      const actual = await evaluate(
        (...xs) => {
          const primals = active.map((i) => xs[i] as tf.Tensor);
          const f = batchedRow(mapping, xs.slice(0, count));
          return cotangentsOf(f, active.length)(...primals, ...xs.slice(count));
        },
        batched(examples, dims),
      );
      const what = `vjp of ${describeMapping(mapping)}`;
      expectAllClose(actual, expected, toleranceFor(row, 'derivative'), what);
    }
  },
};

export const mixedChecks: readonly Check[] = [insideVmap, aroundVmap];
