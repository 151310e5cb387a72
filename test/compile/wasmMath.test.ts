import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {fusingCompiler} from '../../src/compile/index.js';
import {makeFx} from '../../src/index.js';
import {describeBackends} from '../backends.js';

type Float = (x: number) => number;

/** erf by its Taylor series, or for large numbers by a continued fraction of 1 - erf: both in double precision. */
function erf(x: number): number {
  const magnitude = Math.abs(x);
  if (magnitude > 6) return Math.sign(x);
  if (magnitude < 2.5) {
    let [sum, term] = [x, x];
    for (let n = 1; n < 80; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = magnitude;
  for (let n = 120; n > 0; n--) fraction = magnitude + n / 2 / fraction;
  const rest = Math.exp(-x * x) / fraction / Math.sqrt(Math.PI);
  return Math.sign(x) * (1 - rest);
}

interface Bound {
  readonly exact: Float;
  /** In units in the last place of the exact result. */
  readonly ulp: number;
  /** What is good enough anyway: below it float32 has few bits, or the function cancels. */
  readonly absolute?: number;
}

const DENORMAL = 2 ** -126;

const functions: Readonly<Record<string, Bound>> = {
  exp: {exact: Math.exp, ulp: 1, absolute: 2e-45},
  expm1: {exact: Math.expm1, ulp: 2, absolute: 2e-45},
  log: {exact: Math.log, ulp: 1},
  log1p: {exact: Math.log1p, ulp: 2, absolute: 2e-45},
  tanh: {exact: Math.tanh, ulp: 3, absolute: 2e-45},
  sigmoid: {exact: (x) => 1 / (1 + Math.exp(-x)), ulp: 3, absolute: DENORMAL},
  softplus: {
    exact: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    ulp: 2,
    absolute: 2e-45,
  },
  erf: {exact: erf, ulp: 2, absolute: 2e-45},
  sin: {exact: Math.sin, ulp: 2, absolute: 1e-7},
  cos: {exact: Math.cos, ulp: 2, absolute: 1e-7},
  sqrt: {exact: Math.sqrt, ulp: 0.5},
  rsqrt: {exact: (x) => 1 / Math.sqrt(x), ulp: 1.5},
  reciprocal: {exact: (x) => 1 / x, ulp: 0.5, absolute: 1e-45},
};

/** Float32 numbers of every magnitude, denormal ones too, and a dense grid where the functions do something. */
function sweep(): Float32Array {
  const numbers: number[] = [];
  const float = new Float32Array(1);
  const bits = new Uint32Array(float.buffer);
  for (let pattern = 0; pattern < 0x7f800000; pattern += 15013) {
    bits[0] = pattern;
    numbers.push(float[0]!, -float[0]!);
  }
  for (let i = -100_000; i <= 100_000; i++) numbers.push(i / 2000, i / 970 + 1e-4);
  return Float32Array.from(numbers);
}

const SPECIAL = [0, -0, Infinity, -Infinity, NaN, 1, -1, 1e-45, -1e-45, 88.8, -104.1, 3.4e38];

const ulpOf = (value: number): number =>
  2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(value)))) - 23);

describeBackends(
  'elementary functions of generated code',
  () => {
    for (const [name, {exact, ulp, absolute = 0}] of Object.entries(functions)) {
      const compute = (numbers: Float32Array): Float32Array => {
        const x = tf.tensor1d(numbers);
        const op = tf[name as 'exp'];
        const f = makeFx((x: tf.Tensor) => op(x))(x);
        const compiled = fusingCompiler()(f.graph);
        expect(compiled.lowered.steps[0]!.code).to.be.a('string');
        const [y] = compiled([x]);
        const result = y!.dataSync<'float32'>();
        tf.dispose([x, y!]);
        f.dispose();
        return result;
      };

      it(`${name} is within ${ulp} ulp of the exact result`, function () {
        this.timeout(20_000);
        const numbers = sweep();
        const results = compute(numbers);
        let [worst, at] = [0, NaN];
        numbers.forEach((x, i) => {
          const wanted = exact(x);
          const result = results[i]!;
          if (!Number.isFinite(Math.fround(wanted))) {
            if (!Object.is(result, Math.fround(wanted))) {
              throw new Error(`${name}(${x}) is ${result}, not ${wanted}`);
            }
            return;
          }
          const off = Math.abs(result - wanted);
          if (off <= absolute) return;
          const units = off / ulpOf(wanted);
          if (!(units <= worst)) [worst, at] = [units, x];
        });
        expect(worst, `at ${at}`).to.be.at.most(ulp * (1 + 1e-6));
      });

      it(`${name} has the limits, signs and NaNs of the exact function`, () => {
        const numbers = Float32Array.from(SPECIAL);
        const results = compute(numbers);
        numbers.forEach((x, i) => {
          const wanted = Math.fround(exact(x));
          const result = results[i]!;
          if (Number.isFinite(wanted) && wanted !== 0) {
            const bound = Math.max(absolute, ulp * ulpOf(wanted));
            expect(Math.abs(result - wanted), `${name}(${x})`).to.be.at.most(2 * bound);
          } else if (wanted === 0) {
            expect(Math.abs(result), `${name}(${x})`).to.be.at.most(absolute);
          } else {
            expect(result, `${name}(${x})`).to.deep.equal(wanted);
          }
        });
      });
    }
  },
  {only: ['wasm']},
);
