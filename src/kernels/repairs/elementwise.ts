import {broadcast_util, scalar, type Tensor} from '@tensorflow/tfjs-core';
import {runBroadcasting, spansLast} from '../../rules/broadcast.js';
import {selectWithin} from '../../rules/comparison.js';
import {broadcastTo} from '../../rules/dims.js';
import {cast, sameShape} from '../../rules/ops.js';
import {run} from '../../rules/rule.js';
import {repairEach, type Repairs} from '../composition.js';
import {canComputeOfTwo, canSelect, computeOfTwo, ofTwo, select} from '../wasm/elementwise.js';

const comparisons = ['Equal', 'NotEqual', 'Greater', 'GreaterEqual', 'Less', 'LessEqual'] as const;

const arithmetic = ['Add', 'Sub', 'Multiply', 'RealDiv', 'SquaredDifference'] as const;

const others = ['Maximum', 'Minimum', 'Pow', 'Mod', 'FloorDiv', 'Atan2'] as const;

const logical = ['LogicalAnd', 'LogicalOr'] as const;

/** See NOTE [broadcasting]. */
const ofHighRank = (
  names: readonly (
    | (typeof arithmetic)[number]
    | (typeof comparisons)[number]
    | (typeof others)[number]
    | (typeof logical)[number]
  )[],
  rank: number,
  wrong: string,
): Repairs =>
  repairEach(names, (name) => ({
    wrong,
    instead: 'neighbouring dimensions that broadcast alike become one',
    isWrong: ({a, b}) => a.shape.length > rank || b.shape.length > rank,
    composition: ({a, b}) => runBroadcasting(name, a, b),
  }));

/** XNNPACK, which wasm takes these from, has 6 dimensions. */
export const ranksOfWasm = ofHighRank(arithmetic, 6, 'reads what is not its own above rank 6');

/** It has no kernels for more than 5 groups of dimensions that broadcast alike. */
export const ranksOfTensorflow = ofHighRank(
  [...arithmetic, ...comparisons, ...others, ...logical],
  5,
  'throws where dimensions are repeated now in one, now in the other tensor, more than five times in turn',
);

/** A condition that is not as large as what it chooses from; tfjs's `where` passes one on that has an entry per row. */
export const conditions: Repairs = {
  Select: [
    {
      wrong: 'with a condition of rank 1 on tensors of a higher rank, fills row i with element i',
      instead: 'the condition is written out',
      isWrong: ({condition, t}) => !sameShape(condition.shape, t.shape),
      composition: selectWithin,
    },
  ],
};

const SLOW = 'takes 7 to 15 ns an element, tens of times as long as a sum';
const GENERATED = 'generated WebAssembly';

export const slowOnWasm: Repairs = {
  ...repairEach(ofTwo, (name) => ({
    wrong: SLOW,
    instead: GENERATED,
    isWrong: ({a, b}) => canComputeOfTwo(name, a, b),
    composition: ({a, b}) => computeOfTwo(name, a, b),
  })),
  Select: [
    {
      wrong: SLOW,
      instead: GENERATED,
      isWrong: ({condition, t, e}) =>
        t.dtype === e.dtype &&
        canSelect(t.dtype) &&
        !t.shape.includes(0) &&
        sameShape(t.shape, e.shape) &&
        sameShape(condition.shape, t.shape),
      composition: ({condition, t, e}) => select(condition, t, e),
    },
  ],
};

export const boolSelection: Repairs = {
  Select: [
    {
      wrong: 'reads and writes bool values as if they were four bytes wide',
      instead: 'logical operations',
      isWrong: ({t}) => t.dtype === 'bool',
      composition: selectWithin,
    },
  ],
};

export const castsToBool: Repairs = {
  Cast: [
    {
      wrong:
        "to 'bool', keeps the lowest eight bits of the whole part: 255 for -1, 0 for 0.5 and 256",
      instead: 'NotEqual with zero',
      isWrong: ({x}, {dtype}) => dtype === 'bool' && x.dtype !== 'bool',
      composition: ({x}) => runBroadcasting('NotEqual', x, scalar(0, x.dtype as 'float32')),
    },
  ],
};

export const slopes: Repairs = {
  Prelu: [
    {
      wrong: 'reads past an alpha that does not span the last dimensions; throws for empty tensors',
      instead: 'alpha is written out',
      isWrong: ({x, alpha}) => x.shape.includes(0) || !spansLast(alpha.shape, x.shape),
      composition: ({x, alpha}) => {
        const shape = broadcast_util.assertAndGetBroadcastShape(x.shape, alpha.shape);
        const value = broadcastTo(x, shape);
        return value.size === 0
          ? value
          : run('Prelu', {x: value, alpha: broadcastTo(alpha, shape)});
      },
    },
  ],
};

/** Bounds as whole numbers: what an integer becomes is cut to one all the same. */
const wholeBound = (value: number): Tensor =>
  scalar(Math.min(2 ** 31 - 1, Math.max(-(2 ** 31), Math.trunc(value))), 'int32');

const clippedIntegers = (
  wrong: string,
  isWrong: (bounds: {clipValueMin: number; clipValueMax: number}) => boolean,
): Repairs => ({
  ClipByValue: [
    {
      wrong,
      instead: 'Maximum and Minimum',
      isWrong: ({x}, bounds) => x.dtype === 'int32' && isWrong(bounds),
      composition: ({x}, {clipValueMin, clipValueMax}) =>
        run('Minimum', {
          a: run('Maximum', {a: x, b: wholeBound(clipValueMin)}),
          b: wholeBound(clipValueMax),
        }),
    },
  ],
});

export const clippingOnWasm = clippedIntegers(
  'takes the bits of int32 values for those of floats',
  () => true,
);

export const clippingOnTensorflow = clippedIntegers(
  'takes a bound that is no int32 for 0',
  ({clipValueMin, clipValueMax}) => clipValueMin < -(2 ** 31) || clipValueMax >= 2 ** 31,
);

/** Functions of floats that get integers. */
const asFloats = (
  names: readonly ('Reciprocal' | 'Step' | 'LeakyRelu')[],
  wrong: string,
): Repairs =>
  repairEach(names, (name) => ({
    wrong,
    instead: 'computed in float32',
    isWrong: ({x}: {x: {dtype: string}}) => x.dtype === 'int32',
    composition: ({x}, attrs) => {
      const y = run(name, {x: cast(x, 'float32')}, attrs as never) as Tensor;
      return name === 'LeakyRelu' ? y : cast(y, x.dtype);
    },
  }));

export const reciprocalsOfIntegers = asFloats(
  ['Reciprocal'],
  'takes the bits of int32 values for those of floats',
);

export const integersOnTensorflow = asFloats(
  ['Reciprocal', 'Step', 'LeakyRelu'],
  'throws for int32',
);

/** Computed with 0 and 1 as integers. */
const asIntegers = (
  names: readonly (
    'Add' | 'Multiply' | 'Maximum' | 'Minimum' | 'Greater' | 'GreaterEqual' | 'Less' | 'LessEqual'
  )[],
  wrong: string,
): Repairs =>
  repairEach(names, (name) => ({
    wrong,
    instead: 'computed in int32',
    isWrong: ({a}) => a.dtype === 'bool',
    composition: ({a, b}) =>
      cast(runBroadcasting(name, cast(a, 'int32'), cast(b, 'int32')), 'bool'),
  }));

export const boolExtremes = asIntegers(
  ['Maximum', 'Minimum'],
  'leaves the result of bool tensors uninitialised',
);

export const boolSumsOfCpu = asIntegers(['Add'], 'gives 2 for two true values');

export const boolsOnTensorflow = asIntegers(
  ['Add', 'Multiply', 'Maximum', 'Minimum', 'Greater', 'GreaterEqual', 'Less', 'LessEqual'],
  'throws for bool',
);
