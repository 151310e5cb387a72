import {
  abs,
  add,
  clone,
  div,
  maximum,
  mul,
  scalar,
  sqrt,
  square,
  sub,
  zerosLike,
  type Tensor,
} from '@tensorflow/tfjs-core';
import {average} from './adaptive.js';
import {minus, oneMinus} from './descent.js';
import {backendEpsilon, optimizer, type Optimizer, type Setting, type Slot} from './optimizer.js';

/** A setting as a scalar of its own. */
const toScalar = (setting: Setting): Tensor =>
  typeof setting === 'number' ? scalar(setting) : clone(setting);

const slot = (param: Tensor): Tensor => zerosLike(param);

interface MomentSettings {
  /** Decay of the moving average of gradients. Default 0.9. */
  readonly beta1?: Setting;
  /** Decay of that of their magnitudes. Default 0.999. */
  readonly beta2?: Setting;
}

export interface AdamSettings extends MomentSettings {
  /** Default 0.001. */
  readonly learningRate?: Setting;
  /** Added to √v. Default: the backend's, 1e-7. */
  readonly epsilon?: Setting;
  /**
   * Added to v before its root is taken, which has no derivative at 0: give a small one (1e-12) to differentiate through steps in which a
   * gradient may be exactly 0. Default 0, as in tfjs.
   */
  readonly epsilonRoot?: Setting;
}

/**
 * Adam, moving averages `m` of `g` and `v` of `g²`, both divided by `1 - betaᵗ`, `p ← p - learningRate·m / (√(v + epsilonRoot) + ε)`; as
 * `tf.train.adam`.
 * @see https://arxiv.org/abs/1412.6980
 * @example
 * const opt = optimizers.adam({learningRate: 0.1});
 * const params = {w: tf.tensor1d([1, 2])};
 * const [newParams, state] = opt.update({w: tf.tensor1d([3, -4])}, opt.init(params), params);
 * newParams.w  // => [0.9, 2.1]
 * state.beta1Power  // => 0.81
 */
export function adam({
  learningRate = 0.001,
  beta1 = 0.9,
  beta2 = 0.999,
  epsilon,
  epsilonRoot = 0,
}: AdamSettings = {}): Optimizer<AdamState> {
  const settings = {learningRate, beta1, beta2, epsilon, epsilonRoot};
  return withMoments('adam', settings, (param) => param);
}

function withMoments(
  name: string,
  {learningRate, beta1, beta2, epsilon, epsilonRoot}: AllAdamSettings,
  decayed: (param: Tensor) => Tensor,
): Optimizer<AdamState> {
  return optimizer(name, {
    slots: {firstMoment: slot, secondMoment: slot},
    scalars: {beta1Power: () => toScalar(beta1), beta2Power: () => toScalar(beta2)},
    step: (gradient, slots, param, {beta1Power, beta2Power}) => {
      const firstMoment = average(slots.firstMoment, gradient, beta1);
      const secondMoment = average(slots.secondMoment, square(gradient), beta2);
      const first = div(firstMoment, sub(1, beta1Power));
      const second = div(secondMoment, sub(1, beta2Power));
      const root = sqrt(epsilonRoot === 0 ? second : add(second, epsilonRoot));
      const direction = div(first, add(root, epsilon ?? backendEpsilon()));
      return {
        firstMoment,
        secondMoment,
        param: add(mul(direction, minus(learningRate)), decayed(param)),
      };
    },
    advance: ({beta1Power, beta2Power}) => ({
      beta1Power: mul(beta1Power, beta1),
      beta2Power: mul(beta2Power, beta2),
    }),
  });
}

type AllAdamSettings = Required<Omit<AdamSettings, 'epsilon'>> & {
  readonly epsilon: Setting | undefined;
};

/** `beta1Power` and `beta2Power` are `beta1ᵗ` and `beta2ᵗ` of the step that comes. */
export interface AdamState {
  readonly firstMoment: Slot;
  readonly secondMoment: Slot;
  readonly beta1Power: Tensor;
  readonly beta2Power: Tensor;
}

export interface AdamwSettings extends AdamSettings {
  /** Default 0.01. */
  readonly weightDecay?: Setting;
}

/**
 * Adam with decoupled weight decay: `p ← p - learningRate·weightDecay·p` before the step of `adam`. Settings and defaults are PyTorch's,
 * `epsilon` 1e-8 included.
 * @see https://arxiv.org/abs/1711.05101
 * @example
 * const opt = optimizers.adamw({learningRate: 0.1, weightDecay: 0.5});
 * opt.update(tf.scalar(3), opt.init(tf.scalar(2)), tf.scalar(2))[0]  // => 1.8
 */
export function adamw({
  learningRate = 0.001,
  beta1 = 0.9,
  beta2 = 0.999,
  epsilon = 1e-8,
  epsilonRoot = 0,
  weightDecay = 0.01,
}: AdamwSettings = {}): Optimizer<AdamState> {
  const settings = {learningRate, beta1, beta2, epsilon, epsilonRoot};
  return withMoments('adamw', settings, (param) =>
    mul(param, oneMinus(product(learningRate, weightDecay))),
  );
}

const product = (a: Setting, b: Setting): Setting =>
  typeof a === 'number' && typeof b === 'number' ? a * b : mul(a, b);

export interface AdamaxSettings extends MomentSettings {
  /** Default 0.002. */
  readonly learningRate?: Setting;
  /** Default: the backend's, 1e-7. */
  readonly epsilon?: Setting;
  /** Of the learning rate, which is divided by `1 + decay·t`. Default 0. */
  readonly decay?: Setting;
}

/**
 * Adamax, `m` as in Adam, `u ← max(beta2·u, |g|)`, `p ← p - learningRate / (1 - beta1ᵗ) · m / (u + ε)`; as `tf.train.adamax`.
 * @see https://arxiv.org/abs/1412.6980 section 7.1
 * @example
 * const opt = optimizers.adamax({learningRate: 0.1});
 * opt.update(tf.scalar(3), opt.init(tf.scalar(1)), tf.scalar(1))[0]  // => 0.9
 */
export function adamax({
  learningRate = 0.002,
  beta1 = 0.9,
  beta2 = 0.999,
  epsilon,
  decay = 0,
}: AdamaxSettings = {}): Optimizer<AdamaxState> {
  return optimizer('adamax', {
    slots: {firstMoment: slot, largest: slot},
    scalars: {iteration: () => scalar(0), beta1Power: () => toScalar(beta1)},
    step: (gradient, slots, param, {iteration, beta1Power}) => {
      const firstMoment = average(slots.firstMoment, gradient, beta1);
      const largest = maximum(mul(slots.largest, beta2), abs(gradient));
      const rate = div(minus(learningRate), add(mul(iteration, decay), 1));
      const direction = div(firstMoment, add(largest, epsilon ?? backendEpsilon()));
      return {
        firstMoment,
        largest,
        param: add(mul(div(rate, sub(1, beta1Power)), direction), param),
      };
    },
    advance: ({iteration, beta1Power}) => ({
      iteration: add(iteration, 1),
      beta1Power: mul(beta1Power, beta1),
    }),
  });
}

export interface AdamaxState {
  readonly firstMoment: Slot;
  readonly largest: Slot;
  readonly iteration: Tensor;
  readonly beta1Power: Tensor;
}
