import {digitGrid, GREEN, RED} from '../common/digitGrid.js';
import {imageOf, type Digits} from '../common/digits.js';

const COLUMNS = 10;

/**
 * A picture of some digits in a grid; below each its label, in green, and what it was taken for, in red.
 *
 * @returns  the bytes of a PNG file
 */
export function misclassifiedPng(
  digits: Digits,
  rows: readonly number[],
  predictions: Int32Array,
): Buffer {
  const cells = rows.map((row) => ({
    image: imageOf(digits, row),
    captions: [
      {digit: digits.labels[row]!, colour: GREEN},
      {digit: predictions[row]!, colour: RED},
    ],
  }));
  return digitGrid(cells, COLUMNS);
}
