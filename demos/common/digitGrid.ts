import {PNG} from 'pngjs';
import {SIDE} from './digits.js';

export type Colour = readonly [red: number, green: number, blue: number];

export const GREEN: Colour = [110, 220, 130];
export const RED: Colour = [255, 110, 100];
const BACKGROUND: Colour = [24, 26, 32];

/** An image of 28 by 28 grey values, 0 to 1, and digits to write below it. */
export interface Cell {
  readonly image: Float32Array;
  readonly captions: readonly {digit: number; colour: Colour}[];
}

/** The digits 0 to 9, three pixels wide and five high, a row an octal digit. */
const GLYPHS = [
  0o75557, 0o26227, 0o71747, 0o71717, 0o55711, 0o74717, 0o74757, 0o71111, 0o75757, 0o75717,
];
const GLYPH_WIDTH = 3;
const GLYPH_HEIGHT = 5;

/** Pixels of the picture per pixel of a digit or of a glyph. */
const SCALE = 3;
const MARGIN = 4;
const CAPTION = GLYPH_HEIGHT + 2;
const CELL_WIDTH = (SIDE + MARGIN) * SCALE;
const CELL_HEIGHT = (SIDE + CAPTION + MARGIN) * SCALE;
/** From where captions are written, and how far apart they are, in pixels of a digit. */
const FIRST_CAPTION = 9;
const NEXT_CAPTION = 7;

/**
 * A picture of digits in rows of the same length.
 *
 * @returns  the bytes of a PNG file
 */
export function digitGrid(cells: readonly Cell[], columns: number): Buffer {
  const lines = Math.max(1, Math.ceil(cells.length / columns));
  const margin = MARGIN * SCALE;
  const png = new PNG({width: columns * CELL_WIDTH + margin, height: lines * CELL_HEIGHT + margin});
  fill(png, 0, 0, png.width, png.height, BACKGROUND);
  cells.forEach(({image, captions}, cell) => {
    const left = margin + (cell % columns) * CELL_WIDTH;
    const top = margin + Math.floor(cell / columns) * CELL_HEIGHT;
    drawImage(png, left, top, image);
    captions.forEach(({digit, colour}, place) => {
      const x = left + (FIRST_CAPTION + place * NEXT_CAPTION) * SCALE;
      drawGlyph(png, x, top + (SIDE + 1) * SCALE, digit, colour);
    });
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
