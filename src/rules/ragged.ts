import {backend_util, type RaggedTensorToTensorAttrs, type Tensor} from '@tensorflow/tfjs-core';
import {showShape} from '../errors.js';
import {
  broadcastTo,
  logicalShape,
  materialize,
  moveDim,
  product,
  repeat,
  unbroadcast,
} from './dims.js';
import {masked} from './mask.js';
import {add, cast, mul, reshape, slice, sub, sum, where, zeros} from './ops.js';
import {int, isGiven, numbered, placeValues, spreadOver} from './places.js';
import {refuseBatching} from './refusal.js';
import {gatherAlong, scatterAlong} from './rows.js';
import {family, run, saving, savingOutput, type BatchedInput, type ShapeOnly} from './rule.js';

/**
 * NOTE [ragged]
 * Ragged tensors are lists of rows whose lengths are values: the structure. tfjs hands the row splits over as a list inside of the named
 * inputs. What is in the rows is moved as the structure says, which is the same for all examples, or vmap refuses it; and moving is linear. Where
 * everything goes is what the kernel makes of numbers in place of the values.
 */
const padded =
  'Lengths of rows are values, so results can differ in shape between examples. Call it outside vmap, or keep rows padded to one length, ' +
  'with a mask (tf.where).';

const shared = `${padded} What is in the rows can be mapped: pass one tensor of splits and indices for all examples (inDims: null).`;

/** An input that is a list. */
const listOf = <T>(input: T): readonly T[] => input as unknown as readonly T[];

const isMapped = ({mapped}: BatchedInput): boolean => mapped;

/** Rows `[n, …]` taken by their numbers, `[K]`. */
function takeRowsOf(x: Tensor, rows: Tensor): Tensor {
  const [n = 0, ...rest] = x.shape;
  const taken = gatherAlong(reshape(x, [1, 1, n, product(rest)]), reshape(rows, [1, rows.size]));
  return reshape(taken, [rows.size, ...rest]);
}

/** The transpose: rows added up at their numbers, `[n, …]`. */
function addRowsTo(dy: Tensor, rows: Tensor, n: number): Tensor {
  const [count = 0, ...rest] = dy.shape;
  if (dy.size === 0) return zeros([n, ...rest]);
  const updates = reshape(dy, [1, 1, count, product(rest)]);
  return reshape(scatterAlong(updates, reshape(rows, [1, count]), n), [n, ...rest]);
}

/** Which row each element of a ragged range is in, and its place there. */
function placesIn(splits: Tensor, count: number): {rows: Tensor; steps: Tensor} {
  const n = splits.size - 1;
  const elements = numbered([count]);
  const ends = reshape(slice(splits, [1], [n]), [1, n]);
  const found = run(
    'SearchSorted',
    {sortedSequence: ends, values: reshape(elements, [1, count])},
    {side: 'right'},
  );
  const rows = reshape(found, [count]);
  return {rows, steps: cast(sub(elements, takeRowsOf(splits, rows)), 'float32')};
}

/** Of the starts or steps of each row, or of one for all. */
const perElement = (x: Tensor, rows: Tensor): Tensor =>
  x.rank === 0 ? broadcastTo(x, rows.shape) : takeRowsOf(x, rows);

const perRow = (dy: Tensor, rows: Tensor, {shape: [n]}: ShapeOnly): Tensor =>
  n === undefined ? sum(dy, [0]) : addRowsTo(dy, rows, n);

/** How many dimensions of the dense tensor the row partitions say: the rows' own, and one for each level of them. */
export const outerRank = ({rowPartitionTypes}: RaggedTensorToTensorAttrs): number =>
  backend_util.getRaggedRank(backend_util.getRowPartitionTypesHelper(rowPartitionTypes)) + 1;

/**
 * The number of the value `[n, …inner]` that is at each place of the dense tensor, or -1 for the default: int32 `[…outer]`. The kernel gets them in
 * the shape of the values, which it compares with the shape of the result.
 */
function valuesAt(
  shape: Tensor,
  values: ShapeOnly,
  rowPartitionTensors: Tensor,
  attrs: RaggedTensorToTensorAttrs,
): Tensor {
  const [n = 0, ...inner] = values.shape;
  const ones = inner.map(() => 1);
  const dense = run(
    'RaggedTensorToTensor',
    {
      shape,
      values: broadcastTo(reshape(numbered([n]), [n, ...ones]), values.shape),
      defaultValue: int(-1),
      rowPartitionTensors,
    },
    attrs,
  );
  const outer = dense.shape.slice(0, outerRank(attrs));
  if (dense.size === 0) return zeros(outer, 'int32');
  const first = slice(
    dense,
    dense.shape.map(() => 0),
    [...outer, ...ones],
  );
  return reshape(first, outer);
}

export function assertFits(
  {shape, values, defaultValue}: Readonly<Record<'shape' | 'values' | 'defaultValue', ShapeOnly>>,
  attrs: RaggedTensorToTensorAttrs,
): void {
  backend_util.validateDefaultValueShape([...defaultValue.shape], [...values.shape]);
  const rank = outerRank(attrs) + values.shape.length - 1;
  if (shape.shape.length === 1 && shape.shape[0] === rank) return;
  throw new Error(`the shape must be a vector of ${rank} numbers, not ${showShape(shape.shape)}`);
}

export const ragged = family({
  RaggedGather: {
    batch: ({paramsNestedSplits, paramsDenseValues, indices}, attrs, size) => {
      const splits = listOf(paramsNestedSplits);
      if (isMapped(indices) || splits.some(isMapped)) return refuseBatching('RaggedGather', shared);
      const outputs = run(
        'RaggedGather',
        {
          paramsNestedSplits: splits.map(({value}) => value) as unknown as Tensor,
          paramsDenseValues: moveDim(paramsDenseValues.value, 0, 1),
          indices: indices.value,
        },
        attrs,
      );
      const dense = outputs.pop()!;
      return [...outputs.map((output) => repeat(output, size)), moveDim(dense, 1, 0)];
    },
    jvp: (primals, {paramsDenseValues}, attrs) => {
      const outputs = run(
        'RaggedGather',
        {...primals, paramsDenseValues: paramsDenseValues!},
        attrs,
      );
      return outputs.map((output, i) => (i === outputs.length - 1 ? output : null));
    },
    vjp: saving(
      ['paramsNestedSplits', 'indices'],
      (dys, {paramsNestedSplits, paramsDenseValues, indices}, attrs) => ({
        paramsDenseValues: () => {
          const [n = 0] = paramsDenseValues.shape;
          const inputs = {paramsNestedSplits, paramsDenseValues: numbered([n]), indices};
          const rows = run('RaggedGather', inputs, attrs).at(-1)!;
          return addRowsTo(dys.at(-1)!, rows, n);
        },
      }),
    ),
  },

  // How many steps a row has is piecewise constant.
  RaggedRange: {
    batch: {refuse: padded},
    jvp: (_primals, {starts, deltas}, _attrs, [splits, values]) => {
      const {rows, steps} = placesIn(splits!, values!.size);
      const terms = [
        ...(starts ? [perElement(starts, rows)] : []),
        ...(deltas ? [mul(steps, perElement(deltas, rows))] : []),
      ];
      return [null, terms.length === 0 ? null : terms.reduce(add)];
    },
    vjp: savingOutput([], ([, dy], {starts, limits, deltas, output: [splits]}) => {
      const {rows, steps} = placesIn(splits!, dy!.size);
      return {
        starts: () => perRow(dy!, rows, starts),
        limits: () => zeros(limits.shape),
        deltas: () => perRow(mul(dy!, steps), rows, deltas),
      };
    }),
  },

  RaggedTensorToTensor: {
    batch: ({shape, values, defaultValue, rowPartitionTensors}, attrs, size) => {
      const partitions = listOf(rowPartitionTensors);
      if (isMapped(shape) || partitions.some(isMapped)) {
        return refuseBatching('RaggedTensorToTensor', shared);
      }
      const logical = {
        shape: {shape: logicalShape(shape), dtype: shape.value.dtype},
        values: {shape: logicalShape(values), dtype: values.value.dtype},
        defaultValue: {shape: logicalShape(defaultValue), dtype: defaultValue.value.dtype},
      };
      assertFits(logical, attrs);
      const partitionValues = partitions.map(({value}) => value) as unknown as Tensor;
      return placeValues(
        materialize(values, size),
        materialize(defaultValue, size),
        valuesAt(shape.value, logical.values, partitionValues, attrs),
      );
    },
    jvp: (primals, {values, defaultValue}, attrs) =>
      run(
        'RaggedTensorToTensor',
        {
          ...primals,
          values: values ?? zeros(primals.values.shape),
          defaultValue: defaultValue ?? zeros(primals.defaultValue.shape),
        },
        attrs,
      ),
    vjp: saving(
      ['shape', 'rowPartitionTensors'],
      (dy, {shape, values, defaultValue, rowPartitionTensors}, attrs) => {
        const [n = 0, ...inner] = values.shape;
        const numbers = valuesAt(shape, values, rowPartitionTensors, attrs);
        return {
          values: () => {
            const nowhere = broadcastTo(int(n), numbers.shape);
            const places = reshape(where(isGiven(numbers), numbers, nowhere), [numbers.size]);
            const added = addRowsTo(reshape(dy, [numbers.size, ...inner]), places, n + 1);
            return slice(added, [0, ...inner.map(() => 0)], values.shape);
          },
          defaultValue: () => {
            const isDefault = spreadOver(run('Less', {a: numbers, b: int(0)}), inner);
            return unbroadcast(masked(isDefault, dy), defaultValue.shape);
          },
        };
      },
    ),
  },
});
