import {readFileSync} from 'node:fs';
import {expect} from 'chai';
import {
  DEFAULT_ORDERS,
  dpSgdPrivacy,
  rdpToEpsilon,
  sampledGaussianRdp,
  type SampledGaussian,
} from '../../demos/dp-mnist/privacy.js';

interface Golden {
  defaultOrders: number[];
  integerOrders: number[];
  rdp: (SampledGaussian & {order: number; rdp: number})[];
  epsilon: (SampledGaussian & {
    steps: number;
    delta: number;
    dpAccounting: number;
    opacus: {epsilon: number; order: number};
  })[];
}

const golden = JSON.parse(
  readFileSync(new URL('../golden/privacy.json', import.meta.url), 'utf8'),
) as Golden;

/** Sums of some hundred terms near 1 are exact to about so much; their logarithm may be as small. */
const ROUNDING = 1e-13;

const demo: SampledGaussian = {samplingRate: 0.0625, noiseMultiplier: 1};

describe('privacy accountant › one step', () => {
  for (const {order, rdp, ...mechanism} of golden.rdp) {
    const {samplingRate: q, noiseMultiplier: sigma} = mechanism;

    it(`has the exact divergence of order ${order} at q = ${q}, σ = ${sigma}`, () => {
      // Integer orders keep their relative precision, however small the divergence.
      const absolute = Number.isInteger(order) ? 0 : ROUNDING / (order - 1);
      expect(sampledGaussianRdp(mechanism, order)).to.be.closeTo(rdp, 1e-11 * rdp + absolute);
    });
  }

  it('is continuous between integer and fractional orders, each of which has its own formula', () => {
    for (const noiseMultiplier of [1e-3, 0.05, 0.1, 0.3, 1, 5]) {
      const mechanism = {samplingRate: 0.05, noiseMultiplier};
      const whole = sampledGaussianRdp(mechanism, 11);
      const fraction = sampledGaussianRdp(mechanism, 11 - 1e-9);
      expect(fraction / whole).to.be.closeTo(1, 1e-8);
    }
  });

  it('spends nothing if no example is ever sampled', () => {
    expect(sampledGaussianRdp({samplingRate: 0, noiseMultiplier: 1}, 2.5)).to.equal(0);
    expect(sampledGaussianRdp({samplingRate: 0, noiseMultiplier: 0}, 2.5)).to.equal(0);
  });

  it('is the plain Gaussian mechanism if every example is sampled', () => {
    expect(sampledGaussianRdp({samplingRate: 1, noiseMultiplier: 2}, 3)).to.equal(3 / 8);
  });

  it('is unbounded without noise', () => {
    expect(sampledGaussianRdp({samplingRate: 0.1, noiseMultiplier: 0}, 2)).to.equal(Infinity);
  });

  for (const [what, mechanism, order, message] of [
    ['a sampling rate above 1', {...demo, samplingRate: 1.5}, 2, /sampling rate.*1\.5/],
    ['a negative sampling rate', {...demo, samplingRate: -0.1}, 2, /sampling rate.*-0\.1/],
    ['a sampling rate that is not a number', {...demo, samplingRate: NaN}, 2, /sampling rate.*NaN/],
    ['negative noise', {...demo, noiseMultiplier: -1}, 2, /noise multiplier.*-1/],
    ['noise that is not a number', {...demo, noiseMultiplier: NaN}, 2, /noise multiplier.*NaN/],
    ['order 1', demo, 1, /order.*above 1.*is 1/],
    ['order infinity', demo, Infinity, /order.*finite.*Infinity/],
  ] as const) {
    it(`refuses ${what}`, () => {
      expect(() => sampledGaussianRdp(mechanism, order)).to.throw(RangeError, message);
    });
  }
});

describe('privacy accountant › many steps', () => {
  it('takes the orders that dp-accounting takes by default', () => {
    expect(DEFAULT_ORDERS).to.have.lengthOf(golden.defaultOrders.length);
    golden.defaultOrders.forEach((order, i) => {
      expect(DEFAULT_ORDERS[i]).to.be.closeTo(order, 1e-12);
    });
  });

  for (const {steps, delta, dpAccounting, opacus, ...mechanism} of golden.epsilon) {
    const {samplingRate: q, noiseMultiplier: sigma} = mechanism;
    const title = `${steps} steps at q = ${q.toPrecision(3)}, σ = ${sigma}, δ = ${delta}`;

    it(`gives the ε and the order of Opacus for ${title}`, () => {
      const {epsilon, order} = dpSgdPrivacy(mechanism, delta)(steps);
      expect(epsilon).to.be.closeTo(opacus.epsilon, 1e-8 * opacus.epsilon);
      expect(order).to.be.closeTo(opacus.order, 1e-12);
    });

    it(`gives the ε of dp-accounting over integer orders for ${title}`, () => {
      const {epsilon} = dpSgdPrivacy(mechanism, delta, golden.integerOrders)(steps);
      expect(epsilon).to.be.closeTo(dpAccounting, 1e-9 * dpAccounting);
    });
  }

  it('spends nothing in no steps, and ever more with each', () => {
    const spent = dpSgdPrivacy(demo, 1e-4);
    const epsilons = [0, 1, 2, 10, 100, 1000].map((steps) => spent(steps).epsilon);
    expect(epsilons[0]).to.equal(0);
    epsilons.slice(1).forEach((epsilon, i) => expect(epsilon).to.be.above(epsilons[i]!));
  });

  it('spends everything in the first step without noise, and nothing before it', () => {
    const spent = dpSgdPrivacy({...demo, noiseMultiplier: 0}, 1e-4);
    expect(spent(0).epsilon).to.equal(0);
    expect(spent(1).epsilon).to.equal(Infinity);
  });

  it('refuses a number of steps that is none', () => {
    const spent = dpSgdPrivacy(demo, 1e-4);
    expect(() => spent(-1)).to.throw(RangeError, /steps.*-1/);
    expect(() => spent(1.5)).to.throw(RangeError, /steps.*1\.5/);
  });
});

describe('privacy accountant › conversion to ε', () => {
  it('is 0 where two outputs differ by less than δ in total variation', () => {
    expect(rdpToEpsilon([1024], [1e-9], 1e-4).epsilon).to.equal(0);
  });

  it('takes the best order', () => {
    const rdp = [2, 8, 32].map((order) => order / 2); // the Gaussian mechanism with σ = 1
    const each = [2, 8, 32].map((order, i) => rdpToEpsilon([order], [rdp[i]!], 1e-5).epsilon);
    expect(rdpToEpsilon([2, 8, 32], rdp, 1e-5)).to.deep.equal({
      epsilon: Math.min(...each),
      order: 8,
    });
  });

  it('refuses a δ out of range, and lists that do not fit', () => {
    expect(() => rdpToEpsilon([2], [1], 0)).to.throw(RangeError, /delta.*is 0/);
    expect(() => rdpToEpsilon([2], [1], 1)).to.throw(RangeError, /delta.*is 1/);
    expect(() => rdpToEpsilon([2, 3], [1], 1e-5)).to.throw(
      RangeError,
      /2 orders but 1 divergences/,
    );
    expect(() => rdpToEpsilon([], [], 1e-5)).to.throw(RangeError, /at least one/);
  });
});
