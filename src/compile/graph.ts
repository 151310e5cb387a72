import {keep, type DataType, type Tensor, type Variable} from '@tensorflow/tfjs-core';
import {TransformError, showShape} from '../errors.js';
import {share} from '../interpreter/tracer.js';
import {sameShape} from '../rules/ops.js';

/** What is known of a tensor before there is one. */
export interface TensorSpec {
  readonly shape: readonly number[];
  readonly dtype: DataType;
}

/** One tensor of a graph: output number `index` of a node. Values are compared by identity. */
export class Value implements TensorSpec {
  constructor(
    readonly node: Node,
    readonly index: number,
    readonly shape: readonly number[],
    readonly dtype: DataType,
  ) {}

  /** Unique within the graph: the node's name, with the number of the output for nodes with several. */
  get name(): string {
    return this.node.outputs.length === 1 ? this.node.name : `${this.node.name}_${this.index}`;
  }

  /** Number of elements. */
  get size(): number {
    return this.shape.reduce((product, size) => product * size, 1);
  }

  /** Bytes that its data takes; of strings nothing is known, they count as pointers. */
  get bytes(): number {
    return this.size * BYTES[this.dtype];
  }
}

const BYTES: Readonly<Record<DataType, number>> = {
  float32: 4,
  int32: 4,
  bool: 1,
  complex64: 8,
  string: 8,
};

/** One value for each input of a kernel: by the kernel's names (those that a call leaves out are missing), or a list. */
export type PerInput<T> = Readonly<Record<string, T>> | readonly T[];

/** Attributes of a kernel call: plain data, as `normalizeAttrs` makes it. */
export type Attrs = Readonly<Record<string, unknown>>;

interface NodeBase {
  /** Unique within the graph, and a name in JavaScript. */
  readonly name: string;
  readonly outputs: readonly Value[];
}

/** An argument of the graph. */
export interface InputNode extends NodeBase {
  readonly kind: 'input';
}

/** A tensor that the function held in a closure or made of nothing else. The graph owns it, see `Graph.dispose`. */
export interface ConstantNode extends NodeBase {
  readonly kind: 'constant';
  readonly tensor: Tensor;
}

/** A `tf.Variable` that the function read: it is read again, with the value that it then has, whenever the graph runs. It stays the caller's. */
export interface VariableNode extends NodeBase {
  readonly kind: 'variable';
  readonly variable: Variable;
}

/** A call of a tfjs kernel, or of one of the library's pseudo-kernels (see `STOP_GRADIENT`). */
export interface KernelNode extends NodeBase {
  readonly kind: 'kernel';
  /** tfjs's name: 'BatchMatMul'. */
  readonly kernel: string;
  /** Change it with `Graph.setInputs` or `Graph.replaceAllUses` only. */
  readonly inputs: PerInput<Value>;
  readonly attrs: Attrs;
  /** Whether the kernel gives a list of tensors (SplitV, Unpack, TopK, …), be it a list of one. */
  readonly givesList: boolean;
}

export type Node = InputNode | ConstantNode | VariableNode | KernelNode;

/** Passes its input `x` on, and no derivative: what `stopGradient` becomes in a graph. Compilers that don't differentiate take it for an alias. */
export const STOP_GRADIENT = 'StopGradient';

/** What a kernel node is made of. */
export interface KernelSpec {
  readonly kernel: string;
  readonly inputs: PerInput<Value>;
  readonly attrs: Attrs;
  readonly outputs: readonly TensorSpec[];
  readonly givesList?: boolean;
}

type Mutable<T> = {-readonly [K in keyof T]: T[K]};

/**
 * NOTE [graph]
 * A function of tensors as a list of kernel calls with known shapes and dtypes, in an order in which they can run (each after those whose
 * outputs it takes). What `makeFx` captures, passes rewrite, and compilers take.
 *
 * There is no control flow and no effect: any node whose outputs nobody uses may go. Constants are kept tensors that the graph owns:
 * `dispose()` frees them; `clone()` and passes give graphs that own aliases of theirs. Passes leave the graph that they are given as
 * it is. Who writes one rebuilds the graph with a `Transformer`, or clones it and changes the clone by the methods here.
 */
export class Graph {
  private readonly list: Node[] = [];
  private readonly names = new Set<string>();
  private readonly counts = new Map<string, number>();
  private results: readonly Value[] = [];
  private disposed = false;
  private changes = 0;

  /** Counts the changes: what was found out about a graph holds while this is the same. */
  get revision(): number {
    return this.changes;
  }

  /** All nodes, in an order in which they can run. */
  get nodes(): readonly Node[] {
    return this.list;
  }

  /** The arguments, in order. */
  get inputs(): readonly InputNode[] {
    return this.list.filter((node) => node.kind === 'input');
  }

  get constants(): readonly ConstantNode[] {
    return this.list.filter((node) => node.kind === 'constant');
  }

  get variables(): readonly VariableNode[] {
    return this.list.filter((node) => node.kind === 'variable');
  }

  /** The kernel calls, in order. */
  get kernels(): readonly KernelNode[] {
    return this.list.filter((node) => node.kind === 'kernel');
  }

  /** What the graph gives, in order: a value may be there more than once, and may be an input or a constant. */
  get outputs(): readonly Value[] {
    return this.results;
  }

  setOutputs(outputs: readonly Value[]): void {
    this.changes++;
    this.results = [...outputs];
  }

  /** Appends an argument. */
  addInput(spec: TensorSpec, name = 'x'): Value {
    const node: Node = {kind: 'input', name: this.unique(name), outputs: []};
    return this.add(node, [spec]).outputs[0]!;
  }

  /** Appends a constant. The graph keeps an alias of the tensor, which stays the caller's. */
  addConstant(tensor: Tensor, name = 'constant'): Value {
    // `keep` is what ends an alias of a traced tensor with its transform.
    const alias = keep(share(tensor));
    const node: Node = {kind: 'constant', name: this.unique(name), outputs: [], tensor: alias};
    return this.add(node, [tensor]).outputs[0]!;
  }

  addVariable(variable: Variable): Value {
    const node: Node = {
      kind: 'variable',
      name: this.unique(variable.name),
      outputs: [],
      variable,
    };
    return this.add(node, [variable]).outputs[0]!;
  }

  /**
   * Appends a kernel call, or puts it in front of the node `before`.
   * @returns  the values that it gives
   */
  addKernel(
    {kernel, inputs, attrs, outputs, givesList = false}: KernelSpec,
    {name = nameOf(kernel), before}: {readonly name?: string; readonly before?: Node} = {},
  ): readonly Value[] {
    const node: KernelNode = {
      kind: 'kernel',
      name: this.unique(name, outputs.length),
      outputs: [],
      kernel,
      inputs,
      attrs,
      givesList,
    };
    return this.add(node, outputs, before).outputs;
  }

  /** The kernel calls that take a value, each once, in order. To ask for many values, make `usersOfAll` once. */
  users(value: Value): KernelNode[] {
    return this.kernels.filter(({inputs}) => listOf(inputs).includes(value));
  }

  /** For each value that kernel calls take, these calls. */
  usersOfAll(): Map<Value, KernelNode[]> {
    const users = new Map<Value, KernelNode[]>();
    for (const node of this.kernels) {
      for (const value of new Set(listOf(node.inputs))) {
        const list = users.get(value);
        if (list === undefined) users.set(value, [node]);
        else list.push(node);
      }
    }
    return users;
  }

  isUsed(value: Value): boolean {
    return this.results.includes(value) || this.users(value).length > 0;
  }

  /** Has every node, and the outputs, take `by` where they took `value`. `by` must be computed before all of them. */
  replaceAllUses(value: Value, by: Value): void {
    const replaced = (old: Value): Value => (old === value ? by : old);
    for (const node of this.users(value)) this.setInputs(node, mapPerInput(node.inputs, replaced));
    this.setOutputs(this.results.map(replaced));
  }

  setInputs(node: KernelNode, inputs: PerInput<Value>): void {
    this.changes++;
    (node as Mutable<KernelNode>).inputs = inputs;
  }

  /**
   * Takes a node out.
   * @throws TransformError `invalid-graph` where an output of it is used
   */
  erase(node: Node): void {
    const used = node.outputs.find((value) => this.isUsed(value));
    if (used !== undefined) {
      const by = this.users(used).map(({name}) => name);
      throw invalid(
        `'${node.name}' can't be erased: ${by.length > 0 ? by.join(', ') : 'the list of outputs'} uses '${used.name}'. Replace its ` +
          `uses first (replaceAllUses).`,
      );
    }
    const index = this.list.indexOf(node);
    if (index < 0) throw invalid(`'${node.name}' is not a node of this graph.`);
    this.changes++;
    this.list.splice(index, 1);
    if (node.kind === 'constant') node.tensor.dispose();
  }

  /**
   * Checks that the graph can run: each value is computed before it is used, names are unique, outputs and inputs are there.
   * @throws TransformError `invalid-graph`
   */
  lint(): void {
    this.assertAlive();
    const known = new Set<Value>();
    const names = new Set<string>();
    for (const node of this.list) {
      if (names.has(node.name)) throw invalid(`two nodes are called '${node.name}'.`);
      names.add(node.name);
      for (const value of node.kind === 'kernel' ? listOf(node.inputs) : []) {
        if (known.has(value)) continue;
        throw invalid(
          `'${node.name}' takes '${value.name}', which ${this.list.includes(value.node) ? 'is computed after it' : 'is not in the graph'}.`,
        );
      }
      for (const value of node.outputs) known.add(value);
    }
    const missing = this.results.find((value) => !known.has(value));
    if (missing !== undefined) throw invalid(`the output '${missing.name}' is not in the graph.`);
  }

  /** A copy, with the same names and aliases of the constants; `values`, if given, takes the new value of each old one. */
  clone(values = new Map<Value, Value>()): Graph {
    this.assertAlive();
    const copy = new Graph();
    for (const node of this.list) {
      const copied = copy.addLike(node, (value) => values.get(value)!);
      node.outputs.forEach((value, index) => values.set(value, copied[index]!));
    }
    copy.setOutputs(this.results.map((value) => values.get(value)!));
    return copy;
  }

  /**
   * Appends a node like one of another graph, under the same name where that is free.
   * @param valueOf  the value of this graph that a value of the other one has become
   */
  addLike(node: Node, valueOf: (value: Value) => Value): readonly Value[] {
    switch (node.kind) {
      case 'input':
        return [this.addInput(node.outputs[0]!, node.name)];
      case 'constant':
        return [this.addConstant(node.tensor, node.name)];
      case 'variable':
        return [this.addVariable(node.variable)];
      case 'kernel':
        return this.addKernel(
          {...node, inputs: mapPerInput(node.inputs, valueOf)},
          {name: node.name},
        );
    }
  }

  /** Whether the constants were freed. */
  get isDisposed(): boolean {
    return this.disposed;
  }

  assertAlive(): void {
    if (!this.disposed) return;
    throw new TransformError(
      `the graph was disposed, and its constants with it. Dispose it when it is not called any more.`,
      {code: 'disposed-tensor', transform: 'compile'},
    );
  }

  /** Frees the constants. The graph can't run any more. */
  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    for (const {tensor} of this.constants) tensor.dispose();
  }

  /** A name that is free, and free for each of several outputs. */
  private unique(name: string, outputs = 1): string {
    const base = asIdentifier(name);
    for (let count = this.counts.get(base) ?? 0; ; count++) {
      const candidate = count === 0 ? base : `${base}_${count}`;
      if (this.names.has(candidate)) continue;
      const taken = [candidate];
      if (outputs > 1) for (let i = 0; i < outputs; i++) taken.push(`${candidate}_${i}`);
      if (taken.some((each) => this.names.has(each))) continue;
      for (const each of taken) this.names.add(each);
      this.counts.set(base, count + 1);
      return candidate;
    }
  }

  private add<N extends Node>(node: N, specs: readonly TensorSpec[], before?: Node): N {
    const outputs = specs.map(({shape, dtype}, index) => new Value(node, index, [...shape], dtype));
    (node as Mutable<NodeBase>).outputs = outputs;
    this.changes++;
    if (before === undefined) {
      this.list.push(node);
    } else {
      const index = this.list.indexOf(before);
      if (index < 0) throw invalid(`'${before.name}' is not a node of this graph.`);
      this.list.splice(index, 0, node);
    }
    return node;
  }
}

const invalid = (message: string): TransformError =>
  new TransformError(message, {code: 'invalid-graph', transform: 'compile'});

/** The values of all inputs, in order. */
export const listOf = <T>(inputs: PerInput<T>): readonly T[] =>
  isList(inputs) ? inputs : Object.values(inputs);

/** The same for each input, by the same names. */
export function mapPerInput<T, R>(inputs: PerInput<T>, f: (input: T) => R): PerInput<R> {
  if (isList(inputs)) return inputs.map((input) => f(input));
  const mapped: Record<string, R> = {};
  for (const name of Object.keys(inputs)) mapped[name] = f(inputs[name]!);
  return mapped;
}

const isList = <T>(inputs: PerInput<T>): inputs is readonly T[] => Array.isArray(inputs);

/** `batchMatMul` for 'BatchMatMul'. */
const nameOf = (kernel: string): string => {
  const name = kernel.replace(/^_+/, '');
  return name[0]!.toLowerCase() + name.slice(1);
};

/** What may stand for a value in the code of a graph. */
function asIdentifier(name: string): string {
  // Nearly all names are ones that this function or `nameOf` made.
  if (/^[A-Za-z_$][A-Za-z0-9_$]*$/.test(name) && !reserved.has(name)) return name;
  const identifier = name.replace(/[^A-Za-z0-9_$]/g, '_').replace(/^(?=[0-9])/, '_');
  return identifier === '' || reserved.has(identifier) ? `${identifier}_` : identifier;
}

/** Names that the code of a graph gives to something else, and words of JavaScript that arguments are likely to be called. */
const reserved: ReadonlySet<string> = new Set(
  (
    'tf inputs constants run arguments await break case catch class const continue debugger default delete do else enum eval export extends ' +
    'false finally for function if implements import in instanceof interface let new null package private protected public return static super ' +
    'switch this throw true try typeof var void while with yield undefined NaN Infinity'
  ).split(' '),
);

/** Whether two specs are the same. */
export const sameSpec = (a: TensorSpec, b: TensorSpec): boolean =>
  a.dtype === b.dtype && sameShape(a.shape, b.shape);

/** A spec in text: `float32 [2, 3]`. */
export const showSpec = ({shape, dtype}: TensorSpec): string => `${dtype} ${showShape(shape)}`;
