import type {Tensor, Variable} from '@tensorflow/tfjs-core';
import {TransformError} from '../errors.js';
import type {Binding, LayerLike, NamedState} from './model.js';

/** tfjs-layers keeps each variable in a box that knows the name which the layer gave it. */
interface LayerVariable {
  readonly val: Variable;
  readonly originalName: string;
}

interface Buildable extends LayerLike {
  readonly outputs?: readonly unknown[];
  readonly build?: (this: LayerLike) => void;
}

/** Fields by which layers hold other layers, and cells of recurrent layers. */
interface Nested {
  readonly layers?: readonly Nested[];
  readonly layer?: Nested;
  readonly forwardLayer?: Nested;
  readonly backwardLayer?: Nested;
  readonly cell?: Nested;
  readonly cells?: readonly Nested[];
}

/** Cells keep the masks of their dropout from one step to the next, and on until the next call. */
interface Cell extends Nested {
  dropoutMask: Tensor | Tensor[] | null;
  recurrentDropoutMask: Tensor | Tensor[] | null;
}

export function isLayer(model: unknown): model is LayerLike {
  if (typeof model !== 'object' || model === null) return false;
  const {apply, getConfig} = model as Partial<LayerLike>;
  return typeof apply === 'function' && typeof getConfig === 'function' && 'weights' in model;
}

export function bindLayer(layer: LayerLike, caller: string): Binding {
  const title = `the ${'layers' in layer ? 'model' : 'layer'} '${layer.name}'`;
  assertBuilt(layer, title, caller);
  const nested = withNested(layer as Nested);
  const stateful = nested.find(
    (inner) => 'cell' in inner && (inner as {stateful?: boolean}).stateful,
  );
  if (stateful !== undefined) throw refuseStateful(stateful as LayerLike, caller);
  return {
    title,
    state: namedWeights(layer),
    get structure() {
      return structureOf(layer);
    },
    call: ([inputs, kwargs]) =>
      withOwnMasks(nested, () => layer.apply(inputs as Tensor, {...(kwargs as object)})),
  };
}

function assertBuilt(layer: LayerLike, title: string, caller: string): void {
  if (layer.built) return;
  // A tf.Sequential has its weights as soon as the shape of its input is known, and is built at its first call.
  const {outputs, build} = layer as Buildable;
  if (outputs !== undefined && outputs.length > 0 && build !== undefined) {
    return build.call(layer);
  }
  throw new TransformError(
    `${title} is not built yet, so it has no parameters. Give its first layer an inputShape, call it once (model.predict(x)), or call ` +
      `model.build([null, …]).`,
    {code: 'model-not-built', transform: caller},
  );
}

function refuseStateful({name}: LayerLike, caller: string): TransformError {
  return new TransformError(
    `the layer '${name}' is stateful: a call would change what it remembers. Make it with stateful: false, and pass the state on ` +
      `by yourself (initialState in, returnState: true out).`,
    {code: 'stateful-layer', transform: caller},
  );
}

/**
 * The weights by the names which their layers gave them. tfjs numbers equal names through the whole session (`dense/kernel_7`); here they are
 * numbered within the model, so that two models of the same layers have the same names. A shared layer's weights come once.
 */
function namedWeights(layer: LayerLike): NamedState[] {
  const trainable = new Set((layer.trainableWeights as LayerVariable[]).map(({val}) => val));
  const weights = new Map((layer.weights as LayerVariable[]).map((weight) => [weight.val, weight]));
  const taken = new Set<string>();
  return [...weights.values()].map(({val, originalName}) => {
    let name = originalName;
    for (let count = 1; taken.has(name); count++) name = `${originalName}_${count}`;
    taken.add(name);
    return {name, tensor: val, isParam: trainable.has(val)};
  });
}

/** The layer and all that it is made of. */
function withNested(layer: Nested): Nested[] {
  const found = new Set<Nested>();
  const visit = (inner: Nested | undefined): void => {
    if (inner === undefined || inner === null || found.has(inner)) return;
    found.add(inner);
    const {layers = [], cells = [], layer, forwardLayer, backwardLayer, cell} = inner;
    for (const part of [...layers, ...cells, layer, forwardLayer, backwardLayer, cell]) visit(part);
  };
  visit(layer);
  return [...found];
}

/** Runs `body` with cells that have no masks of dropout, and gives them back those that they had. */
function withOwnMasks<T>(nested: readonly Nested[], body: () => T): T {
  const cells = nested.filter((inner): inner is Cell => 'dropoutMask' in inner);
  const before = cells.map(({dropoutMask, recurrentDropoutMask}) => ({
    dropoutMask,
    recurrentDropoutMask,
  }));
  for (const cell of cells) cell.dropoutMask = cell.recurrentDropoutMask = null;
  try {
    return body();
  } finally {
    cells.forEach((cell, index) => {
      for (const mask of [cell.dropoutMask, cell.recurrentDropoutMask].flat()) mask?.dispose();
      Object.assign(cell, before[index]);
    });
  }
}

/** Parts of a configuration that say nothing of what a layer computes. */
const irrelevant = /initializer$|regularizer$|constraint$|^trainable$|^seed$/i;

/** The configuration with every layer's name replaced by its number. */
function structureOf(layer: LayerLike): string {
  const config = {className: layer.getClassName(), config: layer.getConfig()};
  const numbers = new Map<unknown, string>();
  JSON.stringify(config, (key, value: unknown) => {
    if (key === 'name' && !numbers.has(value)) numbers.set(value, `#${numbers.size}`);
    return value;
  });
  return JSON.stringify(config, (key, value: unknown) =>
    irrelevant.test(key) ? undefined : (numbers.get(value) ?? value),
  );
}
