import type {backend_util, Tensor} from '@tensorflow/tfjs-core';
import {alignRanks, broadcastTo, materialize, unbroadcast} from './dims.js';
import {add} from './ops.js';
import {run, type BatchedInput} from './rule.js';
import {
  preluInAlpha,
  preluInX,
  throughLeakyRelu,
  throughRelu,
  throughRelu6,
  throughSigmoid,
} from './slopes.js';

/**
 * NOTE [fused]
 * A fused kernel is a product (of matrices, or a convolution), plus a bias, through an activation function: the epilogue. Its
 * derivatives are those of the parts. The slope of most activations follows from the output, which is kept; only where it does not
 * is the value before the activation computed again.
 */
interface EpilogueAttrs {
  readonly activation?: backend_util.Activation | null;
  readonly leakyreluAlpha?: number;
}

interface Epilogue {
  /** The value before the activation. */
  readonly before: () => Tensor;
  readonly output: Tensor;
  /** Of prelu. */
  readonly weights: Tensor | undefined;
  readonly attrs: EpilogueAttrs;
}

export const beforeActivation = (product: Tensor, bias: Tensor | undefined): Tensor =>
  bias === undefined ? product : add(product, bias);

/** Bias and activation for a batch. */
export function batchedEpilogue(
  product: BatchedInput,
  bias: BatchedInput | undefined,
  weights: BatchedInput | undefined,
  attrs: EpilogueAttrs,
  size: number,
): Tensor {
  let x = product;
  if (bias !== undefined) {
    const [a, b] = alignRanks([x, bias]) as [Tensor, Tensor];
    x = {value: add(a, b), mapped: x.mapped || bias.mapped};
  }
  const value = materialize(x, size);
  const alpha = weights && alignRanks([weights, {value, mapped: true}])[0];
  return activate(value, alpha, attrs);
}

/** @param weights  of prelu */
export function activate(
  x: Tensor,
  weights: Tensor | undefined,
  {activation, leakyreluAlpha = 0.2}: EpilogueAttrs,
): Tensor {
  if (x.size === 0) return x; // the wasm kernel of Prelu divides by zero
  switch (activation) {
    case 'prelu':
      // The wasm kernel repeats weights wrongly unless they span the last dimensions.
      return run('Prelu', {x, alpha: broadcastTo(weights!, x.shape)});
    case 'relu':
      return run('Relu', {x});
    case 'relu6':
      return run('Relu6', {x});
    case 'elu':
      return run('Elu', {x});
    case 'sigmoid':
      return run('Sigmoid', {x});
    case 'leakyrelu':
      return run('LeakyRelu', {x}, {alpha: leakyreluAlpha});
    default:
      return x;
  }
}

/** A change `t` before the activation as one after it; the same for cotangents, the other way round. */
function throughActivation(t: Tensor, {before, output, weights, attrs}: Epilogue): Tensor {
  const {activation, leakyreluAlpha: alpha = 0.2} = attrs;
  switch (activation) {
    case 'relu':
      return throughRelu(t, output);
    case 'relu6':
      return throughRelu6(t, output);
    case 'elu':
      return run('EluGrad', {dy: t, y: output});
    case 'sigmoid':
      return throughSigmoid(t, output);
    case 'leakyrelu':
      return throughLeakyRelu(t, alpha >= 0 ? output : before(), alpha);
    case 'prelu':
      return preluInX(t, before(), weights!);
    default:
      return t;
  }
}

/** The tangent of the output, from those of the product and the bias, and that of the activation's weights. */
export function epilogueTangent(
  terms: readonly Tensor[],
  weightsTangent: Tensor | undefined,
  epilogue: Epilogue,
): Tensor {
  const changes: Tensor[] = [];
  if (terms.length > 0) {
    const change = broadcastTo(terms.reduce(add), epilogue.output.shape);
    changes.push(throughActivation(change, epilogue));
  }
  if (weightsTangent) changes.push(preluInAlpha(weightsTangent, epilogue.before()));
  return changes.reduce(add);
}

/** The cotangents of the product, the bias and the activation's weights. */
export function epilogueCotangents(
  dy: Tensor,
  epilogue: Epilogue & {readonly bias: Tensor | undefined},
): {product: () => Tensor; bias: () => Tensor; weights: () => Tensor} {
  const product = once(() => throughActivation(dy, epilogue));
  return {
    product,
    bias: () => unbroadcast(product(), epilogue.bias!.shape),
    weights: () => unbroadcast(preluInAlpha(dy, epilogue.before()), epilogue.weights!.shape),
  };
}

/** Computes a value when it is first asked for. */
export function once<T>(compute: () => T): () => T {
  let known: {value: T} | undefined;
  return () => (known ??= {value: compute()}).value;
}
