import type {DataType} from '@tensorflow/tfjs-core';
import {TransformError} from '../errors.js';
import {tensorOf} from './constants.js';
import {
  Graph,
  mapPerInput,
  type Attrs,
  type Node,
  type PerInput,
  type TensorSpec,
  type Value,
} from './graph.js';

const VERSION = 1;

/** A graph as plain data. Values go by their names. */
export interface SerializedGraph {
  readonly version: number;
  readonly nodes: readonly SerializedNode[];
  readonly outputs: readonly string[];
}

type SerializedNode =
  | (TensorSpec & {readonly kind: 'input'; readonly name: string})
  | (TensorSpec & {
      readonly kind: 'constant';
      readonly name: string;
      /** The data in base64, little-endian; one number if all elements have it; or strings. */
      readonly data: string | number | NonFinite | readonly string[];
    })
  | {
      readonly kind: 'kernel';
      readonly name: string;
      readonly kernel: string;
      readonly inputs: PerInput<string>;
      readonly attrs: Attrs;
      readonly outputs: readonly TensorSpec[];
      readonly givesList: boolean;
    };

/** A number that JSON has no form for. */
interface NonFinite {
  readonly number: 'NaN' | 'Infinity' | '-Infinity' | '-0';
}

const specOf = ({shape, dtype}: TensorSpec): TensorSpec => ({shape, dtype});

/** A graph as plain data that JSON can hold, its constants in base64. Variables become constants with the values that they have now. */
export function graphToJSON(graph: Graph): SerializedGraph {
  graph.assertAlive();
  return {
    version: VERSION,
    nodes: graph.nodes.map(nodeToJSON),
    outputs: graph.outputs.map(({name}) => name),
  };
}

function nodeToJSON(node: Node): SerializedNode {
  const {name} = node;
  switch (node.kind) {
    case 'input':
      return {kind: 'input', name, ...specOf(node.outputs[0]!)};
    case 'constant':
    case 'variable': {
      const tensor = node.kind === 'constant' ? node.tensor : node.variable;
      const data = encode(tensor.dataSync<DataType>() as Numbers | string[], tensor.dtype);
      return {kind: 'constant', name, ...specOf(tensor), data};
    }
    case 'kernel': {
      const {kernel, inputs, attrs, outputs, givesList} = node;
      return {
        kind: 'kernel',
        name,
        kernel,
        inputs: mapPerInput(inputs, (value) => value.name),
        attrs: encodeNumbers(attrs) as Attrs,
        outputs: outputs.map(specOf),
        givesList,
      };
    }
  }
}

/**
 * The graph of what `graphToJSON` gave.
 * @throws TransformError `invalid-graph`
 */
export function graphFromJSON(json: SerializedGraph): Graph {
  if (json.version !== VERSION || !Array.isArray(json.nodes)) {
    throw invalid(`this is no graph of version ${VERSION}.`);
  }
  const graph = new Graph();
  const values = new Map<string, Value>();
  const valueOf = (name: string): Value => {
    const value = values.get(name);
    if (value === undefined) throw invalid(`'${name}' is used before it is computed.`);
    return value;
  };
  try {
    for (const node of json.nodes) {
      const added = addNode(graph, node, valueOf);
      const several = added.length > 1;
      added.forEach((value, i) => values.set(several ? `${node.name}_${i}` : node.name, value));
    }
    graph.setOutputs(json.outputs.map(valueOf));
    graph.lint();
    return graph;
  } catch (error) {
    graph.dispose();
    throw error;
  }
}

function addNode(
  graph: Graph,
  node: SerializedNode,
  valueOf: (name: string) => Value,
): readonly Value[] {
  switch (node.kind) {
    case 'input':
      return [graph.addInput(node, node.name)];
    case 'constant': {
      const tensor = decode(node.data, node);
      try {
        return [graph.addConstant(tensor, node.name)];
      } finally {
        tensor.dispose();
      }
    }
    case 'kernel': {
      const {kernel, outputs, givesList, name} = node;
      const inputs = mapPerInput(node.inputs, valueOf);
      const attrs = decodeNumbers(node.attrs) as Attrs;
      return graph.addKernel({kernel, inputs, attrs, outputs, givesList}, {name});
    }
    default:
      throw invalid(`it has a node of unknown kind: ${JSON.stringify(node)}.`);
  }
}

type Numbers = Float32Array | Int32Array | Uint8Array;
type Data = Extract<SerializedNode, {kind: 'constant'}>['data'];

function encode(read: Numbers | string[], dtype: DataType): Data {
  if (dtype === 'string') return read as string[];
  // tfjs's cpu backend may hold floats in an array of bytes.
  const values = arrayOf(dtype).from(read as Numbers);
  const [first] = values;
  if (values.length > 1 && values.every((value) => Object.is(value, first))) {
    return encodeNumbers(first) as number | NonFinite;
  }
  const bytes = new Uint8Array(values.buffer);
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

const arrayOf = (dtype: DataType) =>
  dtype === 'bool' ? Uint8Array : dtype === 'int32' ? Int32Array : Float32Array;

function decode(data: Data, spec: TensorSpec) {
  if (Array.isArray(data)) return tensorOf(data as readonly string[], spec);
  const parts = spec.dtype === 'complex64' ? 2 : 1;
  const length = spec.shape.reduce((product, size) => product * size, parts);
  if (typeof data !== 'string') {
    return tensorOf(new Array<number>(length).fill(decodeNumbers(data) as number), spec);
  }
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  const numbers = new (arrayOf(spec.dtype))(bytes.buffer);
  if (numbers.length !== length) {
    throw invalid(`a constant has ${numbers.length} numbers for the shape [${spec.shape.join()}].`);
  }
  return tensorOf(numbers, spec);
}

/** Replaces numbers that JSON has no form for, at any depth. */
function encodeNumbers(data: unknown): unknown {
  if (typeof data === 'number') {
    if (Number.isFinite(data) && !Object.is(data, -0)) return data;
    return {number: Object.is(data, -0) ? '-0' : String(data)};
  }
  return mapPlain(data, encodeNumbers);
}

function decodeNumbers(data: unknown): unknown {
  const number = (data as NonFinite | null)?.number;
  if (typeof number === 'string' && /^(NaN|-?Infinity|-0)$/.test(number)) return Number(number);
  return mapPlain(data, decodeNumbers);
}

function mapPlain(data: unknown, f: (part: unknown) => unknown): unknown {
  if (Array.isArray(data)) return data.map(f);
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(Object.entries(data).map(([key, part]) => [key, f(part)]));
}

const invalid = (message: string): TransformError =>
  new TransformError(message, {code: 'invalid-graph', transform: 'fromJSON'});
