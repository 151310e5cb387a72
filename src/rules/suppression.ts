import {refuseDerivative} from './refusal.js';
import {gatherAlong, scatterAlong} from './rows.js';
import {family, savingOutput, type Refusal} from './rule.js';
import {reshape, zeros} from './ops.js';
import type {Tensor} from '@tensorflow/tfjs-core';

const valueDependent: Refusal = {
  refuse:
    'How many boxes are left depends on values. Call it outside vmap, one example at a time, and map over indices padded to ' +
    'maxOutputSize (tf.image.nonMaxSuppressionPadded with padToMaxOutputSize); or weigh all boxes with a mask (tf.where) instead of selecting.',
};

const take = (x: Tensor, indices: Tensor): Tensor =>
  reshape(
    gatherAlong(reshape(x, [1, 1, x.size, 1]), reshape(indices, [1, indices.size])),
    indices.shape,
  );

const softly =
  'The scores that soft suppression (softNmsSigma > 0) lowers have no rule. Take scores with tf.gather by the selected indices.';

/** Non-maximum suppression: what is selected are integers; the scores that come with it are some of those given. */
export const suppression = family({
  NonMaxSuppressionV3: {batch: valueDependent, derivative: 'zero'},
  NonMaxSuppressionV4: {batch: valueDependent, derivative: 'zero'},
  NonMaxSuppressionV5: {
    batch: valueDependent,
    jvp: (_primals, {scores}, {softNmsSigma}, [selected]) => {
      if (softNmsSigma > 0) return refuseDerivative('NonMaxSuppressionV5', 'jvp', softly);
      return [null, scores ? take(scores, selected!) : null];
    },
    vjp: savingOutput([], ([, dy], {boxes, scores, output: [selected]}, {softNmsSigma}) => {
      if (softNmsSigma > 0) return refuseDerivative('NonMaxSuppressionV5', 'vjp', softly);
      return {
        boxes: () => zeros(boxes.shape),
        scores: () => {
          const count = selected!.size;
          const updates = reshape(dy!, [1, 1, count, 1]);
          const places = reshape(selected!, [1, count]);
          return reshape(scatterAlong(updates, places, scores.shape[0]!), scores.shape);
        },
      };
    }),
  },
});
