import type {MaxPoolWithArgmaxAttrs, Tensor, TensorInfo} from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import {
  dilation2D,
  dilation2DFilterGradient,
  dilation2DInputGradient,
} from '../../rules/morphology.js';
import {add} from '../../rules/ops.js';
import {
  isIdentity,
  maximaWithIndices,
  maxOfWindows,
  poolAxesOf,
  scatterToMaxima,
  type PoolAttrs,
} from '../../rules/pooling.js';
import {type Composition, type Compositions, type Repair, type Repairs} from '../composition.js';
import {hasUnpool, unpooled} from '../wasm/unpool.js';
import {averageGradientFitted, isInside, poolFitted} from '../fittedPools.js';

const smallestPositive = 'takes the smallest positive float for minus infinity';

export const maxPoolWithArgmax: Composition<'MaxPoolWithArgmax'> = (
  {x},
  attrs: MaxPoolWithArgmaxAttrs,
) => {
  const [values, within] = maximaWithIndices(x, attrs);
  if (!attrs.includeBatchInIndex) return [values, within];
  const [n = 0, ...image] = x.shape;
  const size = image.reduce((product, length) => product * length, 1);
  const firsts = Int32Array.from({length: n}, (_, index) => index * size);
  return [values, add(within, tf.tensor(firsts, [n, 1, 1, 1], 'int32'))];
};

const dilation: {
  readonly [
    Name in 'Dilation2D' | 'Dilation2DBackpropInput' | 'Dilation2DBackpropFilter'
  ]: Composition<Name>;
} = {
  Dilation2D: ({x, filter}, attrs) => dilation2D(x, filter, attrs),
  Dilation2DBackpropInput: dilation2DInputGradient,
  Dilation2DBackpropFilter: dilation2DFilterGradient,
};

const always = {wrong: smallestPositive, isWrong: () => true};
const windows = 'the maxima of the windows, taken apart';

type PoolRepair = Repair<'MaxPool'>;

const liesApart = (shape: readonly number[], attrs: PoolAttrs): boolean =>
  attrs.pad === 'same' && poolAxesOf(shape, attrs).some(({stride, window}) => stride > window);

/** A pool without the kernel's padding. */
const fittedPool = (
  pool: 'Max' | 'Avg',
  wrong: string,
  isWrong: (shape: readonly number[], attrs: PoolAttrs) => boolean,
): PoolRepair => ({
  wrong,
  instead: 'the kernel on an input that has the padding in it',
  isWrong: ({x}, attrs) => isWrong(x.shape, attrs),
  composition: ({x}, attrs, kernel) =>
    poolFitted(pool, x, attrs, (covered, valid) => kernel({x: covered}, valid as typeof attrs)),
});

/** The same for another pool. */
const asPool = <Name extends 'AvgPool' | 'MaxPool3D' | 'AvgPool3D'>(
  repair: PoolRepair,
): Repair<Name> => repair as unknown as Repair<Name>;

const scattered = {
  instead: 'adds the cotangents up at the maxima of the windows',
  composition: ({dy, input}: Readonly<Record<'dy' | 'input', Tensor>>, attrs: PoolAttrs): Tensor =>
    scatterToMaxima(dy, input, attrs),
};

const averaged = {
  instead: 'the kernel on an input that has the padding in it',
  composition: ({dy, input}: Readonly<Record<'dy' | 'input', Tensor>>, attrs: PoolAttrs): Tensor =>
    isIdentity(poolAxesOf(input.shape, attrs)) ? dy : averageGradientFitted(dy, input.shape, attrs),
};

/** What AvgPool counts, and TensorFlow's gradients: the cells of a window that are not padding. */
const divides = {
  ...averaged,
  wrong:
    'divides by the whole window where a part of it is padding, unlike the average itself, and ignores the rounding of sizes',
  isWrong: ({input}: {readonly input: TensorInfo}, attrs: PoolAttrs): boolean =>
    !isInside(poolAxesOf(input.shape, attrs)),
};

export const averagesOverPadding: Repairs = {AvgPoolGrad: [divides], AvgPool3DGrad: [divides]};

const shifts = "shifts windows that lie apart, with 'same' padding";

export const poolsOfCpu: Repairs = {
  ...averagesOverPadding,
  MaxPool3D: [asPool<'MaxPool3D'>(fittedPool('Max', shifts, liesApart))],
  AvgPool3D: [asPool<'AvgPool3D'>(fittedPool('Avg', shifts, liesApart))],
  MaxPool3DGrad: [
    {
      ...scattered,
      wrong: 'confuses height and width, and of equal maxima takes the last',
      isWrong: () => true,
    },
  ],
};

const roundsUp = ({pad, dimRoundingMode}: PoolAttrs): boolean =>
  typeof pad !== 'string' && dimRoundingMode === 'ceil';

/** XNNPACK takes no rounding: it works the size out by itself. */
const paddedOfWasm = 'throws, or leaves a part of the result, for padding that is rounded up';

const throughPadding = (shape: readonly number[], attrs: PoolAttrs): boolean =>
  roundsUp(attrs) ||
  poolAxesOf(shape, attrs).some(
    ({stride, window, before, size, count}) =>
      (attrs.pad === 'same' && stride > window) ||
      before >= window ||
      (count - 1) * stride - before >= size,
  );

export const poolsOfWasm: Repairs = {
  ...averagesOverPadding,
  MaxPool: [fittedPool('Max', paddedOfWasm, throughPadding)],
  AvgPool: [asPool<'AvgPool'>(fittedPool('Avg', paddedOfWasm, throughPadding))],
  AvgPool3D: [asPool<'AvgPool3D'>(fittedPool('Avg', shifts, liesApart))],
  MaxPool3D: [{...always, instead: windows, composition: ({x}, attrs) => maxOfWindows(x, attrs)}],
  MaxPoolGrad: [
    {
      ...always,
      instead: 'generated WebAssembly; where there can be none, adds up as for volumes',
      composition: ({dy, input}, attrs) =>
        dy.dtype === 'float32' && input.dtype === 'float32' && hasUnpool()
          ? unpooled(dy, input, poolAxesOf(input.shape, attrs))
          : scatterToMaxima(dy, input, attrs),
    },
  ],
  MaxPool3DGrad: [{...always, ...scattered}],
  MaxPoolWithArgmax: [{...always, instead: windows, composition: maxPoolWithArgmax}],
  Dilation2D: [{...always, instead: windows, composition: dilation.Dilation2D}],
  Dilation2DBackpropInput: [
    {...always, instead: windows, composition: dilation.Dilation2DBackpropInput},
  ],
  Dilation2DBackpropFilter: [
    {...always, instead: windows, composition: dilation.Dilation2DBackpropFilter},
  ],
};

const isPadded = ({pad, dimRoundingMode}: PoolAttrs): boolean =>
  typeof pad !== 'string' && (pad !== 0 || dimRoundingMode === 'ceil');

const noPadding = "throws for padding other than 'valid' and 'same'";

const padded = {wrong: noPadding, isWrong: (_inputs: unknown, attrs: PoolAttrs) => isPadded(attrs)};

const needsPadding = (shape: readonly number[], attrs: PoolAttrs): boolean =>
  isPadded(attrs) || (shape.length === 5 && liesApart(shape, attrs));

export const poolsOfTensorflow: Repairs = {
  MaxPool: [fittedPool('Max', noPadding, needsPadding)],
  AvgPool: [asPool<'AvgPool'>(fittedPool('Avg', noPadding, needsPadding))],
  MaxPool3D: [asPool<'MaxPool3D'>(fittedPool('Max', noPadding, needsPadding))],
  AvgPool3D: [asPool<'AvgPool3D'>(fittedPool('Avg', noPadding, needsPadding))],
  MaxPoolGrad: [{...padded, ...scattered}],
  MaxPool3DGrad: [
    {
      ...scattered,
      wrong: `${noPadding}, and gives equal maxima each the whole`,
      isWrong: () => true,
    },
  ],
  AvgPoolGrad: [{...padded, ...averaged}],
  AvgPool3DGrad: [{...padded, ...averaged}],
};

/** Kernels of this area that backends lack. */
export const poolsThatTensorflowLacks: Compositions = {MaxPoolWithArgmax: maxPoolWithArgmax};

export const morphologyThatWebglLacks: Compositions = {
  Dilation2DBackpropInput: dilation.Dilation2DBackpropInput,
  Dilation2DBackpropFilter: dilation.Dilation2DBackpropFilter,
};
