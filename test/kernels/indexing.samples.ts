import {opSample, sample, type Sample} from './sample.js';
import {f32, i32} from './spec.js';

const gather: Sample[] = [
  sample('GatherV2', {x: f32(7), indices: i32(3).in(0, 7)}, {axis: 0, batchDims: 0}),
  sample('GatherV2', {x: f32(7), indices: i32().in(0, 7)}, {axis: 0, batchDims: 0}),
  sample('GatherV2', {x: f32(4, 5), indices: i32(3).in(0, 4)}, {axis: 0, batchDims: 0}),
  sample('GatherV2', {x: f32(4, 5), indices: i32(2, 3).in(0, 5)}, {axis: 1, batchDims: 0}),
  sample('GatherV2', {x: f32(2, 3, 4), indices: i32(5).in(0, 3)}, {axis: 1, batchDims: 0}),
  sample('GatherV2', {x: f32(2, 3, 4), indices: i32(5).in(0, 4)}, {axis: -1, batchDims: 0}),
  sample('GatherV2', {x: f32(2, 3, 4), indices: i32().in(0, 3)}, {axis: -2, batchDims: 0}),
  sample('GatherV2', {x: i32(4, 5), indices: i32(3).in(0, 4)}, {axis: 0, batchDims: 0}),
  sample('GatherV2', {x: f32(3, 5), indices: i32(3, 2).in(0, 5)}, {axis: 1, batchDims: 1}),
  sample('GatherV2', {x: f32(2, 4, 5), indices: i32(2, 3).in(0, 5)}, {axis: 2, batchDims: 1}),
  sample('GatherV2', {x: f32(2, 3, 5), indices: i32(2, 3, 4).in(0, 5)}, {axis: 2, batchDims: 2}),
  sample('GatherV2', {x: f32(2, 4, 5, 3), indices: i32(2, 6).in(0, 5)}, {axis: 2, batchDims: 1}),
  sample('GatherV2', {x: f32(4, 5), indices: i32(3).in(0, 5)}, {axis: 1, batchDims: 0}),
  sample(
    'GatherV2',
    {x: f32(2, 3, 9), indices: i32(4).in(0, 3)},
    {axis: 1, batchDims: 0},
    {
      note: 'long rows',
    },
  ),
  sample('GatherNd', {params: f32(7), indices: i32(3, 1).indices([7])}),
  sample('GatherNd', {params: f32(4, 5), indices: i32(3, 2).indices([4, 5])}),
  sample('GatherNd', {params: f32(4, 5), indices: i32(3, 1).indices([4])}),
  sample('GatherNd', {params: f32(2, 3, 4), indices: i32(5, 2, 2).indices([2, 3])}),
  sample('GatherNd', {params: f32(2, 3, 4), indices: i32(3).indices([2, 3, 4])}),
  sample('GatherNd', {params: i32(4, 5), indices: i32(3, 2).indices([4, 5])}),
];

const scatter: Sample[] = [
  sample(
    'ScatterNd',
    {indices: i32(3, 1).indices([7]), updates: f32(3)},
    {shape: [7]},
    {note: 'indices may repeat'},
  ),
  sample(
    'ScatterNd',
    {indices: i32(3, 2).distinctIndices([4, 5]), updates: f32(3)},
    {shape: [4, 5]},
  ),
  sample('ScatterNd', {indices: i32(3, 1).indices([4]), updates: f32(3, 5)}, {shape: [4, 5]}),
  sample('ScatterNd', {indices: i32(2, 3, 1).indices([7]), updates: f32(2, 3)}, {shape: [7]}),
  sample('ScatterNd', {indices: i32(3, 1).indices([4]), updates: i32(3, 5)}, {shape: [4, 5]}),
  sample('TensorScatterUpdate', {
    tensor: f32(7),
    indices: i32(3, 1).distinctIndices([7]),
    updates: f32(3),
  }),
  sample('TensorScatterUpdate', {
    tensor: f32(4, 5),
    indices: i32(3, 1).distinctIndices([4]),
    updates: f32(3, 5),
  }),
  sample('TensorScatterUpdate', {
    tensor: f32(4, 5),
    indices: i32(3, 2).distinctIndices([4, 5]),
    updates: f32(3),
  }),
  sample('TensorScatterUpdate', {
    tensor: f32(2, 3, 5),
    indices: i32(4, 2).distinctIndices([2, 3]),
    updates: f32(4, 5),
  }),
  sample(
    'TensorScatterUpdate',
    {tensor: f32(4, 5), indices: i32(6, 1).indices([4]), updates: f32(6, 5)},
    {},
    {note: 'indices may repeat'},
  ),
  sample(
    'SparseToDense',
    {
      sparseIndices: i32(3, 2).distinctIndices([4, 5], 'sorted'),
      sparseValues: f32(3),
      defaultValue: f32(),
    },
    {outputShape: [4, 5]},
  ),
  sample(
    'SparseToDense',
    {
      sparseIndices: i32(3).distinctIndices([7], 'sorted'),
      sparseValues: f32(3),
      defaultValue: f32(),
    },
    {outputShape: [7]},
  ),
  sample(
    'SparseToDense',
    {
      sparseIndices: i32(3).distinctIndices([7], 'sorted'),
      sparseValues: f32(),
      defaultValue: f32(),
    },
    {outputShape: [7]},
    {note: 'one value for all'},
  ),
  sample('UnsortedSegmentSum', {x: f32(5), segmentIds: i32(5).in(0, 3)}, {numSegments: 3}),
  sample('UnsortedSegmentSum', {x: f32(5, 2), segmentIds: i32(5).in(0, 4)}, {numSegments: 4}),
  sample('UnsortedSegmentSum', {x: f32(5, 2, 3), segmentIds: i32(5).in(0, 4)}, {numSegments: 4}),
  sample(
    'UnsortedSegmentSum',
    {x: f32(5, 9), segmentIds: i32(5).in(-2, 3)},
    {numSegments: 3},
    {
      note: 'some are dropped',
    },
  ),
];

const oneHot: Sample[] = (
  [
    {dtype: 'int32', depth: 5, onValue: 1, offValue: 0},
    {dtype: 'int32', depth: 4, onValue: 7, offValue: -2},
  ] as const
).flatMap((attrs) => [
  sample('OneHot', {indices: i32(3).in(0, 4)}, attrs),
  sample('OneHot', {indices: i32().in(0, 4)}, attrs),
  sample('OneHot', {indices: i32(2, 3).in(0, 4)}, attrs),
]);

const oneHotOfOtherDtypes: Sample[] = (
  [
    {dtype: 'float32', depth: 5, onValue: 0.7, offValue: -0.2},
    {dtype: 'bool', depth: 5, onValue: 1, offValue: 0},
    {dtype: 'bool', depth: 5, onValue: 0, offValue: 1},
  ] as const
).map((attrs) => sample('OneHot', {indices: i32(2, 3).in(0, 4)}, attrs));

const search: Sample[] = (['left', 'right'] as const).flatMap((side) => [
  sample(
    'SearchSorted',
    {sortedSequence: f32(3, 7).sorted(), values: f32(3, 4)},
    {side},
    {constant: 'all'},
  ),
  sample(
    'SearchSorted',
    {sortedSequence: i32(1, 7).sorted(), values: i32(1, 5)},
    {side},
    {note: 'ties'},
  ),
]);

const top: Sample[] = [
  sample('TopK', {x: f32(7)}, {k: 3, sorted: true}),
  sample('TopK', {x: f32(3, 5)}, {k: 2, sorted: true}),
  sample('TopK', {x: f32(2, 3, 4)}, {k: 4, sorted: true}),
  sample('TopK', {x: f32(3, 5)}, {k: 1, sorted: true}),
  sample('TopK', {x: i32(3, 5).map((_, i) => (i * 7) % 15)}, {k: 2, sorted: true}),
];

const ops: Sample[] = [
  opSample('oneHot', {indices: i32(3).in(0, 5)}, (tf, {indices}) =>
    tf.cast(tf.oneHot(indices, 5), 'float32'),
  ),
  opSample('gather', {x: f32(3, 5), indices: i32(3, 2).in(0, 5)}, (tf, {x, indices}) =>
    tf.gather(x, indices as never, 1),
  ),
  ...(['lowerBound', 'upperBound'] as const).map((op) =>
    opSample(
      op,
      {sequence: f32(3, 7).sorted(), values: f32(3, 4)},
      (tf, {sequence, values}) => tf[op](sequence, values),
      {constant: 'all'},
    ),
  ),
];

export const indexing: readonly Sample[] = [
  ...gather,
  ...scatter,
  ...oneHot,
  ...oneHotOfOtherDtypes,
  ...search,
  ...top,
  ...ops,
];
