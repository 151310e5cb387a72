import {family} from './rule.js';

const padded =
  'Lengths of rows are values, so results can differ in shape between examples. Call it outside vmap, or keep rows padded to one length, ' +
  'with a mask (tf.where).';

/**
 * Ragged tensors are lists of rows whose lengths are values. tfjs has these kernels on cpu and webgl, and hands the row splits over as a
 * list inside of its named inputs.
 */
export const ragged = family({
  RaggedGather: {
    batch: {refuse: padded},
    derivative: {
      refuse:
        'Take the rows with tf.gather: of the dense values, by row numbers from tf.raggedGather of tf.range.',
    },
  },
  RaggedRange: {
    batch: {refuse: padded},
    derivative: {
      refuse:
        'Make the numbers of the steps with tf.raggedRange of integers, and compute start + step · delta from them.',
    },
  },
  RaggedTensorToTensor: {
    batch: {refuse: padded},
    derivative: {
      refuse:
        'Make the places with tf.raggedTensorToTensor of tf.range, and take the values with tf.gather and tf.where.',
    },
  },
});
