/**
 * Threefry-2x32 with 20 rounds: a block cipher that makes random bits of a counter, under a key. Salmon, Moraes, Dror and Shaw, "Parallel random
 * numbers: as easy as 1, 2, 3" (2011), https://doi.org/10.1145/2063384.2063405. Words are int32 here: the bits of an unsigned number.
 */
const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;

/** The key schedule's constant. */
const PARITY = 0x1bd11bda;

/** A key, two words. */
export type Key = readonly [number, number];

/** Encrypts the two words of a counter. @param block  is given the result */
export function threefry([k0, k1]: Key, hi: number, lo: number, block: Int32Array): void {
  const k2 = k0 ^ k1 ^ PARITY;
  const schedule = [k0, k1, k2];
  let x0 = (hi + k0) | 0;
  let x1 = (lo + k1) | 0;
  for (let group = 0; group < 5; group++) {
    const first = (group & 1) * 4;
    for (let round = first; round < first + 4; round++) {
      const rotation = ROTATIONS[round]!;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << rotation) | (x1 >>> (32 - rotation))) ^ x0;
    }
    x0 = (x0 + schedule[(group + 1) % 3]!) | 0;
    x1 = (x1 + schedule[(group + 2) % 3]! + group + 1) | 0;
  }
  block[0] = x0;
  block[1] = x1;
}

const block = new Int32Array(2);

/** Key number `index` of those that a key is split into, which is also the key that comes of folding that number in. */
export function childKey(key: Key, index: number): Key {
  threefry(key, 0, index, block);
  return [block[0]!, block[1]!];
}

/** 32 random bits for each element. Element i depends on the key and on i alone (JAX's `jax_threefry_partitionable`). */
export function randomBits(key: Key, bits: Int32Array): void {
  for (let index = 0; index < bits.length; index++) {
    threefry(key, 0, index, block);
    bits[index] = block[0]! ^ block[1]!;
  }
}
