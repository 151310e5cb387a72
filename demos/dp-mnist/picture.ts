import {PNG} from 'pngjs';
import {imageOf, SIDE, type Digits} from '../common/digits.js';

type Colour = readonly [red: number, green: number, blue: number];

const BACKGROUND: Colour = [24, 26, 32];
const ACTUAL: Colour = [110, 220, 130];
const PREDICTED: Colour = [255, 110, 100];

/** The digits 0 to 9, three pixels wide and five high, a row an octal digit. */
const GLYPHS = [
  0o75557, 0o26227, 0o71747, 0o71717, 0o55711, 0o74717, 0o74757, 0o71111, 0o75757, 0o75717,
];
const GLYPH_WIDTH = 3;
const GLYPH_HEIGHT = 5;

/** Pixels of the picture per pixel of a digit or of a glyph. */
const SCALE = 3;
const COLUMNS = 10;
const MARGIN = 4;
const CAPTION = GLYPH_HEIGHT + 2;
const CELL_WIDTH = (SIDE + MARGIN) * SCALE;
const CELL_HEIGHT = (SIDE + CAPTION + MARGIN) * SCALE;

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
  const lines = Math.max(1, Math.ceil(rows.length / COLUMNS));
  const margin = MARGIN * SCALE;
  const png = new PNG({width: COLUMNS * CELL_WIDTH + margin, height: lines * CELL_HEIGHT + margin});
  fill(png, 0, 0, png.width, png.height, BACKGROUND);
  rows.forEach((row, cell) => {
    const left = margin + (cell % COLUMNS) * CELL_WIDTH;
    const top = margin + Math.floor(cell / COLUMNS) * CELL_HEIGHT;
    const caption = top + (SIDE + 1) * SCALE;
    drawImage(png, left, top, imageOf(digits, row));
    drawGlyph(png, left + 9 * SCALE, caption, digits.labels[row]!, ACTUAL);
    drawGlyph(png, left + 16 * SCALE, caption, predictions[row]!, PREDICTED);
  });
  return PNG.sync.write(png);
}

function drawImage(png: PNG, left: number, top: number, image: Float32Array): void {
  image.forEach((value, pixel) => {
    const grey = Math.round(255 * value);
    const x = left + (pixel % SIDE) * SCALE;
    const y = top + Math.floor(pixel / SIDE) * SCALE;
    fill(png, x, y, SCALE, SCALE, [grey, grey, grey]);
  });
}

function drawGlyph(png: PNG, left: number, top: number, digit: number, colour: Colour): void {
  const size = GLYPH_WIDTH * GLYPH_HEIGHT;
  for (let bit = 0; bit < size; bit++) {
    if (((GLYPHS[digit]! >> (size - 1 - bit)) & 1) === 0) continue;
    const x = left + (bit % GLYPH_WIDTH) * SCALE;
    const y = top + Math.floor(bit / GLYPH_WIDTH) * SCALE;
    fill(png, x, y, SCALE, SCALE, colour);
  }
}

function fill(
  png: PNG,
  left: number,
  top: number,
  width: number,
  height: number,
  [red, green, blue]: Colour,
): void {
  for (let y = top; y < top + height; y++) {
    for (let x = left; x < left + width; x++) {
      png.data.set([red, green, blue, 255], (y * png.width + x) * 4);
    }
  }
}
