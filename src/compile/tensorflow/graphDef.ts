import type {DataType} from '@tensorflow/tfjs-core';
import type {TensorSpec} from '../graph.js';
import {MessageWriter} from './protobuf.js';

/** An attribute of a TensorFlow op, by the kind of its value. `type` is a number of TensorFlow's enum DataType. */
export type AttrValue =
  | {readonly kind: 'string'; readonly value: string | readonly string[]}
  | {readonly kind: 'int' | 'float' | 'type'; readonly value: number | readonly number[]}
  | {readonly kind: 'bool'; readonly value: boolean | readonly boolean[]}
  | {readonly kind: 'shape'; readonly value: readonly number[]}
  | {readonly kind: 'tensor'; readonly value: TensorData};

/** A constant: numbers in memory order, little-endian, or strings of bytes. */
export interface TensorData {
  /** A number of TensorFlow's enum DataType. */
  readonly type: number;
  readonly shape: readonly number[];
  readonly values: Uint8Array | readonly Uint8Array[];
}

/** A call of a TensorFlow op. */
export interface OpNode {
  readonly name: string;
  readonly op: string;
  /** Outputs of other nodes, as `node` or `node:1`. */
  readonly inputs: readonly string[];
  readonly attrs: Readonly<Record<string, AttrValue>>;
}

/** A tensor of a signature. */
export interface NamedTensor extends TensorSpec {
  /** In the signature. */
  readonly name: string;
  /** The output of a node that it is, as `node:0`. */
  readonly source: string;
}

export interface Signature {
  readonly name: string;
  readonly inputs: readonly NamedTensor[];
  readonly outputs: readonly NamedTensor[];
}

/** The file of a SavedModel that has its graph. */
export const MODEL_FILE = 'saved_model.pb';

/** TensorFlow's enum DataType. */
export const TYPES: Readonly<Record<DataType, number>> = {
  float32: 1,
  int32: 3,
  string: 7,
  complex64: 8,
  bool: 10,
};

/** Versions of TensorFlow (2.4 here, and all later ones) read graphs by the rules of the version that a graph says it was written for. */
const PRODUCER = 561;

/**
 * A SavedModel with one graph, tagged `serve`, one signature and no variables, as its file `saved_model.pb`.
 *
 * @see https://github.com/tensorflow/tensorflow/blob/v2.9.1/tensorflow/core/protobuf/saved_model.proto and the messages that it is made of
 */
export function savedModel(nodes: readonly OpNode[], signature: Signature | null): Uint8Array {
  const model = new MessageWriter().integer(1, 1).message(2, (metaGraph) => {
    metaGraph.message(1, (info) => info.text(4, 'serve').text(5, '2.4.0'));
    metaGraph.message(2, (graph) => {
      for (const node of nodes) graph.message(1, (message) => writeNode(message, node));
      graph.message(4, (versions) => versions.integer(1, PRODUCER));
    });
    if (signature === null) return;
    metaGraph.entry(5, signature.name, (message) => {
      for (const tensor of signature.inputs) writeTensorInfo(message, 1, tensor);
      for (const tensor of signature.outputs) writeTensorInfo(message, 2, tensor);
      message.text(3, 'tensorflow/serving/predict');
    });
  });
  return model.finish();
}

function writeNode(message: MessageWriter, {name, op, inputs, attrs}: OpNode): void {
  message.text(1, name).text(2, op);
  for (const input of inputs) message.text(3, input);
  for (const [attr, value] of Object.entries(attrs)) {
    message.entry(5, attr, (entry) => writeAttr(entry, value));
  }
}

function writeTensorInfo(message: MessageWriter, field: number, tensor: NamedTensor): void {
  message.entry(field, tensor.name, (info) => {
    info.text(1, tensor.source).integer(2, TYPES[tensor.dtype]);
    info.message(3, (shape) => writeShape(shape, tensor.shape));
  });
}

function writeShape(message: MessageWriter, shape: readonly number[]): void {
  for (const size of shape) message.message(2, (dim) => dim.integer(1, size));
}

/** Fields of AttrValue; those of its lists have the same numbers. */
const FIELDS = {string: 2, int: 3, float: 4, bool: 5, type: 6, shape: 7, tensor: 8} as const;

function writeAttr(message: MessageWriter, attr: AttrValue): void {
  const {kind, value} = attr;
  const field = FIELDS[kind];
  switch (kind) {
    case 'shape':
      message.message(field, (shape) => writeShape(shape, value));
      return;
    case 'tensor':
      message.message(field, (tensor) => writeTensor(tensor, value));
      return;
    default:
      if (Array.isArray(value)) {
        message.message(1, (list) => value.forEach((each) => writePlain(list, kind, each)));
      } else {
        writePlain(message, kind, value as string | number | boolean);
      }
  }
}

function writePlain(
  message: MessageWriter,
  kind: 'string' | 'int' | 'float' | 'bool' | 'type',
  value: string | number | boolean,
): void {
  const field = FIELDS[kind];
  if (kind === 'string') message.text(field, value as string);
  else if (kind === 'float') message.float(field, value as number);
  else message.integer(field, value as number | boolean);
}

function writeTensor(message: MessageWriter, {type, shape, values}: TensorData): void {
  message.integer(1, type).message(2, (dims) => writeShape(dims, shape));
  if (values instanceof Uint8Array) message.bytes(4, values);
  else for (const text of values) message.bytes(8, text);
}

/** Bytes of all constants: nearly all that there is in a large graph. */
export const bytesOfConstants = (nodes: readonly OpNode[]): number =>
  nodes
    .flatMap(({attrs}) => Object.values(attrs))
    .reduce((sum, {kind, value}) => {
      if (kind !== 'tensor') return sum;
      const {values} = value;
      return sum + (values instanceof Uint8Array ? values.length : 0);
    }, 0);

/** A graph in text, an op a line. */
export const showOps = (nodes: readonly OpNode[]): string =>
  nodes.map(({name, op, inputs}) => `${name} = ${op}(${inputs.join(', ')})`).join('\n');
