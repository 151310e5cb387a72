import type {FusedConv2DAttrs, Tensor} from '@tensorflow/tfjs-core';
import {convolveBatch} from './convolution.js';
import {filterGradient, inputGradient} from './convolve.js';
import {depthwiseBatch, depthwiseFilterGradient, depthwiseInputGradient} from './depthwise.js';
import {fold, logicalRank, unfold} from './dims.js';
import {
  batchedEpilogue,
  beforeActivation,
  epilogueCotangents,
  epilogueTangent,
  once,
} from './fused.js';
import {reshape} from './ops.js';
import {family, run, savingOutput, type BatchedInput, type RuleOf} from './rule.js';

/** Whether a bias, or the weights of an activation, are the same for all images of all examples. */
const isSameForAllImages = (input: BatchedInput | undefined): boolean =>
  input === undefined || (!input.mapped && (input.value.rank < 4 || input.value.shape[0] === 1));

/** FusedConv2D takes a bias, and weights, of rank 1 to be one per channel, also where the channels come first. */
const isPerChannel = (name: string, rank: number, {dataFormat}: FusedConv2DAttrs): boolean =>
  name === 'FusedConv2D' && rank === 1 && dataFormat === 'NCHW';

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
  /** A bias, or weights, in a shape that broadcasts with the output. */
  const spread = <T extends Tensor | undefined>(tensor: T, attrs: FusedConv2DAttrs): T =>
    tensor !== undefined && isPerChannel(name, tensor.rank, attrs)
      ? (reshape(tensor, [tensor.size, 1, 1]) as T)
      : tensor;
  const spreadBatch = (
    input: BatchedInput | undefined,
    attrs: FusedConv2DAttrs,
  ): BatchedInput | undefined =>
    input !== undefined && isPerChannel(name, logicalRank(input), attrs)
      ? {...input, value: reshape(input.value, [...input.value.shape, 1, 1])}
      : input;
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
      const [b, w] = [spreadBatch(bias, attrs), spreadBatch(weights, attrs)];
      return batchedEpilogue({value, mapped}, b, w, attrs, size);
    },
    jvp: ({x, filter, ...primals}, tangents, attrs, output) => {
      const bias = spread(primals.bias, attrs);
      const weights = spread(primals.preluActivationWeights, attrs);
      const terms: Tensor[] = [];
      if (tangents.x) terms.push(convolve(tangents.x, filter, attrs));
      if (tangents.filter) terms.push(convolve(x, tangents.filter, attrs));
      if (tangents.bias) terms.push(spread(tangents.bias, attrs));
      const before = (): Tensor => beforeActivation(convolve(x, filter, attrs), bias);
      const epilogue = {before, output, weights, attrs};
      return epilogueTangent(terms, spread(tangents.preluActivationWeights, attrs), epilogue);
    },
    vjp: savingOutput(['x', 'filter', 'bias', 'preluActivationWeights'], (dy, residuals, attrs) => {
      const {x, filter, output} = residuals;
      const bias = spread(residuals.bias, attrs);
      const weights = spread(residuals.preluActivationWeights, attrs);
      const before = once(() => beforeActivation(convolve(x, filter, attrs), bias));
      const epilogue = epilogueCotangents(dy, {before, output, weights, bias, attrs});
      return {
        x: () => convolution.inputGradient(epilogue.product(), filter, x.shape, attrs),
        filter: () => convolution.filterGradient(x, epilogue.product(), filter.shape, attrs),
        bias: () => reshape(epilogue.bias(), residuals.bias!.shape),
        preluActivationWeights: () =>
          reshape(epilogue.weights(), residuals.preluActivationWeights!.shape),
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
