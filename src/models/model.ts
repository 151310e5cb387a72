import type {NamedTensorMap, Tensor, Variable} from '@tensorflow/tfjs-core';

/** Any layer of tfjs-layers, and so any `tf.LayersModel` or `tf.Sequential`. Described by its structure: the library doesn't import tfjs-layers. */
export interface LayerLike {
  readonly name: string;
  readonly built: boolean;
  readonly weights: readonly object[];
  readonly trainableWeights: readonly object[];
  apply(inputs: Tensor | Tensor[], kwargs?: object): unknown;
  getClassName(): string;
  getConfig(): object;
}

/** A `tf.GraphModel`: a model that the TensorFlow.js converter made. */
export interface GraphModelLike {
  readonly weights: {readonly [name: string]: readonly Tensor[]};
  readonly inputNodes: readonly string[];
  readonly outputNodes: readonly string[];
  predict(inputs: Tensor | Tensor[] | NamedTensorMap): unknown;
  execute(inputs: Tensor | Tensor[] | NamedTensorMap, outputs: string | string[]): unknown;
}

/**
 * Plain code and the `tf.Variable`s that it reads: `{apply: (x) => tf.matMul(x, w).add(b), variables: {w, b}}`. In a list, variables go by
 * their own names. Variables that are not trainable are buffers.
 */
export interface VariableModule<A extends unknown[], R> {
  apply(...args: A): R;
  readonly variables: Readonly<Record<string, Variable>> | readonly Variable[];
}

/** A model whose output has no type of its own: the caller states it. */
export type UntypedModel = LayerLike | GraphModelLike;

export type Model = UntypedModel | VariableModule<never[], unknown>;

/** Inputs of a layer or a graph model. */
export type ModelInputs = Tensor | Tensor[] | NamedTensorMap;

/**
 * The arguments of an untyped model: its inputs, then what its own function takes besides. For layers that is what `apply` takes, such as
 * `{training: true}`; for graph models the names of the outputs, as for `execute`.
 */
export type ModelArgs = [inputs: ModelInputs, settings?: object | string | string[]];

/** Parameters or buffers: tensors by name. */
export type State = Record<string, Tensor>;

/** One tensor of a model's state. */
export interface NamedState {
  readonly name: string;
  /** The tensor that the model reads: while it runs on other values, this one stands for them. */
  readonly tensor: Tensor;
  /** Whether it is trained; else it is a buffer. */
  readonly isParam: boolean;
}

/** What the library needs of a model. */
export interface Binding {
  /** The model in a message: `the model 'sequential_1'`. */
  readonly title: string;
  readonly state: readonly NamedState[];
  /** What must be the same in all models of an ensemble beside the state's shapes, as text; null where nothing is known. */
  readonly structure: string | null;
  /** Runs the model's own code. */
  call(args: unknown[]): unknown;
}
