import {
  add,
  div,
  fill,
  mul,
  sqrt,
  square,
  sub,
  zerosLike,
  type Tensor,
} from '@tensorflow/tfjs-core';
import {minus, oneMinus} from './descent.js';
import {backendEpsilon, optimizer, type Optimizer, type Setting, type Slot} from './optimizer.js';

/** A moving average. */
export const average = (old: Tensor, value: Tensor, decay: Setting): Tensor =>
  add(mul(old, decay), mul(value, oneMinus(decay)));

export interface AdagradSettings {
  readonly learningRate: Setting;
  /** Default 0.1. */
  readonly initialAccumulatorValue?: number;
}

/**
 * Adagrad, `s ← s + g²`, `p ← p - learningRate·g / √(s + ε)`; as `tf.train.adagrad`.
 * @see https://www.jmlr.org/papers/volume12/duchi11a/duchi11a.pdf
 * @example
 * const opt = optimizers.adagrad({learningRate: 0.1, initialAccumulatorValue: 3});
 * opt.update(tf.scalar(1), opt.init(tf.scalar(1)), tf.scalar(1))[0]  // => 0.95
 */
export function adagrad({
  learningRate,
  initialAccumulatorValue = 0.1,
}: AdagradSettings): Optimizer<{accumulation: Slot}> {
  return optimizer('adagrad', {
    slots: {accumulation: (param: Tensor) => fill(param.shape, initialAccumulatorValue)},
    scalars: {},
    step: (gradient, slots, param) => {
      const accumulation = add(slots.accumulation, square(gradient));
      const direction = div(gradient, sqrt(add(accumulation, backendEpsilon())));
      return {accumulation, param: add(mul(direction, minus(learningRate)), param)};
    },
    advance: () => ({}),
  });
}

export interface AdadeltaSettings {
  /** Default 0.001. */
  readonly learningRate?: Setting;
  /** Decay of both moving averages. Default 0.95. */
  readonly rho?: Setting;
  /** Default: the backend's, 1e-7. */
  readonly epsilon?: Setting;
}

/**
 * Adadelta, `u = g·√(d + ε) / √(s + ε)` with moving averages `s` of `g²` and `d` of `u²`, `p ← p - learningRate·u`; as `tf.train.adadelta`,
 * which takes `s` as it was before the step: both averages then stay equal, and a step is that of `sgd`.
 * @see https://arxiv.org/abs/1212.5701
 * @example
 * const opt = optimizers.adadelta({learningRate: 0.5});
 * opt.update(tf.scalar(1), opt.init(tf.scalar(1)), tf.scalar(1))[0]  // => 0.5
 */
export function adadelta({
  learningRate = 0.001,
  rho = 0.95,
  epsilon,
}: AdadeltaSettings = {}): Optimizer<{squares: Slot; updates: Slot}> {
  return optimizer('adadelta', {
    slots: {
      squares: (param: Tensor) => zerosLike(param),
      updates: (param: Tensor) => zerosLike(param),
    },
    scalars: {},
    step: (gradient, slots, param) => {
      const small = epsilon ?? backendEpsilon();
      const ratio = div(sqrt(add(slots.updates, small)), sqrt(add(slots.squares, small)));
      const update = mul(ratio, gradient);
      return {
        squares: average(slots.squares, square(gradient), rho),
        updates: average(slots.updates, square(update), rho),
        param: add(mul(update, minus(learningRate)), param),
      };
    },
    advance: () => ({}),
  });
}

export interface RmspropSettings {
  readonly learningRate: Setting;
  /** Of the moving averages. Default 0.9. */
  readonly decay?: Setting;
  /** Default 0. */
  readonly momentum?: Setting;
  /** Default: the backend's, 1e-7. */
  readonly epsilon?: Setting;
  /** Whether the variance of gradients is taken in place of their mean square. Default false. */
  readonly centered?: boolean;
}

/**
 * RMSProp, `s` the moving average of `g²`, `m ← momentum·m + learningRate·g / √(s + ε)`, `p ← p - m`; as `tf.train.rmsprop`.
 *
 * Centered it divides by `√(s - (ā² + ε))` with the moving average `ā` of `g`: as in tfjs, which subtracts ε there, this is NaN for
 * gradients below some √ε.
 * @see https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf
 * @example
 * const opt = optimizers.rmsprop({learningRate: 0.1, decay: 0.75});
 * opt.update(tf.scalar(3), opt.init(tf.scalar(1)), tf.scalar(1))[0]  // => 0.8
 */
export function rmsprop(
  settings: RmspropSettings & {readonly centered: true},
): Optimizer<{squares: Slot; moments: Slot; averages: Slot}>;
export function rmsprop(settings: RmspropSettings): Optimizer<{squares: Slot; moments: Slot}>;
export function rmsprop({
  learningRate,
  decay = 0.9,
  momentum = 0,
  epsilon,
  centered = false,
}: RmspropSettings): unknown {
  const slot = (param: Tensor): Tensor => zerosLike(param);
  const moved = (slots: {moments: Tensor}, gradient: Tensor, scale: Tensor): Tensor =>
    add(mul(slots.moments, momentum), div(mul(gradient, learningRate), scale));
  if (!centered) {
    return optimizer('rmsprop', {
      slots: {squares: slot, moments: slot},
      scalars: {},
      step: (gradient, slots, param) => {
        const squares = average(slots.squares, square(gradient), decay);
        const scale = sqrt(add(squares, epsilon ?? backendEpsilon()));
        const moments = moved(slots, gradient, scale);
        return {squares, moments, param: sub(param, moments)};
      },
      advance: () => ({}),
    });
  }
  return optimizer('rmsprop', {
    slots: {squares: slot, moments: slot, averages: slot},
    scalars: {},
    step: (gradient, slots, param) => {
      const squares = average(slots.squares, square(gradient), decay);
      const averages = average(slots.averages, gradient, decay);
      const scale = sqrt(sub(squares, add(square(averages), epsilon ?? backendEpsilon())));
      const moments = moved(slots, gradient, scale);
      return {squares, moments, averages, param: sub(param, moments)};
    },
    advance: () => ({}),
  });
}
