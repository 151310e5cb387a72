import {tensor2d, type LRNAttrs, type Tensor} from '@tensorflow/tfjs-core';
import {fold, logicalShape, materialize} from './dims.js';
import {add, div, mul, neg, reshape, scalar, scale, square} from './ops.js';
import {family, run, saving, savingOutput, type BatchedInput} from './rule.js';

/**
 * NOTE [response]
 * Local response normalization is y = x·u with s = bias + α·W(x²), u = s^-β, where W sums over a window of channels. W is symmetric.
 * Its pullback, the kernel LRNGrad, is g(x, y, dy) = u·dy - 2αβ·x·W(q) with q = dy·y / s, which takes y as an input of its own.
 */
export const response = family({
  LRN: {
    batch: ({x}, attrs) => reshape(run('LRN', {x: fold(x.value)}, attrs), x.value.shape),
    jvp: ({x}, {x: t}, attrs) => {
      const {s, u} = powersOf(x, attrs);
      const ds = scale(windowSum(mul(x, t!), attrs), 2 * attrs.alpha);
      return add(mul(t!, u), mul(x, mul(slopeOfU(s, u, attrs), ds)));
    },
    vjp: savingOutput(['x'], (dy, {x, output}, attrs) => ({
      x: () => run('LRNGrad', {x, y: output, dy}, attrs),
    })),
  },

  LRNGrad: {
    batch: ({x, y, dy}, attrs, size) => {
      const folded = (input: BatchedInput): Tensor => fold(materialize(input, size));
      const shape = [size, ...logicalShape(x)];
      return reshape(run('LRNGrad', {x: folded(x), y: folded(y), dy: folded(dy)}, attrs), shape);
    },
    jvp: ({x, y, dy}, tangents, attrs) => {
      const {s, u} = powersOf(x, attrs);
      const terms: Tensor[] = [];
      const changesOfQ: Tensor[] = [];
      if (tangents.dy) {
        terms.push(mul(u, tangents.dy));
        changesOfQ.push(div(mul(tangents.dy, y), s));
      }
      if (tangents.y) changesOfQ.push(div(mul(dy, tangents.y), s));
      if (tangents.x) {
        const q = div(mul(dy, y), s);
        const ds = scale(windowSum(mul(x, tangents.x), attrs), 2 * attrs.alpha);
        terms.push(mul(dy, mul(slopeOfU(s, u, attrs), ds)));
        terms.push(mul(tangents.x, crossTerm(windowSum(q, attrs), attrs)));
        changesOfQ.push(neg(div(mul(q, ds), s)));
      }
      const change = windowSum(changesOfQ.reduce(add), attrs);
      return [...terms, mul(x, crossTerm(change, attrs))].reduce(add);
    },
    vjp: saving(['x', 'y', 'dy'], (ct, {x, y, dy}, attrs) => {
      const {s, u} = powersOf(x, attrs);
      const q = div(mul(dy, y), s);
      // The cotangent of q, over s.
      const m = div(windowSum(crossTerm(mul(x, ct), attrs), attrs), s);
      return {
        dy: () => add(mul(u, ct), mul(m, y)),
        y: () => mul(m, dy),
        x: () => {
          const ds = add(mul(mul(ct, dy), slopeOfU(s, u, attrs)), neg(mul(m, q)));
          const throughS = scale(mul(x, windowSum(ds, attrs)), 2 * attrs.alpha);
          return add(mul(ct, crossTerm(windowSum(q, attrs), attrs)), throughS);
        },
      };
    }),
  },
});

function powersOf(x: Tensor, attrs: LRNAttrs): {s: Tensor; u: Tensor} {
  const {alpha, beta, bias} = attrs;
  const s = add(scale(windowSum(square(x), attrs), alpha), scalar(bias));
  return {s, u: run('Pow', {a: s, b: scalar(-beta)})};
}

/** `du/ds = -β·u / s`. */
const slopeOfU = (s: Tensor, u: Tensor, {beta}: LRNAttrs): Tensor => scale(div(u, s), -beta);

const crossTerm = (x: Tensor, {alpha, beta}: LRNAttrs): Tensor => scale(x, -2 * alpha * beta);

/** W: the sum over the channels at most `depthRadius` away, as a product with a band matrix. No kernel does it and is exact. */
function windowSum(x: Tensor, {depthRadius}: LRNAttrs): Tensor {
  const channels = x.shape.at(-1) ?? 1;
  const rows = reshape(x, [channels === 0 ? 0 : x.size / channels, channels]);
  const band = bandMatrix(channels, depthRadius);
  const sums = run('BatchMatMul', {a: rows, b: band}, {transposeA: false, transposeB: false});
  return reshape(sums, x.shape);
}

function bandMatrix(size: number, radius: number): Tensor {
  const values = Float32Array.from({length: size * size}, (_, index) =>
    Math.abs(Math.floor(index / size) - (index % size)) <= radius ? 1 : 0,
  );
  return tensor2d(values, [size, size]);
}
