import {logicalShape} from './dims.js';
import {reshape} from './ops.js';
import {family, run} from './rule.js';

export const random = family({
  /** Each row of logits is drawn from by itself: those of a batch are more rows. */
  Multinomial: {
    batch: ({logits}, attrs, size) => {
      const [rows = 0, outcomes = 0] = logicalShape(logits);
      if (logicalShape(logits).length !== 2) throw new Error('the logits must be a matrix');
      const drawn = run(
        'Multinomial',
        {logits: reshape(logits.value, [size * rows, outcomes])},
        attrs,
      );
      return reshape(drawn, [size, rows, attrs.numSamples]);
    },
    derivative: 'zero',
  },
});
