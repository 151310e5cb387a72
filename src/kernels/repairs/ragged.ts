import {tensor1d} from '@tensorflow/tfjs-core';
import {reshape} from '../../rules/ops.js';
import {int, numbered, placeValues} from '../../rules/places.js';
import {assertFits, outerRank} from '../../rules/ragged.js';
import type {Repair, Repairs} from '../composition.js';

/** By rows, with a kernel that is right for values of rank 1. It reads the shape, as the kernel does. */
const denseByRows: Repair<'RaggedTensorToTensor'>['composition'] = (inputs, attrs, kernel) => {
  const {shape, values, defaultValue, rowPartitionTensors} = inputs;
  assertFits(inputs, attrs);
  const sizes = Array.from(shape.dataSync());
  const rank = outerRank(attrs);
  const [, ...inner] = values.shape;
  if (sizes.slice(rank).some((size, i) => size >= 0 && size !== inner[i])) {
    throw new Error(
      `the shape [${sizes.join()}] doesn't fit values of shape [${values.shape.join()}]`,
    );
  }
  const numbers = kernel(
    {
      shape: tensor1d(sizes.slice(0, rank), 'int32'),
      values: numbered(values.shape.slice(0, 1)),
      defaultValue: int(-1),
      rowPartitionTensors,
    },
    attrs,
  );
  const [one, only] = [values, defaultValue].map((x) => reshape(x, [1, ...x.shape]));
  const dense = placeValues(one!, only!, numbers);
  return reshape(dense, dense.shape.slice(1));
};

export const raggedRows: Repairs = {
  RaggedTensorToTensor: [
    {
      wrong:
        'of values of more than one dimension, takes a size of the result for the number of a dimension: gives it another shape, or throws; and leaves out defaults of several numbers',
      instead: 'the rows taken by their numbers, with which the kernel says where they are',
      isWrong: ({values}) => values.shape.length > 1,
      composition: denseByRows,
    },
  ],
};
