import type {FusedConv2DAttrs, Tensor} from '@tensorflow/tfjs-core';
import {convolveBatch} from './convolution.js';
import {filterGradient, inputGradient} from './convolve.js';
import {depthwiseBatch, depthwiseFilterGradient, depthwiseInputGradient} from './depthwise.js';
import {fold, unfold} from './dims.js';
import {
  batchedEpilogue,
  beforeActivation,
  epilogueCotangents,
  epilogueTangent,
  once,
} from './fused.js';
import {family, run, savingOutput, type BatchedInput, type RuleOf} from './rule.js';

/** Whether a bias, or the weights of an activation, are the same for all images of all examples. */
const isSameForAllImages = (input: BatchedInput | undefined): boolean =>
  input === undefined || (!input.mapped && (input.value.rank < 4 || input.value.shape[0] === 1));

/** The convolution in a fused kernel, and its transposes. */
interface Convolution {
  readonly kernel: 'Conv2D' | 'DepthwiseConv2dNative';
  readonly batch: (
    x: BatchedInput,
    filter: BatchedInput,
    attrs: FusedConv2DAttrs,
    size: number,
  ) => Tensor;
  readonly inputGradient: typeof inputGradient;
  readonly filterGradient: typeof filterGradient;
}

/** The rule of a fused kernel. See NOTE [fused]. */
function fused(
  name: 'FusedConv2D' | 'FusedDepthwiseConv2D',
  convolution: Convolution,
): RuleOf<'FusedConv2D'> {
  const convolve = (x: Tensor, filter: Tensor, attrs: FusedConv2DAttrs): Tensor =>
    run(convolution.kernel, {x, filter}, attrs);
  return {
    batch: ({x, filter, bias, preluActivationWeights: weights}, attrs, size) => {
      if (size > 0 && !filter.mapped && [bias, weights].every(isSameForAllImages)) {
        const inputs = {
          x: fold(x.value),
          filter: filter.value,
          bias: bias?.value,
          preluActivationWeights: weights?.value,
        };
        return unfold(run(name, inputs, attrs), size);
      }
      const mapped = x.mapped || filter.mapped;
      const value = mapped
        ? convolution.batch(x, filter, attrs, size)
        : convolve(x.value, filter.value, attrs);
      return batchedEpilogue({value, mapped}, bias, weights, attrs, size);
    },
    jvp: ({x, filter, bias, preluActivationWeights: weights}, tangents, attrs, output) => {
      const terms: Tensor[] = [];
      if (tangents.x) terms.push(convolve(tangents.x, filter, attrs));
      if (tangents.filter) terms.push(convolve(x, tangents.filter, attrs));
      if (tangents.bias) terms.push(tangents.bias);
      const before = (): Tensor => beforeActivation(convolve(x, filter, attrs), bias);
      const epilogue = {before, output, weights, attrs};
      return epilogueTangent(terms, tangents.preluActivationWeights, epilogue);
    },
    vjp: savingOutput(['x', 'filter', 'bias', 'preluActivationWeights'], (dy, residuals, attrs) => {
      const {x, filter, bias, preluActivationWeights: weights, output} = residuals;
      const before = once(() => beforeActivation(convolve(x, filter, attrs), bias));
      const epilogue = epilogueCotangents(dy, {before, output, weights, bias, attrs});
      return {
        x: () => convolution.inputGradient(epilogue.product(), filter, x.shape, attrs),
        filter: () => convolution.filterGradient(x, epilogue.product(), filter.shape, attrs),
        bias: epilogue.bias,
        preluActivationWeights: epilogue.weights,
      };
    }),
  };
}

export const fusedConvolution = family({
  FusedConv2D: fused('FusedConv2D', {
    kernel: 'Conv2D',
    batch: convolveBatch,
    inputGradient,
    filterGradient,
  }),
  FusedDepthwiseConv2D: fused('FusedDepthwiseConv2D', {
    kernel: 'DepthwiseConv2dNative',
    batch: depthwiseBatch,
    inputGradient: depthwiseInputGradient,
    filterGradient: depthwiseFilterGradient,
  }),
});
