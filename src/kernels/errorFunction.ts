/** ∫ 2/√π·exp(-t²) from 0 to x, to some 1e-15. */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (!(a < 6)) return Number.isNaN(x) ? NaN : Math.sign(x);
  return Math.sign(x) * (a < 2.5 ? erfBySeries(a) : 1 - erfcByFraction(a));
}

/** erf(x) = 2/√π·exp(-x²)·Σ 2ⁿ·x²ⁿ⁺¹ / (1·3·…·(2n+1)), whose terms are all positive. */
function erfBySeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; term > 1e-17 * sum; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** erfc(x) = exp(-x²)/√π / (x + ½/(x + 1/(x + 3/2/(x + …)))). */
function erfcByFraction(x: number): number {
  let denominator = x;
  for (let n = 60; n > 0; n--) denominator = x + n / 2 / denominator;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / denominator;
}

/** Coefficients of Giles's polynomials, the highest power first. */
const CENTRAL = [
  2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 0.00021858087, -0.00125372503,
  -0.00417768164, 0.246640727, 1.50140941,
];
const TAIL = [
  -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613,
  0.00943887047, 1.00167406, 2.83297682,
];

/**
 * The inverse of erf in single precision: Giles, "Approximating the erfinv function" (2012). As XLA does it: x² is rounded to float32, which
 * decides about the outermost numbers.
 */
export function erfInv(x: number): number {
  const w = -Math.log1p(-Math.fround(x * x));
  const isCentral = w < 5;
  const t = isCentral ? w - 2.5 : Math.sqrt(w) - 3;
  const polynomial = (isCentral ? CENTRAL : TAIL).reduce((sum, c) => sum * t + c, 0);
  return Math.abs(x) === 1 ? x * Infinity : polynomial * x;
}
