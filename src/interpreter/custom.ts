import type {Tensor} from '@tensorflow/tfjs-core';
import type {CustomGradCall} from './engine.js';
import {alias} from './tracer.js';

/** A function with a gradient of its own, called on certain inputs: what `tf.customGrad` makes. */
export interface CustomGradient {
  readonly inputs: readonly Tensor[];
  /**
   * Computes the value on other tensors of the same shapes in place of `inputs`.
   * @param save  is given what the function wants to have again in the pullback
   */
  forward(inputs: readonly Tensor[], save: (tensors: readonly Tensor[]) => void): Tensor;
  /**
   * One cotangent per input.
   * @param inputs  those that `forward` got: the function may have used them without saving them
   */
  pullback(dy: Tensor, saved: readonly Tensor[], inputs: readonly Tensor[]): Tensor[];
}

/**
 * NOTE [custom]
 * A value that has been computed, and the gradient that it shall have: the level that meets a custom gradient runs its function once, on
 * tensors of lower levels, and then attaches the gradient to the value at each of these levels in turn. What the function saved stays
 * traced in the ordinary way: second derivatives of the value use the custom gradient, those of what is saved are ordinary ones.
 */
export interface EvaluatedGradient extends Pick<CustomGradient, 'inputs' | 'pullback'> {
  readonly value: Tensor;
  readonly saved: readonly Tensor[];
}

/**
 * What was saved, with `value`, which has the gradient attached, in place of the function's own result. Where the function has handed
 * back an input, what it saved is the input.
 */
export function savedWith(
  value: Tensor,
  {inputs, value: result, saved}: EvaluatedGradient,
): readonly Tensor[] {
  const {dataId} = result;
  if (inputs.some((input) => input.dataId === dataId)) return saved;
  return saved.map((tensor) => (tensor.dataId === dataId ? value : tensor));
}

/** Reads tfjs's own form of a custom gradient, whose function holds its inputs in a closure. */
export function fromStock({inputs, forwardFunc, backwardsFunc}: CustomGradCall): CustomGradient {
  const originals = Object.values(inputs);
  /** The function may hand back the very tensors that it holds. */
  const standIn = (tensor: Tensor, substitutes: readonly Tensor[]): Tensor =>
    substitutes[originals.indexOf(tensor)] ?? tensor;
  return {
    inputs: originals,
    forward(substitutes, save) {
      const saveStandIns = (tensors: Tensor[]): void =>
        save(tensors.map((tensor) => standIn(tensor, substitutes)));
      const value = withDataOf(originals, substitutes, () => forwardFunc(null, saveStandIns));
      return standIn(value, substitutes);
    },
    pullback: (dy, saved, substitutes) =>
      withDataOf(originals, substitutes, () => {
        const cotangents = backwardsFunc(dy, [...saved]);
        return originals.map((_, index) => standIn(cotangents[index]!(), substitutes));
      }),
  };
}

/** tfjs's form of a custom gradient, for tfjs's own tape. */
export function toStock({inputs, value, saved, pullback}: EvaluatedGradient): CustomGradCall {
  return {
    inputs: Object.fromEntries(inputs.map((input, index) => [index, input])),
    forwardFunc: (_backend, save) => {
      save([...inputs, ...saved]);
      return alias(value);
    },
    backwardsFunc: (dy, kept) => {
      const cotangents = pullback(dy, kept.slice(inputs.length), kept.slice(0, inputs.length));
      return Object.fromEntries(cotangents.map((cotangent, index) => [index, () => cotangent]));
    },
  };
}

/**
 * NOTE [closures]
 * tfjs's `gradients` and `customGrad` take functions that hold their inputs in closures. Such a function sees another tensor in
 * place of one of them when, while it runs, the tensor's `dataId` is the other's. Shapes and dtypes must agree. A tensor that
 * has been disposed in the meantime counts as alive while it stands for another; one that the function disposes is disposed afterwards,
 * with its own data.
 */
export function withDataOf<T>(
  tensors: readonly Tensor[],
  substitutes: readonly Tensor[],
  body: () => T,
): T {
  const handles = tensors as unknown as Handle[];
  const originals = handles.map((handle) => ({
    dataId: handle.dataId,
    isDisposedInternal: handle.isDisposedInternal,
    // An own one is that of a call around this one.
    ...(Object.hasOwn(handle, 'dispose') && {dispose: handle.dispose}),
  }));
  const disposed = new Set<Handle>();
  handles.forEach((handle, index) => {
    handle.dataId = substitutes[index]!.dataId;
    handle.isDisposedInternal = false;
    handle.dispose = () => {
      handle.isDisposedInternal = true;
      disposed.add(handle);
    };
  });
  try {
    return body();
  } finally {
    handles.forEach((handle, index) => {
      delete handle.dispose;
      Object.assign(handle, originals[index]);
    });
    for (const handle of disposed) (handle as unknown as Tensor).dispose();
  }
}

/** What changes of a tensor while it stands for another: `dispose` is an own property, which shadows that of the class. */
interface Handle {
  dataId: object;
  isDisposedInternal: boolean;
  dispose?: () => void;
}
