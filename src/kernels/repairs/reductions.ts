import {resolveAxes} from '../../rules/dims.js';
import {keptShape} from '../../rules/dims.js';
import {cast} from '../../rules/ops.js';
import {run} from '../../rules/rule.js';
import {repairEach, type Repairs} from '../composition.js';

/** What a reduction of nothing gives: the value that changes nothing. */
const neutral = {
  Sum: 0,
  Prod: 1,
  Mean: NaN,
  Max: -Infinity,
  Min: Infinity,
  All: 1,
  Any: 0,
} as const;

type Reduction = keyof typeof neutral;

const wholeNumber = (value: number): number => Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, value));

/** Of a tensor without elements; as TensorFlow and NumPy have it. */
const ofNothing = (names: readonly Reduction[], wrong: string): Repairs =>
  repairEach(names, (name) => ({
    wrong,
    instead: `filled with ${neutral[name]}`,
    isWrong: ({x}) => x.shape.includes(0),
    composition: ({x}, {axis, reductionIndices, keepDims}) => {
      const axes = resolveAxes((name === 'Max' ? reductionIndices : axis) as number[], x.rank);
      const kept = keptShape(x.shape, axes);
      const shape = keepDims ? kept : kept.filter((_, dim) => !axes.includes(dim));
      const dtype = name === 'Mean' ? 'float32' : x.dtype;
      const value = dtype === 'float32' ? neutral[name] : wholeNumber(neutral[name]);
      return run(
        'Fill',
        {},
        {shape, value: dtype === 'bool' ? (value > 0 ? 1 : 0) : value, dtype: dtype as 'float32'},
      );
    },
  }));

export const emptyOnWasm = ofNothing(
  ['Sum', 'Prod', 'Mean', 'Max', 'Min', 'All', 'Any'],
  'leaves the result uninitialised where there is nothing to reduce',
);

export const emptyOnGpus = ofNothing(
  ['Sum', 'Prod', 'Mean', 'Max', 'Min', 'All', 'Any'],
  'throws, or never ends, where there is nothing to reduce',
);

export const emptyOnCpu: Repairs = {
  ...ofNothing(['Mean'], 'gives 0 where there is nothing to reduce'),
  ...ofNothing(['Max', 'Min'], 'gives NaN where there is nothing to reduce'),
  ...ofNothing(['All'], 'gives false where there is nothing to reduce'),
};

/** Sums and products of truth values are integers, their extremes truth values. */
const ofBools = (names: readonly ('Sum' | 'Prod' | 'Max' | 'Min')[], wrong: string): Repairs =>
  repairEach(names, (name) => ({
    wrong,
    instead: 'computed in int32',
    isWrong: ({x}) => x.dtype === 'bool',
    composition: ({x}, attrs, kernel) => {
      const y = kernel({x: cast(x, 'int32')}, attrs);
      return name === 'Max' || name === 'Min' ? cast(y, 'bool') : y;
    },
  }));

export const boolsOnWasm = ofBools(
  ['Sum', 'Prod'],
  'leaves the result of bool tensors uninitialised',
);

export const boolsOnTensorflow = ofBools(['Sum', 'Prod', 'Max', 'Min'], 'throws for bool');
