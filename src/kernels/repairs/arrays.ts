import {range, scalar, type Tensor} from '@tensorflow/tfjs-core';
import {product, resolveAxes} from '../../rules/dims.js';
import {gatherSizes, oneHot, scatterIndexSizes} from '../../rules/indexing.js';
import {
  cast,
  equal,
  less,
  mul,
  reshape,
  slice,
  tile,
  transpose,
  where,
  zeros,
} from '../../rules/ops.js';
import {rowNumbers, takeRows} from '../../rules/rows.js';
import {run} from '../../rules/rule.js';
import {axisOf} from '../../rules/scan.js';
import {mirror, padAll, parseStrided, reverseAxes, takeStrided} from '../../rules/slicing.js';
import type {Repair, Repairs} from '../composition.js';
import {hasTake, taken, type Gathering} from '../wasm/gather.js';

const scan = (wrong: string): Repair<'Cumsum'> & Repair<'Cumprod'> => ({
  wrong,
  instead: 'the axis counted from the front',
  isWrong: (_inputs, {axis}) => axis < 0,
  composition: ({x}, attrs, kernel) => kernel({x}, {...attrs, axis: axisOf(x.rank, attrs)}),
});

const scanOfCpu = scan('permutes dimensions wrongly for a negative axis');

const scanOfWasm = scan(
  'permutes dimensions wrongly for a negative axis, and writes where it must not',
);

const booleanScan: Repair<'Cumsum'> & Repair<'Cumprod'> = {
  wrong: 'throws for bool',
  instead: 'computed in int32',
  isWrong: ({x}) => x.dtype === 'bool',
  composition: ({x}, attrs, kernel) => kernel({x: cast(x, 'int32')}, attrs),
};

export const scansOfCpu: Repairs = {Cumsum: [scanOfCpu], Cumprod: [scanOfCpu]};

export const scansOfWasm: Repairs = {
  Cumsum: [booleanScan, scanOfWasm],
  Cumprod: [booleanScan, scanOfWasm],
};

const scanOfWebgl = scan('writes a shader for a negative axis that does not compile');

export const scansOfWebgl: Repairs = {Cumsum: [scanOfWebgl], Cumprod: [scanOfWebgl]};

export const scansOfTensorflow: Repairs = {Cumsum: [booleanScan], Cumprod: [booleanScan]};

function gatherOnWasm(
  kernel: 'GatherV2' | 'GatherNd',
  x: Tensor,
  indices: Tensor,
  sizes: Gathering,
): Tensor {
  const {parts, outer, n, inner, count, outputShape} = sizes;
  if (product(outputShape) === 0) return zeros(outputShape, x.dtype);
  if (hasTake()) return taken(kernel, x, indices, sizes);
  const numbers = rowNumbers(reshape(indices, [parts, count, 1]), [n], outer);
  return reshape(takeRows(reshape(x, [parts * outer * n, inner]), numbers), outputShape);
}

export const gatherOfWasm: Repairs = {
  GatherV2: [
    {
      wrong:
        'takes 35 ns and more for each number; with batch dimensions, reads past the end of the indices',
      instead: 'generated WebAssembly, or GatherNd of rows by number',
      isWrong: () => true,
      composition: ({x, indices}, attrs) =>
        gatherOnWasm('GatherV2', x, indices, gatherSizes(x, indices, attrs)),
    },
  ],
  GatherNd: [
    {
      wrong:
        'reads past the end of the tensor where an index does, and is twice as slow as need be',
      instead: 'for rows by number, generated WebAssembly',
      isWrong: ({indices}) => indices.shape.at(-1) === 1 && hasTake(),
      composition: ({params, indices}) => {
        const [n = 0, ...rest] = params.shape;
        return gatherOnWasm('GatherNd', params, indices, {
          parts: 1,
          outer: 1,
          n,
          inner: product(rest),
          count: indices.size,
          outputShape: [...indices.shape.slice(0, -1), ...rest],
        });
      },
    },
  ],
};

export const gatherOfTensorflow: Repairs = {
  GatherV2: [
    {
      wrong: 'throws for a negative axis',
      instead: 'the axis counted from the front',
      isWrong: (_inputs, {axis}) => axis < 0,
      composition: ({x, indices}, attrs, kernel) =>
        kernel({x, indices}, {...attrs, axis: resolveAxes(attrs.axis, x.rank)[0]!}),
    },
  ],
};

export const oneHotOfWasm: Repairs = {
  OneHot: [
    {
      wrong: 'writes integers whatever the dtype',
      instead: 'Select, by a OneHot of integers',
      isWrong: (_inputs, {dtype}) => dtype !== 'int32',
      composition: ({indices}, attrs) => oneHot(indices, attrs),
    },
  ],
};

export const scattersOfCpu: Repairs = {
  TensorScatterUpdate: [
    {
      wrong: 'writes into its input',
      instead: 'a copy is written into',
      isWrong: () => true,
      composition: ({tensor, indices, updates}, attrs, kernel) =>
        kernel({tensor: copyOf(tensor), indices, updates}, attrs),
    },
  ],
};

const copyOf = (x: Tensor): Tensor =>
  x.dtype === 'string'
    ? run('Tile', {x}, {reps: x.shape.map(() => 1)})
    : mul(x, scalar(1, x.dtype as 'float32'));

/** So many updates are compared with each other; what comes after them is written on top. */
const COMPARED = 1024;

/** Of row numbers int32 `[n, 1]`, the last place where each is: int32 `[n, 1]`. */
function lastPlaces(numbers: Tensor): Tensor {
  const n = numbers.size;
  const isSame = equal(numbers, reshape(numbers, [1, n]));
  const places = mul(cast(isSame, 'int32'), range(0, n, 1, 'int32'));
  return run('Max', {x: places}, {reductionIndices: [1], keepDims: true});
}

/**
 * TensorScatterUpdate by a kernel that does not leave the last of several updates of a place.
 * @param unite  makes updates `[n, columns]` of one place harmless, given the number of the last update of each one's place, int32 `[n, 1]`
 */
const scatterUpdates = (
  wrong: string,
  instead: string,
  unite: (updates: Tensor, last: Tensor) => Tensor,
): Repairs => ({
  TensorScatterUpdate: [
    {
      wrong,
      instead,
      isWrong: ({tensor, updates}) => tensor.dtype !== 'string' && product(updates.shape) > 0,
      composition: ({tensor, indices, updates}, attrs, kernel) => {
        const {count, depth} = scatterIndexSizes(indices);
        if (count === 1) return kernel({tensor, indices, updates}, attrs);
        const [dims, inner] = [tensor.shape.slice(0, depth), tensor.shape.slice(depth)];
        const matrix = reshape(indices, [count, depth]);
        const rows = reshape(updates, [count, product(inner)]);
        let result = tensor;
        for (let start = 0; start < count; start += COMPARED) {
          const n = Math.min(COMPARED, count - start);
          const [part, those] = [matrix, rows].map((all) =>
            n === count ? all : slice(all, [start, 0], [n, all.shape[1]!]),
          ) as [Tensor, Tensor];
          const numbers = rowNumbers(reshape(part, [1, n, depth]), dims, 1);
          const united = unite(those, lastPlaces(numbers));
          const inputs = {indices: part, updates: reshape(united, [n, ...inner])};
          result = kernel({tensor: result, ...inputs}, attrs);
        }
        return result;
      },
    },
  ],
});

export const scattersOfWebgl = scatterUpdates(
  'adds up the updates of one place',
  'zeros for all of them but the last',
  (updates, last) => {
    const [n = 0, columns = 0] = updates.shape;
    const comesAgain = less(reshape(range(0, n, 1, 'int32'), [n, 1]), last);
    return where(tile(comesAgain, [1, columns]), run('ZerosLike', {x: updates}), updates);
  },
);

export const scattersOfWebgpu = scatterUpdates(
  'leaves to chance, number by number, which update of one place stays',
  'all of them are the last',
  takeRows,
);

export const scattersOfTensorflow: Repairs = {
  ScatterNd: [
    {
      wrong: 'throws for indices of rank 1, which number rows',
      instead: 'the indices as a matrix of one column',
      isWrong: ({indices}) => indices.shape.length === 1,
      composition: ({indices, updates}, attrs, kernel) =>
        kernel({indices: reshape(indices, [indices.size, 1]), updates}, attrs),
    },
  ],
  TensorScatterUpdate: [
    {
      wrong: 'throws for indices of rank 1, which number rows',
      instead: 'the indices as a matrix of one column',
      isWrong: ({indices}) => indices.shape.length === 1,
      composition: ({tensor, indices, updates}, attrs, kernel) =>
        kernel({tensor, indices: reshape(indices, [indices.size, 1]), updates}, attrs),
    },
  ],
};

const stridedSlice = (
  description: Pick<Repair<'StridedSlice'>, 'wrong' | 'instead' | 'isWrong'>,
): Repairs => ({
  StridedSlice: [
    {
      ...description,
      composition: ({x}, attrs) => {
        const strided = parseStrided(x.shape, attrs);
        return reshape(takeStrided(x, strided), strided.finalShape);
      },
    },
  ],
});

export const stridedSliceOfWasm = stridedSlice({
  wrong: 'takes the bits of int32 and bool values for those of floats',
  instead: 'GatherNd of rows by number',
  isWrong: ({x}) => x.dtype !== 'float32',
});

export const stridedSliceOfGpus = stridedSlice({
  wrong: 'has no shader for a rank above 4',
  instead: 'dimensions that stay whole become one, and the others take turns',
  isWrong: ({x}) => x.shape.length > 4,
});

export const reverseOfWasm: Repairs = {
  Reverse: [
    {
      wrong: 'reads bool values as if they were four bytes wide',
      instead: 'reversed as int32',
      isWrong: ({x}) => x.dtype === 'bool',
      composition: ({x}, {dims}) =>
        cast(reverseAxes(cast(x, 'int32'), resolveAxes(dims, x.rank)), 'bool'),
    },
  ],
};

const MOST_PADDED = 6;

/** See NOTE [rank limits]. */
export const padOfWasm: Repairs = {
  PadV2: [
    {
      wrong: 'leaves the result uninitialised above rank 6',
      instead: 'neighbouring dimensions without padding become one, and the others take turns',
      isWrong: ({x}) => x.shape.length > MOST_PADDED,
      composition: ({x}, {paddings, constantValue}) => padAll(x, paddings, constantValue),
    },
  ],
};

export const mirrorOfTensorflow: Repairs = {
  MirrorPad: [
    {
      wrong: 'throws above rank 5',
      instead: 'neighbouring dimensions without padding become one, and the others take turns',
      isWrong: ({x}) => x.shape.length > 5,
      composition: ({x}, {paddings, mode}) => mirror(x, paddings, mode),
    },
  ],
};

/** `[N, C, H, W]` by way of `[N, H, W, C]`. */
export const channelsFirstDepthToSpace: Repairs = {
  DepthToSpace: [
    {
      wrong: "throws for 'NCHW'",
      instead: "transposed to 'NHWC' and back",
      isWrong: (_inputs, {dataFormat}) => dataFormat === 'NCHW',
      composition: ({x}, attrs, kernel) => {
        const channelsLast = transpose(x, [0, 2, 3, 1]);
        return transpose(kernel({x: channelsLast}, {...attrs, dataFormat: 'NHWC'}), [0, 3, 1, 2]);
      },
    },
  ],
};

export const diagonalOfTensorflow: Repairs = {
  Diag: [
    {
      wrong: 'throws for bool',
      instead: 'computed in int32',
      isWrong: ({x}) => x.dtype === 'bool',
      composition: ({x}, attrs, kernel) => cast(kernel({x: cast(x, 'int32')}, attrs), 'bool'),
    },
  ],
};

export const countsOfWasm: Repairs = {
  Bincount: [
    {
      wrong: 'gives a tensor of higher rank another shape, and leaves most of it 0',
      instead: 'the tensor as a list',
      isWrong: ({x}) => x.shape.length !== 1,
      composition: ({x, weights}, attrs, kernel) =>
        kernel({x: reshape(x, [x.size]), weights: reshape(weights, [weights.size])}, attrs),
    },
  ],
};
