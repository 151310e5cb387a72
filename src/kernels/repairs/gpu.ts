import type {Tensor, TensorInfo} from '@tensorflow/tfjs-core';
import {alongAxes, keptShape, product, resolveAxes, splitAt} from '../../rules/dims.js';
import {runBroadcasting, type BinaryName} from '../../rules/broadcast.js';
import {cast, concat, div, mul, pad, reshape, scalar, tile, transpose} from '../../rules/ops.js';
import {run} from '../../rules/rule.js';
import {mirror} from '../../rules/slicing.js';
import {joinRepairs, repairEach, type Repair, type Repairs} from '../composition.js';
import {denseBincount} from '../compositions.js';
import {fft, ifft} from '../fourier.js';

/**
 * NOTE [ranks of GPU kernels]
 * The shaders of WebGL and WebGPU are written for ranks up to 6, and many of them up to 4: above, they throw, or on WebGPU don't compile,
 * which leaves the result as the memory was. Nested vmaps get there soon. Elsewhere dimensions become one, so that a kernel with
 * nothing to do along most of them meets few.
 */
const HIGHEST = 6;

const elementwise = [
  ...['Abs', 'Acos', 'Acosh', 'Asin', 'Asinh', 'Atan', 'Atanh', 'Ceil', 'ClipByValue', 'Cos'],
  ...['Cosh', 'Elu', 'Erf', 'Exp', 'Expm1', 'Floor', 'IsFinite', 'IsInf', 'IsNan', 'LeakyRelu'],
  ...['Log', 'Log1p', 'LogicalNot', 'Neg', 'Reciprocal', 'Relu', 'Relu6', 'Round', 'Rsqrt'],
  ...['Selu', 'Sigmoid', 'Sign', 'Sin', 'Sinh', 'Softplus', 'Sqrt', 'Square', 'Step', 'Tan'],
  ...['Tanh', 'Cast', 'ZerosLike', 'OnesLike'],
] as const as readonly 'Abs'[];

const binary: readonly BinaryName[] = [
  ...(['Add', 'Sub', 'Multiply', 'RealDiv', 'SquaredDifference', 'Maximum', 'Minimum'] as const),
  ...(['Pow', 'Mod', 'FloorDiv', 'Atan2', 'Equal', 'NotEqual', 'Greater'] as const),
  ...(['GreaterEqual', 'Less', 'LessEqual', 'LogicalAnd', 'LogicalOr'] as const),
];

const reductions = ['Sum', 'Mean', 'Prod', 'Max', 'Min', 'All', 'Any', 'ArgMax', 'ArgMin'] as const;

const ofHigherRank = (rank: number) => `has no shader for a rank above ${rank}`;

const elementwiseRanks = repairEach(elementwise, () => ({
  wrong: ofHigherRank(HIGHEST),
  instead: 'all dimensions become one',
  isWrong: ({x}) => x.shape.length > HIGHEST,
  composition: ({x}, attrs, kernel) => reshape(kernel({x: reshape(x, [x.size])}, attrs), x.shape),
}));

const binaryRanks = repairEach(binary, (name) => ({
  wrong: ofHigherRank(HIGHEST),
  instead: 'neighbouring dimensions that broadcast alike become one',
  isWrong: ({a, b}) => a.shape.length > HIGHEST || b.shape.length > HIGHEST,
  composition: ({a, b}) => runBroadcasting(name, a, b),
}));

const reductionsWhere = (
  wrong: string,
  isWrong: (x: TensorInfo, axes: readonly number[]) => boolean,
): Repairs =>
  repairEach(reductions, (name) => {
    const axesOf = (x: TensorInfo, {axis, reductionIndices}: ReductionAttrs): number[] =>
      resolveAxes(name === 'Max' ? reductionIndices : axis, x.shape.length);
    return {
      wrong,
      instead: 'what is reduced is moved to the end, and becomes one dimension',
      isWrong: ({x}, attrs) => isWrong(x, axesOf(x, attrs as ReductionAttrs)),
      composition: ({x}, attrs, kernel) => {
        const axes = axesOf(x, attrs as ReductionAttrs);
        const kept = x.shape.map((_, dim) => dim).filter((dim) => !axes.includes(dim));
        const shape = kept.map((dim) => x.shape[dim]!);
        const matrix = reshape(transpose(x, [...kept, ...axes]), [
          product(shape),
          product(axes.map((dim) => x.shape[dim]!)),
        ]);
        const last = name === 'ArgMax' || name === 'ArgMin' ? 1 : [1];
        const result = kernel({x: matrix}, {axis: last, reductionIndices: last, keepDims: false});
        const {keepDims} = attrs as ReductionAttrs;
        return reshape(result, keepDims === true ? keptShape(x.shape, axes) : shape);
      },
    };
  });

const reductionRanks = reductionsWhere(ofHigherRank(HIGHEST), ({shape}) => shape.length > HIGHEST);

interface ReductionAttrs {
  readonly axis?: number | readonly number[];
  readonly reductionIndices?: number | readonly number[];
  readonly keepDims?: boolean;
}

const scanRanks = repairEach(['Cumsum', 'Cumprod'], () => ({
  wrong: ofHigherRank(4),
  instead: 'all dimensions before the axis, and all after it, become one each',
  isWrong: ({x}) => x.shape.length > 4,
  composition: ({x}, attrs, kernel) => {
    const [axis] = resolveAxes(attrs['axis'] as number, x.rank);
    return reshape(kernel({x: splitAt(x, axis!)}, {...attrs, axis: 1}), x.shape);
  },
}));

/** Kernels that do something along each axis by itself. */
const otherRanks: Repairs = {
  Select: [
    {
      wrong: ofHigherRank(4),
      instead: 'all dimensions become one',
      isWrong: ({t}) => t.shape.length > 4,
      composition: ({condition, t, e}, attrs, kernel) => {
        const flat = {
          condition: reshape(condition, [t.size]),
          t: reshape(t, [t.size]),
          e: reshape(e, [t.size]),
        };
        return reshape(kernel(flat, attrs), t.shape);
      },
    },
  ],
  Tile: [
    {
      wrong: `${ofHigherRank(4)}: reads the data and repeats it on the CPU`,
      instead: 'one dimension after the other, with all before and all after it as one',
      isWrong: ({x}) => x.shape.length > 4 && x.dtype !== 'string',
      composition: ({x}, {reps}, kernel) =>
        reps.reduce((result, rep, axis) => {
          if (rep === 1) return result;
          const shape = result.shape.map((size, dim) => (dim === axis ? size * rep : size));
          return reshape(kernel({x: splitAt(result, axis)}, {reps: [1, rep, 1]}), shape);
        }, x),
    },
  ],
  Transpose: [
    {
      wrong: ofHigherRank(HIGHEST),
      instead: 'dimensions that stay neighbours become one, or one moves after the other',
      isWrong: ({x}) => x.shape.length > HIGHEST,
      composition: ({x}, {perm}) => transpose(x, perm),
    },
  ],
  Slice: [
    {
      wrong: ofHigherRank(HIGHEST),
      instead: 'one dimension after the other, with all before and all after it as one',
      isWrong: ({x}) => x.shape.length > HIGHEST,
      composition: ({x}, {begin, size}, kernel) =>
        (size as readonly number[]).reduce((result, given, axis) => {
          const start = (begin as readonly number[])[axis]!;
          const count = given < 0 ? result.shape[axis]! - start : given;
          if (count === result.shape[axis]) return result;
          const part = splitAt(result, axis);
          const [before = 1, , after = 1] = part.shape;
          const attrs = {begin: [0, start, 0], size: [before, count, after]};
          const shape = result.shape.map((old, dim) => (dim === axis ? count : old));
          return reshape(kernel({x: part}, attrs), shape);
        }, x),
    },
  ],
  PadV2: [
    {
      wrong: ofHigherRank(4),
      instead: 'dimensions without padding become one',
      isWrong: ({x}) => x.shape.length > 4,
      composition: ({x}, attrs, kernel) => {
        const axes = [...attrs.paddings.keys()].filter((axis) =>
          attrs.paddings[axis]!.some((width) => width !== 0),
        );
        return alongAxes(x, axes, (y, axisOf) => {
          const paddings = axisOf.map((axis): [number, number] =>
            axis === null ? [0, 0] : attrs.paddings[axis]!,
          );
          return kernel({x: y}, {...attrs, paddings});
        });
      },
    },
  ],
  MirrorPad: [
    {
      wrong: ofHigherRank(4),
      instead: 'neighbouring dimensions without padding become one, and the others take turns',
      isWrong: ({x}) => x.shape.length > 4,
      composition: ({x}, {paddings, mode}) => mirror(x, paddings, mode),
    },
  ],
  Reverse: [
    {
      wrong: ofHigherRank(4),
      instead: 'dimensions that stay as they are become one',
      isWrong: ({x}) => x.shape.length > 4,
      composition: ({x}, {dims}, kernel) =>
        alongAxes(x, resolveAxes(dims, x.rank), (y, axisOf) =>
          kernel({x: y}, {dims: axisOf.flatMap((axis, dim) => (axis === null ? [] : [dim]))}),
        ),
    },
  ],
  Concat: [
    {
      wrong: ofHigherRank(HIGHEST),
      instead: 'all dimensions before the axis, and all after it, become one each',
      isWrong: (inputs) => inputs[0]!.shape.length > HIGHEST,
      composition: (inputs, attrs) =>
        concatAt(inputs, resolveAxes(attrs.axis, inputs[0]!.rank)[0]!),
    },
  ],
  Pack: [
    {
      wrong: ofHigherRank(HIGHEST),
      instead: 'Concat along a new dimension',
      isWrong: (inputs) => inputs[0]!.shape.length >= HIGHEST,
      composition: (inputs, attrs) => {
        const axis = resolveAxes(attrs.axis, inputs[0]!.rank + 1)[0]!;
        const shape = [...inputs[0]!.shape];
        shape.splice(axis, 0, 1);
        return concatAt(
          inputs.map((x) => reshape(x, shape)),
          axis,
        );
      },
    },
  ],
  Unpack: [
    {
      wrong: ofHigherRank(HIGHEST),
      instead: 'all dimensions before the axis, and all after it, become one each',
      isWrong: ({value}) => value.shape.length > HIGHEST,
      composition: ({value}, attrs, kernel) => {
        const [axis] = resolveAxes(attrs.axis, value.rank);
        const shape = value.shape.filter((_, dim) => dim !== axis);
        const parts = kernel({value: splitAt(value, axis!)}, {...attrs, axis: 1});
        return parts.map((part) => reshape(part, shape));
      },
    },
  ],
  Prelu: [
    {
      wrong: 'of a vector alpha and a tensor of rank 5 or 6 does not compile on WebGPU; '.concat(
        ofHigherRank(HIGHEST),
      ),
      instead: 'Select between x and its product with alpha',
      isWrong: ({x, alpha}) => x.shape.length > 4 || alpha.shape.length > 4,
      composition: ({x, alpha}) => {
        const isPositive = runBroadcasting('GreaterEqual', x, scalar(0));
        return run('Select', {condition: isPositive, t: x, e: mul(x, alpha)});
      },
    },
  ],
  Softmax: [
    {
      wrong: ofHigherRank(HIGHEST),
      instead: 'all dimensions but the last become one',
      isWrong: ({logits}) => logits.shape.length > HIGHEST,
      composition: ({logits}, _attrs, kernel) => {
        const last = logits.shape.at(-1)!;
        const matrix = reshape(logits, [logits.size / last, last]);
        return reshape(kernel({logits: matrix}, {dim: 1}), logits.shape);
      },
    },
  ],
  Fill: [
    {
      wrong: ofHigherRank(HIGHEST),
      instead: 'filled as one dimension',
      isWrong: (_inputs, {shape}) => shape.length > HIGHEST,
      composition: (inputs, attrs, kernel) =>
        reshape(kernel(inputs, {...attrs, shape: [product(attrs.shape)]}), attrs.shape),
    },
  ],
};

function concatAt(inputs: readonly Tensor[], axis: number): Tensor {
  const joined = concat(
    inputs.map((x) => splitAt(x, axis)),
    1,
  );
  return reshape(
    joined,
    inputs[0]!.shape.map((size, dim) => (dim === axis ? joined.shape[1]! : size)),
  );
}

/** What both WebGL and WebGPU stop at. See NOTE [ranks of GPU kernels]. */
export const ranksOfGpus = joinRepairs(
  elementwiseRanks,
  binaryRanks,
  reductionRanks,
  scanRanks,
  otherRanks,
);

export const quotientsOfGpus: Repairs = {
  FloorDiv: [
    {
      wrong: 'of float32 tensors, rounds both to whole numbers before it divides',
      instead: 'the floor of RealDiv',
      isWrong: ({a}) => a.dtype === 'float32',
      composition: ({a, b}) => cast(run('Floor', {x: div(a, b)}), 'int32'),
    },
  ],
};

const sumsOfSines = {
  wrong: 'takes sines of large angles, of which half of the digits are lost',
  instead: 'products with matrices',
  isWrong: () => true,
};

export const transformsOfGpus: Repairs = {
  FFT: [{...sumsOfSines, composition: fft}],
  IFFT: [{...sumsOfSines, composition: ifft}],
};

/**
 * Packed textures of WebGL have two rows and two columns in a pixel. Where there is an odd number of them, what lies beside is what the last
 * kernel made of zeros (1 by Exp), and the product adds it up if both sides have such a pixel in the inner dimension.
 */
const strayProducts: Pick<
  Repair<'BatchMatMul'> & Repair<'_FusedMatMul'>,
  'wrong' | 'instead' | 'isWrong'
> = {
  wrong:
    'adds up what packed textures have beside an odd inner dimension (exp(a)·exp(b) of 3 by 3 has one too much)',
  instead: 'the inner dimension made even, with zeros',
  isWrong: ({a, b}, {transposeA}, backend) => {
    const {texData} = backend as {texData: WeakMap<object, {isPacked?: boolean}>};
    return (
      a.shape.at(transposeA ? -2 : -1)! % 2 === 1 &&
      texData.get(a.dataId)?.isPacked === true &&
      texData.get(b.dataId)?.isPacked === true
    );
  },
};

/** A zero more along the last dimension, or the one before. */
function withZero(x: Tensor, before: boolean): Tensor {
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  const paddings = [0, before ? 1 : 0, before ? 0 : 1].map((count) => [0, count] as const);
  const padded = pad(reshape(x, [product(x.shape.slice(0, -2)), rows, columns]), paddings);
  return reshape(padded, [...x.shape.slice(0, -2), ...padded.shape.slice(1)]);
}

export const productsOfWebgl: Repairs = {
  BatchMatMul: [
    {
      ...strayProducts,
      composition: ({a, b}, attrs, kernel) =>
        kernel({a: withZero(a, attrs.transposeA), b: withZero(b, !attrs.transposeB)}, attrs),
    },
  ],
  _FusedMatMul: [
    {
      ...strayProducts,
      composition: ({a, b, ...rest}, attrs, kernel) =>
        kernel(
          {a: withZero(a, attrs.transposeA), b: withZero(b, !attrs.transposeB), ...rest},
          attrs,
        ),
    },
  ],
};

export const indicesOfWebgl: Repairs = {
  CropAndResize: [
    {
      wrong: 'takes the number of the box for that of its image',
      instead: 'the image of each box gathered first',
      isWrong: () => true,
      composition: ({image, boxes, boxInd}, attrs, kernel) => {
        const images = run('GatherV2', {x: image, indices: boxInd}, {axis: 0, batchDims: 0});
        const numbers = {start: 0, stop: boxInd.size, step: 1, dtype: 'int32'} as const;
        return kernel({image: images, boxes, boxInd: run('Range', {}, numbers)}, attrs);
      },
    },
  ],
  MaxPoolWithArgmax: [
    {
      wrong: 'gives indices as float32',
      instead: 'the indices cast to int32',
      isWrong: () => true,
      composition: (inputs, attrs, kernel) => {
        const [values, indices] = kernel(inputs, attrs) as [Tensor, Tensor];
        return [values, cast(indices, 'int32')];
      },
    },
  ],
};

/** Kernels whose shaders compute something else. */
export const kernelsOfWebgpu: Repairs = {
  DenseBincount: [
    {
      wrong: 'loses weights that meet in one sum; does not compile for binaryOutput',
      instead: 'OneHot times the weights, and Sum or Max',
      isWrong: ({weights}, {binaryOutput}) => binaryOutput || product(weights.shape) > 0,
      composition: denseBincount,
    },
  ],
  Transform: [
    {
      wrong: 'reads a transform for each image where there is one for all',
      instead: 'the transform repeated',
      isWrong: ({image, transforms}) => transforms.shape[0]! < image.shape[0]!,
      composition: ({image, transforms}, attrs, kernel) =>
        kernel({image, transforms: tile(transforms, [image.shape[0]!, 1])}, attrs),
    },
  ],
};

export const positionsOfWebgpu: Repairs = repairEach(['ArgMax', 'ArgMin'], () => ({
  wrong: 'gives a vector of one element for the position in a vector',
  instead: 'a scalar',
  isWrong: ({x}) => x.shape.length === 1,
  composition: ({x}, attrs, kernel) => reshape(kernel({x}, attrs), []),
}));

const isWhole = (dtype: string): boolean => dtype === 'int32' || dtype === 'bool';

/** A shader reads from eight buffers, one of them the result's. */
const MOST_TERMS = 7;

/** Shaders that only compile for some calls. */
export const shadersOfWebgpu: Repairs = joinRepairs(
  {
    AddN: [
      {
        wrong: 'of more than seven tensors does not compile: leaves the result as the memory was',
        instead: 'seven at a time',
        isWrong: (terms) => terms.length > MOST_TERMS,
        composition: (terms) => {
          const [first, ...rest] = [...terms];
          let total = first!;
          for (let at = 0; at < rest.length; at += MOST_TERMS - 1) {
            total = run('AddN', [total, ...rest.slice(at, at + MOST_TERMS - 1)]);
          }
          return total;
        },
      },
    ],
    Cast: [
      {
        wrong:
          'to float32 changes the name of the dtype alone: what takes the numbers as they are, such as Transpose, does not compile',
        instead: 'a product with one',
        isWrong: ({x}, {dtype}) => dtype === 'float32' && isWhole(x.dtype),
        composition: ({x}, attrs, kernel) => mul(kernel({x}, attrs), scalar(1)),
      },
    ],
    Transpose: [
      {
        wrong:
          'of int32 and bool tensors that are no matrices does not compile: leaves the result as the memory was',
        instead: 'moved as float32, which holds whole numbers up to 2^24',
        isWrong: ({x}) => isWhole(x.dtype) && x.shape.length > 2,
        composition: ({x}, attrs, kernel) => cast(kernel({x: cast(x, 'float32')}, attrs), x.dtype),
      },
    ],
  },
  reductionsWhere(
    'moves what it reduces to the end by a shader that does not compile for int32 and bool',
    ({shape, dtype}, axes) =>
      isWhole(dtype) && shape.length > 2 && axes[0] !== shape.length - axes.length,
  ),
  repairEach(['Cumsum', 'Cumprod'], () => ({
    wrong:
      'refuses a negative axis; in reverse, uses for every length the shader that was made for the first one of that rank; moves the axis of int32 tensors to the end by one that does not compile',
    instead: 'reversed before and after, and the axis moved here',
    isWrong: ({x}, {axis, reverse}) => reverse === true || isWhole(x.dtype) || (axis as number) < 0,
    composition: ({x}, attrs, kernel) => {
      const [axis] = resolveAxes(attrs['axis'] as number, x.rank);
      const turned = (y: Tensor): Tensor =>
        attrs['reverse'] === true ? run('Reverse', {x: y}, {dims: [2]}) : y;
      const rows = turned(transpose(splitAt(x, axis!), [0, 2, 1]));
      const scanned = kernel({x: rows}, {...attrs, axis: 2, reverse: false});
      return reshape(transpose(turned(scanned), [0, 2, 1]), x.shape);
    },
  })),
  repairEach(binary, (name) => ({
    wrong:
      'of a vector and a tensor of rank 5 or 6 does not compile: leaves the result as the memory was',
    instead: 'the vector becomes a matrix of one row',
    isWrong: ({a, b}) =>
      (a.shape.length === 1 && b.shape.length > 4) || (b.shape.length === 1 && a.shape.length > 4),
    composition: ({a, b}, attrs, kernel) => {
      const [left, right] = [a, b].map((x) => (x.rank === 1 ? reshape(x, [1, x.size]) : x));
      return a.rank > HIGHEST || b.rank > HIGHEST
        ? runBroadcasting(name, left!, right!)
        : kernel({a: left!, b: right!}, attrs);
    },
  })),
);
