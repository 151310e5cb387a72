import {opSample, type Sample} from '../kernels/sample.js';
import {bool, f32, i32} from '../kernels/spec.js';

const shapes: Sample[] = [
  opSample('reshape', {x: f32(3, 4)}, (tf, {x}) => tf.reshape(x, [2, -1])),
  opSample('squeeze', {x: f32(1, 3, 1, 5)}, (tf, {x}) => tf.squeeze(x, [2])),
  opSample('expandDims', {x: f32(3, 5)}, (tf, {x}) => tf.expandDims(x, -1)),
  opSample('ensureShape', {x: f32(3, 5)}, (tf, {x}) => tf.ensureShape(x, [3, 5])),
  opSample('concat', {a: f32(3, 5), b: f32(3, 2)}, (tf, {a, b}) => tf.concat([a, b, a], -1)),
  opSample('stack', {a: f32(3, 5), b: f32(3, 5)}, (tf, {a, b}) => tf.stack([a, b], -1)),
  opSample('unstack', {x: f32(3, 5)}, (tf, {x}) => tf.unstack(x, -1)),
  opSample('split', {x: f32(3, 7)}, (tf, {x}) => tf.split(x, [2, 4, 1], 1)),
  opSample('slice', {x: f32(4, 5)}, (tf, {x}) => tf.slice(x, [1, 2], [2, -1])),
  opSample('slice', {x: f32(4, 5)}, (tf, {x}) => tf.slice(x, 2)),
  opSample('stridedSlice', {x: f32(4, 7)}, (tf, {x}) =>
    tf.stridedSlice(x, [3, 1], [0, 7], [-1, 3]),
  ),
  opSample(
    'stridedSlice',
    {x: f32(4, 7)},
    (tf, {x}) => tf.stridedSlice(x, [2], [3], [1], 0, 0, 0, 0, 1),
    {
      note: 'one row',
    },
  ),
  opSample('pad', {x: f32(3, 5)}, (tf, {x}) =>
    tf.pad(
      x,
      [
        [1, 2],
        [0, 1],
      ],
      0.5,
    ),
  ),
  opSample('mirrorPad', {x: f32(3, 5)}, (tf, {x}) =>
    tf.mirrorPad(
      x,
      [
        [1, 2],
        [0, 3],
      ],
      'reflect',
    ),
  ),
  opSample('tile', {x: f32(3, 5)}, (tf, {x}) => tf.tile(x, [2, 1])),
  opSample('reverse', {x: f32(3, 5)}, (tf, {x}) => tf.reverse(x, -1)),
  opSample('spaceToBatchND', {x: f32(1, 4, 6, 2)}, (tf, {x}) =>
    tf.spaceToBatchND(
      x,
      [2, 3],
      [
        [0, 0],
        [0, 0],
      ],
    ),
  ),
  opSample('batchToSpaceND', {x: f32(6, 2, 2, 3)}, (tf, {x}) =>
    tf.batchToSpaceND(
      x,
      [2, 3],
      [
        [0, 1],
        [0, 0],
      ],
    ),
  ),
  opSample('depthToSpace', {x: f32(1, 3, 2, 8)}, (tf, {x}) => tf.depthToSpace(x as never, 2)),
  opSample('zerosLike', {x: f32(3, 5)}, (tf, {x}) =>
    tf.add(tf.zerosLike(x), tf.mul(x, tf.onesLike(x))),
  ),
  opSample('fill', {x: f32(3, 5)}, (tf, {x}) => tf.mul(x, tf.fill(x.shape, 3))),
  opSample('range', {x: f32(5)}, (tf, {x}) => tf.mul(x, tf.range(0, 5))),
  opSample('linspace', {x: f32(5)}, (tf, {x}) => tf.mul(x, tf.linspace(0, 1, 5))),
];

const indices: Sample[] = [
  opSample('gather', {x: f32(4, 5), indices: i32(3).in(0, 4)}, (tf, {x, indices}) =>
    tf.gather(x, indices as never),
  ),
  opSample('gather', {x: f32(4, 5)}, (tf, {x}) => tf.gather(x, [2, 0, 2], 1), {note: 'constant'}),
  opSample(
    'gather',
    {x: f32(3, 5), indices: i32(3, 2).in(0, 5)},
    (tf, {x, indices}) => tf.gather(x, indices as never, 1, 1),
    {note: 'by rows'},
  ),
  opSample('gatherND', {x: f32(4, 5), indices: i32(3, 2).indices([4, 5])}, (tf, {x, indices}) =>
    tf.gatherND(x, indices),
  ),
  opSample(
    'scatterND',
    {updates: f32(3, 5), indices: i32(3, 1).in(0, 4)},
    (tf, {updates, indices}) => tf.scatterND(indices, updates, [4, 5]),
  ),
  opSample(
    'tensorScatterUpdate',
    {x: f32(4, 5), updates: f32(3, 5), indices: i32(3, 1).distinctIndices([4])},
    (tf, {x, updates, indices}) => tf.tensorScatterUpdate(tf.mul(x, 2), indices as never, updates),
  ),
  opSample(
    'sparseToDense',
    {indices: i32(3, 2).distinctIndices([4, 5], 'sorted'), values: f32(3)},
    (tf, {indices, values}) => tf.sparseToDense(indices, values, [4, 5], tf.scalar(0.5)),
  ),
  opSample('unsortedSegmentSum', {x: f32(5, 2), ids: i32(5).in(0, 3)}, (tf, {x, ids}) =>
    tf.unsortedSegmentSum(x, ids as never, 3),
  ),
  opSample('oneHot', {indices: i32(3).in(0, 5), x: f32(3, 5)}, (tf, {indices, x}) =>
    tf.mul(tf.oneHot(indices, 5), x),
  ),
  opSample(
    'searchSorted',
    {sequence: f32(7).sorted(), values: f32(4)},
    (tf, {sequence, values}) => tf.searchSorted(sequence, values),
    {constant: 'all'},
  ),
  opSample(
    'lowerBound',
    {sequence: f32(7).sorted(), values: f32(4)},
    (tf, {sequence, values}) => tf.lowerBound(sequence, values),
    {constant: 'all'},
  ),
  opSample('masking', {x: f32(3, 5), mask: bool(3)}, (tf, {x, mask}) =>
    tf.mul(x, tf.expandDims(tf.cast(mask, 'float32'), 1)),
  ),
];

const images: Sample[] = [
  opSample('image.resizeBilinear', {x: f32(3, 4, 2)}, (tf, {x}) =>
    tf.image.resizeBilinear(x as never, [5, 7]),
  ),
  opSample(
    'image.resizeBilinear',
    {x: f32(2, 3, 4, 3)},
    (tf, {x}) => tf.image.resizeBilinear(x as never, [5, 7], false, true),
    {note: 'half-pixel centers'},
  ),
  opSample('image.resizeNearestNeighbor', {x: f32(3, 4, 2)}, (tf, {x}) =>
    tf.image.resizeNearestNeighbor(x as never, [5, 7], true),
  ),
  opSample('image.flipLeftRight', {x: f32(2, 3, 4, 3)}, (tf, {x}) =>
    tf.image.flipLeftRight(x as never),
  ),
  opSample('image.grayscaleToRGB', {x: f32(3, 4, 1)}, (tf, {x}) =>
    tf.image.grayscaleToRGB(x as never),
  ),
  opSample('image.rgbToGrayscale', {x: f32(4, 5, 3)}, (tf, {x}) =>
    tf.image.rgbToGrayscale(x as never),
  ),
];

export const arrays: readonly Sample[] = [...shapes, ...indices, ...images];
