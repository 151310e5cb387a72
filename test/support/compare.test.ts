import {expect} from 'chai';
import {expectAllClose, expectClose, findDifference, isClose} from './compare.js';
import {host} from './host.js';

const tolerance = {relative: 1e-6, absolute: 1e-6};
const vector = (...values: number[]) => host([values.length], 'float32', values);

describe('the comparer', () => {
  it('takes NaN for nothing but NaN', () => {
    expect(isClose(NaN, NaN, 1)).to.equal(true);
    for (const other of [0, 1, Infinity, -Infinity]) {
      expect(isClose(NaN, other, 1e9), `NaN, expected ${other}`).to.equal(false);
      expect(isClose(other, NaN, 1e9), `${other}, expected NaN`).to.equal(false);
    }
  });

  it('takes an infinity for nothing but itself', () => {
    expect(isClose(Infinity, Infinity, 0)).to.equal(true);
    expect(isClose(-Infinity, -Infinity, 0)).to.equal(true);
    for (const other of [-Infinity, 0, 3.4e38, NaN]) {
      expect(isClose(Infinity, other, Infinity), `∞, expected ${other}`).to.equal(false);
      expect(isClose(other, Infinity, Infinity), `${other}, expected ∞`).to.equal(false);
    }
  });

  it('tells small numbers apart', () => {
    expect(findDifference(vector(1e-4), vector(9e-4), tolerance)).to.match(
      /1 of 1 elements differ/,
    );
  });

  it('allows an element that nearly cancels the rounding errors of its neighbours', () => {
    expect(findDifference(vector(1000, 1e-4), vector(1000, 2e-4), tolerance)).to.equal(null);
    expect(findDifference(vector(1000, 1e-2), vector(1000, 2e-2), tolerance)).to.not.equal(null);
  });

  it('does not measure against an infinite neighbour', () => {
    const expected = vector(Infinity, 1);
    expect(findDifference(vector(Infinity, 1.1), expected, tolerance)).to.match(/\[1\]: got 1\.1/);
  });

  it('names the worst element, by its indices', () => {
    const actual = host([2, 3], 'float32', [1, 2, 3, 4, 5.5, 6.1]);
    const expected = host([2, 3], 'float32', [1, 2, 3, 4, 5, 6]);
    expect(() => expectClose(actual, expected, tolerance, 'sum')).to.throw(
      'sum: 2 of 6 elements differ in float32[2,3], most at [1,1]: got 5.5, expected 5',
    );
  });

  it('compares shapes and dtypes', () => {
    const row = host([1, 2], 'float32', [1, 2]);
    expect(findDifference(row, vector(1, 2), tolerance)).to.equal(
      'got float32[1,2], expected float32[2]',
    );
    expect(findDifference(host([2], 'int32', [1, 2]), vector(1, 2), tolerance)).to.equal(
      'got int32[2], expected float32[2]',
    );
  });

  it('compares the number of outputs', () => {
    expect(() => expectAllClose([vector(1)], [vector(1), vector(2)], tolerance, 'split')).to.throw(
      'split: 1 outputs, expected 2',
    );
  });
});
