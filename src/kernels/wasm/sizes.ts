/** Bytes of a number and of a vector of four. */
export const FLOAT = 4;
export const VECTOR = 16;

/** Columns that a product computes together: of two vectors. See NOTE [product kernel]. */
export const PANEL = 8;
