import type {Lanes, Vec} from './lanes.js';

/**
 * Elementary functions of float32, four lanes at a time. Coefficients are minimax fits of our own, on the reduced ranges. The bounds, in units
 * in the last place, are checked by a dense sweep against double precision in test/compile/wasmMath.test.ts.
 */

const LN2_HIGH = 0.693359375;
const LN2_LOW = -2.1219444005469057e-4;

/** 1.5·2²³: a small number plus this has its nearest whole number in the low bits. */
const ROUNDING = 12582912;

/** `x - n·ln 2` and the bits of `n + ROUNDING`, for the whole number n nearest to `x / ln 2`. */
function reduceByLn2(v: Lanes, x: Vec): {readonly rest: Vec; readonly shifted: Vec} {
  const shifted = v.add(v.mul(x, v.float(Math.LOG2E)), v.float(ROUNDING));
  const n = v.sub(shifted, v.float(ROUNDING));
  const rest = v.sub(v.sub(x, v.mul(n, v.float(LN2_HIGH))), v.mul(n, v.float(LN2_LOW)));
  return {rest, shifted};
}

/** eʳ - 1 for |r| ≤ ln 2 / 2 */
function expm1OfRest(v: Lanes, rest: Vec): Vec {
  const tail = v.polynomial(rest, [0.49999994, 0.16666521, 0.04166839, 0.008368745, 0.0013814538]);
  return v.add(v.mul(v.mul(rest, rest), tail), rest);
}

/** eˣ, to 1 ulp, with denormal results, overflow to infinity and NaN. */
export function exp(v: Lanes, x: Vec): Vec {
  const {rest, shifted} = reduceByLn2(v, bounded(v, x, -104, 89));
  // 2ⁿ in two factors, each of which float32 has.
  const n = v.op('i32x4.sub', shifted, v.int(0x4b400000));
  const half = v.shiftRight(n, 1);
  const other = v.op('i32x4.sub', n, half);
  const power = v.add(expm1OfRest(v, rest), v.float(1));
  return v.mul(v.mul(power, powerOfTwo(v, half)), powerOfTwo(v, other));
}

/** Between two bounds; a NaN stays. */
const bounded = (v: Lanes, x: Vec, low: number, high: number): Vec =>
  v.pmax(v.pmin(x, v.float(high)), v.float(low));

/** 2ⁿ for -126 ≤ n ≤ 127 */
const powerOfTwo = (v: Lanes, n: Vec): Vec => v.shiftLeft(v.op('i32x4.add', n, v.int(127)), 23);

/** 2ⁿ⁺ᵒ for the n in the low bits of `shifted`: the others are shifted out. */
const scaleOf = (v: Lanes, shifted: Vec, offset = 0): Vec =>
  v.op('i32x4.add', v.shiftLeft(shifted, 23), v.int((127 + offset) << 23));

/** eˣ, to 1 ulp, for -87.3 ≤ x ≤ 88 only. */
function expWithin(v: Lanes, x: Vec): Vec {
  const {rest, shifted} = reduceByLn2(v, x);
  const power = v.add(expm1OfRest(v, rest), v.float(1));
  return v.mul(power, scaleOf(v, shifted));
}

/** eˣ - 1, to 2 ulp. */
export function expm1(v: Lanes, x: Vec): Vec {
  const {rest, shifted} = reduceByLn2(v, bounded(v, x, -18, 89));
  // 2ⁿ·(eʳ - 1) + (2ⁿ - 1), of which n = 0 leaves the first term; halved, since 2¹²⁸ is no float32.
  const scale = scaleOf(v, shifted, -1);
  const half = v.add(v.mul(expm1OfRest(v, rest), scale), v.sub(scale, v.float(0.5)));
  return v.add(half, half);
}

const SMALLEST_NORMAL = 1.17549435e-38;

/** ln x, to 1 ulp, for finite normal x above 0; `exponent` is added to the logarithm to base 2 of each. */
function logOfNormal(v: Lanes, x: Vec, exponent?: Vec): Vec {
  // The exponent and mantissa of a number between √½ and √2.
  const offset = v.op('i32x4.sub', x, v.int(0x3f3504f3));
  const whole = v.shiftRight(offset, 23);
  const mantissa = v.op('i32x4.sub', x, v.shiftLeft(whole, 23));
  const converted = v.op('f32x4.convert_i32x4_s', whole);
  const n = exponent === undefined ? converted : v.add(converted, exponent);
  const f = v.sub(mantissa, v.float(1));
  const square = v.mul(f, f);
  const tail = v.polynomial(
    f,
    [
      0.3333333, -0.2500082, 0.20001227, -0.16623357, 0.14201762, -0.13160194, 0.1276155,
      -0.076344296,
    ],
  );
  const correction = v.add(v.mul(v.mul(f, square), tail), v.mul(n, v.float(LN2_LOW)));
  const low = v.sub(correction, v.mul(square, v.float(0.5)));
  return v.add(v.add(f, low), v.mul(n, v.float(LN2_HIGH)));
}

/** ln x, to 1 ulp; -∞ at 0, NaN below. */
export function log(v: Lanes, x: Vec): Vec {
  const result = logOfNormal(v, x);
  const normal = v.and(v.op('f32x4.ge', x, v.float(SMALLEST_NORMAL)), v.less(x, v.float(Infinity)));
  v.wherever(v.op('v128.not', normal), result, () => {
    const denormal = logOfNormal(v, v.mul(x, v.float(2 ** 23)), v.float(-23));
    // The root keeps infinity and NaN, and makes NaN of what is negative.
    const other = v.select(
      v.op('f32x4.eq', x, v.float(0)),
      v.float(-Infinity),
      v.op('f32x4.sqrt', x),
    );
    const isDenormal = v.and(v.less(v.float(0), x), v.less(x, v.float(SMALLEST_NORMAL)));
    return v.select(isDenormal, denormal, other);
  });
  return result;
}

/** ln(1 + x), to 2 ulp. */
export function log1p(v: Lanes, x: Vec): Vec {
  const sum = v.add(v.float(1), x);
  const result = log1pWithin(v, x);
  const finite = v.and(v.op('f32x4.gt', x, v.float(-1)), v.less(x, v.float(Infinity)));
  v.wherever(v.op('v128.not', finite), result, () => log(v, sum));
  return result;
}

/** ln(1 + x), to 2 ulp, for -1 < x < ∞. */
function log1pWithin(v: Lanes, x: Vec): Vec {
  const one = v.float(1);
  const sum = v.add(one, x);
  const lost = v.sub(x, v.sub(sum, one));
  return v.add(logOfNormal(v, sum), v.div(lost, sum));
}

/** tanh x, to 3 ulp. */
export function tanh(v: Lanes, x: Vec): Vec {
  const double = v.add(x, x);
  const {rest, shifted} = reduceByLn2(v, bounded(v, double, -19, 19));
  const scale = scaleOf(v, shifted);
  // e²ˣ - 1, as in `expm1`
  const e = v.add(v.mul(expm1OfRest(v, rest), scale), v.sub(scale, v.float(1)));
  return v.div(e, v.add(e, v.float(2)));
}

/** ln of the smallest normal number, rounded up. */
const LOG_OF_SMALLEST = -87.33654;

/** 1 / (1 + e⁻ˣ), to 3 ulp; 0 where that is no normal number. */
export function sigmoid(v: Lanes, x: Vec): Vec {
  const e = expWithin(v, v.sub(v.float(0), bounded(v, x, LOG_OF_SMALLEST, 87)));
  const value = v.div(v.float(1), v.add(v.float(1), e));
  const isTiny = v.less(x, v.float(LOG_OF_SMALLEST));
  return v.op('v128.andnot', value, isTiny);
}

/** ln(1 + eˣ), to 2 ulp; 0 below -104. */
export function softplus(v: Lanes, x: Vec): Vec {
  return v.add(v.pmax(x, v.float(0)), log1pWithin(v, exp(v, v.neg(v.abs(x)))));
}

/** The error function, to 2 ulp. */
export function erf(v: Lanes, x: Vec): Vec {
  const magnitude = v.abs(x);
  const square = v.mul(x, x);
  const inner = v.polynomial(
    square,
    [0.12837917, -0.37612632, 0.11283687, -0.026858952, 0.0051998463, -0.0008128562, 0.00008308057],
  );
  const small = v.add(x, v.mul(x, inner));
  const outer = v.polynomial(
    v.pmin(magnitude, v.float(4.05)),
    [0.00021130376, 1.1276113, 0.63729036, 0.10383698, -0.02218142, 0.0030318291, -0.00019477868],
  );
  const large = v.sub(v.float(1), expWithin(v, v.neg(outer)));
  return v.select(v.less(magnitude, v.float(0.93)), small, v.copySign(large, x));
}

/** π/2 in three parts, the first two with so few bits that their products with whole numbers below 2¹³ are exact. */
const HALF_PI = [1.5703125, 4.837512969970703125e-4, 7.549789948768648e-8] as const;

/** Beyond this, sine and cosine are computed lane by lane in double precision, as by `Math.sin`. */
const REDUCIBLE = 8192;

/** sin x (`quarter` 0) or cos x (`quarter` 1), to 2 ulp or 1e-7, whichever is more. */
function sinOfQuarters(v: Lanes, x: Vec, quarter: 0 | 1): Vec {
  const shifted = v.add(v.mul(x, v.float(2 / Math.PI)), v.float(ROUNDING));
  const n = v.sub(shifted, v.float(ROUNDING));
  const r = HALF_PI.reduce((rest, part) => v.sub(rest, v.mul(n, v.float(part))), x);
  const square = v.mul(r, r);
  const sine = v.add(
    r,
    v.mul(v.mul(r, square), v.polynomial(square, [-0.16666655, 0.0083321556, -0.0001951463])),
  );
  const tail = v.polynomial(square, [0.041666646, -0.0013887362, 0.000024437728]);
  const cosine = v.add(
    v.sub(v.float(1), v.mul(square, v.float(0.5))),
    v.mul(v.mul(square, square), tail),
  );
  const quarters = quarter === 0 ? shifted : v.op('i32x4.add', shifted, v.int(1));
  // An odd number of quarter turns swaps the two, two of them change the sign.
  const odd = v.op('i32x4.ne', v.and(quarters, v.int(1)), v.int(0));
  const sign = v.shiftLeft(v.and(quarters, v.int(2)), 30);
  const result = v.op('v128.xor', v.select(odd, cosine, sine), sign);
  const large = v.op('f32x4.gt', v.abs(x), v.float(REDUCIBLE));
  v.wherever(large, result, () => v.eachLane(quarter === 0 ? 'sin' : 'cos', x));
  return result;
}

export const sin = (v: Lanes, x: Vec): Vec => sinOfQuarters(v, x, 0);

export const cos = (v: Lanes, x: Vec): Vec => sinOfQuarters(v, x, 1);

/** xʸ as C computes it: 1 for the bases and exponents where JavaScript says NaN. */
export function pow(v: Lanes, x: Vec, y: Vec): Vec {
  const one = v.float(1);
  const infinite = v.op('f32x4.eq', v.abs(y), v.float(Infinity));
  const always = v.or(v.op('f32x4.eq', x, one), v.and(v.op('f32x4.eq', v.abs(x), one), infinite));
  return v.select(always, one, v.eachLane('pow', x, y));
}
