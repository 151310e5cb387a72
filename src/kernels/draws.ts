import type {Distribution} from '../rules/keyed.js';
import {erf, erfInv} from './errorFunction.js';
import {randomBits, childKey, threefry, type Key} from './threefry.js';

/** What a distribution makes of a key: as many numbers as there is place for. */
type Fill<Values> = (key: Key, values: Values, range: readonly [number, number]) => void;

interface Drawing<Values> {
  readonly fill: Fill<Values>;
  /** Dimensions that each drawn thing has of its own. */
  readonly inner: readonly number[];
}

/** The smallest positive float32 with all its digits. */
const TINY = 2 ** -126;
const {fround} = Math;

/** u·(maxval - minval) + minval, rounded once as XLA does, where u is k/2²³ for a random integer k from 0 to 2²³ - 1. */
function fillUniform(key: Key, values: Float32Array, [min, max]: readonly [number, number]): void {
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  randomBits(key, bits);
  const [minval, span] = [fround(min), fround(fround(max) - fround(min))];
  for (let i = 0; i < values.length; i++) {
    const u = (bits[i]! >>> 9) * 2 ** -23;
    values[i] = Math.max(minval, fround(u * span + minval));
  }
}

/** A function of a uniform number. */
const ofUniform =
  (range: readonly [number, number], f: (u: number) => number): Fill<Float32Array> =>
  (key, values) => {
    fillUniform(key, values, range);
    for (let i = 0; i < values.length; i++) values[i] = f(values[i]!);
  };

const normalOf = (u: number): number => fround(Math.SQRT2) * fround(erfInv(u));

/** The number next to -1 towards 0: the smallest that erfInv has a value for. */
const fillNormal = ofUniform([-1 + 2 ** -24, 1], normalOf);

function fillTruncatedNormal(
  key: Key,
  values: Float32Array,
  range: readonly [number, number],
): void {
  const [lower, upper] = range.map(fround) as [number, number];
  const [a, b] = range.map((x) => fround(erf(fround(fround(x) / fround(Math.SQRT2))))) as [
    number,
    number,
  ];
  const [lowest, highest] = [neighbour(lower, 1), neighbour(upper, -1)];
  ofUniform([a, b], (u) => Math.min(highest, Math.max(lowest, fround(normalOf(u)))))(
    key,
    values,
    range,
  );
}

/** The float32 next to a number, above (1) or below it (-1). */
function neighbour(x: number, direction: 1 | -1): number {
  if (x === 0) return direction * 2 ** -149;
  const value = new Float32Array([x]);
  const bits = new Int32Array(value.buffer);
  bits[0]! += Math.sign(x) === direction ? 1 : -1;
  return value[0]!;
}

/** Integers from 64 random bits each, modulo the size of the range: the bias is at most the size / 2⁶⁴. */
function fillIntegers(key: Key, values: Int32Array, [min, max]: readonly [number, number]): void {
  const low = new Int32Array(values.length);
  randomBits(childKey(key, 0), values);
  randomBits(childKey(key, 1), low);
  const span = max > min ? max - min : 1;
  const half = 2 ** 16 % span;
  const multiplier = (Math.imul(half, half) >>> 0) % span;
  for (let i = 0; i < values.length; i++) {
    const product = Math.imul((values[i]! >>> 0) % span, multiplier) >>> 0;
    values[i] = min + (((product + ((low[i]! >>> 0) % span)) >>> 0) % span);
  }
}

/** The numbers from 0 on in random order: sorted by random bits, so often that ties don't matter. */
function fillPermutation(key: Key, values: Int32Array): void {
  let order = Array.from(values, (_, index) => index);
  const rounds = Math.ceil((3 * Math.log(Math.max(1, order.length))) / Math.log(2 ** 32 - 1));
  const bits = new Int32Array(order.length);
  for (let round = 0; round < rounds; round++) {
    randomBits(childKey(key, 1), bits);
    key = childKey(key, 0);
    const places = Array.from(bits.keys()).sort((a, b) => (bits[a]! >>> 0) - (bits[b]! >>> 0));
    const former = order;
    order = places.map((place) => former[place]!);
  }
  values.set(order);
}

function fillKeys(key: Key, values: Int32Array): void {
  for (let i = 0; i < values.length; i += 2) threefry(key, 0, i / 2, values.subarray(i, i + 2));
}

const plain = <Values>(fill: Fill<Values>): Drawing<Values> => ({fill, inner: []});

const floats: {readonly [name in Distribution]?: Drawing<Float32Array>} = {
  uniform: plain(fillUniform),
  normal: plain(fillNormal),
  truncatedNormal: plain(fillTruncatedNormal),
  gumbel: plain(ofUniform([TINY, 1], (u) => -Math.log(-Math.log(u)))),
  exponential: plain(ofUniform([0, 1], (u) => -Math.log1p(-u))),
};

const integers: {readonly [name in Distribution]?: Drawing<Int32Array>} = {
  bits: plain(randomBits),
  integers: plain(fillIntegers),
  permutation: plain(fillPermutation),
  keys: {fill: fillKeys, inner: [2]},
};

export interface Drawn {
  readonly values: Float32Array | Int32Array;
  readonly dtype: 'float32' | 'int32';
  readonly shape: readonly number[];
}

/** Draws an array of the given shape with each of the keys, whose words follow each other. */
export function drawWithKeys(
  words: ArrayLike<number>,
  distribution: Distribution,
  shape: readonly number[],
  range: readonly [number, number],
): Drawn {
  const count = words.length / 2;
  const ofKeys = <Values extends Float32Array | Int32Array>(
    {fill, inner}: Drawing<Values>,
    make: (size: number) => Values,
    dtype: Drawn['dtype'],
  ): Drawn => {
    const drawn = [...shape, ...inner];
    const size = drawn.reduce((product, n) => product * n, 1);
    const values = make(count * size);
    for (let i = 0; i < count; i++) {
      const key: Key = [words[2 * i]! | 0, words[2 * i + 1]! | 0];
      fill(key, values.subarray(i * size, (i + 1) * size) as Values, range);
    }
    return {values, dtype, shape: drawn};
  };
  const ofFloats = floats[distribution];
  return ofFloats === undefined
    ? ofKeys(integers[distribution]!, (size) => new Int32Array(size), 'int32')
    : ofKeys(ofFloats, (size) => new Float32Array(size), 'float32');
}
