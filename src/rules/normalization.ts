import type {Tensor} from '@tensorflow/tfjs-core';
import {broadcastTo, fold, logicalRank, padRank, unbroadcast} from './dims.js';
import {add, div, mul, neg, reshape, sameShape, scalar, sub, sum} from './ops.js';
import {family, run, savingFor, savingOutput, type BatchedInput} from './rule.js';

export const normalization = family({
  Softmax: {
    batch: ({logits}, {dim}) => run('Softmax', {logits: logits.value}, {dim: dim + 1}),
    jvp: (_primals, {logits: t}, {dim}, y) => softmaxJacobian(y, t!, dim),
    vjp: savingOutput([], (dy, {output}, {dim}) => ({
      logits: () => softmaxJacobian(output, dy, dim),
    })),
  },

  FusedBatchNorm: {
    // Images fold into one batch where they share their statistics, each a vector: else the kernels don't fit.
    batch: ({x, ...parameters}, attrs) => {
      const given = Object.values(parameters);
      assertEqualRanks(given);
      if (given.some(({mapped, value}) => mapped || value.rank !== 1)) {
        return batchNormPerExample({x, ...parameters}, attrs.varianceEpsilon);
      }
      const {mean, variance, scale, offset} = parameters;
      const vectors = {
        mean: mean.value,
        variance: variance.value,
        scale: scale?.value,
        offset: offset?.value,
      };
      return reshape(run('FusedBatchNorm', {x: fold(x.value), ...vectors}, attrs), x.value.shape);
    },
    jvp: ({x, mean, variance, scale}, tangents, {varianceEpsilon}, output) => {
      const slope = slopeOf(variance, scale, varianceEpsilon);
      const terms: Tensor[] = [];
      if (tangents.x) terms.push(mul(tangents.x, slope));
      if (tangents.mean) terms.push(neg(mul(tangents.mean, slope)));
      if (tangents.variance) {
        const change = mul(tangents.variance, slopeInVariance(variance, scale, varianceEpsilon));
        terms.push(mul(sub(x, mean), change));
      }
      if (tangents.scale) {
        const change = mul(tangents.scale, slopeOf(variance, undefined, varianceEpsilon));
        terms.push(mul(sub(x, mean), change));
      }
      if (tangents.offset) terms.push(tangents.offset);
      return broadcastTo(terms.reduce(add), output.shape);
    },
    vjp: savingFor(
      {
        x: ['variance', 'scale'],
        mean: ['variance', 'scale'],
        variance: ['x', 'mean', 'variance', 'scale'],
        scale: ['x', 'mean', 'variance'],
      },
      (dy, {x, mean, variance, scale, offset}, {varianceEpsilon}) => ({
        x: () => mul(dy, slopeOf(variance, scale, varianceEpsilon)),
        mean: () => neg(sumTo(mean.shape, dy, slopeOf(variance, scale, varianceEpsilon))),
        variance: () => {
          const slope = slopeInVariance(variance, scale, varianceEpsilon);
          return sumTo(variance.shape, mul(dy, sub(x, mean)), slope);
        },
        scale: () => {
          const slope = slopeOf(variance, undefined, varianceEpsilon);
          return sumTo(scale!.shape, mul(dy, sub(x, mean)), slope);
        },
        offset: () => unbroadcast(dy, offset!.shape),
      }),
    ),
  },
});

/** `y ∘ (t - ⟨y, t⟩)` along a dimension: the Jacobian of softmax, which is symmetric, times `t`. */
function softmaxJacobian(y: Tensor, t: Tensor, dim: number): Tensor {
  return mul(y, sub(t, sum(mul(y, t), [dim], true)));
}

interface BatchNormInputs {
  readonly x: BatchedInput;
  readonly mean: BatchedInput;
  readonly variance: BatchedInput;
  readonly scale?: BatchedInput;
  readonly offset?: BatchedInput;
}

function assertEqualRanks(parameters: readonly BatchedInput[]): void {
  const ranks = parameters.map(logicalRank);
  if (new Set(ranks).size > 1) {
    throw new Error(
      `mean, variance, scale and offset must have the same rank, but theirs are ${ranks.join(', ')}.`,
    );
  }
}

function batchNormPerExample(
  {x, mean, variance, scale, offset}: BatchNormInputs,
  epsilon: number,
): Tensor {
  const rank = logicalRank(x);
  const align = (input: BatchedInput): Tensor =>
    input.mapped ? padRank(input.value, rank + 1) : input.value;
  const slope = slopeOf(align(variance), scale && align(scale), epsilon);
  const scaled = mul(sub(align(x), align(mean)), slope);
  return offset === undefined ? scaled : add(scaled, align(offset));
}

/** `∂y/∂x = scale / √(variance + ε)`. */
function slopeOf(variance: Tensor, scale: Tensor | undefined, epsilon: number): Tensor {
  const inverse = run('Rsqrt', {x: add(variance, scalar(epsilon))});
  return scale === undefined ? inverse : mul(inverse, scale);
}

/** Its derivative in the variance, `-½·scale / √(variance + ε)³`. */
function slopeInVariance(variance: Tensor, scale: Tensor | undefined, epsilon: number): Tensor {
  const shifted = add(variance, scalar(epsilon));
  return div(mul(slopeOf(variance, scale, epsilon), scalar(-0.5)), shifted);
}

/** The sum of `dy·factor` over the dimensions along which a parameter was broadcast; summed first where that is the same. */
function sumTo(shape: readonly number[], dy: Tensor, factor: Tensor): Tensor {
  return sameShape(shape, factor.shape)
    ? mul(unbroadcast(dy, shape), factor)
    : unbroadcast(mul(dy, factor), shape);
}
