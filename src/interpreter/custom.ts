import {util, zeros, type NamedTensorMap, type Tensor} from '@tensorflow/tfjs-core';
import {releasingTape, type CustomGradCall} from './engine.js';
import {adopt, alias} from './tracer.js';

/** Tangents or cotangents, `undefined` where they are zero. */
export type SomeTensors = readonly (Tensor | undefined)[];

/** A function with derivatives of its own, called on certain inputs: what `tf.customGrad`, `customVjp`, `customJvp` and `checkpoint` make. */
export interface CustomGradient {
  /** What was called, for messages. */
  readonly name: string;
  /** What it has derivatives with respect to. `forward` may add tensors at the end that it finds the function to hold in closures. */
  readonly inputs: Tensor[];
  /**
   * Computes the values on other tensors of the same shapes in place of `inputs`.
   * @param save  is given what the function wants to have again in the pullback
   */
  forward(inputs: readonly Tensor[], save: (tensors: readonly Tensor[]) => void): readonly Tensor[];
  /**
   * One cotangent per input.
   * @param inputs  those that `forward` got: the function may have used them without saving them
   */
  pullback(
    dys: readonly Tensor[],
    saved: readonly Tensor[],
    inputs: readonly Tensor[],
  ): SomeTensors;
  /** One tangent per value. Without it, the forward rule is the transpose of the pullback. */
  pushforward?(
    tangents: SomeTensors,
    saved: readonly Tensor[],
    inputs: readonly Tensor[],
  ): SomeTensors;
  /**
   * What becomes of a traced tensor that `forward` uses though it is not among the inputs: 'constant', as on tfjs's own tape, or
   * 'refused', since its derivative would be lost without a word.
   */
  readonly closedOver: 'constant' | 'refused';
}

/**
 * NOTE [custom]
 * Values that have been computed, and the derivatives that they shall have: the level that meets a custom gradient runs its function once,
 * on tensors of lower levels, and then attaches the derivatives to the values at each of these levels in turn. What the function saved stays
 * traced in the ordinary way: second derivatives of the value use the custom gradient, those of what is saved are ordinary ones.
 */
export interface EvaluatedGradient extends Pick<
  CustomGradient,
  'name' | 'pullback' | 'pushforward'
> {
  readonly inputs: readonly Tensor[];
  readonly values: readonly Tensor[];
  readonly saved: readonly Tensor[];
}

/**
 * What was saved, with `attached`, which have the gradient attached, in place of the function's own results. Where the function has handed
 * back an input, what it saved is the input.
 */
export function savedWith(
  attached: readonly Tensor[],
  {inputs, values, saved}: EvaluatedGradient,
): readonly Tensor[] {
  return saved.map((tensor) => {
    const {dataId} = tensor;
    if (inputs.some((input) => input.dataId === dataId)) return tensor;
    // What has the same data in another shape isn't the value.
    const index = values.findIndex(
      (value) => value.dataId === dataId && util.arraysEqual(value.shape, tensor.shape),
    );
    return attached[index] ?? tensor;
  });
}

/** Reads tfjs's own form of a custom gradient, whose function holds its inputs in a closure. */
export function fromStock({inputs, forwardFunc, backwardsFunc}: CustomGradCall): CustomGradient {
  const originals = Object.values(inputs);
  /** The function may hand back the very tensors that it holds. */
  const standIn = (tensor: Tensor, substitutes: readonly Tensor[]): Tensor =>
    substitutes[originals.indexOf(tensor)] ?? tensor;
  return {
    name: 'tf.customGrad',
    closedOver: 'constant',
    inputs: originals,
    forward(substitutes, save) {
      const saveStandIns = (tensors: Tensor[]): void =>
        save(tensors.map((tensor) => standIn(tensor, substitutes)));
      const value = withDataOf(originals, substitutes, () => forwardFunc(null, saveStandIns));
      return [value].flat().map((tensor) => standIn(tensor, substitutes));
    },
    pullback: (dys, saved, substitutes) =>
      withDataOf(originals, substitutes, () => {
        const cotangents = backwardsFunc(oneOrAll(dys), [...saved]);
        return originals.map((_, index) => standIn(cotangents[index]!(), substitutes));
      }),
  };
}

/** tfjs gives the only one of a list by itself. */
const oneOrAll = (tensors: readonly Tensor[]): Tensor =>
  (tensors.length === 1 ? tensors[0] : tensors) as Tensor;

type StockForm = Pick<EvaluatedGradient, 'inputs' | 'pullback'> & {
  readonly forward: (save: (tensors: readonly Tensor[]) => void) => readonly Tensor[];
};

/** tfjs's form of a custom gradient, for tfjs's own tape. */
export function toStock({inputs, forward, pullback}: StockForm): CustomGradCall {
  const zerosLike = ({shape, dtype}: Tensor): Tensor => zeros(shape as [number], dtype);
  const named: NamedTensorMap = {};
  const name = (): void => inputs.forEach((input, index) => (named[index] = input));
  name();
  return {
    inputs: named,
    forwardFunc: (_backend, save) => {
      // A tidy scope of the function may end before tfjs keeps them.
      const saved: Tensor[] = [];
      try {
        const values = forward((tensors) => saved.push(...tensors.map(adopt)));
        // It may have found more of them. The engine looks at them afterwards.
        name();
        save([...inputs, ...saved]);
        return oneOrAll(values);
      } finally {
        for (const tensor of saved) tensor.dispose();
      }
    },
    backwardsFunc: (dys, kept) =>
      releasingTape(() => {
        const originals = kept.slice(0, inputs.length);
        const cotangents = pullback([dys].flat(), kept.slice(inputs.length), originals);
        return Object.fromEntries(
          originals.map((input, index) => [index, () => cotangents[index] ?? zerosLike(input)]),
        );
      }),
  };
}

/** An evaluated gradient in tfjs's form. */
export const evaluatedToStock = ({
  inputs,
  values,
  saved,
  pullback,
}: EvaluatedGradient): CustomGradCall =>
  toStock({
    inputs,
    pullback,
    forward(save) {
      save(saved);
      return values.map(alias);
    },
  });

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
