import type {NamedTensorMap, Tensor} from '@tensorflow/tfjs-core';
import {TransformError} from '../../errors.js';

/**
 * NOTE [graph models]
 * tfjs runs graphs with control flow asynchronously only, for it waits for the values of predicates. Transforms trace synchronous code, so here
 * such a graph becomes a program (`program.ts`) whose loops and branches are the library's own, which every transform knows. What lies
 * between them is run by executors of tfjs's own class, made for parts of the graph. The converter isn't imported: these are the parts
 * of its objects that are used, the same from tfjs 3.0 to 4.22.
 */
export interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly category?: string;
  /** `node`, `node:index` or, in functions, `node:output:index`; what only has to run before comes last. */
  readonly inputNames: readonly string[];
  readonly inputs: readonly (GraphNode | undefined)[];
  readonly inputParams: Readonly<Record<string, InputParam>>;
  readonly attrParams: Readonly<Record<string, {readonly value?: unknown}>>;
  readonly rawAttrs?: Readonly<Record<string, {readonly func?: {readonly name?: string}}>>;
  /** The names of the outputs, where the op has several of different names. */
  readonly outputs?: readonly string[];
  readonly signatureKey?: string;
}

interface InputParam {
  readonly inputIndexStart?: number;
  readonly inputIndexEnd?: number;
}

export interface Graph {
  readonly nodes: Readonly<Record<string, GraphNode>>;
  readonly inputs: readonly GraphNode[];
  readonly functions?: Readonly<Record<string, Graph>>;
  /** Of a function: what it returns, in order. */
  readonly signature?: {readonly outputs?: Readonly<Record<string, {readonly name?: string}>>};
}

export interface Executor {
  readonly graph: Graph;
  readonly weightMap: Readonly<Record<string, readonly Tensor[]>>;
  execute(inputs: NamedTensorMap, outputs: readonly string[]): Tensor[];
  mapInputs(inputs: NamedTensorMap): NamedTensorMap;
  mapOutputs(outputs: readonly string[]): string[];
  checkInputs(inputs: NamedTensorMap): void;
  checkInputShapeAndType(inputs: NamedTensorMap): void;
  checkOutputs(outputs: readonly string[]): void;
}

/** One output of a node. */
export interface Ref {
  readonly node: GraphNode;
  readonly index: number;
}

export const keyOf = ({node, index}: Ref): string => `${node.name}:${index}`;

/** Outputs of ops that have names in functions, where tfjs doesn't know them. */
const outputNames: Readonly<Record<string, readonly string[]>> = {
  Switch: ['output_false', 'output_true'],
  Merge: ['output', 'value_index'],
  TensorArrayV3: ['handle', 'flow'],
  TensorListPopBack: ['output_handle', 'tensor'],
};

/** Reads `node`, `node:index` and `node:output:index`. */
export function parseRef(text: string, node: GraphNode): Ref {
  const parts = text.split(':');
  const names = node.outputs ?? outputNames[node.op];
  const named = parts.length === 3 ? (names?.indexOf(parts[1]!) ?? -1) : -1;
  return {node, index: named >= 0 ? named : parts.length > 1 ? Number(parts.at(-1)) : 0};
}

export const nameIn = (text: string): string => text.split(':')[0]!;

/** All inputs, those that only have to run before among them. */
export const inputRefs = (node: GraphNode): Ref[] =>
  node.inputNames.flatMap((text, place) => {
    const input = node.inputs[place];
    return input === undefined ? [] : [parseRef(text, input)];
  });

/** The inputs that are read. Where an op takes any number, nothing tells those that only have to run before. */
export function dataRefs(node: GraphNode): Ref[] {
  const refs = inputRefs(node).filter((ref) => ref.node.op !== 'NoOp');
  const params = Object.values(node.inputParams);
  const ends = params.map(({inputIndexStart, inputIndexEnd}) =>
    inputIndexStart === undefined || inputIndexStart < 0 || inputIndexEnd !== undefined
      ? Infinity
      : inputIndexStart + 1,
  );
  return params.length === 0 ? refs : refs.slice(0, Math.max(...ends));
}

/** What a function returns, in order. */
export const returned = ({nodes, signature}: Graph): Ref[] =>
  Object.values(signature?.outputs ?? {}).map(({name = ''}) =>
    parseRef(name, nodes[nameIn(name)]!),
  );

/** All outputs that are needed for some, up to nodes that are given. */
export function reachable(
  wanted: readonly Ref[],
  isGiven: (node: GraphNode) => boolean,
  inputsOf: (node: GraphNode) => readonly Ref[],
): Map<string, Ref> {
  const found = new Map<string, Ref>();
  const pending = [...wanted];
  for (let ref = pending.pop(); ref !== undefined; ref = pending.pop()) {
    const key = keyOf(ref);
    if (found.has(key)) continue;
    found.set(key, ref);
    if (!isGiven(ref.node)) pending.push(...inputsOf(ref.node));
  }
  return found;
}

/** What tfjs-converter has read of an attribute. */
export const attributeOf = (node: GraphNode, name: string): unknown => node.attrParams[name]?.value;

/** Whether a node passes its input on as it is. */
export const isIdentity = ({op}: GraphNode): boolean =>
  op === 'Identity' || op === 'IdentityN' || op === 'Snapshot' || op === 'LoopCond';

/** What an output is in the end, behind nodes that pass their inputs on. */
export function behindIdentities(ref: Ref): Ref {
  let at = ref;
  while (isIdentity(at.node)) {
    const next = inputRefs(at.node)[at.node.op === 'IdentityN' ? at.index : 0];
    if (next === undefined) return at;
    at = next;
  }
  return at;
}

/** Says of a node that it can't run, and what to do. */
export const unsupported = ({name, op}: GraphNode, why: string, caller: string): TransformError =>
  new TransformError(
    `the graph model's node '${name}' (${op}) ${why} Compute up to a node before it, f(params, x, 'node'), or from one behind it on, ` +
      `f(params, {node: value}).`,
    {code: 'unsupported-op', transform: caller},
  );
