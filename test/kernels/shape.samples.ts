import type * as tf from '@tensorflow/tfjs-core';
import type {Tensor4D} from '@tensorflow/tfjs-core';
import {opSample, sample, type Sample} from './sample.js';
import {bool, f32, i32} from './spec.js';

const reshaping: Sample[] = [
  sample('Reshape', {x: f32(3, 4)}, {shape: [2, 6]}),
  sample('Reshape', {x: f32(3, 4)}, {shape: [-1]}),
  sample('Reshape', {x: f32(1)}, {shape: []}),
  sample('Reshape', {x: f32()}, {shape: [1, 1]}),
  sample('Reshape', {x: i32(2, 3, 4)}, {shape: [4, -1]}),
  sample('Reshape', {x: f32(0, 3)}, {shape: [3, 0]}),
  sample('ExpandDims', {input: f32(3, 5)}, {dim: 0}),
  sample('ExpandDims', {input: f32(3, 5)}, {dim: 2}),
  sample('ExpandDims', {input: f32(3, 5)}, {dim: -1}),
  sample('ExpandDims', {input: f32(3, 5)}, {dim: -3}),
  sample('ExpandDims', {input: f32()}, {dim: 0}),
  sample('Transpose', {x: f32(3, 5)}, {perm: [1, 0]}),
  sample('Transpose', {x: f32(2, 3, 4)}, {perm: [2, 0, 1]}),
  sample('Transpose', {x: f32(2, 3, 4, 5)}, {perm: [0, 2, 3, 1]}),
  sample('Transpose', {x: f32(2, 3, 4)}, {perm: [0, 1, 2]}),
  sample('Transpose', {x: f32(2, 1, 3, 2, 5)}, {perm: [4, 2, 0, 1, 3]}),
  sample('Transpose', {x: i32(2, 3, 4)}, {perm: [1, 2, 0]}),
  opSample('squeeze', {x: f32(3, 1, 5, 1)}, (tfjs, {x}) => tfjs.squeeze(x)),
  opSample('broadcastTo', {x: f32(3, 1)}, (tfjs, {x}) => tfjs.broadcastTo(x, [2, 3, 5])),
  opSample('linalg.bandPart', {x: f32(5, 4)}, (tfjs, {x}) => tfjs.linalg.bandPart(x, 1, 2)),
  opSample('linalg.bandPart', {x: f32(2, 3, 4)}, (tfjs, {x}) => tfjs.linalg.bandPart(x, -1, 0)),
];

const slicing: Sample[] = [
  sample('Slice', {x: f32(7)}, {begin: 2, size: 3}),
  sample('Slice', {x: f32(7)}, {begin: [2], size: [-1]}),
  sample('Slice', {x: f32(3, 5)}, {begin: [1, 2], size: [2, 2]}),
  sample('Slice', {x: f32(3, 5)}, {begin: [1], size: [2]}),
  sample('Slice', {x: f32(3, 5)}, {begin: 1, size: 1}),
  sample('Slice', {x: f32(2, 3, 4)}, {begin: [0, 1, 1], size: [-1, 2, -1]}),
  sample('Slice', {x: f32(2, 3, 4, 5)}, {begin: [1, 0, 2, 3], size: [1, 3, 2, 2]}),
  sample('Slice', {x: f32(2, 1, 3, 2, 5)}, {begin: [0, 0, 1, 1, 2], size: [2, 1, 2, 1, 3]}),
  sample('Slice', {x: i32(3, 5)}, {begin: [1, 2], size: [2, 2]}),
  sample('Slice', {x: f32(3, 5)}, {begin: [1, 2], size: [0, 2]}, {note: 'nothing'}),
];

const noMasks = {beginMask: 0, endMask: 0, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0};

const strided: Sample[] = (
  [
    [[7], {...noMasks, begin: [1], end: [6], strides: [2]}],
    [[7], {...noMasks, begin: [6], end: [0], strides: [-2]}],
    [[3, 5], {...noMasks, begin: [0, 1], end: [3, 5], strides: [2, 3]}],
    [[3, 5], {...noMasks, begin: [1], end: [3], strides: [1]}],
    [[3, 5], {...noMasks, begin: [2, 1], end: [0, 4], strides: [1, 1], beginMask: 1, endMask: 2}],
    [[3, 5], {...noMasks, begin: [-2, 0], end: [3, -1], strides: [1, 2]}],
    [[3, 5], {...noMasks, begin: [1, 0], end: [2, 5], strides: [1, 1], shrinkAxisMask: 1}],
    [[3, 5], {...noMasks, begin: [1, 2], end: [2, 3], strides: [1, 1], shrinkAxisMask: 3}],
    [[3, 5], {...noMasks, begin: [0, 0, 1], end: [0, 3, 5], strides: [1, 1, 2], newAxisMask: 1}],
    [[2, 3, 4], {...noMasks, begin: [0, 1], end: [0, 4], strides: [1, 2], ellipsisMask: 1}],
    [
      [2, 3, 4],
      {
        ...noMasks,
        begin: [1, 0, 3],
        end: [2, 0, 0],
        strides: [1, 1, -2],
        ellipsisMask: 2,
        endMask: 4,
      },
    ],
    [[3, 5], {...noMasks, begin: [2, 0], end: [2, 5], strides: [1, 2]}],
    [[3, 5], {...noMasks, begin: [0, 0], end: [0, 0], strides: [-1, -3], beginMask: 3, endMask: 3}],
    [[7], {...noMasks, begin: [0], end: [2], strides: [-1]}],
    [
      [2, 3, 2, 3, 5],
      {...noMasks, begin: [0, 1, 0, 2, 1], end: [2, 3, 2, 0, 5], strides: [1, 2, 1, -1, 3]},
    ],
  ] satisfies (readonly [number[], tf.StridedSliceAttrs])[]
).map(([shape, attrs]) => sample('StridedSlice', {x: f32(...shape)}, attrs));

const joining: Sample[] = [
  sample('Concat', [f32(3), f32(4)], {axis: 0}),
  sample('Concat', [f32(3, 2), f32(3, 5), f32(3, 1)], {axis: 1}),
  sample('Concat', [f32(2, 3, 4), f32(5, 3, 4)], {axis: 0}),
  sample('Concat', [f32(2, 3, 4), f32(2, 3, 5)], {axis: 2}),
  sample('Concat', [f32(2, 3, 4), f32(2, 5, 4)], {axis: -2}),
  sample('Concat', [i32(3, 2), i32(3, 5)], {axis: 1}),
  sample('Concat', [f32(0, 5), f32(3, 5)], {axis: 0}),
  sample('Pack', [f32(), f32(), f32()], {axis: 0}),
  sample('Pack', [f32(3, 5), f32(3, 5)], {axis: 0}),
  sample('Pack', [f32(3, 5), f32(3, 5), f32(3, 5)], {axis: 1}),
  sample('Pack', [f32(3, 5), f32(3, 5)], {axis: 2}),
  sample('Pack', [f32(3, 5), f32(3, 5)], {axis: -1}),
  sample('Pack', [f32(3, 5)], {axis: -3}),
  sample('Pack', [i32(5), i32(5)], {axis: 1}),
];

const splitting: Sample[] = [
  sample('Unpack', {value: f32(3, 5)}, {axis: 0}),
  sample('Unpack', {value: f32(3, 5)}, {axis: 1}),
  sample('Unpack', {value: f32(2, 3, 4)}, {axis: -2}),
  sample('Unpack', {value: f32(3, 1)}, {axis: 1}),
  sample('Unpack', {value: i32(5)}, {axis: 0}),
  sample('SplitV', {x: f32(4, 5)}, {numOrSizeSplits: 2, axis: 0}),
  sample('SplitV', {x: f32(3, 7)}, {numOrSizeSplits: [2, 4, 1], axis: 1}),
  sample('SplitV', {x: f32(3, 7)}, {numOrSizeSplits: [2, -1], axis: -1}),
  sample('SplitV', {x: f32(2, 6, 3)}, {numOrSizeSplits: 3, axis: -2}),
  sample('SplitV', {x: i32(7)}, {numOrSizeSplits: [3, 4], axis: 0}),
];

const repeating: Sample[] = [
  sample('Tile', {x: f32(3)}, {reps: [2]}),
  sample('Tile', {x: f32(3, 5)}, {reps: [2, 3]}),
  sample('Tile', {x: f32(3, 5)}, {reps: [1, 2]}),
  sample('Tile', {x: f32(2, 3, 4)}, {reps: [2, 1, 3]}),
  sample('Tile', {x: f32(2, 1, 3, 2, 2)}, {reps: [1, 2, 1, 2, 1]}),
  sample('Tile', {x: f32()}, {reps: []}),
  sample('Tile', {x: i32(3, 5)}, {reps: [2, 1]}),
  sample('Tile', {x: bool(3, 5)}, {reps: [1, 2]}),
  sample('Reverse', {x: f32(7)}, {dims: [0]}),
  sample('Reverse', {x: f32(3, 5)}, {dims: [1]}),
  sample('Reverse', {x: f32(3, 5)}, {dims: [-2]}),
  sample('Reverse', {x: f32(2, 3, 4)}, {dims: [0, 2]}),
  sample('Reverse', {x: f32(2, 3, 4, 5)}, {dims: 1}),
  sample('Reverse', {x: f32(2, 3, 1, 2, 4)}, {dims: [0, 1, 3, 4]}),
  sample('Reverse', {x: i32(3, 5)}, {dims: [0]}),
];

const padding: Sample[] = [
  sample('PadV2', {x: f32(5)}, {paddings: [[1, 2]], constantValue: 0}),
  sample(
    'PadV2',
    {x: f32(3, 5)},
    {
      paddings: [
        [1, 0],
        [2, 3],
      ],
      constantValue: 0.7,
    },
  ),
  sample(
    'PadV2',
    {x: f32(2, 3, 4)},
    {
      paddings: [
        [0, 0],
        [1, 2],
        [0, 3],
      ],
      constantValue: 0,
    },
  ),
  sample(
    'PadV2',
    {x: f32(3, 5)},
    {
      paddings: [
        [0, 0],
        [0, 0],
      ],
      constantValue: 0,
    },
  ),
  sample(
    'PadV2',
    {x: i32(3, 5)},
    {
      paddings: [
        [0, 1],
        [1, 0],
      ],
      constantValue: 7,
    },
  ),
  sample(
    'PadV2',
    {x: f32(2, 1, 3, 2, 3)},
    {
      paddings: [
        [0, 1],
        [0, 0],
        [2, 0],
        [1, 1],
        [0, 0],
      ],
      constantValue: 0.7,
    },
  ),
  ...(['reflect', 'symmetric'] as const).flatMap((mode) => [
    sample(
      'MirrorPad',
      {x: f32(2, 3, 1, 3, 2)},
      {
        paddings: [
          [1, 0],
          [0, 2],
          [0, 0],
          [2, 1],
          [0, 1],
        ],
        mode,
      },
    ),
    sample('MirrorPad', {x: f32(5)}, {paddings: [[2, 3]], mode}),
    sample(
      'MirrorPad',
      {x: f32(3, 5)},
      {
        paddings: [
          [1, 2],
          [3, 0],
        ],
        mode,
      },
    ),
    sample(
      'MirrorPad',
      {x: f32(2, 3, 4)},
      {
        paddings: [
          [0, 1],
          [0, 0],
          [2, 1],
        ],
        mode,
      },
    ),
  ]),
];

const blocks: Sample[] = [
  sample(
    'SpaceToBatchND',
    {x: f32(1, 4, 6, 3)},
    {
      blockShape: [2, 3],
      paddings: [
        [0, 0],
        [0, 0],
      ],
    },
  ),
  sample(
    'SpaceToBatchND',
    {x: f32(2, 3, 5, 2)},
    {
      blockShape: [2, 2],
      paddings: [
        [1, 0],
        [0, 1],
      ],
    },
  ),
  sample(
    'BatchToSpaceND',
    {x: f32(6, 2, 2, 3)},
    {
      blockShape: [2, 3],
      crops: [
        [0, 0],
        [0, 0],
      ],
    },
  ),
  sample(
    'BatchToSpaceND',
    {x: f32(8, 2, 3, 1)},
    {
      blockShape: [2, 2],
      crops: [
        [1, 0],
        [0, 1],
      ],
    },
  ),
  sample('DepthToSpace', {x: f32(2, 3, 5, 8)}, {blockSize: 2, dataFormat: 'NHWC'}),
  sample('DepthToSpace', {x: f32(1, 2, 3, 9)}, {blockSize: 3, dataFormat: 'NHWC'}),
  sample(
    'DepthToSpace',
    {x: f32(2, 8, 3, 5)},
    {blockSize: 2, dataFormat: 'NCHW'},
    {
      reference: (tf, [x]) =>
        tf.transpose(
          tf.depthToSpace(tf.transpose(x as Tensor4D, [0, 2, 3, 1]), 2, 'NHWC'),
          [0, 3, 1, 2],
        ),
    },
  ),
];

const creating: Sample[] = [
  sample('Fill', {}, {shape: [3, 5], value: 0.7, dtype: 'float32'}),
  sample('Fill', {}, {shape: [], value: 3, dtype: 'int32'}),
  sample('Range', {}, {start: 1, stop: 8, step: 2, dtype: 'float32'}),
  sample('Range', {}, {start: 5, stop: 0, step: -2, dtype: 'int32'}),
  sample('LinSpace', {}, {start: -1, stop: 2, num: 7}),
  sample('Diag', {x: f32(5)}),
  sample('Diag', {x: f32(2, 3)}),
  sample('BroadcastArgs', {s0: i32(3).of([3, 2, 1]), s1: i32(2).of([1, 2], [1, 1])}),
];

export const shape: readonly Sample[] = [
  ...reshaping,
  ...slicing,
  ...strided,
  ...joining,
  ...splitting,
  ...repeating,
  ...padding,
  ...blocks,
  ...creating,
];
