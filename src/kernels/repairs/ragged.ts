import {denseByRows} from '../../rules/ragged.js';
import type {Repairs} from '../composition.js';

export const raggedRows: Repairs = {
  RaggedTensorToTensor: [
    {
      wrong:
        'of values of more than one dimension, takes a size of the result for the number of a dimension: gives it another shape, or throws; and leaves out defaults of several numbers',
      instead: 'the rows taken by their numbers, with which the kernel says where they are',
      isWrong: ({values}) => values.shape.length > 1,
      composition: (inputs, attrs) => denseByRows(inputs, attrs),
    },
  ],
};
