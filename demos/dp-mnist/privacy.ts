/**
 * The privacy accountant of differentially private SGD.
 *
 * One step of DP-SGD is a *sampled Gaussian mechanism*: every example joins the batch independently with probability `q`, its
 * clipped gradient has norm at most `C`, and noise of standard deviation `σ·C` is added to the sum. Its Rényi divergence of order
 * `α` is known exactly (Mironov, Talwar and Zhang 2019, arXiv:1908.10530); divergences of successive steps add up; and the total
 * converts to the usual `(ε, δ)` guarantee (Balle et al. 2020, arXiv:1905.09982; Canonne, Kamath and Steinke 2020,
 * arXiv:2004.00010, proposition 12). Two data sets are neighbours if one has a single example more than the other.
 */

/** One noisy step: the sampling rate `q` and the noise multiplier `σ` (noise divided by the clipping norm). */
export interface SampledGaussian {
  samplingRate: number;
  noiseMultiplier: number;
}

export interface PrivacyLoss {
  epsilon: number;
  /** The Rényi order that gave the smallest `epsilon`. */
  order: number;
}

/** Orders dense where the best one lies for a useful `ε` (1 to 10), sparse where it lies for a very small one. */
export const DEFAULT_ORDERS: readonly number[] = [
  ...Array.from({length: 99}, (_, i) => 1 + (i + 1) / 10),
  ...Array.from({length: 53}, (_, i) => 11 + i),
  128,
  256,
  512,
  1024,
];

/**
 * Rényi divergence of one sampled Gaussian step: `log(A_α) / (α - 1)`, where
 * `A_α = E[(1 - q + q·exp((2z - 1) / 2σ²))^α]` over `z ~ N(0, σ²)`.
 *
 * @param order  `α`, any finite number above 1.
 * @returns  the divergence in nats; `Infinity` without noise.
 */
export function sampledGaussianRdp(mechanism: SampledGaussian, order: number): number {
  const {samplingRate: q, noiseMultiplier: sigma} = mechanism;
  check(q >= 0 && q <= 1, `the sampling rate must lie between 0 and 1, but it is ${q}`);
  check(sigma >= 0, `the noise multiplier must be 0 or more, but it is ${sigma}`);
  check(
    order > 1 && order < Infinity,
    `a Rényi order must be finite and above 1, but it is ${order}`,
  );
  if (q === 0) return 0;
  if (sigma === 0) return Infinity;
  if (q === 1) return order / (2 * sigma * sigma);
  const logMoment = Number.isInteger(order)
    ? logMomentOfInteger(q, sigma, order)
    : logMomentOfFraction(q, sigma, order);
  return logMoment / (order - 1);
}

/**
 * `log(A_α)` for an integer `α`, by the binomial theorem.
 *
 * The binomial weights sum to 1, so `A_α - 1 = Σ binom(α, k) (1-q)^(α-k) q^k (exp((k² - k) / 2σ²) - 1)`. The terms of `k = 0, 1`
 * vanish and all others are positive: nothing cancels, however small `q` is.
 */
function logMomentOfInteger(q: number, sigma: number, order: number): number {
  const terms: number[] = [];
  let logBinomial = Math.log(order);
  for (let k = 2; k <= order; k++) {
    logBinomial += Math.log((order - k + 1) / k);
    const logWeight = logBinomial + (order - k) * Math.log1p(-q) + k * Math.log(q);
    terms.push(logWeight + logExpm1((k * k - k) / (2 * sigma * sigma)));
  }
  return logAdd(0, logSumExp(terms));
}

const QUADRATURE_STEP = 0.05;

/**
 * `log(A_α)` for a fractional `α`, by the trapezoidal rule on the definition, with `z = σu`.
 *
 * The integrand is analytic in a strip around the real axis and falls like a Gaussian, so the rule converges geometrically
 * (Trefethen and Weideman 2014, doi:10.1137/130932132): at this step the error is below rounding for every `σ`. Unlike the
 * erfc series of the paper, whose signs alternate beyond `k = α`, it only ever adds positive numbers.
 *
 * For `k` up to `α` the integrand has a hump of unit width at `u = k / σ`. Where noise is scarce the humps stand far apart:
 * the sum visits each within the distance at which `2^α` times its tail drops out of double precision, and skips the gaps.
 */
function logMomentOfFraction(q: number, sigma: number, order: number): number {
  const reach = 9 + Math.sqrt(2 * Math.LN2 * order);
  const terms: number[] = [];
  let u = -Infinity;
  for (let k = 0; k < order + 1; k++) {
    const centre = Math.min(k, order) / sigma;
    for (u = Math.max(u, centre - reach); u < centre + reach; u += QUADRATURE_STEP) {
      const logRatio = logAdd(Math.log1p(-q), Math.log(q) + (u - 0.5 / sigma) / sigma);
      terms.push(order * logRatio - (u * u) / 2);
    }
  }
  const logMoment = logSumExp(terms) + Math.log(QUADRATURE_STEP / Math.sqrt(2 * Math.PI));
  return Math.max(0, logMoment); // A_α ≥ 1 (Jensen); rounding may say 1 - 1e-16
}

/**
 * The `ε` that Rényi divergences of several orders guarantee at `δ`: the smallest over the orders of
 * `ρ + log(1 - 1/α) - log(δα) / (α - 1)`; or 0 where `δ² ≥ 1 - exp(-ρ)` (Bretagnolle and Huber's bound on total variation).
 */
export function rdpToEpsilon(
  orders: readonly number[],
  rdp: readonly number[],
  delta: number,
): PrivacyLoss {
  check(
    delta > 0 && delta < 1,
    `delta must lie between 0 and 1, both excluded, but it is ${delta}`,
  );
  check(orders.length > 0, 'at least one Rényi order is needed');
  check(
    orders.length === rdp.length,
    `there are ${orders.length} orders but ${rdp.length} divergences`,
  );
  let best: PrivacyLoss = {epsilon: Infinity, order: orders[0]};
  orders.forEach((order, i) => {
    const indistinguishable = delta * delta >= -Math.expm1(-rdp[i]);
    const bound = rdp[i] + Math.log1p(-1 / order) - Math.log(delta * order) / (order - 1);
    const epsilon = indistinguishable ? 0 : Math.max(0, bound);
    if (epsilon < best.epsilon) best = {epsilon, order};
  });
  return best;
}

/**
 * How much privacy DP-SGD has spent, as a function of the number of steps taken: divergences of a step are computed once.
 *
 * @example dpSgdPrivacy({samplingRate: 0.01, noiseMultiplier: 1}, 1e-5)(1000).epsilon  // => 2.10
 */
export function dpSgdPrivacy(
  mechanism: SampledGaussian,
  delta: number,
  orders: readonly number[] = DEFAULT_ORDERS,
): (steps: number) => PrivacyLoss {
  const rdpPerStep = orders.map((order) => sampledGaussianRdp(mechanism, order));
  return (steps) => {
    check(
      Number.isInteger(steps) && steps >= 0,
      `steps must be a whole number, but it is ${steps}`,
    );
    const rdp = rdpPerStep.map((rho) => (steps === 0 ? 0 : steps * rho)); // 0 · Infinity is NaN
    return rdpToEpsilon(orders, rdp, delta);
  };
}

function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new RangeError(`privacy accountant: ${message}`);
}

/** `log(exp(a) + exp(b))`. */
function logAdd(a: number, b: number): number {
  return Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
}

/** `log(exp(x) - 1)` for positive `x`. */
function logExpm1(x: number): number {
  return x + Math.log(-Math.expm1(-x));
}

/** `log(Σ exp(x))`. */
function logSumExp(xs: readonly number[]): number {
  const largest = xs.reduce((a, b) => Math.max(a, b), -Infinity);
  return largest + Math.log(xs.reduce((sum, x) => sum + Math.exp(x - largest), 0));
}
