import {describeTensor, widthOf, type HostTensor} from './host.js';

/**
 * How far a number may be from the expected one: `relative · |expected| + absolute · scale`, where the scale is the largest
 * finite magnitude in the expected tensor (an element that nearly cancels carries the rounding errors of its neighbours), or
 * `smallestScale`, that of the terms which may cancel in all of them.
 */
export interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
  readonly smallestScale?: number;
}

/** Throws unless shape, dtype and every element agree. NaN equals only NaN, an infinity only itself. */
export function expectClose(
  actual: HostTensor,
  expected: HostTensor,
  tolerance: Tolerance,
  what: string,
): void {
  const difference = findDifference(actual, expected, tolerance);
  if (difference !== null) {
    throw new Error(`${what}: ${difference}`);
  }
}

export function expectAllClose(
  actual: readonly HostTensor[],
  expected: readonly HostTensor[],
  tolerance: Tolerance,
  what: string,
): void {
  if (actual.length !== expected.length) {
    throw new Error(`${what}: ${actual.length} outputs, expected ${expected.length}`);
  }
  actual.forEach((output, i) =>
    expectClose(
      output,
      expected[i] as HostTensor,
      tolerance,
      actual.length === 1 ? what : `${what}, output ${i}`,
    ),
  );
}

export function findDifference(
  actual: HostTensor,
  expected: HostTensor,
  {relative, absolute, smallestScale = 0}: Tolerance,
): string | null {
  if (describeTensor(actual) !== describeTensor(expected)) {
    return `got ${describeTensor(actual)}, expected ${describeTensor(expected)}`;
  }
  const scale = Math.max(largestMagnitude(expected), smallestScale);
  let wrong = 0;
  let worst = {index: -1, excess: -1};
  for (let i = 0; i < expected.values.length; i++) {
    const e = expected.values[i] as number;
    const a = actual.values[i] as number;
    if (!isClose(a, e, relative * Math.abs(e) + absolute * scale)) {
      wrong++;
      const excess = Number.isFinite(a) && Number.isFinite(e) ? Math.abs(a - e) : Infinity;
      worst = excess > worst.excess ? {index: i, excess} : worst;
    }
  }
  if (wrong === 0) {
    return null;
  }
  const {index, excess} = worst;
  return (
    `${wrong} of ${expected.values.length} ${widthOf(expected) === 1 ? 'elements' : 'parts'} differ in ${describeTensor(expected)}, most at ` +
    `[${indices(Math.floor(index / widthOf(expected)), expected.shape).join()}]: got ${actual.values[index]}, expected ` +
    `${expected.values[index]} (off by ${excess.toPrecision(3)}, scale ${scale.toPrecision(3)})`
  );
}

function largestMagnitude({values}: HostTensor): number {
  let largest = 0;
  for (const value of values) {
    if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
  }
  return largest;
}

export function isClose(actual: number, expected: number, bound: number): boolean {
  if (Number.isNaN(expected) || Number.isNaN(actual)) {
    return Number.isNaN(expected) && Number.isNaN(actual);
  }
  if (!Number.isFinite(expected) || !Number.isFinite(actual)) {
    return actual === expected;
  }
  return Math.abs(actual - expected) <= bound;
}

function indices(flat: number, shape: readonly number[]): number[] {
  const result: number[] = [];
  let rest = flat;
  for (const dim of [...shape].reverse()) {
    result.unshift(rest % dim);
    rest = Math.floor(rest / dim);
  }
  return result;
}
