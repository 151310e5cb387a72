import {add, mul, neg, zerosLike, type Tensor} from '@tensorflow/tfjs-core';
import {optimizer, type Optimizer, type Setting, type Slot} from './optimizer.js';

/** A setting with its sign turned. */
export const minus = (setting: Setting): Setting =>
  typeof setting === 'number' ? -setting : neg(setting);

/** One minus a setting. */
export const oneMinus = (setting: Setting): Setting =>
  typeof setting === 'number' ? 1 - setting : add(neg(setting), 1);

export interface SgdSettings {
  readonly learningRate: Setting;
}

/**
 * Gradient descent, `p ← p - learningRate·g`; as `tf.train.sgd`.
 * @example
 * const opt = optimizers.sgd({learningRate: 0.1});
 * const params = {w: tf.tensor1d([1, 2])};
 * const grads = {w: tf.tensor1d([1, 10])};
 * const [newParams, newState] = opt.update(grads, opt.init(params), params);
 * newParams.w  // => [0.9, 1]
 */
export function sgd({learningRate}: SgdSettings): Optimizer<Record<never, never>> {
  return optimizer('sgd', {
    slots: {},
    scalars: {},
    step: (gradient, _slots, param) => ({param: add(mul(minus(learningRate), gradient), param)}),
    advance: () => ({}),
  });
}

export interface MomentumSettings {
  readonly learningRate: Setting;
  /** Default 0.9. */
  readonly momentum?: Setting;
}

/**
 * Gradient descent with momentum, `a ← momentum·a + g`, `p ← p - learningRate·a`; as `tf.train.momentum`.
 * @example
 * const opt = optimizers.momentum({learningRate: 0.1, momentum: 0.5});
 * const one = tf.scalar(1);
 * const [p, state] = opt.update(one, opt.init(one), one);
 * opt.update(one, state, p)[0]  // => 0.75
 */
export function momentum({
  learningRate,
  momentum: rate = 0.9,
}: MomentumSettings): Optimizer<{accumulation: Slot}> {
  return withMomentum('momentum', learningRate, rate, (accumulation) => accumulation);
}

/**
 * Nesterov's momentum, `a ← momentum·a + g`, `p ← p - learningRate·(g + momentum·a)`; as `tf.train.momentum(…, true)`.
 * @example
 * const opt = optimizers.nesterov({learningRate: 0.1, momentum: 0.5});
 * const one = tf.scalar(1);
 * opt.update(one, opt.init(one), one)[0]  // => 0.85
 */
export function nesterov({
  learningRate,
  momentum: rate = 0.9,
}: MomentumSettings): Optimizer<{accumulation: Slot}> {
  return withMomentum('nesterov', learningRate, rate, (accumulation, gradient) =>
    add(gradient, mul(accumulation, rate)),
  );
}

function withMomentum(
  name: string,
  learningRate: Setting,
  rate: Setting,
  direction: (accumulation: Tensor, gradient: Tensor) => Tensor,
): Optimizer<{accumulation: Slot}> {
  return optimizer(name, {
    slots: {accumulation: (param: Tensor) => zerosLike(param)},
    scalars: {},
    step: (gradient, slots, param) => {
      const accumulation = add(mul(rate, slots.accumulation), gradient);
      return {
        accumulation,
        param: add(mul(minus(learningRate), direction(accumulation, gradient)), param),
      };
    },
    advance: () => ({}),
  });
}
