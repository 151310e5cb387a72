import type {Tensor} from '@tensorflow/tfjs-core';
import {spansLast} from './broadcast.js';
import {alignRanks, broadcastTo, materialize, unbroadcast} from './dims.js';
import {unary} from './kinds.js';
import {masked} from './mask.js';
import {add, equal, less, mul, scalar, where} from './ops.js';
import {family, run, savingFor} from './rule.js';
import {
  isPositive,
  preluInAlpha,
  preluInX,
  throughLeakyRelu,
  throughRelu,
  throughRelu6,
  throughSigmoid,
} from './slopes.js';

const SELU_SCALE = 1.0507009873554805;
const SELU_SCALE_ALPHA = SELU_SCALE * 1.6732632423543772;

/**
 * Activation functions. Where the derivative follows from the output, that is what is kept: the next layer keeps it too. At kinks JAX
 * and PyTorch agree on 0 for Relu and on the left derivative for Selu; where they differ, PyTorch's and TensorFlow's choice is taken.
 */
export const activation = family({
  Relu: unary('Relu', 'output', throughRelu),
  // 0 at both kinks.
  Relu6: unary('Relu6', 'output', throughRelu6),
  LeakyRelu: unary('LeakyRelu', 'input', (t, x, {alpha}) => throughLeakyRelu(t, x, alpha)),
  Elu: unary('Elu', 'output', (t, y) => run('EluGrad', {dy: t, y})),
  Selu: unary('Selu', 'output', (t, y) => mul(t, seluSlope(y))),
  Sigmoid: unary('Sigmoid', 'output', throughSigmoid),
  Softplus: unary('Softplus', 'input', (t, x) => mul(t, run('Sigmoid', {x}))),
  // Within the bounds, themselves included, it is the identity; that is how the place is recognized.
  ClipByValue: unary('ClipByValue', 'input', (t, x, attrs) =>
    masked(equal(run('ClipByValue', {x}, attrs), x), t),
  ),

  // `dy` where y > 0, `dy·(y + 1)` elsewhere: y is the output of Elu.
  EluGrad: {
    batch: ({dy, y}, _attrs, size) =>
      run('EluGrad', {dy: materialize(dy, size), y: materialize(y, size)}),
    jvp: ({dy, y}, tangents) => {
      const terms: Tensor[] = [];
      if (tangents.dy) terms.push(run('EluGrad', {dy: tangents.dy, y}));
      if (tangents.y) terms.push(mul(tangents.y, masked(less(y, scalar(0)), dy)));
      return terms.reduce(add);
    },
    vjp: savingFor({dy: ['y'], y: ['dy', 'y']}, (ct, {dy, y}) => ({
      dy: () => run('EluGrad', {dy: ct, y}),
      y: () => mul(ct, masked(less(y, scalar(0)), dy)),
    })),
  },

  Prelu: {
    batch: ({x, alpha}, _attrs, size) => {
      const value = materialize(x, size);
      const [slopes] = alignRanks([alpha, {value, mapped: true}]) as [Tensor, Tensor];
      // The wasm kernel takes any `alpha` as one that spans the last dimensions, whatever its shape says.
      const fits = spansLast(slopes.shape, value.shape);
      return run('Prelu', {x: value, alpha: fits ? slopes : broadcastTo(slopes, value.shape)});
    },
    jvp: ({x, alpha}, tangents) => {
      const terms: Tensor[] = [];
      if (tangents.x) terms.push(preluInX(tangents.x, x, alpha));
      if (tangents.alpha) terms.push(preluInAlpha(tangents.alpha, x));
      return terms.reduce(add);
    },
    vjp: savingFor({x: ['x', 'alpha'], alpha: ['x']}, (dy, {x, alpha}) => ({
      x: () => preluInX(dy, x, alpha),
      alpha: () => unbroadcast(preluInAlpha(dy, x), alpha.shape),
    })),
  },
});

/** `scale` where y > 0; `scale·alpha·eˣ`, which is `y + scale·alpha`, elsewhere. */
function seluSlope(y: Tensor): Tensor {
  const linear = broadcastTo(scalar(SELU_SCALE), y.shape);
  return where(isPositive(y), linear, add(y, scalar(SELU_SCALE_ALPHA)));
}
