import {backend_util, util, type Tensor} from '@tensorflow/tfjs-core';
import {fold, logicalRank, logicalShape, materialize, product, sliceAlong, swap} from './dims.js';
import {concat, equal, pad, reshape, slice, sum, tile, transpose, where, zeros} from './ops.js';
import {family, run, saving, type BatchedInput} from './rule.js';
import {strategy} from './strategy.js';

/** One axis as tfjs's attributes give it (negative: from the end), checked against the rank. */
const resolveAxis = (axis: number, rank: number): number =>
  util.parseAxisParam(axis, new Array<number>(rank).fill(1))[0]!;

/** The tangents of a list of tensors, with zeros where there is none: for kernels that join what they get. */
const filled = (primals: readonly Tensor[], tangents: readonly (Tensor | undefined)[]): Tensor[] =>
  primals.map(({shape, dtype}, index) => tangents[index] ?? zeros(shape, dtype));

/** Consecutive parts of the given sizes along one axis, by slices: where these are not the kernel's, that is faster than the splitting kernels. */
function splitAlong(x: Tensor, axis: number, sizes: readonly number[]): Tensor[] {
  let end = 0;
  return sizes.map((size) => {
    const begin = end;
    end += size;
    return sliceAlong(x, axis, begin, size);
  });
}

/** Undoes `Tile`: the sum of the copies. Neighbouring dimensions that are not repeated become one, which keeps the rank low. */
function sumCopies(dy: Tensor, shape: readonly number[], reps: readonly number[]): Tensor {
  const split: number[] = [];
  const axes: number[] = [];
  let isOpen = false;
  shape.forEach((size, axis) => {
    const rep = reps[axis]!;
    if (rep !== 1) {
      axes.push(split.length);
      split.push(rep, size);
      isOpen = true;
    } else if (isOpen) {
      split[split.length - 1]! *= size;
    } else {
      split.push(size);
      isOpen = true;
    }
  });
  return reshape(sum(reshape(dy, split), axes), shape);
}

/** `[P, n]` to `[P, n, n]` with the rows on diagonals: in row-major order the diagonal of n×n is every (n + 1)-th element. */
function diagonal(x: Tensor): Tensor {
  const [p = 0, n = 0] = x.shape;
  const spread = pad(reshape(x, [p, n, 1]), [
    [0, 0],
    [0, 0],
    [0, n],
  ]);
  const square = slice(reshape(spread, [p, n * (n + 1)]), [0, 0], [p, n * n]);
  return reshape(square, [p, n, n]);
}

/** The diagonal of an n×n matrix that comes in any shape, as `[n]`. */
function fromDiagonal(dy: Tensor, n: number): Tensor {
  const spread = pad(reshape(dy, [n * n]), [[0, n]]);
  return reshape(slice(reshape(spread, [n, n + 1]), [0, 0], [n, 1]), [n]);
}

/** Undoes `DepthToSpace` of channels last. No kernel does. */
function spaceToDepth(x: Tensor, block: number): Tensor {
  const [n = 0, height = 0, width = 0, channels = 0] = x.shape;
  const rows = reshape(x, [(n * height) / block, block, width / block, block * channels]);
  return reshape(transpose(rows, [0, 2, 1, 3]), [
    n,
    height / block,
    width / block,
    block * block * channels,
  ]);
}

/** The axis of `Pack`, counted in its result. */
const packAxis = (axis: number, {shape}: {readonly shape: readonly number[]}): number =>
  resolveAxis(axis, shape.length + 1);

/** The shape arguments of `BroadcastArgs`, made equally long with ones in front. */
const padOnes = (x: Tensor, length: number): Tensor =>
  run(
    'PadV2',
    {x},
    {
      paddings: [
        [0, 0],
        [length - x.shape[1]!, 0],
      ],
      constantValue: 1,
    },
  );

const materializeAll = (inputs: readonly BatchedInput[], size: number): Tensor[] =>
  inputs.map((input) => materialize(input, size));

export const shape = family({
  Reshape: {
    batch: ({x}, attrs, size) => {
      const logical = logicalShape(x);
      const inferred = util.inferFromImplicitShape(attrs.shape, product(logical));
      util.assert(
        product(inferred) === product(logical),
        () => `[${logical.join(', ')}] doesn't fit the shape [${attrs.shape.join(', ')}]`,
      );
      return reshape(x.value, [size, ...inferred]);
    },
    linearIn: ['x'],
    vjp: saving([], (dy, {x}) => ({x: () => reshape(dy, x.shape)})),
  },

  ExpandDims: {
    batch: ({input}, {dim}) => {
      const axis = resolveAxis(dim, logicalRank(input) + 1) + 1;
      const {shape} = input.value;
      return reshape(input.value, [...shape.slice(0, axis), 1, ...shape.slice(axis)]);
    },
    linearIn: ['input'],
    vjp: saving([], (dy, {input}) => ({input: () => reshape(dy, input.shape)})),
  },

  Transpose: {
    batch: ({x}, {perm}) => transpose(x.value, [0, ...perm.map((axis) => axis + 1)]),
    linearIn: ['x'],
    vjp: saving([], (dy, _residuals, {perm}) => ({
      x: () => transpose(dy, backend_util.getUndoAxesPermutation(perm)),
    })),
  },

  Concat: {
    batch: (inputs, {axis}, size) =>
      concat(materializeAll(inputs, size), resolveAxis(axis, logicalRank(inputs[0]!)) + 1),
    jvp: (primals, tangents, {axis}) =>
      concat(filled(primals, tangents), resolveAxis(axis, primals[0]!.rank)),
    vjp: saving([], (dy, inputs, attrs) => {
      const axis = resolveAxis(attrs.axis, dy.rank);
      let end = 0;
      return inputs.map(({shape}) => {
        const begin = end;
        const size = shape[axis]!;
        end += size;
        return () => sliceAlong(dy, axis, begin, size);
      });
    }),
  },

  Pack: {
    batch: (inputs, {axis}, size) =>
      run('Pack', materializeAll(inputs, size), {
        axis: packAxis(axis, {shape: logicalShape(inputs[0]!)}) + 1,
      }),
    jvp: (primals, tangents, {axis}) => run('Pack', filled(primals, tangents), {axis}),
    vjp: saving([], (dy, inputs, attrs) => {
      const axis = packAxis(attrs.axis, inputs[0]!);
      return inputs.map(
        ({shape}, index) =>
          () =>
            reshape(sliceAlong(dy, axis, index, 1), shape),
      );
    }),
  },

  Unpack: {
    batch: ({value}, attrs) => {
      const axis = resolveAxis(attrs.axis, logicalRank(value)) + 1;
      if (strategy().slices === 'kernel') return run('Unpack', {value: value.value}, {axis});
      const {shape} = value.value;
      const rest = shape.filter((_, other) => other !== axis);
      return splitAlong(value.value, axis, new Array<number>(shape[axis]!).fill(1)).map((part) =>
        reshape(part, rest),
      );
    },
    linearIn: ['value'],
    vjp: saving([], (dys, {value}, {axis}) => ({
      value: () => run('Pack', dys, {axis: resolveAxis(axis, value.shape.length)}),
    })),
  },

  SplitV: {
    batch: ({x}, {numOrSizeSplits, axis: logicalAxis}) => {
      const axis = resolveAxis(logicalAxis, logicalRank(x)) + 1;
      if (strategy().slices === 'kernel') {
        return run('SplitV', {x: x.value}, {numOrSizeSplits, axis});
      }
      return splitAlong(
        x.value,
        axis,
        backend_util.prepareSplitSize(x.value, numOrSizeSplits, axis),
      );
    },
    linearIn: ['x'],
    vjp: saving([], (dys, {x}, {axis}) => ({
      x: () => concat(dys, resolveAxis(axis, x.shape.length)),
    })),
  },

  Tile: {
    batch: ({x}, {reps}) => {
      util.assert(
        reps.length === logicalRank(x),
        () => `${reps.length} reps don't fit a tensor of rank ${logicalRank(x)}`,
      );
      return tile(x.value, [1, ...reps]);
    },
    linearIn: ['x'],
    vjp: saving([], (dy, {x}, {reps}) => ({x: () => sumCopies(dy, x.shape, reps)})),
  },

  /** The values are shapes, and tfjs refuses those that don't fit each other. Under vmap, where values can't be read, they must fit. */
  BroadcastArgs: {
    batch: ({s0, s1}, _attrs, size) => {
      const [a, b] = materializeAll([s0, s1], size) as [Tensor, Tensor];
      const length = Math.max(a.shape[1]!, b.shape[1]!);
      const [first, second] = [padOnes(a, length), padOnes(b, length)];
      const ones = run('Fill', {}, {shape: first.shape, value: 1, dtype: 'int32'});
      return where(equal(first, ones), second, first);
    },
    derivative: 'zero',
  },

  Diag: {
    batch: ({x}, _attrs, size) => {
      const logical = logicalShape(x);
      return reshape(diagonal(reshape(x.value, [size, product(logical)])), [
        size,
        ...logical,
        ...logical,
      ]);
    },
    linearIn: ['x'],
    vjp: saving([], (dy, {x}) => ({x: () => reshape(fromDiagonal(dy, product(x.shape)), x.shape)})),
  },

  // The kernel puts the blocks' offsets before the examples: the batch dimension goes between them and comes out again.
  SpaceToBatchND: {
    batch: ({x}, attrs, size) => {
      const blocks = product(attrs.blockShape);
      const [n = 1] = logicalShape(x);
      const spread = run('SpaceToBatchND', {x: fold(x.value)}, attrs);
      const rest = spread.shape.slice(1);
      const moved = swap(reshape(spread, [blocks, size, n * product(rest)]));
      return reshape(moved, [size, blocks * n, ...rest]);
    },
    linearIn: ['x'],
    vjp: saving([], (dy, _residuals, {blockShape, paddings}) => ({
      x: () => run('BatchToSpaceND', {x: dy}, {blockShape, crops: paddings}),
    })),
  },

  BatchToSpaceND: {
    batch: ({x}, attrs, size) => {
      const blocks = product(attrs.blockShape);
      const [n = 1, ...rest] = logicalShape(x);
      util.assert(n % blocks === 0, () => `a batch of ${n} doesn't fit ${blocks} blocks`);
      const moved = swap(reshape(x.value, [size, blocks, (n / blocks) * product(rest)]));
      const joined = run(
        'BatchToSpaceND',
        {x: reshape(moved, [blocks * size * (n / blocks), ...rest])},
        attrs,
      );
      return reshape(joined, [size, n / blocks, ...joined.shape.slice(1)]);
    },
    linearIn: ['x'],
    vjp: saving([], (dy, _residuals, {blockShape, crops}) => ({
      x: () => run('SpaceToBatchND', {x: dy}, {blockShape, paddings: crops}),
    })),
  },

  DepthToSpace: {
    batch: ({x}, attrs, size) => {
      util.assert(logicalRank(x) === 4, () => `a tensor of rank ${logicalRank(x)}`);
      const y = run('DepthToSpace', {x: fold(x.value)}, attrs);
      return reshape(y, [size, x.value.shape[1]!, ...y.shape.slice(1)]);
    },
    linearIn: ['x'],
    vjp: saving([], (dy, _residuals, {blockSize, dataFormat}) => ({
      x: () =>
        dataFormat === 'NHWC'
          ? spaceToDepth(dy, blockSize)
          : transpose(spaceToDepth(transpose(dy, [0, 2, 3, 1]), blockSize), [0, 3, 1, 2]),
    })),
  },
});
