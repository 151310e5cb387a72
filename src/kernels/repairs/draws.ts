import {concat, slice} from '../../rules/ops.js';
import type {Repairs} from '../composition.js';

export const drawsOfCpu: Repairs = {
  Multinomial: [
    {
      wrong: 'draws the same for each row',
      instead: 'the rows one by one, each with a seed of its own',
      isWrong: ({logits}) => logits.shape[0]! > 1,
      composition: ({logits}, attrs, kernel) => {
        const [rows = 0, outcomes = 0] = logits.shape;
        const drawn = Array.from({length: rows}, (_, row) =>
          kernel(
            {logits: slice(logits, [row, 0], [1, outcomes])},
            {...attrs, seed: attrs.seed + row},
          ),
        );
        return concat(drawn, 0);
      },
    },
  ],
};
