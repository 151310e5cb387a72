import {readsAtOnce, sample, type Sample} from './sample.js';
import {f32, i32} from './spec.js';

/** The row with its last input as part of the call: a batch shares it. */
function sharingLast(row: Sample, values: readonly number[]): Sample {
  return {
    ...row,
    label: `${row.label}: ${values.join()}`,
    names: row.names.slice(0, -1),
    specs: row.specs.slice(0, -1),
    call: (tfjs, tensors) => row.call(tfjs, [...tensors, tfjs.tensor1d([...values], 'int32')]),
  };
}

const segments: Sample[] = (['SparseSegmentSum', 'SparseSegmentMean'] as const).flatMap(
  (kernel) => {
    const row = (data: readonly number[], ids: readonly number[]): Sample =>
      sharingLast(
        sample(
          kernel,
          {
            data: f32(...data),
            indices: i32(ids.length).in(0, data[0]!),
            segmentIds: i32(ids.length),
          },
          {},
          {skip: readsAtOnce},
        ),
        ids,
      );
    return [row([4, 3], [0, 0, 1, 2, 2]), row([7], [0, 1, 1, 3]), row([4, 2, 3], [1, 1, 1, 2, 2])];
  },
);

export const sparse: readonly Sample[] = [
  ...segments,
  sharingLast(
    sample(
      'SparseSegmentSum',
      {data: i32(4, 3), indices: i32(3).in(0, 4), segmentIds: i32(3)},
      {},
      {skip: readsAtOnce},
    ),
    [0, 1, 1],
  ),
  sample(
    'Multinomial',
    {logits: f32(2, 3).of([-90, 90, -90, 90, -90, -90], [-90, -90, 90, -90, 90, -90])},
    {numSamples: 4, seed: 3, normalized: false},
    {
      note: 'certain outcomes',
      loops: {cpu: 'the kernel draws the same for each row, so that the rows are drawn one by one'},
    },
  ),
];
