import {
  add,
  fill,
  mul,
  moments,
  reshape,
  rsqrt,
  serialization,
  sub,
  tidy,
  type Tensor,
} from '@tensorflow/tfjs-core';
import {TransformError, describe} from '../errors.js';
import {isLayer} from './layers.js';
import type {LayerLike} from './model.js';

export interface ReplaceOptions {
  /** Into how many groups each layer's channels fall, or a function of their number. Default: the largest divisor up to 32. */
  readonly groups?: number | ((channels: number) => number);
}

/** A layer's or a model's configuration, as `getConfig` gives it: other configurations are nested in it. */
interface Config {
  readonly className: string;
  readonly config: Record<string, unknown>;
}

interface LayerVariable {
  readonly originalName: string;
  read(): Tensor;
  write(value: Tensor): unknown;
}

/** What the library needs of tfjs-layers' class `Layer`. It gets the class from the layers of the model at hand. */
interface LayerBase {
  readonly name: string;
  built: boolean;
  addWeight(
    name: string,
    shape: number[],
    dtype: null,
    initializer: object,
    regularizer: null,
    trainable: boolean,
  ): LayerVariable;
  getConfig(): Record<string, unknown>;
}

type LayerClass = new (args: object) => LayerBase;

/**
 * The same model with group normalization in place of batch normalization: normalization per example, which has a per-example gradient.
 *
 * The statistics of a batch mix its examples, so a gradient per example doesn't exist, and moving averages can't be updated per example.
 * Group normalization takes its statistics of one example, over groups of channels and all positions. Scale and offset, and all other weights,
 * are copied; moving averages go.
 *
 * @param model  a `tf.LayersModel` or `tf.Sequential`; nested models are replaced too. It stays as it is
 * @returns  a new model, of the same class, whose variables belong to it
 * @throws TransformError `not-a-model`, `model-not-built`, `invalid-argument` (a number of groups that doesn't divide the channels)
 * @see https://arxiv.org/abs/1803.08494
 * @example
 * const model = tf.sequential({layers: [tf.layers.batchNormalization({inputShape: [4], name: 'norm', epsilon: 0})]});
 * const replaced = replaceBatchNorm(model, {groups: 2});
 * replaced.predict(tf.tensor2d([[1, 3, 10, 30]]))  // => [[-1, 1, -1, 1]]
 */
export function replaceBatchNorm<M extends LayerLike>(model: M, options: ReplaceOptions = {}): M {
  if (!isLayer(model) || !('layers' in model)) {
    throw new TransformError(`expected a tf.LayersModel, but got ${describe(model)}.`, {
      code: 'not-a-model',
      transform: 'replaceBatchNorm',
    });
  }
  if (!model.built) (model as unknown as {build(): void}).build();
  registerGroupNormalization(baseOf(model));
  const replaced = configOf(model, options);
  const {fromConfig} = model.constructor as unknown as {
    fromConfig(cls: unknown, config: object, customObjects?: object): M;
  };
  const copy = fromConfig.call(model.constructor, model.constructor, replaced);
  copyWeights(model, copy);
  return copy;
}

/** tfjs-layers' class `Layer`: the one that knows `addWeight` by itself. */
function baseOf(model: object): LayerClass {
  let prototype = model;
  while (!Object.hasOwn(prototype, 'addWeight')) {
    prototype = Object.getPrototypeOf(prototype) as object;
  }
  return prototype.constructor as LayerClass;
}

function configOf(model: LayerLike, {groups}: ReplaceOptions): object {
  const channels = channelsOf(model);
  const visit = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(visit);
    if (typeof node !== 'object' || node === null) return node;
    const entries = Object.entries(node).map(([key, value]) => [key, visit(value)]);
    const copy = Object.fromEntries(entries) as Record<string, unknown>;
    if (copy['className'] !== 'BatchNormalization') return copy;
    return {...copy, ...groupNormalizationConfig(copy as unknown as Config, groups, channels)};
  };
  return visit(model.getConfig()) as object;
}

/** How many channels each batch normalization of a model has, by the layer's name. */
function channelsOf(model: LayerLike): ReadonlyMap<string, number> {
  const channels = new Map<string, number>();
  for (const weight of model.weights as LayerVariable[]) {
    const match = /([^/]*)\/moving_mean$/.exec(weight.originalName);
    if (match !== null) channels.set(match[1]!, weight.read().size);
  }
  return channels;
}

const MOST_GROUPS = 32;

function groupNormalizationConfig(
  {config}: Config,
  groups: ReplaceOptions['groups'],
  channels: ReadonlyMap<string, number>,
): Config {
  const {name, axis, epsilon, center, scale} = config;
  const count = channels.get(name as string)!;
  const chosen = typeof groups === 'function' ? groups(count) : (groups ?? largestDivisor(count));
  if (!Number.isInteger(chosen) || chosen < 1 || count % chosen !== 0) {
    throw new TransformError(
      `groups is ${describe(chosen)} for the layer '${String(name)}', whose ${count} channels it does not divide. Give groups: ` +
        `(channels) => …, or leave it out.`,
      {code: 'invalid-argument', transform: 'replaceBatchNorm'},
    );
  }
  const {batchInputShape} = config;
  return {
    className: 'GroupNormalization',
    config: {
      name,
      axis,
      epsilon,
      center,
      scale,
      groups: chosen,
      ...(batchInputShape !== undefined && {batchInputShape}),
    },
  };
}

function largestDivisor(count: number): number {
  for (let divisor = Math.min(count, MOST_GROUPS); divisor > 1; divisor--) {
    if (count % divisor === 0) return divisor;
  }
  return 1;
}

/** Weights go by the names that their layers gave them, in order: models may have several layers of one name in nested models. */
function copyWeights(from: LayerLike, to: LayerLike): void {
  const sources = new Map<string, LayerVariable[]>();
  for (const weight of from.weights as LayerVariable[]) {
    const list = sources.get(weight.originalName) ?? [];
    sources.set(weight.originalName, [...list, weight]);
  }
  for (const weight of to.weights as LayerVariable[]) {
    const source = sources.get(weight.originalName)?.shift();
    if (source !== undefined) weight.write(source.read());
  }
}

interface GroupNormalizationArgs {
  readonly groups: number;
  readonly axis: number;
  readonly epsilon: number;
  readonly center: boolean;
  readonly scale: boolean;
}

const initializer = (value: number): object => ({
  apply: (shape: number[]) => fill(shape, value),
});

const registered = new WeakSet<LayerClass>();

/** Makes a layer class that tfjs-layers finds by its name, from its own class `Layer`. */
function registerGroupNormalization(base: LayerClass): void {
  if (registered.has(base)) return;
  registered.add(base);
  class GroupNormalization extends base {
    static readonly className = 'GroupNormalization';
    private readonly args: GroupNormalizationArgs;
    private gamma: LayerVariable | null = null;
    private beta: LayerVariable | null = null;

    constructor(args: GroupNormalizationArgs) {
      super(args);
      this.args = args;
      (this as unknown as {supportsMasking: boolean}).supportsMasking = true;
    }

    build(inputShape: number[]): void {
      const shape = [inputShape.at(this.args.axis)!];
      if (this.args.scale) {
        this.gamma = this.addWeight('gamma', shape, null, initializer(1), null, true);
      }
      if (this.args.center) {
        this.beta = this.addWeight('beta', shape, null, initializer(0), null, true);
      }
      this.built = true;
    }

    call(inputs: Tensor | Tensor[]): Tensor {
      const x = Array.isArray(inputs) ? inputs[0]! : inputs;
      return tidy(() => groupNormalize(x, this.args, this.gamma?.read(), this.beta?.read()));
    }

    override getConfig(): Record<string, unknown> {
      const {groups, axis, epsilon, center, scale} = this.args;
      return {...super.getConfig(), groups, axis, epsilon, center, scale};
    }
  }
  serialization.registerClass(GroupNormalization as never);
}

/** `(x - mean) / √(variance + ε) · gamma + beta`, with mean and variance of each example's groups of channels, over all positions. */
function groupNormalize(
  x: Tensor,
  {groups, axis, epsilon}: GroupNormalizationArgs,
  gamma?: Tensor,
  beta?: Tensor,
): Tensor {
  const place = axis < 0 ? axis + x.rank : axis;
  const channels = x.shape[place]!;
  const split = [
    ...x.shape.slice(0, place),
    groups,
    channels / groups,
    ...x.shape.slice(place + 1),
  ];
  const grouped = reshape(x, split);
  const axes = split.map((_, dim) => dim).filter((dim) => dim !== 0 && dim !== place);
  const {mean, variance} = moments(grouped, axes, true);
  const normalized = mul(sub(grouped, mean), rsqrt(add(variance, epsilon)));
  const perChannel = x.shape.map((size, dim) => (dim === place ? size : 1));
  const scaled = reshape(normalized, x.shape);
  const stretched = gamma === undefined ? scaled : mul(scaled, reshape(gamma, perChannel));
  return beta === undefined ? stretched : add(stretched, reshape(beta, perChannel));
}
